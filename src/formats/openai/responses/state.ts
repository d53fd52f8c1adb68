/**
 * What a Responses client must give back and has no field for. Codex drops ids, annotations and every key that it does not
 * know, and so do the SDKs' item types, but all of them return `encrypted_content`. So it travels there, in a reasoning item,
 * under a prefix that says whose it is: it comes back in the client's history, goes to its own vendor again, and never to
 * OpenAI, which answers 400 to encrypted content that it did not make.
 */

import type { AssistantPart, Extra, OpaqueState, VendorPart } from "../../../canonical/chat.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { format } from "./format.ts";

const prefix = "headgate.v1.";

export interface Carried {
  state?: OpaqueState | undefined;
  /** `provider/model` that reasoned, where it gave no state of its own. */
  origin?: string | undefined;
  /** State and extra belong to the last text or call before this item, not to the item itself. */
  on?: "text" | "tool-call" | undefined;
  extra?: Extra | undefined;
  /** Another format's block, whole, that stood here. */
  vendor?: VendorPart | undefined;
}

/** True for encrypted content that this gateway has made. */
export function isMinted(encrypted: unknown): encrypted is string {
  return typeof encrypted === "string" && encrypted.startsWith(prefix);
}

export function mint(carried: Carried): string {
  const bytes = new TextEncoder().encode(JSON.stringify(carried));
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return prefix + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What `mint` was given; nothing for damaged text, which is then reasoning without state. */
export function unmint(encrypted: string): Carried {
  const carried = parseJson(decodeBase64Url(encrypted.slice(prefix.length)));
  if (!isObject(carried)) return {};
  const { on, vendor } = carried;
  return {
    state: readState(carried.state),
    origin: asString(carried.origin),
    on: on === "text" || on === "tool-call" ? on : undefined,
    extra: readExtra(carried.extra),
    vendor:
      isObject(vendor) && typeof vendor.format === "string" && isObject(vendor.value)
        ? { type: "vendor", format: vendor.format, value: vendor.value }
        : undefined,
  };
}

function readState(value: unknown): OpaqueState | undefined {
  if (!isObject(value)) return undefined;
  const { format: from, kind, data } = value;
  if (typeof from !== "string" || typeof data !== "string") return undefined;
  if (kind !== "signature" && kind !== "redacted" && kind !== "encrypted") return undefined;
  const state: OpaqueState = { format: from, kind, data };
  if (typeof value.id === "string") state.id = value.id;
  if (typeof value.origin === "string") state.origin = value.origin;
  if (isObject(value.item)) state.item = value.item;
  return state;
}

function readExtra(value: unknown): Extra | undefined {
  return isObject(value) && typeof value.format === "string" && isObject(value.fields)
    ? { format: value.format, fields: value.fields }
    : undefined;
}

function decodeBase64Url(text: string): string {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder().decode(Uint8Array.from(binary, (unit) => unit.charCodeAt(0)));
  } catch {
    return "";
  }
}

// ── reasoning items ──────────────────────────────────────────────────────────────────────────────────────────

/** The readable text of a reasoning item: its summary, or what open-weights models say in full. Parts are paragraphs. */
export function reasoningText(item: JsonObject): string {
  return joinTexts(item.summary) || joinTexts(item.content);
}

/** True for the words that an item holds, in either of its two places. */
export function saysSo(item: JsonObject, text: string): boolean {
  return text === joinTexts(item.summary) || text === joinTexts(item.content);
}

function joinTexts(list: unknown): string {
  if (!Array.isArray(list)) return "";
  return list.map((part) => (isObject(part) ? (asString(part.text) ?? "") : "")).join(paragraph);
}

/** Between the parts of a summary. A delta that is just this begins the next part: the text stays the same either way. */
export const paragraph = "\n\n";

/**
 * The state of a vendor's own reasoning item: the item is kept whole, because its encrypted content is bound to its id and its
 * summary (can1357/oh-my-pi#290, lidge-jun/opencodex#2229). Undefined for an item that holds nothing but its words.
 */
export function itemState(item: JsonObject): OpaqueState | undefined {
  const { encrypted_content: encrypted, ...rest } = item;
  const data = asString(encrypted) ?? "";
  const id = asString(item.id);
  const hasContent = Array.isArray(item.content) && item.content.length > 0;
  if (data === "" && id === undefined && !hasContent) return undefined;
  const state: OpaqueState = { format, kind: "encrypted", data, item: data === "" && encrypted !== undefined ? item : rest };
  if (id !== undefined) state.id = id;
  return state;
}

/** The item that `itemState` was given; undefined for state that is none of this format's reasoning. */
export function stateItem(state: OpaqueState, text: string): JsonObject | undefined {
  if (state.format !== format || state.kind !== "encrypted") return undefined;
  if (state.item) return state.data === "" ? state.item : { ...state.item, encrypted_content: state.data };
  const item: JsonObject = { type: "reasoning", summary: text === "" ? [] : [{ type: "summary_text", text }] };
  if (state.id !== undefined) item.id = state.id;
  if (state.data !== "") item.encrypted_content = state.data;
  return item;
}

/** What is taken along for the part that a minted item follows: fitted to it where it belongs, so that nothing foreign is made up. */
export function attach(carried: Carried, parts: readonly AssistantPart[]): void {
  const owner = parts.findLast((part) => (carried.on === "text" ? part.type === "text" : part.type === "tool-call"));
  if (owner?.type !== "text" && owner?.type !== "tool-call") return;
  if (carried.state) owner.state = carried.state;
  if (carried.extra) owner.extra = carried.extra;
}
