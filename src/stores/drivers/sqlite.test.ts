import { execFileSync, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type GatewayError, isGatewayError } from "../../canonical/errors.ts";
import type { CallRecord, Store } from "../ports.ts";
import { callRecord, storeContract, storedKey } from "../ports.contract.ts";
import { sqliteStore } from "./sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "headgate-sqlite-"));
let files = 0;
const newPath = () => join(folder, `${++files}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

storeContract("sqlite in memory", () => sqliteStore({ path: ":memory:" }), { place: { none: "it is gone when it is closed" } });
storeContract("sqlite in a file", () => sqliteStore({ path: newPath() }), {
  place: async () => {
    const path = newPath();
    return () => sqliteStore({ path });
  },
});

/** Runs the text in a process of its own, with the store's module and the contract's as `sqlite` and `contract`. */
const inProcess = (body: string) => [
  "-e",
  `(async () => {
    const sqlite = await import(${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)});
    const { writeSync } = require("node:fs");
    const record = ${callRecord.toString()};
    ${body}
  })()`,
];

async function failure(doing: Promise<unknown> | (() => unknown)): Promise<GatewayError> {
  try {
    await (typeof doing === "function" ? doing() : doing);
  } catch (error) {
    if (isGatewayError(error)) return error;
    throw error;
  }
  throw new Error("It did not fail.");
}

async function withStore(path: string, use: (store: Store) => Promise<void>): Promise<void> {
  const store = await sqliteStore({ path });
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

describe("writing", () => {
  test("a record that the database refuses takes its batch with it, and nothing else", async () => {
    await withStore(newPath(), async (store) => {
      const bad = [{ input: 1.5 }, { outcome: null as unknown as CallRecord["outcome"] }];
      for (const [at, fields] of bad.entries()) {
        const refused = await failure(() =>
          store.append([callRecord(`hg_a${at}`), callRecord(`hg_b${at}`, fields), callRecord(`hg_c${at}`)]),
        );
        expect(refused.code).toBe("internal");
        expect(refused.cause).toBeDefined();
      }
      expect(await store.usage({ groupBy: [] })).toMatchObject([{ calls: 0 }]);
      expect(await store.check()).toBe("ok");
      await store.append([callRecord("hg_good")]);
      expect(await store.find("hg_good")).toBeDefined();
    });
  });

  test("a closed store says so", async () => {
    const store = await sqliteStore({ path: newPath() });
    await store.close();
    expect(await store.check()).toContain("is closed");
    for (const doing of [
      () => store.append([callRecord("hg_1")]),
      () => store.usage({ groupBy: [] }),
      () => store.findKey("00"),
      () => store.addKey(storedKey("1")),
    ]) {
      expect(await failure(doing)).toMatchObject({ code: "storage_unavailable" });
    }
  });

  test("integers beyond 2^53 neither fail the write nor the reading of others", async () => {
    await withStore(newPath(), async (store) => {
      await store.append([callRecord("hg_1", { input: 2 ** 60, costPico: 2 ** 62 }), callRecord("hg_2", { costPico: 2 ** 62 })]);
      expect(await store.recent({ limit: 2 })).toMatchObject([{ id: "hg_2" }, { input: 2 ** 60, costPico: 2 ** 62 }]);
      expect(await store.usage({ groupBy: [] })).toMatchObject([{ costPico: 2n ** 63n }]);
    });
  });

  test("while another process holds the lock, append fails within half a second and works right after", async () => {
    const path = newPath();
    await withStore(path, async (store) => {
      const other = new DatabaseSync(path);
      other.exec("BEGIN IMMEDIATE");
      const begun = performance.now();
      const locked = await failure(() => store.append([callRecord("hg_1")]));
      expect(performance.now() - begun).toBeLessThan(500);
      expect(locked.code).toBe("storage_unavailable");
      expect(locked.message).toContain(path);
      expect(await store.check()).toContain("lock");
      other.exec("ROLLBACK");
      await store.append([callRecord("hg_1")]);
      expect(await store.check()).toBe("ok");
      other.close();
    });
  });

  test("a key waits for the lock without holding up the event loop", async () => {
    const path = newPath();
    await withStore(path, async (store) => {
      const other = new DatabaseSync(path);
      other.exec("BEGIN IMMEDIATE");
      const added = store.addKey(storedKey("1"));
      let longest = 0;
      for (let last = performance.now(), end = last + 400; last < end;) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
      }
      expect(longest).toBeLessThan(90);
      other.exec("COMMIT");
      await added;
      expect(await store.listKeys()).toHaveLength(1);
      other.close();
    });
  });

  test("the log is copied into the database while the store is open, and is gone when it is closed", async () => {
    const path = newPath();
    await withStore(path, async (store) => {
      for (let batch = 0; batch < 100; batch++) await store.append(Array.from({ length: 100 }, (_, at) => callRecord(`hg_${batch}_${at}`)));
      const deadline = performance.now() + 5000;
      while (statSync(path).size < 500_000 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(statSync(path).size).toBeGreaterThan(500_000);
    });
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test("with many calls, questions answered by the side thread and by this one agree", async () => {
    const path = newPath();
    await withStore(path, async (store) => {
      const records = Array.from({ length: 6000 }, (_, at) =>
        callRecord(`hg_${at}`, { startedAt: at, keyId: at % 3 === 0 ? "a\0b" : null, costPico: 2 ** 53 - 1 - at }),
      );
      await store.append(records);
      const expected = records.filter((record) => record.keyId !== null).reverse();
      expect(await store.recent({ limit: 5, keyId: "a\0b" })).toEqual(expected.slice(0, 5));
      const [row] = await store.usage({ groupBy: ["key"], keyId: "a\0b" });
      expect(row).toMatchObject({
        group: ["a\0b"],
        calls: 2000,
        costPico: expected.reduce((sum, record) => sum + BigInt(record.costPico ?? 0), 0n),
      });
    });
  });
});

describe("opening", () => {
  test("a file that is not a database is named, and left alone", async () => {
    const path = newPath();
    writeFileSync(path, "This is my novel. ".repeat(400));
    const refused = await failure(sqliteStore({ path }));
    expect(refused.code).toBe("storage_unavailable");
    expect(refused.message).toContain(path);
    expect(refused.message).toContain("not a SQLite database");
    expect(readFileSync(path, "utf8")).toBe("This is my novel. ".repeat(400));
  });

  test.each([
    ["cut", (path: string) => truncateSync(path, 5000)],
    [
      "overwritten",
      (path: string) =>
        writeFileSync(
          path,
          Buffer.concat([readFileSync(path).subarray(0, 100), Buffer.alloc(3996, 0xff), readFileSync(path).subarray(4096)]),
        ),
    ],
  ])("a damaged file is named, with what to do: %s", async (_how, damage) => {
    const path = newPath();
    await withStore(path, async (store) => store.append(Array.from({ length: 500 }, (_, at) => callRecord(`hg_${at}`))));
    damage(path);
    const refused = await failure(async () => {
      await withStore(path, async (store) => {
        await store.usage({ groupBy: ["model"] });
      });
    });
    expect(refused.code).toBe("storage_unavailable");
    expect(refused.message).toContain(path);
    expect(refused.message).toContain("restore a backup");
  });

  test("a folder that does not exist is named", async () => {
    const refused = await failure(sqliteStore({ path: join(folder, "nowhere", "a.db") }));
    expect(refused.code).toBe("storage_unavailable");
    expect(refused.message).toContain("check that its folder exists");
  });

  test("a database of a newer build is refused and left as it is", async () => {
    const path = newPath();
    await withStore(path, async (store) => store.append([callRecord("hg_1")]));
    const raw = new DatabaseSync(path);
    raw.exec("UPDATE schema_version SET version = 999");
    raw.close();
    const refused = await failure(sqliteStore({ path }));
    expect(refused.code).toBe("not_supported");
    expect(refused.message).toMatch(/newer Headgate.*999/);
  });

  test("a migration that was cut off is taken up again by the next start", async () => {
    const path = newPath();
    const raw = new DatabaseSync(path);
    raw.exec("CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT");
    raw.close();
    await withStore(path, async (store) => expect(await store.check()).toBe("ok"));
  });

  test("several processes may start at once on a new file", async () => {
    const path = newPath();
    const script = inProcess(`
      const store = await sqlite.sqliteStore({ path: ${JSON.stringify(path)} });
      for (let at = 0; at < 100; at++) store.append([record("hg_" + process.pid + "_" + at)]);
      await store.close();
    `);
    const codes = await Promise.all(
      [1, 2, 3].map(
        () => new Promise((resolve) => spawn(process.execPath, script, { stdio: ["ignore", "inherit", "inherit"] }).once("exit", resolve)),
      ),
    );
    expect(codes).toEqual([0, 0, 0]);
    await withStore(path, async (store) => expect(await store.usage({ groupBy: [] })).toMatchObject([{ calls: 300 }]));
  });
});

describe("misfortune", () => {
  test("every call that was acknowledged is there after kill -9", async () => {
    const path = newPath();
    const acknowledged = `${path}.ids`;
    const script = inProcess(`
      const store = await sqlite.sqliteStore({ path: ${JSON.stringify(path)} });
      for (let at = 0; ; at++) {
        const ids = Array.from({ length: 1 + (at % 7) * 10 }, (_, number) => "hg_" + process.pid + "_" + at + "_" + number);
        store.append(ids.map((id) => record(id)));
        writeSync(1, ids.join("\\n") + "\\n");
        if (at % 20 === 0) await new Promise(setImmediate);
      }
    `);
    let calls = 0;
    for (let round = 0; round < 5; round++) {
      const output = openSync(acknowledged, "w");
      const child = spawn(process.execPath, script, { stdio: ["ignore", output, "inherit"] });
      const ended = new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
      while (statSync(acknowledged).size === 0 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
      child.kill("SIGKILL");
      expect(await ended).toBe("SIGKILL");
      closeSync(output);
      // What stands behind the last line break was being written when the process died.
      const ids = readFileSync(acknowledged, "utf8").split("\n").slice(0, -1);
      expect(ids.length).toBeGreaterThan(0);
      await withStore(path, async (store) => {
        const missing: string[] = [];
        for (const id of ids) if (!(await store.find(id))) missing.push(id);
        expect(missing).toEqual([]);
        const [row] = await store.usage({ groupBy: [] });
        calls += ids.length;
        expect(row?.calls).toBeGreaterThanOrEqual(calls);
        calls = row?.calls ?? 0;
      });
    }
  }, 20_000);

  /** A limit on the size of files stands in for a full disk; `prlimit` lifts it again from outside. */
  const limiter = "prlimit";
  const canLimit = process.platform === "linux" && spawnSync(limiter, ["--version"]).status === 0;
  test.skipIf(!canLimit)("a full disk fails the append, loses nothing that was acknowledged, and is forgotten once there is room", () => {
    const path = newPath();
    const [flag, script] = inProcess(`
      const store = await sqlite.sqliteStore({ path: ${JSON.stringify(path)} });
      const rows = (name) => Array.from({ length: 50 }, (_, at) => record("hg_" + name + "_" + at, { requestedModel: "m".repeat(500) }));
      let written = 0, failed;
      while (!failed && written < 50_000) try { store.append(rows(written)); written += 50; } catch (error) { failed = error; }
      // A page may still fit where fifty rows did not: fill it up to the last.
      let sick = "ok";
      for (let at = 0; sick === "ok" && at < 20; at++) {
        try { store.append([record("hg_last_" + at)]); written++; } catch { sick = await store.check(); }
      }
      const [{ calls }] = await store.usage({ groupBy: [] });
      require("node:child_process").execFileSync("${limiter}", ["--pid", String(process.pid), "--fsize=unlimited"]);
      const well = await store.check();
      store.append(rows("after"));
      const [after] = await store.usage({ groupBy: [] });
      await store.close();
      console.log(JSON.stringify({ code: failed.code, message: failed.message, sick, well, lost: written - calls, gained: after.calls - calls }));
    `);
    // 1 MB: dash counts in units of 512 bytes, bash of 1024.
    const output = execFileSync(
      "sh",
      ["-c", `ulimit -S -f 2000; trap '' XFSZ; exec "$0" "$@"`, process.execPath, flag ?? "", script ?? ""],
      { encoding: "utf8" },
    );
    const answer = JSON.parse(output) as { code: string; message: string; sick: string; well: string; lost: number; gained: number };
    expect(answer).toMatchObject({ code: "storage_unavailable", well: "ok", lost: 0, gained: 50 });
    expect(answer.message).toContain(path);
    expect(answer.sick).not.toBe("ok");
  });
});
