import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { JsonObject } from "../canonical/json.ts";
import { instanceOf } from "./instance.ts";
import { textFor } from "./pattern.ts";

/** What an independent reader of JSON Schema has to say against the instance. */
function complaints(schema: JsonObject): string[] {
  const checked = z.fromJSONSchema(schema).safeParse(instanceOf(schema));
  return checked.success
    ? []
    : checked.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message} in ${JSON.stringify(instanceOf(schema))}`);
}

const person = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 3, maxLength: 6 },
    born: { type: "string", format: "date" },
    mail: { type: "string", format: "email" },
    code: { type: "string", pattern: "^[A-Z]{2}-\\d{3,}$" },
    age: { type: "integer", minimum: 18, maximum: 99 },
    share: { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
    price: { type: "number", multipleOf: 0.05, minimum: 2.01 },
    tags: { type: "array", items: { type: "string" }, minItems: 2, uniqueItems: true },
    pair: { type: "array", prefixItems: [{ type: "string" }, { type: "boolean" }] },
    kind: { enum: ["a", "b"] },
    maybe: { type: ["null", "integer"] },
    either: {
      anyOf: [{ type: "null" }, { type: "object", properties: { x: { const: 1 } }, required: ["x"], additionalProperties: false }],
    },
    both: { allOf: [{ type: "integer", minimum: 5 }, { minimum: 7 }] },
  },
  required: ["name", "age"],
  additionalProperties: false,
} satisfies JsonObject;

describe("an instance of a schema", () => {
  test("fits it", () => {
    expect(complaints(person)).toEqual([]);
    expect(instanceOf(person)).toMatchObject({
      name: "mock n",
      age: 18,
      code: "AA-111",
      price: 2.05,
      share: 0.5,
      tags: ["mock tag", "mock tag 2"],
      both: 7,
    });
  });

  test.each<JsonObject>([
    { type: "integer", exclusiveMinimum: 3 },
    { type: "integer", maximum: -10 },
    { type: "integer", multipleOf: 7, minimum: 8 },
    { type: "number", minimum: 0.2, maximum: 0.4 },
    { type: "integer", exclusiveMaximum: 1 },
    { type: "array", items: { type: "integer" }, minItems: 3, maxItems: 3 },
    { type: "object", additionalProperties: { type: "integer" }, minProperties: 2 },
    { type: "object", required: ["free"] },
    { oneOf: [{ type: "boolean" }, { type: "string" }] },
    {
      type: "object",
      properties: { next: { $ref: "#/$defs/there" } },
      required: ["next"],
      $defs: { there: { type: "string", enum: ["x"] } },
    },
  ])("%j", (schema) => {
    expect(complaints(schema)).toEqual([]);
  });

  test("of a recursive schema comes to an end", () => {
    const tree: JsonObject = {
      $ref: "#/$defs/node",
      $defs: {
        node: {
          type: "object",
          properties: { value: { type: "integer" }, children: { type: "array", items: { $ref: "#/$defs/node" } } },
          required: ["value"],
        },
      },
    };
    expect(JSON.stringify(instanceOf(tree)).length).toBeLessThan(1000);
    const wide = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`p${index}`, { $ref: "#" }]));
    expect(JSON.stringify(instanceOf({ type: "object", properties: wide, required: Object.keys(wide) })).length).toBeLessThan(100_000);
    expect(instanceOf({ $ref: "#" })).toBe("mock value");
    expect(instanceOf({ allOf: [{ $ref: "#" }] })).toBe("mock value");
  });

  test("of no schema, a boolean one or a broken one is something", () => {
    expect(instanceOf(undefined)).toBe("mock value");
    expect(instanceOf(true)).toBe("mock value");
    expect(instanceOf({ type: 7, properties: 3, required: "x", enum: [], $ref: 5 })).toEqual({});
    expect(instanceOf({ $ref: "https://example.com/other" })).toBe("mock value");
    expect(instanceOf({ $ref: "#/%E0/__proto__" })).toBe("mock value");
  });

  test("keeps a property called __proto__ as data", () => {
    const schema = JSON.parse('{"type":"object","properties":{"__proto__":{"const":1}},"required":["constructor"]}') as JsonObject;
    const instance = instanceOf(schema) as JsonObject;
    expect(JSON.stringify(instance)).toBe('{"__proto__":1,"constructor":"mock constructor"}');
    expect(Object.getPrototypeOf(instance)).toBe(Object.prototype);
  });
});

describe("a text for a pattern", () => {
  test.each([
    "^abc$",
    "a|b",
    "[a-z]{3,5}",
    "^(\\+1)?\\d{3}-\\d{4}$",
    "^[^abc]+$",
    "(?:x|y){2}z*",
    "\\w+@\\w+\\.com",
    "^\\s?$",
    "[\\d-]",
    "[]a]?",
    "^(?<year>\\d{4})-(0[1-9]|1[0-2])$",
    "^#[0-9a-fA-F]{6}$",
    ".+?",
    "^(a+)+$",
  ])("%s", (pattern) => {
    const text = textFor(pattern);
    if (text === undefined) expect(pattern).toBe("[]a]?");
    else expect(text).toMatch(new RegExp(pattern));
  });

  test("is not made for what this reader does not know", () => {
    for (const pattern of ["(?=a)b", "\\p{L}", "(a)\\1", "[a", "(a", "a)", "x".repeat(2000), "(a{9999}){9999}", "\\"])
      expect(textFor(pattern)?.length).toBeUndefined();
  });
});
