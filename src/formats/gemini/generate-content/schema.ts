/** Schemas: Google's OpenAPI dialect as JSON Schema, and JSON Schema as far as Google reads it. What it cannot read moves into the description, where the model still does. */

import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { camel, given, toNumber } from "./proto.ts";

// ── the OpenAPI dialect (`parameters`, `responseSchema`) as JSON Schema ──────────────────────────────────────

const counts = new Set(["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"]);

export function toJsonSchema(message: JsonObject): JsonObject {
  const { type, nullable, example, ...rest } = camel(message);
  const schema: JsonObject = {};
  const named = typeof type === "string" && type !== "TYPE_UNSPECIFIED" ? type.toLowerCase() : undefined;
  if (named !== undefined) schema.type = nullable === true ? [named, "null"] : named;
  for (const [keyword, value] of Object.entries(rest)) if (given(value)) schema[keyword] = convert(keyword, value);
  if (given(example)) schema.examples = [example];
  if (nullable === true) admitNull(schema);
  return schema;
}

function convert(keyword: string, value: Json): Json {
  if (counts.has(keyword)) return toNumber(value) ?? value;
  if (keyword === "properties" && isObject(value)) return mapValues(value, toJsonSchema);
  if (keyword === "items" && isObject(value)) return toJsonSchema(value);
  if (keyword === "anyOf" && Array.isArray(value)) return value.map((inner) => (isObject(inner) ? toJsonSchema(inner) : inner));
  return value;
}

/** A type that may be null must find null among its values too. */
function admitNull(schema: JsonObject): void {
  if (Array.isArray(schema.enum) && !schema.enum.includes(null)) schema.enum = [...schema.enum, null];
  if (Array.isArray(schema.anyOf) && schema.type === undefined) schema.anyOf = [...schema.anyOf, { type: "null" }];
}

// ── JSON Schema as Google reads it (`parametersJsonSchema`, `responseJsonSchema`) ────────────────────────────

/** Google's list: https://ai.google.dev/api/caching#FunctionDeclaration, `parametersJsonSchema`. */
const readable = new Set([
  "$id",
  "$defs",
  "$ref",
  "$anchor",
  "type",
  "format",
  "title",
  "description",
  "enum",
  "items",
  "prefixItems",
  "minItems",
  "maxItems",
  "minimum",
  "maximum",
  "anyOf",
  "oneOf",
  "properties",
  "additionalProperties",
  "required",
  "propertyOrdering",
]);
/** They say something about the schema, nothing about the value. */
const silent = new Set(["$schema", "$comment", "$vocabulary", "examples", "deprecated", "readOnly", "writeOnly", "nullable", "strict"]);
/** Worth telling the model, and no rule that would now go unenforced. */
const told = new Set(["default", "contentMediaType", "contentEncoding"]);

export interface Sanitised {
  schema: JsonObject;
  /** The keywords that are now only words, without duplicates. */
  moved: string[];
}

export function sanitiseSchema(schema: JsonObject): Sanitised {
  const moved = new Set<string>();
  return { schema: sanitise(schema, moved), moved: [...moved] };
}

function sanitise(given: JsonObject, moved: Set<string>): JsonObject {
  const schema = joined(modern(given));
  const { $ref } = schema;
  if (typeof $ref === "string") return reference($ref, schema, moved);
  const result: JsonObject = {};
  const words: string[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    if (value === undefined || silent.has(keyword) || keyword.startsWith("x-")) continue;
    if (readable.has(keyword) && !(keyword === "oneOf" && schema.anyOf !== undefined)) {
      result[keyword === "oneOf" ? "anyOf" : keyword] = rewrite(keyword, value, moved);
    } else {
      words.push(`${keyword}: ${JSON.stringify(value)}`);
      if (!told.has(keyword)) moved.add(keyword);
    }
  }
  if (schema.nullable === true && typeof result.type === "string") {
    result.type = [result.type, "null"];
    admitNull(result);
  }
  if (words.length > 0) {
    const described = typeof result.description === "string" ? `${result.description}\n\n` : "";
    result.description = `${described}{${words.join(", ")}}`;
  }
  return result;
}

/** Older drafts' and dialects' names for what has one now; a constant is a choice among one. */
function modern(schema: JsonObject): JsonObject {
  const { const: constant, definitions, ...rest } = schema;
  const result: JsonObject = rest;
  if (constant !== undefined) result.enum = [constant];
  if (isObject(definitions)) result.$defs = { ...definitions, ...(isObject(rest.$defs) && rest.$defs) };
  if (typeof result.type === "string") result.type = result.type.toLowerCase();
  if (Array.isArray(result.items)) {
    result.prefixItems = result.items;
    delete result.items;
  }
  return result;
}

/** Beside a `$ref` only names may stand (the SDK on `responseJsonSchema`: no other properties "except for than those starting as a `$`"), so a described one is wrapped. */
function reference($ref: string, schema: JsonObject, moved: Set<string>): JsonObject {
  const pointer: JsonObject = { $ref: $ref.replace(/^#\/definitions\//, "#/$defs/") };
  const { $ref: _, $defs, ...beside } = schema;
  const rest = sanitise(beside, moved);
  if (Object.keys(rest).length > 0 && rest.anyOf === undefined) {
    return { ...rest, anyOf: [pointer], ...(isObject($defs) && { $defs: rewrite("$defs", $defs, moved) }) };
  }
  return { ...pointer, ...(isObject($defs) && { $defs: rewrite("$defs", $defs, moved) }) };
}

/** `allOf` has no counterpart; schemas that do not contradict each other become one. */
function joined(schema: JsonObject): JsonObject {
  const { allOf, ...rest } = schema;
  if (!Array.isArray(allOf) || !allOf.every(isObject)) return schema;
  const [only] = allOf;
  if (allOf.length === 1 && only && typeof only.$ref === "string" && rest.$ref === undefined) return { ...rest, $ref: only.$ref };
  const result: JsonObject = { ...rest };
  for (const part of allOf) {
    for (const [keyword, value] of Object.entries(modern(part))) {
      const before = result[keyword];
      if (before === undefined) result[keyword] = value;
      else if (
        keyword === "properties" &&
        isObject(before) &&
        isObject(value) &&
        Object.keys(value).every((key) => before[key] === undefined)
      ) {
        result[keyword] = { ...before, ...value };
      } else if (keyword === "required" && Array.isArray(before) && Array.isArray(value))
        result[keyword] = [...new Set([...before, ...value])];
      else if (keyword === "description") result[keyword] = `${String(before)}\n\n${String(value)}`;
      else if (keyword !== "title" && JSON.stringify(before) !== JSON.stringify(value)) return schema;
    }
  }
  return result.allOf === undefined ? result : schema;
}

function rewrite(keyword: string, value: Json, moved: Set<string>): Json {
  switch (keyword) {
    case "properties":
    case "$defs":
      return isObject(value) ? mapValues(value, (inner) => sanitise(inner, moved)) : value;
    case "anyOf":
    case "oneOf":
    case "prefixItems":
      return Array.isArray(value) ? value.map((inner) => subschema(inner, moved)) : value;
    case "items":
      return subschema(value, moved);
    case "additionalProperties":
      return isObject(value) ? sanitise(value, moved) : value;
    case "type":
      return Array.isArray(value) ? value.map((inner) => (typeof inner === "string" ? inner.toLowerCase() : inner)) : value;
    default:
      return value;
  }
}

/** `true` admits anything, as the empty schema does. */
function subschema(value: Json, moved: Set<string>): Json {
  if (isObject(value)) return sanitise(value, moved);
  return value === true ? {} : value;
}

function mapValues(of: JsonObject, change: (inner: JsonObject) => JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(of).map(([name, inner]) => {
      if (isObject(inner)) return [name, change(inner)];
      return [name, inner === true ? {} : inner];
    }),
  );
}
