import { describe, expect, test } from "vitest";
import type { ChatEvent } from "../../../canonical/chat.ts";
import { fold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { expectDiscipline } from "../../codec.contract.ts";
import { decodeReply } from "./decode-reply.ts";
import { chunk, decodeStream, foldStream, partsOf } from "./samples.ts";

const call = (entry: JsonObject): JsonObject => chunk({ tool_calls: [entry] });
const types = (events: readonly ChatEvent[]): string[] => events.map(({ type }) => type);
const errorOf = (events: readonly ChatEvent[]): string | undefined => {
  const last = events.at(-1);
  return last?.type === "error" ? last.error.code : undefined;
};

describe("text", () => {
  test("OpenAI's own shape: role, words, finish, usage, end", () => {
    const events = decodeStream([
      chunk({ role: "assistant", content: "", refusal: null }),
      chunk({ content: "Hel" }),
      chunk({ content: "lo" }),
      chunk({}, "stop"),
      { id: "c-1", model: "m", choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
    ]);
    expectDiscipline(events);
    expect(types(events)).toEqual(["start", "block-start", "text-delta", "text-delta", "block-end", "finish", "usage", "end"]);
    expect(fold(events)).toMatchObject({
      id: "c-1",
      model: "m",
      created: 5,
      choices: [{ content: [{ type: "text", text: "Hello" }], finish: { reason: "stop", raw: "stop" } }],
    });
  });

  test("Azure's first chunk without choices, id and model does not name the reply", () => {
    const events = decodeStream([
      { id: "", model: "", created: 0, object: "", choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
      chunk({ content: "Hi" }),
      { id: "c-1", model: "m", choices: [{ index: 0, finish_reason: null, content_filter_offsets: {} }] },
      chunk({}, "stop"),
    ]);
    expect(events[0]).toMatchObject({
      type: "start",
      id: "c-1",
      model: "m",
      created: 5,
      extra: { fields: { prompt_filter_results: [{ prompt_index: 0 }] } },
    });
    expect(fold(events).choices).toHaveLength(1);
  });

  test("the finish chunk's own content is kept", () => {
    expect(partsOf([chunk({ content: "Hel" }), chunk({ content: "lo" }, "stop")])).toEqual([{ type: "text", text: "Hello" }]);
  });

  test("null and empty content open no block", () => {
    expect(partsOf([chunk({ role: "assistant", content: null }), chunk({ content: "" }), chunk({}, "length")])).toEqual([]);
  });

  test("several choices, interleaved", () => {
    const both = (one: string, two: string): JsonObject => ({
      id: "c",
      model: "m",
      choices: [
        { index: 0, delta: { content: one } },
        { index: 1, delta: { content: two } },
      ],
    });
    const reply = foldStream([
      both("A", "B"),
      both("a", "b"),
      { id: "c", choices: [{ index: 1, delta: {}, finish_reason: "length" }] },
      { id: "c", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    ]);
    expect(reply.choices.map(({ content, finish }) => [content[0], finish.reason])).toEqual([
      [{ type: "text", text: "Aa" }, "stop"],
      [{ type: "text", text: "Bb" }, "length"],
    ]);
  });

  test("a choice with an impossible index is a bad response", () => {
    expect(errorOf(decodeStream([{ id: "c", choices: [{ index: 4_000_000_000, delta: { content: "x" } }] }]))).toBe(
      "provider_bad_response",
    );
  });

  test("refusal deltas are a refusal, whatever the finish says", () => {
    const reply = foldStream([chunk({ refusal: "I " }), chunk({ refusal: "won't." }), chunk({}, "stop")]);
    expect(reply.choices[0]).toMatchObject({
      content: [{ type: "refusal", text: "I won't." }],
      finish: { reason: "refusal", raw: "stop" },
    });
  });

  test("logprobs arrive piecewise and are joined", () => {
    const piece = (token: string): JsonObject => ({
      id: "c",
      choices: [{ index: 0, delta: { content: token }, logprobs: { content: [{ token, logprob: -1 }], refusal: null } }],
    });
    expect(foldStream([piece("a"), piece("b"), chunk({}, "stop")]).choices[0]?.logprobs).toEqual({
      content: [
        { token: "a", logprob: -1 },
        { token: "b", logprob: -1 },
      ],
      refusal: null,
    });
  });

  test("annotations become citations of the text", () => {
    const annotation = { type: "url_citation", url_citation: { start_index: 0, end_index: 2, url: "https://e.org", title: "E" } };
    expect(partsOf([chunk({ content: "Hi" }), chunk({ annotations: [annotation] }), chunk({}, "stop")])).toMatchObject([
      { type: "text", text: "Hi", citations: [{ url: "https://e.org", title: "E", start: 0, end: 2 }] },
    ]);
  });

  test("Perplexity's sources beside the answer become its citations", () => {
    const more = { citations: ["https://a.org"], search_results: [{ url: "https://a.org", title: "A" }] };
    const reply = foldStream([chunk({ content: "Hi" }, undefined, more), chunk({}, "stop", more)]);
    expect(reply.choices[0]?.content).toMatchObject([{ citations: [{ url: "https://a.org", title: "A" }] }]);
    expect(reply.extra?.fields["citations"]).toEqual(["https://a.org"]);
  });

  test("sound in pieces is one block, padded pieces too", () => {
    const [first, second] = [btoa("abcd"), btoa("ef")];
    const parts = partsOf([
      chunk({ audio: { id: "a1", transcript: "He" } }),
      chunk({ audio: { data: first, transcript: "y" } }),
      chunk({ audio: { data: second, expires_at: 9 } }),
      chunk({}, "stop"),
    ]);
    expect(parts).toEqual([
      { type: "media", id: "a1", transcript: "Hey", source: { kind: "base64", mediaType: "audio/pcm", data: btoa("abcdef") } },
    ]);
  });

  test("images that a gateway returns beside the text", () => {
    expect(
      partsOf([chunk({ content: "Here", images: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }] }, "stop")]),
    ).toMatchObject([{ type: "text" }, { type: "media", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } }]);
  });
});

describe("reasoning is told once, under any name", () => {
  test("reasoning_content (DeepSeek, xAI, Moonshot, Alibaba)", () => {
    expect(
      partsOf([
        chunk({ content: null, reasoning_content: "Hm" }),
        chunk({ reasoning_content: "m" }),
        chunk({ content: "Hi", reasoning_content: null }),
        chunk({}, "stop"),
      ]),
    ).toEqual([
      { type: "reasoning", text: "Hmm" },
      { type: "text", text: "Hi" },
    ]);
  });

  test("reasoning (Groq, Ollama's compatible door)", () => {
    expect(partsOf([chunk({ reasoning: "Hm" }), chunk({ content: "Hi" }, "stop")])).toMatchObject([
      { type: "reasoning", text: "Hm" },
      { type: "text" },
    ]);
  });

  test("reasoning and reasoning_details with the same words, the signature last (OpenRouter)", () => {
    const detail = (more: JsonObject): JsonObject => ({ type: "reasoning.text", format: "anthropic-claude-v1", index: 0, ...more });
    const parts = partsOf([
      chunk({ reasoning: "Hm", reasoning_details: [detail({ text: "Hm", signature: null })] }),
      chunk({ reasoning: "m", reasoning_details: [detail({ text: "m" })] }),
      chunk({ content: "", reasoning_details: [detail({ signature: "c2ln" })] }),
      chunk({ content: "Hi" }, "stop"),
    ]);
    expect(parts).toMatchObject([
      {
        type: "reasoning",
        text: "Hmm",
        state: {
          format: "openai/chat-completions",
          kind: "signature",
          data: "c2ln",
          item: { type: "reasoning.text", text: "Hmm", signature: "c2ln", format: "anthropic-claude-v1", index: 0 },
        },
      },
      { type: "text", text: "Hi" },
    ]);
  });

  test("a summary and hidden reasoning with the same index are two blocks (OpenRouter with OpenAI behind)", () => {
    const parts = partsOf([
      chunk({
        reasoning: "Sum",
        reasoning_details: [{ type: "reasoning.summary", summary: "Sum", format: "openai-responses-v1", index: 0 }],
      }),
      chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "ZW5j", id: "rs_1", format: "openai-responses-v1", index: 0 }] }),
      chunk({ content: "Hi" }, "stop"),
    ]);
    expect(parts).toMatchObject([
      { type: "reasoning", text: "Sum" },
      { type: "reasoning", text: "", state: { kind: "encrypted", data: "ZW5j", id: "rs_1" } },
      { type: "text" },
    ]);
  });

  test("content as a list with thinking in it (Mistral)", () => {
    const thinking = (text: string, more: JsonObject = {}): JsonObject => ({
      type: "thinking",
      thinking: [{ type: "text", text }],
      ...more,
    });
    const parts = partsOf([
      chunk({ content: [thinking("Hm")] }),
      chunk({ content: [thinking("m", { signature: "s" })] }),
      chunk({ content: [{ type: "text", text: "Hi" }] }),
      chunk({ content: "!" }, "stop"),
    ]);
    expect(parts).toMatchObject([
      { type: "reasoning", text: "Hmm", state: { data: "s" } },
      { type: "text", text: "Hi!" },
    ]);
  });

  test("kinds of content that only one vendor knows are carried whole", () => {
    expect(
      partsOf([
        chunk(
          {
            content: [
              { type: "text", text: "Hi" },
              { type: "reference", reference_ids: [1] },
            ],
          },
          "stop",
        ),
      ]),
    ).toMatchObject([{ type: "text" }, { type: "vendor", value: { type: "reference", reference_ids: [1] } }]);
  });

  test("think tags, where the row says so, cut anywhere", () => {
    const text = "<think>\nHm < ok</think>\n\nHi <think>";
    for (let at = 1; at < text.length; at++) {
      expect(
        partsOf([chunk({ content: text.slice(0, at) }), chunk({ content: text.slice(at) }, "stop")], { quirks: ["think-tags"] }),
      ).toEqual([
        { type: "reasoning", text: "Hm < ok" },
        { type: "text", text: "Hi <think>" },
      ]);
    }
    expect(partsOf([chunk({ content: text }, "stop")])).toEqual([{ type: "text", text }]);
  });

  test("the order of thinking, words, thinking is kept", () => {
    expect(
      partsOf([
        chunk({ reasoning_content: "1" }),
        chunk({ content: "A" }),
        chunk({ reasoning_content: "2" }),
        chunk({ content: "B" }, "stop"),
      ]).map((part) => part.type),
    ).toEqual(["reasoning", "text", "reasoning", "text"]);
  });

  test("a delta with both words and thinking loses neither", () => {
    expect(partsOf([chunk({ content: "A" }), chunk({ content: "B", reasoning_content: "x" }, "stop")])).toMatchObject([
      { text: "A" },
      { type: "reasoning", text: "x" },
      { text: "B" },
    ]);
  });
});

describe("tool calls", () => {
  const named = { type: "function", function: { name: "look", arguments: "" } };

  test("parallel calls, one after the other, end where the next begins", () => {
    const events = decodeStream([
      call({ index: 0, id: "a", ...named }),
      call({ index: 0, function: { arguments: '{"x":' } }),
      call({ index: 0, function: { arguments: "1}" } }),
      call({ index: 1, id: "b", ...named }),
      call({ index: 1, function: { arguments: "{}" } }),
      chunk({}, "tool_calls"),
    ]);
    expectDiscipline(events);
    expect(types(events)).toEqual([
      "start",
      "block-start",
      "arguments-delta",
      "arguments-delta",
      "block-end",
      "block-start",
      "arguments-delta",
      "block-end",
      "finish",
      "end",
    ]);
  });

  test("interleaved deltas go to their own calls", () => {
    const parts = partsOf([
      chunk({
        tool_calls: [
          { index: 0, id: "a", ...named },
          { index: 1, id: "b", ...named },
        ],
      }),
      call({ index: 0, function: { arguments: '{"x"' } }),
      call({ index: 1, function: { arguments: '{"y"' } }),
      call({ index: 0, function: { arguments: ":1}" } }),
      call({ index: 1, function: { arguments: ":2}" } }),
      chunk({}, "tool_calls"),
    ]);
    expect(parts).toMatchObject([
      { id: "a", arguments: '{"x":1}' },
      { id: "b", arguments: '{"y":2}' },
    ]);
  });

  test("the index is missing (Mistral): whole calls in one delta", () => {
    const parts = partsOf([
      chunk(
        {
          tool_calls: [
            { id: "a", function: { name: "look", arguments: '{"x":1}' } },
            { id: "b", function: { name: "look", arguments: "{}" } },
          ],
        },
        "tool_calls",
      ),
    ]);
    expect(parts).toMatchObject([
      { id: "a", name: "look", arguments: '{"x":1}' },
      { id: "b", arguments: "{}" },
    ]);
  });

  test("index 0 for every call: a new id with a name is a new call", () => {
    const parts = partsOf([
      call({ index: 0, id: "a", function: { name: "look", arguments: '{"x":1}' } }),
      call({ index: 0, id: "b", function: { name: "look", arguments: '{"x":2}' } }),
      chunk({}, "tool_calls"),
    ]);
    expect(parts).toMatchObject([
      { id: "a", arguments: '{"x":1}' },
      { id: "b", arguments: '{"x":2}' },
    ]);
  });

  test("index 0 for every call and no ids: a name after complete arguments is a new call, with an id of its own", () => {
    const parts = partsOf([
      call({ index: 0, function: { name: "look", arguments: '{"x":1}' } }),
      call({ index: 0, function: { name: "look", arguments: '{"x":2}' } }),
      chunk({}, "tool_calls"),
    ]);
    expect(parts).toMatchObject([{ arguments: '{"x":1}' }, { arguments: '{"x":2}' }]);
    const ids = parts.map((part) => (part.type === "tool-call" ? part.id : ""));
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  test("an index that starts at 1 still gives blocks from 0", () => {
    const events = decodeStream([call({ index: 1, id: "a", function: { name: "look", arguments: "{}" } }), chunk({}, "tool_calls")]);
    expect(events[1]).toMatchObject({ type: "block-start", block: 0 });
  });

  test("id, type and name repeated on every delta (vLLM), or the name repeated empty (Mistral's guests)", () => {
    const vllm = (text: string): JsonObject => call({ index: 0, id: "a", type: "function", function: { name: "look", arguments: text } });
    expect(partsOf([vllm('{"x"'), vllm(":1}"), chunk({}, "tool_calls")])).toMatchObject([{ id: "a", name: "look", arguments: '{"x":1}' }]);
    expect(
      partsOf([
        call({ index: 0, id: "a", ...named }),
        call({ index: 0, function: { name: "", arguments: '{"x":1}' } }),
        chunk({}, "tool_calls"),
      ]),
    ).toMatchObject([{ name: "look", arguments: '{"x":1}' }]);
  });

  test("made-up ids are the same when the stream is read again, and differ between replies", () => {
    const stream = (id: string): JsonObject[] => [
      { ...call({ index: 0, id: "", function: { name: "look", arguments: "{}" } }), id },
      chunk({}, "tool_calls"),
    ];
    const idOf = (id: string): unknown => partsOf(stream(id))[0];
    expect(idOf("r1")).toEqual(idOf("r1"));
    expect(idOf("r1")).not.toEqual(idOf("r2"));
  });

  test.each([
    ["nothing", undefined],
    ["an empty string", ""],
    ["null", null],
    ["the word null", "null"],
    ["an empty object", {}],
  ])("arguments given as %s are {}", (_, given) => {
    expect(
      partsOf([
        call({ index: 0, id: "a", function: { name: "look", ...(given !== undefined && { arguments: given }) } }),
        chunk({}, "tool_calls"),
      ]),
    ).toMatchObject([{ arguments: "{}" }]);
  });

  test("arguments given as an object are written as text", () => {
    expect(
      partsOf([call({ index: 0, id: "a", function: { name: "look", arguments: { x: [1] } } }), chunk({}, "tool_calls")]),
    ).toMatchObject([{ arguments: '{"x":[1]}' }]);
  });

  test("large integers in arguments survive", () => {
    expect(
      partsOf([call({ index: 0, id: "a", function: { name: "look", arguments: '{"n":9007199254740993}' } }), chunk({}, "tool_calls")]),
    ).toMatchObject([{ arguments: '{"n":9007199254740993}' }]);
  });

  test("an empty call that is still open at the end is not lost", () => {
    expect(partsOf([call({ index: 0, id: "a", ...named }), chunk({}, "tool_calls")], { done: false })).toMatchObject([
      { name: "look", arguments: "{}" },
    ]);
  });

  test("a call without a name is left out, and a finish by calls alone says that it was malformed", () => {
    const reply = foldStream([call({ index: 0, id: "", function: { name: "", arguments: "{}" } }), chunk({}, "tool_calls")]);
    expect(reply.choices[0]).toMatchObject({ content: [], finish: { reason: "malformed-call", raw: "tool_calls" } });
  });

  test("the name may come after the first arguments", () => {
    expect(
      partsOf([
        call({ index: 0, id: "a", function: { arguments: '{"x"' } }),
        call({ index: 0, function: { name: "look", arguments: ":1}" } }),
        chunk({}, "tool_calls"),
      ]),
    ).toMatchObject([{ id: "a", name: "look", arguments: '{"x":1}' }]);
  });

  test("the deprecated function_call", () => {
    const reply = foldStream([
      chunk({ function_call: { name: "look", arguments: "" } }),
      chunk({ function_call: { arguments: '{"x":1}' } }),
      chunk({}, "function_call"),
    ]);
    expect(reply.choices[0]).toMatchObject({
      content: [{ type: "tool-call", name: "look", arguments: '{"x":1}' }],
      finish: { reason: "tool-calls" },
    });
  });

  test("custom calls keep their free-form input", () => {
    expect(
      partsOf([
        call({ index: 0, id: "a", type: "custom", custom: { name: "run", input: "x " } }),
        call({ index: 0, custom: { input: "= 1" } }),
        chunk({}, "tool_calls"),
      ]),
    ).toMatchObject([{ kind: "custom", arguments: "x = 1" }]);
  });

  test("Google's signature is the call's state", () => {
    expect(
      partsOf([
        call({ index: 0, id: "a", function: { name: "look", arguments: "{}" }, extra_content: { google: { thought_signature: "c2ln" } } }),
        chunk({}, "tool_calls"),
      ]),
    ).toMatchObject([{ state: { kind: "signature", data: "c2ln", item: { google: { thought_signature: "c2ln" } } } }]);
  });

  test("words and a call: two blocks, the words first", () => {
    const events = decodeStream([
      chunk({ content: "Looking" }),
      call({ index: 0, id: "a", function: { name: "look", arguments: "{}" } }),
      chunk({ content: "" }, "tool_calls"),
    ]);
    expectDiscipline(events);
    expect(types(events)).toEqual([
      "start",
      "block-start",
      "text-delta",
      "block-end",
      "block-start",
      "arguments-delta",
      "block-end",
      "finish",
      "end",
    ]);
  });
});

describe("the end", () => {
  const looked = call({ index: 0, id: "a", function: { name: "look", arguments: "{}" } });

  test.each([
    ["stop", "tool-calls"],
    ["length", "length"],
    ["content_filter", "content-filter"],
  ])("with a call, %s is %s", (raw, reason) => {
    expect(foldStream([looked, chunk({}, raw)]).choices[0]?.finish).toEqual({ reason, raw });
  });

  test.each([
    ["model_length", "context-overflow"],
    ["eos", "stop"],
    ["something_new", "unknown"],
    ["tool_calls", "unknown"],
  ])("without a call, %s is %s and keeps the vendor's word", (raw, reason) => {
    expect(foldStream([chunk({ content: "x" }), chunk({}, raw)]).choices[0]?.finish).toEqual({ reason, raw });
  });

  test("vLLM names the stop string that was hit, and gives a number for the model's own end", () => {
    const end = (stop_reason: string | number): JsonObject => ({
      id: "c",
      choices: [{ index: 0, delta: {}, finish_reason: "stop", stop_reason }],
    });
    expect(foldStream([chunk({ content: "x" }), end("END")]).choices[0]?.finish).toEqual({
      reason: "stop-sequence",
      raw: "stop",
      stopSequence: "END",
    });
    expect(foldStream([chunk({ content: "x" }), end(154829)]).choices[0]?.finish).toEqual({ reason: "stop", raw: "stop" });
  });

  test("an empty finish_reason is none", () => {
    const events = decodeStream([{ id: "c", choices: [{ index: 0, delta: { content: "x" }, finish_reason: "" }] }], { done: false });
    expect(errorOf(events)).toBe("provider_stream_cut");
  });

  test("[DONE] may be missing when a finish was seen", () => {
    expect(types(decodeStream([chunk({ content: "x" }), chunk({}, "stop")], { done: false })).at(-1)).toBe("end");
  });

  test("without finish and [DONE] the stream was cut, and what was counted is told", () => {
    const events = decodeStream(
      [chunk({ content: "x" }, undefined, { usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 } })],
      { done: false },
    );
    expect(types(events).slice(-2)).toEqual(["usage", "error"]);
    expect(errorOf(events)).toBe("provider_stream_cut");
  });

  test("[DONE] without a finish is complete, but no plain stop is made up", () => {
    expect(foldStream([chunk({ content: "x" })]).choices[0]?.finish).toEqual({ reason: "unknown" });
  });

  test("a stream without any answer is a bad response", () => {
    expect(errorOf(decodeStream([]))).toBe("provider_bad_response");
    expect(errorOf(decodeStream([], { done: false }))).toBe("provider_stream_cut");
  });

  test.each([
    ["error", "provider_error"],
    ["insufficient_system_resource", "provider_overloaded"],
    ["abort", "provider_stream_cut"],
  ])("finish_reason %s is an error and no finish", (raw, code) => {
    const events = decodeStream([chunk({ content: "x" }), chunk({}, raw)]);
    expect(errorOf(events)).toBe(code);
    expect(types(events)).not.toContain("finish");
  });

  test("nothing after [DONE] or an error is read", () => {
    expect(
      types(
        decodeStream([chunk({ content: "x" }), chunk({}, "stop"), "[DONE]", chunk({ content: "y" })]).filter(
          ({ type }) => type === "text-delta",
        ),
      ),
    ).toHaveLength(1);
    expect(
      decodeStream([chunk({ content: "x" }), { error: { message: "no" } }, chunk({}, "stop")]).filter(({ type }) => type === "end"),
    ).toEqual([]);
  });
});

describe("errors inside a 200", () => {
  test.each<[string, JsonObject | string, string]>([
    ["an error object", { error: { message: "Overloaded", type: "server_error", code: "engine_overloaded" } }, "provider_overloaded"],
    ["an error text", { error: "upstream gone" }, "provider_error"],
    [
      "OpenRouter's, with a status for a code",
      { id: "c", error: { code: 429, message: "Rate limited" }, choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }] },
      "provider_rate_limited",
    ],
    [
      "vLLM's",
      { object: "error", message: "prompt is too long: 9 > 8 maximum context length", type: "BadRequestError", code: 400 },
      "context_length_exceeded",
    ],
    [
      "a list of one (Google)",
      '[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]',
      "provider_overloaded",
    ],
    ["Groq's, beside the answer", { id: "c", choices: [], x_groq: { error: "internal" } }, "provider_error"],
    ["text that is not JSON", "Internal Server Error", "provider_bad_response"],
    ["half an event", '{"id":"c","choi', "provider_stream_cut"],
  ])("%s", (_, payload, code) => {
    const events = decodeStream([chunk({ content: "x" }), payload]);
    expect(errorOf(events)).toBe(code);
    expect(types(events)).not.toContain("finish");
  });

  test("an `event: error` frame is one, whatever it holds", async () => {
    const { ChatDecoder } = await import("./decode-events.ts");
    expect(errorOf(new ChatDecoder().push({ event: "error", data: '{"reason":"x"}' }))).toBe("provider_error");
  });

  test("a wrapped comment is skipped", () => {
    expect(partsOf([": keepalive", chunk({ content: "x" }), chunk({}, "stop")])).toEqual([{ type: "text", text: "x" }]);
  });

  test("garbage after a complete answer does not spoil it", () => {
    expect(partsOf([chunk({ content: "x" }), chunk({}, "stop"), '{"id":"c","usa'], { done: false })).toEqual([{ type: "text", text: "x" }]);
  });
});

describe("usage", () => {
  const counts = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

  test.each<[string, JsonObject[]]>([
    ["in a chunk of its own", [chunk({}, "stop"), { id: "c", choices: [], usage: counts }]],
    ["in the finish chunk", [chunk({}, "stop", { usage: counts })]],
    ["in a chunk with an empty choice", [chunk({}, "stop"), { id: "c", choices: [{ index: 0, delta: {} }], usage: counts }]],
    ["under x_groq", [chunk({}, "stop", { x_groq: { id: "r", usage: counts } })]],
    [
      "on every chunk, growing",
      [
        chunk({ content: "a" }, undefined, { usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 } }),
        chunk({}, "stop", { usage: counts }),
      ],
    ],
    ["before chunks that say null", [chunk({}, "stop", { usage: counts }), { id: "c", choices: [], usage: null }]],
  ])("%s", (_, payloads) => {
    const events = decodeStream([chunk({ content: "x" }), ...payloads]);
    expect(events.filter(({ type }) => type === "usage")).toHaveLength(1);
    expect(fold(events).usage).toMatchObject({ input: 3, output: 2 });
  });
});

describe("whole replies take the same path", () => {
  const reply = (message: JsonObject, finish = "stop"): JsonObject => ({
    id: "c",
    object: "chat.completion",
    created: 5,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finish }],
  });

  test("words, thinking and calls, whatever the order of the fields", () => {
    expect(
      fold(
        decodeReply(
          reply(
            {
              tool_calls: [{ id: "a", type: "function", function: { name: "look", arguments: { x: 1 } } }],
              content: "Hi",
              annotations: [],
              refusal: null,
              reasoning_content: "Hm",
            },
            "tool_calls",
          ),
        ),
      ).choices[0],
    ).toMatchObject({
      content: [
        { type: "reasoning", text: "Hm" },
        { type: "text", text: "Hi" },
        { type: "tool-call", id: "a", arguments: '{"x":1}' },
      ],
      finish: { reason: "tool-calls" },
    });
  });

  test("think tags, where the row says so", () => {
    expect(fold(decodeReply(reply({ content: "<think>Hm</think>Hi" }), new Set(["think-tags"]))).choices[0]?.content).toEqual([
      { type: "reasoning", text: "Hm" },
      { type: "text", text: "Hi" },
    ]);
  });

  test.each<[string, JsonObject, string]>([
    ["an error", { error: { message: "no", code: "model_not_found" } }, "provider_model_not_found"],
    ["no choices", { id: "c" }, "provider_bad_response"],
    ["null for choices", { id: "c", choices: null }, "provider_bad_response"],
    ["an empty list of choices", { id: "c", choices: [], usage: { prompt_tokens: 1 } }, "provider_bad_response"],
    ["a finish that is a failure", reply({ content: "x" }, "error"), "provider_error"],
  ])("%s throws", (_, body, code) => {
    expect(() => decodeReply(body)).toThrowError(expect.objectContaining({ code }));
  });

  test("a message with null content and no calls is an empty answer with its finish", () => {
    expect(fold(decodeReply(reply({ content: null }, "length"))).choices).toEqual([
      { content: [], finish: { reason: "length", raw: "length" } },
    ]);
  });
});
