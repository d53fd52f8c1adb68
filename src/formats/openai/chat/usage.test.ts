import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../canonical/json.ts";
import { readUsage, writeUsage } from "./usage.ts";

describe("counts from the wire", () => {
  test.each<[string, JsonObject, object]>([
    [
      "OpenAI",
      {
        prompt_tokens: 10,
        completion_tokens: 8,
        total_tokens: 18,
        prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 2, audio_tokens: 1 },
        completion_tokens_details: { reasoning_tokens: 5, audio_tokens: 0 },
      },
      { input: 10, output: 8, cacheRead: 4, cacheWrite: 2, audioInput: 1, reasoning: 5 },
    ],
    [
      "xAI: the total alone counts the reasoning",
      { prompt_tokens: 291, completion_tokens: 26, total_tokens: 506, completion_tokens_details: { reasoning_tokens: 189 } },
      { input: 291, output: 215, reasoning: 189 },
    ],
    [
      "more reasoning than completion",
      { prompt_tokens: 5, completion_tokens: 10, total_tokens: 15, completion_tokens_details: { reasoning_tokens: 40 } },
      { input: 5, output: 50, reasoning: 40 },
    ],
    [
      "DeepSeek's cache hits",
      { prompt_tokens: 339, completion_tokens: 83, total_tokens: 422, prompt_cache_hit_tokens: 320 },
      { cacheRead: 320 },
    ],
    ["Moonshot's", { prompt_tokens: 20, completion_tokens: 1, total_tokens: 21, cached_tokens: 10 }, { cacheRead: 10 }],
    ["no completion, but a total", { prompt_tokens: 5, total_tokens: 9 }, { input: 5, output: 4 }],
    ["searches", { prompt_tokens: 5, completion_tokens: 1, num_search_queries: 3 }, { serverTools: { num_search_queries: 3 } }],
    [
      "counts that are none",
      { prompt_tokens: 5, completion_tokens: -1, prompt_tokens_details: { cached_tokens: "4" }, completion_tokens_details: null },
      { input: 5, output: 0 },
    ],
    [
      "a cache larger than the prompt",
      { prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 50 } },
      { cacheRead: 5 },
    ],
  ])("%s", (_, raw, expected) => {
    expect(readUsage(raw)).toMatchObject({ ...expected, raw, rawFormat: "openai/chat-completions" });
  });

  test("reasoning left out, without a total: the row knows", () => {
    const raw = { prompt_tokens: 5, completion_tokens: 10, completion_tokens_details: { reasoning_tokens: 4 } };
    expect(readUsage(raw)).toMatchObject({ output: 10 });
    expect(readUsage(raw, true)).toMatchObject({ output: 14 });
    expect(readUsage({ ...raw, total_tokens: 15 }, true)).toMatchObject({ output: 10 });
  });

  test("an object without counts is no usage", () => {
    expect(readUsage({})).toBeUndefined();
    expect(readUsage({ prompt_tokens: "many" })).toBeUndefined();
  });
});

describe("counts to the wire", () => {
  test("the total is the sum, details are there", () => {
    expect(writeUsage({ input: 10, output: 8, cacheRead: 4, cacheWrite: 2, reasoning: 5 })).toEqual({
      prompt_tokens: 10,
      completion_tokens: 8,
      total_tokens: 18,
      prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: 5 },
    });
  });

  test("a vendor's further fields stay, its counts are set right", () => {
    const usage = readUsage({
      prompt_tokens: 291,
      completion_tokens: 26,
      total_tokens: 506,
      completion_tokens_details: { reasoning_tokens: 189 },
      cost_in_usd_ticks: 1,
    });
    expect(usage && writeUsage(usage)).toMatchObject({
      prompt_tokens: 291,
      completion_tokens: 215,
      total_tokens: 506,
      cost_in_usd_ticks: 1,
    });
  });
});
