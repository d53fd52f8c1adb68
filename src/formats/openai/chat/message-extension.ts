/** What a chat message has no field for, as entries of our own extension. */

import type { OpaqueState, VendorPart } from "../../../canonical/chat.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import { readPlace, writePlace } from "./placement.ts";
import type { Place } from "./placement.ts";
import { readState, writeState } from "./state.ts";

/** Where a block stands among the things that are kept in other lists. */
export interface BlockPlace extends Place {
  /** Its own position in the list of blocks. */
  index: number;
  /** Entries of `reasoning_details` before it. */
  details: number;
}

/** Another format's block, whole. */
export function writeVendorBlock(part: VendorPart, place: BlockPlace): JsonObject {
  return withPlace({ format: part.format, value: part.value }, place);
}

/** The opaque state of the text that ends at this place. */
export function writeTextState(state: OpaqueState, place: BlockPlace, origin: string | undefined): JsonObject {
  return withPlace({ text_state: writeState(state, origin) }, place);
}

function withPlace(content: JsonObject, place: BlockPlace): JsonObject {
  const entry: JsonObject = { index: place.index, ...content };
  const at = writePlace(place);
  if (at) entry["at"] = at;
  if (place.details > 0) entry["details"] = place.details;
  return entry;
}

export interface Block {
  place: Place;
  details: number;
  mark: { kind: "vendor"; part: VendorPart } | { kind: "text-state"; state: OpaqueState };
}

export function readBlock(value: unknown): Block | undefined {
  if (!isObject(value)) return undefined;
  const found = { place: readPlace(value["at"]), details: asCount(value["details"]) ?? 0 };
  const state = readState(value["text_state"]);
  if (state) return { ...found, mark: { kind: "text-state", state } };
  if (typeof value["format"] !== "string" || !isObject(value["value"])) return undefined;
  return { ...found, mark: { kind: "vendor", part: { type: "vendor", format: value["format"], value: value["value"] } } };
}

/** Both lists as one, in the order in which they were made: each block says how many entries came before it. */
export function inOrder<Detail, Other>(
  details: readonly Detail[],
  blocks: readonly { details: number; entry: Other }[],
): (Detail | Other)[] {
  const order: (Detail | Other)[] = [];
  let taken = 0;
  for (const block of blocks) {
    while (taken < Math.min(block.details, details.length)) order.push(details[taken++] as Detail);
    order.push(block.entry);
  }
  return [...order, ...details.slice(taken)];
}
