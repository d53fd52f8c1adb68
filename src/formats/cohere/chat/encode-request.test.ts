import { describe, expect, test } from "vitest";
import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { ChatRequest, Reasoning, Tool } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import { assistant, encode, system, user } from "./samples.ts";

const weather: Tool = {
  name: "weather",
  kind: "function",
  description: "The weather",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const clock: Tool = { name: "clock", kind: "function" };

/** The field that a request is refused for. */
function refusal(request: Partial<ChatRequest>, options?: { capabilities?: Capabilities; quirks?: Quirk[] }): string | undefined {
  try {
    encode(request, options);
    return undefined;
  } catch (thrown) {
    if (!isGatewayError(thrown)) throw thrown;
    expect(thrown.code).toBe("unsupported_field");
    return thrown.field;
  }
}

describe("the body", () => {
  test("the smallest request: whether it streams is named", () => {
    const { body, warnings } = encode({});
    expect(body).toEqual({ model: "m", messages: [{ role: "user", content: "Hi" }], stream: false });
    expect(warnings).toEqual([]);
    expect(encode({ stream: true }).body["stream"]).toBe(true);
  });

  test("parameters have the vendor's names", () => {
    const { body, warnings } = encode({
      maxOutputTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      seed: 7,
      stop: ["END"],
      frequencyPenalty: 0.1,
      logprobs: { top: 0 },
    });
    expect(body).toMatchObject({
      max_tokens: 100,
      temperature: 0.5,
      p: 0.9,
      k: 40,
      seed: 7,
      stop_sequences: ["END"],
      frequency_penalty: 0.1,
      logprobs: true,
    });
    expect(warnings).toEqual([]);
  });

  test("what lies outside of the vendor's ranges is brought to their edge, and told", () => {
    const { body, disclosed } = encode(
      { temperature: 1.7, topP: 1, topK: 900, maxOutputTokens: 9000 },
      { capabilities: { maxOutputTokens: 4096 } },
    );
    expect(body).toMatchObject({ temperature: 1, p: 0.99, k: 500, max_tokens: 4096 });
    expect(disclosed).toEqual(["approximated max_tokens", "approximated temperature", "approximated top_p", "approximated top_k"]);
    expect(encode({ topP: 0 }).body["p"]).toBe(0.01);
  });

  test("a model without sampling gets none; a negative seed is none", () => {
    const { body, disclosed } = encode({ temperature: 0, topP: 0.5, topK: 3, seed: -1 }, { capabilities: { sampling: false } });
    expect(Object.keys(body)).toEqual(["model", "messages", "stream"]);
    expect(disclosed).toEqual(["dropped temperature", "dropped top_p", "dropped top_k", "dropped seed"]);
  });

  test("one penalty at a time, from 0 to 1", () => {
    const penalties = (frequencyPenalty: number, presencePenalty: number): [unknown, unknown, string[]] => {
      const { body, disclosed } = encode({ frequencyPenalty, presencePenalty });
      return [body["frequency_penalty"], body["presence_penalty"], disclosed];
    };
    expect(penalties(0, 0)).toEqual([undefined, undefined, []]);
    expect(penalties(0, 0.5)).toEqual([undefined, 0.5, []]);
    expect(penalties(0.5, 0.5)).toEqual([0.5, undefined, ["dropped presence_penalty"]]);
    expect(penalties(-1, 2)).toEqual([undefined, 1, ["dropped frequency_penalty", "approximated presence_penalty"]]);
  });

  test("the vendor's own fields are kept for it, those of others are named", () => {
    const own = encode({ extra: { format: "cohere/chat", fields: { safety_mode: "STRICT", citation_options: { mode: "FAST" } } } });
    expect(own.body).toMatchObject({ safety_mode: "STRICT", citation_options: { mode: "FAST" } });
    expect(own.warnings).toEqual([]);
    expect(encode({ extra: { format: "openai/chat-completions", fields: { prediction: {} } } }).disclosed).toEqual(["dropped prediction"]);
  });

  test("what the caller relies on and Cohere cannot give is refused by name", () => {
    expect(refusal({ choices: 2 })).toBe("n");
    expect(refusal({ logprobs: { top: 1 } })).toBe("top_logprobs");
    expect(refusal({ logitBias: { "50256": -100 } })).toBe("logit_bias");
    expect(refusal({ stop: ["a", "b", "c", "d", "e", "f"] })).toBe("stop");
    expect(refusal({ stop: ["a", "b", "c", "d", "e"] })).toBeUndefined();
    expect(refusal({ modalities: ["text", "audio"] })).toBe("modalities");
    expect(refusal({ messages: [] })).toBe("messages");
    expect(refusal({ messages: [user("Hi"), assistant({ type: "text", text: "He" })] }, { capabilities: { prefill: false } })).toBe(
      "messages[1]",
    );
  });

  test("what changes nothing is neither refused nor told; what only tunes or counts is left out and told", () => {
    expect(
      encode({
        choices: 1,
        logitBias: {},
        modalities: ["text"],
        store: false,
        metadata: {},
        serviceTier: "auto",
        parallelToolCalls: true,
        promptCacheKey: "k",
        output: { type: "text" },
      }).warnings,
    ).toEqual([]);
    expect(
      encode({
        parallelToolCalls: false,
        verbosity: "low",
        serviceTier: "flex",
        endUser: "u",
        metadata: { a: "b" },
        store: true,
        cache: {},
      }).disclosed,
    ).toEqual([
      "dropped parallel_tool_calls",
      "dropped verbosity",
      "dropped service_tier",
      "dropped user",
      "dropped metadata",
      "dropped store",
      "dropped cache_control",
    ]);
  });
});

describe("thinking", () => {
  const think = (reasoning: Reasoning, capabilities: Capabilities = {}, maxOutputTokens?: number): [unknown, string[]] => {
    const { body, disclosed } = encode({ reasoning, maxOutputTokens }, { capabilities });
    return [body["thinking"], disclosed];
  };

  test("not asked for: the vendor's default", () => {
    expect(encode({}).body).not.toHaveProperty("thinking");
    expect(think({ summary: "auto" })).toEqual([undefined, []]);
  });

  test("off, on, and a budget", () => {
    expect(think({ effort: "none" })).toEqual([{ type: "disabled" }, []]);
    expect(think({ budgetTokens: 0 })).toEqual([{ type: "disabled" }, []]);
    expect(think({ adaptive: true })).toEqual([{ type: "enabled" }, []]);
    expect(think({ budgetTokens: 3000, effort: "low" })).toEqual([{ type: "enabled", token_budget: 3000 }, []]);
  });

  test("a degree is a limit, and told", () => {
    const told = ["approximated reasoning_effort"];
    expect(think({ effort: "minimal" })).toEqual([{ type: "enabled", token_budget: 512 }, told]);
    expect(think({ effort: "low" })).toEqual([{ type: "enabled", token_budget: 1024 }, told]);
    expect(think({ effort: "medium" })).toEqual([{ type: "enabled", token_budget: 8192 }, told]);
    expect(think({ effort: "high" })).toEqual([{ type: "enabled" }, told]);
    expect(think({ effort: "max" })).toEqual([{ type: "enabled" }, []]);
  });

  test("our own limit leaves room for an answer (maximhq/bifrost#3498)", () => {
    expect(think({ effort: "medium" }, {}, 4000)[0]).toEqual({ type: "enabled", token_budget: 2000 });
    expect(think({ effort: "low" }, {}, 1)[0]).toEqual({ type: "enabled", token_budget: 1 });
    expect(think({ effort: "low" }, {}, 4000)[0]).toEqual({ type: "enabled", token_budget: 1024 });
  });

  test("a model that does not think is not asked to; one that must is not told not to", () => {
    expect(think({ effort: "high" }, { reasoning: false })).toEqual([undefined, ["dropped reasoning"]]);
    expect(think({ effort: "none" }, { reasoning: false })).toEqual([undefined, []]);
    expect(think({ effort: "none" }, { reasoningOptional: false })).toEqual([undefined, ["approximated reasoning_effort"]]);
  });

  test("thoughts cannot be hidden", () => {
    expect(think({ adaptive: true, summary: "omitted" })[1]).toEqual(["dropped reasoning.summary"]);
    expect(think({ adaptive: true, summary: "summarized" })[1]).toEqual([]);
  });
});

describe("tools", () => {
  test("functions, with parameters even where there are none", () => {
    const { body, warnings } = encode({ tools: [weather, clock], toolChoice: { type: "auto" } });
    expect(body["tools"]).toEqual([
      { type: "function", function: { name: "weather", description: "The weather", parameters: weather.parameters } },
      { type: "function", function: { name: "clock", parameters: { type: "object", properties: {} } } },
    ]);
    expect(body).not.toHaveProperty("tool_choice");
    expect(warnings).toEqual([]);
  });

  test("choices: in capitals, and by name through what is offered", () => {
    const chosen = (toolChoice: NonNullable<ChatRequest["toolChoice"]>, capabilities: Capabilities = {}): [unknown, unknown, string[]] => {
      const { body, disclosed } = encode({ tools: [weather, clock], toolChoice }, { capabilities });
      return [(body["tools"] as { function: { name: string } }[]).map((tool) => tool.function.name), body["tool_choice"], disclosed];
    };
    expect(chosen({ type: "none" })).toEqual([["weather", "clock"], "NONE", []]);
    expect(chosen({ type: "required" })).toEqual([["weather", "clock"], "REQUIRED", []]);
    expect(chosen({ type: "tool", name: "clock" })).toEqual([["clock"], "REQUIRED", ["emulated tool_choice"]]);
    expect(chosen({ type: "allowed", mode: "auto", names: ["clock"] })).toEqual([["clock"], undefined, ["emulated tool_choice"]]);
    expect(chosen({ type: "allowed", mode: "required", names: ["clock"] })).toEqual([["clock"], "REQUIRED", ["emulated tool_choice"]]);
    expect(chosen({ type: "required" }, { forcedToolChoice: false })).toEqual([
      ["weather", "clock"],
      undefined,
      ["approximated tool_choice"],
    ]);
  });

  test("a choice without tools is none", () => {
    expect(encode({ toolChoice: { type: "required" } }).body).not.toHaveProperty("tool_choice");
  });

  test("strict is one switch for all tools", () => {
    const strict = (...tools: Tool[]): [unknown, string[]] => {
      const { body, disclosed } = encode({ tools });
      return [body["strict_tools"], disclosed];
    };
    const strictly = { ...weather, strict: true };
    expect(strict(strictly, { ...strictly, name: "b" })).toEqual([true, []]);
    expect(strict(strictly, clock)).toEqual([undefined, ["dropped tools[].strict"]]);
    expect(strict({ ...clock, strict: true })).toEqual([undefined, ["dropped tools[].strict"]]);
    expect(strict({ ...weather, strict: false })).toEqual([undefined, []]);
  });

  test("a free-form tool is a function with one text", () => {
    const { body, disclosed } = encode({
      tools: [{ name: "patch", kind: "custom", input: { type: "grammar", definition: "start: WORD" } }],
    });
    const [tool] = body["tools"] as [{ function: { description: string; parameters: object } }];
    expect(tool.function.parameters).toMatchObject({ type: "object", required: ["input"] });
    expect(tool.function.description).toContain("start: WORD");
    expect(disclosed).toEqual(["emulated tools[0]"]);
  });

  test("a vendor's hosted tool is refused by name, as are tools for a model without", () => {
    expect(refusal({ tools: [{ name: "web_search", kind: "vendor", extra: { format: "openai/responses", fields: {} } }] })).toBe(
      "tools[0]",
    );
    expect(refusal({ tools: [weather] }, { capabilities: { tools: false } })).toBe("tools");
  });
});

describe("the shape of the answer", () => {
  const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] };

  test("JSON, and JSON of a schema", () => {
    expect(encode({ output: { type: "json-object" } }).body["response_format"]).toEqual({ type: "json_object" });
    expect(encode({ output: { type: "json-schema", name: "n", schema, strict: true } }).body["response_format"]).toEqual({
      type: "json_object",
      json_schema: schema,
    });
    expect(encode({ output: { type: "json-schema", schema, description: "d" } }).body["response_format"]).toEqual({
      type: "json_object",
      json_schema: { ...schema, description: "d" },
    });
  });

  test("beside tools and documents the model is told instead: together they are a 400", () => {
    const withTools = encode({ messages: [system("Be brief."), user("Hi")], tools: [weather], output: { type: "json-schema", schema } });
    expect(withTools.body).not.toHaveProperty("response_format");
    expect(withTools.messages).toHaveLength(2);
    expect(withTools.messages[0]?.["content"]).toMatch(/^Be brief\.\n\nWhen you answer/);
    expect(withTools.disclosed).toEqual(["emulated response_format"]);

    const file = { type: "file", source: { kind: "text", text: "t" }, citations: true } as const;
    const withDocuments = encode({
      messages: [{ role: "user", content: [file, { type: "text", text: "?" }] }],
      output: { type: "json-object" },
    });
    expect(withDocuments.body).not.toHaveProperty("response_format");
    expect(withDocuments.messages.map(({ role }) => role)).toEqual(["system", "user"]);
  });

  test("a model without schemas gets the schema as an instruction, one without JSON is refused it", () => {
    const { body, messages, disclosed } = encode(
      { output: { type: "json-schema", schema } },
      { capabilities: { structuredOutput: "object" } },
    );
    expect(body["response_format"]).toEqual({ type: "json_object" });
    expect(messages[0]?.["content"]).toContain(JSON.stringify(schema));
    expect(disclosed).toEqual(["emulated response_format"]);
    expect(refusal({ output: { type: "json-object" } }, { capabilities: { structuredOutput: "none" } })).toBe("response_format");
  });
});
