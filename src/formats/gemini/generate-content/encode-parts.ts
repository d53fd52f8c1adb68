/** The parts of a reply in Gemini's words, for a client that speaks them. */

import type { AssistantPart, MediaPart, OpaqueState, ToolCallPart } from "../../../canonical/chat.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { ReplyContext } from "../../codec.ts";
import { toInputObject } from "./arguments.ts";
import { isMadeUp } from "./call-ids.ts";
import { format, own } from "./format.ts";
import { camel } from "./proto.ts";
import { encodeSignature } from "./state.ts";

/** What a part without content is written as: clients loop over `parts` without asking, and drop a turn that has none from their history. */
export const emptyPart: JsonObject = { text: "" };

/** Thoughts are shown on request only; a client that has not asked would print them as part of the answer. */
export function asksForThoughts(body: JsonObject | undefined): boolean {
  if (!body) return true;
  const { generationConfig } = camel(body);
  const { thinkingConfig } = isObject(generationConfig) ? camel(generationConfig) : {};
  return isObject(thinkingConfig) && camel(thinkingConfig).includeThoughts === true;
}

/** A complete part; undefined for one that says nothing here. */
export function encodePart(part: AssistantPart, context: ReplyContext, showsThoughts: boolean): JsonObject | undefined {
  switch (part.type) {
    case "text":
      if (part.text === "" && !part.state) return undefined;
      return signed({ text: part.text, ...own(part.extra) }, part.state, context);
    case "refusal":
      return part.text === "" ? undefined : { text: part.text };
    case "reasoning":
      return encodeThought(part.text, part.state, context, showsThoughts);
    case "tool-call":
      return encodeCall(part, context);
    case "media":
      return signed(encodeMedia(part), part.state, context);
    case "vendor":
      return part.format === format ? part.value : undefined;
  }
}

function signed(part: JsonObject, state: OpaqueState | undefined, context: ReplyContext): JsonObject {
  return state ? { ...part, thoughtSignature: encodeSignature(state, context.origin) } : part;
}

/** Always signed: the mark says who thought it, should the conversation go on with another model. State travels even where words do not. */
function encodeThought(text: string, state: OpaqueState | undefined, context: ReplyContext, shows: boolean): JsonObject | undefined {
  if (!state && (text === "" || !shows)) return undefined;
  if (shows) return { text, thought: true, thoughtSignature: encodeSignature(state, context.origin) };
  return { text: "", thought: true, thoughtSignature: encodeSignature(state, context.origin, text) };
}

/** Always signed, as Gemini wants its own signature back on a call, or the word that another model made it. */
function encodeCall(part: ToolCallPart, context: ReplyContext): JsonObject {
  const args = part.kind === "custom" ? { input: part.arguments } : toInputObject(part.arguments).input;
  const call: JsonObject = { ...(!isMadeUp(part.id) && part.id !== "" && { id: part.id }), name: part.name, args };
  return { functionCall: call, ...own(part.extra), thoughtSignature: encodeSignature(part.state, context.origin) };
}

/** The end of a block whose text has been written already: its signature, on an empty part of its kind. */
export function encodeEnd(kind: "text" | "reasoning", state: OpaqueState | undefined, context: ReplyContext): JsonObject | undefined {
  if (kind === "text") return state && signed(emptyPart, state, context);
  return { text: "", thought: true, thoughtSignature: encodeSignature(state, context.origin) };
}

function encodeMedia(part: MediaPart): JsonObject {
  const { source } = part;
  switch (source.kind) {
    case "base64":
      return { inlineData: { mimeType: source.mediaType, data: source.data } };
    case "text":
      return { text: source.text };
    case "url":
      return { fileData: { ...(source.mediaType !== undefined && { mimeType: source.mediaType }), fileUri: source.url } };
    case "id":
      if (source.format === format)
        return { fileData: { ...(source.mediaType !== undefined && { mimeType: source.mediaType }), fileUri: source.id } };
      return { text: part.transcript || `(${source.mediaType ?? "media"} that this format cannot carry)` };
  }
}
