import { describe, expect, test } from "vitest";
import type { AssistantPart, ChatEvent, ChatReply, ChatRequest, Message } from "../../canonical/chat.ts";
import { GatewayError, isGatewayError } from "../../canonical/errors.ts";
import { fold, unfold } from "../../canonical/fold.ts";
import type { JsonObject } from "../../canonical/json.ts";
import type { Quirk } from "../../canonical/quirks.ts";
import { SseReader } from "../../upstream/framing/sse.ts";
import { expectDiscipline } from "../codec.contract.ts";
import type { ClientCodec, ReplyContext } from "../codec.ts";
import { chatCompletions } from "./chat-completions.ts";
import { completions } from "./completions.ts";
import { CompletionsDecoder } from "./completions/decode-reply.ts";
import { responses } from "./responses.ts";

// The suite that all codecs share does not fit: an answer here is a text, without reasoning, calls or a history to stand in.

function decode(fields: JsonObject): ChatRequest {
  return completions.client.decodeRequest({ model: "m", prompt: "Once", ...fields }, { headers: new Headers() });
}

function send(request: ChatRequest, codec: ClientCodec = completions, quirks: Quirk[] = []): { body: JsonObject; told: string[] } {
  const told: string[] = [];
  const body = codec.provider.encodeRequest(request, {
    capabilities: {},
    quirks: new Set(quirks),
    origin: "v/m",
    warn: ({ action, field }) => told.push(`${action} ${field}`),
  });
  return { body, told };
}

function problem(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    if (isGatewayError(thrown)) return `${thrown.code} ${thrown.field ?? ""}`.trim();
    throw thrown;
  }
  return undefined;
}

const context: ReplyContext = {
  callId: "hg_1",
  created: 5,
  model: "m",
  includeUsage: true,
  origin: "v/m",
  customTools: new Set(),
  body: { model: "m", prompt: "Once" },
};

function reply(...contents: AssistantPart[][]): ChatReply {
  return {
    id: "chatcmpl-1",
    model: "m-1",
    choices: contents.map((content) => ({ content, finish: { reason: "stop" } })),
    usage: { input: 3, output: 2, cacheRead: 1 },
  };
}

function stream(given: ChatReply, more: Partial<ReplyContext> = {}): string {
  const encoder = completions.client.encodeEvents({ ...context, ...more });
  return unfold(given)
    .map((event) => encoder.push(event))
    .join("");
}

function payloads(text: string): JsonObject[] {
  return text
    .split("\n\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)) as JsonObject);
}

function read(bytes: Uint8Array, cut: number): ChatEvent[] {
  const reader = new SseReader();
  const decoder = new CompletionsDecoder();
  const frames = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut)), ...reader.end()];
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

describe("a prompt toward a model that chats", () => {
  test("is one user message, and said to be", () => {
    expect(decode({}).messages).toEqual([{ role: "user", content: [{ type: "text", text: "Once" }] }]);
    const { body, told } = send(decode({ max_tokens: 5, n: 2, stop: ".", temperature: 0.5, user: "u" }), chatCompletions);
    expect(body).toMatchObject({
      messages: [{ role: "user", content: "Once" }],
      max_completion_tokens: 5,
      n: 2,
      stop: ["."],
      temperature: 0.5,
      user: "u",
    });
    expect(told).toEqual(["emulated prompt"]);
    expect(send(decode({}), responses)).toMatchObject({ body: { input: [{ role: "user", content: "Once" }] }, told: ["emulated prompt"] });
  });

  test.each<[string, JsonObject]>([
    ["prompt", { prompt: ["a", "b"] }],
    ["prompt", { prompt: [1, 2] }],
    ["prompt", { prompt: [[1], [2]] }],
    ["suffix", { suffix: "end" }],
    ["echo", { echo: true, logprobs: 1 }],
  ])("%s that changes the answer is refused by name: %j", (field, fields) => {
    expect(problem(() => send(decode(fields), chatCompletions))).toBe(`unsupported_field ${field}`);
    expect(problem(() => send(decode(fields)))).toBeUndefined();
  });

  test("the best of several is left out, and said so", () => {
    expect(send(decode({ best_of: 3 }), chatCompletions).told).toEqual(["emulated prompt", "dropped best_of"]);
    expect(send(decode({ best_of: 1 }), chatCompletions).told).toEqual(["emulated prompt"]);
  });
});

describe("a prompt toward a server that continues it", () => {
  const every: JsonObject = {
    model: "m",
    prompt: ["a", "b"],
    best_of: 3,
    echo: true,
    frequency_penalty: 0.5,
    logit_bias: { "5": -1 },
    logprobs: 2,
    max_tokens: 7,
    n: 2,
    presence_penalty: 0.1,
    seed: 4,
    stop: ["x", "y"],
    suffix: "end",
    temperature: 0.2,
    top_p: 0.9,
    user: "u",
    vendor_field: 1,
  };

  test("goes back as it came", () => {
    expect(send(decode(every))).toEqual({ body: every, told: [] });
    expect(send(decode({ prompt: [[1, 2], [3]] })).body.prompt).toEqual([[1, 2], [3]]);
    expect(send(decode({ prompt: ["a"] })).body.prompt).toEqual(["a"]);
  });

  test("with the text that a guardrail has made of it", () => {
    const request = decode({});
    request.messages = [{ role: "user", content: [{ type: "text", text: "[redacted]" }] }];
    expect(send(request).body.prompt).toBe("[redacted]");
  });

  test("a streamed one asks for its usage", () => {
    expect(send(decode({ stream: true })).body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(send(decode({ stream: true }), completions, ["no-stream-options"]).body).not.toHaveProperty("stream_options");
  });
});

describe("a chat toward a server that only continues text", () => {
  const ask = (messages: Message[], more: Partial<ChatRequest> = {}): ChatRequest => ({ model: "m", messages, stream: false, ...more });
  const user: Message = { role: "user", content: [{ type: "text", text: "Hi" }] };

  test("one question is a prompt, after what is said in general", () => {
    const { body, told } = send(
      ask([{ role: "system", content: [{ type: "text", text: "Be brief." }] }, user], { logprobs: { top: 3 }, verbosity: "low" }),
    );
    expect(body).toEqual({ model: "m", prompt: "Be brief.\n\nHi", logprobs: 3 });
    expect(told).toEqual(["emulated messages", "dropped verbosity"]);
  });

  test("its limit is not left to the format's sixteen tokens where the model's is known", () => {
    const body = completions.provider.encodeRequest(ask([user]), {
      capabilities: { maxOutputTokens: 900 },
      quirks: new Set(),
      origin: "v/m",
      warn: () => {},
    });
    expect(body.max_tokens).toBe(900);
  });

  test.each<[string, ChatRequest]>([
    ["messages[1]", ask([user, { role: "assistant", content: [{ type: "text", text: "Hello" }] }, user])],
    ["messages[0].content[0]", ask([{ role: "user", content: [{ type: "image", source: { kind: "url", url: "https://a" } }] }])],
    ["tools", ask([user], { tools: [{ name: "look", kind: "function" }] })],
    ["response_format", ask([user], { output: { type: "json-object" } })],
    ["modalities", ask([user], { modalities: ["audio"] })],
  ])("%s is refused", (field, request) => {
    expect(problem(() => send(request))).toBe(`unsupported_field ${field}`);
  });
});

describe("the answer", () => {
  const logprobs = {
    content: [
      {
        token: "Hi",
        logprob: -0.1,
        bytes: null,
        top_logprobs: [
          { token: "Hi", logprob: -0.1, bytes: null },
          { token: "Ho", logprob: -2, bytes: null },
        ],
      },
    ],
  };

  test("whole", () => {
    const given = reply(
      [
        { type: "reasoning", text: "Hm." },
        { type: "text", text: "Hi" },
      ],
      [{ type: "text", text: "Ho" }],
    );
    given.choices[0] = { content: given.choices[0]?.content ?? [], finish: { reason: "length" }, logprobs };
    expect(completions.client.encodeReply(given, context)).toEqual({
      id: "cmpl-hg_1",
      object: "text_completion",
      created: 5,
      model: "m-1",
      choices: [
        {
          text: "Hi",
          index: 0,
          logprobs: { tokens: ["Hi"], token_logprobs: [-0.1], top_logprobs: [{ Hi: -0.1, Ho: -2 }], text_offset: [0] },
          finish_reason: "length",
        },
        { text: "Ho", index: 1, logprobs: null, finish_reason: "stop" },
      ],
      usage: {
        prompt_tokens: 3,
        completion_tokens: 2,
        total_tokens: 5,
        prompt_tokens_details: { cached_tokens: 1 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
    });
  });

  test("streamed, in the order that clients know", () => {
    const chunks = payloads(stream(reply([{ type: "text", text: "Hi" }])));
    expect(chunks.map(({ choices }) => choices)).toEqual([
      [{ text: "Hi", index: 0, logprobs: null, finish_reason: null }],
      [{ text: "", index: 0, logprobs: null, finish_reason: "stop" }],
      [],
    ]);
    expect(chunks.map(({ usage }) => usage === null)).toEqual([true, true, false]);
    expect(stream(reply([{ type: "text", text: "Hi" }]))).toMatch(/data: \[DONE\]\n\n$/);
    expect(payloads(stream(reply([]), { includeUsage: false }))).toHaveLength(1);
  });

  test("comes back the same, cut at every byte", () => {
    const given = reply([{ type: "text", text: "Grüße, 世界 👋🏽" }], [{ type: "text", text: "Zwei" }]);
    const bytes = new TextEncoder().encode(stream(given));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const events = read(bytes, cut);
      expectDiscipline(events);
      expect(fold(events).choices.map(({ content }) => content)).toEqual(given.choices.map(({ content }) => content));
    }
  });

  test("cut short it is never a silent success", () => {
    const bytes = new TextEncoder().encode(stream(reply([{ type: "text", text: "Hello" }])));
    const finished = new TextDecoder().decode(bytes).indexOf('"finish_reason":"stop"');
    for (let length = 0; length < finished; length += 7) expect(read(bytes.subarray(0, length), 0).at(-1)?.type).toBe("error");
  });

  test("probabilities come back, streamed and whole", () => {
    const given = reply([{ type: "text", text: "Hi" }]);
    given.choices = [{ content: [{ type: "text", text: "Hi" }], finish: { reason: "stop" }, logprobs }];
    expect(fold(completions.provider.decodeReply(completions.client.encodeReply(given, context))).choices[0]?.logprobs).toEqual(logprobs);
    expect(fold(read(new TextEncoder().encode(stream(given)), 0)).choices[0]?.logprobs).toEqual(logprobs);
  });

  test("stands after its prompt when that is asked for", () => {
    const body = { model: "m", prompt: ["A", "B"], echo: true, n: 2 };
    const given = reply(...["1", "2", "3", "4"].map((text): AssistantPart[] => [{ type: "text", text }]));
    const texts = ["A1", "A2", "B3", "B4"];
    expect((completions.client.encodeReply(given, { ...context, body }).choices as JsonObject[]).map(({ text }) => text)).toEqual(texts);
    const told = ["", "", "", ""];
    for (const { choices } of payloads(stream(given, { body })))
      for (const { index, text } of choices as { index: number; text: string }[]) told[index] += text;
    expect(told).toEqual(texts);
  });

  test("a failure in the stream is the last thing in it", () => {
    const encoder = completions.client.encodeEvents(context);
    const out = encoder.push({ type: "error", error: new GatewayError("provider_error", "Oops") });
    expect(out).toContain('"error"');
    expect(encoder.push({ type: "end" })).toBe("");
  });

  test("a broken call is no finished text", () => {
    const given = reply([{ type: "text", text: "Hi" }]);
    given.choices = [{ content: [], finish: { reason: "malformed-call" } }];
    expect(completions.client.encodeReply(given, context)).toMatchObject({ choices: [{ finish_reason: "content_filter" }] });
  });
});

describe("a passing request and reply", () => {
  test("types are checked, unknown fields pass", () => {
    const refused = (fields: JsonObject): string | undefined =>
      problem(() => completions.verbatim.check({ model: "m", prompt: "x", ...fields }));
    expect(refused({ vendor: 1 })).toBeUndefined();
    expect(refused({ prompt: [[1], [2]] })).toBeUndefined();
    expect(refused({ prompt: null })).toBe("invalid_request prompt");
    expect(refused({ prompt: [] })).toBe("invalid_request prompt");
    expect(refused({ prompt: ["a", 1] })).toBe("invalid_request prompt[1]");
    expect(refused({ prompt: [-1] })).toBe("invalid_request prompt[0]");
    expect(refused({ model: "" })).toBe("invalid_request model");
    expect(refused({ logprobs: true })).toBe("invalid_request logprobs");
    expect(refused({ stop: [1] })).toBe("invalid_request stop");
  });

  test("usage is asked for, read, and kept from a client that did not ask", () => {
    expect(completions.verbatim.edits({ model: "a", prompt: "x", stream: true }, { model: "b", quirks: new Set() })).toEqual({
      model: "b",
      stream_options: { include_usage: true },
    });
    const watcher = completions.verbatim.watch({ includeUsage: false });
    const words = payloads(stream(reply([{ type: "text", text: "Hi" }]))).map((data) =>
      watcher.look({ event: "", data: JSON.stringify(data) }),
    );
    expect(words).toEqual(["pass", "pass", "drop"]);
    expect(watcher.look({ event: "", data: "[DONE]" })).toBe("last");
    expect(watcher.reading).toMatchObject({ model: "m-1", usage: { input: 3, output: 2 }, finish: { reason: "stop" } });
  });
});
