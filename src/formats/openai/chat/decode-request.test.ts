import { describe, expect, test } from "vitest";
import type { AssistantMessage, Message, UserMessage } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { checkRequest } from "./check-request.ts";
import { decode } from "./samples.ts";

const user = (content: unknown): JsonObject => ({ messages: [{ role: "user", content } as JsonObject] });
const messagesOf = (...messages: JsonObject[]): Message[] => decode({ messages }).messages;
const assistantOf = (message: JsonObject): AssistantMessage["content"] =>
  (messagesOf({ role: "user", content: "Hi" }, { role: "assistant", ...message })[1] as AssistantMessage).content;

describe("wrong types are refused with the field's path, decoded or passing", () => {
  test.each<[string, JsonObject, string]>([
    ["messages missing", { messages: undefined }, "messages"],
    ["messages null", { messages: null }, "messages"],
    ["messages a string", { messages: "Hi" }, "messages"],
    ["messages empty", { messages: [] }, "messages"],
    ["a null message", { messages: [null] }, "messages[0]"],
    ["a role that is no string", { messages: [{ role: 1, content: "x" }] }, "messages[0].role"],
    ["content a number", user(7), "messages[0].content"],
    ["content an object", user({ type: "text" }), "messages[0].content"],
    ["content missing", user(undefined), "messages[0].content"],
    ["a part that is no object", user(["x"]), "messages[0].content[0]"],
    ["a part without a type", user([{ text: "x" }]), "messages[0].content[0].type"],
    ["text that is no string", user([{ type: "text", text: 5 }]), "messages[0].content[0].text"],
    [
      "an image without a URL",
      user([
        { type: "text", text: "x" },
        { type: "image_url", image_url: {} },
      ]),
      "messages[0].content[1].image_url.url",
    ],
    [
      "an image from the file system",
      user([{ type: "image_url", image_url: { url: "file:///etc/passwd" } }]),
      "messages[0].content[0].image_url.url",
    ],
    ["an image by FTP", user([{ type: "image_url", image_url: { url: "ftp://h/x" } }]), "messages[0].content[0].image_url.url"],
    [
      "an image that is a script",
      user([{ type: "image_url", image_url: { url: "javascript:alert(1)" } }]),
      "messages[0].content[0].image_url.url",
    ],
    ["sound without data", user([{ type: "input_audio", input_audio: { format: "wav" } }]), "messages[0].content[0].input_audio.data"],
    ["a file name that is no string", user([{ type: "file", file: { filename: 1 } }]), "messages[0].content[0].file.filename"],
    ["tools an object", { tools: {} }, "tools"],
    ["a tool without a name", { tools: [{ type: "function", function: {} }] }, "tools[0].function.name"],
    ["parameters a string", { tools: [{ type: "function", function: { name: "a", parameters: "{}" } }] }, "tools[0].function.parameters"],
    ["stream a string", { stream: "true" }, "stream"],
    ["max_tokens a string", { max_tokens: "100" }, "max_tokens"],
    ["max_tokens a fraction", { max_tokens: 1.5 }, "max_tokens"],
    ["temperature a string", { temperature: "1" }, "temperature"],
    ["stop a number", { stop: 1 }, "stop"],
    ["stop with a number in it", { stop: ["a", 1] }, "stop[1]"],
    ["model missing", { model: undefined }, "model"],
    ["model empty", { model: "" }, "model"],
    ["model an object", { model: {} }, "model"],
    ["stream_options a boolean", { stream_options: true }, "stream_options"],
    ["include_usage a string", { stream_options: { include_usage: "yes" } }, "stream_options.include_usage"],
    ["response_format a string", { response_format: "json" }, "response_format"],
    ["tool_calls an object", { messages: [{ role: "assistant", tool_calls: {} }] }, "messages[0].tool_calls"],
    [
      "a call without an id",
      { messages: [{ role: "assistant", tool_calls: [{ function: { name: "a" } }] }] },
      "messages[0].tool_calls[0].id",
    ],
    ["a result without a call id", { messages: [{ role: "tool", content: "x" }] }, "messages[0].tool_call_id"],
  ])("%s", (_, fields, field) => {
    const body = { model: "m", messages: [{ role: "user", content: "Hi" }], ...fields } as JsonObject;
    const complaint = expect.objectContaining({ code: "invalid_request", field, message: expect.stringContaining(`${field}: `) });
    expect(() => decode(fields)).toThrowError(complaint);
    expect(() => checkRequest(body)).toThrowError(complaint);
  });

  test.each<[string, JsonObject, string]>([
    ["an unknown role", { messages: [{ role: "robot", content: "x" }] }, "messages[0].role"],
    [
      "an image in a system message",
      { messages: [{ role: "system", content: [{ type: "image_url", image_url: { url: "https://e.org" } }] }] },
      "messages[0].content[0].type",
    ],
    ["temperature out of range", { temperature: 3 }, "temperature"],
    ["n of nothing", { n: 0 }, "n"],
    ["top_logprobs without logprobs", { top_logprobs: 2 }, "top_logprobs"],
    [
      "a data URL that is not base64",
      user([{ type: "image_url", image_url: { url: "data:image/svg+xml,<svg/>" } }]),
      "messages[0].content[0].image_url.url",
    ],
    ["a file without content", user([{ type: "file", file: {} }]), "messages[0].content[0].file"],
    [
      "a call without a name",
      { messages: [{ role: "assistant", tool_calls: [{ id: "a", type: "function", function: { arguments: "{}" } }] }] },
      "messages[0].tool_calls[0].function.name",
    ],
    [
      "arguments a number",
      { messages: [{ role: "assistant", tool_calls: [{ id: "a", type: "function", function: { name: "x", arguments: 5 } }] }] },
      "messages[0].tool_calls[0].function.arguments",
    ],
    ["a tool choice that is no word of ours", { tool_choice: "maybe" }, "tool_choice"],
    ["an unknown response format", { response_format: { type: "grammar" } }, "response_format.type"],
    ["metadata that is no text", { metadata: { a: 1 } }, "metadata.a"],
    ["a result for no call", { messages: [{ role: "tool", tool_call_id: "", content: "x" }] }, "messages[0].tool_call_id"],
  ])("%s, when decoded", (_, fields, field) => {
    expect(() => decode(fields)).toThrowError(expect.objectContaining({ code: "invalid_request", field }));
  });

  test("unknown fields and kinds of parts pass the check", () => {
    expect(() =>
      checkRequest({ model: "m", messages: [{ role: "user", content: [{ type: "smell", smell: 1 }], mood: 2 }], new_field: {} }),
    ).not.toThrow();
  });

  test("no large input is echoed", () => {
    expect(() => decode({ metadata: { ["x".repeat(5000)]: 1 } })).toThrowError(
      expect.objectContaining({ message: expect.stringMatching(/^.{0,400}$/) }),
    );
  });
});

describe("fields", () => {
  test("null is absent", () => {
    const request = decode({ temperature: null, tools: null, stop: null, stream: null, response_format: null, user: null, unknown: null });
    expect(request).toEqual({ model: "m", stream: false, messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] });
  });

  test("the gateway's own field is not the vendor's", () => {
    expect(decode({ headgate: { tags: ["a"] } }).extra).toBeUndefined();
  });

  test("max_completion_tokens wins over its forerunner, in any order", () => {
    expect(decode({ max_tokens: 5, max_completion_tokens: 9 }).maxOutputTokens).toBe(9);
    expect(decode({ max_completion_tokens: 9, max_tokens: 5 }).maxOutputTokens).toBe(9);
  });

  test("stop as a string or a list", () => {
    expect(decode({ stop: "END" }).stop).toEqual(["END"]);
    expect(decode({ stop: [] }).stop).toBeUndefined();
  });

  test("reasoning as a word, as OpenRouter's object, and both", () => {
    expect(decode({ reasoning_effort: "low" }).reasoning).toEqual({ effort: "low" });
    expect(decode({ reasoning: { max_tokens: 2000, exclude: true, new: 1 } }).reasoning).toEqual({
      budgetTokens: 2000,
      summary: "omitted",
      extra: { format: "openai/chat-completions", fields: { new: 1 } },
    });
    expect(decode({ reasoning: { enabled: false } }).reasoning).toEqual({ effort: "none" });
    expect(decode({ reasoning_effort: "low", reasoning: { effort: "high" } }).reasoning).toEqual({ effort: "high" });
  });

  test("what only this format or one vendor knows goes into the pocket", () => {
    expect(
      decode({
        prediction: { type: "content" },
        thinking: { type: "enabled" },
        stream_options: { include_usage: true, include_obfuscation: false },
      }),
    ).toMatchObject({
      includeUsage: true,
      extra: {
        format: "openai/chat-completions",
        fields: { prediction: { type: "content" }, thinking: { type: "enabled" }, stream_options: { include_obfuscation: false } },
      },
    });
  });

  test("a field named __proto__ reaches nothing", () => {
    const request = decode(JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as JsonObject);
    expect(Object.getPrototypeOf(request.extra?.fields)).toBe(Object.prototype);
    expect(request.extra?.fields).toEqual({ constructor: 1 });
  });

  test("functions and function_call are tools of an older name", () => {
    expect(decode({ functions: [{ name: "look", parameters: { type: "object" } }], function_call: { name: "look" } })).toMatchObject({
      tools: [{ kind: "function", name: "look", parameters: { type: "object" } }],
      toolChoice: { type: "tool", name: "look" },
    });
  });

  test("a vendor's own tool is kept whole", () => {
    expect(decode({ tools: [{ type: "web_search", depth: 2 }] }).tools).toEqual([
      { kind: "vendor", name: "web_search", extra: { format: "openai/chat-completions", fields: { type: "web_search", depth: 2 } } },
    ]);
  });

  test.each<[unknown, unknown]>([
    ["any", { type: "required" }],
    [
      { type: "custom", custom: { name: "run" } },
      { type: "tool", name: "run", kind: "custom" },
    ],
    [
      {
        type: "allowed_tools",
        allowed_tools: {
          mode: "auto",
          tools: [
            { type: "function", function: { name: "a" } },
            { type: "custom", custom: { name: "b" } },
          ],
        },
      },
      { type: "allowed", mode: "auto", names: ["a", "b"] },
    ],
  ])("tool_choice %j", (given, expected) => {
    expect(decode({ tool_choice: given as JsonObject }).toolChoice).toEqual(expected as never);
  });

  test("a schema without a body is any JSON", () => {
    expect(decode({ response_format: { type: "json_schema", json_schema: { name: "a" } } }).output).toEqual({
      type: "json-schema",
      name: "a",
      schema: {},
    });
  });
});

describe("messages", () => {
  test("system and developer messages stay where they stand", () => {
    expect(
      messagesOf({ role: "user", content: "a" }, { role: "developer", content: "b" }, { role: "system", content: "c" }).map(
        ({ role }) => role,
      ),
    ).toEqual(["user", "developer", "system"]);
  });

  test("results of parallel calls stand together, with the names of their calls", () => {
    const messages = messagesOf(
      {
        role: "assistant",
        content: null,
        tool_calls: [
          { id: "a", type: "function", function: { name: "look", arguments: "" } },
          { id: "b", type: "custom", custom: { name: "run", input: "x" } },
        ],
      },
      { role: "tool", tool_call_id: "a", content: "1" },
      { role: "tool", tool_call_id: "b", content: [{ type: "text", text: "2" }] },
      { role: "user", content: "next" },
      { role: "tool", tool_call_id: "c", content: "" },
    );
    expect(messages).toMatchObject([
      { role: "assistant", content: [{ arguments: "{}" }, { kind: "custom", arguments: "x" }] },
      {
        role: "tool",
        content: [
          { callId: "a", name: "look", content: [{ text: "1" }] },
          { callId: "b", name: "run", kind: "custom" },
        ],
      },
      { role: "user" },
      { role: "tool", content: [{ callId: "c", content: [] }] },
    ]);
  });

  test.each([[null], [""], [{}], ["null"]])("arguments %j in a history are {}", (given) => {
    expect(assistantOf({ tool_calls: [{ id: "a", type: "function", function: { name: "x", arguments: given } }] })).toMatchObject([
      { arguments: "{}" },
    ]);
  });

  test("empty ids are made up, for the call and its result alike", () => {
    const messages = messagesOf(
      {
        role: "assistant",
        content: null,
        tool_calls: [
          { id: "", type: "function", function: { name: "a", arguments: "{}" } },
          { id: "", type: "function", function: { name: "b", arguments: "{}" } },
        ],
      },
      { role: "tool", tool_call_id: "", content: "1" },
      { role: "tool", tool_call_id: "", content: "2" },
    );
    expect(messages).toMatchObject([
      { content: [{ id: "call_0_0" }, { id: "call_0_1" }] },
      {
        content: [
          { callId: "call_0_0", name: "a" },
          { callId: "call_0_1", name: "b" },
        ],
      },
    ]);
  });

  test("function messages answer the last function_call", () => {
    expect(
      messagesOf(
        { role: "assistant", content: null, function_call: { name: "look", arguments: "{}" } },
        { role: "function", name: "look", content: "seen" },
      ),
    ).toMatchObject([
      { content: [{ type: "tool-call", id: "call_0_0", name: "look" }] },
      { role: "tool", content: [{ callId: "call_0_0", name: "look", content: [{ text: "seen" }] }] },
    ]);
  });

  test("images in tool results, as some vendors take them", () => {
    expect(
      messagesOf({ role: "tool", tool_call_id: "a", content: [{ type: "image_url", image_url: { url: "https://e.org/a.png" } }] }),
    ).toMatchObject([{ content: [{ content: [{ type: "image" }] }] }]);
  });

  test("media of every spelling", () => {
    const [message] = messagesOf({
      role: "user",
      content: [
        { type: "image_url", image_url: "https://e.org/a.png" },
        { type: "image_url", image_url: { url: "DATA:image/PNG;base64,AAAA", detail: "high" } },
        { type: "file", file: { file_data: "https://e.org/a.pdf" } },
        { type: "file", file: { file_data: "JVBERi0=", filename: "a.pdf" } },
        { type: "input_audio", input_audio: { data: "AA==", format: "flac" } },
      ],
    });
    expect((message as UserMessage).content).toMatchObject([
      { source: { kind: "url", url: "https://e.org/a.png" } },
      { source: { kind: "base64", mediaType: "image/png", data: "AAAA" }, detail: "high" },
      { source: { kind: "url", url: "https://e.org/a.pdf" } },
      { source: { kind: "base64", mediaType: "application/pdf", data: "JVBERi0=" }, filename: "a.pdf" },
      { source: { kind: "base64", mediaType: "audio/flac" } },
    ]);
  });

  test("cache marks of both kinds, on parts, tools and whole messages", () => {
    const request = decode({
      messages: [
        { role: "system", content: "Be brief", cache_control: { type: "ephemeral" } },
        {
          role: "user",
          content: [
            { type: "text", text: "a", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } },
            { type: "text", text: "b", cache_control: { type: "ephemeral", ttl: "1h" } },
          ],
        },
      ],
      tools: [{ type: "function", function: { name: "x" }, cache_control: { type: "ephemeral" } }],
    });
    expect(request.messages).toMatchObject([
      { content: [{ cache: {} }] },
      { content: [{ cache: { ttl: "12h" } }, { cache: { ttl: "1h" } }] },
    ]);
    expect(request.tools).toMatchObject([{ cache: {} }]);
  });
});

describe("reasoning of the history is taken once", () => {
  test("as reasoning_content, or under OpenRouter's two names", () => {
    expect(assistantOf({ content: "Hi", reasoning_content: "Hm" })).toEqual([
      { type: "reasoning", text: "Hm" },
      { type: "text", text: "Hi" },
    ]);
    const detail = { type: "reasoning.text", text: "Hm", signature: "c2ln", format: "anthropic-claude-v1", index: 0 };
    expect(assistantOf({ content: "Hi", reasoning: "Hm", reasoning_content: "Hm", reasoning_details: [detail] })).toEqual([
      { type: "reasoning", text: "Hm", state: { format: "openai/chat-completions", kind: "signature", data: "c2ln", item: detail } },
      { type: "text", text: "Hi" },
    ]);
  });

  test("hidden reasoning beside words that only one name has", () => {
    const hidden = { type: "reasoning.encrypted", data: "ZW5j", format: "openai-responses-v1", index: 0 };
    expect(assistantOf({ content: "Hi", reasoning: "Sum", reasoning_details: [hidden] })).toMatchObject([
      { type: "reasoning", text: "Sum" },
      { type: "reasoning", text: "", state: { kind: "encrypted", data: "ZW5j" } },
      { type: "text" },
    ]);
  });

  test("our own entries give an Anthropic target its signature and its redacted block back", () => {
    expect(
      assistantOf({
        content: "Hi",
        reasoning_content: "Hm",
        reasoning_details: [
          {
            type: "reasoning.text",
            text: "Hm",
            signature: "c2ln",
            format: "anthropic/messages",
            index: 0,
            headgate: { origin: "anthropic/claude" },
          },
          {
            type: "reasoning.encrypted",
            data: "aGlk",
            format: "anthropic/messages",
            index: 1,
            headgate: { kind: "redacted", origin: "anthropic/claude" },
          },
        ],
      }),
    ).toEqual([
      {
        type: "reasoning",
        text: "Hm",
        state: { format: "anthropic/messages", kind: "signature", data: "c2ln", origin: "anthropic/claude" },
      },
      { type: "reasoning", text: "", state: { format: "anthropic/messages", kind: "redacted", data: "aGlk", origin: "anthropic/claude" } },
      { type: "text", text: "Hi" },
    ]);
  });

  test("an entry whose text was trimmed by the client stands at the end, not nowhere", () => {
    expect(
      assistantOf({
        content: "Hi",
        reasoning_details: [{ type: "reasoning.text", text: "Hm", index: 0, headgate: { at: { text: 99, calls: 0 } } }],
      }).map(({ type }) => type),
    ).toEqual(["text", "reasoning"]);
  });

  test.each([[[null, 1, "x", {}]], ["x"], [{}]])("entries that are none (%j) are no obstacle", (details) => {
    expect(assistantOf({ content: "Hi", reasoning_details: details }).at(-1)).toEqual({ type: "text", text: "Hi" });
  });
});
