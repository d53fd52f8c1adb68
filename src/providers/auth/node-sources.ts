/** Files, where the runtime has them. Loaded on first use, so that nothing else here needs more than web standards. */

import { readFile as read } from "node:fs/promises";
import { homedir } from "node:os";

/** The file's text, `~/` being the home directory; undefined when it does not exist. */
export async function readFile(path: string): Promise<string | undefined> {
  try {
    return await read(path.startsWith("~/") ? homedir() + path.slice(1) : path, "utf8");
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw cause;
  }
}
