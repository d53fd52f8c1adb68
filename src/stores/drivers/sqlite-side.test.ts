import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "vitest";
import { SideThread } from "./sqlite-side.ts";

const folder = mkdtempSync(join(tmpdir(), "headgate-side-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function setUp(name: string) {
  const path = join(folder, `${name}.db`);
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE words (word TEXT)");
  const lost: string[] = [];
  const side = new SideThread(path, () => lost.push("lost"));
  return { path, database, side, lost };
}

test("questions are answered from another connection, each with its own answer", async () => {
  const { database, side, lost } = setUp("answers");
  database.exec("INSERT INTO words VALUES ('one'), ('two')");
  const ask = (word: string) => side.ask({ sql: "SELECT word FROM words WHERE word = ?", values: [word] });
  expect(await Promise.all([ask("two"), ask("one"), ask("three")])).toEqual([[{ word: "two" }], [{ word: "one" }], []]);
  await side.close();
  // Ended, not broken: the next question starts it again.
  expect(await ask("one")).toEqual([{ word: "one" }]);
  await side.close();
  expect(lost).toEqual([]);
});

test("a failing question rejects with SQLite's words and code, and the thread goes on", async () => {
  const { side, lost } = setUp("fails");
  await expect(side.ask({ sql: "SELECT absent", values: [] })).rejects.toMatchObject({ message: "no such column: absent", errcode: 1 });
  await expect(side.ask({ sql: "DELETE FROM words", values: [] })).rejects.toThrow();
  expect(await side.ask({ sql: "SELECT 1 AS one", values: [] })).toEqual([{ one: 1 }]);
  await side.close();
  expect(lost).toEqual([]);
});

test("a checkpoint copies the log", async () => {
  const { database, side } = setUp("checkpoint");
  database.exec("INSERT INTO words VALUES ('one')");
  await side.checkpoint();
  expect(database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get()).toMatchObject({ busy: 0 });
  const [state] = (await side.ask({ sql: "PRAGMA wal_checkpoint(PASSIVE)", values: [] })) ?? [];
  expect(state?.["checkpointed"]).toBe(state?.["log"]);
  await side.close();
});

test("a thread that cannot start is reported once, and every answer is undefined", async () => {
  const lost: string[] = [];
  const side = new SideThread(join(folder, "nowhere", "a.db"), () => lost.push("lost"));
  expect(await side.ask({ sql: "SELECT 1", values: [] })).toBeUndefined();
  expect(await side.ask({ sql: "SELECT 1", values: [] })).toBeUndefined();
  await side.checkpoint();
  await side.close();
  expect(lost).toEqual(["lost"]);
});
