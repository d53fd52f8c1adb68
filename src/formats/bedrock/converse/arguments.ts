/** Tool arguments: text in the canonical language, an object on this wire. */

import { isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

/** What had to be done to make an object of the text: nothing, put a value that is no object into one, or round a number. */
export type Mending = "none" | "wrapped" | "rounded";

type RawJson = (text: string) => Json;
type Reviver = (this: unknown, key: string, value: Json, context?: { source?: string }) => Json;

// In Node from 22 and in Bun; without it a long number can only be rounded, as JSON.parse does.
const rawJson: RawJson | undefined = (JSON as { rawJSON?: RawJson }).rawJSON;

/**
 * `""` and `null`, which some vendors and clients send for a tool without parameters, are the empty object.
 * Numbers of 16 digits and more keep every digit: rounded ids have sent agents into ten identical failing calls.
 */
export function toInputObject(text: string): { input: JsonObject; mending: Mending } {
  if (text.trim() === "") return { input: {}, mending: "none" };
  const parsed = parseJson(text);
  if (parsed === undefined) return { input: { text }, mending: "wrapped" };
  if (parsed === null) return { input: {}, mending: "none" };
  if (isObject(parsed)) return keepDigits(text, parsed);
  const inner = typeof parsed === "string" ? parseJson(parsed) : undefined;
  if (isObject(inner)) return { input: inner, mending: "wrapped" };
  return { input: { value: parsed }, mending: "wrapped" };
}

function keepDigits(text: string, parsed: JsonObject): { input: JsonObject; mending: Mending } {
  if (!/[\d.]{16}/.test(text)) return { input: parsed, mending: "none" };
  let rounded = false;
  const revive: Reviver = (_key, value, context) => {
    if (typeof value !== "number") return value;
    const source = context?.source;
    if (source === undefined) rounded ||= !Number.isSafeInteger(value) && Number.isInteger(value);
    else if (source.length >= 16 && source !== String(value)) {
      if (rawJson) return rawJson(source);
      rounded = true;
    }
    return value;
  };
  const input = JSON.parse(text, revive) as JsonObject;
  return { input, mending: rounded ? "rounded" : "none" };
}
