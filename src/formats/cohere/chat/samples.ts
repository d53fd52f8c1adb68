/** For the tests of this folder: contexts, events and round trips. */

import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { AssistantPart, ChatEvent, ChatReply, ChatRequest, Message } from "../../../canonical/chat.ts";
import { fold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import type { EncodeContext } from "../../codec.ts";
import { ChatDecoder } from "./decode-events.ts";
import { encodeRequest } from "./encode-request.ts";

export interface Encoded {
  body: JsonObject;
  messages: JsonObject[];
  warnings: Warning[];
  /** The fields that were warned about, each with what was done. */
  disclosed: string[];
}

export function encode(request: Partial<ChatRequest>, options: { capabilities?: Capabilities; quirks?: Quirk[] } = {}): Encoded {
  const warnings: Warning[] = [];
  const context: EncodeContext = {
    capabilities: options.capabilities ?? {},
    quirks: new Set(options.quirks),
    origin: "vendor/m",
    warn: (warning) => warnings.push(warning),
  };
  const body = encodeRequest({ model: "m", messages: [user("Hi")], stream: false, ...request }, context);
  return {
    body,
    messages: body["messages"] as JsonObject[],
    warnings,
    disclosed: warnings.map(({ field, action }) => `${action} ${field}`),
  };
}

export function encodeMessages(messages: Message[], options: { capabilities?: Capabilities; quirks?: Quirk[] } = {}): Encoded {
  return encode({ messages }, options);
}

export function user(text: string): Message {
  return { role: "user", content: [{ type: "text", text }] };
}

export function system(text: string): Message {
  return { role: "system", content: [{ type: "text", text }] };
}

export function assistant(...content: AssistantPart[]): Message {
  return { role: "assistant", content };
}

export function call(id: string, name: string, args = "{}"): AssistantPart {
  return { type: "tool-call", id, name, kind: "function", arguments: args };
}

export function result(...results: [callId: string, text: string][]): Message {
  return { role: "tool", content: results.map(([callId, text]) => ({ type: "tool-result", callId, content: [{ type: "text", text }] })) };
}

// ── events as the vendor writes them ─────────────────────────────────────────────────────────────────────────

export const start: JsonObject = {
  id: "2941521a-b87a",
  type: "message-start",
  delta: { message: { role: "assistant", content: [], tool_plan: "", tool_calls: [], citations: [] } },
};

export const counts: JsonObject = {
  billed_units: { input_tokens: 12, output_tokens: 7 },
  tokens: { input_tokens: 507, output_tokens: 10 },
  cached_tokens: 448,
};

export function end(reason = "COMPLETE", more: JsonObject = {}): JsonObject {
  return { type: "message-end", delta: { finish_reason: reason, usage: counts, ...more } };
}

export function content(type: "text" | "thinking", pieces: readonly string[], index = 0): JsonObject[] {
  return [
    { type: "content-start", index, delta: { message: { content: { type, [type]: "" } } } },
    ...pieces.map((piece) => ({ type: "content-delta", index, delta: { message: { content: { [type]: piece } } } })),
    { type: "content-end", index },
  ];
}

export function plan(...pieces: string[]): JsonObject[] {
  return pieces.map((piece) => ({ type: "tool-plan-delta", delta: { message: { tool_plan: piece } } }));
}

export function toolCall(index: number, name: string, pieces: readonly string[], id = `${name}_e8p4pn45zt0${index}`): JsonObject[] {
  return [
    { type: "tool-call-start", index, delta: { message: { tool_calls: { id, type: "function", function: { name, arguments: "" } } } } },
    ...pieces.map((piece) => ({ type: "tool-call-delta", index, delta: { message: { tool_calls: { function: { arguments: piece } } } } })),
    { type: "tool-call-end", index },
  ];
}

export function citation(index: number, raw: JsonObject): JsonObject[] {
  return [
    { type: "citation-start", index, delta: { message: { citations: raw } } },
    { type: "citation-end", index },
  ];
}

export function decode(events: readonly (JsonObject | string)[]): ChatEvent[] {
  const decoder = new ChatDecoder();
  const told = events.flatMap((event) => decoder.push({ event: "", data: typeof event === "string" ? event : JSON.stringify(event) }));
  return [...told, ...decoder.end()];
}

export function foldEvents(events: readonly (JsonObject | string)[]): ChatReply {
  return fold(decode(events));
}

export function partsOf(events: readonly (JsonObject | string)[]): AssistantPart[] {
  return foldEvents(events).choices[0]?.content ?? [];
}
