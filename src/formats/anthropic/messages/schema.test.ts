import { describe, expect, test } from "vitest";
import { sanitiseSchema } from "./schema.ts";

describe("schemas for constrained decoding", () => {
  test("what is enforced stays, the rest becomes words", () => {
    const { schema, moved } = sanitiseSchema({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        age: { type: "integer", minimum: 0, maximum: 150, description: "In years." },
        mail: { type: "string", format: "email" },
        tags: { type: "array", items: { type: "string", pattern: "^a" }, minItems: 1, maxItems: 3 },
      },
      required: ["age"],
    });
    expect(schema).toEqual({
      type: "object",
      properties: {
        age: { type: "integer", description: "In years.\n\n{minimum: 0, maximum: 150}" },
        mail: { type: "string", format: "email" },
        tags: { type: "array", items: { type: "string", description: '{pattern: "^a"}' }, minItems: 1, description: "{maxItems: 3}" },
      },
      required: ["age"],
      additionalProperties: false,
    });
    expect(moved).toEqual(["minimum", "maximum", "pattern", "maxItems"]);
  });

  test("definitions are kept and rewritten, oneOf becomes anyOf, open objects are closed and say so", () => {
    const { schema, moved } = sanitiseSchema({
      $ref: "#/$defs/Node",
      $defs: { Node: { type: "object", properties: { kind: { oneOf: [{ const: "a" }, { const: "b" }] } }, additionalProperties: true } },
    });
    expect(schema).toEqual({
      $ref: "#/$defs/Node",
      $defs: {
        Node: {
          type: "object",
          properties: { kind: { anyOf: [{ const: "a" }, { const: "b" }] } },
          additionalProperties: false,
          description: "{additionalProperties: true}",
        },
      },
    });
    expect(moved).toEqual(["additionalProperties"]);
  });

  test("the given schema is not changed", () => {
    const given = { type: "object", properties: { a: { type: "string", minLength: 1 } } };
    const before = JSON.stringify(given);
    sanitiseSchema(given);
    expect(JSON.stringify(given)).toBe(before);
  });
});
