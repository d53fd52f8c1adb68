/** Questions about many calls, as SQL: every text here is a constant, every value a parameter. */

import type { CallQuery, UsageGroup, UsageQuery, UsageRow } from "../ports.ts";
import { boundedLimit, dayMs, dayText, hourMs, hourText } from "../usage-rows.ts";
import { callColumns, type Row } from "./sqlite-rows.ts";

/** A statement and the values for its marks. */
export interface Question {
  sql: string;
  values: (string | number)[];
  /** It may read far more rows than it gives. */
  scans: boolean;
}

/** Days and hours are grouped as numbers, and written out once a group: `strftime` on each row costs more than the rest together. */
const groupColumn: Record<UsageGroup, string> = {
  model: "coalesce(provider || '/' || model, '')",
  provider: "coalesce(provider, '')",
  key: "coalesce(key_id, '')",
  day: `CAST(floor(started_at / ${dayMs}) AS REAL)`,
  hour: `CAST(floor(started_at / ${hourMs}) AS REAL)`,
  session: "coalesce(session, '')",
  outcome: "outcome",
};

/**
 * Exact at any size: the cost is summed in two halves, because one SUM fails beyond 2^63 pico-USD (9.2 million USD),
 * and both leave as text, because a half may exceed 2^53. Tokens are plain numbers, so `total`, which cannot overflow, does for them.
 */
const sums = `count(*) AS calls, count(CASE outcome WHEN 'error' THEN 1 END) AS errors, count(CASE outcome WHEN 'aborted' THEN 1 END) AS aborted,
  total(input) AS input, total(output) AS output, total(cache_read) AS cache_read, total(cache_write) AS cache_write, total(reasoning) AS reasoning,
  CAST(coalesce(sum(cost_pico / 1000000000), 0) AS TEXT) AS cost_high, CAST(coalesce(sum(cost_pico % 1000000000), 0) AS TEXT) AS cost_low,
  count(*) - count(cost_pico) AS unpriced, avg(first_byte_ms) AS mean_first_byte_ms,
  coalesce(avg(duration_ms), 0.0) AS mean_duration_ms, coalesce(avg(overhead_ms), 0.0) AS mean_overhead_ms`;

export function usageQuestion(query: UsageQuery): Question {
  const { clause, values } = where([
    ["started_at >= ?", query.from],
    ["started_at < ?", query.to],
    ["key_id = ?", query.keyId],
    ["provider = ?", query.provider],
    ["model = ?", query.model],
  ]);
  const columns = query.groupBy.map((kind, at) => `${groupColumn[kind]} AS group_${at}, `).join("");
  const groups = query.groupBy.map((_, at) => String(at + 1)).join(", ");
  return { sql: `SELECT ${columns}${sums} FROM calls${clause}${groups === "" ? "" : ` GROUP BY ${groups}`}`, values, scans: true };
}

export function recentQuestion(query: CallQuery): Question {
  const { clause, values } = where([
    ["started_at >= ?", query.from],
    ["started_at < ?", query.to],
    ["key_id = ?", query.keyId],
    ["outcome = ?", query.outcome],
  ]);
  return {
    sql: `SELECT ${callColumns} FROM calls${clause} ORDER BY started_at DESC, id DESC LIMIT ?`,
    values: [...values, boundedLimit(query.limit)],
    // The newest of all are a walk along the time index; those of one key or outcome are looked for in all of it.
    scans: query.keyId !== undefined || query.outcome !== undefined,
  };
}

function where(conditions: [text: string, value: string | number | undefined][]): { clause: string; values: Question["values"] } {
  const texts: string[] = [];
  const values: (string | number)[] = [];
  for (const [text, value] of conditions) {
    if (value === undefined) continue;
    texts.push(text);
    values.push(value);
  }
  return { clause: texts.length === 0 ? "" : ` WHERE ${texts.join(" AND ")}`, values };
}

export function readUsage(row: Row, groupBy: readonly UsageGroup[]): UsageRow {
  return {
    group: groupBy.map((kind, at) => groupText(kind, row[`group_${at}`])),
    calls: row["calls"] as number,
    errors: row["errors"] as number,
    aborted: row["aborted"] as number,
    input: row["input"] as number,
    output: row["output"] as number,
    cacheRead: row["cache_read"] as number,
    cacheWrite: row["cache_write"] as number,
    reasoning: row["reasoning"] as number,
    costPico: BigInt(row["cost_high"] as string) * 1_000_000_000n + BigInt(row["cost_low"] as string),
    unpriced: row["unpriced"] as number,
    meanFirstByteMs: row["mean_first_byte_ms"] as number | null,
    meanDurationMs: row["mean_duration_ms"] as number,
    meanOverheadMs: row["mean_overhead_ms"] as number,
  };
}

function groupText(kind: UsageGroup, value: unknown): string {
  if (kind === "day") return dayText(value as number);
  if (kind === "hour") return hourText(value as number);
  return value as string;
}
