/** Finished output items: the same for a whole reply and at the end of each one in a stream. */

import type { Citation, Extra, MediaPart, OpaqueState, ToolCallPart, VendorPart } from "../../../canonical/chat.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { ReplyContext } from "../../codec.ts";
import { writeCitation } from "./citations.ts";
import type { Span } from "./citations.ts";
import { format, own } from "./format.ts";
import { mint, paragraph, saysSo, stateItem } from "./state.ts";
import type { Carried } from "./state.ts";

// ── reasoning ────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Every reasoning item carries encrypted content: the state that its vendor wants back, or at least whose it is, so that it is
 * known again. A vendor's own item of this format goes the same way, because its id is known too late for a stream, and because
 * the client would send it to whichever provider answers next, which may not be the one that can read it.
 */
export function reasoningItem(id: string, summary: readonly string[], state: OpaqueState | undefined, context: ReplyContext): JsonObject {
  const carried: Carried = { origin: context.origin };
  if (state && !isRewritten(state, summary.join(paragraph))) carried.state = { ...state, origin: state.origin ?? context.origin };
  return {
    id,
    type: "reasoning",
    summary: summary.map((text) => ({ type: "summary_text", text })),
    encrypted_content: mint(carried),
  };
}

/** Somebody on the way has changed the words: an item that holds the old ones must not travel on. */
function isRewritten(state: OpaqueState, text: string): boolean {
  const item = stateItem(state, text);
  return item !== undefined && !saysSo(item, text);
}

/** An item that is nothing but what it carries: the state of a text or a call before it, or another format's block. */
export function carrierItem(id: string, carried: Carried): JsonObject {
  return { id, type: "reasoning", summary: [], encrypted_content: mint(carried) };
}

/** What a call or a text has that the format has no field for. */
export function carriedBy(
  on: "text" | "tool-call",
  part: { state?: OpaqueState | undefined; extra?: Extra | undefined },
  context: ReplyContext,
): Carried | undefined {
  const { state, extra } = part;
  const foreign = extra && extra.format !== format ? extra : undefined;
  if (!state && !foreign) return undefined;
  return { on, ...(state && { state: { ...state, origin: state.origin ?? context.origin } }), ...(foreign && { extra: foreign }) };
}

export function carriedVendor(part: VendorPart): Carried {
  return { vendor: { type: "vendor", format: part.format, value: part.value } };
}

// ── message ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface TextContent {
  kind: "output_text";
  text: string;
  annotations: JsonObject[];
  /** Citations without a web address, for our extension. */
  citations: JsonObject[];
  logprobs: Json[];
}

export interface RefusalContent {
  kind: "refusal";
  text: string;
}

export type Content = TextContent | RefusalContent;

export function emptyText(): TextContent {
  return { kind: "output_text", text: "", annotations: [], citations: [], logprobs: [] };
}

/** Returns the annotation that a stream has to tell, if there is one. */
export function cite(content: TextContent, citation: Citation, block: Span): JsonObject | undefined {
  const { annotation, ours } = writeCitation(citation, block);
  if (annotation) content.annotations.push(annotation);
  if (ours) content.citations.push(ours);
  return annotation;
}

export function contentPart(content: Content): JsonObject {
  if (content.kind === "refusal") return { type: "refusal", refusal: content.text };
  const part: JsonObject = { type: "output_text", text: content.text, annotations: content.annotations, logprobs: content.logprobs };
  if (content.citations.length > 0) part[own] = { citations: content.citations };
  return part;
}

export function messageItem(id: string, status: string, content: readonly Content[], phase: string | undefined): JsonObject {
  const item: JsonObject = { id, type: "message", role: "assistant", status, content: content.map(contentPart) };
  if (phase !== undefined) item.phase = phase;
  return item;
}

/** A text's own phase; other state of it is another vendor's, and is carried. */
export function phaseOf(state: OpaqueState | undefined): string | undefined {
  return state?.format === format && state.kind === "signature" && state.id === undefined && !state.item ? state.data : undefined;
}

// ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface CallHead {
  id: string;
  callId: string;
  name: string;
  custom: boolean;
  /** The tool is one of free-form input, and the vendor was shown it as a function of one text. */
  wrapped: boolean;
  extra: JsonObject;
  /** Another format's words about the call. */
  foreign?: Extra | undefined;
}

export function callHead(id: string, part: Pick<ToolCallPart, "id" | "name" | "kind" | "extra">, context: ReplyContext): CallHead {
  const wrapped = part.kind === "function" && context.customTools.has(part.name);
  const isOwn = part.extra?.format === format;
  return {
    id,
    callId: part.id,
    name: part.name,
    custom: wrapped || part.kind === "custom",
    wrapped,
    extra: part.extra && isOwn ? part.extra.fields : {},
    foreign: isOwn ? undefined : part.extra,
  };
}

export function callItem(head: CallHead, status: string, text: string): JsonObject {
  const { id, callId, name, custom, extra } = head;
  return custom
    ? { ...extra, id, type: "custom_tool_call", status, call_id: callId, name, input: text }
    : { ...extra, id, type: "function_call", status, call_id: callId, name, arguments: text };
}

/** What the client gets of the arguments: the free text out of its wrapping, and `{}` for none. */
export function finalArguments(head: CallHead, text: string): string {
  if (head.wrapped) return unwrap(text);
  return head.custom || text.trim() !== "" ? text : "{}";
}

function unwrap(text: string): string {
  const parsed = parseJson(text);
  if (!isObject(parsed)) return typeof parsed === "string" ? parsed : text;
  if (typeof parsed.input === "string") return parsed.input;
  const values = Object.values(parsed);
  return values.length === 1 && typeof values[0] === "string" ? values[0] : text;
}

// ── media and vendors' own items ─────────────────────────────────────────────────────────────────────────────

/** An image as the item that the format's clients know for it; undefined for what only words can tell. */
export function imageItem(id: string, part: MediaPart): JsonObject | undefined {
  const { state, source } = part;
  if (state?.format === format && state.item) return withId(state.item, id);
  if (source.kind !== "base64" || !source.mediaType.startsWith("image/")) return undefined;
  return {
    id,
    type: "image_generation_call",
    status: "completed",
    output_format: source.mediaType.slice("image/".length),
    result: source.data,
  };
}

/** The words, the address, or at least the fact. */
export function mediaText(part: MediaPart): string {
  if (part.transcript) return part.transcript;
  if (part.source.kind === "url") return part.source.url;
  if (part.source.kind === "text") return part.source.text;
  return `(${part.source.mediaType ?? "media"} that this format cannot carry)`;
}

/** The official client stops at an item without an id. */
export function withId(item: JsonObject, id: string): JsonObject {
  return asString(item.id) ? item : { ...item, id };
}
