/** For the tests of this folder: short requests, contexts and streams in the vendor's shapes. */

import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { ChatEvent, ChatRequest } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import type { Door, EncodeContext, ReplyContext } from "../../codec.ts";
import { decodeEvents } from "./decode-events.ts";
import { decodeRequest } from "./decode-request.ts";
import { encodeEvents } from "./encode-events.ts";
import { encodeRequest } from "./encode-request.ts";

export const signature = "CiQBDDnWx+Xp0gYVp4DFf7zu";
export const otherSignature = "EqUCCqICAb4+9vsh8Pd5taZV";

export const door: Door = { headers: new Headers(), model: "gemini-x", stream: false };

/** Decodes a client's body, with a question filled in where it has none. */
export function decode(fields: JsonObject): ChatRequest {
  return decodeRequest({ contents: [{ role: "user", parts: [{ text: "hi" }] }], ...fields }, door);
}

export interface Target {
  capabilities?: Capabilities;
  quirks?: Quirk[];
  origin?: string;
}

export interface Encoded {
  body: JsonObject;
  config: JsonObject;
  contents: JsonObject[];
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
    origin: target.origin ?? "gemini/gemini-x",
    warn: (warning) => warnings.push(warning),
  };
  const request: ChatRequest = {
    model: "gemini-x",
    messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
    stream: false,
    ...fields,
  };
  const body = encodeRequest(request, context);
  return {
    body,
    config: (body.generationConfig ?? {}) as JsonObject,
    contents: body.contents as JsonObject[],
    warnings,
    told: warnings.map(({ action, field }) => `${action} ${field}`),
  };
}

/** What of a client's body reaches the vendor when it travels through the canonical language. */
export function roundTrip(fields: JsonObject, target: Target = {}): Encoded {
  return encode(decode(fields), target);
}

export const replyContext: ReplyContext = {
  callId: "hg_1",
  created: 1_700_000_000,
  model: "smart",
  includeUsage: true,
  origin: "vendor/model",
  customTools: new Set(),
};

/** One frame with these parts. */
export function chunk(parts: JsonObject[], candidate: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return {
    candidates: [{ content: { parts, role: "model" }, ...candidate, index: 0 }],
    modelVersion: "gemini-x",
    responseId: "r1",
    ...more,
  };
}

/** The last frame, as the vendor sends it. */
export function last(finishReason = "STOP", parts: JsonObject[] = [{ text: "" }]): JsonObject {
  return chunk(
    parts,
    { finishReason },
    { usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 23, totalTokenCount: 217, thoughtsTokenCount: 185 } },
  );
}

/** The events of a whole stream, its end included. */
export function decodeStream(...frames: (JsonObject | string)[]): ChatEvent[] {
  const decoder = decodeEvents();
  const data = frames.map((frame) => (typeof frame === "string" ? frame : JSON.stringify(frame)));
  return [...data.flatMap((text) => decoder.push({ event: "", data: text })), ...decoder.end()];
}

/** The client's stream of these events, as the payloads of its frames. */
export function encodeStream(events: readonly ChatEvent[], context: ReplyContext = replyContext): JsonObject[] {
  const encoder = encodeEvents(context);
  return payloads(events.map((event) => encoder.push(event)).join(""));
}

export function payloads(text: string): JsonObject[] {
  return text
    .split("\n\n")
    .filter((event) => event.trim() !== "")
    .map((event) => JSON.parse(event.trim().replace(/^data: /, "")) as JsonObject);
}

/** All parts that a client is told, of one choice. */
export function partsOf(chunks: readonly JsonObject[], index = 0): JsonObject[] {
  return chunks.flatMap(({ candidates }) =>
    (candidates as JsonObject[])
      .filter((candidate) => candidate.index === index)
      .flatMap((candidate) => (candidate.content as { parts: JsonObject[] }).parts),
  );
}
