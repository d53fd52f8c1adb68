/**
 * Other vendors' reasoning state on its way through an Anthropic client: it travels as the `signature` of a thinking block,
 * comes back in the client's history, and goes to its own vendor again. It never goes to Anthropic, which refuses signatures it did not mint.
 */

import type { OpaqueState } from "../../../canonical/chat.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";

const prefix = "headgate.v1.";

export interface Carried {
  state?: OpaqueState | undefined;
  /** `provider/model` that reasoned, where it gave no state of its own. */
  origin?: string | undefined;
  /** The state belongs to the tool call before this block, not to the block itself. */
  on?: "tool-call" | undefined;
}

/** True for a signature (or any opaque text) that this gateway made. */
export function isMinted(opaque: unknown): boolean {
  return typeof opaque === "string" && opaque.startsWith(prefix);
}

export function mint(carried: Carried): string {
  const bytes = new TextEncoder().encode(JSON.stringify(carried));
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return prefix + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What `mint` was given; undefined for anything else, damaged text included. */
export function unmint(signature: string): Carried | undefined {
  if (!isMinted(signature)) return undefined;
  const carried = parseJson(decodeBase64Url(signature.slice(prefix.length)));
  if (!isObject(carried)) return undefined;
  return {
    state: isObject(carried.state) ? readState(carried.state) : undefined,
    origin: asString(carried.origin),
    on: carried.on === "tool-call" ? "tool-call" : undefined,
  };
}

function readState(state: JsonObject): OpaqueState | undefined {
  const { format, kind, data } = state;
  if (typeof format !== "string" || typeof data !== "string") return undefined;
  if (kind !== "signature" && kind !== "redacted" && kind !== "encrypted") return undefined;
  const read: OpaqueState = { format, kind, data };
  if (typeof state.id === "string") read.id = state.id;
  if (typeof state.origin === "string") read.origin = state.origin;
  if (isObject(state.item)) read.item = state.item;
  return read;
}

function decodeBase64Url(text: string): string {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder().decode(Uint8Array.from(binary, (unit) => unit.charCodeAt(0)));
  } catch {
    return "";
  }
}
