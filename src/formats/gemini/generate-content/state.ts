/**
 * Thought signatures: the vendor's own, those of other vendors on their way through a client of this format, and the one that Google
 * documents for calls that it did not make. Foreign state travels as the `thoughtSignature` of its part, comes back in the client's
 * history and goes to its own vendor again; it never goes to Google, which would refuse it.
 */

import type { OpaqueState } from "../../../canonical/chat.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { format } from "./format.ts";

/** Google's answer to "my calls were made by another model": https://ai.google.dev/gemini-api/docs/thought-signatures, at its end. */
export const sentinel = "skip_thought_signature_validator";
/** The two documented placeholders, and the first as clients write it that take the field for bytes. */
const placeholders = new Set([sentinel, "context_engineering_is_the_way_to_go", btoa(sentinel)]);

/**
 * The field is `bytes`: the official Python client decodes its base64 and writes it anew, so a mark of ours has to be base64 through
 * and through. Twelve bytes make sixteen characters without a remainder, all of them letters and digits in either alphabet.
 */
const head = "headgate.v1.";
const prefix = btoa(head);

export interface Carried {
  state?: OpaqueState | undefined;
  /** The words of a thought that the client has not asked to see: its vendor may want them back beside the state, unchanged. */
  text?: string | undefined;
  /** `provider/model` that wrote the part, where it gave no state of its own. */
  origin?: string | undefined;
}

/** True for a signature that this gateway made. */
export function isMinted(signature: unknown): boolean {
  return typeof signature === "string" && signature.startsWith(prefix);
}

export function mint(carried: Carried): string {
  const bytes = new TextEncoder().encode(head + JSON.stringify(carried));
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

/** What `mint` was given; undefined for anything else, damaged text included. */
export function unmint(signature: string): Carried | undefined {
  if (!isMinted(signature)) return undefined;
  const carried = parseJson(decodeBase64(signature).slice(head.length));
  if (!isObject(carried)) return undefined;
  const state = isObject(carried.state) ? readState(carried.state) : undefined;
  return { state, text: asString(carried.text), origin: asString(carried.origin) };
}

/** What stands behind a part's signature; a placeholder stands for nothing. */
export function decodeSignature(signature: string | undefined): Carried {
  if (!signature || placeholders.has(signature)) return {};
  if (isMinted(signature)) return unmint(signature) ?? {};
  return { state: { format, kind: "signature", data: signature } };
}

/** The signature of a part in a reply: the vendor's own as it was, anything else as one that finds its way back. */
export function encodeSignature(state: OpaqueState | undefined, origin: string, hidden = ""): string {
  if (!state) return mint({ origin });
  if (state.format === format && state.kind === "signature") return state.data;
  return mint({ state: { ...state, origin: state.origin ?? origin }, ...(hidden !== "" && { text: hidden }) });
}

/** The signature to send to Google with a part: only one that the very model has made, under whichever provider. */
export function ownSignature(state: OpaqueState | undefined, target: string): string | undefined {
  if (!state || (state.origin !== undefined && modelOf(state.origin) !== modelOf(target))) return undefined;
  if (state.format === format) return state.kind === "signature" && state.data !== "" ? state.data : undefined;
  // Google's own OpenAI-compatible door keeps it in `extra_content` of the tool call, where clients of that format store it.
  const google = state.item?.google;
  return isObject(google) ? asString(google.thought_signature) : undefined;
}

function modelOf(origin: string): string {
  return origin.slice(origin.indexOf("/") + 1);
}

function readState(state: JsonObject): OpaqueState | undefined {
  const { format: from, kind, data } = state;
  if (typeof from !== "string" || typeof data !== "string") return undefined;
  if (kind !== "signature" && kind !== "redacted" && kind !== "encrypted") return undefined;
  const read: OpaqueState = { format: from, kind, data };
  if (typeof state.id === "string") read.id = state.id;
  if (typeof state.origin === "string") read.origin = state.origin;
  if (isObject(state.item)) read.item = state.item;
  return read;
}

function decodeBase64(text: string): string {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder().decode(Uint8Array.from(binary, (unit) => unit.charCodeAt(0)));
  } catch {
    return "";
  }
}
