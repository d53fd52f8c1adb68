import { describe, expect, test } from "vitest";
import type { ChatRequest, UserPart } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { encode, roundTrip } from "./samples.ts";
import type { Target } from "./samples.ts";

function refusedField(fields: Partial<ChatRequest>, target: Target = {}): string | undefined {
  try {
    encode(fields, target);
    return undefined;
  } catch (error) {
    if (!isGatewayError(error) || error.code !== "unsupported_field") throw error;
    return error.field;
  }
}

function part(content: UserPart): Partial<ChatRequest> {
  return { messages: [{ role: "user", content: [content] }] };
}

function blockOf(content: UserPart): unknown {
  const messages = encode(part(content)).body.messages as JsonObject[];
  return (messages[0] as { content: JsonObject[] }).content[0];
}

describe("what comes from this format goes back as it came", () => {
  test("a request with everything", () => {
    const body: JsonObject = {
      model: "claude-x",
      max_tokens: 3000,
      system: [
        { type: "text", text: "s", cache_control: { type: "ephemeral" } },
        { type: "text", text: "t" },
      ],
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "look" },
            { type: "image", source: { type: "file", file_id: "file_1" }, transformations: { oversized_image: "error" } },
            {
              type: "document",
              source: {
                type: "content",
                content: [
                  { type: "text", text: "a" },
                  { type: "text", text: "b" },
                ],
              },
              title: "t",
            },
            {
              type: "search_result",
              title: "t",
              source: "https://a",
              content: [{ type: "text", text: "found" }],
              cache_control: { type: "ephemeral" },
            },
            { type: "container_upload", file_id: "f" },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: "sig" },
            { type: "redacted_thinking", data: "xyz" },
            { type: "text", text: "cited", citations: [{ type: "char_location", cited_text: "a", document_index: 0 }] },
            { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
            {
              type: "tool_use",
              id: "toolu_1",
              name: "look",
              input: { a: 1 },
              caller: { type: "code_execution_20260120", tool_id: "srvtoolu_1" },
            },
          ],
        },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: "toolu_1",
              content: [{ type: "tool_reference", tool_name: "look" }],
              cache_control: { type: "ephemeral", ttl: "1h" },
            },
            { type: "text", text: "go on" },
          ],
        },
      ],
      tools: [
        { name: "look", description: "d", input_schema: { type: "object", properties: {} }, input_examples: [{ a: 1 }] },
        { type: "web_search_20260318", name: "web_search", max_uses: 1 },
      ],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      thinking: { type: "enabled", budget_tokens: 2000, display: "omitted" },
      output_config: { effort: "high", task_budget: { total: 9 } },
      stop_sequences: ["END"],
      service_tier: "standard_only",
      metadata: { user_id: "u" },
      stream: true,
      container: { id: "c" },
      context_management: { edits: [] },
    };
    const { body: sent, told } = roundTrip(body, { capabilities: { reasoning: ["budget", "effort"] } });
    expect(sent).toEqual(body);
    expect(told).toEqual([]);
  });

  test.each<JsonObject>([
    { thinking: { type: "adaptive" }, output_config: { effort: "xhigh" } },
    { thinking: { type: "disabled" } },
    { thinking: { type: "disabled" }, output_config: { effort: "high" } },
    { thinking: { type: "between_tools" }, output_config: { effort: "low" } },
    { output_config: { effort: "low" } },
    { output_config: { format: { type: "json_schema", schema: { type: "object", properties: {}, additionalProperties: false } } } },
    { tools: [{ name: "a", input_schema: { type: "object", properties: {} } }], tool_choice: { type: "tool", name: "a" } },
    { tools: [{ name: "a", input_schema: { type: "object", properties: {} } }], tool_choice: { type: "none" } },
    { temperature: 0.3, top_k: 4 },
    { top_p: 0.8 },
    { cache_control: { type: "ephemeral", ttl: "1h" } },
    { metadata: { user_id: "u", later: 1 } },
  ])("%j", (fields) => {
    const { body, told } = roundTrip(fields);
    expect(body).toEqual({ model: "claude-x", max_tokens: 100, messages: [{ role: "user", content: "hi" }], ...fields });
    expect(told).toEqual([]);
  });

  test("what a guardrail changed in a document is what is sent", () => {
    for (const source of [
      { type: "document", source: { type: "content", content: [{ type: "text", text: "secret" }] } },
      { type: "search_result", title: "t", source: "a", content: [{ type: "text", text: "secret" }] },
    ]) {
      const request = roundTrip({ messages: [{ role: "user", content: [source] }] });
      expect(JSON.stringify(request.body)).toContain("secret");
    }
    const changed = encode(
      part({
        type: "file",
        source: { kind: "text", text: "[gone]" },
        extra: { format: "anthropic/messages", fields: { source: { type: "content", content: "secret" } } },
      }),
    );
    expect(JSON.stringify(changed.body)).not.toContain("secret");
  });
});

describe("one disposition for each field", () => {
  test.each<[string, Partial<ChatRequest>]>([
    ["n", { choices: 2 }],
    ["logprobs", { logprobs: { top: 0 } }],
    ["logit_bias", { logitBias: { "50256": -100 } }],
    ["modalities", { modalities: ["text", "audio"] }],
    ["messages[0].content[0]", part({ type: "audio", source: { kind: "base64", mediaType: "audio/wav", data: "AA==" } })],
    ["messages[0].content[0]", part({ type: "file", source: { kind: "id", id: "file-1", format: "openai/chat-completions" } })],
    ["messages[0].content[0]", part({ type: "file", source: { kind: "base64", mediaType: "application/zip", data: "AA==" } })],
    ["messages[0].content[0]", part({ type: "vendor", format: "openai/chat-completions", value: { type: "odd" } })],
    ["tools[0]", { tools: [{ name: "code_interpreter", kind: "vendor", extra: { format: "openai/responses", fields: {} } }] }],
    ["tools[0].name", { tools: [{ name: "x".repeat(200), kind: "function" }] }],
  ])("%s is refused by name", (field, fields) => {
    expect(refusedField(fields)).toBe(field);
  });

  test("tuning without a counterpart is dropped, each with a warning", () => {
    const { told } = encode({
      seed: 1,
      frequencyPenalty: 0.5,
      presencePenalty: 0.5,
      verbosity: "low",
      promptCacheKey: "k",
      store: true,
      metadata: { a: "b" },
      serviceTier: "flex",
      extra: { format: "openai/chat-completions", fields: { web_search_options: {}, prediction: {} } },
    });
    expect(told).toEqual([
      "dropped service_tier",
      "dropped seed",
      "dropped frequency_penalty",
      "dropped presence_penalty",
      "dropped verbosity",
      "dropped prompt_cache_key",
      "dropped store",
      "dropped metadata",
      "dropped web_search_options",
      "dropped prediction",
    ]);
  });

  test("what means nothing needs no word", () => {
    const { told } = encode({
      frequencyPenalty: 0,
      store: false,
      choices: 1,
      logitBias: {},
      modalities: ["text"],
      output: { type: "text" },
      metadata: {},
      includeUsage: true,
    });
    expect(told).toEqual([]);
  });

  test("max_tokens: the model's own most where the client named none, and never more", () => {
    expect(encode({}).body.max_tokens).toBe(8192);
    expect(encode({}, { capabilities: { maxOutputTokens: 64_000 } }).body.max_tokens).toBe(64_000);
    expect(encode({ maxOutputTokens: 5 }, { capabilities: { maxOutputTokens: 64_000 } }).body.max_tokens).toBe(5);
    const clamped = encode({ maxOutputTokens: 99_000 }, { capabilities: { maxOutputTokens: 64_000 } });
    expect([clamped.body.max_tokens, clamped.told]).toEqual([64_000, ["approximated max_tokens"]]);
  });

  test("sampling: clamped, one of two, none where the model refuses it or thinks", () => {
    expect(encode({ temperature: 1.5 })).toMatchObject({ body: { temperature: 1 }, told: ["approximated temperature"] });
    const both = encode({ temperature: 0.2, topP: 0.9 });
    expect([both.body.temperature, both.body.top_p, both.told]).toEqual([0.2, undefined, ["dropped top_p"]]);
    const byDefault = encode({ temperature: 1, topP: 0.9 });
    expect([byDefault.body.temperature, byDefault.body.top_p, byDefault.told]).toEqual([undefined, 0.9, []]);
    const refusing = encode({ temperature: 0.2, topP: 0.9, topK: 3 }, { capabilities: { sampling: false } });
    expect(Object.keys(refusing.body)).toEqual(["model", "max_tokens", "messages"]);
    expect(refusing.told).toEqual(["dropped temperature", "dropped top_p", "dropped top_k"]);
    const thinking = encode({ temperature: 0.2, topP: 0.5, topK: 3, reasoning: { effort: "low" } });
    expect(thinking.told).toEqual(["dropped temperature", "dropped top_k", "dropped top_p"]);
    expect(encode({ topP: 0.97, reasoning: { effort: "low" } }).body.top_p).toBe(0.97);
  });

  test("blank stop sequences, which the vendor refuses, are dropped", () => {
    expect(encode({ stop: ["\n", "END"] })).toMatchObject({ body: { stop_sequences: ["END"] }, told: ["dropped stop"] });
    expect(encode({ stop: ["\n"] }).body.stop_sequences).toBeUndefined();
  });

  test("user and tier", () => {
    expect(encode({ endUser: "u", serviceTier: "default" }).body).toMatchObject({
      metadata: { user_id: "u" },
      service_tier: "standard_only",
    });
  });
});

describe("changes of tools within the conversation", () => {
  const body: JsonObject = {
    tools: [{ name: "look", input_schema: { type: "object", properties: {} } }],
    messages: [
      { role: "user", content: "hi" },
      {
        role: "system",
        content: [
          { type: "text", text: "now" },
          { type: "tool_removal", tool: { name: "look" } },
        ],
        clear_at: "next_user_message",
      },
    ],
  };

  test("go back to a model that takes them as they came, and are refused for any other", () => {
    expect(roundTrip(body, { capabilities: { midSystem: true } }).body.messages).toEqual([
      { role: "user", content: "hi" },
      (body.messages as JsonObject[])[1],
    ]);
    expect(() => roundTrip(body)).toThrow("messages[1].content");
  });
});

describe("media", () => {
  test("images by address, data and file id", () => {
    expect(blockOf({ type: "image", source: { kind: "url", url: "https://a/b.png" } })).toEqual({
      type: "image",
      source: { type: "url", url: "https://a/b.png" },
    });
    const data = { type: "image", source: { type: "base64", media_type: "image/jpeg", data: "AA==" } };
    expect(blockOf({ type: "image", source: { kind: "base64", mediaType: "image/jpg", data: "AA==" } })).toEqual(data);
    expect(blockOf({ type: "image", source: { kind: "url", url: "data:image/jpeg;base64,AA==" } })).toEqual(data);
    expect(blockOf({ type: "file", source: { kind: "base64", mediaType: "image/jpeg", data: "AA==" } })).toEqual(data);
  });

  test("files: PDF as a document, text as text, both with their name", () => {
    expect(blockOf({ type: "file", filename: "a.pdf", source: { kind: "base64", mediaType: "application/pdf", data: "AA==" } })).toEqual({
      type: "document",
      source: { type: "base64", media_type: "application/pdf", data: "AA==" },
      title: "a.pdf",
    });
    expect(blockOf({ type: "file", filename: "a.md", source: { kind: "base64", mediaType: "text/markdown", data: btoa("# hi") } })).toEqual(
      {
        type: "document",
        source: { type: "text", media_type: "text/plain", data: "# hi" },
        title: "a.md",
      },
    );
    expect(blockOf({ type: "file", source: { kind: "url", url: "https://a/b.pdf" } })).toEqual({
      type: "document",
      source: { type: "url", url: "https://a/b.pdf" },
    });
  });

  test("what the model cannot see is refused by name", () => {
    const image: UserPart = { type: "image", source: { kind: "url", url: "https://a/b.png" } };
    const pdf: UserPart = { type: "file", source: { kind: "base64", mediaType: "application/pdf", data: "AA==" } };
    const blind: Target = { capabilities: { input: [] } };
    expect([refusedField(part(image), blind), refusedField(part(pdf), blind)]).toEqual([
      "messages[0].content[0]",
      "messages[0].content[0]",
    ]);
  });

  test("image detail is dropped with a warning, `auto` without", () => {
    const source = { kind: "url", url: "https://a" } as const;
    expect(encode(part({ type: "image", source, detail: "high" })).told).toEqual(["dropped messages[0].content[0].detail"]);
    expect(encode(part({ type: "image", source, detail: "auto" })).told).toEqual([]);
  });
});

describe("cache marks", () => {
  test("the last four stay, the first go with a warning", () => {
    const marked = (text: string) => ({ type: "text" as const, text, cache: {} });
    const { body, told } = encode({
      tools: [{ name: "a", kind: "function", cache: {} }],
      messages: [
        { role: "system", content: [marked("s")] },
        { role: "user", content: [marked("1"), marked("2"), marked("3"), marked("4")] },
      ],
    });
    expect(JSON.stringify(body).match(/cache_control/g)).toHaveLength(4);
    expect((body.tools as JsonObject[])[0]?.cache_control).toBeUndefined();
    expect(body.system).toEqual([{ type: "text", text: "s" }]);
    expect(told).toEqual(["dropped cache_control"]);
  });

  test("another vendor's lifetimes become the nearest", () => {
    const { body, told } = encode({ messages: [{ role: "user", content: [{ type: "text", text: "a", cache: { ttl: "24h" } }] }] });
    expect(JSON.stringify(body)).toContain('"cache_control":{"type":"ephemeral","ttl":"1h"}');
    expect(told).toEqual(["approximated messages[0].content[0].cache_control.ttl"]);
  });
});

describe("tools", () => {
  const look = { name: "look", kind: "function" as const, parameters: { type: "object", properties: {} } };
  const other = { ...look, name: "other" };

  test("no parameters are an empty object; other schemas stay as they are unless the tool is strict", () => {
    const { body, told } = encode({
      tools: [
        { name: "a", kind: "function" },
        { name: "b", kind: "function", parameters: { type: "object", properties: { n: { minimum: 1 } } } },
      ],
    });
    expect(body.tools).toEqual([
      { name: "a", input_schema: { type: "object", properties: {} } },
      { name: "b", input_schema: { type: "object", properties: { n: { minimum: 1 } } } },
    ]);
    expect(told).toEqual([]);
    const strict = encode({
      tools: [{ ...look, strict: true, parameters: { type: "object", properties: { n: { type: "integer", minimum: 1 } } } }],
    });
    expect(strict.body.tools).toMatchObject([{ strict: true, input_schema: { additionalProperties: false } }]);
    expect(strict.told).toEqual(["approximated tools[0].parameters"]);
  });

  test("a custom tool is a function with one text argument, its grammar told", () => {
    const { body, told } = encode({
      tools: [
        { name: "patch", kind: "custom", description: "Patches.", input: { type: "grammar", syntax: "lark", definition: "start: X" } },
      ],
      messages: [
        { role: "user", content: [{ type: "text", text: "a" }] },
        { role: "assistant", content: [{ type: "tool-call", id: "1", name: "patch", kind: "custom", arguments: "*** Begin" }] },
        { role: "tool", content: [{ type: "tool-result", callId: "1", content: [] }] },
      ],
    });
    expect(body.tools).toMatchObject([{ name: "patch", input_schema: { required: ["input"] } }]);
    expect(JSON.stringify(body.tools)).toContain("start: X");
    expect(JSON.stringify(body.messages)).toContain('"input":{"input":"*** Begin"}');
    expect(told).toEqual(["emulated tools[0]"]);
  });

  test("choices: required, named, none, one at a time", () => {
    expect(encode({ tools: [look], toolChoice: { type: "required" } }).body.tool_choice).toEqual({ type: "any" });
    expect(encode({ tools: [look], toolChoice: { type: "tool", name: "look" } }).body.tool_choice).toEqual({ type: "tool", name: "look" });
    expect(encode({ tools: [look], toolChoice: { type: "none" }, parallelToolCalls: false }).body.tool_choice).toEqual({ type: "none" });
    expect(encode({ tools: [look], parallelToolCalls: false }).body.tool_choice).toEqual({ type: "auto", disable_parallel_tool_use: true });
    expect(encode({ tools: [look] }).body.tool_choice).toBeUndefined();
  });

  test("where a call cannot be forced, the choice is free among the forced tools", () => {
    for (const [fields, target] of [
      [{}, { capabilities: { forcedToolChoice: false } }],
      [{ maxOutputTokens: 9000, reasoning: { budgetTokens: 2000 } }, {}],
    ] as [Partial<ChatRequest>, Target][]) {
      const { body, told } = encode({ ...fields, tools: [look, other], toolChoice: { type: "tool", name: "other" } }, target);
      expect(body.tool_choice).toBeUndefined();
      expect((body.tools as JsonObject[]).map(({ name }) => name)).toEqual(["other"]);
      expect(told).toEqual(["approximated tool_choice"]);
    }
  });

  test("allowed tools are the only ones sent", () => {
    const { body, told } = encode({ tools: [look, other], toolChoice: { type: "allowed", mode: "required", names: ["look"] } });
    expect(body.tool_choice).toEqual({ type: "any" });
    expect((body.tools as JsonObject[]).map(({ name }) => name)).toEqual(["look"]);
    expect(told).toEqual(["emulated tool_choice"]);
  });

  test("calls in the history without tools: their names are declared, and none may be called", () => {
    const { body, told } = encode({
      messages: [
        { role: "user", content: [{ type: "text", text: "a" }] },
        { role: "assistant", content: [{ type: "tool-call", id: "1", name: "look", kind: "function", arguments: "{}" }] },
        { role: "tool", content: [{ type: "tool-result", callId: "1", content: [] }] },
      ],
    });
    expect(body).toMatchObject({ tools: [{ name: "look" }], tool_choice: { type: "none" } });
    expect(told).toEqual(["repaired tools"]);
  });

  test("names outside the alphabet are escaped in definition, choice and history alike", () => {
    const { body } = encode({
      tools: [{ ...look, name: "fs.read" }],
      toolChoice: { type: "tool", name: "fs.read" },
      messages: [
        { role: "user", content: [{ type: "text", text: "a" }] },
        { role: "assistant", content: [{ type: "tool-call", id: "1", name: "fs.read", kind: "function", arguments: "{}" }] },
        { role: "tool", content: [{ type: "tool-result", callId: "1", content: [] }] },
      ],
    });
    expect(JSON.stringify(body).match(/"name":"hgfn-fs-2e-read"/g)).toHaveLength(3);
  });
});

describe("reasoning, as the model takes it", () => {
  const adaptive: Target = { capabilities: { reasoning: ["adaptive", "effort"], efforts: ["low", "medium", "high"] } };
  const budget: Target = { capabilities: { reasoning: ["budget"], maxOutputTokens: 64_000 } };

  test("effort: adaptive thinking, the word fitted to the model's list", () => {
    expect(encode({ reasoning: { effort: "medium" } }, adaptive)).toMatchObject({
      body: { thinking: { type: "adaptive" }, output_config: { effort: "medium" } },
      told: [],
    });
    for (const [asked, sent] of [
      ["minimal", "low"],
      ["max", "high"],
    ] as const) {
      const { body, told } = encode({ reasoning: { effort: asked } }, adaptive);
      expect([body.output_config, told]).toEqual([{ effort: sent }, ["approximated reasoning.effort"]]);
    }
  });

  test("effort becomes a budget that leaves room for the answer", () => {
    expect(encode({ reasoning: { effort: "high" } }, budget).body).toMatchObject({
      max_tokens: 64_000,
      thinking: { type: "enabled", budget_tokens: 16_384 },
    });
    expect(encode({ reasoning: { effort: "high" }, maxOutputTokens: 4000 }, budget).body).toMatchObject({
      max_tokens: 4000,
      thinking: { budget_tokens: 3000 },
    });
    const tight = encode({ reasoning: { effort: "high" }, maxOutputTokens: 1000 }, budget);
    expect([tight.body.thinking, tight.told]).toEqual([undefined, ["dropped reasoning"]]);
    expect(encode({ reasoning: { effort: "max" } }, { capabilities: { reasoning: ["budget"] } }).body).toMatchObject({
      max_tokens: 40_960,
      thinking: { budget_tokens: 30_720 },
    });
  });

  test("a client's budget is clamped at both ends, and becomes an effort where the model takes none", () => {
    for (const [asked, limit, sent] of [
      [10, 5000, 1024],
      [9000, 5000, 4999],
    ] as const) {
      const { body, told } = encode({ reasoning: { budgetTokens: asked }, maxOutputTokens: limit }, budget);
      expect([body.thinking, told]).toEqual([{ type: "enabled", budget_tokens: sent }, ["approximated reasoning.budget_tokens"]]);
    }
    const { body, told } = encode({ reasoning: { budgetTokens: 9000 } }, adaptive);
    expect([body.thinking, body.output_config, told]).toEqual([
      { type: "adaptive" },
      { effort: "high" },
      ["approximated reasoning.budget_tokens"],
    ]);
  });

  test("effort beside a budget, or without thinking, where the model takes it", () => {
    const both: Target = { capabilities: { reasoning: ["adaptive", "budget"] } };
    expect(encode({ reasoning: { budgetTokens: 2000, effort: "low" }, maxOutputTokens: 9000 }, both).body).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 2000 },
      output_config: { effort: "low" },
    });
    for (const wanted of [
      { budgetTokens: 2000, effort: "low" },
      { effort: "low", adaptive: false },
    ]) {
      const { body, told } = encode({ reasoning: wanted }, budget);
      expect([body.output_config, told]).toEqual([undefined, ["dropped reasoning.effort"]]);
    }
  });

  test("none: off, lowest where it cannot be off, nothing where it is off anyway", () => {
    expect(encode({ reasoning: { effort: "none" } }, adaptive).body.thinking).toEqual({ type: "disabled" });
    const always = encode({ reasoning: { effort: "none" } }, { capabilities: { reasoning: ["adaptive"], reasoningOptional: false } });
    expect([always.body.thinking, always.body.output_config, always.told]).toEqual([
      undefined,
      { effort: "low" },
      ["approximated reasoning"],
    ]);
    expect(encode({ reasoning: { effort: "none" } }, budget).body.thinking).toBeUndefined();
    expect(encode({ reasoning: { effort: "high" } }, { capabilities: { reasoning: false } }).told).toEqual(["dropped reasoning"]);
  });

  test("the display of reasoning", () => {
    expect(encode({ reasoning: { effort: "low", summary: "auto" } }, adaptive).body.thinking).toEqual({
      type: "adaptive",
      display: "summarized",
    });
    expect(encode({ reasoning: { effort: "low", summary: "omitted" } }, adaptive).body.thinking).toEqual({
      type: "adaptive",
      display: "omitted",
    });
  });

  test("manual thinking is off while a tool loop runs whose thinking the client did not keep", () => {
    const messages: ChatRequest["messages"] = [
      { role: "user", content: [{ type: "text", text: "a" }] },
      { role: "assistant", content: [{ type: "tool-call", id: "1", name: "look", kind: "function", arguments: "{}" }] },
      { role: "tool", content: [{ type: "tool-result", callId: "1", content: [] }] },
    ];
    const tools = [{ name: "look", kind: "function" as const }];
    const { body, told } = encode({ messages, tools, reasoning: { effort: "low" } }, budget);
    expect([body.thinking, told]).toEqual([undefined, ["dropped reasoning"]]);
    expect(encode({ messages, tools, reasoning: { effort: "low" } }, adaptive).body.thinking).toEqual({ type: "adaptive" });
  });
});

describe("the shape of the answer", () => {
  const schema = { type: "object", properties: { n: { type: "integer", minimum: 1 } }, required: ["n"] };
  const output = { type: "json-schema", name: "answer", schema, strict: true } as const;

  test("a schema is sent in the form that the vendor enforces, without name and strict", () => {
    const { body, told } = encode({ output });
    expect(body.output_config).toEqual({
      format: {
        type: "json_schema",
        schema: {
          type: "object",
          properties: { n: { type: "integer", description: "{minimum: 1}" } },
          required: ["n"],
          additionalProperties: false,
        },
      },
    });
    expect(told).toEqual(["approximated response_format"]);
  });

  test("where nothing enforces it, the model is instructed, and that is told", () => {
    const { body, told } = encode({ output }, { capabilities: { structuredOutput: "none" } });
    expect(body.output_config).toBeUndefined();
    expect(body.system).toContain(JSON.stringify(schema));
    expect(told).toEqual(["emulated response_format"]);
    const free = encode({ output: { type: "json-object" } });
    expect(free.body.system).toContain("JSON object");
    expect(free.told).toEqual(["emulated response_format"]);
  });
});
