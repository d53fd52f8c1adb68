import { describe, expect, test } from "vitest";
import type { ChatRequest } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import { encode } from "./samples.ts";
import type { Target } from "./samples.ts";

function refusedField(fields: Partial<ChatRequest>, target: Target = {}): string | undefined {
  try {
    encode(fields, target);
    return "no refusal";
  } catch (thrown) {
    return isGatewayError(thrown) && thrown.code === "unsupported_field" ? thrown.field : String(thrown);
  }
}

describe("a request", () => {
  test("in its plainest form; the model stands in the path, and streaming too", () => {
    expect(encode({ stream: true }).body).toEqual({ messages: [{ role: "user", content: [{ text: "hi" }] }] });
  });

  test("limits and sampling", () => {
    expect(encode({ maxOutputTokens: 100, temperature: 0.5, topP: 0.9, topK: 40 }).body).toMatchObject({
      inferenceConfig: { maxTokens: 100, temperature: 0.5, topP: 0.9 },
      additionalModelRequestFields: { top_k: 40 },
    });
    const high = encode({ temperature: 1.5, maxOutputTokens: 9000 }, { capabilities: { maxOutputTokens: 4096 } });
    expect(high.body.inferenceConfig).toEqual({ maxTokens: 4096, temperature: 1 });
    expect(high.told).toEqual(["approximated max_tokens", "approximated temperature"]);
  });

  test("Claude takes temperature or top_p, not both", () => {
    const capabilities = { reasoning: ["budget"] } as const;
    expect(encode({ temperature: 0.5, topP: 0.9 }, { capabilities })).toMatchObject({
      body: { inferenceConfig: { temperature: 0.5 } },
      told: ["dropped top_p"],
    });
    expect(encode({ temperature: 1, topP: 0.9 }, { capabilities })).toMatchObject({ body: { inferenceConfig: { topP: 0.9 } }, told: [] });
    expect(encode({ temperature: 0.5, topP: 1 }, { capabilities })).toMatchObject({
      body: { inferenceConfig: { temperature: 0.5 } },
      told: [],
    });
    expect(encode({ topP: 0.9 }, { capabilities }).body.inferenceConfig).toEqual({ topP: 0.9 });
  });

  test("models that refuse sampling get none, in silence where it is their default", () => {
    const capabilities = { sampling: false };
    expect(encode({ temperature: 0.5, topP: 0.9, topK: 3 }, { capabilities }).told).toEqual([
      "dropped temperature",
      "dropped top_p",
      "dropped top_k",
    ]);
    expect(encode({ temperature: 1, topP: 1 }, { capabilities })).toMatchObject({ body: {}, told: [] });
  });

  test("stop sequences, and the wish to be told which it was", () => {
    const { body, told } = encode({ stop: ["END", " \n"] });
    expect(body.inferenceConfig).toEqual({ stopSequences: ["END"] });
    expect(body.additionalModelResponseFieldPaths).toEqual(["/stop_sequence", "/delta/stop_sequence"]);
    expect(told).toEqual(["dropped stop"]);
    expect(encode({ stop: [] }).body.additionalModelResponseFieldPaths).toBeUndefined();
    expect(refusedField({ stop: ["x"] }, { quirks: ["no-stop"] })).toBe("stop");
  });

  test("what the caller relies on and the vendor cannot give is refused by name", () => {
    expect(refusedField({ choices: 2 })).toBe("n");
    expect(refusedField({ logprobs: { top: 0 } })).toBe("logprobs");
    expect(refusedField({ logitBias: { "1": 5 } })).toBe("logit_bias");
    expect(refusedField({ modalities: ["text", "audio"] })).toBe("modalities");
    expect(refusedField({ modalities: ["image"] }, { capabilities: { output: ["image"] } })).toBe("no refusal");
    expect(encode({ choices: 1, logitBias: {}, modalities: ["text"] }).told).toEqual([]);
  });

  test("tuning that is left out is named, what means nothing is not", () => {
    expect(
      encode({ seed: 1, frequencyPenalty: 0.5, presencePenalty: 0.1, verbosity: "low", promptCacheKey: "k", store: true }).told,
    ).toEqual([
      "dropped seed",
      "dropped frequency_penalty",
      "dropped presence_penalty",
      "dropped verbosity",
      "dropped prompt_cache_key",
      "dropped store",
    ]);
    expect(encode({ frequencyPenalty: 0, presencePenalty: 0, store: false }).told).toEqual([]);
  });

  test("the tier of service", () => {
    for (const [asked, sent] of [
      ["flex", { type: "flex" }],
      ["priority", { type: "priority" }],
      ["reserved", { type: "reserved" }],
      ["default", { type: "default" }],
      ["standard_only", { type: "default" }],
      ["auto", undefined],
    ] as const) {
      expect(encode({ serviceTier: asked })).toMatchObject({ told: [] });
      expect(encode({ serviceTier: asked }).body.serviceTier).toEqual(sent);
    }
    expect(encode({ serviceTier: "ultrafast" }).told).toEqual(["dropped service_tier"]);
    expect(encode({ serviceTier: "constructor" }).told).toEqual(["dropped service_tier"]);
  });

  test("metadata and end user, as far as the vendor's log takes them", () => {
    const { body, told } = encode({ metadata: { team: "search", "bad{key}": "x", note: "größe" }, endUser: "user-1" });
    expect(body.requestMetadata).toEqual({ team: "search", user: "user-1" });
    expect(told).toEqual(["dropped metadata.bad{key}", "dropped metadata.note"]);
    const many = encode({ metadata: Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, "v"])) });
    expect(Object.keys(many.body.requestMetadata as object)).toHaveLength(16);
    expect(many.told).toHaveLength(4);
    expect(encode({ metadata: { a: "b" }, endUser: "u" }, { quirks: ["no-metadata", "no-user"] }).body.requestMetadata).toBeUndefined();
  });

  test("fields of this format go in untouched, merged where we fill them too", () => {
    const fields = {
      guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1", trace: "enabled" },
      promptVariables: { a: { text: "b" } },
      performanceConfig: { latency: "optimized" },
      additionalModelRequestFields: { anthropic_beta: ["context-1m-2025-08-07"], top_k: 1 },
      inferenceConfig: { temperature: 0.1 },
      news: { kept: true },
    };
    const { body, told } = encode({ topK: 40, maxOutputTokens: 5, extra: { format: "bedrock/converse", fields } });
    expect(body).toMatchObject({
      guardrailConfig: fields.guardrailConfig,
      promptVariables: fields.promptVariables,
      performanceConfig: fields.performanceConfig,
      additionalModelRequestFields: { anthropic_beta: ["context-1m-2025-08-07"], top_k: 40 },
      inferenceConfig: { temperature: 0.1, maxTokens: 5 },
      news: { kept: true },
    });
    expect(told).toEqual([]);
  });

  test("fields of another format are dropped aloud", () => {
    expect(encode({ extra: { format: "openai/chat-completions", fields: { prediction: {} } } }).told).toEqual(["dropped prediction"]);
  });

  test("the same warning is given once, however long the history", () => {
    const message = { role: "user", content: [{ type: "text", text: "hi" }], name: "ann" } as const;
    expect(encode({ messages: Array.from({ length: 50 }, () => ({ ...message, content: [...message.content] })) }).told).toEqual([
      "dropped messages[0].name",
    ]);
  });

  test("what was given is not changed", () => {
    const request: Partial<ChatRequest> = {
      messages: [
        { role: "user", content: [{ type: "text", text: "a", cache: {} }] },
        { role: "assistant", content: [{ type: "text", text: "b " }] },
      ],
      tools: [{ name: "t", kind: "function", parameters: { type: "object" }, strict: true }],
      output: { type: "json-schema", schema: { type: "object", properties: { a: { type: "string", minLength: 1 } } } },
    };
    const before = JSON.stringify(request);
    encode(request);
    expect(JSON.stringify(request)).toBe(before);
  });
});
