/** What the parts of this codec know in common: the format's name and the words that stand in more than one place. */

import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { Extra } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { FormatName } from "../../codec.ts";

export const format = "bedrock/converse" satisfies FormatName;

/** A block is a union: an object whose only key says what it is. */
export type Block = JsonObject;

/** The pocket for fields that only this format has a word for; undefined when there are none. */
export function pocket(fields: JsonObject): Extra | undefined {
  for (const _ in fields) return { format, fields };
  return undefined;
}

/** The fields of an `extra` pocket of this format; empty when it is another's or absent. */
export function own(extra: Extra | undefined): JsonObject {
  return extra?.format === format ? extra.fields : {};
}

/**
 * Every maker's models stand behind one door, and each takes fields of its own in `additionalModelRequestFields`. The ways in which a model is
 * asked to think tell whose these are: budgets and adaptive thinking are the words of Anthropic's Messages, and of nobody else here.
 */
export function takesMessagesFields({ reasoning }: Capabilities): boolean {
  return reasoning !== undefined && reasoning !== false && (reasoning.includes("adaptive") || reasoning.includes("budget"));
}
