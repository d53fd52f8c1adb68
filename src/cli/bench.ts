/** `headgate bench`: hands over to the benchmark, where the installation has it. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandFailure } from "./exit.ts";

export async function benchCommand(words: readonly string[]): Promise<number> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const main = join(root, "bench", "main.ts");
  if (!existsSync(main))
    throw new CommandFailure("The benchmark is not part of the installed package.", {
      hint: "It is in the repository: clone it, then `npm install && npm run bench`.",
    });
  if (process.versions["bun"] === undefined)
    throw new CommandFailure("The benchmark runs on Bun, and this is Node.", {
      hint: "Start it with `headgate bench` or `npm run bench`.",
    });
  const child = spawn(process.execPath, [main, ...words], { stdio: "inherit", cwd: root });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
