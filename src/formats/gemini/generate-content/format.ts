/** What the parts of this codec know in common. */

import type { Extra } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { FormatName } from "../../codec.ts";

export const format = "gemini/generate-content" satisfies FormatName;

/** The pocket for fields that only this format has a word for; undefined when there are none. */
export function pocket(fields: JsonObject): Extra | undefined {
  for (const _ in fields) return { format, fields };
  return undefined;
}

/** The fields of an `extra` pocket of this format; empty when it is another's or absent. */
export function own(extra: Extra | undefined): JsonObject {
  return extra?.format === format ? extra.fields : {};
}
