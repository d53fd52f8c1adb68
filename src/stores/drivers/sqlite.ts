/** Calls and keys in one SQLite file: what a single machine needs, with nothing to install. */

import { resolve } from "node:path";
import { GatewayError, invalidField } from "../../canonical/errors.ts";
import type { Store, StoredKey } from "../ports.ts";
import { sortUsage } from "../usage-rows.ts";
import { isBusy, storageError } from "./sqlite-errors.ts";
import { openDatabase } from "./sqlite-open.ts";
import { callColumns, insertCall, insertKey, keyValues, readCall, readKey, type Row, writeCall } from "./sqlite-rows.ts";
import { SideThread } from "./sqlite-side.ts";
import { type Question, readUsage, recentQuestion, usageQuestion } from "./sqlite-usage.ts";

/**
 * Copying the log into the database held up the event loop for 12 to 16 ms at 4 MB of log, 34 to 45 ms at 16 MB and 87 to 118 ms at 64 MB,
 * so the side thread does it, after about this many new pages (4 KB each). Without a thread SQLite does it itself, as small and often.
 */
const checkpointPages = 1_000;
/**
 * Only a log that is copied to its end starts over, and under constant load the side thread never quite gets there: at 64 MB SQLite copies
 * the little that is left within a commit. All in all, at 6,000 calls a second for 15 seconds: 13 to 19 appends of over 3 ms and 0.2 s of stalls
 * with the thread, 66 to 78 appends and 0.7 to 0.9 s without it.
 */
const lastResortPages = 16_000;

/** A row costs a sum about 1 µs: up to here it is done at once, which spares small gateways the thread's 15 MB. */
const manyCalls = 5_000;

/** Another process that writes a key has the lock for less than a millisecond; one that has it longer must not hold up the event loop, and the ledger tries again. */
const lockWaitMs = 100;
/** Keys are written seldom and someone waits for them: their patience is longer, and off the event loop. */
const keyPatienceMs = 5_000;
const keyRetryMs = 20;

/** Opens or creates the database; `:memory:` gives one that lives as long as the store. Several processes may open the same file. */
export async function sqliteStore(options: { path: string }): Promise<Store> {
  // Resolved once: the side thread opens it later, when the working directory may be another.
  const path = options.path === ":memory:" ? options.path : resolve(options.path);
  const database = await openDatabase(path);
  database.exec(`PRAGMA busy_timeout = ${lockWaitMs}`);
  database.exec(`PRAGMA wal_autocheckpoint = ${lastResortPages}`);
  const side =
    path === ":memory:"
      ? undefined
      : new SideThread(path, () => !closed && database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`));
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const rollback = database.prepare("ROLLBACK");
  const insert = database.prepare(insertCall);
  const callById = database.prepare(`SELECT ${callColumns} FROM calls WHERE id = ?`);
  const keyByHash = database.prepare("SELECT * FROM keys WHERE hash = ?");
  const lastRow = database.prepare("SELECT max(rowid) AS number FROM calls");
  let closed = false;
  let pages = 0;
  /** Why the last write failed, until one succeeds. */
  let trouble: GatewayError | undefined;

  function failure(what: string, error: unknown): GatewayError {
    if (closed) return new GatewayError("storage_unavailable", `The database ${path} is closed.`, { cause: error });
    return storageError(what, path, error);
  }

  /** One transaction. Waits this long for the lock, and holds up the event loop meanwhile. */
  function write(what: string, run: () => void, waitMs = lockWaitMs): void {
    try {
      if (waitMs !== lockWaitMs) database.exec(`PRAGMA busy_timeout = ${waitMs}`);
      try {
        begin.run();
      } finally {
        if (waitMs !== lockWaitMs) database.exec(`PRAGMA busy_timeout = ${lockWaitMs}`);
      }
      run();
      commit.run();
      trouble = undefined;
    } catch (error) {
      try {
        rollback.run();
      } catch {
        // Most failures have already rolled back; then there is nothing left to undo.
      }
      const reason = failure(what, error);
      if (reason.code === "storage_unavailable") trouble = reason;
      throw reason;
    }
  }

  function read<Answer>(what: string, run: () => Answer): Answer {
    try {
      return run();
    } catch (error) {
      throw failure(what, error);
    }
  }

  async function writePatiently(what: string, run: () => void): Promise<void> {
    for (const deadline = performance.now() + keyPatienceMs; ;) {
      try {
        return write(what, run, 0);
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw error;
      }
      await new Promise((wake) => setTimeout(wake, keyRetryMs));
    }
  }

  /** What reads many rows is done on the side thread; without one, here. A thousand recent calls take 3 ms here, and 9 by way of the thread. */
  async function ask(what: string, question: Question): Promise<Row[]> {
    try {
      const many = side !== undefined && question.scans && ((lastRow.get()?.["number"] as number | null) ?? 0) > manyCalls;
      const rows = many ? await side.ask(question) : undefined;
      return rows ?? database.prepare(question.sql).all(...question.values);
    } catch (error) {
      throw failure(what, error);
    }
  }

  /** A commit writes at least one page of the table and of each index, and three to four rows fill another. */
  function countPages(rows: number): void {
    pages += 3 + rows / 4;
    if (pages < checkpointPages) return;
    // Not again before this one is done: several waiting in a row would copy nothing.
    pages = Number.NEGATIVE_INFINITY;
    void side?.checkpoint().then(() => (pages = 0));
  }

  return {
    append(records) {
      if (records.length === 0) return;
      write("write calls", () => {
        for (const record of records) writeCall(insert, record);
      });
      countPages(records.length);
    },
    async find(id) {
      const row = read("read a call", () => callById.get(id));
      return row && readCall(row);
    },
    async recent(query) {
      return (await ask("read calls", recentQuestion(query))).map(readCall);
    },
    async usage(query) {
      const rows = await ask("sum up calls", usageQuestion(query));
      return sortUsage(
        rows.map((row) => readUsage(row, query.groupBy)),
        query.groupBy,
      );
    },
    async findKey(hash) {
      const row = read("read a key", () => keyByHash.get(hash));
      return row && readKey(row);
    },
    async listKeys() {
      return read("read keys", () => database.prepare("SELECT * FROM keys ORDER BY created_at, id").all().map(readKey));
    },
    async addKey(key: StoredKey) {
      await writePatiently("write a key", () => {
        const taken = database.prepare("SELECT 1 FROM keys WHERE name = ? AND disabled_at IS NULL").get(key.name);
        if (taken) throw invalidField("name", "is taken by another key; disable that one first, or choose another name");
        database.prepare(insertKey).run(...keyValues(key));
      });
    },
    async disableKey(id, at) {
      let found = false;
      await writePatiently("disable a key", () => {
        found = Number(database.prepare("UPDATE keys SET disabled_at = coalesce(disabled_at, ?) WHERE id = ?").run(at, id).changes) === 1;
      });
      return found;
    },
    async check() {
      try {
        // A lock shows that writing is allowed; after a failure, only a real write shows that it works again, and this one always writes a page.
        write("write", () => trouble && database.exec("PRAGMA user_version = 1"));
        return "ok";
      } catch (error) {
        return (error as GatewayError).message;
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      await side?.close();
      // The last to close copies the log into the database and removes it. Doing so by hand would also hold up a server
      // that goes on writing when a command has read from its database.
      database.close();
    },
  };
}
