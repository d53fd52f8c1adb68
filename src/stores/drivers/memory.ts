/** Calls and keys in memory: for the library and the edge, where nothing must outlive the process. */

import { invalidField } from "../../canonical/errors.ts";
import type { CallQuery, CallRecord, Store, StoredKey, UsageGroup, UsageQuery, UsageRow } from "../ports.ts";
import { boundedLimit, dayMs, dayText, hourMs, hourText, sortUsage } from "../usage-rows.ts";

/** Keeps the last `maxCalls` calls (10,000 unless said otherwise, about 10 MB); the oldest go first. */
export function memoryStore(options: { maxCalls?: number } = {}): Store {
  const maxCalls = options.maxCalls ?? 10_000;
  // A Map remembers the order of insertion: the first key is the oldest call.
  const calls = new Map<string, CallRecord>();
  /** By hash: that is how a call asks for one. */
  const keys = new Map<string, StoredKey>();

  return {
    append(records) {
      for (const record of records) {
        if (calls.has(record.id)) continue;
        calls.set(record.id, record);
        if (calls.size <= maxCalls) continue;
        const oldest = calls.keys().next();
        if (!oldest.done) calls.delete(oldest.value);
      }
    },
    async find(id) {
      const record = calls.get(id);
      return record && structuredClone(record);
    },
    async recent(query) {
      return newest(
        [...calls.values()].filter((record) => matches(record, query)),
        boundedLimit(query.limit),
      );
    },
    async usage(query) {
      return summarise(calls.values(), query);
    },
    async findKey(hash) {
      const key = keys.get(hash);
      return key && copyOf(key);
    },
    async listKeys() {
      return [...keys.values()].map(copyOf).sort((left, right) => left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1));
    },
    async addKey(key) {
      for (const other of keys.values()) {
        if (other.name === key.name && other.disabledAt === null)
          throw invalidField("name", "is taken by another key; disable that one first, or choose another name");
        if (other.id === key.id || other.hash === key.hash) throw invalidField("key", "is already stored");
      }
      keys.set(key.hash, copyOf(key));
    },
    async disableKey(id, at) {
      for (const key of keys.values()) {
        if (key.id !== id) continue;
        key.disabledAt ??= at;
        return true;
      }
      return false;
    },
    async check() {
      return "ok";
    },
    async close() {},
  };
}

function copyOf(key: StoredKey): StoredKey {
  return { ...key, models: key.models && [...key.models] };
}

function newest(records: CallRecord[], limit: number): CallRecord[] {
  records.sort((left, right) => right.startedAt - left.startedAt || (left.id < right.id ? 1 : -1));
  return records.slice(0, limit).map((record) => structuredClone(record));
}

function matches(record: CallRecord, query: Pick<CallQuery, "from" | "to" | "keyId" | "outcome">): boolean {
  if (query.from !== undefined && record.startedAt < query.from) return false;
  if (query.to !== undefined && record.startedAt >= query.to) return false;
  if (query.keyId !== undefined && record.keyId !== query.keyId) return false;
  return query.outcome === undefined || record.outcome === query.outcome;
}

/** A row under construction: sums first, means at the end. */
interface Sums {
  row: UsageRow;
  firstByteMs: number;
  firstBytes: number;
  durationMs: number;
  overheadMs: number;
}

function summarise(records: Iterable<CallRecord>, query: UsageQuery): UsageRow[] {
  const groups = new Map<string, Sums>();
  if (query.groupBy.length === 0) groups.set("[]", emptySums([]));
  for (const record of records) {
    if (!matches(record, { from: query.from, to: query.to, keyId: query.keyId })) continue;
    if (query.provider !== undefined && record.provider !== query.provider) continue;
    if (query.model !== undefined && record.model !== query.model) continue;
    const group = query.groupBy.map((kind) => groupText[kind](record));
    const name = JSON.stringify(group);
    let sums = groups.get(name);
    if (!sums) groups.set(name, (sums = emptySums(group)));
    add(sums, record);
  }
  return sortUsage([...groups.values()].map(finish), query.groupBy);
}

const groupText: Record<UsageGroup, (record: CallRecord) => string> = {
  model: (record) => (record.provider === null || record.model === null ? "" : `${record.provider}/${record.model}`),
  provider: (record) => record.provider ?? "",
  key: (record) => record.keyId ?? "",
  day: (record) => dayText(Math.floor(record.startedAt / dayMs)),
  hour: (record) => hourText(Math.floor(record.startedAt / hourMs)),
  session: (record) => record.session ?? "",
  outcome: (record) => record.outcome,
};

function emptySums(group: string[]): Sums {
  const row: UsageRow = {
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
  return { row, firstByteMs: 0, firstBytes: 0, durationMs: 0, overheadMs: 0 };
}

function add(sums: Sums, record: CallRecord): void {
  const { row } = sums;
  row.calls += 1;
  if (record.outcome === "error") row.errors += 1;
  if (record.outcome === "aborted") row.aborted += 1;
  row.input += record.input ?? 0;
  row.output += record.output ?? 0;
  row.cacheRead += record.cacheRead ?? 0;
  row.cacheWrite += record.cacheWrite ?? 0;
  row.reasoning += record.reasoning ?? 0;
  if (record.costPico === null) row.unpriced += 1;
  else row.costPico += BigInt(record.costPico);
  if (record.firstByteMs !== null) {
    sums.firstByteMs += record.firstByteMs;
    sums.firstBytes += 1;
  }
  sums.durationMs += record.durationMs;
  sums.overheadMs += record.overheadMs;
}

function finish({ row, firstByteMs, firstBytes, durationMs, overheadMs }: Sums): UsageRow {
  if (firstBytes > 0) row.meanFirstByteMs = firstByteMs / firstBytes;
  if (row.calls > 0) {
    row.meanDurationMs = durationMs / row.calls;
    row.meanOverheadMs = overheadMs / row.calls;
  }
  return row;
}
