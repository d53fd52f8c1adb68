/** For the tests of this folder: contexts, lines and round trips. */

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
    origin: "local/m",
    warn: (warning) => warnings.push(warning),
  };
  const body = encodeRequest({ model: "m", messages: [user("Hi")], stream: false, ...request }, context);
  // As it travels: numbers kept whole are numbers only once written.
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

export function assistant(...content: AssistantPart[]): Message {
  return { role: "assistant", content };
}

export function call(id: string, name: string, args = "{}"): AssistantPart {
  return { type: "tool-call", id, name, kind: "function", arguments: args };
}

export function result(...results: [callId: string, text: string][]): Message {
  return { role: "tool", content: results.map(([callId, text]) => ({ type: "tool-result", callId, content: [{ type: "text", text }] })) };
}

/** One line of a stream, as the server writes it. */
export function line(message: JsonObject, more: JsonObject = {}): JsonObject {
  return {
    model: "m",
    created_at: "2025-10-26T17:15:24.097767Z",
    message: { role: "assistant", content: "", ...message },
    done: false,
    ...more,
  };
}

export function last(reason: string | undefined = "stop", more: JsonObject = {}): JsonObject {
  return line({}, { done: true, ...(reason !== "" && { done_reason: reason }), prompt_eval_count: 26, eval_count: 8, ...more });
}

export function decode(lines: readonly (JsonObject | string)[]): ChatEvent[] {
  const decoder = new ChatDecoder();
  const events = lines.flatMap((one) => decoder.push({ event: "", data: typeof one === "string" ? one : JSON.stringify(one) }));
  return [...events, ...decoder.end()];
}

export function foldLines(lines: readonly (JsonObject | string)[]): ChatReply {
  return fold(decode(lines));
}

export function partsOf(lines: readonly (JsonObject | string)[]): AssistantPart[] {
  return foldLines(lines).choices[0]?.content ?? [];
}
