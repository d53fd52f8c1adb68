/** For the tests of this folder: short requests, contexts and streams in the vendor's shapes. */

import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { ChatEvent, ChatRequest } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { EncodeContext, ReplyContext } from "../../codec.ts";
import { ResponsesDecoder } from "./decode-events.ts";
import { decodeRequest } from "./decode-request.ts";
import { ResponsesEncoder } from "./encode-events.ts";
import { encodeRequest } from "./encode-request.ts";

/** Decodes a client's body, with what every body needs filled in. */
export function decode(fields: JsonObject): ChatRequest {
  return decodeRequest({ model: "gpt-x", input: "hi", ...fields }, { headers: new Headers() });
}

export function decodeItems(...input: JsonObject[]): ChatRequest["messages"] {
  return decode({ input }).messages;
}

export interface Target {
  capabilities?: Capabilities;
  quirks?: Quirk[];
  origin?: string;
}

export interface Encoded {
  body: JsonObject;
  input: JsonObject[];
  /** `action field`, in order. */
  told: string[];
}

/** Encodes a canonical request, with what every request needs filled in. */
export function encode(fields: Partial<ChatRequest>, target: Target = {}): Encoded {
  const told: string[] = [];
  const context: EncodeContext = {
    capabilities: target.capabilities ?? {},
    quirks: new Set(target.quirks ?? []),
    origin: target.origin ?? "openai/gpt-x",
    warn: ({ action, field }) => told.push(`${action} ${field}`),
  };
  const body = encodeRequest(
    { model: "gpt-x", messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }], stream: false, ...fields },
    context,
  );
  return { body, input: body.input as JsonObject[], told };
}

/** What of a client's body reaches the vendor when it travels through the canonical language. */
export function roundTrip(fields: JsonObject, target: Target = {}): Encoded {
  return encode(decode(fields), target);
}

export const replyContext: ReplyContext = {
  callId: "hg_1",
  created: 7,
  model: "smart",
  includeUsage: true,
  origin: "vendor/model",
  customTools: new Set(["patch"]),
};

/** The events of a whole stream, its end included. */
export function decodeStream(...stream: JsonObject[]): ChatEvent[] {
  const decoder = new ResponsesDecoder();
  return [...stream.flatMap((data) => decoder.push({ event: String(data.type), data: JSON.stringify(data) })), ...decoder.end()];
}

/** The client's stream of these events, as the payloads of its frames. */
export function encodeStream(events: readonly ChatEvent[], context: Partial<ReplyContext> = {}): JsonObject[] {
  const encoder = new ResponsesEncoder({ ...replyContext, ...context });
  return payloads(events.map((event) => encoder.push(event)).join(""));
}

/** Payloads of a stream's text; throws when an `event:` line says something else than the payload. */
export function payloads(text: string): JsonObject[] {
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => {
      const [, name, data] = /^event: ([\w.]+)\ndata: (.*)$/.exec(event) ?? [];
      const payload = JSON.parse(data ?? "null") as JsonObject;
      if (payload.type !== name) throw new Error(`event ${String(name)} carries ${String(payload.type)}`);
      return payload;
    });
}

export const created: JsonObject = {
  type: "response.created",
  sequence_number: 0,
  response: { id: "resp_1", object: "response", created_at: 5, status: "in_progress", model: "gpt-x-1", output: [], usage: null },
};

export function completed(output: JsonObject[], more: JsonObject = {}): JsonObject {
  return {
    type: "response.completed",
    response: {
      id: "resp_1",
      object: "response",
      created_at: 5,
      status: "completed",
      model: "gpt-x-1",
      output,
      usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
      ...more,
    },
  };
}

export function added(index: number, item: JsonObject): JsonObject {
  return { type: "response.output_item.added", output_index: index, item };
}

export function done(index: number, item: JsonObject): JsonObject {
  return { type: "response.output_item.done", output_index: index, item };
}

export function message(id: string, ...texts: string[]): JsonObject {
  return {
    type: "message",
    id,
    role: "assistant",
    status: "completed",
    content: texts.map((text) => ({ type: "output_text", text, annotations: [] })),
  };
}

export function call(id: string, callId: string, name: string, args: string): JsonObject {
  return { type: "function_call", id, call_id: callId, name, arguments: args, status: "completed" };
}

/**
 * What a client may rely on in a stream, as far as one can say it in general: undefined when it holds, else what is broken.
 * Numbers in sequence, `created` first, every delta inside of its item and part, whole texts at the end, one ending, and the
 * same items in it as were done.
 */
export function brokenRule(stream: readonly JsonObject[]): string | undefined {
  const open = new Map<number, { item: JsonObject; parts: Map<string, string> }>();
  const finished: JsonObject[] = [];
  let next = 0;
  for (const [position, event] of stream.entries()) {
    const type = String(event.type);
    if (event.sequence_number !== position) return `${type} has number ${String(event.sequence_number)} at ${position}`;
    if ((position === 0) !== (type === "response.created")) return `${type} at ${position}`;
    const ending = type === "response.completed" || type === "response.incomplete" || type === "response.failed";
    if (ending !== (position === stream.length - 1)) return `${type} at ${position} of ${stream.length}`;
    if (ending) {
      if (type === "response.failed") continue;
      if (open.size > 0) return "an item is open at the end";
      const { output } = event.response as JsonObject;
      if (JSON.stringify(output) !== JSON.stringify(finished)) return "the final output is not what was done";
      continue;
    }
    if (typeof event.output_index !== "number") continue;
    const index = event.output_index;
    if (type === "response.output_item.added") {
      if (index !== next) return `item ${index} where ${next} was due`;
      next += 1;
      open.set(index, { item: event.item as JsonObject, parts: new Map() });
      continue;
    }
    const live = open.get(index);
    if (!live) return `${type} of an item that is not open`;
    if (type === "response.output_item.done") {
      const item = event.item as JsonObject;
      if (item.id !== live.item.id || item.type !== live.item.type || item.call_id !== live.item.call_id)
        return "an item that changed its name";
      if (!/^(?:rs|msg|fc|ctc|ig|it|ws)_/.test(String(item.id)) || String(item.id).length > 64 || item.id === item.call_id)
        return `an item called ${String(item.id)}`;
      finished[index] = item;
      open.delete(index);
      continue;
    }
    if (event.item_id !== live.item.id) return `${type} with another item's id`;
    const part = String(event.content_index ?? event.summary_index ?? "whole");
    if (type.endsWith("part.added")) live.parts.set(part, "");
    else if (type.endsWith(".delta")) {
      if (part !== "whole" && !live.parts.has(part)) return `${type} of a part that was not added`;
      live.parts.set(part, (live.parts.get(part) ?? "") + String(event.delta));
    } else if (/(?:text|refusal|arguments|input)\.done$/.test(type)) {
      const whole = event.text ?? event.refusal ?? event.arguments ?? event.input;
      if (whole !== (live.parts.get(part) ?? "")) return `${type} is not what the deltas said`;
    }
  }
  return undefined;
}
