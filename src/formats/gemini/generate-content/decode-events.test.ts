import { describe, expect, test } from "vitest";
import type { ChatEvent, ChatReply } from "../../../canonical/chat.ts";
import { fold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { SseReader } from "../../../upstream/framing/sse.ts";
import { expectDiscipline } from "../../codec.contract.ts";
import { decodeEvents } from "./decode-events.ts";
import { chunk, decodeStream, last, otherSignature, signature } from "./samples.ts";

function read(...frames: (JsonObject | string)[]): ChatReply {
  const events = decodeStream(...frames);
  expectDiscipline(events);
  return fold(events);
}

const errorOf = (events: ChatEvent[]): unknown => events.flatMap((event) => (event.type === "error" ? [event.error.code] : []));
const call = (functionCall: JsonObject, more: JsonObject = {}): JsonObject => chunk([{ functionCall, ...more }]);

describe("text and thoughts", () => {
  test("pieces grow into blocks of their kind, in the order in which they came", () => {
    const reply = read(
      chunk([{ text: "Fir", thought: true }]),
      chunk([{ text: "st.", thought: true }]),
      chunk([{ text: "Hello" }]),
      chunk([{ text: " world" }]),
      chunk([{ text: "Again.", thought: true }, { text: "!" }]),
      last(),
    );
    expect(reply).toMatchObject({
      id: "r1",
      model: "gemini-x",
      choices: [
        {
          content: [
            { type: "reasoning", text: "First." },
            { type: "text", text: "Hello world" },
            { type: "reasoning", text: "Again." },
            { type: "text", text: "!" },
          ],
          finish: { reason: "stop", raw: "STOP" },
        },
      ],
    });
  });

  test("the signature on the empty text of the last chunk is that of the text before it", () => {
    const reply = read(chunk([{ text: "4" }]), last("STOP", [{ text: "", thoughtSignature: signature }]));
    expect(reply.choices[0]?.content).toEqual([
      { type: "text", text: "4", state: { format: "gemini/generate-content", kind: "signature", data: signature } },
    ]);
  });

  test("after a call it stands alone, and is kept", () => {
    const reply = read(
      call({ name: "look" }, { thoughtSignature: otherSignature }),
      last("STOP", [{ text: "", thoughtSignature: signature }]),
    );
    expect(reply.choices[0]?.content).toMatchObject([
      { type: "tool-call", state: { data: otherSignature } },
      { type: "text", text: "", state: { data: signature } },
    ]);
  });

  test("a signed text with words is never joined to another", () => {
    const reply = read(chunk([{ text: "a" }]), chunk([{ text: "b", thoughtSignature: signature }]), chunk([{ text: "c" }]), last());
    expect(reply.choices[0]?.content).toMatchObject([{ text: "a" }, { text: "b", state: { data: signature } }, { text: "c" }]);
  });

  test("one choice a candidate, however many parts (higress#4284)", () => {
    const reply = read(chunk([{ text: "a" }, { functionCall: { name: "look" } }, { text: "b" }]), last());
    expect(reply.choices).toHaveLength(1);
    expect(reply.choices[0]?.content.map(({ type }) => type)).toEqual(["text", "tool-call", "text"]);
  });

  test("several candidates, told in turn", () => {
    const of = (index: number, text: string, more: JsonObject = {}): JsonObject => ({
      content: { parts: [{ text }], role: "model" },
      index,
      ...more,
    });
    const reply = read(
      { candidates: [of(0, "a"), of(1, "x")] },
      { candidates: [of(1, "y", { finishReason: "MAX_TOKENS" })] },
      { candidates: [of(0, "b", { finishReason: "STOP" })] },
    );
    expect(reply.choices).toMatchObject([
      { content: [{ text: "ab" }], finish: { reason: "stop" } },
      { content: [{ text: "xy" }], finish: { reason: "length" } },
    ]);
  });
});

describe("calls", () => {
  test("a call, and STOP in a later chunk, is tool-calls (envoy ai-gateway#2399)", () => {
    expect(read(call({ name: "look", args: { at: 1 } }, { thoughtSignature: signature }), last()).choices[0]).toMatchObject({
      content: [{ type: "tool-call", name: "look", kind: "function", arguments: '{"at":1}', state: { data: signature } }],
      finish: { reason: "tool-calls", raw: "STOP" },
    });
  });

  const kept: [string, string][] = [
    ["MAX_TOKENS", "length"],
    ["SAFETY", "content-filter"],
    ["MALFORMED_FUNCTION_CALL", "malformed-call"],
    ["SOMETHING_NEW", "unknown"],
  ];
  test.each(kept)("%s stays %s, call or not (hermes-agent#43478)", (raw, reason) => {
    expect(read(call({ name: "look" }), last(raw)).choices[0]?.finish).toMatchObject({ reason, raw });
  });

  test("without args it is the empty object (koog#2146)", () => {
    expect(read(call({ name: "look" }), call({ name: "look", args: null }), last()).choices[0]?.content).toMatchObject([
      { arguments: "{}" },
      { arguments: "{}" },
    ]);
  });

  test("ids are the vendor's, or made up: unique, and the same whenever the stream is read", () => {
    const frames = [call({ id: "s3qm24sq", name: "look" }), call({ name: "look" }), call({ name: "look" }), last()];
    const ids = read(...frames).choices[0]?.content.map((part) => part.type === "tool-call" && part.id) ?? [];
    expect(ids[0]).toBe("s3qm24sq");
    expect(new Set(ids).size).toBe(3);
    expect(ids[1]).toMatch(/^call_hg[a-z0-9]+_0_1$/);
    expect(read(...frames).choices[0]?.content.map((part) => part.type === "tool-call" && part.id)).toEqual(ids);
    const other = read({ ...call({ name: "look" }), responseId: "r2" }, last()).choices[0]?.content[0];
    expect(ids).not.toContain(other?.type === "tool-call" && other.id);
  });

  test("names written for Gemini's alphabet come back as they were", () => {
    expect(read(call({ name: "hgfn_fs-2f-read" }), last()).choices[0]?.content).toMatchObject([{ name: "fs/read" }]);
  });

  test("a call without a name is nobody's", () => {
    expect(read(chunk([{ text: "a" }]), call({}), call({ args: { a: 1 } }), last()).choices[0]).toMatchObject({
      content: [{ type: "text" }],
      finish: { reason: "stop" },
    });
  });
});

describe("arguments that Vertex streams", () => {
  const part = (jsonPath: string, value: JsonObject, more = false): JsonObject => ({
    jsonPath,
    ...value,
    ...(more && { willContinue: true }),
  });
  const piece = (...partialArgs: JsonObject[]): JsonObject => call({ partialArgs, willContinue: true });
  const argumentsOf = (reply: ChatReply): unknown[] =>
    reply.choices[0]?.content.map((block) => block.type === "tool-call" && JSON.parse(block.arguments)) ?? [];

  test("text in pieces, an empty call at the end, and the next call after it", () => {
    const reply = read(
      call({ name: "look", willContinue: true }, { thoughtSignature: signature }),
      piece(part("$.at", { stringValue: "Bos" }, true)),
      piece(part("$.at", { stringValue: "ton" }, true)),
      piece(part("$.at", { stringValue: "" })),
      call({}),
      call({ name: "look", willContinue: true }),
      piece(part("$.at", { stringValue: "Rome" })),
      last("STOP", [{ functionCall: {} }]),
    );
    expect(argumentsOf(reply)).toEqual([{ at: "Boston" }, { at: "Rome" }]);
    expect(reply.choices[0]).toMatchObject({ content: [{ state: { data: signature } }, {}], finish: { reason: "tool-calls" } });
  });

  test("nested, of every kind of value", () => {
    const reply = read(
      call({ name: "cook", willContinue: true }),
      piece(part("$.recipe.steps[0].text", { stringValue: "Mix" }), part("$.recipe.steps[0].minutes", { numberValue: 0.5 })),
      call({ willContinue: true }),
      piece(
        part("$.recipe.steps[1].text", { stringValue: "Bake" }),
        part("$['odd key']", { boolValue: false }),
        part("$.none", { nullValue: "NULL_VALUE" }),
      ),
      call({}),
      last(),
    );
    expect(argumentsOf(reply)).toEqual([
      { recipe: { steps: [{ text: "Mix", minutes: 0.5 }, { text: "Bake" }] }, "odd key": false, none: null },
    ]);
  });

  test("an array may end without its empty call, before text or before the end (vercel/ai#14358)", () => {
    const open = [call({ name: "write", willContinue: true }), piece(part("$.items[0]", { stringValue: "a" }))];
    expect(argumentsOf(read(...open, call({ partialArgs: [part("$.items[1]", { stringValue: "b" })] }), last()))).toEqual([
      { items: ["a", "b"] },
    ]);
    expect(argumentsOf(read(...open, last()))).toEqual([{ items: ["a"] }]);
  });

  test("a path that is no path, or leads nowhere sensible, harms nothing", () => {
    const reply = read(
      call({ name: "look", willContinue: true }),
      piece(
        part("at", { stringValue: "x" }),
        part("$..a", { stringValue: "x" }),
        part("$.list[99999999]", { numberValue: 1 }),
        part("$.__proto__.polluted", { boolValue: true }),
        part("$.a", { stringValue: "1" }),
        part("$.a.b", { numberValue: 2 }),
      ),
      last(),
    );
    expect(argumentsOf(reply)).toEqual([{ list: [], ["__proto__"]: { polluted: true }, a: { b: 2 } }]);
    expect(({} as JsonObject).polluted).toBeUndefined();
  });
});

describe("other parts", () => {
  test("code, its result, pictures and what is new", () => {
    const code = { executableCode: { language: "PYTHON", code: "print(1)" } };
    const thoughtPicture = { inlineData: { mimeType: "image/png", data: "bb" }, thought: true };
    const reply = read(
      chunk([
        code,
        { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1" } },
        { inlineData: { mimeType: "image/png", data: "aa" }, thoughtSignature: signature },
      ]),
      chunk([thoughtPicture]),
      last(),
    );
    expect(reply.choices[0]?.content).toEqual([
      { type: "vendor", format: "gemini/generate-content", value: code },
      { type: "vendor", format: "gemini/generate-content", value: { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1" } } },
      {
        type: "media",
        source: { kind: "base64", mediaType: "image/png", data: "aa" },
        state: { format: "gemini/generate-content", kind: "signature", data: signature },
      },
      { type: "vendor", format: "gemini/generate-content", value: thoughtPicture },
    ]);
  });

  test("citations: bytes become characters, sources and claims are joined, the raw words are kept", () => {
    const groundingMetadata = {
      webSearchQueries: ["a", "b"],
      groundingChunks: [{ web: { uri: "https://a.example", title: "A" } }, { maps: { uri: "https://m.example" } }],
      groundingSupports: [{ segment: { startIndex: 7, endIndex: 13, text: "Köln!" }, groundingChunkIndices: [0, 1] }],
    };
    const reply = read(
      chunk([{ text: "Ja, in" }]),
      chunk([{ text: " Köln!" }]),
      chunk([{ text: "" }], { finishReason: "STOP", groundingMetadata }, { usageMetadata: { promptTokenCount: 1 } }),
    );
    expect(reply.choices[0]?.content).toMatchObject([
      {
        text: "Ja, in Köln!",
        citations: [
          { url: "https://a.example", title: "A", citedText: "Köln!", start: 7, end: 12, format: "gemini/generate-content" },
          { url: "https://m.example", start: 7, end: 12 },
        ],
      },
    ]);
    expect(reply.extra?.fields.candidates).toEqual({ 0: { groundingMetadata } });
    expect(reply.usage?.serverTools).toEqual({ google_search: 2 });
  });

  test("what was recited is cited too, whatever the piece it came with", () => {
    const cite = (uri: string): JsonObject => ({ citationMetadata: { citationSources: [{ startIndex: 0, endIndex: 1, uri }] } });
    const reply = read(
      chunk([{ text: "ab" }], cite("https://a.example")),
      chunk([{ text: "c" }], { ...cite("https://b.example"), finishReason: "RECITATION" }),
    );
    expect(reply.choices[0]).toMatchObject({
      content: [{ citations: [{ url: "https://a.example" }, { url: "https://b.example" }] }],
      finish: { reason: "content-filter", raw: "RECITATION" },
    });
  });

  test("log probabilities of all pieces", () => {
    const logprobsResult = (token: string): JsonObject => ({
      logprobsResult: {
        chosenCandidates: [{ token, tokenId: 5, logProbability: -0.5 }],
        topCandidates: [{ candidates: [{ token: "z", logProbability: -2 }] }],
      },
    });
    const reply = read(
      chunk([{ text: "a" }], logprobsResult("a")),
      chunk([{ text: "b" }], { ...logprobsResult("b"), finishReason: "STOP" }),
    );
    expect(reply.choices[0]?.logprobs).toEqual({
      content: ["a", "b"].map((token) => ({
        token,
        logprob: -0.5,
        bytes: null,
        token_id: 5,
        top_logprobs: [{ token: "z", logprob: -2, bytes: null }],
      })),
    });
  });
});

describe("how it ends", () => {
  test("thinking that used up the limit: no parts, no text, one choice (litellm#36881, helm#3804)", () => {
    const frame = {
      candidates: [{ content: { role: "model" }, finishReason: "MAX_TOKENS", index: 0 }],
      usageMetadata: { promptTokenCount: 4, thoughtsTokenCount: 16, totalTokenCount: 20 },
    };
    expect(read(frame)).toMatchObject({
      choices: [{ content: [], finish: { reason: "length" } }],
      usage: { input: 4, output: 16, reasoning: 16 },
    });
  });

  test("content that is missing or empty (agent-kit#178)", () => {
    expect(
      read({ candidates: [{ content: {}, finishReason: "MALFORMED_FUNCTION_CALL", finishMessage: "Malformed function call: print(" }] })
        .choices,
    ).toMatchObject([{ content: [], finish: { reason: "malformed-call", details: { finishMessage: "Malformed function call: print(" } } }]);
    expect(read({ candidates: [{ finishReason: "SAFETY", safetyRatings: [{ blocked: true }] }] }).choices).toMatchObject([
      { content: [], finish: { reason: "content-filter", details: { safetyRatings: [{ blocked: true }] } } },
    ]);
  });

  test("a blocked prompt has no candidate at all", () => {
    const promptFeedback = { blockReason: "PROHIBITED_CONTENT" };
    expect(
      read({ promptFeedback, usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 }, modelVersion: "gemini-x", responseId: "r1" }),
    ).toMatchObject({
      choices: [{ content: [], finish: { reason: "content-filter", raw: "PROHIBITED_CONTENT", details: { promptFeedback } } }],
      usage: { input: 9, output: 0 },
      extra: { fields: { promptFeedback } },
    });
  });

  test("a long answer that wants another request keeps its token", () => {
    expect(read(chunk([{ text: "a" }], { finishReason: "CONTINUATION", continuationToken: "t" }))).toMatchObject({
      choices: [{ finish: { reason: "pause", raw: "CONTINUATION" } }],
      extra: { fields: { candidates: { 0: { continuationToken: "t" } } } },
    });
  });

  test("a stream that stops without a reason was cut, also when only one of two candidates has one", () => {
    expect(errorOf(decodeStream())).toEqual(["provider_stream_cut"]);
    expect(errorOf(decodeStream(chunk([{ text: "a" }])))).toEqual(["provider_stream_cut"]);
    expect(errorOf(decodeStream({ candidates: [{ index: 0, finishReason: "STOP" }, { index: 1 }] }))).toEqual(["provider_stream_cut"]);
    expect(errorOf(decodeStream({ usageMetadata: { promptTokenCount: 1 } }))).toEqual(["provider_stream_cut"]);
  });

  test("older models say STOP in every chunk: the answer goes on", () => {
    expect(read(chunk([{ text: "a" }], { finishReason: "STOP" }), chunk([{ text: "b" }], { finishReason: "STOP" })).choices).toMatchObject([
      { content: [{ text: "ab" }] },
    ]);
  });

  test("an error frame is an error, never an ending (OmniRoute#4177): alone, in a list, without a number", () => {
    const error = { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" };
    for (const frame of [{ error }, [{ error }], { error: { ...error, code: undefined } }]) {
      const events = decodeStream(chunk([{ text: "a" }]), JSON.stringify(frame), last());
      expect(errorOf(events)).toEqual(["provider_overloaded"]);
      expectDiscipline(events, "cut");
    }
    expect(errorOf(decodeStream({ error: { message: "?" } }))).toEqual(["provider_error"]);
  });

  test("what is no JSON object is no answer", () => {
    expect(errorOf(decodeStream("<html>"))).toEqual(["provider_bad_response"]);
    expect(errorOf(decodeStream("1"))).toEqual(["provider_bad_response"]);
    expect(read(chunk([{ text: "a" }]), last(), "[DONE]").choices).toHaveLength(1);
  });
});

describe("counting", () => {
  test("the last word wins, Vertex's first chunks count nothing", () => {
    const traffic = { usageMetadata: { trafficType: "ON_DEMAND" } };
    const events = decodeStream(
      chunk([{ text: "a" }], {}, traffic),
      chunk([{ text: "b" }], {}, { usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 1, totalTokenCount: 10 } }),
      last(),
    );
    expect(events.filter(({ type }) => type === "usage").length).toBeGreaterThan(1);
    expect(fold(events).usage).toMatchObject({
      input: 9,
      output: 208,
      reasoning: 185,
      raw: { trafficType: "ON_DEMAND", totalTokenCount: 217 },
    });
    expect(fold(decodeStream(chunk([{ text: "a" }], { finishReason: "STOP" }, traffic))).usage).toBeUndefined();
  });
});

test("the same events from a stream with CRLF, cut at every byte", () => {
  const frames = [
    chunk([{ text: "Grüße 👋🏽", thought: true }]),
    chunk([{ text: "a\r\nb" }]),
    call({ name: "look", willContinue: true }, { thoughtSignature: signature }),
    call({ partialArgs: [{ jsonPath: "$.a", stringValue: "x" }] }),
    last(),
  ];
  const bytes = new TextEncoder().encode(frames.map((frame) => `data: ${JSON.stringify(frame)}\r\n\r\n`).join(""));
  const whole = decodeStream(...frames);
  for (let at = 0; at <= bytes.length; at++) {
    const reader = new SseReader();
    const decoder = decodeEvents();
    const cut = [...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at)), ...reader.end()];
    expect([...cut.flatMap((frame) => decoder.push(frame)), ...decoder.end()]).toEqual(whole);
  }
});
