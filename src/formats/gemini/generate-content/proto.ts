/** Protobuf's JSON, in which Google's APIs are written: two spellings of every name, numbers that may be text, one message where a list is due. */

import type { Json, JsonObject } from "../../../canonical/json.ts";

/** The message with its own names in camelCase, whichever way they came; what its fields hold is left alone. */
export function camel(message: JsonObject): JsonObject {
  for (const name in message) if (name.includes("_")) return recased(message);
  return message;
}

function recased(message: JsonObject): JsonObject {
  const fields = new Map<string, Json | undefined>();
  for (const [name, value] of Object.entries(message)) {
    const spelled = /^[a-z]/.test(name) ? name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) : name;
    // Both spellings at once: the one that the format itself prints.
    if (spelled === name || fields.get(spelled) === undefined) fields.set(spelled, value);
  }
  return Object.fromEntries(fields);
}

/** Null stands for the default value, as if the field were not there. */
export function given<Value>(value: Value): value is NonNullable<Value> {
  return value !== undefined && value !== null;
}

/** Google's parser takes a single message for a list of one, and its own examples are written so. */
export function list(value: Json | undefined): Json[] {
  if (Array.isArray(value)) return value;
  return given(value) ? [value] : [];
}

/** 64-bit integers always come as text, other numbers may. */
export function toNumber(value: Json | undefined): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string" || !/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value)) return undefined;
  return Number(value);
}

/** The fields of a message that are not named here. */
export function leftover(message: JsonObject, known: readonly string[]): JsonObject {
  const fields: JsonObject = {};
  for (const [name, value] of Object.entries(message)) if (given(value) && !known.includes(name)) fields[name] = value;
  return fields;
}
