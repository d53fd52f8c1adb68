/** A reply becomes the response that the client's own SDK understands: verbatim where both sides speak one format, translated elsewhere. */

import type { GatewayError } from "../canonical/errors.ts";
import { fold } from "../canonical/fold.ts";
import type { ChatEvent } from "../canonical/chat.ts";
import { formatWarning } from "../canonical/warnings.ts";
import type { ReplyContext } from "../formats/codec.ts";
import type { Dialect } from "../formats/operation.ts";
import type { Call, ChatCall, RelayReply, Reply, StreamReply, WholeReply } from "../stages/call.ts";
import { TranslatedFlow, VerbatimFlow } from "./outflow.ts";
import { RelayFlow } from "./relay-flow.ts";
import type { Outflow } from "./outflow.ts";

/** How a runtime makes a response body out of an outflow. */
export type ToStream = (flow: Outflow) => ReadableStream<Uint8Array>;

export function answer(call: ChatCall, reply: Reply, toStream: ToStream): Response | Promise<Response> {
  switch (reply.kind) {
    case "whole":
      return answerWhole(call, reply);
    case "stream":
      return answerStream(call, reply, toStream);
    case "relay":
      return answerRelay(call, reply, toStream);
  }
}

/** What another operation brought: handed on with its own status and type. */
export async function answerRelay(call: Call, reply: RelayReply, toStream: ToStream): Promise<Response> {
  const { body } = reply;
  const headers = replyHeaders(call, reply, reply.passes, reply.contentType ?? "");
  if (reply.contentType === undefined) delete headers["content-type"];
  if (typeof body === "object" && "read" in body) {
    headers["x-accel-buffering"] = "no";
    return new Response(toStream(new RelayFlow(reply, body)), { status: reply.status, headers });
  }
  await reply.settle(reply.outcome);
  costHeader(call, reply, headers);
  return new Response(body ?? null, { status: reply.status, headers });
}

function costHeader(call: Call, reply: WholeReply | RelayReply, headers: Record<string, string>): void {
  const cost = reply.outcome.usage && reply.target.cost(reply.outcome.usage, call.startedAt);
  if (cost !== undefined) headers["x-headgate-cost-usd"] = formatUsd(cost);
}

async function answerWhole(call: ChatCall, reply: WholeReply): Promise<Response> {
  const text = reply.verbatim ? reply.text : translateWhole(call, reply);
  await reply.settle(reply.outcome);
  const headers = replyHeaders(call, reply, reply.spoken.codec.replyHeaders, call.stream ? streamType(call) : "application/json");
  costHeader(call, reply, headers);
  return new Response(text, { headers });
}

function translateWhole(call: ChatCall, reply: WholeReply): string {
  const context = replyContext(call, reply);
  const { events } = reply;
  if (!call.stream) return JSON.stringify(call.codec.client.encodeReply(fold(events), context));
  const encoder = call.codec.client.encodeEvents(context);
  let out = "";
  for (const event of closed(events)) out += encoder.push(event);
  return out;
}

/** A whole reply's events need not say that they are over. */
function closed(events: ChatEvent[]): ChatEvent[] {
  return events.at(-1)?.type === "end" ? events : [...events, { type: "end" }];
}

function answerStream(call: ChatCall, reply: StreamReply, toStream: ToStream): Response {
  const flow = reply.verbatim ? new VerbatimFlow(call, reply) : new TranslatedFlow(call, reply, replyContext(call, reply));
  const headers = replyHeaders(call, reply, reply.spoken.codec.replyHeaders, streamType(call));
  headers["cache-control"] = "no-cache, no-transform";
  headers["x-accel-buffering"] = "no";
  return new Response(toStream(flow), { headers });
}

function streamType(call: ChatCall): string {
  return call.codec.client.streamType ?? "text/event-stream; charset=utf-8";
}

function replyContext(call: ChatCall, reply: WholeReply | StreamReply): ReplyContext {
  const request = call.request();
  const custom = request.tools?.filter((tool) => tool.kind === "custom").map((tool) => tool.name);
  return {
    callId: call.id,
    created: Math.floor(call.startedAt / 1000),
    model: call.model,
    includeUsage: request.includeUsage ?? false,
    origin: reply.target.name,
    customTools: new Set(custom),
    body: call.body,
  };
}

function replyHeaders(call: Call, reply: Reply, passes: readonly string[], contentType: string): Record<string, string> {
  const { target } = reply;
  const clock = call.house.clock;
  const spent = reply.kind !== "whole" && call.stream ? reply.firstByteMs : clock.monotonic() - call.startedMono;
  const headers: Record<string, string> = {
    "content-type": contentType,
    "x-headgate-request-id": call.id,
    "x-headgate-provider": target.provider.name,
    "x-headgate-model": headerSafe(target.model),
    "x-headgate-attempts": String(call.attempts.length),
    "x-headgate-overhead-ms": Math.max(0, spent - call.upstreamMs).toFixed(2),
  };
  if (call.warnings.length > 0) headers["x-headgate-warnings"] = call.warnings.slice(0, 10).map(formatWarning).join("; ");
  forwardHeaders(reply, passes, headers);
  return headers;
}

/** The vendor's request id and rate limits: under their own names to a client of the same format, else prefixed. */
function forwardHeaders(reply: Reply, prefixes: readonly string[], into: Record<string, string>): void {
  const ownName = reply.verbatim;
  reply.headers.forEach((value, name) => {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) return;
    into[ownName ? name : `x-headgate-upstream-${name}`] = value;
  });
}

/** The error in the client's format. */
export function answerError(dialect: Dialect, error: GatewayError, callId: string, attempts = 0): Response {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-headgate-request-id": callId,
    "x-headgate-error": error.code,
  };
  if (attempts > 0) headers["x-headgate-attempts"] = String(attempts);
  if (error.retryAfterMs !== undefined) headers["retry-after"] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  else if (error.status === 503) headers["retry-after"] = "1";
  // The rest of such a body is not waited for.
  if (error.status === 413 || error.status === 408) headers["connection"] = "close";
  // The official SDKs retry 408, 409, 429 and 5xx on their own unless told that it is of no use.
  if (!error.retryable) headers["x-should-retry"] = "false";
  return new Response(JSON.stringify(dialect.encodeError(error, callId)), { status: error.status, headers });
}

/** Pico-USD as plain decimal dollars: `0.000123`. */
export function formatUsd(pico: number): string {
  return (pico / 1e12).toFixed(12).replace(/0+$/, "").replace(/\.$/, "");
}

function headerSafe(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
