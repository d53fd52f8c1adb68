/** For the tests of this folder: short requests, contexts and streams in the vendor's shapes. */

import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { ChatEvent, ChatRequest } from "../../../canonical/chat.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import type { Door, EncodeContext, Frame, ReplyContext } from "../../codec.ts";
import { decodeEvents } from "./decode-events.ts";
import { decodeRequest } from "./decode-request.ts";
import { encodeEvents } from "./encode-events.ts";
import { encodeRequest } from "./encode-request.ts";

export function door(version?: string): Door {
  return { headers: new Headers(version === undefined ? {} : { "anthropic-version": version }) };
}

/** Decodes a client's body, with what every body needs filled in. */
export function decode(fields: JsonObject, version?: string): ChatRequest {
  return decodeRequest({ model: "claude-x", max_tokens: 100, messages: [{ role: "user", content: "hi" }], ...fields }, door(version));
}

export interface Target {
  capabilities?: Capabilities;
  quirks?: Quirk[];
  origin?: string;
}

export interface Encoded {
  body: JsonObject;
  warnings: Warning[];
  /** `action field`, in order. */
  told: string[];
}

/** Encodes a canonical request, with what every request needs filled in. */
export function encode(fields: Partial<ChatRequest>, target: Target = {}): Encoded {
  const warnings: Warning[] = [];
  const context: EncodeContext = {
    capabilities: target.capabilities ?? {},
    quirks: new Set(target.quirks ?? []),
    origin: target.origin ?? "anthropic/claude-x",
    warn: (warning) => warnings.push(warning),
  };
  const request: ChatRequest = {
    model: "claude-x",
    messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
    stream: false,
    ...fields,
  };
  const body = encodeRequest(request, context);
  return { body, warnings, told: warnings.map(({ action, field }) => `${action} ${field}`) };
}

/** What of a client's body reaches the vendor when it travels through the canonical language. */
export function roundTrip(fields: JsonObject, target: Target = {}): Encoded {
  return encode(decode(fields), target);
}

export const replyContext: ReplyContext = {
  callId: "hg_1",
  created: 1,
  model: "smart",
  includeUsage: true,
  origin: "vendor/model",
  customTools: new Set(),
};

export function frame(data: JsonObject): Frame {
  return { event: String(data.type), data: JSON.stringify(data) };
}

/** The events of a whole stream, its end included. */
export function decodeStream(...stream: JsonObject[]): ChatEvent[] {
  const decoder = decodeEvents();
  return [...stream.flatMap((data) => decoder.push(frame(data))), ...decoder.end()];
}

/** The client's stream of these events, as the payloads of its frames. */
export function encodeStream(...events: ChatEvent[]): JsonObject[] {
  const encoder = encodeEvents(replyContext);
  return payloads(events.map((event) => encoder.push(event)).join(""));
}

/** Payloads of a stream's text; throws when an `event:` line is missing or says something else than the payload. */
export function payloads(text: string): JsonObject[] {
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
      const payload = JSON.parse(data ?? "null") as JsonObject;
      if (payload.type !== name) throw new Error(`event ${String(name)} carries ${String(payload.type)}`);
      return payload;
    });
}

export const messageStart: JsonObject = {
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-x",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 43, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 },
  },
};
export const messageStop: JsonObject = { type: "message_stop" };

export function messageDelta(stopReason: Json, more: JsonObject = {}): JsonObject {
  return { type: "message_delta", delta: { stop_reason: stopReason, stop_sequence: null }, usage: { output_tokens: 9 }, ...more };
}

export function blockStart(index: number, block: JsonObject): JsonObject {
  return { type: "content_block_start", index, content_block: block };
}

export function blockDelta(index: number, delta: JsonObject): JsonObject {
  return { type: "content_block_delta", index, delta };
}

export function blockStop(index: number): JsonObject {
  return { type: "content_block_stop", index };
}

/** Undefined when the events obey the rules of blocks, else what is wrong with them. */
export function brokenRule(events: ChatEvent[]): string | undefined {
  const open = new Set<number>();
  let next = 0;
  let finished = 0;
  for (const [index, event] of events.entries()) {
    const last = index === events.length - 1;
    if ((event.type === "end" || event.type === "error") !== last) return `${event.type} at ${index} of ${events.length}`;
    if (event.type === "finish") finished += 1;
    if (event.type === "end" && finished !== 1) return `${finished} finishes`;
    if ((event.type === "end" || event.type === "error" || event.type === "finish") && open.size > 0) return "a block is open at the end";
    if (!("block" in event)) continue;
    if (event.type === "block-start") {
      if (event.block !== next) return `block ${event.block} where ${next} was due`;
      next += 1;
      open.add(event.block);
    } else if (!open.has(event.block)) return `${event.type} outside block ${event.block}`;
    if (event.type === "block-end") open.delete(event.block);
  }
  return undefined;
}
