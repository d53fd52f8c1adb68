import { describe, expect, test } from "vitest";
import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { ChatRequest, Extra, Message, Tool, UserPart } from "../../../canonical/chat.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { quirks as allQuirks } from "../../../canonical/quirks.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import { encode, translate } from "./samples.ts";

const look: Tool = { kind: "function", name: "look", parameters: { type: "object" } };
const user = (...content: UserPart[]): Message => ({ role: "user", content });
const text = (words: string): { type: "text"; text: string } => ({ type: "text", text: words });
const called = (id: string, more: object = {}): Message => ({
  role: "assistant",
  content: [{ type: "tool-call", id, name: "look", kind: "function", arguments: "{}", ...more }],
});
const answered = (callId: string, words = "seen", more: object = {}): Message => ({
  role: "tool",
  content: [{ type: "tool-result", callId, content: words === "" ? [] : [text(words)], ...more }],
});
/** Undefined: the field is not there. */
function expectFields(body: JsonObject, expected: JsonObject): void {
  for (const [field, value] of Object.entries(expected)) {
    if (value === undefined) expect(body).not.toHaveProperty(field);
    else expect(body).toMatchObject({ [field]: value });
  }
}
const refusal = (field: string): unknown => expect.objectContaining({ code: "unsupported_field", field });

describe("every quirk of requests is obeyed", () => {
  /** The quirks that concern replies only, tested with the decoder. */
  const ofReplies: Quirk[] = ["think-tags", "usage-omits-reasoning"];

  interface Case {
    given: Partial<ChatRequest>;
    without: JsonObject;
    with: JsonObject;
    told?: string[];
  }
  const messages = (...list: JsonObject[]): JsonObject => ({ messages: list });
  const cases: Partial<Record<Quirk, Case[]>> = {
    "max-tokens": [
      { given: { maxOutputTokens: 9 }, without: { max_completion_tokens: 9 }, with: { max_tokens: 9, max_completion_tokens: undefined } },
    ],
    "no-stream-options": [
      { given: { stream: true }, without: { stream_options: { include_usage: true } }, with: { stream: true, stream_options: undefined } },
    ],
    "no-parallel-tool-calls": [
      {
        given: { tools: [look], parallelToolCalls: false },
        without: { parallel_tool_calls: false },
        with: { parallel_tool_calls: undefined },
        told: ["dropped parallel_tool_calls"],
      },
      {
        given: { tools: [look], parallelToolCalls: true },
        without: { parallel_tool_calls: true },
        with: { parallel_tool_calls: undefined },
      },
    ],
    "no-developer-role": [
      {
        given: { messages: [{ role: "developer", content: [text("a")] }] },
        without: messages({ role: "developer", content: "a" }),
        with: messages({ role: "system", content: "a" }),
      },
    ],
    "system-first": [
      {
        given: {
          messages: [
            { role: "system", content: [text("a")] },
            { role: "system", content: [text("b")] },
            user(text("c")),
            { role: "system", content: [text("d")] },
          ],
        },
        without: messages(
          { role: "system", content: "a" },
          { role: "system", content: "b" },
          { role: "user", content: "c" },
          { role: "system", content: "d" },
        ),
        with: messages(
          { role: "system", content: [text("a"), text("b")] },
          { role: "user", content: "c" },
          { role: "user", content: "<system>\nd\n</system>" },
        ),
        told: ["emulated messages[3]"],
      },
    ],
    "string-content": [
      {
        given: { messages: [user(text("a"), text("b"))] },
        without: messages({ role: "user", content: [text("a"), text("b")] }),
        with: messages({ role: "user", content: "a\n\nb" }),
      },
    ],
    "no-name": [
      {
        given: { messages: [{ ...user(text("a")), name: "ann" } as Message, { ...user(text("b")), name: "bob" } as Message] },
        without: messages({ role: "user", content: "a", name: "ann" }, { role: "user", content: "b", name: "bob" }),
        with: messages({ role: "user", content: "a" }, { role: "user", content: "b" }),
        told: ["dropped messages[0].name"],
      },
    ],
    "no-strict": [
      {
        given: { tools: [{ ...look, strict: true }] },
        without: { tools: [{ type: "function", function: { name: "look", parameters: { type: "object" }, strict: true } }] },
        with: { tools: [{ type: "function", function: { name: "look", parameters: { type: "object" } } }] },
        told: ["dropped tools[0].strict"],
      },
    ],
    "no-json-schema": [
      {
        given: { output: { type: "json-schema", name: "n", schema: { type: "object" } } },
        without: { response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" } } } },
        with: {
          response_format: { type: "json_object" },
          ...messages(
            { role: "system", content: 'Answer with JSON that conforms to this JSON Schema, and with nothing else:\n{"type":"object"}' },
            { role: "user", content: "Hi" },
          ),
        },
        told: ["emulated response_format"],
      },
    ],
    "random-seed": [{ given: { seed: 7 }, without: { seed: 7 }, with: { random_seed: 7, seed: undefined } }],
    "no-tool-choice": [
      {
        given: { tools: [look, { ...look, name: "other" }], toolChoice: { type: "tool", name: "look" } },
        without: { tool_choice: { type: "function", function: { name: "look" } } },
        with: { tool_choice: "auto", tools: [{ type: "function", function: { name: "look", parameters: { type: "object" } } }] },
        told: ["approximated tool_choice"],
      },
      { given: { tools: [look], toolChoice: { type: "none" } }, without: { tool_choice: "none" }, with: { tool_choice: "none" } },
    ],
    "no-seed": [{ given: { seed: 7 }, without: { seed: 7 }, with: { seed: undefined }, told: ["dropped seed"] }],
    "no-penalties": [
      {
        given: { frequencyPenalty: 1, presencePenalty: 0 },
        without: { frequency_penalty: 1, presence_penalty: 0 },
        with: { frequency_penalty: undefined, presence_penalty: undefined },
        told: ["dropped frequency_penalty"],
      },
    ],
    "no-user": [{ given: { endUser: "ann" }, without: { user: "ann" }, with: { user: undefined }, told: ["dropped user"] }],
    "no-metadata": [
      {
        given: { metadata: { a: "b" }, store: false },
        without: { metadata: { a: "b" }, store: false },
        with: { metadata: undefined, store: undefined },
        told: ["dropped metadata"],
      },
    ],
    "no-service-tier": [
      {
        given: { serviceTier: "flex" },
        without: { service_tier: "flex" },
        with: { service_tier: undefined },
        told: ["dropped service_tier"],
      },
      { given: { serviceTier: "auto" }, without: { service_tier: "auto" }, with: { service_tier: undefined } },
    ],
    "no-prompt-cache-key": [
      {
        given: { promptCacheKey: "k", extra: { format: "openai/chat-completions", fields: { prompt_cache_retention: "24h" } } },
        without: { prompt_cache_key: "k", prompt_cache_retention: "24h" },
        with: { prompt_cache_key: undefined, prompt_cache_retention: undefined },
      },
    ],
    "no-verbosity": [
      { given: { verbosity: "low" }, without: { verbosity: "low" }, with: { verbosity: undefined }, told: ["dropped verbosity"] },
    ],
    "no-reasoning-effort": [
      {
        given: { reasoning: { effort: "low" } },
        without: { reasoning_effort: "low" },
        with: { reasoning_effort: undefined },
        told: ["dropped reasoning_effort"],
      },
    ],
    "top-k": [{ given: { topK: 5 }, without: { top_k: undefined }, with: { top_k: 5 } }],
    "cache-control": [
      {
        given: { messages: [user({ type: "text", text: "a", cache: { ttl: "1h" } }, { type: "text", text: "b", cache: { ttl: "12h" } })] },
        without: messages({ role: "user", content: [text("a"), text("b")] }),
        with: messages({
          role: "user",
          content: [
            { type: "text", text: "a", cache_control: { type: "ephemeral", ttl: "1h" } },
            { type: "text", text: "b", cache_control: { type: "ephemeral" } },
          ],
        }),
      },
    ],
    "short-tool-ids": [
      {
        given: { messages: [called("abcDEF123"), answered("abcDEF123")] },
        without: messages(expect.anything() as never, expect.objectContaining({ tool_call_id: "abcDEF123" }) as never),
        with: messages(expect.anything() as never, expect.objectContaining({ tool_call_id: "abcDEF123" }) as never),
      },
    ],
    "prefix-mark": [
      {
        given: { messages: [user(text("a")), { role: "assistant", content: [text("b")] }] },
        without: messages({ role: "user", content: "a" }, { role: "assistant", content: "b" }),
        with: messages({ role: "user", content: "a" }, { role: "assistant", content: "b", prefix: true }),
      },
    ],
    "replay-reasoning": [
      {
        given: { messages: [{ role: "assistant", content: [{ type: "reasoning", text: "Hm" }, text("Hi")] }] },
        without: messages({ role: "assistant", content: "Hi" }),
        with: messages({ role: "assistant", content: "Hi", reasoning_content: "Hm" }),
      },
    ],
    "reasoning-details": [
      {
        given: {
          messages: [{ role: "assistant", content: [{ type: "reasoning", text: "Hm" }, text("Hi")] }],
          reasoning: { effort: "low", summary: "omitted" },
        },
        without: { reasoning_effort: "low", ...messages({ role: "assistant", content: "Hi" }) },
        with: { reasoning: { effort: "low", exclude: true }, ...messages({ role: "assistant", content: "Hi", reasoning: "Hm" }) },
      },
    ],
    "strip-reasoning": [
      {
        given: { messages: [{ role: "assistant", content: [{ type: "reasoning", text: "Hm" }, text("Hi")] }] },
        without: messages({ role: "assistant", content: "Hi" }),
        with: messages({ role: "assistant", content: "Hi" }),
        told: ["dropped messages[0].reasoning_content"],
      },
    ],
    "thinking-switch": [
      {
        given: { reasoning: { effort: "none" } },
        without: { reasoning_effort: "none" },
        with: { thinking: { type: "disabled" }, reasoning_effort: undefined },
      },
      {
        given: { reasoning: { effort: "high" } },
        without: { reasoning_effort: "high" },
        with: { thinking: { type: "enabled" }, reasoning_effort: "high" },
      },
    ],
    "enable-thinking": [
      {
        given: { reasoning: { budgetTokens: 500 } },
        without: { reasoning_effort: "low" },
        with: { enable_thinking: true, thinking_budget: 500, reasoning_effort: undefined },
      },
      {
        given: { reasoning: { effort: "high" } },
        without: { reasoning_effort: "high" },
        with: { enable_thinking: true, reasoning_effort: undefined },
        told: ["approximated reasoning_effort"],
      },
    ],
  };
  const refused: Partial<Record<Quirk, [given: Partial<ChatRequest>, field: string][]>> = {
    "no-response-format": [[{ output: { type: "json-object" } }, "response_format"]],
    "no-tools": [
      [{ tools: [look] }, "tools"],
      [{ messages: [called("a"), answered("a")] }, "messages[0].content[0]"],
    ],
    "no-images": [[{ messages: [user({ type: "image", source: { kind: "url", url: "https://e.org" } })] }, "messages[0].content[0]"]],
    "string-content": [[{ messages: [user(text("a"), { type: "image", source: { kind: "url", url: "https://e.org" } })] }, "messages[0]"]],
    "no-logit-bias": [[{ logitBias: { "1": 5 } }, "logit_bias"]],
    "no-logprobs": [[{ logprobs: { top: 0 } }, "logprobs"]],
    "no-n": [[{ choices: 2 }, "n"]],
    "no-stop": [[{ stop: ["x"] }, "stop"]],
  };

  test("none is forgotten here", () => {
    // Deviations from other formats: their own tests hold them.
    const elsewhere = ["no-result-status", "no-cache-marks", "no-tool-cache-marks", "no-call-ids", "nova-parameters"];
    const tested = new Set([...Object.keys(cases), ...Object.keys(refused), ...ofReplies, ...elsewhere]);
    expect(Object.keys(allQuirks).filter((quirk) => !tested.has(quirk))).toEqual([]);
  });

  for (const [quirk, list] of Object.entries(cases)) {
    list.forEach((one, index) => {
      test(`${quirk} ${index + 1}`, () => {
        expectFields(encode(one.given).body, one.without);
        const { body, told } = encode(one.given, { quirks: [quirk as Quirk] });
        expectFields(body, one.with);
        expect(told).toEqual(one.told ?? []);
      });
    });
  }
  for (const [quirk, list] of Object.entries(refused)) {
    test.each(list)(`${quirk} refuses %j`, (given, field) => {
      expect(() => encode(given)).not.toThrow();
      expect(() => encode(given, { quirks: [quirk as Quirk] })).toThrowError(refusal(field));
    });
  }
});

describe("capabilities of the model", () => {
  test.each<[string, Capabilities, Partial<ChatRequest>, JsonObject, string[]]>([
    [
      "too many tokens are cut to what it gives",
      { maxOutputTokens: 100 },
      { maxOutputTokens: 500 },
      { max_completion_tokens: 100 },
      ["approximated max_tokens"],
    ],
    [
      "sampling it refuses is left out",
      { sampling: false },
      { temperature: 1, topP: 0.5 },
      { temperature: undefined, top_p: undefined },
      ["dropped temperature", "dropped top_p"],
    ],
    [
      "reasoning it has not",
      { reasoning: false },
      { reasoning: { effort: "high" } },
      { reasoning_effort: undefined },
      ["dropped reasoning"],
    ],
    [
      "reasoning switched off that it has not",
      { reasoning: false },
      { reasoning: { effort: "none" } },
      { reasoning_effort: undefined },
      [],
    ],
    [
      "an effort it has not becomes the nearest",
      { efforts: ["low", "medium", "high"] },
      { reasoning: { effort: "max" } },
      { reasoning_effort: "high" },
      ["approximated reasoning_effort"],
    ],
    [
      "reasoning that cannot be switched off",
      { reasoningOptional: false },
      { reasoning: { effort: "none" } },
      { reasoning_effort: "minimal" },
      ["approximated reasoning_effort"],
    ],
    [
      "a budget becomes an effort",
      {},
      { reasoning: { budgetTokens: 5000 } },
      { reasoning_effort: "medium" },
      ["approximated reasoning.budget"],
    ],
    [
      "a forced tool becomes an offered one",
      { forcedToolChoice: false },
      { tools: [look], toolChoice: { type: "required" } },
      { tool_choice: "auto" },
      ["approximated tool_choice"],
    ],
    [
      "JSON mode without schemas",
      { structuredOutput: "object" },
      { output: { type: "json-schema", schema: {} } },
      { response_format: { type: "json_object" } },
      ["emulated response_format"],
    ],
    [
      "late system messages",
      { midSystem: false },
      { messages: [user(text("a")), { role: "system", content: [text("b")] }] },
      { messages: [{ content: "a" }, { role: "user", content: "<system>\nb\n</system>" }] },
      ["emulated messages[1]"],
    ],
  ])("%s", (_, capabilities, given, expected, told) => {
    const encoded = encode(given, { capabilities });
    expectFields(encoded.body, expected);
    expect(encoded.told).toEqual(told);
  });

  test.each<[string, Capabilities, Partial<ChatRequest>, string]>([
    ["tools", { tools: false }, { tools: [look] }, "tools"],
    [
      "images",
      { input: ["pdf"] },
      { messages: [user({ type: "image", source: { kind: "url", url: "https://e.org" } })] },
      "messages[0].content[0]",
    ],
    [
      "documents",
      { input: ["image"] },
      { messages: [user({ type: "file", source: { kind: "base64", mediaType: "application/pdf", data: "AA" } })] },
      "messages[0].content[0]",
    ],
    [
      "sound",
      { input: [] },
      { messages: [user({ type: "audio", source: { kind: "base64", mediaType: "audio/wav", data: "AA" } })] },
      "messages[0].content[0]",
    ],
    ["any JSON mode", { structuredOutput: "none" }, { output: { type: "json-object" } }, "response_format"],
    [
      "an answer begun for it",
      { prefill: false },
      { messages: [user(text("a")), { role: "assistant", content: [text("b")] }] },
      "messages[1]",
    ],
  ])("a model without %s refuses the request", (_, capabilities, given, field) => {
    expect(() => encode(given, { capabilities })).toThrowError(refusal(field));
  });
});

describe("what this format has no word for", () => {
  test("is dropped and said so when it only tunes", () => {
    const { body, told } = encode({ topK: 5, extra: { format: "anthropic/messages", fields: { inference_geo: "eu" } } });
    expect(body).not.toHaveProperty("inference_geo");
    expect(told).toEqual(["dropped top_k", "dropped inference_geo"]);
  });

  test.each<[string, Json]>([
    ["mcp_servers", [{ url: "https://e.org" }]],
    ["container", { skills: [{ skill_id: "s" }] }],
    ["thread", {}],
    ["previous_response_id", "r"],
  ])("%s holds what the caller relies on: refused", (field, value) => {
    expect(() => encode({ extra: { format: "anthropic/messages", fields: { [field]: value } } })).toThrowError(refusal(field));
  });

  test("a container without skills serves tools that are not there", () => {
    expect(encode({ extra: { format: "anthropic/messages", fields: { container: "c_1" } } }).told).toEqual(["dropped container"]);
  });

  test("another format's tools and blocks are refused by name", () => {
    const extra: Extra = { format: "anthropic/messages", fields: { type: "web_search_20260318", name: "web_search" } };
    expect(() => encode({ tools: [{ kind: "vendor", name: "web_search", extra }] })).toThrowError(
      expect.objectContaining({ field: "tools[0]", message: expect.stringContaining("web_search") }),
    );
    const block = { type: "vendor", format: "anthropic/messages", value: { type: "server_tool_use" } } as const;
    expect(() => encode({ messages: [{ role: "assistant", content: [block] }] })).toThrowError(
      expect.objectContaining({ field: "messages[0].content[0]", message: expect.stringContaining("server_tool_use") }),
    );
  });

  test.each(["dotted.name", "x".repeat(65), "späh"])("the tool name %s is refused, not sent to fail", (name) => {
    expect(() => encode({ tools: [{ ...look, name }] })).toThrowError(refusal("tools[0].name"));
  });

  test("cache marks are told once, and the request's own too", () => {
    const marked = { type: "text", text: "a", cache: {} } as const;
    expect(encode({ messages: [user(marked, marked), user(marked)] }).told).toEqual(["dropped messages[0].content[0].cache_control"]);
  });

  test("OpenAI's own cache mark goes back to it, and not to vendors that refuse its kin", () => {
    const given = { messages: [{ role: "user", content: [{ type: "text", text: "a", prompt_cache_breakpoint: { mode: "explicit" } }] }] };
    expect(translate(given).messages).toEqual(given.messages);
    expect(translate(given, { quirks: ["no-prompt-cache-key"] })).toMatchObject({
      messages: [{ role: "user", content: "a" }],
      told: ["dropped messages[0].content[0].cache_control"],
    });
  });
});

describe("documents, images and sound", () => {
  const file = (more: object): UserPart => ({
    type: "file",
    source: { kind: "base64", mediaType: "application/pdf", data: "JVBERi0=" },
    ...more,
  });

  test("a PDF gets a file name", () => {
    expect(encode({ messages: [user(file({}))] }).messages).toEqual([
      { role: "user", content: [{ type: "file", file: { filename: "document.pdf", file_data: "data:application/pdf;base64,JVBERi0=" } }] },
    ]);
  });

  test("text documents become text", () => {
    const { messages, told } = encode({
      messages: [
        user(
          file({ filename: "a.txt", source: { kind: "base64", mediaType: "text/plain", data: btoa("Hello") } }),
          file({ source: { kind: "text", text: "World" } }),
        ),
      ],
    });
    expect(messages).toEqual([{ role: "user", content: [text("a.txt\n\nHello"), text("World")] }]);
    expect(told).toEqual(["emulated messages[0].content[0]", "emulated messages[0].content[1]"]);
  });

  test.each<[string, UserPart]>([
    ["a document by URL", file({ source: { kind: "url", url: "https://e.org/a.pdf" } })],
    ["another vendor's file", file({ source: { kind: "id", id: "file_1", format: "anthropic/messages" } })],
    ["another vendor's image", { type: "image", source: { kind: "id", id: "file_1", format: "anthropic/messages" } }],
    ["sound by URL", { type: "audio", source: { kind: "url", url: "https://e.org/a.wav" } }],
  ])("%s is refused with its place", (_, part) => {
    expect(() => encode({ messages: [user(text("x"), part)] })).toThrowError(refusal("messages[0].content[1]"));
  });

  test("images in tool results follow in a user message, after all results of the turn", () => {
    const image = { type: "image", source: { kind: "url", url: "https://e.org/a.png" } } as const;
    const { messages, told } = encode({
      messages: [
        {
          role: "assistant",
          content: [
            { type: "tool-call", id: "a", name: "look", kind: "function", arguments: "{}" },
            { type: "tool-call", id: "b", name: "look", kind: "function", arguments: "{}" },
          ],
        },
        {
          role: "tool",
          content: [
            { type: "tool-result", callId: "a", name: "look", content: [text("here"), image] },
            { type: "tool-result", callId: "b", content: [image] },
          ],
        },
        user(text("and?")),
      ],
    });
    expect(messages.slice(1)).toMatchObject([
      { role: "tool", tool_call_id: "a", content: "here" },
      { role: "tool", tool_call_id: "b", content: "See the next user message." },
      { role: "user", content: [{ type: "text" }, { type: "image_url" }, { type: "text" }, { type: "image_url" }] },
      { role: "user", content: "and?" },
    ]);
    expect(told).toEqual(["emulated messages[1].content[0]", "emulated messages[1].content[1]"]);
  });
});

describe("tool calls and results", () => {
  test("results scattered over later turns come home, in the order they were given", () => {
    const { messages, told } = encode({
      messages: [
        {
          role: "assistant",
          content: [
            { type: "tool-call", id: "a", name: "look", kind: "function", arguments: "" },
            { type: "tool-call", id: "b", name: "look", kind: "function", arguments: "{}" },
          ],
        },
        answered("a", "1"),
        user(text("between")),
        answered("b", "2"),
      ],
    });
    expect(messages.map(({ role, tool_call_id }) => [role, tool_call_id])).toEqual([
      ["assistant", undefined],
      ["tool", "a"],
      ["tool", "b"],
      ["user", undefined],
    ]);
    expect(messages[0]).toMatchObject({ content: null, tool_calls: [{ function: { arguments: "{}" } }, {}] });
    expect(told).toEqual(["repaired messages[3]"]);
  });

  test("a failed result says so in its text", () => {
    const { messages, told } = encode({
      messages: [called("a"), answered("a", "no such place", { isError: true }), called("b"), answered("b", "error 5", { isError: true })],
    });
    expect(messages.filter(({ role }) => role === "tool").map(({ content }) => content)).toEqual(["Error: no such place", "error 5"]);
    expect(told).toHaveLength(2);
  });

  test("nine letters and digits, the same for call and result, never the same for two", () => {
    const ids = ["functions.look:0", "call_1", "", "toolu_01A", "abcDEF123"];
    const { messages } = encode({ messages: ids.flatMap((id) => [called(id), answered(id)]) }, { quirks: ["short-tool-ids"] });
    const sent = messages.filter(({ role }) => role === "assistant").map((message) => (message["tool_calls"] as JsonObject[])[0]?.["id"]);
    expect(messages.filter(({ role }) => role === "tool").map((message) => message["tool_call_id"])).toEqual(sent);
    expect(new Set(sent).size).toBe(ids.length);
    for (const id of sent) expect(id).toMatch(/^[A-Za-z0-9]{9}$/);
    expect(sent.at(-1)).toBe("abcDEF123");
  });

  test("Google's signature goes back where it came from, and nowhere else", () => {
    const state = {
      format: "openai/chat-completions",
      kind: "signature",
      data: "s",
      item: { google: { thought_signature: "s" } },
      origin: "gemini/g",
    };
    expect(encode({ messages: [called("a", { state })] }, { origin: "gemini/g" }).messages).toMatchObject([
      { tool_calls: [{ extra_content: { google: { thought_signature: "s" } } }] },
    ]);
    const elsewhere = encode({ messages: [called("a", { state })] }, { origin: "openai/o" });
    expect(JSON.stringify(elsewhere.messages)).not.toContain("extra_content");
    expect(elsewhere.told).toEqual(["dropped messages[0].content[0].state"]);
  });
});

describe("reasoning of earlier turns", () => {
  const thought = (state: object): Message => ({
    role: "assistant",
    content: [{ type: "reasoning", text: "Hm", state: state as never }, text("Hi")],
  });
  const detail = { type: "reasoning.text", text: "Hm", signature: "s", format: "anthropic-claude-v1", index: 0 };
  const own = { format: "openai/chat-completions", kind: "signature", data: "s", item: detail, origin: "openrouter/a" };

  test("is never sent to a vendor that has no field for it, and said so once", () => {
    const { messages, told } = encode({
      messages: [thought({ format: "anthropic/messages", kind: "signature", data: "s" }), thought(own)],
    });
    expect(messages).toEqual([
      { role: "assistant", content: "Hi" },
      { role: "assistant", content: "Hi" },
    ]);
    expect(told).toEqual(["dropped messages[0].reasoning_content"]);
  });

  test("OpenRouter's entries go back to the model that made them as they came", () => {
    expect(encode({ messages: [thought(own)] }, { quirks: ["reasoning-details"], origin: "openrouter/a" }).messages).toEqual([
      { role: "assistant", content: "Hi", reasoning_details: [detail] },
    ]);
  });

  test("to another model go the words alone: its signature would be refused", () => {
    expect(encode({ messages: [thought(own)] }, { quirks: ["reasoning-details"], origin: "openrouter/b" }).messages).toEqual([
      { role: "assistant", content: "Hi", reasoning: "Hm" },
    ]);
    expect(
      encode({ messages: [thought({ format: "anthropic/messages", kind: "signature", data: "s" })] }, { quirks: ["reasoning-details"] })
        .messages,
    ).toEqual([{ role: "assistant", content: "Hi", reasoning: "Hm" }]);
  });

  test("vendors that ask for it get the field on every calling turn, empty where there is nothing to tell", () => {
    expect(
      encode({ messages: [called("a"), { role: "assistant", content: [text("Hi")] }] }, { quirks: ["replay-reasoning"] }).messages,
    ).toMatchObject([{ reasoning_content: "" }, { content: "Hi" }]);
    expect(
      encode({ messages: [{ role: "assistant", content: [text("Hi")] }] }, { quirks: ["replay-reasoning"] }).messages[0],
    ).not.toHaveProperty("reasoning_content");
  });
});

describe("empty content", () => {
  test.each<[string, Message, JsonObject]>([
    ["a user who says nothing", user(), { role: "user", content: "" }],
    ["an assistant with a call alone", called("a"), { role: "assistant", content: null }],
    ["an assistant who says nothing", { role: "assistant", content: [] }, { role: "assistant", content: "" }],
    [
      "an assistant with empty text beside a call",
      { role: "assistant", content: [text(""), ...(called("a").content as never[])] },
      { role: "assistant", content: null },
    ],
    [
      "a refusal alone",
      { role: "assistant", content: [{ type: "refusal", text: "no" }] },
      { role: "assistant", content: null, refusal: "no" },
    ],
    ["a result of nothing", answered("a", ""), { role: "tool", tool_call_id: "a", content: "" }],
  ])("%s", (_, message, expected) => {
    expect(encode({ messages: [message] }).messages).toMatchObject([expected]);
  });
});

test("an end user beside a cache key of the same old name", () => {
  expect(translate({ user: "bucket", safety_identifier: "who" }).body).toMatchObject({ user: "bucket", safety_identifier: "who" });
  expect(translate({ safety_identifier: "who" }).body).toMatchObject({ user: "who" });
});

test("tool_choice without tools is not sent: OpenAI refuses it", () => {
  expect(encode({ toolChoice: { type: "auto" }, parallelToolCalls: true }).body).not.toHaveProperty("tool_choice");
});

test("what the model said, and images it made, in a history", () => {
  const media = (more: object): Message => ({ role: "assistant", content: [{ type: "media", ...more } as never] });
  expect(encode({ messages: [media({ source: { kind: "id", id: "audio_1", format: "openai/chat-completions" } })] }).messages).toEqual([
    { role: "assistant", content: null, audio: { id: "audio_1" } },
  ]);
  expect(
    encode({ messages: [media({ source: { kind: "base64", mediaType: "audio/wav", data: "" }, transcript: "Hello" })] }),
  ).toMatchObject({ messages: [{ content: "Hello" }], told: ["approximated messages[0].content[0]"] });
  expect(
    encode({ messages: [media({ source: { kind: "base64", mediaType: "image/png", data: "AA" } }), user(text("more"))] }).messages,
  ).toMatchObject([
    { role: "assistant", content: "" },
    { role: "user", content: [{ type: "text" }, { type: "image_url" }] },
    { role: "user" },
  ]);
});
