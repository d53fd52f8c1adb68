/** Whether a schema is one that OpenAI's strict mode takes as it stands: every object closed, every property required. */

import { isObject } from "../../../canonical/json.ts";

/** Deeper than any schema that strict mode takes (five levels at first, ten today). */
const deepest = 32;

export function isStrictSchema(schema: unknown): boolean {
  return isObject(schema) && schema.type === "object" && isStrict(schema, 0);
}

function isStrict(schema: unknown, depth: number): boolean {
  if (depth > deepest) return false;
  if (Array.isArray(schema)) return schema.every((entry) => isStrict(entry, depth + 1));
  if (!isObject(schema)) return true;
  if (schema.type === "object" || isObject(schema.properties)) {
    if (schema.additionalProperties !== false) return false;
    const required = Array.isArray(schema.required) ? schema.required : [];
    if (Object.keys(isObject(schema.properties) ? schema.properties : {}).some((name) => !required.includes(name))) return false;
  }
  return Object.entries(schema).every(([keyword, value]) => {
    if (!holdsSchemas.has(keyword)) return true;
    // `properties` and `$defs` hold schemas by name; the names are nobody's keywords.
    const named = keyword === "properties" || keyword === "$defs" || keyword === "definitions";
    return named && isObject(value) ? Object.values(value).every((entry) => isStrict(entry, depth + 1)) : isStrict(value, depth + 1);
  });
}

const holdsSchemas: ReadonlySet<string> = new Set(["properties", "$defs", "definitions", "items", "anyOf", "prefixItems"]);
