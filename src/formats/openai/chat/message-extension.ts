/** What a chat message has no field for, as entries of our own extension. */

import type { OpaqueState, VendorPart } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { writePlace } from "./placement.ts";
import type { Place } from "./placement.ts";
import { writeState } from "./state.ts";

/** Another format's block, whole. */
export function writeVendorBlock(part: VendorPart, index: number, place: Place): JsonObject {
  return withPlace({ index, format: part.format, value: part.value }, place);
}

/** The opaque state of the text that ends at this place. */
export function writeTextState(state: OpaqueState, index: number, place: Place, origin: string | undefined): JsonObject {
  return withPlace({ index, text_state: writeState(state, origin) }, place);
}

function withPlace(entry: JsonObject, place: Place): JsonObject {
  const at = writePlace(place);
  if (at) entry["at"] = at;
  return entry;
}
