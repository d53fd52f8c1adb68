import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../canonical/json.ts";
import { sanitiseSchema, toJsonSchema } from "./schema.ts";

describe("JSON Schema as Google reads it", () => {
  const cases: [string, JsonObject, JsonObject, string[]?][] = [
    [
      "what is read stays",
      { type: "object", properties: { a: { type: "integer", minimum: 0, maximum: 9 } }, required: ["a"], additionalProperties: true },
      { type: "object", properties: { a: { type: "integer", minimum: 0, maximum: 9 } }, required: ["a"], additionalProperties: true },
    ],
    ["a constant is a choice among one", { const: "a" }, { enum: ["a"] }],
    [
      "names of the schema itself are left out (CLIProxyAPI#97)",
      { $schema: "x", $comment: "y", type: "string", examples: ["z"], "x-order": 1 },
      { type: "string" },
    ],
    [
      "what is not enforced is told in words",
      { type: "string", description: "d", minLength: 2, pattern: "^a" },
      { type: "string", description: 'd\n\n{minLength: 2, pattern: "^a"}' },
      ["minLength", "pattern"],
    ],
    ["a default is told, and was never a rule", { type: "string", default: "a" }, { type: "string", description: '{default: "a"}' }],
    [
      "exclusive limits, uniqueness, names of properties",
      { type: "array", items: { type: "number", exclusiveMinimum: 0 }, uniqueItems: true },
      { type: "array", items: { type: "number", description: "{exclusiveMinimum: 0}" }, description: "{uniqueItems: true}" },
      ["exclusiveMinimum", "uniqueItems"],
    ],
    ["one of is any of", { oneOf: [{ type: "string" }, { type: "null" }] }, { anyOf: [{ type: "string" }, { type: "null" }] }],
    [
      "any of and one of together",
      { anyOf: [{ type: "string" }], oneOf: [{ type: "string" }] },
      { anyOf: [{ type: "string" }], description: '{oneOf: [{"type":"string"}]}' },
      ["oneOf"],
    ],
    [
      "older definitions and their references",
      { definitions: { a: { type: "string" } }, properties: { b: { $ref: "#/definitions/a" } } },
      { $defs: { a: { type: "string" } }, properties: { b: { $ref: "#/$defs/a" } } },
    ],
    [
      "a described reference is wrapped (opencode#12295: siblings are refused)",
      { properties: { b: { $ref: "#/$defs/a", description: "d" } } },
      { properties: { b: { description: "d", anyOf: [{ $ref: "#/$defs/a" }] } } },
    ],
    [
      "a reference at the root keeps its definitions",
      { $ref: "#/$defs/a", $defs: { a: { const: 1 } }, $schema: "x" },
      { $ref: "#/$defs/a", $defs: { a: { enum: [1] } } },
    ],
    ["all of one is that one", { allOf: [{ $ref: "#/$defs/a" }], description: "d" }, { description: "d", anyOf: [{ $ref: "#/$defs/a" }] }],
    [
      "all of several that agree are one",
      {
        allOf: [
          { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
          { type: "object", properties: { b: { type: "string" } }, required: ["b"] },
        ],
      },
      { type: "object", properties: { a: { type: "string" }, b: { type: "string" } }, required: ["a", "b"] },
    ],
    [
      "all of several that do not are words",
      { allOf: [{ type: "string" }, { type: "number" }] },
      { description: '{allOf: [{"type":"string"},{"type":"number"}]}' },
      ["allOf"],
    ],
    ["null the OpenAPI way", { type: "string", enum: ["a"], nullable: true }, { type: ["string", "null"], enum: ["a", null] }],
    [
      "types in capitals",
      { type: "OBJECT", properties: { a: { type: ["STRING", "NULL"] } } },
      { type: "object", properties: { a: { type: ["string", "null"] } } },
    ],
    [
      "tuples of older drafts",
      { type: "array", items: [{ type: "string" }, true] },
      { type: "array", prefixItems: [{ type: "string" }, {}] },
    ],
    [
      "anything goes",
      { type: "object", properties: { a: true }, additionalProperties: { const: 1 } },
      { type: "object", properties: { a: {} }, additionalProperties: { enum: [1] } },
    ],
    [
      "properties that are called like keywords",
      { type: "object", properties: { const: { type: "string" }, $ref: { type: "string" }, allOf: { type: "string" } } },
      { type: "object", properties: { const: { type: "string" }, $ref: { type: "string" }, allOf: { type: "string" } } },
    ],
  ];
  test.each(cases)("%s", (_, given, expected, moved = []) => {
    const before = JSON.stringify(given);
    expect(sanitiseSchema(given)).toEqual({ schema: expected, moved });
    expect(JSON.stringify(given)).toBe(before);
    // What has been made readable is readable.
    expect(sanitiseSchema(expected)).toEqual({ schema: expected, moved: [] });
  });
});

describe("Google's own dialect", () => {
  test("as JSON Schema, which is readable as it is", () => {
    const schema = toJsonSchema({
      type: "OBJECT",
      title: "T",
      properties: {
        any_of: { type: "ARRAY", items: { type: "STRING", format: "enum", enum: ["a"] }, max_items: "3" },
        example: { type: "NUMBER", example: 1, nullable: false },
      },
      property_ordering: ["any_of"],
    });
    expect(schema).toEqual({
      type: "object",
      title: "T",
      properties: {
        any_of: { type: "array", items: { type: "string", format: "enum", enum: ["a"] }, maxItems: 3 },
        example: { type: "number", examples: [1] },
      },
      propertyOrdering: ["any_of"],
    });
    expect(sanitiseSchema(schema).moved).toEqual([]);
  });

  test("an unspecified type is no type", () =>
    expect(toJsonSchema({ type: "TYPE_UNSPECIFIED", description: "d" })).toEqual({ description: "d" }));
});
