/** A value that fits a JSON Schema, always the same one for the same schema. */

import type { Json, JsonObject } from "../canonical/json.ts";
import { asNumber, asString, isObject } from "../canonical/json.ts";
import { textFor } from "./pattern.ts";

/** Below this depth optional properties are left out, so that recursive schemas come to an end. */
const optionalDepth = 4;
const deepest = 32;
/** A schema that names itself ten times a level would otherwise grow without bound. */
const mostNodes = 2000;

export function instanceOf(schema: Json | undefined): Json {
  return new Builder(schema ?? {}).build(schema ?? {}, { name: "value", depth: 0, index: 0 });
}

interface Place {
  /** The property that the value stands under: plain texts are named after it. */
  name: string;
  depth: number;
  /** Which one of its siblings in a list it is: lists may have to be free of repetition. */
  index: number;
}

class Builder {
  readonly #root: Json;
  #nodes = 0;

  constructor(root: Json) {
    this.#root = root;
  }

  build(given: Json, place: Place): Json {
    this.#nodes += 1;
    if (place.depth > deepest || this.#nodes > mostNodes) return null;
    const schema = this.#flat(given, place.depth);
    const fixed = fixedValue(schema, place.index);
    if (fixed !== undefined) return fixed;
    switch (typeOf(schema)) {
      case "object":
        return this.#object(schema, place);
      case "array":
        return this.#array(schema, place);
      case "integer":
      case "number":
        return numberFor(schema, place.index);
      case "boolean":
        return place.index % 2 === 0;
      case "null":
        return null;
      default:
        return stringFor(schema, place);
    }
  }

  #object(schema: JsonObject, place: Place): JsonObject {
    const properties = isObject(schema["properties"]) ? schema["properties"] : {};
    const required = strings(schema["required"]);
    const named = place.depth < optionalDepth && this.#nodes < mostNodes / 2 ? Object.keys(properties) : [];
    const names = new Set([...named, ...required]);
    for (let more = 1; names.size < Math.min(asNumber(schema["minProperties"]) ?? 0, 100); more++) names.add(`key${more}`);
    const entries: [string, Json][] = [];
    for (const name of names) {
      const declared = Object.hasOwn(properties, name) ? properties[name] : schema["additionalProperties"];
      if (declared === false) continue;
      entries.push([name, this.build(declared ?? true, { name, depth: place.depth + 1, index: 0 })]);
    }
    // fromEntries defines the key `__proto__` as plain data, where an assignment would change the prototype.
    return Object.fromEntries(entries);
  }

  #array(schema: JsonObject, place: Place): Json[] {
    const first = Array.isArray(schema["prefixItems"]) ? schema["prefixItems"] : [];
    const rest = Array.isArray(schema["items"]) ? true : (schema["items"] ?? true);
    const least = Math.min(asNumber(schema["minItems"]) ?? 0, 100);
    const wanted =
      place.depth < optionalDepth ? Math.max(first.length, least, rest === false || schema["items"] === undefined ? 0 : 1) : least;
    const length = Math.min(wanted, asNumber(schema["maxItems"]) ?? wanted);
    const list: Json[] = [];
    for (let index = 0; index < length; index++) {
      const item = first[index] ?? rest;
      if (item === false) break;
      list.push(
        this.build(item, { name: singular(place.name), depth: place.depth + 1, index: schema["uniqueItems"] === true ? index : 0 }),
      );
    }
    return list;
  }

  /** The schema with its reference followed and its combinators folded in, so that only plain keywords are left. */
  #flat(given: Json, depth: number): JsonObject {
    let schema: JsonObject = isObject(given) ? given : {};
    for (let step = 0; step < deepest; step++) {
      const branch = nextBranch(schema, depth);
      if (branch === undefined) return schema;
      const { rest, joined } = branch;
      schema = joined.reduce<JsonObject>((sum, one) => merge(sum, typeof one === "string" ? this.#target(one) : one), rest);
    }
    return schema;
  }

  /** What a reference within the document points at; anything else is taken as "any value". */
  #target(reference: string): Json {
    if (!reference.startsWith("#")) return {};
    let at: Json | undefined = this.#root;
    for (const step of reference.slice(1).split("/").slice(1)) {
      const key = decode(step).replaceAll("~1", "/").replaceAll("~0", "~");
      if (Array.isArray(at)) at = at[Number(key)];
      else at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    }
    return at ?? {};
  }
}

/** Takes one combinator out of the schema; what it stands for is `joined` (a text is a reference). Undefined when none is left. */
function nextBranch(schema: JsonObject, depth: number): { rest: JsonObject; joined: Json[] } | undefined {
  if (typeof schema["$ref"] === "string") return { rest: without(schema, "$ref"), joined: [schema["$ref"]] };
  if (Array.isArray(schema["allOf"])) return { rest: without(schema, "allOf"), joined: schema["allOf"].filter(isObject) };
  for (const keyword of ["anyOf", "oneOf"]) {
    const branches = schema[keyword];
    if (!Array.isArray(branches)) continue;
    return { rest: without(schema, keyword), joined: [choose(branches.filter(isObject), depth) ?? {}] };
  }
  return undefined;
}

/** The first branch that is more than null; deep down the shortest one, which is the likeliest to end a recursion. */
function choose(branches: JsonObject[], depth: number): JsonObject | undefined {
  if (depth < optionalDepth) return branches.find((branch) => branch["type"] !== "null") ?? branches[0];
  const weight = (branch: JsonObject) => (branch["$ref"] === undefined ? 0 : 1e6) + JSON.stringify(branch).length;
  return branches.toSorted((one, other) => weight(one) - weight(other))[0];
}

function merge(base: JsonObject, more: Json): JsonObject {
  if (!isObject(more)) return base;
  const merged: JsonObject = { ...base, ...more };
  if (isObject(base["properties"]) && isObject(more["properties"])) merged["properties"] = { ...base["properties"], ...more["properties"] };
  const required = [...strings(base["required"]), ...strings(more["required"])];
  if (required.length > 0) merged["required"] = required;
  for (const [keyword, tighter] of [
    ["minimum", Math.max],
    ["minLength", Math.max],
    ["minItems", Math.max],
    ["maximum", Math.min],
    ["maxLength", Math.min],
    ["maxItems", Math.min],
  ] as const) {
    const [one, other] = [asNumber(base[keyword]), asNumber(more[keyword])];
    if (one !== undefined && other !== undefined) merged[keyword] = tighter(one, other);
  }
  return merged;
}

function without(schema: JsonObject, keyword: string): JsonObject {
  const { [keyword]: _taken, ...rest } = schema;
  return rest;
}

/** The value that the schema itself names. */
function fixedValue(schema: JsonObject, index: number): Json | undefined {
  if (schema["const"] !== undefined) return schema["const"];
  const { enum: allowed, examples } = schema;
  if (Array.isArray(allowed) && allowed.length > 0) return allowed[index % allowed.length];
  if (Array.isArray(examples) && examples.length > index) return examples[index];
  return index === 0 ? (schema["default"] ?? undefined) : undefined;
}

function typeOf(schema: JsonObject): string {
  const type = Array.isArray(schema["type"]) ? schema["type"].find((one) => one !== "null") : schema["type"];
  if (typeof type === "string") return type;
  if (schema["properties"] !== undefined || schema["required"] !== undefined) return "object";
  if (schema["items"] !== undefined || schema["prefixItems"] !== undefined) return "array";
  if (schema["minimum"] !== undefined || schema["maximum"] !== undefined || schema["multipleOf"] !== undefined) return "number";
  return "string";
}

function numberFor(schema: JsonObject, index: number): number {
  const whole = typeOf(schema) === "integer";
  const above = asNumber(schema["exclusiveMinimum"]);
  const below = asNumber(schema["exclusiveMaximum"]);
  const factor = asNumber(schema["multipleOf"]) ?? 0;
  const step = factor > 0 ? factor : 1;
  const least = Math.max(asNumber(schema["minimum"]) ?? -Infinity, above ?? -Infinity);
  const most = Math.min(asNumber(schema["maximum"]) ?? Infinity, below ?? Infinity);
  let value = factor > 0 ? factor : 1;
  if (value < least || value === above) value = Math.ceil(least / step) * step;
  if (value === above) value += step;
  if (value > most || value === below) value = Math.floor(most / step) * step;
  if (value === below) value -= step;
  // A span narrower than one step holds no whole number: its middle does for any other.
  if (!whole && factor === 0 && (value < least || value === above)) return (least + most) / 2;
  return tidy(value + index * step);
}

/** 3 * 0.1 is 0.30000000000000004: fifteen digits put it right. */
function tidy(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(15));
}

const formats: Record<string, string> = {
  "date-time": "2026-01-02T03:04:05Z",
  date: "2026-01-02",
  time: "03:04:05Z",
  duration: "PT1H",
  email: "mock@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/mock",
  url: "https://example.com/mock",
  "uri-reference": "/mock",
  uuid: "00000000-0000-4000-8000-000000000001",
};

function stringFor(schema: JsonObject, place: Place): string {
  const format = asString(schema["format"]);
  if (format !== undefined && Object.hasOwn(formats, format)) return formats[format] ?? "";
  const matching = typeof schema["pattern"] === "string" ? textFor(schema["pattern"]) : undefined;
  if (matching !== undefined) return matching;
  let text = `mock ${place.name}${place.index === 0 ? "" : ` ${place.index + 1}`}`;
  const least = Math.min(asNumber(schema["minLength"]) ?? 0, 100_000);
  if (text.length < least) text = text.padEnd(least, " mock");
  const most = asNumber(schema["maxLength"]);
  return most === undefined ? text : [...text].slice(0, most).join("");
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function singular(name: string): string {
  return name.length > 1 && name.endsWith("s") ? name.slice(0, -1) : name;
}

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
