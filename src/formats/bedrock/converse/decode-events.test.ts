import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChatEvent, ChatReply } from "../../../canonical/chat.ts";
import { fold } from "../../../canonical/fold.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { decodeEvents } from "./decode-events.ts";
import { decodeReply } from "./decode-reply.ts";
import { toWireName } from "./names.ts";
import { brokenRule, callStart, decodeStream, delta, messageStop, metadata, start, stop } from "./samples.ts";

/** Of one byte to four, and signs that mean something somewhere. */
const letter = fc.constantFrom("a", "Z", "0", "é", "日", "🙂", "\u2028", "\uFEFF", "\0", "\n", " ", "%", "/", "-", '"', "\\");

type Sent = [event: string, payload: JsonObject];

const begin: Sent = ["messageStart", { role: "assistant", p: "abcdefghij" }];
const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 };

function reply(...stream: Sent[]): ChatReply {
  const events = decodeStream(...stream);
  expect(brokenRule(events)).toBeUndefined();
  return fold(events);
}

function failure(...stream: Sent[]) {
  const events = decodeStream(...stream);
  expect(brokenRule(events)).toBeUndefined();
  const last = events.at(-1);
  return last?.type === "error" ? last.error : undefined;
}

describe("a streamed answer", () => {
  test("text, whose beginning most models do not announce", () => {
    const events = decodeStream(
      begin,
      delta(0, { text: "Hel" }),
      delta(0, { text: "lo" }),
      stop(0),
      messageStop("end_turn"),
      metadata(usage),
    );
    expect(events).toEqual([
      { type: "start" },
      { type: "block-start", choice: 0, block: 0, content: { kind: "text" } },
      { type: "text-delta", choice: 0, block: 0, text: "Hel" },
      { type: "text-delta", choice: 0, block: 0, text: "lo" },
      { type: "block-end", choice: 0, block: 0 },
      { type: "extra", extra: { format: "bedrock/converse", fields: { metrics: { latencyMs: 1 } } } },
      { type: "usage", usage: { input: 10, output: 5, raw: usage, rawFormat: "bedrock/converse" } },
      { type: "finish", choice: 0, finish: { reason: "stop", raw: "end_turn" } },
      { type: "end" },
    ]);
  });

  test("the metadata may come before the stop, after it, or not at all", () => {
    const text = [begin, delta(0, { text: "x" }), stop(0)];
    const after = reply(...text, messageStop("end_turn"), metadata(usage));
    expect(after).toEqual(reply(...text, metadata(usage), messageStop("end_turn")));
    expect(after.usage).toMatchObject({ input: 10, output: 5 });
    expect(reply(...text, messageStop("end_turn"))).toMatchObject({ choices: [{ finish: { reason: "stop" } }] });
  });

  test("it is over when both have come, and not before the stream is, when one is missing", () => {
    const decoder = decodeEvents();
    const push = ([event, payload]: Sent): ChatEvent[] => decoder.push({ event, data: JSON.stringify(payload) });
    push(delta(0, { text: "x" }));
    expect(push(messageStop("end_turn")).some(({ type }) => type === "finish")).toBe(false);
    expect(push(metadata(usage)).at(-1)).toEqual({ type: "end" });
    expect(push(delta(0, { text: "late" }))).toEqual([]);
    expect(decoder.end()).toEqual([]);
  });

  test("tool calls, in parallel, among text that is never said to be over", () => {
    const got = reply(
      begin,
      start(0, {}),
      delta(0, { text: "Looking." }),
      callStart(1, "t1", "weather"),
      delta(1, { toolUse: { input: '{"at":' } }),
      delta(1, { toolUse: { input: '"SF"}' } }),
      stop(1),
      callStart(2, "t2", "weather"),
      delta(2, { toolUse: { input: '{"at":"LA"}' } }),
      stop(2),
      messageStop("tool_use"),
      metadata(usage),
    );
    expect(got.choices[0]).toEqual({
      content: [
        { type: "text", text: "Looking." },
        { type: "tool-call", id: "t1", name: "weather", kind: "function", arguments: '{"at":"SF"}' },
        { type: "tool-call", id: "t2", name: "weather", kind: "function", arguments: '{"at":"LA"}' },
      ],
      finish: { reason: "tool-calls", raw: "tool_use" },
    });
  });

  test("a text ends when the next block begins, so that clients see it end", () => {
    const events = decodeStream(
      delta(0, { text: "a" }),
      callStart(1, "t", "n"),
      delta(1, { toolUse: { input: "{}" } }),
      messageStop("tool_use"),
    );
    expect(events.findIndex(({ type }) => type === "block-end")).toBeLessThan(
      events.findIndex((event) => event.type === "block-start" && event.block === 1),
    );
  });

  test("a call without arguments has an empty object: an empty delta, or none", () => {
    for (const pieces of [[delta(0, { toolUse: { input: "" } })], []]) {
      expect(reply(callStart(0, "t", "n"), ...pieces, stop(0), messageStop("tool_use")).choices[0]?.content).toEqual([
        { type: "tool-call", id: "t", name: "n", kind: "function", arguments: "{}" },
      ]);
    }
  });

  test("a call without an id gets one, the same streamed and whole", () => {
    const content = [{ text: "x" }, { toolUse: { name: "look", input: {} } }];
    const streamed = reply(delta(0, { text: "x" }), start(1, { toolUse: { name: "look" } }), stop(1), messageStop("tool_use"));
    expect(streamed.choices).toEqual(fold(decodeReply({ output: { message: { content } }, stopReason: "tool_use" })).choices);
    expect(streamed.choices[0]?.content[1]).toMatchObject({ id: "call_1" });
  });

  test("names that were rewritten on the way out come back as they were", () => {
    const long = `mcp__server__${"x".repeat(90)}`;
    for (const name of ["files.read", long]) {
      expect(reply(callStart(0, "t", toWireName(name)), stop(0), messageStop("tool_use")).choices[0]?.content[0]).toMatchObject({ name });
    }
  });

  test("the call that stands for a schema is the answer's text, and ends as answers do", () => {
    const stream: Sent[] = [
      callStart(0, "t", "hgfn_answer"),
      delta(0, { toolUse: { input: '{"a":' } }),
      delta(0, { toolUse: { input: "1}" } }),
      stop(0),
    ];
    expect(reply(...stream, messageStop("tool_use"), metadata(usage)).choices[0]).toEqual({
      content: [{ type: "text", text: '{"a":1}' }],
      finish: { reason: "stop", raw: "tool_use" },
    });
    expect(reply(...stream, messageStop("max_tokens")).choices[0]?.finish.reason).toBe("length");
    expect(reply(callStart(1, "u", "look"), stop(1), ...stream, messageStop("tool_use")).choices[0]?.finish.reason).toBe("tool-calls");
    expect(reply(callStart(0, "t", "hgfn_answer"), stop(0), messageStop("tool_use")).choices[0]?.content).toEqual([
      { type: "text", text: "{}" },
    ]);
  });

  test("reasoning keeps its signature, in pieces and without text too", () => {
    const thought = (piece: JsonObject): Sent => delta(0, { reasoningContent: piece });
    expect(
      reply(
        thought({ text: "h" }),
        thought({ text: "m" }),
        thought({ text: "" }),
        thought({ signature: "si" }),
        thought({ signature: "g" }),
        stop(0),
        delta(1, { text: "x" }),
        messageStop("end_turn"),
      ).choices[0]?.content,
    ).toEqual([
      { type: "reasoning", text: "hm", state: { format: "bedrock/converse", kind: "signature", data: "sig" } },
      { type: "text", text: "x" },
    ]);
    expect(reply(thought({ signature: "sig" }), stop(0), messageStop("end_turn")).choices[0]?.content).toEqual([
      { type: "reasoning", text: "", state: { format: "bedrock/converse", kind: "signature", data: "sig" } },
    ]);
    expect(reply(thought({ text: "" }), stop(0), delta(1, { text: "x" }), messageStop("end_turn")).choices[0]?.content).toEqual([
      { type: "text", text: "x" },
    ]);
    expect(reply(thought({ text: "unsigned" }), stop(0), messageStop("end_turn")).choices[0]?.content).toEqual([
      { type: "reasoning", text: "unsigned" },
    ]);
  });

  test("redacted reasoning is kept whole, also when its bytes come in pieces", () => {
    const pieces = [btoa("abcd"), btoa("ef")];
    const stream = pieces.map((piece) => delta(0, { reasoningContent: { redactedContent: piece } }));
    expect(reply(...stream, stop(0), messageStop("end_turn")).choices[0]?.content).toEqual([
      { type: "reasoning", text: "", state: { format: "bedrock/converse", kind: "redacted", data: btoa("abcdef") } },
    ]);
  });

  test("citations, before their text or after it", () => {
    const raw = {
      title: "T",
      source: "https://example.org/a",
      sourceContent: [{ text: "quo" }, { text: "ted" }],
      location: { documentChar: { documentIndex: 0, start: 1, end: 7 } },
    };
    const got = reply(
      delta(0, { citation: raw }),
      delta(0, { text: "x" }),
      delta(0, { citation: { location: { web: { url: "https://example.org/b" } } } }),
      stop(0),
      messageStop("end_turn"),
    );
    expect(got.choices[0]?.content).toMatchObject([
      {
        type: "text",
        text: "x",
        citations: [
          { title: "T", url: "https://example.org/a", citedText: "quoted", raw, format: "bedrock/converse" },
          { url: "https://example.org/b" },
        ],
      },
    ]);
  });

  test("the vendor's own tools and their results are whole blocks that no client may be asked to run", () => {
    const got = reply(
      start(0, { toolUse: { toolUseId: "s1", name: "nova_grounding", type: "server_tool_use" } }),
      delta(0, { toolUse: { input: '{"q":' } }),
      delta(0, { toolUse: { input: '"x"}' } }),
      stop(0),
      start(1, { toolResult: { toolUseId: "s1", status: "success" } }),
      delta(1, { toolResult: [{ text: "found" }] }),
      delta(1, { toolResult: [{ json: { a: 1 } }] }),
      stop(1),
      delta(2, { text: "so" }),
      messageStop("end_turn"),
    );
    expect(got.choices[0]).toEqual({
      content: [
        {
          type: "vendor",
          format: "bedrock/converse",
          value: { toolUse: { toolUseId: "s1", name: "nova_grounding", type: "server_tool_use", input: { q: "x" } } },
        },
        {
          type: "vendor",
          format: "bedrock/converse",
          value: { toolResult: { toolUseId: "s1", status: "success", content: [{ text: "found" }, { json: { a: 1 } }] } },
        },
        { type: "text", text: "so" },
      ],
      finish: { reason: "stop", raw: "end_turn" },
    });
  });

  test("an image, in pieces", () => {
    const got = reply(
      start(0, { image: { format: "webp" } }),
      delta(0, { image: { source: { bytes: btoa("abc") } } }),
      delta(0, { image: { source: { bytes: btoa("d") } } }),
      stop(0),
      messageStop("end_turn"),
    );
    expect(got.choices[0]?.content).toEqual([{ type: "media", source: { kind: "base64", mediaType: "image/webp", data: btoa("abcd") } }]);
  });

  test("kinds that change within a block, deltas after its end, events and deltas that are new", () => {
    const got = reply(
      ["somethingNew", { a: 1 }],
      delta(0, { reasoningContent: { text: "hm" } }),
      delta(0, { text: "a" }),
      stop(0),
      delta(0, { text: "b" }),
      stop(7),
      delta(3, {}),
      delta(4, { hologram: { bytes: "eA==" } }),
      messageStop("end_turn"),
      metadata(usage),
    );
    expect(got.choices[0]?.content).toEqual([
      { type: "reasoning", text: "hm" },
      { type: "text", text: "a" },
      { type: "text", text: "b" },
      { type: "vendor", format: "bedrock/converse", value: { hologram: { bytes: "eA==" } } },
    ]);
  });

  test("trace, tier and the model's own fields are kept", () => {
    const trace = { guardrail: { actionReason: "x" } };
    const got = reply(
      delta(0, { text: "x" }),
      messageStop("stop_sequence", { additionalModelResponseFields: { delta: { stop_sequence: "END" } } }),
      metadata(usage, { trace, serviceTier: { type: "flex" } }),
    );
    expect(got.choices[0]?.finish).toEqual({ reason: "stop-sequence", raw: "stop_sequence", stopSequence: "END" });
    expect(got.extra?.fields).toMatchObject({
      trace,
      serviceTier: { type: "flex" },
      additionalModelResponseFields: { delta: { stop_sequence: "END" } },
    });
    expect(got.usage?.serviceTier).toBe("flex");
  });

  test("an answer of nothing is an answer", () => {
    expect(reply(begin, messageStop("content_filtered"), metadata(usage)).choices).toEqual([
      { content: [], finish: { reason: "content-filter", raw: "content_filtered" } },
    ]);
  });
});

describe("why it ended", () => {
  test("every word of the vendor", () => {
    for (const [raw, reason] of Object.entries({
      end_turn: "stop",
      tool_use: "tool-calls",
      max_tokens: "length",
      stop_sequence: "stop-sequence",
      guardrail_intervened: "content-filter",
      content_filtered: "content-filter",
      malformed_model_output: "malformed-call",
      malformed_tool_use: "malformed-call",
      model_context_window_exceeded: "context-overflow",
      something_new: "unknown",
    })) {
      expect(reply(delta(0, { text: "x" }), messageStop(raw)).choices[0]?.finish).toEqual({ reason, raw });
    }
  });

  test("a call turns `end_turn` into tool calls, and nothing else", () => {
    const call = [callStart(0, "t", "n"), stop(0)];
    expect(reply(...call, messageStop("end_turn")).choices[0]?.finish.reason).toBe("tool-calls");
    for (const raw of ["max_tokens", "guardrail_intervened", "malformed_tool_use"])
      expect(reply(...call, messageStop(raw)).choices[0]?.finish.reason).not.toBe("tool-calls");
  });
});

describe("what is counted", () => {
  test("cached tokens are left out of the vendor's input, and are in ours", () => {
    const raw = {
      inputTokens: 10,
      outputTokens: 5,
      totalTokens: 15,
      cacheReadInputTokens: 100,
      cacheWriteInputTokens: 30,
      cacheDetails: [
        { ttl: "1h", inputTokens: 20 },
        { ttl: "5m", inputTokens: 10 },
      ],
      serverToolUsage: { webSearch: 2 },
    };
    expect(reply(delta(0, { text: "x" }), messageStop("end_turn"), metadata(raw)).usage).toEqual({
      input: 140,
      output: 5,
      cacheRead: 100,
      cacheWrite: 30,
      cacheWriteLong: 20,
      serverTools: { webSearch: 2 },
      raw,
      rawFormat: "bedrock/converse",
    });
  });

  test("what is no count is none", () => {
    expect(reply(delta(0, { text: "x" }), messageStop("end_turn"), metadata({ inputTokens: -1, outputTokens: "5" })).usage).toMatchObject({
      input: 0,
      output: 0,
    });
  });
});

describe("a stream that fails", () => {
  test("exceptions by their type, with what may be done about each", () => {
    for (const [type, code, status, retryable] of [
      ["internalServerException", "provider_error", 500, true],
      ["modelStreamErrorException", "provider_error", 424, true],
      ["serviceUnavailableException", "provider_overloaded", 503, true],
      ["throttlingException", "provider_rate_limited", 429, true],
      ["modelTimeoutException", "provider_timeout", 408, true],
      ["validationException", "provider_rejected", 400, false],
      ["somethingNewException", "provider_error", 500, true],
    ] as const) {
      const error = failure(begin, delta(0, { text: "x" }), [`exception:${type}`, { message: "words" }]);
      expect(error).toMatchObject({
        code,
        retryable,
        message: "words",
        upstream: { status, format: "bedrock/converse", body: { message: "words" } },
      });
    }
    expect(failure(["error:InternalFailure", { message: "words" }])).toMatchObject({ code: "provider_error", message: "words" });
    expect(failure(["exception:", {}])).toMatchObject({ code: "provider_error" });
    // As gateways send it that imitate the vendor.
    expect(failure(["throttlingException", { message: "words" }])).toMatchObject({ code: "provider_rate_limited" });
  });

  test("an input that is too long, said in the stream", () => {
    expect(failure(["exception:validationException", { message: "Input is too long for requested model." }])).toMatchObject({
      code: "context_length_exceeded",
    });
  });

  test("a stream that ends early is never a silent success, wherever it is cut", () => {
    const stream: Sent[] = [
      begin,
      delta(0, { text: "x" }),
      stop(0),
      callStart(1, "t", "n"),
      delta(1, { toolUse: { input: '{"a":1}' } }),
      stop(1),
      messageStop("tool_use"),
      metadata(usage),
    ];
    for (let length = 0; length < stream.length; length++) {
      const error = failure(...stream.slice(0, length));
      if (length < 7) expect(error?.code).toBe("provider_stream_cut");
      else expect(error).toBeUndefined();
    }
  });

  test("after an exception nothing more is told", () => {
    const decoder = decodeEvents();
    decoder.push({ event: "exception:throttlingException", data: "{}" });
    expect(decoder.push({ event: "messageStop", data: '{"stopReason":"end_turn"}' })).toEqual([]);
    expect(decoder.end()).toEqual([]);
  });

  test("arguments of a call that never began, and payloads that are no objects", () => {
    expect(failure(delta(0, { toolUse: { input: "{" } }))).toMatchObject({ code: "provider_bad_response" });
    const decoder = decodeEvents();
    expect(decoder.push({ event: "contentBlockDelta", data: '{"contentBlock' }).at(-1)).toMatchObject({
      type: "error",
      error: { code: "provider_bad_response" },
    });
  });
});

describe("whole and streamed", () => {
  const text = fc.string({ minLength: 1, maxLength: 20, unit: letter });
  const block: fc.Arbitrary<JsonObject> = fc.oneof(
    text.map((words): JsonObject => ({ text: words })),
    fc
      .record({ text, signature: fc.base64String({ minLength: 4, maxLength: 20 }) })
      .map((reasoningText): JsonObject => ({ reasoningContent: { reasoningText } })),
    fc.base64String({ minLength: 4, maxLength: 20 }).map((redactedContent): JsonObject => ({ reasoningContent: { redactedContent } })),
    fc
      .record({
        toolUseId: fc.stringMatching(/^[a-z]{1,9}$/),
        name: fc.constantFrom("look", "hgfn-a-2e-b", "hgfn_answer"),
        input: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.oneof(text, fc.integer()), { maxKeys: 3 }),
      })
      .map((toolUse): JsonObject => ({ toolUse: { ...toolUse, input: { ...toolUse.input } } })),
  );

  test("tell the same, for any answer in any pieces", () => {
    fc.assert(
      fc.property(
        fc.array(block, { maxLength: 5 }),
        fc.constantFrom("end_turn", "tool_use", "max_tokens"),
        fc.boolean(),
        fc.boolean(),
        fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
        (content, stopReason, early, stops, sizes) => {
          const stream = content.flatMap((one, index) => pieces(one, index, stops, () => sizes.next().value ?? 1));
          const end = [messageStop(stopReason), metadata(usage)];
          const streamed = reply(begin, ...stream, ...(early ? end.toReversed() : end));
          const whole = fold(
            decodeReply({ output: { message: { role: "assistant", content } }, stopReason, usage, metrics: { latencyMs: 1 } }),
          );
          expect(streamed).toEqual(whole);
        },
      ),
    );
  });
});

/** A block as the vendor would stream it. A text needs its stop only where another follows. */
function pieces(block: JsonObject, index: number, stops: boolean, size: () => number): Sent[] {
  const cut = (text: string): string[] => {
    const letters = [...text];
    const list: string[] = [];
    while (letters.length > 0) list.push(letters.splice(0, size()).join(""));
    return list;
  };
  if (typeof block.text === "string") return [...cut(block.text).map((text) => delta(index, { text })), ...(stops ? [stop(index)] : [])];
  const call = block.toolUse as JsonObject | undefined;
  if (call) {
    const json = JSON.stringify(call.input);
    return [
      callStart(index, call.toolUseId as string, call.name as string),
      ...cut(json).map((input) => delta(index, { toolUse: { input } })),
      stop(index),
    ];
  }
  const { reasoningText, redactedContent } = block.reasoningContent as {
    reasoningText?: { text: string; signature: string };
    redactedContent?: Json;
  };
  if (reasoningText) {
    return [
      ...cut(reasoningText.text).map((text) => delta(index, { reasoningContent: { text } })),
      delta(index, { reasoningContent: { signature: reasoningText.signature } }),
      stop(index),
    ];
  }
  return [delta(index, { reasoningContent: { redactedContent: redactedContent ?? "" } }), stop(index)];
}
