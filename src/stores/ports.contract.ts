/** What every store must do, whatever is beneath it: run by each driver's test. */

import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { isGatewayError } from "../canonical/errors.ts";
import type { CallQuery, CallRecord, Store, StoredKey, UsageGroup, UsageQuery, UsageRow } from "./ports.ts";

export interface StoreAbilities {
  /** Prepares one lasting place, and gives what opens it again and again. A store that forgets has none, and says why. */
  place: (() => Promise<() => Promise<Store>>) | { none: string };
}

/** `open` gives a new, empty store each time. */
export function storeContract(name: string, open: () => Promise<Store>, abilities: StoreAbilities): void {
  const opened: Store[] = [];
  const fresh = async (from: () => Promise<Store> = open): Promise<Store> => {
    const store = await from();
    opened.push(store);
    return store;
  };

  describe(`${name}: store contract`, () => {
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });

    test("an empty store answers everything", async () => {
      const store = await fresh();
      expect(await store.check()).toBe("ok");
      expect(await store.find("hg_none")).toBeUndefined();
      expect(await store.recent({ limit: 10 })).toEqual([]);
      expect(await store.usage({ groupBy: ["model"] })).toEqual([]);
      expect(await store.usage({ groupBy: [] })).toEqual([emptyRow([])]);
      expect(await store.findKey("00")).toBeUndefined();
      expect(await store.listKeys()).toEqual([]);
      expect(await store.disableKey("key_none", 1)).toBe(false);
      await store.append([]);
    });

    test("a call comes back as it was written, full and sparse", async () => {
      const store = await fresh();
      const full = callRecord("hg_full", fullCall);
      const sparse = callRecord("hg_sparse");
      await store.append([full, sparse]);
      expect(await store.find("hg_full")).toEqual(full);
      expect(await store.find("hg_sparse")).toEqual(sparse);
    });

    test("any text survives: NUL, emoji, quotes; a lone surrogate is kept or becomes U+FFFD", async () => {
      const store = await fresh();
      const texts = ["\0", "a\0b", "👩‍🚀 ok", "'); DROP TABLE calls; --", '"', "\ud800x", "x\udc00\0", "\u2028", "é".repeat(5000), ""];
      const records = texts.map((text, at) =>
        callRecord(`hg_${at}`, {
          requestedModel: text,
          provider: text,
          session: text,
          tags: [text],
          attempts: [{ target: text, status: 500, error: text, ms: 1.5, key: 0 }],
          warnings: [{ field: text, action: "dropped", reason: text }],
        }),
      );
      await store.append(records);
      for (const record of records) expect(wellFormed(await store.find(record.id))).toEqual(wellFormed(record));
      expect(await store.usage({ groupBy: [] })).toMatchObject([{ calls: texts.length }]);
    });

    test("a second record with the same id is ignored, in one batch and across", async () => {
      const store = await fresh();
      await store.append([callRecord("hg_1", { input: 1 }), callRecord("hg_1", { input: 2 })]);
      await store.append([callRecord("hg_1", { input: 3 }), callRecord("hg_2", { input: 4 })]);
      expect((await store.find("hg_1"))?.input).toBe(1);
      expect(await store.usage({ groupBy: [] })).toMatchObject([{ calls: 2, input: 5 }]);
    });

    test("recent gives the newest first, filtered, from `from` up to but without `to`", async () => {
      const store = await fresh();
      await store.append(
        [3, 1, 2, 5, 4].map((at) =>
          callRecord(`hg_${at}`, { startedAt: at * 1000, keyId: at % 2 === 0 ? "even" : null, outcome: at === 4 ? "error" : "ok" }),
        ),
      );
      const ids = async (query: Partial<CallQuery>) => (await store.recent({ limit: 10, ...query })).map((record) => record.id);
      expect(await ids({})).toEqual(["hg_5", "hg_4", "hg_3", "hg_2", "hg_1"]);
      expect(await ids({ limit: 2 })).toEqual(["hg_5", "hg_4"]);
      expect(await ids({ from: 2000, to: 4000 })).toEqual(["hg_3", "hg_2"]);
      expect(await ids({ keyId: "even" })).toEqual(["hg_4", "hg_2"]);
      expect(await ids({ outcome: "error" })).toEqual(["hg_4"]);
      expect(await ids({ keyId: "nobody" })).toEqual([]);
    });

    test("recent gives at most 1000, and nothing for a limit that is none", async () => {
      const store = await fresh();
      await store.append(Array.from({ length: 1100 }, (_, at) => callRecord(`hg_${at}`, { startedAt: at })));
      expect(await store.recent({ limit: 1_000_000 })).toHaveLength(1000);
      expect(await store.recent({ limit: 0 })).toEqual([]);
      expect(await store.recent({ limit: -1 })).toEqual([]);
      expect(await store.recent({ limit: Number.NaN })).toEqual([]);
    });

    test("a cost is exact beyond 2^53, and beyond 2^63", async () => {
      const store = await fresh();
      const most = Number.MAX_SAFE_INTEGER;
      await store.append(Array.from({ length: 1100 }, (_, at) => callRecord(`hg_${at}`, { costPico: most })));
      await store.append([
        callRecord("hg_million", { costPico: 1e15 }),
        callRecord("hg_one", { costPico: 1 }),
        callRecord("hg_unknown", { costPico: null }),
      ]);
      const [row] = await store.usage({ groupBy: [] });
      expect(row?.costPico).toBe(1100n * BigInt(most) + 1_000_000_000_000_001n);
      expect(row?.unpriced).toBe(1);
      expect((await store.find("hg_0"))?.costPico).toBe(most);
    });

    test("usage rows: dearest first, then busiest; time first runs forward", async () => {
      const store = await fresh();
      const day = (text: string) => Date.parse(`${text}T10:30:00Z`);
      await store.append([
        callRecord("hg_1", { provider: "a", startedAt: day("2026-03-02"), costPico: 5 }),
        callRecord("hg_2", { provider: "b", startedAt: day("2026-03-01"), costPico: 9 }),
        callRecord("hg_3", { provider: "c", startedAt: day("2026-02-28"), costPico: 5 }),
        callRecord("hg_4", { provider: "c", startedAt: day("2026-02-28"), costPico: null }),
        callRecord("hg_5", { provider: "d", model: null, startedAt: day("2026-02-28"), costPico: 1 }),
      ]);
      const groups = async (groupBy: UsageGroup[]) => (await store.usage({ groupBy })).map((row) => row.group.join("|"));
      expect(await groups(["provider"])).toEqual(["b", "c", "a", "d"]);
      expect(await groups(["model"])).toEqual(["b/mini", "c/mini", "a/mini", ""]);
      expect(await groups(["day", "provider"])).toEqual(["2026-02-28|c", "2026-02-28|d", "2026-03-01|b", "2026-03-02|a"]);
      expect(await groups(["hour"])).toEqual(["2026-02-28T10", "2026-03-01T10", "2026-03-02T10"]);
      expect(await groups(["provider", "day"])).toEqual(["b|2026-03-01", "c|2026-02-28", "a|2026-03-02", "d|2026-02-28"]);
    });

    test("usage is what a fold over the records gives", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(anyCall, { maxLength: 60, selector: (record) => record.id }),
          anyUsageQuery,
          async (records, query) => {
            const store = await open();
            try {
              await store.append(records);
              expect(await store.usage(query)).toEqual(foldUsage(records, query));
            } finally {
              await store.close();
            }
          },
        ),
        { numRuns: 60 },
      );
    });

    test("a key lives: added, found, listed, disabled, its name free again", async () => {
      const store = await fresh();
      const first = storedKey("1", { name: "ci", models: ["fast", "openai/*"], expiresAt: 9000 });
      await store.addKey(first);
      expect(await store.findKey(first.hash)).toEqual(first);

      const taken = await store.addKey(storedKey("2", { name: "ci" })).catch((error: unknown) => error);
      expect(isGatewayError(taken) && [taken.code, taken.field]).toEqual(["invalid_request", "name"]);

      expect(await store.disableKey(first.id, 5000)).toBe(true);
      expect(await store.disableKey(first.id, 6000)).toBe(true);
      const disabled = { ...first, disabledAt: 5000 };
      expect(await store.findKey(first.hash)).toEqual(disabled);

      const second = storedKey("3", { name: "ci", models: [], createdAt: 2000 });
      await store.addKey(second);
      expect(await store.listKeys()).toEqual([disabled, second]);
      await expect(store.addKey({ ...second, name: "other" })).rejects.toThrow();
      expect(await store.listKeys()).toHaveLength(2);
    });

    test("what is handed out is a copy", async () => {
      const store = await fresh();
      const key = storedKey("1", { models: ["fast"] });
      await store.addKey(key);
      await store.append([callRecord("hg_1", fullCall)]);
      (await store.findKey(key.hash))?.models?.push("all");
      (await store.find("hg_1"))?.tags.push("new");
      expect(await store.findKey(key.hash)).toEqual(key);
      expect((await store.find("hg_1"))?.tags).toEqual(fullCall.tags ?? []);
    });

    test("closing twice does no harm", async () => {
      const store = await open();
      await store.close();
      await store.close();
    });

    const place = abilities.place;
    describe.skipIf(typeof place !== "function")(`a lasting place${typeof place === "function" ? "" : ` (skipped: ${place.none})`}`, () => {
      const reopenable = async () => (typeof place === "function" ? place() : open);

      test("calls and keys are there after closing and opening again", async () => {
        const again = await reopenable();
        const before = await fresh(again);
        const key = storedKey("1");
        await before.append([callRecord("hg_1", fullCall)]);
        await before.addKey(key);
        await before.close();
        const after = await fresh(again);
        expect(await after.find("hg_1")).toEqual(callRecord("hg_1", fullCall));
        expect(await after.listKeys()).toEqual([key]);
        await after.append([callRecord("hg_1"), callRecord("hg_2")]);
        expect(await after.usage({ groupBy: [] })).toMatchObject([{ calls: 2 }]);
      });

      test("two connections see each other's work, and may both write", async () => {
        const again = await reopenable();
        const server = await fresh(again);
        const other = await fresh(again);
        for (let round = 0; round < 50; round++) {
          await server.append([callRecord(`hg_s${round}`), callRecord(`hg_both${round}`)]);
          await other.append([callRecord(`hg_o${round}`), callRecord(`hg_both${round}`)]);
        }
        const key = storedKey("1");
        await other.addKey(key);
        expect(await server.findKey(key.hash)).toEqual(key);
        await expect(server.addKey(storedKey("2", { name: key.name }))).rejects.toThrow();
        expect(await server.usage({ groupBy: [] })).toMatchObject([{ calls: 150 }]);
        await server.close();
        expect(await other.usage({ groupBy: [] })).toMatchObject([{ calls: 150 }]);
      });
    });
  });
}

/** A call with nothing but what must be there. */
export function callRecord(id: string, fields: Partial<CallRecord> = {}): CallRecord {
  return {
    id,
    startedAt: 1_763_740_800_000,
    keyId: null,
    keyName: null,
    operation: "chat",
    clientFormat: "openai/chat-completions",
    requestedModel: "fast",
    provider: "mock",
    model: "mini",
    servedModel: null,
    providerFormat: null,
    stream: false,
    verbatim: false,
    status: 200,
    outcome: "ok",
    errorCode: null,
    finish: null,
    attempts: [],
    input: null,
    output: null,
    cacheRead: null,
    cacheWrite: null,
    reasoning: null,
    estimated: false,
    costPico: null,
    firstByteMs: null,
    durationMs: 0,
    overheadMs: 0,
    warnings: [],
    session: null,
    tags: [],
    ...fields,
  };
}

export function storedKey(id: string, fields: Partial<StoredKey> = {}): StoredKey {
  return {
    id: `key_${id}`,
    name: `name-${id}`,
    hash: id.padStart(64, "0"),
    prefix: "hg-abc",
    models: null,
    createdAt: 1000,
    expiresAt: null,
    disabledAt: null,
    ...fields,
  };
}

const fullCall: Partial<CallRecord> = {
  startedAt: 1_763_740_800_123.25,
  keyId: "key_1",
  keyName: "ci",
  servedModel: "mini-2026-03-01",
  providerFormat: "anthropic/messages",
  stream: true,
  verbatim: true,
  status: 499,
  outcome: "aborted",
  errorCode: "client_closed",
  finish: "stop",
  attempts: [
    { target: "mock/big", status: 503, error: "provider_overloaded", ms: 12.5, key: 1 },
    { target: "mock/mini", status: 200, ms: 80.125 },
  ],
  input: 1200,
  output: 300,
  cacheRead: 1000,
  cacheWrite: 0,
  reasoning: 64,
  estimated: true,
  costPico: 1_234_567_890,
  firstByteMs: 312.4,
  durationMs: 1411.2,
  overheadMs: 0.42,
  warnings: [{ field: "logit_bias", action: "dropped", reason: "The model has none." }],
  session: "s-1",
  tags: ["team:a", "nightly"],
};

/** Lone surrogates have no UTF-8, so a database may store U+FFFD in their place. */
function wellFormed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null), (_key, inner: unknown) => (typeof inner === "string" ? inner.toWellFormed() : inner));
}

// ── records and questions at random ──────────────────────────────────────────────────────────────────────────

const names = fc.constantFrom("a", "b", "a/b", "", "é", "x\0y", "👩‍🚀", "A");
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null, freq: 4 });
const tokens = orNull(fc.nat(1_000_000_000));
/** Quarters add up exactly in any order, so that means can be compared for equality. */
const quarters = fc.nat(40_000_000).map((count) => count / 4);
const instants = fc.integer({ min: 1_763_700_000_000, max: 1_763_900_000_000 });

const anyCall: fc.Arbitrary<CallRecord> = fc
  .record({
    id: fc.uuid(),
    startedAt: fc.oneof(instants, fc.constantFrom(0, -1, 1_763_769_600_000, 1_763_769_599_999, 1_763_769_599_999.75)),
    keyId: orNull(names),
    provider: orNull(names),
    model: orNull(names),
    session: orNull(names),
    outcome: fc.constantFrom("ok" as const, "error" as const, "aborted" as const),
    input: tokens,
    output: tokens,
    cacheRead: tokens,
    cacheWrite: tokens,
    reasoning: tokens,
    costPico: orNull(fc.oneof(fc.maxSafeNat(), fc.nat(1000), fc.constant(1e15))),
    firstByteMs: orNull(quarters),
    durationMs: quarters,
    overheadMs: quarters,
  })
  .map((fields) => callRecord(fields.id, fields));

const anyUsageQuery: fc.Arbitrary<UsageQuery> = fc.record(
  {
    from: instants,
    to: instants,
    keyId: names,
    provider: names,
    model: names,
    groupBy: fc.shuffledSubarray<UsageGroup>(["model", "provider", "key", "day", "hour", "session", "outcome"]),
  },
  { requiredKeys: ["groupBy"] },
);

// ── the naive answer ─────────────────────────────────────────────────────────────────────────────────────────

function foldUsage(records: CallRecord[], query: UsageQuery): UsageRow[] {
  const wanted = records.filter(
    (record) =>
      (query.from === undefined || record.startedAt >= query.from) &&
      (query.to === undefined || record.startedAt < query.to) &&
      (query.keyId === undefined || record.keyId === query.keyId) &&
      (query.provider === undefined || record.provider === query.provider) &&
      (query.model === undefined || record.model === query.model),
  );
  const groups = new Map<string, CallRecord[]>();
  if (query.groupBy.length === 0) groups.set("[]", []);
  for (const record of wanted) {
    const name = JSON.stringify(query.groupBy.map((kind) => groupOf[kind](record)));
    groups.set(name, [...(groups.get(name) ?? []), record]);
  }
  const rows = [...groups].map(([name, members]) => sumUp(JSON.parse(name) as string[], members));
  const timeFirst = query.groupBy[0] === "day" || query.groupBy[0] === "hour";
  const compare = (left: string | undefined, right: string | undefined) =>
    Number((left ?? "") > (right ?? "")) - Number((left ?? "") < (right ?? ""));
  return rows.sort(
    (left, right) =>
      (timeFirst ? compare(left.group[0], right.group[0]) : 0) ||
      Number(right.costPico > left.costPico) - Number(right.costPico < left.costPico) ||
      right.calls - left.calls ||
      compare(left.group.join("\0"), right.group.join("\0")),
  );
}

const groupOf: Record<UsageGroup, (record: CallRecord) => string> = {
  model: ({ provider, model }) => (provider === null || model === null ? "" : `${provider}/${model}`),
  provider: (record) => record.provider ?? "",
  key: (record) => record.keyId ?? "",
  day: (record) => new Date(Math.floor(record.startedAt)).toISOString().slice(0, 10),
  hour: (record) => new Date(Math.floor(record.startedAt)).toISOString().slice(0, 13),
  session: (record) => record.session ?? "",
  outcome: (record) => record.outcome,
};

function sumUp(group: string[], records: CallRecord[]): UsageRow {
  const sum = (pick: (record: CallRecord) => number | null) => records.reduce((total, record) => total + (pick(record) ?? 0), 0);
  const firstBytes = records.filter((record) => record.firstByteMs !== null);
  return {
    ...emptyRow(group),
    calls: records.length,
    errors: records.filter((record) => record.outcome === "error").length,
    aborted: records.filter((record) => record.outcome === "aborted").length,
    input: sum((record) => record.input),
    output: sum((record) => record.output),
    cacheRead: sum((record) => record.cacheRead),
    cacheWrite: sum((record) => record.cacheWrite),
    reasoning: sum((record) => record.reasoning),
    costPico: records.reduce((total, record) => total + BigInt(record.costPico ?? 0), 0n),
    unpriced: records.filter((record) => record.costPico === null).length,
    meanFirstByteMs: firstBytes.length === 0 ? null : sum((record) => record.firstByteMs) / firstBytes.length,
    meanDurationMs: records.length === 0 ? 0 : sum((record) => record.durationMs) / records.length,
    meanOverheadMs: records.length === 0 ? 0 : sum((record) => record.overheadMs) / records.length,
  };
}

function emptyRow(group: string[]): UsageRow {
  return {
    group,
    calls: 0,
    errors: 0,
    aborted: 0,
    input: 0,
    output: 0,
    cacheRead: 0,
    cacheWrite: 0,
    reasoning: 0,
    costPico: 0n,
    unpriced: 0,
    meanFirstByteMs: null,
    meanDurationMs: 0,
    meanOverheadMs: 0,
  };
}
