/** JSON Schemas as Anthropic's constrained decoding takes them. What it cannot enforce moves into the description, where the model still reads it. */

import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

// The lists are those of the vendor's own SDK (1.12.0, lib/transform-json-schema).
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

export interface Sanitised {
  schema: JsonObject;
  /** The keywords that are now only words, without duplicates. */
  moved: string[];
}

export function sanitiseSchema(schema: JsonObject): Sanitised {
  const moved = new Set<string>();
  return { schema: sanitise(schema, moved), moved: [...moved] };
}

function sanitise(schema: JsonObject, moved: Set<string>): JsonObject {
  const result: JsonObject = {};
  const words: string[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    // `$schema` and its kin name things and constrain nothing.
    if (value === undefined || keyword === "$schema" || keyword === "$id" || keyword === "$comment" || keyword === "additionalProperties")
      continue;
    if (isEnforced(keyword, value)) result[keyword === "oneOf" ? "anyOf" : keyword] = rewrite(keyword, value, moved);
    else {
      words.push(`${keyword}: ${JSON.stringify(value)}`);
      moved.add(keyword);
    }
  }
  if (isObjectSchema(schema)) {
    result.additionalProperties = false;
    if (schema.additionalProperties !== undefined && schema.additionalProperties !== false) {
      words.push(`additionalProperties: ${JSON.stringify(schema.additionalProperties)}`);
      moved.add("additionalProperties");
    }
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
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, isObject(inner) ? sanitise(inner, moved) : inner]));
    case "anyOf":
    case "oneOf":
    case "allOf":
      return Array.isArray(value) ? value.map((inner) => (isObject(inner) ? sanitise(inner, moved) : inner)) : value;
    case "items":
      return isObject(value) ? sanitise(value, moved) : value;
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
