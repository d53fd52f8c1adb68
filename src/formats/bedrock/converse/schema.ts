/** JSON Schemas as constrained decoding takes them here. What it cannot enforce moves into the description, where the model still reads it. */

import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

// The vendor's user guide ("Structured outputs", supported JSON Schema features): Draft 2020-12 without recursion, external references, numeric
// and length limits, and with every object closed.
const stringFormats = new Set(["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"]);
const kept = new Set([
  "$ref",
  "$defs",
  "definitions",
  "type",
  "enum",
  "const",
  "anyOf",
  "oneOf",
  "allOf",
  "description",
  "title",
  "properties",
  "required",
  "items",
  "default",
]);
const ignored = new Set(["$schema", "$id", "$comment", "additionalProperties"]);

export interface Closed {
  schema: JsonObject;
  /** The keywords that are now only words, without duplicates. */
  moved: string[];
}

export function closeSchema(schema: JsonObject): Closed {
  const moved = new Set<string>();
  return { schema: close(schema, moved), moved: [...moved] };
}

function close(schema: JsonObject, moved: Set<string>): JsonObject {
  const result: JsonObject = {};
  const words: string[] = [];
  const tell = (keyword: string, value: Json): void => {
    words.push(`${keyword}: ${JSON.stringify(value)}`);
    moved.add(keyword);
  };
  for (const [keyword, value] of Object.entries(schema)) {
    if (value === undefined || ignored.has(keyword)) continue;
    if (isEnforced(keyword, value)) result[keyword === "oneOf" ? "anyOf" : keyword] = rewrite(keyword, value, moved);
    else tell(keyword, value);
  }
  if (isObjectSchema(schema)) {
    result.additionalProperties = false;
    const open = schema.additionalProperties;
    if (open !== undefined && open !== false) tell("additionalProperties", open);
  }
  if (words.length > 0) {
    const described = typeof result.description === "string" ? `${result.description}\n\n` : "";
    result.description = `${described}{${words.join(", ")}}`;
  }
  return result;
}

function isEnforced(keyword: string, value: Json): boolean {
  if (keyword === "format") return typeof value === "string" && stringFormats.has(value);
  if (keyword === "minItems") return value === 0 || value === 1;
  if (keyword === "enum") return Array.isArray(value) && value.every(isPlain);
  if (keyword === "const") return isPlain(value);
  return kept.has(keyword);
}

function rewrite(keyword: string, value: Json, moved: Set<string>): Json {
  switch (keyword) {
    case "properties":
    case "$defs":
    case "definitions":
      if (!isObject(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, isObject(inner) ? close(inner, moved) : inner]));
    case "anyOf":
    case "oneOf":
    case "allOf":
      return Array.isArray(value) ? value.map((inner) => (isObject(inner) ? close(inner, moved) : inner)) : value;
    case "items":
      return isObject(value) ? close(value, moved) : value;
    default:
      return value;
  }
}

function isObjectSchema(schema: JsonObject): boolean {
  const { type } = schema;
  return type === "object" || (Array.isArray(type) && type.includes("object")) || (type === undefined && isObject(schema.properties));
}

function isPlain(value: Json): boolean {
  return value === null || typeof value !== "object";
}
