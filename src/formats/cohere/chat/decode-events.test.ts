import { describe, expect, test } from "vitest";
import type { ChatEvent } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import { fold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { expectDiscipline } from "../../codec.contract.ts";
import { decodeReply } from "./decode-events.ts";
import { citation, content, counts, decode, end, foldEvents, partsOf, plan, start, toolCall } from "./samples.ts";

const errorOf = (events: readonly ChatEvent[]): string | undefined => {
  const event = events.at(-1);
  return event?.type === "error" ? event.error.code : undefined;
};
const argumentsOf = (pieces: readonly string[]): unknown =>
  partsOf([start, ...toolCall(0, "f", pieces), end("TOOL_CALL")]).map((part) => part.type === "tool-call" && part.arguments)[0];

describe("text and thoughts", () => {
  test("the vendor's own shape: words, end, usage", () => {
    const events = decode([start, ...content("text", ["Hel", "lo"]), end()]);
    expectDiscipline(events);
    expect(events.map(({ type }) => type)).toEqual([
      "start",
      "block-start",
      "text-delta",
      "text-delta",
      "block-end",
      "finish",
      "usage",
      "end",
    ]);
    expect(fold(events)).toEqual({
      id: "2941521a-b87a",
      choices: [{ content: [{ type: "text", text: "Hello" }], finish: { reason: "stop", raw: "COMPLETE" } }],
      usage: { input: 507, output: 10, cacheRead: 448, raw: counts, rawFormat: "cohere/chat" },
    });
  });

  test("thinking comes before the text, as reasoning", () => {
    expect(partsOf([start, ...content("thinking", ["H", "m."]), ...content("text", ["Yes."], 1), end()])).toEqual([
      { type: "reasoning", text: "Hm." },
      { type: "text", text: "Yes." },
    ]);
  });

  test("an answer that begins with something else than its start has one all the same (router-for-me/CLIProxyAPI#561)", () => {
    expect(decode([...content("text", ["a"]), end()])[0]).toEqual({ type: "start" });
  });

  test("words in the start of a content are words", () => {
    const begun = { type: "content-start", index: 0, delta: { message: { content: { type: "text", text: "a" } } } };
    expect(partsOf([start, begun, ...content("text", ["b"]).slice(1), end()])).toEqual([{ type: "text", text: "ab" }]);
  });

  test("an answer without a word is one", () => {
    expect(foldEvents([start, ...content("text", []), end("MAX_TOKENS")]).choices).toEqual([
      { content: [], finish: { reason: "length", raw: "MAX_TOKENS" } },
    ]);
  });

  test("events that are new to us, and debug events, change nothing", () => {
    expect(
      partsOf([start, { type: "debug", prompt: "<BOS>" }, { type: "content-sparkle", index: 0 }, ...content("text", ["a"]), end()]),
    ).toEqual([{ type: "text", text: "a" }]);
  });

  test("log probabilities: a chunk is one entry, whose tokens' numbers are added up", () => {
    const piece = (text: string, logprobs: number[]): JsonObject => ({
      type: "content-delta",
      index: 0,
      delta: { message: { content: { text } } },
      logprobs: { text, token_ids: logprobs.map((_, index) => index), logprobs },
    });
    expect(foldEvents([start, piece("a", [-0.5]), piece("bc", [-1, -0.25]), end()]).choices[0]?.logprobs).toEqual({
      content: [
        { token: "a", logprob: -0.5, bytes: null, top_logprobs: [], token_ids: [0] },
        { token: "bc", logprob: -1.25, bytes: null, top_logprobs: [], token_ids: [0, 1] },
      ],
    });
  });
});

describe("the plan", () => {
  test("is the text before the calls, never lost", () => {
    const events = decode([start, ...plan("I will ", "look."), ...toolCall(0, "weather", ['{"', 'city":"Paris"}']), end("TOOL_CALL")]);
    expectDiscipline(events);
    expect(fold(events).choices[0]).toEqual({
      content: [
        { type: "text", text: "I will look." },
        { type: "tool-call", id: "weather_e8p4pn45zt00", name: "weather", kind: "function", arguments: '{"city":"Paris"}' },
      ],
      finish: { reason: "tool-calls", raw: "TOOL_CALL" },
    });
  });

  test("stays apart from an answer that follows it", () => {
    expect(partsOf([start, ...plan("A."), ...content("text", ["B."]), end()])).toEqual([
      { type: "text", text: "A." },
      { type: "text", text: "B." },
    ]);
  });
});

describe("tool calls", () => {
  test("each is a block of its own, its number the order of arrival", () => {
    const events = decode([start, ...toolCall(0, "f", ['{"a":', "1}"]), ...toolCall(1, "g", ["{}"]), end("TOOL_CALL")]);
    expectDiscipline(events);
    expect(fold(events).choices[0]?.content.map((part) => part.type === "tool-call" && [part.name, part.arguments])).toEqual([
      ["f", '{"a":1}'],
      ["g", "{}"],
    ]);
  });

  test('no arguments are {}: without a delta, as "null", in pieces', () => {
    expect(argumentsOf([])).toBe("{}");
    expect(argumentsOf([""])).toBe("{}");
    expect(argumentsOf(["null"])).toBe("{}");
    expect(argumentsOf(["nu", "ll"])).toBe("{}");
    expect(argumentsOf([" ", "{}"])).toBe(" {}");
  });

  test("arguments with their start, and numbers as they were written", () => {
    const begun = {
      type: "tool-call-start",
      index: 0,
      delta: { message: { tool_calls: { id: "i", type: "function", function: { name: "f", arguments: '{"id":1234567890' } } } },
    };
    expect(partsOf([start, begun, ...toolCall(0, "f", ["1234567890}"]).slice(1), end("TOOL_CALL")])).toMatchObject([
      { arguments: '{"id":12345678901234567890}' },
    ]);
  });

  test("a call that was never ended is over with the answer (vercel/ai#7326)", () => {
    expect(partsOf([start, ...toolCall(0, "f", []).slice(0, 1), end("TOOL_CALL")])).toMatchObject([{ name: "f", arguments: "{}" }]);
  });

  test("pieces that name another call, or come after the end, are for none", () => {
    const piece = (index: number): JsonObject => toolCall(index, "f", ["x"])[1] as JsonObject;
    expect(
      partsOf([
        start,
        ...toolCall(0, "f", ["{}"]).slice(0, 2),
        piece(3),
        toolCall(0, "f", [])[1] as JsonObject,
        piece(0),
        end("TOOL_CALL"),
      ]),
    ).toMatchObject([{ arguments: "{}" }]);
  });

  test("a missing id is made up, the same each time", () => {
    const ids = (): unknown[] =>
      partsOf([start, ...toolCall(0, "f", [], ""), ...toolCall(1, "f", [], ""), end("TOOL_CALL")]).map(
        (part) => part.type === "tool-call" && part.id,
      );
    expect(ids()).toEqual(["call_2941521a-b87a_0", "call_2941521a-b87a_1"]);
    expect(ids()).toEqual(ids());
  });

  test("a call without a name is left out, with all its pieces, and the answer is not a plain stop", () => {
    expect(foldEvents([start, ...toolCall(0, "", ["{}"], "x"), end("TOOL_CALL")]).choices[0]).toEqual({
      content: [],
      finish: { reason: "malformed-call", raw: "TOOL_CALL" },
    });
  });
});

describe("citations", () => {
  const paris = {
    start: 10,
    end: 15,
    text: "Paris",
    sources: [{ type: "document", id: "doc:0", document: { id: "doc:0", title: "France", url: "https://e.org/fr", text: "…" } }],
  };

  test("belong to the text that they stand in", () => {
    const events = decode([
      start,
      ...content("text", ["It is in ", "Paris."]).slice(0, 3),
      ...citation(0, paris),
      { type: "content-end", index: 0 },
      end(),
    ]);
    expectDiscipline(events);
    expect(fold(events).choices[0]?.content).toEqual([
      {
        type: "text",
        text: "It is in Paris.",
        citations: [
          { url: "https://e.org/fr", title: "France", citedText: "Paris", start: 10, end: 15, raw: paris, format: "cohere/chat" },
        ],
      },
    ]);
  });

  test("may come after their text has been ended", () => {
    const events = decode([
      start,
      ...content("text", ["It is in Paris."]),
      ...citation(0, { ...paris, content_index: 0, type: "TEXT_CONTENT" }),
      end(),
    ]);
    expectDiscipline(events);
    expect(fold(events).choices[0]?.content).toMatchObject([{ citations: [{ title: "France" }] }]);
  });

  test("of several sources keep every address", () => {
    const two = {
      ...paris,
      sources: [...paris.sources, { type: "tool", id: "f:1", tool_output: { url: "https://e.org/2" } }, ...paris.sources],
    };
    const [part] = partsOf([start, ...content("text", ["x"]), ...citation(0, two), end()]);
    expect(part?.type === "text" && part.citations?.map(({ url }) => url)).toEqual(["https://e.org/fr", "https://e.org/2"]);
  });

  test("of a tool's result without an address are citations too", () => {
    const told = { start: 0, end: 1, text: "x", sources: [{ type: "tool", id: "f:0", tool_output: { degrees: "22" } }] };
    expect(partsOf([start, ...content("text", ["x"]), ...citation(0, told), end()])).toMatchObject([
      { citations: [{ citedText: "x", raw: told }] },
    ]);
  });

  test("of the plan belong to the plan, and of the thoughts are kept beside the reply", () => {
    const ofPlan = { ...paris, type: "PLAN" };
    const ofThought = { ...paris, type: "THINKING_CONTENT", content_index: 0 };
    const reply = foldEvents([
      start,
      ...content("thinking", ["Hm."]),
      ...citation(0, ofThought),
      ...plan("Look in Paris."),
      ...citation(1, ofPlan),
      ...toolCall(0, "f", []),
      end("TOOL_CALL"),
    ]);
    expect(reply.choices[0]?.content).toMatchObject([
      { type: "reasoning" },
      { type: "text", citations: [{ raw: ofPlan }] },
      { type: "tool-call" },
    ]);
    expect(reply.extra).toEqual({ format: "cohere/chat", fields: { citations: [ofThought] } });
  });

  test("of a text that is over, and of another content, are kept beside the reply", () => {
    const late = { ...paris, content_index: 0 };
    const reply = foldEvents([start, ...content("text", ["a"]), ...content("text", ["b"], 1), ...citation(0, late), end()]);
    expect(reply.choices[0]?.content).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ]);
    expect(reply.extra?.fields["citations"]).toEqual([late]);
  });
});

describe("how it ends", () => {
  test.each([
    ["COMPLETE", "stop"],
    ["STOP_SEQUENCE", "stop-sequence"],
    ["MAX_TOKENS", "length"],
    ["ERROR_LIMIT", "context-overflow"],
    ["ERROR_TOXIC", "content-filter"],
    ["SOMETHING_NEW", "unknown"],
    ["TOOL_CALL", "unknown"],
  ])("%s without a call is %s", (raw, reason) => {
    expect(foldEvents([start, ...content("text", ["a"]), end(raw)]).choices[0]?.finish).toEqual({ reason, raw });
  });

  test("a plain end after a call is a call; a length stays a length", () => {
    const ending = (raw: string): unknown => foldEvents([start, ...toolCall(0, "f", []), end(raw)]).choices[0]?.finish.reason;
    expect(ending("COMPLETE")).toBe("tool-calls");
    expect(ending("MAX_TOKENS")).toBe("length");
  });

  test("ERROR and TIMEOUT are failures, whose tokens are counted", () => {
    const failed = decode([start, ...content("text", ["a"]), end("ERROR", { error: "internal failure, key co-abcdefgh1234567890" })]);
    expect(failed.slice(-2).map(({ type }) => type)).toEqual(["usage", "error"]);
    const last = failed.at(-1);
    expect(last?.type === "error" && [last.error.code, last.error.message]).toEqual([
      "provider_error",
      "The provider failed while it answered: internal failure, key [redacted]",
    ]);
    expect(errorOf(decode([start, end("TIMEOUT")]))).toBe("provider_timeout");
    expect(errorOf(decode([start, end("COMPLETE", { error: "oops" })]))).toBe("provider_error");
    expect(errorOf(decode([start, end("USER_CANCEL")]))).toBe("provider_stream_cut");
  });

  test("a stream without its last event was cut, with or without [DONE]", () => {
    expect(errorOf(decode([start, ...content("text", ["a"])]))).toBe("provider_stream_cut");
    expect(errorOf(decode([start, ...content("text", ["a"]), "[DONE]"]))).toBe("provider_stream_cut");
    expect(errorOf(decode([]))).toBe("provider_stream_cut");
    expect(errorOf(decode([start, JSON.stringify(end()).slice(0, 30)]))).toBe("provider_stream_cut");
    expect(decode([start, ...content("text", ["a"]), end(), "[DONE]"]).at(-1)).toEqual({ type: "end" });
  });

  test("an error in the stream ends it, in each of its shapes", () => {
    expect(errorOf(decode([start, { message: "internal server error, please try again" }]))).toBe("provider_error");
    expect(errorOf(decode([{ type: "error", message: "too many tokens: total number of tokens in the prompt cannot exceed 4081" }]))).toBe(
      "context_length_exceeded",
    );
    expect(errorOf(decode([{ id: "x", message: "You are past the per minute request limit, please wait and try again later." }]))).toBe(
      "provider_rate_limited",
    );
    expect(errorOf(decode(["<html>"]))).toBe("provider_bad_response");
    expect(decode([start, ": ping", "", ...content("text", ["a"]), end()]).at(-1)).toEqual({ type: "end" });
  });
});

describe("usage", () => {
  test("tokens are the truth, billed units stay beside them", () => {
    expect(foldEvents([start, end()]).usage).toMatchObject({ input: 507, output: 10, raw: { billed_units: { input_tokens: 12 } } });
  });

  test("billed units alone stand in, searches are the vendor's tools", () => {
    const usage = { billed_units: { input_tokens: 12, output_tokens: 7, search_units: 2 } };
    expect(foldEvents([start, end("COMPLETE", { usage })]).usage).toEqual({
      input: 12,
      output: 7,
      serverTools: { search_units: 2 },
      raw: usage,
      rawFormat: "cohere/chat",
    });
  });

  test("no counts are no usage, and the cache is never more than the input", () => {
    expect(foldEvents([start, end("COMPLETE", { usage: {} })]).usage).toBeUndefined();
    expect(
      foldEvents([start, end("COMPLETE", { usage: { tokens: { input_tokens: 5, output_tokens: 1 }, cached_tokens: 9 } })]).usage,
    ).toMatchObject({ input: 5, cacheRead: 5 });
  });
});

describe("a whole reply", () => {
  const thrownBy = (body: JsonObject): string | undefined => {
    try {
      decodeReply(body);
      return undefined;
    } catch (thrown) {
      return isGatewayError(thrown) ? thrown.code : String(thrown);
    }
  };
  const reply = (message: JsonObject, more: JsonObject = {}): JsonObject => ({
    id: "2941521a-b87a",
    message: { role: "assistant", ...message },
    finish_reason: "COMPLETE",
    usage: counts,
    ...more,
  });

  test("tells the same as its stream", () => {
    const cited = { start: 0, end: 1, text: "B", content_index: 1, sources: [] };
    const whole = reply(
      {
        content: [
          { type: "thinking", thinking: "Hm." },
          { type: "text", text: "B." },
        ],
        tool_plan: "A.",
        tool_calls: [
          { id: "f_1", type: "function", function: { name: "f", arguments: "null" } },
          { id: "g_1", type: "function", function: { name: "g", arguments: '{"a":1}' } },
        ],
        citations: [cited],
      },
      { finish_reason: "TOOL_CALL" },
    );
    expect(fold(decodeReply(whole))).toEqual(
      foldEvents([
        start,
        ...content("thinking", ["Hm."]),
        ...plan("A."),
        ...content("text", ["B."], 1),
        ...citation(0, cited),
        ...toolCall(0, "f", ["null"], "f_1"),
        ...toolCall(1, "g", ['{"a":1}'], "g_1"),
        end("TOOL_CALL"),
      ]),
    );
  });

  test("a citation without a number belongs to the text, whatever stands before it; one of nothing is kept", () => {
    const told = fold(
      decodeReply(
        reply({
          content: [
            { type: "thinking", thinking: "Hm." },
            { type: "text", text: "Paris" },
          ],
          citations: [
            { start: 0, end: 5, text: "Paris", sources: [] },
            { start: 0, end: 1, text: "?", content_index: 7, sources: [] },
          ],
        }),
      ),
    );
    expect(told.choices[0]?.content[1]).toMatchObject({ citations: [{ citedText: "Paris" }] });
    expect(told.extra?.fields["citations"]).toMatchObject([{ content_index: 7 }]);
  });

  test("content as a string, log probabilities, no content at all", () => {
    expect(fold(decodeReply(reply({ content: "Hi" }))).choices[0]?.content).toEqual([{ type: "text", text: "Hi" }]);
    expect(fold(decodeReply(reply({ content: null }))).choices[0]?.content).toEqual([]);
    expect(
      fold(decodeReply(reply({ content: "Hi" }, { logprobs: [{ text: "Hi", token_ids: [1], logprobs: [-1] }] }))).choices[0]?.logprobs,
    ).toMatchObject({ content: [{ token: "Hi" }] });
  });

  test("throws where a stream would tell an error", () => {
    expect(thrownBy({ message: "internal server error" })).toBe("provider_error");
    expect(thrownBy({ choices: [] })).toBe("provider_bad_response");
    expect(thrownBy(reply({ content: "a" }, { finish_reason: "ERROR" }))).toBe("provider_error");
    expect(thrownBy(reply({ content: "a" }, { finish_reason: "TIMEOUT" }))).toBe("provider_timeout");
  });
});
