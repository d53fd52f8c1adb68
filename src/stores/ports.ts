/** What the house asks of a database. Drivers implement it; one suite (`ports.contract.ts`) tests them all. */

import type { Warning } from "../canonical/warnings.ts";

/** One try at one target. */
export interface AttemptRecord {
  /** `provider/model`. */
  target: string;
  /** HTTP status from the provider, 0 when none came. */
  status: number;
  /** Our error code, absent when it succeeded. */
  error?: string | undefined;
  /** From sending to the first event, or to the failure. */
  ms: number;
  /** Which of the provider's keys, by position. */
  key?: number | undefined;
}

/** Everything that is kept about one call. Written once, when it is over. */
export interface CallRecord {
  /** Unique: a second record with the same id is ignored. */
  id: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** The caller's key; null when the gateway is open. */
  keyId: string | null;
  keyName: string | null;
  operation: string;
  clientFormat: string;
  /** The model as the client named it. */
  requestedModel: string;
  /** Who answered (or was tried last); null when no provider was called. */
  provider: string | null;
  model: string | null;
  /** The model as the provider named it in its answer. */
  servedModel: string | null;
  providerFormat: string | null;
  stream: boolean;
  /** The bytes travelled as they were. */
  verbatim: boolean;
  /** HTTP status to the client; 499 when it went away. */
  status: number;
  outcome: "ok" | "error" | "aborted";
  errorCode: string | null;
  finish: string | null;
  attempts: AttemptRecord[];
  /** Token counts as in `canonical/usage.ts`; null when unknown. */
  input: number | null;
  output: number | null;
  cacheRead: number | null;
  cacheWrite: number | null;
  reasoning: number | null;
  /** The counts are ours, not the provider's. */
  estimated: boolean;
  /** Integer pico-USD (1e-12 USD); null when the price is unknown. */
  costPico: number | null;
  /** From the request's arrival to the first byte of the answer's content. */
  firstByteMs: number | null;
  durationMs: number;
  /** The gateway's own part of the duration. */
  overheadMs: number;
  warnings: Warning[];
  session: string | null;
  tags: string[];
}

export type UsageGroup = "model" | "provider" | "key" | "day" | "hour" | "session" | "outcome";

export interface UsageQuery {
  /** Milliseconds since 1970, `[from, to)`. */
  from?: number | undefined;
  to?: number | undefined;
  /** In order; [] gives one row of totals. Days and hours are UTC. */
  groupBy: readonly UsageGroup[];
  keyId?: string | undefined;
  provider?: string | undefined;
  model?: string | undefined;
}

export interface UsageRow {
  /** One value for each of `groupBy`, in its order. Model groups read `provider/model`; null reads "". */
  group: string[];
  calls: number;
  errors: number;
  aborted: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  reasoning: number;
  /** Exact sum in pico-USD (may exceed 2^53, hence bigint). */
  costPico: bigint;
  /** Calls whose price is unknown: their cost is not in the sum. */
  unpriced: number;
  /** Mean over the calls that have one; null when none has. */
  meanFirstByteMs: number | null;
  meanDurationMs: number;
  meanOverheadMs: number;
}

export interface CallQuery {
  from?: number | undefined;
  to?: number | undefined;
  keyId?: string | undefined;
  outcome?: CallRecord["outcome"] | undefined;
  /** Newest first. At most 1000. */
  limit: number;
}

export interface CallStore {
  /** Writes all in one transaction; on return (or resolution) they survive a kill -9. Throws when they could not be written: then none was. */
  append(records: readonly CallRecord[]): void | Promise<void>;
  find(id: string): Promise<CallRecord | undefined>;
  recent(query: CallQuery): Promise<CallRecord[]>;
  usage(query: UsageQuery): Promise<UsageRow[]>;
}

/** A client's key as it is kept: never the key itself. */
export interface StoredKey {
  id: string;
  name: string;
  /** Lower-case hex of SHA-256 over the key's UTF-8 bytes. */
  hash: string;
  /** The first characters, to recognise it by. */
  prefix: string;
  /** Models it may ask for (names, `provider/*` patterns); null means all. */
  models: string[] | null;
  createdAt: number;
  expiresAt: number | null;
  disabledAt: number | null;
}

export interface KeyStore {
  /** Undefined when there is none; disabled and expired keys are returned as they are. */
  findKey(hash: string): Promise<StoredKey | undefined>;
  listKeys(): Promise<StoredKey[]>;
  /** Throws GatewayError `invalid_request` (field `name`) when the name is taken by a key that is not disabled. */
  addKey(key: StoredKey): Promise<void>;
  /** False when there is no such key. */
  disableKey(id: string, at: number): Promise<boolean>;
}

export interface Store extends CallStore, KeyStore {
  /** `ok`, or why not: for readiness. */
  check(): Promise<string>;
  close(): Promise<void>;
}
