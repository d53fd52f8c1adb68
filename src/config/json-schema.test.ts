import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { fromJSONSchema } from "zod";
import { isObject } from "../canonical/json.ts";
import type { JsonObject } from "../canonical/json.ts";
import { configJsonSchema } from "./json-schema.ts";
import { parseConfig } from "./parse.ts";
import { unsupportedParts } from "./unsupported.ts";

const exampleUrl = new URL("../../examples/headgate.yaml", import.meta.url);
const schema = configJsonSchema();

/** Every schema inside, with the path of names that leads to it. */
function everySchema(node: JsonObject, path: string[] = []): [string[], JsonObject][] {
  const found: [string[], JsonObject][] = [[path, node]];
  if (isObject(node.properties))
    for (const [name, property] of Object.entries(node.properties))
      if (isObject(property)) found.push(...everySchema(property, [...path, name]));
  for (const name of ["additionalProperties", "items"]) if (isObject(node[name])) found.push(...everySchema(node[name], [...path, "*"]));
  for (const option of Array.isArray(node.anyOf) ? node.anyOf : []) if (isObject(option)) found.push(...everySchema(option, path));
  return found;
}

describe("the published schema", () => {
  test("is JSON Schema 2020-12", () => {
    expect(schema["$schema"]).toBe("https://json-schema.org/draft/2020-12/schema");
    expect(schema).toMatchObject({ type: "object", additionalProperties: false, title: "Headgate configuration" });
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });

  test("explains every key", () => {
    const mute = everySchema(schema).flatMap(([path, node]) =>
      Object.entries(isObject(node.properties) ? node.properties : {})
        .filter(([, property]) => !isObject(property) || typeof property.description !== "string")
        .map(([name]) => [...path, name].join(".")),
    );
    expect(mute).toEqual([]);
  });

  test("refuses unknown keys in every mapping of known keys", () => {
    for (const [path, node] of everySchema(schema))
      if (isObject(node.properties)) expect([path.join("."), node.additionalProperties]).toEqual([path.join("."), false]);
  });

  test("gives examples that the loader takes", () => {
    const examples = everySchema(schema).flatMap(([path, node]) =>
      Array.isArray(node.examples) && path.length === 1 ? node.examples.map((example) => ({ [path[0] ?? ""]: example })) : [],
    );
    expect(examples.length).toBeGreaterThan(5);
    const supported = examples.filter((example) => !("redis" in example));
    for (const example of supported)
      expect(() =>
        parseConfig(JSON.stringify(example), { env: { HEADGATE_ADMIN_KEY: "12345678", OPENAI_API_KEY: "x" }, discovered: ["openai"] }),
      ).not.toThrow();
  });

  test("says what this build cannot do", () => {
    for (const part of unsupportedParts) {
      const nodes = everySchema(schema).filter(([path]) => path.join(".") === part.path.join("."));
      expect([
        part.path.join("."),
        nodes.some(([, node]) => typeof node.description === "string" && node.description.includes(`does not support ${part.what} yet`)),
      ]).toEqual([part.path.join("."), true]);
    }
  });

  test("lets variables stand for numbers, words and switches, but not for mappings", () => {
    const takesVariable = (node: JsonObject) =>
      Array.isArray(node.anyOf) && node.anyOf.some((option) => isObject(option) && option.$ref === "#/$defs/variable");
    const at = (...path: string[]) => everySchema(schema).filter(([found]) => found.join(".") === path.join("."));
    for (const path of [
      ["log", "level"],
      ["limits", "body"],
      ["models", "*", "targets", "*", "weight"],
      ["models", "*", "retry", "attempts"],
      ["providers", "*", "models", "*", "tools"],
      ["models", "*", "timeout", "idle"],
    ]) {
      expect([path.join("."), at(...path).some(([, node]) => takesVariable(node))]).toEqual([path.join("."), true]);
    }
    expect(at("providers", "*").some(([, node]) => takesVariable(node))).toBe(false);
  });
});

describe("the example file", () => {
  const text = readFileSync(exampleUrl, "utf8");
  const env = {
    HEADGATE_ADMIN_KEY: "an-admin-key",
    ANTHROPIC_KEY_A: "key-a",
    ANTHROPIC_KEY_B: "key-b",
    CI_KEY: "ci-key-0",
    RESEARCH_KEY: "research-key-0",
  };

  test("is a configuration without warnings", () => {
    const { config, warnings } = parseConfig(text, { env });
    expect(warnings).toEqual([]);
    expect([...config.models.keys()]).toEqual(["fast", "smart"]);
    expect(config.keys).toHaveLength(2);
  });

  test("fits the published schema, and a wrong one does not", () => {
    const validator = fromJSONSchema(schema);
    const result = validator.safeParse(parse(text));
    expect(result.error?.issues ?? []).toEqual([]);
    for (const wrong of [
      "lisen: 1",
      "log: { level: loud }",
      "models: { a: { route: fallback } }",
      "models: { a: { targets: [x], retry: { attempts: 0 } } }",
      "keys: [{ name: a }]",
      "limits: { body: 5 }",
      "providers: { a/b: {} }",
    ]) {
      expect([wrong, validator.safeParse(parse(wrong)).success]).toEqual([wrong, false]);
    }
    for (const right of ["providers:\n  openai:\n", "{}", 'log: { level: "${LEVEL:-info}" }', "listen: 4000"])
      expect([right, validator.safeParse(parse(right)).success]).toEqual([right, true]);
  });
});
