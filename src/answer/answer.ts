/** A reply becomes the response that the client's own SDK understands: verbatim where both sides speak one format, translated elsewhere. */

import type { GatewayError } from "../canonical/errors.ts";
import { fold } from "../canonical/fold.ts";
import type { ChatEvent } from "../canonical/chat.ts";
import { formatWarning } from "../canonical/warnings.ts";
import type { ClientCodec, ReplyContext } from "../formats/codec.ts";
import type { Call, Reply, StreamReply, WholeReply } from "../stages/call.ts";
import { TranslatedFlow, VerbatimFlow } from "./outflow.ts";
import type { Outflow } from "./outflow.ts";

/** How a runtime makes a response body out of an outflow. */
export type ToStream = (flow: Outflow) => ReadableStream<Uint8Array>;

export function answer(call: Call, reply: Reply, toStream: ToStream): Response | Promise<Response> {
  return reply.kind === "whole" ? answerWhole(call, reply) : answerStream(call, reply, toStream);
}

async function answerWhole(call: Call, reply: WholeReply): Promise<Response> {
  const text = reply.verbatim ? reply.text : translateWhole(call, reply);
  await reply.settle(reply.outcome);
  const headers = replyHeaders(call, reply, call.stream ? streamType(call) : "application/json");
  const cost = reply.outcome.usage && reply.target.cost(reply.outcome.usage, call.startedAt);
  if (cost !== undefined) headers["x-headgate-cost-usd"] = formatUsd(cost);
  return new Response(text, { headers });
}

function translateWhole(call: Call, reply: WholeReply): string {
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

function answerStream(call: Call, reply: StreamReply, toStream: ToStream): Response {
  const flow = reply.verbatim ? new VerbatimFlow(call, reply) : new TranslatedFlow(call, reply, replyContext(call, reply));
  const headers = replyHeaders(call, reply, streamType(call));
  headers["cache-control"] = "no-cache, no-transform";
  headers["x-accel-buffering"] = "no";
  return new Response(toStream(flow), { headers });
}

function streamType(call: Call): string {
  return call.codec.client.streamType ?? "text/event-stream; charset=utf-8";
}

function replyContext(call: Call, reply: Reply): ReplyContext {
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

function replyHeaders(call: Call, reply: Reply, contentType: string): Record<string, string> {
  const { target } = reply;
  const clock = call.house.clock;
  const spent = reply.kind === "stream" ? reply.firstByteMs : clock.monotonic() - call.startedMono;
  const headers: Record<string, string> = {
    "content-type": contentType,
    "x-headgate-request-id": call.id,
    "x-headgate-provider": target.provider.name,
    "x-headgate-model": headerSafe(target.model),
    "x-headgate-attempts": String(call.attempts.length),
    "x-headgate-overhead-ms": Math.max(0, spent - call.upstreamMs).toFixed(2),
  };
  if (call.warnings.length > 0) headers["x-headgate-warnings"] = call.warnings.slice(0, 10).map(formatWarning).join("; ");
  forwardHeaders(reply, headers);
  return headers;
}

/** The vendor's request id and rate limits: under their own names to a client of the same format, else prefixed. */
function forwardHeaders(reply: Reply, into: Record<string, string>): void {
  const prefixes = reply.spoken.codec.replyHeaders;
  const ownName = reply.verbatim;
  reply.headers.forEach((value, name) => {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) return;
    into[ownName ? name : `x-headgate-upstream-${name}`] = value;
  });
}

/** The error in the client's format. */
export function answerError(codec: ClientCodec, error: GatewayError, callId: string, attempts = 0): Response {
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
  return new Response(JSON.stringify(codec.client.encodeError(error, callId)), { status: error.status, headers });
}

/** Pico-USD as plain decimal dollars: `0.000123`. */
export function formatUsd(pico: number): string {
  return (pico / 1e12).toFixed(12).replace(/0+$/, "").replace(/\.$/, "");
}

function headerSafe(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
