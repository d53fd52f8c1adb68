/** The names this format goes by. */

import type { Extra } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";

export const format = "ollama/chat";

/** The fields of an `extra` pocket of this format; empty when it is another's or absent. */
export function own(extra: Extra | undefined): JsonObject {
  return extra?.format === format ? extra.fields : {};
}
