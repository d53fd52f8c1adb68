/** From the configuration's `database` line to a store. */

import { GatewayError } from "../canonical/errors.ts";
import type { Store } from "./ports.ts";

/**
 * Opens `sqlite:./headgate.db`, `sqlite::memory:` or `memory:`. Each driver is loaded only when it is asked for.
 *
 * @example
 * const store = await openStore("sqlite:./headgate.db");
 */
export async function openStore(url: string): Promise<Store> {
  const colon = url.indexOf(":");
  const scheme = colon < 0 ? url : url.slice(0, colon).toLowerCase();
  switch (scheme) {
    case "memory": {
      const { memoryStore } = await import("./drivers/memory.ts");
      return memoryStore();
    }
    case "sqlite": {
      const { sqliteStore } = await import("./drivers/sqlite.ts");
      return sqliteStore({ path: sqlitePath(url.slice(colon + 1)) });
    }
    default:
      // Only the scheme is named: what follows may hold a password.
      throw new GatewayError(
        "not_supported",
        `This build has no database driver for \`${scheme}:\`; it knows \`sqlite:./file.db\`, \`sqlite::memory:\` and \`memory:\`.`,
      );
  }
}

/** `./a.db`, `/var/a.db`, `//./a.db` and `///var/a.db`: people write all four. */
function sqlitePath(rest: string): string {
  const path = rest.startsWith("//") ? rest.slice(2) : rest;
  if (path === "")
    throw new GatewayError("invalid_request", "database: names no file; write for example `sqlite:./headgate.db`", { field: "database" });
  return path;
}
