/** Tool arguments are objects on this wire and text in the house's language: both ways keep every digit of a number. */

import { isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

type Reviver = (this: unknown, key: string, value: Json, context?: { source?: string }) => Json;

// In Node from 22 and in Bun; without it a long number can only be rounded, as JSON.parse does.
const rawJson: ((text: string) => Json) | undefined = (JSON as { rawJSON?: (text: string) => Json }).rawJSON;

const keepDigits: Reviver = (_key, value, context) => {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined || source.length < 16 || source === String(value) || !rawJson) return value;
  return rawJson(source);
};

/** As `parseJson`, but numbers that JavaScript would round are written back as they came. They can be passed on, not counted with. */
export function parseExactly(text: string): Json | undefined {
  if (!/\d[\d.]{15}/.test(text)) return parseJson(text);
  try {
    return JSON.parse(text, keepDigits) as Json;
  } catch {
    return undefined;
  }
}

/** What had to be done to make an object of the text. */
type Mending = "none" | "wrapped" | "rounded";

/** `""` and `null`, which some vendors and clients send for a tool without parameters, are the empty object. */
export function toArguments(text: string): { value: JsonObject; mending: Mending } {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "null") return { value: {}, mending: "none" };
  const parsed = parseExactly(trimmed);
  // The first letter, because a long number kept whole is an object too.
  if (trimmed.startsWith("{") && isObject(parsed))
    return { value: parsed, mending: rawJson || !/\d{16}/.test(trimmed) ? "none" : "rounded" };
  // Encoded twice, as some clients do.
  const inner = typeof parsed === "string" ? parseExactly(parsed) : undefined;
  if (typeof parsed === "string" && parsed.trimStart().startsWith("{") && isObject(inner)) return { value: inner, mending: "wrapped" };
  return { value: parsed === undefined ? { text } : { value: parsed }, mending: "wrapped" };
}

/** The text of arguments from the wire; models that were taught otherwise write them as text, and nothing at all for none. */
export function fromArguments(value: Json | undefined): string {
  if (value === undefined || value === null) return "{}";
  if (typeof value !== "string") return JSON.stringify(value);
  return value.trim() === "" || value.trim() === "null" ? "{}" : value;
}
