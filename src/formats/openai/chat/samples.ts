/** For the tests of this folder: short chunks, contexts and round trips. */

import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { AssistantPart, ChatEvent, ChatReply, ChatRequest } from "../../../canonical/chat.ts";
import { fold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import type { Door, EncodeContext, ReplyContext } from "../../codec.ts";
import { ChatDecoder } from "./decode-events.ts";
import { decodeRequest } from "./decode-request.ts";
import { encodeRequest } from "./encode-request.ts";

export const door: Door = { headers: new Headers() };

export const replyContext: ReplyContext = {
  callId: "hg_1",
  created: 1_700_000_000,
  model: "smart",
  includeUsage: true,
  origin: "vendor/model",
  customTools: new Set(),
};

/** One chunk with one choice. */
export function chunk(delta: JsonObject, finish?: string, more: JsonObject = {}): JsonObject {
  return {
    id: "c-1",
    object: "chat.completion.chunk",
    created: 5,
    model: "m",
    choices: [{ index: 0, delta, finish_reason: finish ?? null }],
    ...more,
  };
}

/** The events of a stream: chunks, or raw data. Unless told otherwise it ends with [DONE]. */
export function decodeStream(payloads: readonly (JsonObject | string)[], options: { quirks?: Quirk[]; done?: boolean } = {}): ChatEvent[] {
  const decoder = new ChatDecoder(new Set(options.quirks));
  const events: ChatEvent[] = [];
  for (const payload of payloads)
    events.push(...decoder.push({ event: "", data: typeof payload === "string" ? payload : JSON.stringify(payload) }));
  if (options.done !== false) events.push(...decoder.push({ event: "", data: "[DONE]" }));
  events.push(...decoder.end());
  return events;
}

export function foldStream(payloads: readonly (JsonObject | string)[], options: { quirks?: Quirk[]; done?: boolean } = {}): ChatReply {
  return fold(decodeStream(payloads, options));
}

/** The blocks of the first choice. */
export function partsOf(payloads: readonly (JsonObject | string)[], options: { quirks?: Quirk[]; done?: boolean } = {}): AssistantPart[] {
  return foldStream(payloads, options).choices[0]?.content ?? [];
}

export interface Encoded {
  body: JsonObject;
  messages: JsonObject[];
  warnings: Warning[];
  /** `action field`, in order. */
  told: string[];
}

export interface Target {
  quirks?: Quirk[];
  capabilities?: Capabilities;
  origin?: string;
}

/** Encodes a canonical request, with what every request needs filled in. */
export function encode(fields: Partial<ChatRequest>, target: Target = {}): Encoded {
  const warnings: Warning[] = [];
  const context: EncodeContext = {
    capabilities: target.capabilities ?? {},
    quirks: new Set(target.quirks),
    origin: target.origin ?? "vendor/model",
    warn: (warning) => warnings.push(warning),
  };
  const request: ChatRequest = {
    model: "m",
    messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
    stream: false,
    ...fields,
  };
  const body = encodeRequest(request, context);
  return { body, messages: body["messages"] as JsonObject[], warnings, told: warnings.map(({ action, field }) => `${action} ${field}`) };
}

/** Decodes a client's body, with what every body needs filled in. */
export function decode(fields: JsonObject): ChatRequest {
  return decodeRequest({ model: "m", messages: [{ role: "user", content: "Hi" }], ...fields }, door);
}

/** What of a client's body reaches the vendor when it travels through the canonical language. */
export function translate(fields: JsonObject, target: Target = {}): Encoded {
  return encode(decode(fields), target);
}
