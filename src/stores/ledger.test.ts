import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../canonical/errors.ts";
import { memoryStore } from "./drivers/memory.ts";
import { Ledger, type LedgerOptions, type LedgerStore } from "./ledger.ts";
import { callRecord } from "./ports.contract.ts";
import type { CallRecord } from "./ports.ts";

/** Ticks and time that pass when the test says so. */
class World {
  readonly #deferred: (() => void)[] = [];
  readonly #timers = new Map<number, { at: number; run: () => void }>();
  #timerIds = 0;
  now = 0;

  readonly clock = {
    now: () => this.now,
    setTimeout: (run: () => void, ms: number) => {
      this.#timers.set(++this.#timerIds, { at: this.now + ms, run });
      return this.#timerIds;
    },
    clearTimeout: (timer: unknown) => void this.#timers.delete(timer as number),
  };
  readonly defer = (run: () => void) => void this.#deferred.push(run);

  get timers(): number {
    return this.#timers.size;
  }

  get untilTimer(): number {
    return Math.min(...[...this.#timers.values()].map((timer) => timer.at)) - this.now;
  }

  /** Ends the tick: what was deferred runs, and what was promised arrives, until nothing more happens. */
  async tick(): Promise<void> {
    do {
      for (const run of this.#deferred.splice(0)) run();
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      await new Promise((resolve) => setTimeout(resolve, 0));
    } while (this.#deferred.length > 0);
  }

  async pass(ms: number): Promise<void> {
    this.now += ms;
    for (const [id, timer] of this.#timers) {
      if (timer.at > this.now) continue;
      this.#timers.delete(id);
      timer.run();
    }
    await this.tick();
  }
}

/** A store whose moods the test sets. */
class MoodyStore implements LedgerStore {
  readonly batches: string[][] = [];
  readonly written = new Set<string>();
  /** The disk is full. */
  away = false;
  /** The disk is full, but a small write still fits. */
  healthy: boolean | undefined;
  bad = new Set<string>();
  badCode: "internal" | "storage_unavailable" = "internal";

  append(records: readonly CallRecord[]): void {
    this.batches.push(records.map((record) => record.id));
    if (this.away) throw new GatewayError("storage_unavailable", "The disk is full.");
    for (const { id } of records) if (this.bad.has(id)) throw new GatewayError(this.badCode, `Refused ${id}.`);
    for (const { id } of records) this.written.add(id);
  }
  async check(): Promise<string> {
    return (this.healthy ?? !this.away) ? "ok" : "The disk is full.";
  }
}

function setUp<Under extends LedgerStore>(store: Under, options: Partial<LedgerOptions> = {}) {
  const world = new World();
  const reports: { error: unknown; lost: number }[] = [];
  const ledger = new Ledger(store, {
    defer: world.defer,
    clock: world.clock,
    onError: (error, lost) => reports.push({ error, lost }),
    ...options,
  });
  const promisesOf = (...ids: string[]) => ids.map((id) => ledger.append(callRecord(id)));
  const add = (...ids: string[]): void => void promisesOf(...ids);
  return { world, ledger, store, reports, add, promisesOf };
}

async function isSettled(promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => true), new Promise<false>((resolve) => setTimeout(() => resolve(false), 5))]);
}

describe("a store that is well", () => {
  test("all appends of one tick are one transaction and share one promise", async () => {
    const { world, store, add, promisesOf, ledger } = setUp(new MoodyStore());
    const promises = promisesOf("1", "2", "3");
    expect(new Set(promises).size).toBe(1);
    expect(store.batches).toEqual([]);
    expect(ledger.stats).toEqual({ queued: 3, written: 0, failed: 0, dropped: 0 });
    await world.tick();
    expect(await isSettled(promises[0]!)).toBe(true);
    add("4");
    await world.tick();
    expect(store.batches).toEqual([["1", "2", "3"], ["4"]]);
    expect(ledger.stats).toEqual({ queued: 0, written: 4, failed: 0, dropped: 0 });
  });

  test("the promise does not resolve before the record is written", async () => {
    const { world, store, promisesOf } = setUp(new MoodyStore());
    const [promise] = promisesOf("1");
    let writtenThen = -1;
    void promise!.then(() => (writtenThen = store.written.size));
    await Promise.resolve();
    expect(writtenThen).toBe(-1);
    await world.tick();
    expect(writtenThen).toBe(1);
  });

  test("a long queue is written in pieces, in order", async () => {
    const { world, store, promisesOf } = setUp(new MoodyStore());
    const ids = Array.from({ length: 1234 }, (_, at) => String(at));
    const [promise] = promisesOf(...ids);
    await world.tick();
    expect(store.batches.map((batch) => batch.length)).toEqual([500, 500, 234]);
    expect([...store.written]).toEqual(ids);
    expect(await isSettled(promise!)).toBe(true);
  });

  test("flush and close wait for what was appended; later records are counted as dropped", async () => {
    const { world, store, add, promisesOf, ledger, reports } = setUp(new MoodyStore());
    await ledger.flush();
    add("1");
    const closed = ledger.close();
    await world.tick();
    await closed;
    expect([...store.written]).toEqual(["1"]);
    await Promise.all(promisesOf("2"));
    expect(ledger.stats).toEqual({ queued: 0, written: 1, failed: 0, dropped: 1 });
    expect(reports).toMatchObject([{ lost: 1 }]);
  });
});

describe("a store that takes its time", () => {
  /** Each transaction ends when the test says so. */
  class SlowStore implements LedgerStore {
    readonly batches: string[][] = [];
    readonly pending: PromiseWithResolvers<void>[] = [];
    append(records: readonly CallRecord[]): Promise<void> {
      this.batches.push(records.map((record) => record.id));
      this.pending.push(Promise.withResolvers<void>());
      return this.pending.at(-1)!.promise;
    }
  }

  test("one transaction is under way; what arrives meanwhile is the next", async () => {
    const { world, store, promisesOf, ledger } = setUp(new SlowStore());
    const [first] = promisesOf("1");
    await world.tick();
    const [second] = promisesOf("2");
    await world.tick();
    const [third] = promisesOf("3");
    await world.tick();
    expect(store.batches).toEqual([["1"]]);
    expect(ledger.stats.queued).toBe(3);

    store.pending[0]!.resolve();
    await world.tick();
    expect(store.batches).toEqual([["1"], ["2", "3"]]);
    expect(await isSettled(first!)).toBe(true);
    expect(await isSettled(second!)).toBe(false);
    expect(second).toBe(third);

    store.pending[1]!.resolve();
    await world.tick();
    expect(await isSettled(third!)).toBe(true);
    expect(ledger.stats).toEqual({ queued: 0, written: 3, failed: 0, dropped: 0 });
  });

  test("when it hangs, the queue is bounded: the oldest that wait are dropped", async () => {
    const { world, store, add, ledger, reports } = setUp(new SlowStore(), { maxQueued: 3 });
    add("1");
    await world.tick();
    add("2", "3", "4", "5");
    expect(ledger.stats).toEqual({ queued: 3, written: 0, failed: 0, dropped: 2 });
    expect(reports).toMatchObject([{ lost: 1 }]);
    store.pending[0]!.resolve();
    await world.tick();
    expect(store.batches).toEqual([["1"], ["4", "5"]]);
  });

  test("a rejection is a failed try", async () => {
    const { world, store, promisesOf, ledger } = setUp(new SlowStore());
    const [promise] = promisesOf("1");
    await world.tick();
    store.pending[0]!.reject(new Error("gone"));
    await world.tick();
    expect(await isSettled(promise!)).toBe(true);
    await world.pass(100);
    store.pending[1]!.resolve();
    await world.tick();
    expect(ledger.stats).toEqual({ queued: 0, written: 1, failed: 0, dropped: 0 });
  });
});

describe("a store that is away", () => {
  test("the calls go on after the first failed try, and everything is written when it is back", async () => {
    const { world, store, promisesOf, ledger, reports } = setUp(new MoodyStore());
    store.away = true;
    const [first] = promisesOf("1", "2");
    await world.tick();
    expect(await isSettled(first!)).toBe(true);
    expect(await isSettled(promisesOf("3")[0]!)).toBe(true);
    expect(store.batches).toHaveLength(1);
    expect(reports).toMatchObject([{ error: { code: "storage_unavailable" }, lost: 0 }]);

    store.away = false;
    await world.pass(100);
    expect([...store.written]).toEqual(["1", "2", "3"]);
    expect(ledger.stats).toEqual({ queued: 0, written: 3, failed: 0, dropped: 0 });
    expect(world.timers).toBe(0);
  });

  test("it is tried later and later, at least every thirty seconds", async () => {
    const { world, store, add } = setUp(new MoodyStore());
    store.away = true;
    add("1");
    await world.tick();
    const waits: number[] = [];
    for (let tries = 0; tries < 11; tries++) {
      waits.push(world.untilTimer);
      await world.pass(world.untilTimer);
    }
    expect(store.batches).toHaveLength(12);
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  });

  test("the queue is bounded: the oldest are dropped, counted, and reported once in a while", async () => {
    const { world, store, add, ledger, reports } = setUp(new MoodyStore(), { maxQueued: 10 });
    store.away = true;
    add("first");
    await world.tick();
    add(...Array.from({ length: 25 }, (_, at) => String(at)));
    expect(ledger.stats).toEqual({ queued: 10, written: 0, failed: 0, dropped: 16 });
    expect(reports).toHaveLength(1);

    store.away = false;
    await world.pass(100);
    expect([...store.written]).toEqual(["15", "16", "17", "18", "19", "20", "21", "22", "23", "24"]);
    expect(reports.slice(1)).toMatchObject([{ lost: 16 }]);
  });

  test("flush tries at once and does not wait for its return; close reports what is lost", async () => {
    const { world, store, add, ledger, reports } = setUp(new MoodyStore());
    store.away = true;
    add("1", "2");
    await world.tick();
    const flushed = ledger.flush();
    await world.tick();
    await flushed;
    expect(store.batches).toHaveLength(2);

    const closed = ledger.close();
    await world.tick();
    await closed;
    expect(ledger.stats).toEqual({ queued: 0, written: 0, failed: 0, dropped: 2 });
    expect(reports.at(-1)).toMatchObject({ lost: 2 });
    expect(world.timers).toBe(0);
  });

  test("a reporter that throws does not stop the ledger", async () => {
    const { world, store, add } = setUp(new MoodyStore(), {
      onError() {
        throw new Error("The log is full too.");
      },
    });
    store.away = true;
    add("1");
    await world.tick();
    store.away = false;
    await world.pass(100);
    expect([...store.written]).toEqual(["1"]);
  });
});

describe("a record that the store refuses", () => {
  test("is given up after its batch failed twice; the others are written", async () => {
    const { world, store, add, ledger, reports } = setUp(new MoodyStore());
    store.bad = new Set(["2", "4"]);
    add("1", "2", "3", "4", "5");
    await world.tick();
    expect(store.written.size).toBe(0);
    await world.pass(100);
    expect([...store.written]).toEqual(["1", "3", "5"]);
    expect(ledger.stats).toEqual({ queued: 0, written: 3, failed: 2, dropped: 0 });
    expect(reports.reduce((lost, report) => lost + report.lost, 0)).toBe(2);
    add("6");
    await world.tick();
    expect(store.written.has("6")).toBe(true);
  });

  test("is kept while the store itself is unwell", async () => {
    const { world, store, add, ledger } = setUp(new MoodyStore());
    store.bad = new Set(["1"]);
    store.healthy = false;
    add("1", "2");
    await world.tick();
    for (let tries = 0; tries < 5; tries++) await world.pass(30_000);
    expect(ledger.stats).toMatchObject({ queued: 2, failed: 0 });
    store.healthy = true;
    await world.pass(30_000);
    expect(ledger.stats).toEqual({ queued: 0, written: 1, failed: 1, dropped: 0 });
  });

  test("is not confused with a disk that is full although the check finds nothing", async () => {
    const { world, store, add, ledger } = setUp(new MoodyStore());
    store.away = true;
    store.healthy = true;
    const ids = Array.from({ length: 30 }, (_, at) => String(at));
    add(...ids);
    await world.tick();
    for (let tries = 0; tries < 5; tries++) await world.pass(30_000);
    expect(ledger.stats).toEqual({ queued: 30, written: 0, failed: 0, dropped: 0 });
    store.away = false;
    await world.pass(30_000);
    expect(store.written).toEqual(new Set(ids));
  });

  test("does not block the others even when the driver calls it an outage", async () => {
    const { world, store, add, ledger } = setUp(new MoodyStore());
    store.badCode = "storage_unavailable";
    store.bad = new Set(["a", "b", "c", "d", "e"]);
    add(...store.bad, "1", "2");
    await world.tick();
    for (let tries = 0; tries < 8; tries++) {
      await world.pass(30_000);
      add(`later ${tries}`);
    }
    // Its place in the queue may be behind some that fail: a try or two later it is written too.
    for (let tries = 0; tries < 2; tries++) await world.pass(30_000);
    expect([...store.written].sort()).toEqual(["1", "2", ...Array.from({ length: 8 }, (_, at) => `later ${at}`)]);
    expect(ledger.stats.queued + ledger.stats.failed).toBe(5);
  });
});

test("whatever happens, each record is written once, given up, dropped or still waiting, and no promise stays open", async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 3, arbitrary: fc.record({ pass: fc.constantFrom(50, 100, 400, 5_000, 30_000) }) },
    fc.record({ away: fc.boolean() }),
    fc.record({ healthy: fc.constantFrom(true, false, undefined) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 2, max: 30 }), fc.nat(7), async (steps, maxQueued, badEvery) => {
      const { world, store, ledger } = setUp(new MoodyStore(), { maxQueued });
      const promises: Promise<void>[] = [];
      let added = 0;
      for (const it of steps) {
        if ("add" in it)
          for (let count = 0; count < it.add; count++) {
            added += 1;
            if (badEvery > 0 && added % badEvery === 0) store.bad.add(String(added));
            promises.push(ledger.append(callRecord(String(added))));
          }
        else if ("pass" in it) await world.pass(it.pass);
        else if ("away" in it) store.away = it.away;
        else store.healthy = it.healthy;
        const { queued, written, failed, dropped } = ledger.stats;
        expect(queued + written + failed + dropped).toBe(added);
        expect(written).toBe(store.written.size);
        expect(queued).toBeLessThanOrEqual(maxQueued);
      }
      store.away = false;
      store.healthy = undefined;
      await world.tick();
      for (let tries = 0; tries < 4; tries++) await world.pass(30_000);
      expect(ledger.stats.queued).toBe(0);
      expect(ledger.stats.failed).toBeLessThanOrEqual(store.bad.size);
      for (const id of store.bad) expect(store.written.has(id)).toBe(false);
      await Promise.all(promises);
    }),
    { numRuns: 40 },
  );
}, 20_000);

test("over a real store, with the platform's own clock", async () => {
  const store = memoryStore();
  const ledger = new Ledger(store, { defer: (run) => void setTimeout(run, 0) });
  await ledger.append(callRecord("1"));
  expect(await store.find("1")).toBeDefined();
  await ledger.close();
});
