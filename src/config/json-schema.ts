/** The JSON Schema (2020-12) of the configuration file, for editors: completion, explanations and warnings while typing. */

import { toJSONSchema } from "zod";
import { isObject } from "../canonical/json.ts";
import type { JsonObject } from "../canonical/json.ts";
import { configSchema } from "./schema.ts";
import { unsupportedAt } from "./unsupported.ts";

/** What says something about a value, as opposed to what limits it. */
const annotations = ["title", "description", "examples", "default"] as const;

/** The same object for the same build, so that its text can be published and compared. */
export function configJsonSchema(): JsonObject {
  const schema = toJSONSchema(configSchema, { target: "draft-2020-12", io: "input" }) as JsonObject;
  const { $schema, ...content } = schema;
  const definitions = isObject(content.$defs) ? content.$defs : {};
  delete content.$defs;
  return {
    $schema,
    ...forPeople(content, []),
    $defs: {
      ...definitions,
      variable: {
        title: "From the environment",
        description: "${NAME}, or ${NAME:-default} for when it is not set or empty.",
        type: "string",
        pattern: "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}",
      },
    },
  };
}

/** Lets variables and empty sections stand where the loader takes them, and says what this build cannot do yet. */
function forPeople(schema: JsonObject, path: readonly string[]): JsonObject {
  const nested: JsonObject = { ...schema };
  if (isObject(schema.properties)) {
    nested.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [
        name,
        isObject(property) ? forPeople(property, [...path, name]) : property,
      ]),
    );
  }
  for (const inner of ["additionalProperties", "items"] as const) {
    const below = schema[inner];
    if (isObject(below)) nested[inner] = forPeople(below, [...path, "*"]);
  }
  return annotated(withVariable(withNothing(nested, path), path), path);
}

/** `providers:` with nothing behind it is an empty section, unless something in it is required. */
function withNothing(schema: JsonObject, path: readonly string[]): JsonObject {
  const mayBeEmpty =
    (schema.type === "object" && schema.required === undefined) || (schema.type === "array" && schema.minItems === undefined);
  return mayBeEmpty && path.length > 0 ? { ...schema, type: [schema.type ?? "object", "null"] } : schema;
}

function withVariable(schema: JsonObject, path: readonly string[]): JsonObject {
  const variable = { $ref: "#/$defs/variable" };
  if (Array.isArray(schema.anyOf)) {
    const options = schema.anyOf.map((option) =>
      isObject(option) && (option.type === "object" || option.type === "array") ? forPeople(option, path) : option,
    );
    return { ...schema, anyOf: options.some((option) => isObject(option) && isRestricted(option)) ? [...options, variable] : options };
  }
  if (!isRestricted(schema)) return schema;
  const outside = Object.fromEntries(annotations.filter((name) => schema[name] !== undefined).map((name) => [name, schema[name]]));
  const inside = Object.fromEntries(Object.entries(schema).filter(([name]) => !(name in outside)));
  return { ...outside, anyOf: [inside, variable] };
}

/** True where `${NAME}` would not be valid by itself. */
function isRestricted(schema: JsonObject): boolean {
  if (schema.type === "string") return schema.pattern !== undefined || schema.enum !== undefined || schema.minLength !== undefined;
  return schema.type === "number" || schema.type === "integer" || schema.type === "boolean";
}

function annotated(schema: JsonObject, path: readonly string[]): JsonObject {
  const part = unsupportedAt(path);
  if (part === undefined) return schema;
  const words = typeof schema.description === "string" ? `${schema.description} ` : "";
  return { ...schema, description: `${words}This build does not support ${part.what} yet.` };
}
