import { describe, expect, test } from "vitest";
import OpenAI from "openai";
import type { AssistantPart, ChatEvent, ChatReply } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { unfold } from "../../../canonical/fold.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { ReplyContext } from "../../codec.ts";
import { decodeRequest } from "./decode-request.ts";
import { ChatEncoder } from "./encode-events.ts";
import { encodeReply } from "./encode-reply.ts";
import { door, replyContext } from "./samples.ts";

function write(events: readonly ChatEvent[], context: ReplyContext = replyContext): string {
  const encoder = new ChatEncoder(context);
  return events.map((event) => encoder.push(event)).join("");
}

function chunksOf(stream: string): JsonObject[] {
  return stream
    .split("\n\n")
    .filter((piece) => piece.startsWith("data: {"))
    .map((piece) => JSON.parse(piece.slice(6)) as JsonObject);
}

const choicesOf = (chunks: readonly JsonObject[]): JsonObject[] => chunks.flatMap((chunk) => chunk["choices"] as JsonObject[]);
const deltasOf = (chunks: readonly JsonObject[]): JsonObject[] => choicesOf(chunks).map((choice) => choice["delta"] as JsonObject);
const one = (content: AssistantPart[], more: Partial<ChatReply> = {}): ChatReply => ({
  id: "r-1",
  model: "m",
  created: 7,
  choices: [{ content, finish: { reason: "stop" } }],
  ...more,
});

const call = (id: string, text = "{}"): AssistantPart => ({ type: "tool-call", id, name: "look", kind: "function", arguments: text });

describe("the stream that a chat client may rely on", () => {
  const reply = one([{ type: "reasoning", text: "Hm" }, { type: "text", text: "Hi" }, call("a"), call("b", "")], {
    usage: { input: 1, output: 2 },
  });
  const stream = write(unfold(reply));
  const chunks = chunksOf(stream);

  test("one id, one created, one model, the chunk's object", () => {
    for (const chunk of chunks) expect(chunk).toMatchObject({ id: "r-1", created: 7, model: "m", object: "chat.completion.chunk" });
  });

  test("the role once, first, with empty content", () => {
    expect(deltasOf(chunks)[0]).toMatchObject({ role: "assistant", content: "" });
    expect(deltasOf(chunks).filter((delta) => "role" in delta)).toHaveLength(1);
  });

  test("dense call indexes, each with id and name once and first, and arguments that are JSON", () => {
    const calls = deltasOf(chunks).flatMap((delta) => (delta["tool_calls"] ?? []) as JsonObject[]);
    expect(calls.map(({ index }) => index)).toEqual([0, 0, 1, 1]);
    expect(calls.filter(({ id }) => id !== undefined)).toMatchObject([
      { index: 0, id: "a", type: "function", function: { name: "look", arguments: "" } },
      { index: 1, id: "b" },
    ]);
    for (const index of [0, 1]) {
      const text = calls
        .filter((entry) => entry["index"] === index)
        .map((entry) => asString((entry["function"] as JsonObject)["arguments"]))
        .join("");
      expect(JSON.parse(text)).toEqual({});
    }
  });

  test("one finish, nothing after it for its choice", () => {
    const finishes = choicesOf(chunks).map((choice) => choice["finish_reason"]);
    expect(finishes.filter((reason) => reason !== null)).toEqual(["tool_calls"]);
    expect(finishes.at(-1)).toBe("tool_calls");
  });

  test("usage in a chunk without choices when asked, null before; [DONE] once and last", () => {
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } });
    expect(chunks.slice(0, -1).every((chunk) => chunk["usage"] === null)).toBe(true);
    expect(stream.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(stream.split("[DONE]")).toHaveLength(2);
  });

  test("no usage at all when not asked", () => {
    const quiet = write(unfold(reply), { ...replyContext, includeUsage: false });
    expect(quiet).not.toContain("usage");
  });

  test("id, model and time are made up where the provider gave none", () => {
    const [first] = chunksOf(write([{ type: "start" }, ...unfold(one([{ type: "text", text: "x" }])).slice(1)]));
    expect(first).toMatchObject({ id: "chatcmpl-hg_1", model: "smart", created: 1_700_000_000 });
  });

  test("an empty answer still has a role and a finish", () => {
    expect(choicesOf(chunksOf(write(unfold(one([])))))).toMatchObject([
      { delta: { role: "assistant" } },
      { delta: {}, finish_reason: "stop" },
    ]);
  });

  test("a ping is a comment with a single newline", () => {
    expect(write([{ type: "ping" }])).toBe(": ping\n");
  });

  test("an error ends the stream, without [DONE]", () => {
    const out = write([
      ...unfold(one([{ type: "text", text: "x" }])).slice(0, 3),
      { type: "error", error: new GatewayError("provider_stream_cut", "Cut") },
      { type: "end" },
    ]);
    expect(out).not.toContain("[DONE]");
    expect(chunksOf(out).at(-1)).toMatchObject({ error: { type: "server_error", code: "provider_stream_cut" } });
  });

  test("another format's words for the end keep what chat's words cannot say", () => {
    const finish = (reason: ChatReply["choices"][0]["finish"]): JsonObject | undefined =>
      choicesOf(chunksOf(write(unfold({ ...one([]), choices: [{ content: [], finish: reason }] })))).at(-1);
    expect(finish({ reason: "context-overflow", raw: "model_context_window_exceeded" })).toMatchObject({
      finish_reason: "length",
      headgate: { finish: { reason: "context-overflow", raw: "model_context_window_exceeded" } },
    });
    expect(finish({ reason: "malformed-call" })?.["finish_reason"]).toBe("content_filter");
    expect(finish({ reason: "refusal", details: { category: "cyber" } })).toMatchObject({
      finish_reason: "content_filter",
      headgate: { finish: { details: { category: "cyber" } } },
    });
    expect(finish({ reason: "stop", raw: "end_turn" })).not.toHaveProperty("headgate");
  });

  test("interleaved calls keep their own indexes", () => {
    const start = (block: number, id: string): ChatEvent => ({
      type: "block-start",
      choice: 0,
      block,
      content: { kind: "tool-call", id, name: "look", call: "function" },
    });
    const piece = (block: number, text: string): ChatEvent => ({ type: "arguments-delta", choice: 0, block, text });
    const calls = deltasOf(chunksOf(write([start(0, "a"), start(1, "b"), piece(0, "{"), piece(1, "[")]))).flatMap(
      (delta) => (delta["tool_calls"] ?? []) as JsonObject[],
    );
    expect(calls.map(({ index, function: inner }) => [index, (inner as JsonObject)["arguments"]])).toEqual([
      [0, ""],
      [1, ""],
      [0, "{"],
      [1, "["],
    ]);
  });
});

/** How the official Python client joins deltas (`accumulate_delta` in its streaming module): lists of objects by `index`. */
function accumulate(known: JsonObject, delta: JsonObject): JsonObject {
  for (const [key, value] of Object.entries(delta)) {
    const before = known[key];
    if (before === undefined || before === null) known[key] = structuredClone(value);
    else if (key === "index" || key === "type") known[key] = value;
    else if (typeof before === "string" && typeof value === "string") known[key] = before + value;
    else if (isObject(before) && isObject(value)) known[key] = accumulate(before, value);
    else if (Array.isArray(before) && Array.isArray(value)) {
      for (const entry of value) {
        if (!isObject(entry) || typeof entry["index"] !== "number") throw new Error(`Expected list delta entry to have an index: ${key}`);
        const at = before[entry["index"]];
        if (isObject(at)) before[entry["index"]] = accumulate(at, entry);
        else before.splice(entry["index"], 0, structuredClone(entry) as Json);
      }
    }
  }
  return known;
}

const rich: AssistantPart[] = [
  { type: "reasoning", text: "One", state: { format: "anthropic/messages", kind: "signature", data: "MQ==" } },
  { type: "reasoning", text: "", state: { format: "anthropic/messages", kind: "redacted", data: "Mg==" } },
  { type: "text", text: "Hello ", citations: [{ url: "https://a.org", raw: {}, format: "anthropic/messages" }] },
  { type: "vendor", format: "anthropic/messages", value: { type: "server_tool_use" } },
  { type: "reasoning", text: "Two" },
  {
    type: "text",
    text: "world",
    citations: [
      { url: "https://b.org", title: "B", start: 6, end: 11, raw: {}, format: "anthropic/messages" },
      { citedText: "q", raw: { p: 1 }, format: "anthropic/messages" },
    ],
  },
  { ...call("a"), state: { format: "google/gemini", kind: "signature", data: "Zw==" } } as AssistantPart,
  call("b", '{"x":1}'),
];

describe("what clients gather from the stream gives everything back with their next request", () => {
  /** The canonical parts of a message that stands in the history. */
  const kept = (message: JsonObject): unknown => {
    const [, assistant] = decodeRequest({ model: "m", messages: [{ role: "user", content: "Hi" }, message] }, door).messages;
    return assistant?.role === "assistant" && assistant.content.map((part) => ({ ...part, citations: undefined }));
  };
  const whole = encodeReply(one(rich), replyContext);
  const expected = kept((whole["choices"] as JsonObject[])[0]?.["message"] as JsonObject);

  test("a whole reply, kept as it is", () => {
    expect(expected).toEqual(
      rich.map((part) => ({
        ...part,
        citations: undefined,
        ...("state" in part && part.state && { state: { ...part.state, origin: "vendor/model" } }),
      })),
    );
  });

  test("the official Python client's way", () => {
    const inTwo = (event: ChatEvent): ChatEvent[] =>
      event.type === "text-delta"
        ? [
            { ...event, text: event.text.slice(0, 2) },
            { ...event, text: event.text.slice(2) },
          ]
        : [event];
    const message = deltasOf(chunksOf(write(unfold(one(rich)).flatMap(inTwo)))).reduce(accumulate, {});
    expect(kept(message)).toEqual(expected);
  });

  test("the official JavaScript client reads the stream to its end", async () => {
    const client = new OpenAI({
      apiKey: "test",
      baseURL: "http://gateway.invalid/v1",
      fetch: async () =>
        new Response(write(unfold(one(rich, { usage: { input: 3, output: 4 } }))), { headers: { "content-type": "text/event-stream" } }),
    });
    const completion = await client.chat.completions
      .stream({ model: "m", messages: [{ role: "user", content: "Hi" }], stream_options: { include_usage: true } })
      .finalChatCompletion();
    expect(completion.choices[0]?.message.content).toBe("Hello world");
    expect(
      completion.choices[0]?.message.tool_calls?.map((entry) => [entry.id, entry.type === "function" && entry.function.arguments]),
    ).toEqual([
      ["a", "{}"],
      ["b", '{"x":1}'],
    ]);
    expect(completion.usage?.total_tokens).toBe(7);
    expect(completion.choices[0]?.finish_reason).toBe("tool_calls");
  });
});

describe("calls in the shape that the client offered its tools in", () => {
  const streamed = (content: AssistantPart[], context: ReplyContext): JsonObject =>
    deltasOf(chunksOf(write(unfold(one(content)), context))).reduce(accumulate, {});
  const whole = (content: AssistantPart[], context: ReplyContext): JsonObject =>
    (encodeReply(one(content), context)["choices"] as JsonObject[])[0] as JsonObject;
  const finishOf = (content: AssistantPart[], context: ReplyContext): unknown =>
    choicesOf(chunksOf(write(unfold(one(content)), context))).at(-1)?.["finish_reason"];

  test("a free-form tool's input comes out of the function that stood for it", () => {
    const context = { ...replyContext, customTools: new Set(["look"]) };
    const wrapped = [call("a", JSON.stringify({ input: 'say "hi"\n' }))];
    const expected = { tool_calls: [{ id: "a", type: "custom", custom: { name: "look", input: 'say "hi"\n' } }] };
    expect(whole(wrapped, context)["message"]).toMatchObject(expected);
    expect(streamed(wrapped, context)).toMatchObject(expected);
    expect(whole([{ ...wrapped[0], kind: "custom", arguments: "as it is" } as AssistantPart], context)["message"]).toMatchObject({
      tool_calls: [{ custom: { input: "as it is" } }],
    });
  });

  test("a client that offered functions gets function_call", () => {
    const context = { ...replyContext, body: { functions: [{ name: "look" }] } };
    const calls = [call("a", '{"x":1}'), call("b", "")];
    const expected = { function_call: { name: "look", arguments: '{"x":1}' }, tool_calls: [{ id: "b", function: { arguments: "{}" } }] };
    expect(whole(calls, context)).toMatchObject({ message: expected, finish_reason: "function_call" });
    expect(streamed(calls, context)).toMatchObject(expected);
    expect(finishOf(calls, context)).toBe("function_call");
    expect(streamed([call("a", "")], context)).toMatchObject({ function_call: { arguments: "{}" } });
    expect(finishOf([{ type: "text", text: "x" }], context)).toBe("stop");
  });

  test("several images do not run into each other", () => {
    const image = (data: string): AssistantPart => ({ type: "media", source: { kind: "base64", mediaType: "image/png", data } });
    expect(streamed([image("AAAA"), image("BBBB")], replyContext)["images"]).toMatchObject([
      { image_url: { url: "data:image/png;base64,AAAA" } },
      { image_url: { url: "data:image/png;base64,BBBB" } },
    ]);
  });
});

describe("whole replies", () => {
  test("content is null beside calls, and text without them", () => {
    const message = (content: AssistantPart[]): unknown =>
      ((encodeReply(one(content), replyContext)["choices"] as JsonObject[])[0] as JsonObject)["message"];
    expect(message([call("a")])).toMatchObject({ role: "assistant", content: null, refusal: null });
    expect(message([])).toMatchObject({ content: "" });
    expect(message([{ type: "refusal", text: "no" }])).toMatchObject({ content: null, refusal: "no" });
  });

  test("fields of this format's own replies come back, and never win over the real ones", () => {
    expect(
      encodeReply(
        one([], { extra: { format: "openai/chat-completions", fields: { system_fingerprint: "fp", id: "wrong" } } }),
        replyContext,
      ),
    ).toMatchObject({ id: "r-1", system_fingerprint: "fp" });
    expect(encodeReply(one([], { extra: { format: "anthropic/messages", fields: { container: "c" } } }), replyContext)).not.toHaveProperty(
      "container",
    );
  });

  test("reasoning is plain where nothing would be lost", () => {
    const [choice] = encodeReply(
      one([
        { type: "reasoning", text: "Hm" },
        { type: "text", text: "Hi" },
      ]),
      replyContext,
    )["choices"] as JsonObject[];
    expect(choice?.["message"]).toEqual({ role: "assistant", content: "Hi", refusal: null, reasoning_content: "Hm" });
  });
});
