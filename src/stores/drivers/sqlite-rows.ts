/** How calls and keys lie in SQLite: column order, the values bound, the records read back. */

import type { StatementSync } from "node:sqlite";
import type { CallRecord, StoredKey } from "../ports.ts";

/** A row as the database hands it out: text, numbers and nulls only, see the column types in `migrations.ts`. */
export type Row = Record<string, unknown>;

/** `DO NOTHING` on the id alone: `INSERT OR IGNORE` would also swallow a NOT NULL failure, and lose a record in silence. */
export const insertCall = `INSERT INTO calls VALUES (${Array.from({ length: 31 }, () => "?").join(",")}) ON CONFLICT (id) DO NOTHING`;

/** Integers are read as REAL: an integer beyond 2^53 would make node:sqlite refuse the whole answer; below it nothing changes. */
export const callColumns = `id, started_at, key_id, key_name, operation, client_format, requested_model, provider, model, served_model, provider_format,
  stream, verbatim, status, outcome, error_code, finish, attempts, CAST(input AS REAL) AS input, CAST(output AS REAL) AS output,
  CAST(cache_read AS REAL) AS cache_read, CAST(cache_write AS REAL) AS cache_write, CAST(reasoning AS REAL) AS reasoning, estimated,
  CAST(cost_pico AS REAL) AS cost_pico, first_byte_ms, duration_ms, overhead_ms, warnings, session, tags`;

/** In the order of the table's columns. Written out: an array spread into `run` costs Bun 0.2 to 0.4 µs more a row. */
export function writeCall(insert: StatementSync, record: CallRecord): void {
  insert.run(
    record.id,
    record.startedAt,
    record.keyId,
    record.keyName,
    record.operation,
    record.clientFormat,
    record.requestedModel,
    record.provider,
    record.model,
    record.servedModel,
    record.providerFormat,
    record.stream ? 1 : 0,
    record.verbatim ? 1 : 0,
    record.status,
    record.outcome,
    record.errorCode,
    record.finish,
    listText(record.attempts),
    record.input,
    record.output,
    record.cacheRead,
    record.cacheWrite,
    record.reasoning,
    record.estimated ? 1 : 0,
    record.costPico,
    record.firstByteMs,
    record.durationMs,
    record.overheadMs,
    listText(record.warnings),
    record.session,
    listText(record.tags),
  );
}

/** Most lists are empty: null instead of `[]` saves the text. */
function listText(list: readonly unknown[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

function readList<Item>(value: unknown): Item[] {
  return value === null ? [] : (JSON.parse(value as string) as Item[]);
}

export function readCall(row: Row): CallRecord {
  return {
    id: row["id"] as string,
    startedAt: row["started_at"] as number,
    keyId: row["key_id"] as string | null,
    keyName: row["key_name"] as string | null,
    operation: row["operation"] as string,
    clientFormat: row["client_format"] as string,
    requestedModel: row["requested_model"] as string,
    provider: row["provider"] as string | null,
    model: row["model"] as string | null,
    servedModel: row["served_model"] as string | null,
    providerFormat: row["provider_format"] as string | null,
    stream: row["stream"] === 1,
    verbatim: row["verbatim"] === 1,
    status: row["status"] as number,
    outcome: row["outcome"] as CallRecord["outcome"],
    errorCode: row["error_code"] as string | null,
    finish: row["finish"] as string | null,
    attempts: readList(row["attempts"]),
    input: row["input"] as number | null,
    output: row["output"] as number | null,
    cacheRead: row["cache_read"] as number | null,
    cacheWrite: row["cache_write"] as number | null,
    reasoning: row["reasoning"] as number | null,
    estimated: row["estimated"] === 1,
    costPico: row["cost_pico"] as number | null,
    firstByteMs: row["first_byte_ms"] as number | null,
    durationMs: row["duration_ms"] as number,
    overheadMs: row["overhead_ms"] as number,
    warnings: readList(row["warnings"]),
    session: row["session"] as string | null,
    tags: readList(row["tags"]),
  };
}

export const insertKey =
  "INSERT INTO keys (id, name, hash, prefix, models, created_at, expires_at, disabled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

export function keyValues(key: StoredKey): (string | number | null)[] {
  const models = key.models === null ? null : JSON.stringify(key.models);
  return [key.id, key.name, key.hash, key.prefix, models, key.createdAt, key.expiresAt, key.disabledAt];
}

export function readKey(row: Row): StoredKey {
  const models = row["models"] as string | null;
  return {
    id: row["id"] as string,
    name: row["name"] as string,
    hash: row["hash"] as string,
    prefix: row["prefix"] as string,
    models: models === null ? null : (JSON.parse(models) as string[]),
    createdAt: row["created_at"] as number,
    expiresAt: row["expires_at"] as number | null,
    disabledAt: row["disabled_at"] as number | null,
  };
}
