import { describe, expect, test } from "vitest";
import type { Message } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { generateContent } from "../generate-content.ts";
import { decodeRequest } from "./decode-request.ts";
import { decode, door, otherSignature, signature } from "./samples.ts";
import { mint, sentinel } from "./state.ts";

const messagesOf = (contents: JsonObject[]): Message[] => decode({ contents }).messages;

describe("where the request comes in", () => {
  test("model and stream stand in the path", () => {
    const request = decodeRequest(
      { model: "models/other", contents: [{ parts: [{ text: "hi" }] }], headgate: { tags: [] } },
      { ...door, model: "fast", stream: true },
    );
    expect(request).toMatchObject({ model: "fast", stream: true, includeUsage: true });
    expect(request.extra).toBeUndefined();
  });

  test("without a model in the path nothing can be asked", () => {
    expect(() => decodeRequest({ contents: [{ parts: [{ text: "hi" }] }] }, { headers: new Headers() })).toThrow(/model/);
  });
});

test("snake_case, text for numbers and single messages mean the same as the format's own spelling", () => {
  const loose = decode({
    contents: { role: "user", parts: { inline_data: { mime_type: "image/png", data: "aa" } } },
    system_instruction: { parts: { text: "Be brief." } },
    tools: {
      function_declarations: { name: "look", parameters_json_schema: { type: "object", properties: { snake_name: { type: "string" } } } },
    },
    tool_config: { function_calling_config: { mode: "any", allowed_function_names: ["look"] } },
    generation_config: {
      max_output_tokens: "100",
      top_p: "0.5",
      stop_sequences: "END",
      thinking_config: { thinking_level: "low", include_thoughts: true },
    },
    service_tier: "standard",
  });
  const strict = decode({
    contents: [{ role: "user", parts: [{ inlineData: { mimeType: "image/png", data: "aa" } }] }],
    systemInstruction: { parts: [{ text: "Be brief." }] },
    tools: [
      {
        functionDeclarations: [{ name: "look", parametersJsonSchema: { type: "object", properties: { snake_name: { type: "string" } } } }],
      },
    ],
    toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["look"] } },
    generationConfig: {
      maxOutputTokens: 100,
      topP: 0.5,
      stopSequences: ["END"],
      thinkingConfig: { thinkingLevel: "LOW", includeThoughts: true },
    },
    serviceTier: "standard",
  });
  expect(loose).toEqual(strict);
  expect(strict).toMatchObject({
    maxOutputTokens: 100,
    topP: 0.5,
    stop: ["END"],
    reasoning: { effort: "low", summary: "auto" },
    toolChoice: { type: "tool", name: "look" },
    serviceTier: "default",
  });
});

describe("calls and their results", () => {
  test("calls of the same name without ids stay apart, and each result finds its call by order (TanStack/ai#199)", () => {
    const [, answer, results] = messagesOf([
      { role: "user", parts: [{ text: "go" }] },
      { role: "model", parts: [{ functionCall: { name: "look", args: { at: 1 } } }, { functionCall: { name: "look", args: { at: 2 } } }] },
      {
        role: "user",
        parts: [
          { functionResponse: { name: "look", response: { output: "one" } } },
          { functionResponse: { name: "look", response: { output: "two" } } },
        ],
      },
    ]);
    const ids = answer?.role === "assistant" ? answer.content.map((part) => part.type === "tool-call" && part.id) : [];
    expect(new Set(ids).size).toBe(2);
    expect(ids).not.toContain("look");
    expect(results).toMatchObject({
      role: "tool",
      content: [
        { callId: ids[0], name: "look", content: [{ text: "one" }] },
        { callId: ids[1], name: "look", content: [{ text: "two" }] },
      ],
    });
  });

  test("made-up ids are the same in every request of a conversation that grows (CLIProxyAPI#4939)", () => {
    const begun: JsonObject[] = [
      { role: "user", parts: [{ text: "go" }] },
      { role: "model", parts: [{ functionCall: { name: "look" } }] },
      { role: "user", parts: [{ functionResponse: { name: "look", response: {} } }] },
    ];
    const grown: JsonObject[] = [...begun, { role: "model", parts: [{ functionCall: { name: "look" } }] }];
    expect(messagesOf(grown).slice(0, 3)).toEqual(messagesOf(begun));
  });

  test("ids decide where they are given, whatever the order", () => {
    const [, , results] = messagesOf([
      { role: "user", parts: [{ text: "go" }] },
      { role: "model", parts: [{ functionCall: { id: "a", name: "look" } }, { functionCall: { id: "b", name: "look" } }] },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "b", name: "look", response: { output: "b" } } },
          { functionResponse: { id: "a", name: "look", response: { output: "a" } } },
        ],
      },
    ]);
    expect(results).toMatchObject({ content: [{ callId: "b" }, { callId: "a" }] });
  });

  test("a result without an id answers a call that has one, the latest turn first", () => {
    const [, , , , results] = messagesOf([
      { role: "user", parts: [{ text: "go" }] },
      { role: "model", parts: [{ functionCall: { id: "lost", name: "look" } }] },
      { role: "user", parts: [{ text: "never mind" }] },
      { role: "model", parts: [{ functionCall: { id: "open", name: "look" } }] },
      { role: "function", parts: [{ functionResponse: { name: "look", response: { output: "seen" } } }] },
    ]);
    expect(results).toMatchObject({ role: "tool", content: [{ callId: "open" }] });
  });

  test("a result that answers nothing keeps an id of its own", () => {
    const [results] = messagesOf([{ role: "user", parts: [{ functionResponse: { name: "look", response: { output: "seen" } } }] }]);
    expect(results).toMatchObject({ role: "tool", content: [{ callId: "call_hgo_0_0", name: "look" }] });
  });

  test("results come before the words of the same turn", () => {
    expect(
      messagesOf([
        { role: "user", parts: [{ text: "go" }] },
        { role: "model", parts: [{ functionCall: { name: "look" } }] },
        { role: "user", parts: [{ text: "and?" }, { functionResponse: { name: "look", response: { output: "seen" } } }] },
      ]).map(({ role }) => role),
    ).toEqual(["user", "assistant", "tool", "user"]);
  });

  const wrapped: [JsonObject | undefined, string | undefined, boolean | undefined][] = [
    [{ output: "seen" }, "seen", undefined],
    [{ output: '{"a":1}' }, '{"output":"{\\"a\\":1}"}', undefined],
    [{ output: { a: 1 } }, '{"output":{"a":1}}', undefined],
    [{ result: 5, more: true }, '{"result":5,"more":true}', undefined],
    [{ error: "gone" }, "gone", true],
    [{ error: { code: 5 } }, '{"code":5}', true],
    [{ error: "gone", code: 5 }, '{"error":"gone","code":5}', undefined],
    [{}, undefined, undefined],
    [undefined, undefined, undefined],
  ];
  test.each(wrapped)("%j is read as %j", (response, text, isError) => {
    const [result] = messagesOf([{ parts: [{ functionResponse: { name: "look", response } }] }]);
    const content = text === undefined ? [] : [{ type: "text", text }];
    expect(result).toMatchObject({ content: [{ content, isError }] });
  });

  test("media in a result", () => {
    const [result] = messagesOf([
      {
        parts: [
          {
            functionResponse: {
              name: "look",
              response: { output: "see" },
              parts: [
                { inlineData: { mimeType: "image/png", data: "aa", displayName: "a.png" } },
                { inlineData: { mimeType: "audio/wav", data: "bb" } },
              ],
            },
          },
        ],
      },
    ]);
    expect(result).toMatchObject({
      content: [
        { content: [{ type: "text" }, { type: "image", source: { data: "aa" } }, { type: "file", source: { mediaType: "audio/wav" } }] },
      ],
    });
  });
});

describe("what the model said", () => {
  test("a streamed answer that the client has stored chunk by chunk is one message again", () => {
    expect(
      messagesOf([
        { role: "user", parts: [{ text: "go" }] },
        { role: "model", parts: [{ text: "Hel", thought: true }] },
        { role: "model", parts: [{ text: "lo", thought: true }] },
        { role: "model", parts: [{ text: "There are" }] },
        { role: "model", parts: [{ text: " three" }] },
        { role: "model", parts: [{ text: "", thoughtSignature: signature }] },
        { role: "model", parts: [{ functionCall: { name: "look" } }] },
        { role: "model", parts: [{ text: "" }] },
      ])[1],
    ).toMatchObject({
      role: "assistant",
      content: [
        { type: "reasoning", text: "Hello" },
        { type: "text", text: "There are three", state: { data: signature } },
        { type: "tool-call", name: "look" },
      ],
    });
  });

  test("a signature stays on its part, also where parts of one kind stand side by side", () => {
    const [, answer] = messagesOf([
      { role: "user", parts: [{ text: "go" }] },
      {
        role: "model",
        parts: [{ text: "a" }, { text: "b", thoughtSignature: signature }, { text: "c", thoughtSignature: otherSignature }],
      },
      { role: "model", parts: [{ text: "d" }] },
    ]);
    expect(answer).toMatchObject({
      content: [
        { text: "a" },
        { text: "b", state: { format: "gemini/generate-content", kind: "signature", data: signature } },
        { text: "c", state: { data: otherSignature } },
        { text: "d" },
      ],
    });
  });

  test("Google's placeholder for a missing signature is no signature", () => {
    const [, answer] = messagesOf([
      { parts: [{ text: "go" }] },
      { role: "model", parts: [{ functionCall: { name: "look" }, thoughtSignature: sentinel }] },
    ]);
    expect(answer).toMatchObject({ content: [{ type: "tool-call", state: undefined }] });
  });

  test("another vendor's state comes out of its wrapping, also when a client has written the bytes anew", () => {
    const state = { format: "anthropic/messages", kind: "signature" as const, data: "ünï", origin: "anthropic/claude" };
    const minted = mint({ state });
    const again = minted.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    for (const thoughtSignature of [minted, again]) {
      const [, answer] = messagesOf([
        { parts: [{ text: "go" }] },
        { role: "model", parts: [{ text: "hm", thought: true, thoughtSignature }] },
      ]);
      expect(answer).toMatchObject({ content: [{ type: "reasoning", text: "hm", state }] });
    }
  });

  test("code that ran, and parts that are new, are kept whole", () => {
    const parts = [{ executableCode: { language: "PYTHON", code: "1" } }, { toolCall: { toolType: "GOOGLE_SEARCH", id: "s" } }];
    const [, answer] = messagesOf([{ parts: [{ text: "go" }] }, { role: "model", parts }]);
    expect(answer).toMatchObject({ content: parts.map((value) => ({ type: "vendor", format: "gemini/generate-content", value })) });
  });
});

describe("media", () => {
  const cases: [JsonObject, JsonObject][] = [
    [
      { inlineData: { mimeType: "image/png", data: "aa" } },
      { type: "image", source: { kind: "base64", mediaType: "image/png", data: "aa" } },
    ],
    [{ inlineData: { mimeType: "audio/wav", data: "aa" } }, { type: "audio", source: { kind: "base64" } }],
    [
      { inlineData: { mimeType: "application/pdf", data: "aa", displayName: "a.pdf" } },
      { type: "file", filename: "a.pdf", source: { kind: "base64" } },
    ],
    [
      { fileData: { mimeType: "image/png", fileUri: "https://example.org/a.png" } },
      { type: "image", source: { kind: "url", url: "https://example.org/a.png" } },
    ],
    [
      { fileData: { mimeType: "application/pdf", fileUri: "gs://b/a.pdf" } },
      { type: "file", source: { kind: "id", id: "gs://b/a.pdf", format: "gemini/generate-content" } },
    ],
    [{ fileData: { fileUri: "https://generativelanguage.googleapis.com/v1beta/files/a" } }, { type: "file", source: { kind: "id" } }],
    [
      { fileData: { fileUri: "https://youtu.be/a" }, videoMetadata: { fps: 1 } },
      { type: "file", source: { kind: "url" }, extra: { fields: { videoMetadata: { fps: 1 } } } },
    ],
  ];
  test.each(cases)("%j", (part, expected) =>
    expect(messagesOf([{ parts: [part] }])).toMatchObject([{ role: "user", content: [expected] }]),
  );
});

describe("tools", () => {
  test("Google's schema dialect becomes JSON Schema", () => {
    const { tools } = decode({
      tools: [
        {
          functionDeclarations: [
            {
              name: "look",
              parameters: {
                type: "OBJECT",
                properties: {
                  at: { type: "INTEGER", format: "int32", minimum: 1 },
                  tags: { type: "ARRAY", items: { type: "STRING", enum: ["a"], nullable: true }, min_items: "1" },
                  any: { anyOf: [{ type: "STRING" }, { type: "NUMBER" }], nullable: true },
                },
                required: ["at"],
                propertyOrdering: ["at", "tags"],
              },
            },
          ],
        },
      ],
    });
    expect(tools?.[0]?.parameters).toEqual({
      type: "object",
      properties: {
        at: { type: "integer", format: "int32", minimum: 1 },
        tags: { type: "array", items: { type: ["string", "null"], enum: ["a", null] }, minItems: 1 },
        any: { anyOf: [{ type: "string" }, { type: "number" }, { type: "null" }] },
      },
      required: ["at"],
      propertyOrdering: ["at", "tags"],
    });
  });

  test("hosted tools are kept, one by one, under their names", () => {
    const { tools } = decode({
      tools: [{ googleSearch: {}, functionDeclarations: [{ name: "look" }] }, { urlContext: {} }, { code_execution: {} }],
    });
    expect(tools).toMatchObject([
      { name: "look", kind: "function" },
      { name: "googleSearch", kind: "vendor", extra: { fields: { googleSearch: {} } } },
      { name: "urlContext", kind: "vendor" },
      { name: "codeExecution", kind: "vendor" },
    ]);
  });

  const choices: [JsonObject, unknown][] = [
    [{ mode: "AUTO" }, { type: "auto" }],
    [{ mode: "NONE" }, { type: "none" }],
    [{ mode: "ANY" }, { type: "required" }],
    [
      { mode: "ANY", allowedFunctionNames: ["a"] },
      { type: "tool", name: "a" },
    ],
    [
      { mode: "ANY", allowedFunctionNames: ["a", "b"] },
      { type: "allowed", mode: "required", names: ["a", "b"] },
    ],
    [
      { mode: "VALIDATED", allowedFunctionNames: ["a"] },
      { type: "allowed", mode: "auto", names: ["a"] },
    ],
    [{ mode: "VALIDATED" }, { type: "auto" }],
    [{ mode: "MODE_UNSPECIFIED" }, undefined],
  ];
  test.each(choices)("%j", (functionCallingConfig, expected) =>
    expect(decode({ toolConfig: { functionCallingConfig } }).toolChoice).toEqual(expected),
  );
});

describe("settings", () => {
  const thinking: [JsonObject, unknown][] = [
    [{ thinkingBudget: 0 }, { effort: "none" }],
    [{ thinkingBudget: -1 }, { adaptive: true }],
    [
      { thinkingBudget: 2048, includeThoughts: false },
      { budgetTokens: 2048, summary: "omitted" },
    ],
    [{ thinkingLevel: "MINIMAL" }, { effort: "minimal" }],
    [{ thinkingLevel: "THINKING_LEVEL_UNSPECIFIED" }, {}],
    [{ includeThoughts: true }, { summary: "auto" }],
  ];
  test.each(thinking)("thinkingConfig %j", (thinkingConfig, expected) =>
    expect(decode({ generationConfig: { thinkingConfig } }).reasoning).toEqual(expected),
  );

  const outputs: [JsonObject, unknown][] = [
    [{ responseMimeType: "application/json" }, { type: "json-object" }],
    [
      { responseMimeType: "application/json", responseSchema: { type: "STRING" } },
      { type: "json-schema", schema: { type: "string" } },
    ],
    [
      { responseMimeType: "application/json", responseJsonSchema: { type: "string" } },
      { type: "json-schema", schema: { type: "string" } },
    ],
    [{ responseMimeType: "text/plain" }, undefined],
  ];
  test.each(outputs)("%j", (generationConfig, expected) => expect(decode({ generationConfig }).output).toEqual(expected));

  test("what only this format says waits in the pocket, under its whole path", () => {
    const { extra } = decode({
      safetySettings: [],
      toolConfig: { retrievalConfig: { languageCode: "de" } },
      generationConfig: {
        mediaResolution: "MEDIA_RESOLUTION_LOW",
        responseMimeType: "text/x.enum",
        logprobs: 3,
        thinkingConfig: { newWord: 1 },
      },
    });
    expect(Object.keys(extra?.fields ?? {})).toEqual([
      "safetySettings",
      "toolConfig.retrievalConfig",
      "generationConfig.thinkingConfig.newWord",
      "generationConfig.mediaResolution",
      "generationConfig.logprobs",
      "generationConfig.responseMimeType",
    ]);
  });

  test("a cache's name is part of the conversation, so that nobody forgets it", () => {
    expect(decode({ cachedContent: "cachedContents/a" }).messages[0]).toEqual({
      role: "user",
      content: [{ type: "vendor", format: generateContent.name, value: { cachedContent: "cachedContents/a" } }],
    });
  });
});
