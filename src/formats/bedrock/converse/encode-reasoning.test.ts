import { describe, expect, test } from "vitest";
import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { ChatRequest, Reasoning } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import { calls, encode, look, results, user } from "./samples.ts";

function plan(reasoning: Reasoning, capabilities: Capabilities, more: Partial<ChatRequest> = {}, quirks: Quirk[] = []) {
  const { body, told } = encode({ reasoning, ...more }, { capabilities, quirks });
  const inference = (body.inferenceConfig ?? {}) as JsonObject;
  return {
    fields: (body.additionalModelRequestFields ?? {}) as JsonObject,
    output: body.outputConfig as JsonObject | undefined,
    maxTokens: inference.maxTokens,
    told,
  };
}

describe("Claude", () => {
  const adaptive: Capabilities = { reasoning: ["adaptive"], efforts: ["low", "medium", "high", "xhigh", "max"], maxOutputTokens: 64_000 };
  const budget: Capabilities = { reasoning: ["budget"], maxOutputTokens: 64_000 };

  test("thinks adaptively, steered by a word", () => {
    expect(plan({ effort: "high" }, adaptive)).toMatchObject({
      fields: { thinking: { type: "adaptive" }, output_config: { effort: "high" } },
      maxTokens: undefined,
      told: [],
    });
    expect(plan({ effort: "minimal" }, adaptive)).toMatchObject({
      fields: { output_config: { effort: "low" } },
      told: ["approximated reasoning.effort"],
    });
    expect(plan({ adaptive: true, summary: "auto" }, adaptive).fields).toEqual({ thinking: { type: "adaptive", display: "summarized" } });
    expect(plan({ effort: "low", adaptive: false }, adaptive).fields).toEqual({ output_config: { effort: "low" } });
  });

  test("thinks within a budget of which something is left for the answer", () => {
    expect(plan({ budgetTokens: 5000 }, budget, { maxOutputTokens: 9000 })).toMatchObject({
      fields: { thinking: { type: "enabled", budget_tokens: 5000 } },
      maxTokens: 9000,
      told: [],
    });
    expect(plan({ budgetTokens: 5000 }, budget).maxTokens).toBe(5000 + 8192);
    expect(plan({ budgetTokens: 100 }, budget)).toMatchObject({
      fields: { thinking: { budget_tokens: 1024 } },
      told: ["approximated reasoning.budget_tokens"],
    });
    expect(plan({ budgetTokens: 9000 }, budget, { maxOutputTokens: 4000 })).toMatchObject({
      fields: { thinking: { budget_tokens: 3999 } },
      maxTokens: 4000,
    });
    expect(plan({ budgetTokens: 9000 }, budget, { maxOutputTokens: 500 })).toMatchObject({
      fields: {},
      maxTokens: 500,
      told: ["dropped reasoning"],
    });
    expect(plan({ effort: "high" }, budget, { maxOutputTokens: 8000 })).toMatchObject({
      fields: { thinking: { budget_tokens: 6000 } },
      maxTokens: 8000,
      told: [],
    });
    expect(plan({ adaptive: true }, budget).told).toEqual(["approximated thinking.type"]);
    expect(plan({ budgetTokens: 200_000 }, budget)).toMatchObject({ fields: { thinking: { budget_tokens: 63_999 } }, maxTokens: 64_000 });
  });

  test("a budget where only words are taken becomes a word, never an error", () => {
    expect(plan({ budgetTokens: 12_000 }, adaptive)).toMatchObject({
      fields: { thinking: { type: "adaptive" }, output_config: { effort: "high" } },
      told: ["approximated reasoning.budget_tokens"],
    });
    expect(plan({ budgetTokens: 12_000, effort: "none" }, adaptive).fields).toMatchObject({ output_config: { effort: "high" } });
  });

  test("does not think when told so, as far as it can be told", () => {
    expect(plan({ effort: "none" }, adaptive).fields).toEqual({ thinking: { type: "disabled" } });
    expect(plan({ effort: "none" }, budget).fields).toEqual({});
    expect(plan({ effort: "none" }, { ...adaptive, reasoningOptional: false })).toMatchObject({
      fields: { output_config: { effort: "low" } },
      told: ["approximated reasoning"],
    });
  });

  test("cannot go on thinking in a tool loop whose thinking is lost", () => {
    const loop = { messages: [user("go"), calls("a"), results("a")], tools: [look] };
    expect(plan({ budgetTokens: 2000 }, budget, loop)).toMatchObject({ fields: {}, told: ["dropped reasoning"] });
    expect(plan({ effort: "high" }, adaptive, loop).fields).toMatchObject({ thinking: { type: "adaptive" } });
  });

  test("thinking takes no temperature, no top_k and hardly any top_p", () => {
    const { body, told } = encode({ reasoning: { adaptive: true }, temperature: 0.2, topK: 5, topP: 0.5 }, { capabilities: adaptive });
    expect(body.inferenceConfig).toBeUndefined();
    expect(told).toEqual(["dropped temperature", "dropped top_k", "dropped top_p"]);
    expect(encode({ reasoning: { adaptive: true }, temperature: 1, topP: 0.97 }, { capabilities: adaptive }).body.inferenceConfig).toEqual({
      topP: 0.97,
    });
  });
});

describe("models of other makers", () => {
  const words: Capabilities = { reasoning: ["effort"], efforts: ["low", "medium", "high"] };

  test("take a word, in OpenAI's field", () => {
    expect(plan({ effort: "medium" }, words)).toMatchObject({ fields: { reasoning_effort: "medium" }, told: [] });
    expect(plan({ effort: "max" }, words)).toMatchObject({ fields: { reasoning_effort: "high" }, told: ["approximated reasoning.effort"] });
    expect(plan({ budgetTokens: 900 }, words)).toMatchObject({
      fields: { reasoning_effort: "low" },
      told: ["approximated reasoning.budget_tokens"],
    });
    expect(plan({ adaptive: true }, words).fields).toEqual({});
  });

  test("or in Amazon's own", () => {
    const nova: Quirk[] = ["nova-parameters"];
    expect(plan({ effort: "high" }, words, {}, nova).fields).toEqual({ reasoningConfig: { type: "enabled", maxReasoningEffort: "high" } });
    expect(plan({ effort: "none" }, { ...words, reasoningOptional: true }, {}, nova).fields).toEqual({
      reasoningConfig: { type: "disabled" },
    });
    expect(plan({ adaptive: true }, words, {}, nova).fields).toEqual({
      reasoningConfig: { type: "enabled", maxReasoningEffort: "medium" },
    });
    expect(encode({ topK: 7 }, { quirks: nova }).body.additionalModelRequestFields).toEqual({ inferenceConfig: { topK: 7 } });
  });

  test("that cannot stop reasoning get the least of it", () => {
    expect(plan({ effort: "none" }, { ...words, reasoningOptional: false })).toMatchObject({
      fields: { reasoning_effort: "low" },
      told: ["approximated reasoning"],
    });
    expect(plan({ effort: "none" }, { ...words, reasoningOptional: true }).fields).toEqual({ reasoning_effort: "none" });
  });

  test("that do not reason, or cannot be steered, are left alone aloud", () => {
    expect(plan({ effort: "high" }, { reasoning: false })).toMatchObject({ fields: {}, told: ["dropped reasoning"] });
    expect(plan({ effort: "none" }, { reasoning: false })).toMatchObject({ fields: {}, told: [] });
    expect(plan({ effort: "high" }, { reasoning: [] })).toMatchObject({ fields: {}, told: ["dropped reasoning"] });
  });
});

describe("a model of which nothing is known", () => {
  test("gets the client's own words, an effort in the vendor's field for all", () => {
    expect(plan({ budgetTokens: 3000 }, {})).toMatchObject({ fields: { thinking: { type: "enabled", budget_tokens: 3000 } } });
    expect(plan({ adaptive: true, effort: "high" }, {})).toMatchObject({
      fields: { thinking: { type: "adaptive" } },
      output: { effort: "high" },
    });
    expect(plan({ effort: "low" }, {})).toMatchObject({ fields: {}, output: { effort: "low" }, told: [] });
    expect(plan({ effort: "none" }, {})).toMatchObject({ fields: {}, output: undefined, told: ["dropped reasoning"] });
  });
});
