/** Call records for tests. */

import { join } from "node:path";
import { openStore } from "../../stores/open.ts";
import type { CallRecord, Store } from "../../stores/ports.ts";
import { noon } from "./world.ts";

let count = 0;

export function callRecord(different: Partial<CallRecord> = {}): CallRecord {
  count += 1;
  return {
    id: `hg_test${count}`,
    startedAt: noon - 60_000,
    keyId: null,
    keyName: null,
    operation: "chat",
    clientFormat: "openai/chat-completions",
    requestedModel: "fast",
    provider: "openai",
    model: "gpt-5.4-mini",
    servedModel: null,
    providerFormat: "openai/chat-completions",
    stream: false,
    verbatim: true,
    status: 200,
    outcome: "ok",
    errorCode: null,
    finish: "stop",
    attempts: [{ target: "openai/gpt-5.4-mini", status: 200, ms: 300 }],
    input: 1000,
    output: 200,
    cacheRead: 0,
    cacheWrite: 0,
    reasoning: 0,
    estimated: false,
    costPico: 1_234_000_000,
    firstByteMs: 250,
    durationMs: 900,
    overheadMs: 0.4,
    warnings: [],
    session: null,
    tags: [],
    ...different,
  };
}

export const failedCall: Partial<CallRecord> = {
  status: 502,
  outcome: "error",
  errorCode: "provider_error",
  finish: null,
  input: null,
  output: null,
  costPico: null,
  firstByteMs: null,
};

/** Fills the usual database of a directory. */
export async function seed(directory: string, records: readonly CallRecord[], more?: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore(`sqlite:${join(directory, "headgate.db")}`);
  await store.append(records);
  await more?.(store);
  await store.close();
}
