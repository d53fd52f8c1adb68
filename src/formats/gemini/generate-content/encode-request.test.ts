import { describe, expect, test } from "vitest";
import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { ChatRequest, MediaSource, Tool, ToolChoice, UserPart } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import { encode, roundTrip } from "./samples.ts";

const png: MediaSource = { kind: "base64", mediaType: "image/png", data: "aa" };
const user = (...content: UserPart[]): Partial<ChatRequest> => ({ messages: [{ role: "user", content }] });
const sent = (part: UserPart, capabilities: Capabilities = {}): unknown => encode(user(part), { capabilities }).contents[0]?.parts;

describe("settings", () => {
  test("each under its name, and nothing that was not asked for", () => {
    expect(
      encode({
        temperature: 1.5,
        topP: 0.9,
        topK: 40,
        maxOutputTokens: 100,
        stop: ["a", "b"],
        choices: 2,
        seed: 7,
        frequencyPenalty: 0.1,
        presencePenalty: -0.1,
        logprobs: { top: 3 },
      }).config,
    ).toEqual({
      temperature: 1.5,
      topP: 0.9,
      topK: 40,
      maxOutputTokens: 100,
      stopSequences: ["a", "b"],
      candidateCount: 2,
      seed: 7,
      frequencyPenalty: 0.1,
      presencePenalty: -0.1,
      responseLogprobs: true,
      logprobs: 3,
    });
    expect(encode({}).body).toEqual({ contents: [{ role: "user", parts: [{ text: "hi" }] }] });
  });

  const refused: [string, Partial<ChatRequest>, Quirk[]][] = [
    ["logit_bias", { logitBias: { "1": 5 } }, []],
    ["n", { choices: 9 }, []],
    ["n", { choices: 2 }, ["no-n"]],
    ["stop", { stop: ["1", "2", "3", "4", "5", "6"] }, []],
    ["stop", { stop: ["1"] }, ["no-stop"]],
    ["logprobs", { logprobs: { top: 0 } }, ["no-logprobs"]],
    ["tools", { tools: [{ name: "a", kind: "function" }] }, ["no-tools"]],
  ];
  test.each(refused)("%s is refused by name: %j %j", (field, fields, quirks) => {
    expect(() => encode(fields, { quirks })).toThrow(expect.objectContaining({ code: "unsupported_field", field }) as Error);
  });

  const dropped: [string, Partial<ChatRequest>][] = [
    ["verbosity", { verbosity: "low" }],
    ["prompt_cache_key", { promptCacheKey: "k" }],
    ["store", { store: true }],
    ["user", { endUser: "u" }],
    ["metadata", { metadata: { a: "b" } }],
    ["service_tier", { serviceTier: "ultrafast" }],
    ["parallel_tool_calls", { parallelToolCalls: false, tools: [{ name: "a", kind: "function" }] }],
    ["cache_control", { cache: {} }],
  ];
  test.each(dropped)("%s is left out, and says so", (field, fields) => expect(encode(fields).told).toEqual([`dropped ${field}`]));

  test("a model without sampling gets none, a limit too high is lowered, a seed too long is folded", () => {
    const { config, told } = encode(
      { temperature: 0, topP: 1, topK: 3, maxOutputTokens: 99, seed: 2 ** 40 + 5 },
      { capabilities: { sampling: false, maxOutputTokens: 50 } },
    );
    expect(config).toEqual({ maxOutputTokens: 50, seed: 5 });
    expect(told).toEqual(["dropped temperature", "dropped top_p", "dropped top_k", "approximated max_tokens", "approximated seed"]);
  });

  const tiers: [string, unknown][] = [
    ["default", "standard"],
    ["flex", "flex"],
    ["priority", "priority"],
    ["auto", undefined],
  ];
  test.each(tiers)("service tier %s is %s", (serviceTier, word) => {
    const { body, told } = encode({ serviceTier });
    expect(body.serviceTier).toBe(word as string);
    expect(told).toEqual([]);
  });

  test("another format's pocket is told field by field, this format's own goes back", () => {
    expect(encode({ extra: { format: "openai/chat-completions", fields: { prediction: {} } } }).told).toEqual(["dropped prediction"]);
    expect(roundTrip({ generationConfig: { speechConfig: { a: 1 } }, safetySettings: [{ category: "a" }] })).toMatchObject({
      body: { generationConfig: { speechConfig: { a: 1 } }, safetySettings: [{ category: "a" }] },
      told: [],
    });
  });
});

describe("thinking", () => {
  const level: Capabilities = { reasoning: ["effort"], efforts: ["low", "medium", "high"], reasoningOptional: false };
  const budget: Capabilities = { reasoning: ["budget"], reasoningOptional: true };
  const cases: [string, ChatRequest["reasoning"], Capabilities, unknown, string[]][] = [
    ["words where words are known", { effort: "high" }, level, { thinkingLevel: "HIGH", includeThoughts: true }, []],
    ["the nearest word", { effort: "xhigh" }, level, { thinkingLevel: "HIGH", includeThoughts: true }, ["approximated reasoning.effort"]],
    ["the lowest word", { effort: "minimal" }, level, { thinkingLevel: "LOW", includeThoughts: true }, ["approximated reasoning.effort"]],
    ["never off where it cannot be", { effort: "none" }, level, { thinkingLevel: "LOW" }, ["approximated reasoning"]],
    [
      "a budget as a word",
      { budgetTokens: 5000 },
      level,
      { thinkingLevel: "MEDIUM", includeThoughts: true },
      ["approximated reasoning.budget_tokens"],
    ],
    ["a word as a budget", { effort: "medium" }, budget, { thinkingBudget: 8192, includeThoughts: true }, []],
    ["the most that every model takes", { effort: "max" }, budget, { thinkingBudget: 24_576, includeThoughts: true }, []],
    ["a budget as it is", { budgetTokens: 77, effort: "high" }, budget, { thinkingBudget: 77, includeThoughts: true }, []],
    ["off", { effort: "none" }, budget, { thinkingBudget: 0 }, []],
    [
      "the least, where it cannot be off",
      { effort: "none" },
      { ...budget, reasoningOptional: false },
      { thinkingBudget: 128 },
      ["approximated reasoning"],
    ],
    ["left to the model", { adaptive: true }, budget, { thinkingBudget: -1, includeThoughts: true }, []],
    ["left to the model, where that is the rule", { adaptive: true }, level, { includeThoughts: true }, []],
    ["unseen", { effort: "low", summary: "omitted" }, level, { thinkingLevel: "LOW", includeThoughts: false }, []],
    ["as the client says it, of a model unknown", { effort: "low" }, {}, { thinkingLevel: "LOW", includeThoughts: true }, []],
    ["not at all", { effort: "low" }, { reasoning: false }, undefined, ["dropped reasoning"]],
    ["not at all, as wanted", { effort: "none" }, { reasoning: false }, undefined, []],
    ["seen by default", undefined, level, { includeThoughts: true }, []],
    ["unasked, of a model unknown", undefined, {}, undefined, []],
  ];
  test.each(cases)("%s", (_, reasoning, capabilities, expected, told) => {
    const encoded = encode({ reasoning }, { capabilities });
    expect(encoded.config.thinkingConfig).toEqual(expected);
    expect(encoded.told).toEqual(told);
    expect(JSON.stringify(encoded.config)).not.toMatch(/thinkingLevel.*thinkingBudget|thinkingBudget.*thinkingLevel/);
  });
});

describe("the shape of the answer", () => {
  const schema: JsonObject = { type: "object", properties: { a: { const: 1 } }, additionalProperties: false };

  test("a schema is enforced as JSON Schema", () => {
    expect(encode({ output: { type: "json-schema", schema, description: "d", name: "n", strict: true } })).toMatchObject({
      config: {
        responseMimeType: "application/json",
        responseJsonSchema: { type: "object", description: "d", properties: { a: { enum: [1] } }, additionalProperties: false },
      },
      told: [],
    });
  });

  test("without a schema there is still a JSON mode", () => {
    expect(encode({ output: { type: "json-object" } }).config).toEqual({ responseMimeType: "application/json" });
  });

  test("a model that enforces nothing is told, and so is the caller", () => {
    const { body, config, told } = encode({ output: { type: "json-schema", schema } }, { capabilities: { structuredOutput: "none" } });
    expect(config).toEqual({});
    expect(JSON.stringify(body.systemInstruction)).toContain("JSON Schema");
    expect(told).toEqual(["emulated response_format"]);
  });

  test("a keyword that is not enforced is disclosed", () => {
    const { told } = encode({ output: { type: "json-schema", schema: { type: "string", pattern: "a" } } });
    expect(told).toEqual(["approximated response_format"]);
  });

  test("asked-for media", () => {
    expect(encode({ modalities: ["text", "image"] }).config.responseModalities).toEqual(["TEXT", "IMAGE"]);
    expect(encode({ modalities: ["text"] }).config).toEqual({});
  });
});

describe("tools", () => {
  const look: Tool = {
    name: "look",
    kind: "function",
    description: "d",
    parameters: { type: "object", properties: { at: { type: "string" } }, $schema: "x", additionalProperties: false },
  };
  const choiceOf = (toolChoice: ToolChoice | undefined, tool: Tool = look): unknown =>
    encode({ tools: [tool], toolChoice }).body.toolConfig;

  test("all functions in one entry, with JSON Schema (CLIProxyAPI#97: `parameters` refuses half of it)", () => {
    expect(encode({ tools: [look, { name: "now", kind: "function" }] }).body.tools).toEqual([
      {
        functionDeclarations: [
          {
            name: "look",
            description: "d",
            parametersJsonSchema: { type: "object", properties: { at: { type: "string" } }, additionalProperties: false },
          },
          { name: "now" },
        ],
      },
    ]);
  });

  const choices: [ToolChoice | undefined, unknown][] = [
    [undefined, undefined],
    [{ type: "auto" }, { functionCallingConfig: { mode: "AUTO" } }],
    [{ type: "none" }, { functionCallingConfig: { mode: "NONE" } }],
    [{ type: "required" }, { functionCallingConfig: { mode: "ANY" } }],
    [{ type: "tool", name: "look" }, { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["look"] } }],
    [{ type: "allowed", mode: "auto", names: ["look"] }, { functionCallingConfig: { mode: "VALIDATED", allowedFunctionNames: ["look"] } }],
    [{ type: "allowed", mode: "required", names: ["look"] }, { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["look"] } }],
  ];
  test.each(choices)("choice %j", (choice, expected) => expect(choiceOf(choice)).toEqual(expected));

  test("a strict tool is validated, where nothing forces a call", () => {
    expect(choiceOf(undefined, { ...look, strict: true })).toEqual({ functionCallingConfig: { mode: "VALIDATED" } });
    expect(choiceOf({ type: "required" }, { ...look, strict: true })).toEqual({ functionCallingConfig: { mode: "ANY" } });
  });

  test("names outside the alphabet are written within it, everywhere alike", () => {
    const { body } = encode({
      tools: [{ name: "fs/read file", kind: "function" }],
      toolChoice: { type: "tool", name: "fs/read file" },
      messages: [
        { role: "user", content: [{ type: "text", text: "go" }] },
        { role: "assistant", content: [{ type: "tool-call", id: "a", name: "fs/read file", kind: "function", arguments: "{}" }] },
        { role: "tool", content: [{ type: "tool-result", callId: "a", content: [] }] },
      ],
    });
    expect(JSON.stringify(body).match(/hgfn_fs-2f-read-20-file/g)).toHaveLength(4);
    expect(() => encode({ tools: [{ name: "ü".repeat(60), kind: "function" }] })).toThrow(/128/);
  });

  test("a custom tool is a function with one text argument", () => {
    const { body, told } = encode({
      tools: [{ name: "sql", kind: "custom", input: { type: "grammar", syntax: "lark", definition: "start: A" } }],
    });
    expect(body.tools).toMatchObject([
      {
        functionDeclarations: [
          {
            name: "sql",
            description: expect.stringContaining("lark"),
            parametersJsonSchema: { properties: { input: { type: "string" } } },
          },
        ],
      },
    ]);
    expect(told).toEqual(["emulated tools[0]"]);
  });

  test("Google's own tools go back, another vendor's are refused by name (lingua: dropped in silence elsewhere)", () => {
    expect(roundTrip({ tools: [{ googleSearch: {} }, { functionDeclarations: [{ name: "a" }] }] }).body.tools).toEqual([
      { googleSearch: {} },
      { functionDeclarations: [{ name: "a" }] },
    ]);
    const search: Tool = {
      name: "web_search",
      kind: "vendor",
      extra: { format: "anthropic/messages", fields: { type: "web_search_20260318" } },
    };
    expect(() => encode({ tools: [search] })).toThrow(/web_search/);
  });

  test("unenforced keywords of a schema are disclosed, with the tool's place", () => {
    const { told, warnings } = encode({
      tools: [{ ...look, parameters: { type: "object", properties: { a: { type: "string", minLength: 2 } }, patternProperties: {} } }],
    });
    expect(told).toEqual(["approximated tools[0].parameters"]);
    expect(warnings[0]?.reason).toContain("minLength, patternProperties");
  });
});

describe("media", () => {
  const cases: [UserPart, unknown][] = [
    [{ type: "image", source: png }, [{ inlineData: { mimeType: "image/png", data: "aa" } }]],
    [
      { type: "image", source: { kind: "url", url: "data:image/webp;base64,bb" } },
      [{ inlineData: { mimeType: "image/webp", data: "bb" } }],
    ],
    [
      { type: "image", source: { kind: "url", url: "https://example.org/a.png?x=1" } },
      [{ fileData: { mimeType: "image/png", fileUri: "https://example.org/a.png?x=1" } }],
    ],
    [
      { type: "image", source: { kind: "url", url: "https://example.org/a" } },
      [{ fileData: { mimeType: "image/jpeg", fileUri: "https://example.org/a" } }],
    ],
    [{ type: "image", source: { ...png, mediaType: "image/jpg" } }, [{ inlineData: { mimeType: "image/jpeg", data: "aa" } }]],
    [
      { type: "audio", source: { kind: "base64", mediaType: "audio/mpeg", data: "aa" } },
      [{ inlineData: { mimeType: "audio/mpeg", data: "aa" } }],
    ],
    [
      { type: "file", source: { kind: "base64", mediaType: "application/pdf", data: "aa" }, context: "A report." },
      [{ text: "A report." }, { inlineData: { mimeType: "application/pdf", data: "aa" } }],
    ],
    [{ type: "file", source: { kind: "text", text: "wörds" } }, [{ inlineData: { mimeType: "text/plain", data: "d8O2cmRz" } }]],
    [
      { type: "file", source: { kind: "base64", mediaType: "application/json", data: "e30=" } },
      [{ inlineData: { mimeType: "text/plain", data: "e30=" } }],
    ],
    [
      { type: "file", source: { kind: "url", url: "https://www.youtube.com/watch?v=a" } },
      [{ fileData: { fileUri: "https://www.youtube.com/watch?v=a" } }],
    ],
    [
      { type: "file", source: { kind: "url", url: "https://example.org/a.pdf" } },
      [{ fileData: { mimeType: "application/pdf", fileUri: "https://example.org/a.pdf" } }],
    ],
  ];
  test.each(cases)("%j", (part, expected) => expect(sent(part)).toEqual(expected));

  const refused: [string, UserPart, Capabilities][] = [
    ["an address that Google does not fetch", { type: "image", source: { kind: "url", url: "http://example.org/a.png" } }, {}],
    ["another vendor's file id", { type: "file", source: { kind: "id", id: "file-1", format: "openai/chat-completions" } }, {}],
    ["a data URL that is not base64", { type: "image", source: { kind: "url", url: "data:image/svg+xml,<svg/>" } }, {}],
    ["images for a model that sees none", { type: "image", source: png }, { input: [] }],
    [
      "sound for a model that hears none",
      { type: "audio", source: { kind: "base64", mediaType: "audio/wav", data: "a" } },
      { input: ["image"] },
    ],
    [
      "a PDF for a model that reads none",
      { type: "file", source: { kind: "base64", mediaType: "application/pdf", data: "a" } },
      { input: ["image"] },
    ],
    [
      "a film for a model that watches none",
      { type: "file", source: { kind: "base64", mediaType: "video/mp4", data: "a" } },
      { input: ["image"] },
    ],
    ["another format's part", { type: "vendor", format: "anthropic/messages", value: { type: "container_upload" } }, {}],
  ];
  test.each(refused)("%s is refused with its place", (_, part, capabilities) => {
    expect(() => sent(part, capabilities)).toThrow(
      expect.objectContaining({ code: "unsupported_field", field: "messages[0].content[0]" }) as Error,
    );
  });

  test("what Gemini has no word for is told: file names, detail, cache marks once", () => {
    const { told } = encode(
      user(
        { type: "image", source: png, detail: "high", cache: {} },
        {
          type: "file",
          source: { kind: "base64", mediaType: "application/pdf", data: "aa" },
          filename: "a.pdf",
          citations: true,
          cache: { ttl: "1h" },
        },
        { type: "text", text: "hi", cache: {} },
      ),
    );
    expect(told).toEqual([
      "dropped cache_control",
      "dropped messages[0].content[0].detail",
      "dropped messages[0].content[1].filename",
      "dropped messages[0].content[1].citations",
    ]);
  });
});
