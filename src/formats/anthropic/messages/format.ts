/** What the parts of this codec know in common: the format's name and the words that stand in more than one place. */

import type { FormatName } from "../../codec.ts";
import type { Extra } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";

export const format = "anthropic/messages" satisfies FormatName;

/** From this version on the vendor refuses sampling parameters and a few block placements outright. */
export const strictVersion = "2026-10-21";

/** The pocket for fields that only this format has a word for; undefined when there are none. */
export function pocket(fields: JsonObject): Extra | undefined {
  for (const _ in fields) return { format, fields };
  return undefined;
}

/** The fields of an `extra` pocket of this format; empty when it is another's or absent. */
export function own(extra: Extra | undefined): JsonObject {
  return extra?.format === format ? extra.fields : {};
}
