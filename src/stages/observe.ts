/** The ledger's ear: hears how every call ended, also the failures, and has it on record before the client has the last byte. */

import { toGatewayError } from "../canonical/errors.ts";
import type { GatewayError } from "../canonical/errors.ts";
import type { CallRecord } from "../stores/ports.ts";
import type { Call, Outcome, Reply, Stage } from "./call.ts";

export const observe: Stage = async (call, next) => {
  let reply: Reply;
  try {
    reply = await next(call);
  } catch (thrown) {
    const error = toGatewayError(thrown);
    await call.house.keep(record(call, undefined, { error }));
    throw error;
  }
  const inner = reply.settle;
  reply.settle = async (outcome) => {
    await inner(outcome);
    await call.house.keep(record(call, reply, outcome));
  };
  return reply;
};

function record(call: Call, reply: Reply | undefined, outcome: Outcome): CallRecord {
  const { usage, error } = outcome;
  const target = reply?.target ?? call.target;
  const durationMs = call.house.clock.monotonic() - call.startedMono;
  const aborted = outcome.aborted === true || error?.code === "client_closed";
  return {
    id: call.id,
    startedAt: call.startedAt,
    keyId: call.principal?.keyId ?? null,
    keyName: call.principal?.keyName ?? null,
    operation: call.operation.name,
    clientFormat: call.format,
    requestedModel: call.model.slice(0, 200),
    provider: target?.provider.name ?? null,
    model: target?.model ?? null,
    servedModel: outcome.servedModel?.slice(0, 200) ?? null,
    providerFormat: reply?.format ?? null,
    stream: call.stream,
    verbatim: reply?.verbatim ?? false,
    status: aborted ? 499 : statusOf(reply, error),
    outcome: aborted ? "aborted" : error ? "error" : "ok",
    errorCode: error?.code ?? null,
    finish: outcome.finish?.reason ?? null,
    attempts: call.attempts,
    input: usage?.input ?? null,
    output: usage?.output ?? null,
    cacheRead: usage?.cacheRead ?? null,
    cacheWrite: usage?.cacheWrite ?? null,
    reasoning: usage?.reasoning ?? null,
    estimated: usage?.estimated ?? false,
    costPico: (usage && target?.cost(usage, call.startedAt)) ?? null,
    firstByteMs: reply ? round(reply.firstByteMs) : null,
    durationMs: round(durationMs),
    overheadMs: round(
      Math.max(0, reply && reply.kind !== "whole" && call.stream ? reply.firstByteMs - call.upstreamMs : durationMs - call.upstreamMs),
    ),
    warnings: call.warnings,
    session: call.session ?? null,
    tags: call.tags,
  };
}

/** A failure after the first byte was told inside a 200. */
function statusOf(reply: Reply | undefined, error: GatewayError | undefined): number {
  if (reply) return reply.kind === "relay" ? reply.status : 200;
  return error?.status ?? 500;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
