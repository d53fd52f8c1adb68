import { describe, expect, test } from "vitest";
import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { ChatRequest, Reasoning, Tool } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import { assistant, encode, user } from "./samples.ts";

const weather: Tool = {
  name: "weather",
  kind: "function",
  description: "The weather",
  parameters: { type: "object", properties: { city: { type: "string" } } },
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
  test("the smallest request: streaming is named, as its absence means yes", () => {
    const { body, warnings } = encode({});
    expect(body).toEqual({ model: "m", messages: [{ role: "user", content: "Hi" }], stream: false, truncate: false });
    expect(warnings).toEqual([]);
    expect(encode({ stream: true }).body["stream"]).toBe(true);
  });

  test("a conversation that is too long is an error, and does not lose its beginning in silence", () => {
    expect(encode({}).body["truncate"]).toBe(false);
    expect(encode({ extra: { format: "ollama/chat", fields: { truncate: true } } }).body["truncate"]).toBe(true);
  });

  test("options have the vendor's names", () => {
    const { body, warnings } = encode({
      maxOutputTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      seed: 7,
      stop: ["END"],
      frequencyPenalty: 0.1,
      presencePenalty: 0.2,
    });
    expect(body["options"]).toEqual({
      num_predict: 100,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      seed: 7,
      stop: ["END"],
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
    });
    expect(warnings).toEqual([]);
  });

  test("more tokens than the model gives are cut to what it gives, and told", () => {
    const { body, disclosed } = encode({ maxOutputTokens: 9000 }, { capabilities: { maxOutputTokens: 4096 } });
    expect(body["options"]).toEqual({ num_predict: 4096 });
    expect(disclosed).toEqual(["approximated max_tokens"]);
  });

  test("a model without sampling gets none", () => {
    const { body, disclosed } = encode({ temperature: 0, topP: 0.5, topK: 3, seed: 1 }, { capabilities: { sampling: false } });
    expect(body["options"]).toEqual({ seed: 1 });
    expect(disclosed).toEqual(["dropped temperature", "dropped top_p", "dropped top_k"]);
  });

  test("the window is the machine's business: what the model can hold sets no num_ctx", () => {
    expect(encode({ temperature: 1 }, { capabilities: { contextWindow: 131_072 } }).body["options"]).toEqual({ temperature: 1 });
  });

  test("keep_alive and num_ctx of a client of this format are kept, and its options merged", () => {
    const extra = { format: "ollama/chat", fields: { keep_alive: "10m", options: { num_ctx: 8192, temperature: 2 } } };
    const { body, warnings } = encode({ temperature: 0.1, extra });
    expect(body).toMatchObject({ keep_alive: "10m", options: { num_ctx: 8192, temperature: 0.1 } });
    expect(warnings).toEqual([]);
  });

  test("the pocket of another format is named field by field, its options too", () => {
    const { body, disclosed } = encode({
      extra: { format: "openai/chat-completions", fields: { prediction: {}, options: { num_ctx: 1 } } },
    });
    expect(Object.keys(body)).toEqual(["model", "messages", "stream", "truncate"]);
    expect(disclosed).toEqual(["dropped prediction", "dropped options"]);
  });

  test("log probabilities", () => {
    expect(encode({ logprobs: { top: 0 } }).body).toMatchObject({ logprobs: true });
    expect(encode({ logprobs: { top: 0 } }).body).not.toHaveProperty("top_logprobs");
    expect(encode({ logprobs: { top: 3 } }).body).toMatchObject({ logprobs: true, top_logprobs: 3 });
    expect(refusal({ logprobs: { top: 0 } }, { quirks: ["no-logprobs"] })).toBe("logprobs");
  });

  test("what the caller relies on and Ollama cannot give is refused by name", () => {
    expect(refusal({ choices: 2 })).toBe("n");
    expect(refusal({ logitBias: { "50256": -100 } })).toBe("logit_bias");
    expect(refusal({ modalities: ["text", "audio"] })).toBe("modalities");
    expect(refusal({ messages: [] })).toBe("messages");
    expect(refusal({ messages: [user("Hi"), assistant({ type: "text", text: "He" })] }, { capabilities: { prefill: false } })).toBe(
      "messages[1]",
    );
  });

  test("what changes nothing is neither refused nor told", () => {
    const { warnings } = encode({
      choices: 1,
      logitBias: {},
      modalities: ["text"],
      store: false,
      metadata: {},
      serviceTier: "auto",
      verbosity: "medium",
      parallelToolCalls: true,
      promptCacheKey: "k",
      output: { type: "text" },
    });
    expect(warnings).toEqual([]);
  });

  test("what only tunes or counts is left out and told", () => {
    const { disclosed } = encode({
      parallelToolCalls: false,
      verbosity: "low",
      serviceTier: "flex",
      endUser: "u",
      metadata: { a: "b" },
      store: true,
      cache: {},
    });
    expect(disclosed).toEqual([
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
  const think = (reasoning: Reasoning, capabilities: Capabilities = {}): [unknown, string[]] => {
    const { body, disclosed } = encode({ reasoning }, { capabilities });
    return [body["think"], disclosed];
  };
  /** gpt-oss: levels, and never off. */
  const levels: Capabilities = { reasoning: ["effort"], efforts: ["low", "medium", "high"], reasoningOptional: false };

  test("not asked for: the server's default", () => {
    expect(encode({}).body).not.toHaveProperty("think");
    expect(think({ summary: "auto" })).toEqual([undefined, []]);
  });

  test("off and on", () => {
    expect(think({ effort: "none" })).toEqual([false, []]);
    expect(think({ adaptive: true })).toEqual([true, []]);
    expect(think({ budgetTokens: 0 })).toEqual([false, []]);
  });

  test("a degree for a model that only has a switch is approximated: a level would be a 400", () => {
    expect(think({ effort: "low" })).toEqual([true, ["approximated reasoning_effort"]]);
    expect(think({ budgetTokens: 4000 }, { reasoning: ["budget"], reasoningOptional: true })).toEqual([
      true,
      ["approximated reasoning_effort"],
    ]);
    expect(think({ effort: "high" }, { reasoning: ["effort"], reasoningOptional: true })).toEqual([
      true,
      ["approximated reasoning_effort"],
    ]);
  });

  test("a level for a model that has levels", () => {
    expect(think({ effort: "high" }, levels)).toEqual(["high", []]);
    expect(think({ effort: "medium" }, levels)).toEqual(["medium", []]);
    expect(think({ effort: "minimal" }, levels)).toEqual(["low", ["approximated reasoning_effort"]]);
    expect(think({ effort: "max" }, levels)).toEqual(["high", ["approximated reasoning_effort"]]);
    expect(think({ effort: "none" }, levels)).toEqual(["low", ["approximated reasoning_effort"]]);
    expect(think({ effort: "max" }, { ...levels, efforts: ["low", "high", "max"] })).toEqual(["max", []]);
    expect(think({ effort: "deepest" }, levels)).toEqual(["medium", ["approximated reasoning_effort"]]);
  });

  test("a budget becomes a level, by thresholds", () => {
    expect(think({ budgetTokens: 1024 }, levels)[0]).toBe("low");
    expect(think({ budgetTokens: 8192, effort: "low" }, levels)[0]).toBe("medium");
    expect(think({ budgetTokens: 8193 }, levels)[0]).toBe("high");
  });

  test("a model that does not think is not asked to: that would be a 400", () => {
    expect(think({ effort: "high" }, { reasoning: false })).toEqual([undefined, ["dropped reasoning"]]);
    expect(think({ effort: "none" }, { reasoning: false })).toEqual([undefined, []]);
  });

  test("a model that cannot stop thinking is told to, and the caller that it may not", () => {
    expect(think({ effort: "none" }, { reasoning: ["budget"], reasoningOptional: false })).toEqual([
      false,
      ["approximated reasoning_effort"],
    ]);
  });

  test("thoughts cannot be hidden", () => {
    expect(think({ effort: "none", summary: "omitted" })[1]).toEqual(["dropped reasoning.summary"]);
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

  test("there is no tool choice: what may not be called is not offered", () => {
    const tools = [weather, clock];
    const offered = (toolChoice: NonNullable<ChatRequest["toolChoice"]>): [unknown, string[]] => {
      const { body, disclosed } = encode({ tools, toolChoice });
      return [(body["tools"] as { function: { name: string } }[] | undefined)?.map((tool) => tool.function.name), disclosed];
    };
    expect(offered({ type: "none" })).toEqual([undefined, ["emulated tool_choice"]]);
    expect(offered({ type: "required" })).toEqual([["weather", "clock"], ["approximated tool_choice"]]);
    expect(offered({ type: "tool", name: "clock" })).toEqual([["clock"], ["approximated tool_choice"]]);
    expect(offered({ type: "allowed", mode: "auto", names: ["weather"] })).toEqual([["weather"], ["emulated tool_choice"]]);
    expect(offered({ type: "allowed", mode: "required", names: ["weather"] })).toEqual([["weather"], ["approximated tool_choice"]]);
  });

  test("a free-form tool is a function with one text", () => {
    const grammar = { type: "grammar", syntax: "lark", definition: "start: WORD" };
    const { body, disclosed } = encode({
      tools: [{ name: "patch", kind: "custom", description: "Patches", input: grammar, strict: true }],
    });
    const [tool] = body["tools"] as [{ function: { description: string; parameters: object } }];
    expect(tool.function.parameters).toMatchObject({ type: "object", required: ["input"] });
    expect(tool.function.description).toContain("Patches");
    expect(tool.function.description).toContain("start: WORD");
    expect(disclosed).toEqual(["emulated tools[0]"]);
  });

  test("strict is a promise that Ollama does not make", () => {
    expect(encode({ tools: [{ ...weather, strict: true }] }).disclosed).toEqual(["dropped tools[0].strict"]);
    expect(encode({ tools: [{ ...weather, strict: false }] }).disclosed).toEqual([]);
  });

  test("a vendor's hosted tool is refused by name, as are tools for a model without", () => {
    expect(refusal({ tools: [{ name: "web_search", kind: "vendor", extra: { format: "openai/responses", fields: {} } }] })).toBe(
      "tools[0]",
    );
    expect(refusal({ tools: [weather] }, { capabilities: { tools: false } })).toBe("tools");
    expect(refusal({ tools: [weather] }, { quirks: ["no-tools"] })).toBe("tools");
  });
});

describe("the shape of the answer", () => {
  const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] };

  test("JSON, and JSON of a schema", () => {
    expect(encode({ output: { type: "json-object" } }).body["format"]).toBe("json");
    expect(encode({ output: { type: "json-schema", name: "n", schema, strict: true } }).body["format"]).toEqual(schema);
    expect(encode({ output: { type: "json-schema", schema, description: "d" } }).body["format"]).toEqual({ ...schema, description: "d" });
  });

  test("the server holds any model to it: what the model can do by itself is not asked", () => {
    expect(encode({ output: { type: "json-schema", schema } }, { capabilities: { structuredOutput: "none" } }).body["format"]).toEqual(
      schema,
    );
  });

  test("beside tools the model is told instead: a format would keep it from calling any", () => {
    const { body, messages, disclosed } = encode({ tools: [weather], output: { type: "json-schema", schema } });
    expect(body).not.toHaveProperty("format");
    expect(messages).toHaveLength(2);
    expect(messages[0]).toMatchObject({ role: "system" });
    expect(messages[0]?.["content"]).toContain(JSON.stringify(schema));
    expect(disclosed).toEqual(["emulated response_format"]);
  });

  test("tools that may not be called are none", () => {
    expect(encode({ tools: [weather], toolChoice: { type: "none" }, output: { type: "json-object" } }).body["format"]).toBe("json");
  });

  test("a server without schemas gets the schema as an instruction, after the system messages at the head", () => {
    const messages: ChatRequest["messages"] = [{ role: "system", content: [{ type: "text", text: "Be brief." }] }, user("Hi")];
    const encoded = encode({ messages, output: { type: "json-schema", schema } }, { quirks: ["no-json-schema"] });
    expect(encoded.body["format"]).toBe("json");
    expect(encoded.messages.map(({ role }) => role)).toEqual(["system", "user"]);
    expect(encoded.messages[0]?.["content"]).toMatch(/^Be brief\.\n\nWhen you answer/);
    expect(refusal({ output: { type: "json-object" } }, { quirks: ["no-response-format"] })).toBe("response_format");
  });
});
