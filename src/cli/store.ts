/** The database of a command: the one that the server of the same configuration writes to. */

import { stat } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { openStore } from "../stores/open.ts";
import type { Store } from "../stores/ports.ts";
import { CommandFailure } from "./exit.ts";
import type { World } from "./world.ts";

const defaultDatabase = "sqlite:./headgate.db";

/** For a driver: may hold a password, and is not for printing. */
export function databaseUrl(config: Pick<Config, "database">, directory?: string): string {
  const url = config.database?.reveal() ?? defaultDatabase;
  const path = sqliteFile(url);
  return directory === undefined || path === undefined || isAbsolute(path) ? url : `sqlite:${resolve(directory, path)}`;
}

/** For people. */
export function databaseName(config: Pick<Config, "database">): string {
  const url = config.database?.reveal() ?? defaultDatabase;
  return /^(?:sqlite|memory):/.test(url) ? url : `${url.slice(0, url.indexOf(":"))}:…`;
}

/** The file of a SQLite address; undefined for a database that is no file. */
export function sqliteFile(url: string): string | undefined {
  const match = /^sqlite:(?:\/\/)?(.+)$/.exec(url);
  return match?.[1] === undefined || match[1] === ":memory:" ? undefined : match[1];
}

/** Opens the database that a server keeps its records in, for a command beside it. Undefined: there is none yet. */
export async function openExisting(config: Config, world: World): Promise<Store | undefined> {
  const url = databaseUrl(config, world.directory);
  refuseVolatile(url);
  const file = sqliteFile(url);
  if (file !== undefined && !(await exists(file))) return undefined;
  return openStore(url);
}

/** As `openExisting`, but makes the database when there is none. */
export async function openOrCreate(config: Config, world: World): Promise<Store> {
  const url = databaseUrl(config, world.directory);
  refuseVolatile(url);
  return openStore(url);
}

function refuseVolatile(url: string): void {
  if (url.startsWith("memory:") || url === "sqlite::memory:") {
    throw new CommandFailure("The configured database lives in the memory of the server, where no other command can reach it.", {
      hint: "Configure one that lasts, such as `database: sqlite:./headgate.db`.",
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Opens, uses, closes. */
export async function withStore<Answer>(store: Store, use: (store: Store) => Promise<Answer>): Promise<Answer> {
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
