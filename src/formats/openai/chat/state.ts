/** Opaque state on its way through a chat client: where it travels, and how it comes back. */

import type { Extra, OpaqueState, ReasoningPart, ToolCallPart } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { format, own } from "./format.ts";
import { readPlace, writePlace } from "./placement.ts";
import type { Place } from "./placement.ts";

/** State as one of our own objects. */
export function writeState(state: OpaqueState, origin: string | undefined): JsonObject {
  const written: JsonObject = { format: state.format, kind: state.kind, data: state.data };
  const from = state.origin ?? origin;
  if (state.id !== undefined) written["id"] = state.id;
  if (from !== undefined) written["origin"] = from;
  if (state.item) written["item"] = state.item;
  return written;
}

export function readState(value: unknown): OpaqueState | undefined {
  if (!isObject(value)) return undefined;
  const { format: from, data } = value;
  if (typeof from !== "string" || typeof data !== "string") return undefined;
  const state: OpaqueState = { format: from, kind: readKind(value["kind"]) ?? "signature", data };
  describe(state, value["id"], value["origin"], value["item"]);
  return state;
}

function readKind(value: unknown): OpaqueState["kind"] | undefined {
  return value === "signature" || value === "redacted" || value === "encrypted" ? value : undefined;
}

function describe(state: OpaqueState, id: unknown, origin: unknown, item: unknown): void {
  if (typeof id === "string") state.id = id;
  if (typeof origin === "string") state.origin = origin;
  if (isObject(item)) state.item = item;
}

// ── reasoning: entries of `reasoning_details`, in the shape that OpenRouter's clients know ───────────────────

/**
 * The entry of one reasoning block. An entry of a vendor goes back as it came; ours carry `headgate` with what the shape
 * lacks. `index` is dense from 0, because the official Python client merges streamed lists by it.
 */
export function writeDetail(part: ReasoningPart, index: number, place: Place, origin: string | undefined): JsonObject {
  const { state } = part;
  const ours: JsonObject = {};
  const at = writePlace(place);
  if (at) ours["at"] = at;
  if (!state) return { type: "reasoning.text", text: part.text, index, [own]: ours };
  const from = state.origin ?? origin;
  if (from !== undefined) ours["origin"] = from;
  if (isVendorItem(state)) {
    ours["vendor"] = true;
    if (state.item["index"] !== index && state.item["index"] !== undefined) ours["index"] = state.item["index"];
    return { ...state.item, index, [own]: ours };
  }
  if (state.item) ours["item"] = state.item;
  const entry: JsonObject = { type: "reasoning.text", format: state.format, index };
  if (state.id !== undefined) entry["id"] = state.id;
  if (state.kind === "signature") {
    entry["text"] = part.text;
    entry["signature"] = state.data;
  } else {
    ours["kind"] = state.kind;
    entry["type"] = "reasoning.encrypted";
    entry["data"] = state.data;
    if (part.text !== "") entry["summary"] = part.text;
  }
  entry[own] = ours;
  return entry;
}

export interface Detail {
  part: ReasoningPart;
  place: Place;
  /** Written by this gateway: its text repeats what the stream has told already. */
  ours: boolean;
}

/** The reasoning block of one entry, ours or a vendor's. Undefined for what is no entry at all. */
export function readDetail(entry: unknown): Detail | undefined {
  if (!isObject(entry)) return undefined;
  const ours = entry[own];
  if (!isObject(ours))
    return { part: { type: "reasoning", text: detailText(entry), state: vendorState(entry) }, place: readPlace(undefined), ours: false };
  const part: ReasoningPart = { type: "reasoning", text: detailText(entry) };
  const from = asString(entry["format"]);
  if (ours["vendor"] === true) {
    part.state = vendorState(withoutOurs(entry, ours));
    describe(part.state, undefined, ours["origin"], undefined);
  } else if (from !== undefined) {
    const data = asString(entry["signature"]) ?? asString(entry["data"]) ?? "";
    const kind = readKind(ours["kind"]) ?? (entry["signature"] === undefined ? "encrypted" : "signature");
    part.state = { format: from, kind, data };
    describe(part.state, entry["id"], ours["origin"], ours["item"]);
  }
  return { part, place: readPlace(ours["at"]), ours: true };
}

function isVendorItem(state: OpaqueState): state is OpaqueState & { item: JsonObject } {
  return state.format === format && typeof state.item?.["type"] === "string" && state.item["type"].startsWith("reasoning.");
}

/** A vendor's entry, kept whole: it wants it back as it was. */
export function vendorState(item: JsonObject): OpaqueState {
  const data = asString(item["signature"]) ?? asString(item["data"]) ?? "";
  const state: OpaqueState = { format, kind: item["type"] === "reasoning.encrypted" ? "encrypted" : "signature", data, item };
  describe(state, item["id"], undefined, undefined);
  return state;
}

export function detailText(entry: JsonObject): string {
  return asString(entry["text"]) ?? asString(entry["summary"]) ?? "";
}

function withoutOurs(entry: JsonObject, ours: JsonObject): JsonObject {
  const { [own]: _, ...item } = entry;
  if (ours["index"] !== undefined) item["index"] = ours["index"];
  return item;
}

// ── tool calls: `extra_content`, where Google's own compatibility layer keeps its signatures ─────────────────

/** What a tool call carries beside name and arguments; undefined when nothing. */
export function writeExtraContent(part: ToolCallPart, origin: string | undefined): JsonObject | undefined {
  const { state, extra } = part;
  if (!state && !extra) return undefined;
  const ours: JsonObject = {};
  if (extra) ours["extra"] = { format: extra.format, fields: extra.fields };
  if (!state) return { [own]: ours };
  if (state.format === format && state.item) {
    const from = state.origin ?? origin;
    if (from !== undefined) ours["origin"] = from;
    return { ...state.item, [own]: ours };
  }
  ours["state"] = writeState(state, origin);
  // Clients that know Google's field show or keep it under that name.
  return state.format.startsWith("google/") && state.kind === "signature"
    ? { google: { thought_signature: state.data }, [own]: ours }
    : { [own]: ours };
}

export function readExtraContent(value: unknown): { state?: OpaqueState; extra?: Extra } {
  if (!isObject(value)) return {};
  const { [own]: ours, ...item } = value;
  const read: { state?: OpaqueState; extra?: Extra } = {};
  if (isObject(ours) && isObject(ours["extra"]) && typeof ours["extra"]["format"] === "string" && isObject(ours["extra"]["fields"])) {
    read.extra = { format: ours["extra"]["format"], fields: ours["extra"]["fields"] };
  }
  const carried = isObject(ours) ? readState(ours["state"]) : undefined;
  if (carried) read.state = carried;
  else if (Object.keys(item).length > 0) {
    const google = item["google"];
    const data = isObject(google) ? (asString(google["thought_signature"]) ?? "") : "";
    read.state = { format, kind: "signature", data, item };
    if (isObject(ours)) describe(read.state, undefined, ours["origin"], undefined);
  }
  return read;
}
