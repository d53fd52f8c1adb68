import { calcPrice, findProvider as findTheirs } from "@pydantic/genai-prices";
import { describe, expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { costOf, pricesFrom, toUsd } from "./cost.ts";
import type { Provider } from "./provider.ts";
import data from "./models.json" with { type: "json" };
import { listedUnder, rules } from "./models-extra.ts";
import { describeModel, familyName, glob, knowsModel, listModels } from "./models.ts";
import { parsePrices } from "./price-text.ts";

const lists = Object.entries(data.models);

describe("the data", () => {
  test("has the breadth that was promised, in a size that loads at once", () => {
    expect(lists.length).toBeGreaterThan(200);
    expect(lists.reduce((sum, [, rows]) => sum + rows.length, 0)).toBeGreaterThan(8000);
    expect(JSON.stringify(data).length).toBeLessThan(2_500_000);
  });

  test("every row can be read: names once, whole contexts, prices that are prices, a source for each", () => {
    let priced = 0;
    for (const [provider, rows] of lists) {
      const names = new Set<string>();
      for (const line of rows) {
        const [id = "", context = "", prices = "", source = "", , flags = "", ...rest] = line.split("|");
        const where = `${provider}/${id}`;
        expect(rest, where).toEqual([]);
        expect(names.has(id) || id === "", where).toBe(false);
        names.add(id);
        if (context !== "" && !/^[1-9]\d*$/.test(context)) throw new Error(`${where}: context ${context}`);
        if (!["", "d"].includes(flags)) throw new Error(`${where}: flags ${flags}`);
        if ((prices === "") !== (source === "")) throw new Error(`${where}: a price without a source, or a source without a price`);
        if (prices === "") continue;
        priced += 1;
        if (!/^[gm](?:20\d\d-\d\d-\d\d)?$/.test(source)) throw new Error(`${where}: source ${source}`);
        for (const value of numbers(parsePrices(prices))) {
          // Ten thousand dollars for a million tokens: a slip of the comma.
          if (!Number.isSafeInteger(value) || value < 0 || value > 2e12) throw new Error(`${where}: ${prices}`);
        }
      }
    }
    expect(priced).toBeGreaterThan(7000);
  });

  test("every rule can be read, and every list that a row names is there for at least one of its names", () => {
    for (const rule of rules) {
      expect(rule.models.length).toBeGreaterThan(0);
      expect([...rule.models, ...(rule.except ?? [])].every((text) => text === text.toLowerCase())).toBe(true);
      if (rule.prices) {
        expect(Object.keys(parsePrices(rule.prices.text))).toContain("input");
        expect(rule.prices.date).toMatch(/^20\d\d-\d\d-\d\d$/);
      }
    }
    const rows: [string, Provider][] = Object.entries(catalogue);
    const named = [...rows.map(([name, row]) => [name, row.pricesFrom] as const), ...Object.entries(listedUnder)];
    for (const [name, lists] of named)
      if (lists)
        expect(
          lists.some((list) => Object.hasOwn(data.models, list)),
          name,
        ).toBe(true);
  });

  function numbers(value: object): number[] {
    return Object.values(value).flatMap((part: unknown) =>
      typeof part === "number" ? [part] : typeof part === "object" && part !== null ? numbers(part) : [],
    );
  }
});

describe("describeModel finds", () => {
  const listed = (provider: string, model: string) => describeModel(provider, model)?.listed;

  test.each([
    ["a name as it is listed", "openai", "gpt-4.1-mini", "gpt-4.1-mini"],
    ["a date behind it", "openai", "gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"],
    ["a date that the source knows as another name", "openai", "gpt-5.4-2026-03-05", "gpt-5.4"],
    ["a day without dashes", "anthropic", "claude-sonnet-5-20260801", "claude-sonnet-5"],
    ["Vertex's way to write it", "vertex", "claude-opus-4-8@20260801", "claude-opus-4-8"],
    ["dashes for dots", "openrouter", "anthropic/claude-opus-4-8", "anthropic/claude-opus-4.8"],
    ["capitals", "togetherai", "openai/GPT-OSS-120B", "openai/gpt-oss-120b"],
    ["a router's wish", "openrouter", "openai/gpt-4.1-mini:nitro", "openai/gpt-4.1-mini"],
    ["a region of Amazon's", "bedrock", "us.anthropic.claude-opus-4-8", "us.anthropic.claude-opus-4-8"],
    ["a revision of Amazon's", "bedrock", "us.anthropic.claude-opus-4-8-v1:0", "us.anthropic.claude-opus-4-8"],
    ["a provider by its alias", "together", "openai/gpt-oss-120b", "openai/gpt-oss-120b"],
    ["the provider's name before it", "openai", "openai/gpt-4.1-mini", "gpt-4.1-mini"],
    [
      "models behind a router of routers",
      "huggingface",
      "meta-llama/Llama-3.1-8B-Instruct:cerebras",
      "meta-llama/Llama-3.1-8B-Instruct:cerebras",
    ],
    ["what is newer than the packages", "openai", "gpt-6.1-sol", "gpt-6.1-sol"],
  ])("%s", (_, provider, model, expected) => {
    expect(listed(provider, model)).toBe(expected);
  });

  test.each([
    ["openai", "gpt-4.1-mini-turbo-preview"],
    ["openai", "gpt-4.1-minimal"],
    ["openai", "gpt-77"],
    ["anthropic", "gpt-4.1-mini"],
    ["openai", "o1-3000"],
    ["no-such-vendor", "gpt-4.1-mini"],
  ])("no price for %s/%s", (provider, model) => {
    expect(describeModel(provider, model)?.prices).toBeUndefined();
    expect(knowsModel(provider, model)).toBe(false);
  });

  test.each([
    ["__proto__", "x"],
    ["constructor", "name"],
    ["openai", "__proto__"],
    ["openai", "constructor"],
    ["openai", ""],
    ["", ""],
    ["openai", "*"],
  ])("nothing at all for %j/%j", (provider, model) => {
    expect(describeModel(provider, model)).toBeUndefined();
  });

  test("a family wherever it runs, without a price of its own", () => {
    const facts = describeModel("openai-compatible", "claude-opus-5");
    expect(facts?.capabilities.sampling).toBe(false);
    expect(facts?.prices).toBeUndefined();
    expect(facts?.listed).toBeUndefined();
  });

  test("a suffix that changes the price is not stripped", () => {
    expect(describeModel("openrouter", "openai/gpt-4.1-mini:batch-of-unknown")?.prices).toBeUndefined();
    expect(describeModel("openrouter", "no-such/model:free")?.prices).toEqual({ input: 0, output: 0 });
  });

  test("what a tier of service costs", () => {
    expect(describeModel("openai", "gpt-5.4")?.prices?.service).toEqual({ flex: 50 });
    expect(describeModel("openai", "gpt-6.1-sol")?.prices?.service).toEqual({ flex: 50, fast: 200 });
    expect(describeModel("openrouter", "openai/gpt-5.4")?.prices?.service).toBeUndefined();
  });

  test("who says it, and when", () => {
    expect(describeModel("anthropic", "claude-opus-4-6")?.source).toEqual({
      name: `@pydantic/genai-prices ${data.sources.g.version}`,
      date: "2026-03-13",
    });
    expect(describeModel("openai", "gpt-6.1-terra")?.source).toEqual({ name: "OpenAI's price list", date: "2026-10-26" });
  });

  test("the price of the mock, for trying out budgets", () => {
    expect(describeModel("mock", "whatever")?.prices).toEqual(pricesFrom({ input: 1, output: 2 }));
    expect(knowsModel("mock", "whatever")).toBe(false);
  });
});

describe("Claude", () => {
  const can = (model: string) => describeModel("anthropic", model)?.capabilities ?? {};

  test.each<[string, Record<string, unknown>]>([
    [
      "claude-3-haiku-20240307",
      { reasoning: false, sampling: true, midSystem: false, structuredOutput: "none", prefill: true, maxOutputTokens: 4096 },
    ],
    ["claude-3-7-sonnet-20250219", { reasoning: ["budget"], sampling: true, maxOutputTokens: 64_000 }],
    [
      "claude-opus-4-1-20250805",
      { reasoning: ["budget"], structuredOutput: "none", maxOutputTokens: 32_000, midSystem: false, forcedToolChoice: true },
    ],
    ["claude-sonnet-4-20250514", { reasoning: ["budget"], structuredOutput: "none", maxOutputTokens: 64_000 }],
    ["claude-haiku-4-5", { reasoning: ["budget"], structuredOutput: "schema", efforts: undefined, sampling: true }],
    ["claude-opus-4-5-20251101", { reasoning: ["budget", "effort"], efforts: ["low", "medium", "high"], sampling: true, prefill: true }],
    [
      "claude-opus-4-6",
      { reasoning: ["adaptive", "budget"], efforts: ["low", "medium", "high", "max"], sampling: true, midSystem: false, prefill: false },
    ],
    ["claude-sonnet-4-6", { reasoning: ["adaptive", "budget"], sampling: true, midSystem: false }],
    ["claude-opus-4-7", { reasoning: ["adaptive"], sampling: false, midSystem: false, forcedToolChoice: true }],
    ["claude-opus-4-8", { reasoning: ["adaptive"], sampling: false, midSystem: true, forcedToolChoice: true, reasoningOptional: true }],
    ["claude-sonnet-5", { reasoning: ["adaptive"], sampling: false, midSystem: true, forcedToolChoice: true, reasoningOptional: true }],
    ["claude-opus-5", { reasoning: ["adaptive"], sampling: false, midSystem: true, forcedToolChoice: true, reasoningOptional: true }],
    ["claude-haiku-5-5", { reasoning: ["adaptive"], sampling: false, forcedToolChoice: true, reasoningOptional: true }],
    ["claude-sonnet-5-5", { reasoning: ["adaptive"], sampling: false, forcedToolChoice: false, reasoningOptional: false }],
    ["claude-opus-5-5", { reasoning: ["adaptive"], sampling: false, forcedToolChoice: false, reasoningOptional: false }],
    ["claude-fable-5-2", { reasoning: ["adaptive"], sampling: false, forcedToolChoice: false, reasoningOptional: false, midSystem: true }],
    ["claude-mythos-5-2", { reasoning: ["adaptive"], sampling: false, reasoningOptional: false }],
    ["claude-opus-7", { reasoning: ["adaptive"], sampling: false, forcedToolChoice: false, prefill: false, reasoningOptional: undefined }],
  ])("%s", (model, expected) => {
    const capabilities: Record<string, unknown> = { ...can(model) };
    for (const [name, value] of Object.entries(expected)) expect(capabilities[name], name).toEqual(value);
  });

  test.each([
    "claude-opus-4-8",
    "anthropic/claude-opus-4.8",
    "us.anthropic.claude-opus-4-8-v1:0",
    "global.anthropic.claude-opus-4-8",
    "claude-opus-4-8@20260801",
    "claude-opus-4-8@default",
    "Claude-Opus-4.8:thinking",
  ])("%s is one family", (name) => {
    expect(familyName(name)).toMatch(/^claude-opus-4-8(?:-20260801)?$/);
    expect(describeModel("some-proxy", name)?.capabilities).toEqual(describeModel("some-proxy", "claude-opus-4-8")?.capabilities);
  });
});

test.each([
  ["gpt-4.1", { reasoning: false, structuredOutput: "schema", maxOutputTokens: 32_768 }],
  ["gpt-5-mini", { reasoning: ["effort"], sampling: false, efforts: ["minimal", "low", "medium", "high"], reasoningOptional: false }],
  ["gpt-5.4-mini", { reasoning: ["effort"], sampling: false, reasoningOptional: true, contextWindow: 400_000 }],
  ["gpt-6-astra", { reasoning: ["effort"], sampling: false, reasoningOptional: false, contextWindow: 1_050_000 }],
  ["o4-mini-2025-04-16", { reasoning: ["effort"], sampling: false }],
  ["gpt-5-chat-latest", { reasoning: false, sampling: true }],
])("OpenAI's %s", (model, expected) => {
  expect(describeModel("openai", model)?.capabilities).toMatchObject(expected);
});

test("a model may deviate where its provider does not", () => {
  expect(describeModel("moonshotai", "kimi-k2.6")?.quirks).toEqual(["thinking-switch"]);
  expect(describeModel("moonshotai", "kimi-k3")?.quirks).toEqual([]);
});

test("the host's shorter context wins over the family's", () => {
  expect(describeModel("anthropic", "claude-opus-4-8")?.capabilities.contextWindow).toBe(1_000_000);
  expect(describeModel("github-copilot", "claude-opus-4.8")?.capabilities.contextWindow).toBeLessThan(1_000_000);
});

test("listModels has the names of a provider, retired ones left out", () => {
  expect(listModels("moonshotai")).toContain("kimi-k3");
  expect(listModels("moonshotai")).not.toContain("kimi-k2-thinking");
  expect(listModels("constructor")).toEqual([]);
});

describe("glob", () => {
  test.each([
    ["gpt-5*", "gpt-5", true],
    ["gpt-5*", "gpt-5-mini", true],
    ["gpt-5*", "gpt-55", false],
    ["gpt-5-*", "gpt-5", false],
    ["*nova-lite*", "us.amazon.nova-lite-v1:0", true],
    ["*nova-lite*", "us.amazon.nova-litest", false],
    ["*claude-opus-5", "us.anthropic.claude-opus-5", true],
    ["*claude-opus-5", "us.anthropic.claude-opus-5-5", false],
    ["a*a", "a", false],
    ["a*b*c", "a-b-c", true],
    ["a*b*c", "acb", false],
    ["*", "", true],
    ["abc", "abcd", false],
  ])("%s and %s", (text, name, expected) => {
    expect(glob(text)(name)).toBe(expected);
  });
});

describe("agrees with the arithmetic of genai-prices", () => {
  const usages = [
    { input: 1000, output: 500 },
    { input: 1000, output: 500, cacheRead: 200 },
    { input: 300_000, output: 1234, cacheRead: 100_001 },
    { input: 12_345, output: 6789, cacheWrite: 4321 },
  ];
  // Where prices are kept by hand, they are meant to differ; retired names may have prices that nobody else lists.
  const byHand = (provider: string, model: string) => !describeModel(provider, model)?.source?.name.startsWith("@pydantic");

  test.each([
    ["openai", "openai"],
    ["anthropic", "anthropic"],
    ["google", "gemini"],
    ["groq", "groq"],
    ["x-ai", "xai"],
    ["mistral", "mistral"],
  ])("%s", (theirs, ours) => {
    const names = (findTheirs({ providerId: theirs })?.models ?? []).map((model) => model.id).filter((model) => !byHand(ours, model));
    let compared = 0;
    for (const model of names) {
      const prices = describeModel(ours, model)?.prices;
      if (!prices?.input || prices.output === undefined) continue;
      // They charge nothing for cached tokens without a price of their own, we charge what input costs.
      if (prices.cacheRead === undefined || prices.request !== undefined) continue;
      for (const usage of usages) {
        if (usage.cacheWrite !== undefined && prices.cacheWrite === undefined) continue;
        const expected = calcPrice(
          {
            input_tokens: usage.input,
            output_tokens: usage.output,
            cache_read_tokens: usage.cacheRead,
            cache_write_tokens: usage.cacheWrite,
          },
          model,
          { providerId: theirs },
        )?.total_price;
        // Some of their names are not accepted by their own matches.
        if (expected === undefined) continue;
        compared += 1;
        expect(toUsd(costOf(usage, prices) ?? NaN), model).toBeCloseTo(expected, 10);
      }
    }
    expect(compared).toBeGreaterThan(2);
  });
});
