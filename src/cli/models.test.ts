import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mockModels } from "../mock/models.ts";
import { listModels } from "../providers/models.ts";
import { testWorld } from "./testing/world.ts";
import type { TestWorld } from "./testing/world.ts";

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

describe("headgate models", () => {
  test("without a file has every mock model with what it does", async () => {
    const { exitCode, out } = await world.headgate("models");
    expect(exitCode).toBe(0);
    for (const model of mockModels) expect(out).toContain(`mock/${model.example}`);
  });

  test("has the aliases with their targets, then what the providers offer, with windows and prices", async () => {
    world.file(
      "headgate.yaml",
      "providers: { anthropic: { api_key: some-key-12345678 } }\nmodels:\n  smart: { targets: [anthropic/claude-opus-5-5, anthropic/claude-sonnet-5] }\nprices: { anthropic/claude-sonnet-5: { input: 1.5, output: 2 } }\n",
    );
    const { out } = await world.headgate("models");
    expect(out).toMatch(/smart +fallback +anthropic\/claude-opus-5-5, then anthropic\/claude-sonnet-5/);
    expect(out).toMatch(/anthropic\/claude-opus-5-5 +1M +\$\d+\.\d\d +\$[\d.]+ +\$\d+\.\d\d +image, pdf, tools/);
    expect(out).toMatch(/anthropic\/claude-sonnet-5 .* \$1\.50 +– +\$2\.00/);
    expect(out).toContain("more: `headgate models --provider anthropic`");
  });

  test("one provider in full, whether configured or not", async () => {
    const { out } = await world.headgate("models", "--provider", "groq", "--json");
    const { models } = JSON.parse(out) as { models: { model: string }[] };
    expect(models.map((model) => model.model)).toEqual(listModels("groq").map((model) => `groq/${model}`));
  });

  test("a provider that nobody knows", async () => {
    const { exitCode, err } = await world.headgate("models", "--provider", "opnai");
    expect(exitCode).toBe(1);
    expect(err).toContain('did you mean "openai"?');
  });
});
