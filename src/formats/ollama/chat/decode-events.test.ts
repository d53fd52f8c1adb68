import { describe, expect, test } from "vitest";
import type { ChatEvent } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import { fold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { expectDiscipline } from "../../codec.contract.ts";
import { decodeReply } from "./decode-events.ts";
import { decode, foldLines, last, line, partsOf } from "./samples.ts";

const errorOf = (events: readonly ChatEvent[]): string | undefined => {
  const event = events.at(-1);
  return event?.type === "error" ? event.error.code : undefined;
};
const calls = (...made: JsonObject[]): JsonObject => line({ tool_calls: made });
const made = (name: string, args: JsonObject | string | null, more: JsonObject = {}): JsonObject => ({
  function: { name, arguments: args },
  ...more,
});

describe("lines", () => {
  test("words, end, usage: from the server's own shape", () => {
    const events = decode([line({ content: "Hel" }), line({ content: "lo" }), last()]);
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
      model: "m",
      created: 1_761_498_924,
      choices: [{ content: [{ type: "text", text: "Hello" }], finish: { reason: "stop", raw: "stop" } }],
      usage: { input: 26, output: 8, raw: { prompt_eval_count: 26, eval_count: 8 }, rawFormat: "ollama/chat" },
    });
  });

  test("thinking is reasoning, apart from the answer, whatever line they share", () => {
    expect(
      partsOf([line({ thinking: "H" }), line({ thinking: "m" }), line({ thinking: ".", content: "Y" }), line({ content: "es" }), last()]),
    ).toEqual([
      { type: "reasoning", text: "Hm." },
      { type: "text", text: "Yes" },
    ]);
  });

  test("a model that thinks again begins a new block", () => {
    expect(partsOf([line({ thinking: "a" }), line({ content: "b" }), line({ thinking: "c" }), last()]).map(({ type }) => type)).toEqual([
      "reasoning",
      "text",
      "reasoning",
    ]);
  });

  test("the last line may hold words", () => {
    expect(partsOf([line({ content: "a" }), { ...last(), message: { role: "assistant", content: "b" } }])).toEqual([
      { type: "text", text: "ab" },
    ]);
  });

  test("log probabilities come piecewise, in the shape that clients know", () => {
    const piece = (token: string): JsonObject =>
      line(
        { content: token },
        { logprobs: [{ token, logprob: -0.1234567890123456, bytes: [97], top_logprobs: [{ token: "x", logprob: -2 }] }] },
      );
    expect(foldLines([piece("a"), piece("b"), last()]).choices[0]?.logprobs).toEqual({
      content: ["a", "b"].map((token) => ({
        token,
        logprob: -0.1234567890123456,
        bytes: [97],
        top_logprobs: [{ token: "x", logprob: -2, bytes: null }],
      })),
    });
  });
});

describe("tool calls", () => {
  test("without ids and numbers: each its own block, in the order of arrival (BerriAI/litellm#33678)", () => {
    const events = decode([calls(made("f", { a: 1 }), made("f", { b: 2 })), calls(made("g", {})), last()]);
    expectDiscipline(events);
    const parts = fold(events).choices[0]?.content ?? [];
    expect(parts.map((part) => part.type === "tool-call" && [part.name, part.arguments])).toEqual([
      ["f", '{"a":1}'],
      ["f", '{"b":2}'],
      ["g", "{}"],
    ]);
    const ids = parts.map((part) => part.type === "tool-call" && part.id);
    expect(new Set(ids).size).toBe(3);
  });

  test("a number that is always 0 means nothing", () => {
    const numbered = (name: string): JsonObject => ({ function: { index: 0, name, arguments: {} } });
    expect(partsOf([calls(numbered("f"), numbered("g")), last()]).map((part) => part.type === "tool-call" && part.name)).toEqual([
      "f",
      "g",
    ]);
  });

  test("made-up ids are the same each time the reply is read, and other ones in another reply", () => {
    const ids = (createdAt: string): unknown[] =>
      partsOf([line({ tool_calls: [made("f", {}), made("f", {})] }, { created_at: createdAt }), last()]).map(
        (part) => part.type === "tool-call" && part.id,
      );
    const first = ids("2025-10-26T17:15:24.097767Z");
    expect(ids("2025-10-26T17:15:24.097767Z")).toEqual(first);
    expect(ids("2025-10-26T17:15:24.097768Z")).not.toEqual(first);
    for (const id of [...first, ...ids("")]) expect(id).toMatch(/^[a-zA-Z0-9_-]{5,40}$/);
  });

  test("ids that the server gives (from 0.12.10 on) are kept", () => {
    expect(partsOf([calls(made("f", {}, { id: "call_lyywui55" })), last()])).toMatchObject([{ type: "tool-call", id: "call_lyywui55" }]);
  });

  test("arguments as text, as null, as nothing", () => {
    const argumentsOf = (given: JsonObject | string | null): unknown =>
      partsOf([calls(made("f", given)), last()]).map((part) => part.type === "tool-call" && part.arguments)[0];
    expect(argumentsOf('{"a":1}')).toBe('{"a":1}');
    expect(argumentsOf("")).toBe("{}");
    expect(argumentsOf(null)).toBe("{}");
    expect(partsOf([calls({ function: { name: "f" } }), last()])).toMatchObject([{ arguments: "{}" }]);
  });

  test("numbers keep every digit, streamed and whole", () => {
    const args = '{"id":12345678901234567890,"x":0.1234567890123456789}';
    const text = JSON.stringify({ ...last(), message: { role: "assistant", content: "", tool_calls: [made("f", "ARGS")] } }).replace(
      '"ARGS"',
      args,
    );
    expect(partsOf([text])).toMatchObject([{ type: "tool-call", arguments: args }]);
    expect(fold(decodeReply(JSON.parse(text) as JsonObject, undefined, text)).choices[0]?.content).toMatchObject([{ arguments: args }]);
  });

  test("a stop after a call is a call; a length stays a length (NousResearch/hermes-agent#43478)", () => {
    expect(foldLines([calls(made("f", {})), last()]).choices[0]?.finish).toEqual({ reason: "tool-calls", raw: "stop" });
    expect(foldLines([calls(made("f", {})), last("length")]).choices[0]?.finish).toEqual({ reason: "length", raw: "length" });
  });

  test("a call without a name is left out, and the answer is not a plain stop", () => {
    expect(foldLines([calls(made("", {})), last()]).choices[0]).toMatchObject({ content: [], finish: { reason: "malformed-call" } });
  });

  test("text before and after a call keeps its place", () => {
    expect(partsOf([line({ content: "a" }), calls(made("f", {})), line({ content: "b" }), last()]).map(({ type }) => type)).toEqual([
      "text",
      "tool-call",
      "text",
    ]);
  });
});

describe("how it ends", () => {
  test("the vendor's words", () => {
    expect(foldLines([line({ content: "a" }), last("length")]).choices[0]?.finish).toEqual({ reason: "length", raw: "length" });
    expect(foldLines([line({ content: "a" }), last("new-word")]).choices[0]?.finish).toEqual({ reason: "unknown", raw: "new-word" });
    expect(foldLines([line({ content: "a" }), last("")]).choices[0]?.finish).toEqual({ reason: "unknown" });
  });

  test("a model that was only loaded has not answered", () => {
    expect(errorOf(decode([last("load")]))).toBe("provider_bad_response");
    expect(errorOf(decode([last("unload")]))).toBe("provider_bad_response");
  });

  test("a stream without its last line was cut", () => {
    expect(errorOf(decode([line({ content: "a" })]))).toBe("provider_stream_cut");
    expect(errorOf(decode([]))).toBe("provider_stream_cut");
    expect(errorOf(decode([line({ content: "a" }), JSON.stringify(last()).slice(0, 40)]))).toBe("provider_stream_cut");
  });

  test("a line that is no JSON is no answer", () => {
    expect(errorOf(decode(["<html>Bad gateway</html>"]))).toBe("provider_bad_response");
  });

  test("an error in the stream ends it, and is never a success", () => {
    const events = decode([line({ content: "a" }), { error: "an error was encountered while running the model" }, last()]);
    expect(events.map(({ type }) => type)).toEqual(["start", "block-start", "text-delta", "error"]);
    expect(errorOf(events)).toBe("provider_error");
    expectDiscipline(events, "cut");
  });

  test("nothing is read after the last line", () => {
    expect(decode([last(), line({ content: "late" }), { error: "late" }]).at(-1)).toEqual({ type: "end" });
  });
});

describe("usage", () => {
  test("a prompt that was in the cache as a whole is not counted by the server", () => {
    expect(
      foldLines([line({ content: "a" }), line({}, { done: true, done_reason: "stop", eval_count: 3, eval_duration: 5 })]).usage,
    ).toEqual({
      input: 0,
      output: 3,
      raw: { eval_count: 3, eval_duration: 5 },
      rawFormat: "ollama/chat",
    });
  });

  test("without counts there is no usage, rather than zero", () => {
    expect(foldLines([line({ content: "a" }), line({}, { done: true, done_reason: "stop" })]).usage).toBeUndefined();
    expect(foldLines([line({ content: "a" }), last("stop", { prompt_eval_count: -1, eval_count: "9" })]).usage).toBeUndefined();
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

  test("is a stream of one line", () => {
    const body = { ...last(), message: { role: "assistant", thinking: "Hm.", content: "Yes.", tool_calls: [made("f", { a: 1 })] } };
    expect(fold(decodeReply(body))).toEqual(
      foldLines([line({ thinking: "Hm." }), line({ content: "Yes." }), calls(made("f", { a: 1 })), last()]),
    );
  });

  test("throws where a stream would tell an error", () => {
    expect(thrownBy({ error: "model requires more system memory" })).toBe("provider_error");
    expect(thrownBy({ choices: [] })).toBe("provider_bad_response");
    expect(thrownBy(line({ content: "half" }))).toBe("provider_stream_cut");
    expect(thrownBy(last("load"))).toBe("provider_bad_response");
  });
});
