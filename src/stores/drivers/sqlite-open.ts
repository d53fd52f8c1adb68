/** Opens the SQLite file, sets it up for one writer and many readers, and brings its tables up to date. */

import type { DatabaseSync } from "node:sqlite";
import { GatewayError } from "../../canonical/errors.ts";
import { migrations } from "./migrations.ts";
import { storageError } from "./sqlite-errors.ts";

/**
 * `node:sqlite` serves both runtimes: under Bun it is as fast as `bun:sqlite` (a bound value 0.03 µs in both, a row in batches
 * of 64 6.8 against 6.4 µs side by side on a busy machine, 1,000 rows read 2.5 against 2.2 ms), so no second library and no layer between.
 */
export async function openDatabase(path: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite").catch((error: unknown) => {
    throw new GatewayError(
      "not_supported",
      "This runtime has no SQLite (node:sqlite): use Node 22.13 or later, Bun 1.4 or later, or `database: memory:`.",
      { cause: error },
    );
  });
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    configure(database);
    migrate(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw storageError("start", path, error);
  }
}

function configure(database: DatabaseSync): void {
  // Long while starting, because another process may be migrating.
  database.exec("PRAGMA busy_timeout = 5000");
  database.exec("PRAGMA journal_mode = WAL");
  // A log that a slow reader has let grow is cut back when it starts over.
  database.exec("PRAGMA journal_size_limit = 67108864");
  // Under WAL, NORMAL loses nothing to a kill -9: a commit is in the system's page cache. Only power loss may take the last ones.
  database.exec("PRAGMA synchronous = NORMAL");
  database.exec("PRAGMA foreign_keys = ON");
  database.exec("PRAGMA trusted_schema = OFF");
}

/** All missing steps in one transaction: after a crash in the middle, the next start finds the old shape. */
function migrate(database: DatabaseSync, path: string): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT");
    const row = database.prepare("SELECT version FROM schema_version").get();
    const version = row === undefined ? 0 : (row["version"] as number);
    if (version > migrations.length) {
      throw new GatewayError(
        "not_supported",
        `The database ${path} was written by a newer Headgate (its schema is ${version}, this build knows ${migrations.length}): start the newer build, or point \`database\` to another file.`,
      );
    }
    for (const step of migrations.slice(version)) database.exec(step);
    if (row === undefined) database.prepare("INSERT INTO schema_version VALUES (?)").run(migrations.length);
    else if (version < migrations.length) database.prepare("UPDATE schema_version SET version = ?").run(migrations.length);
    database.exec("COMMIT");
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // Already rolled back by the failure itself.
    }
    throw error;
  }
}
