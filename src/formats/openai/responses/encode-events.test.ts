import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AssistantPart, ChatEvent, ChatReply, Finish } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { fold, unfold } from "../../../canonical/fold.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { expectDiscipline } from "../../codec.contract.ts";
import type { ReplyContext } from "../../codec.ts";
import { ResponsesEncoder } from "./encode-events.ts";
import { encodeReply } from "./encode-reply.ts";
import { brokenRule, decodeStream, encodeStream, payloads, replyContext } from "./samples.ts";
import { unmint } from "./state.ts";

function reply(content: AssistantPart[], finish: Finish = { reason: "stop" }, more: Partial<ChatReply> = {}): ChatReply {
  return {
    id: "chatcmpl-1",
    model: "m-1",
    choices: [{ content, finish }],
    usage: { input: 10, output: 5, cacheRead: 4, reasoning: 2 },
    ...more,
  };
}

/** The stream of a reply, checked for what every stream must obey. */
function stream(given: ChatReply, context: Partial<ReplyContext> = {}): JsonObject[] {
  const events = encodeStream(unfold(given), context);
  expect(brokenRule(events)).toBeUndefined();
  return events;
}

function types(events: JsonObject[]): string[] {
  return events.map(({ type }) => String(type).replace("response.", ""));
}

function outputOf(events: JsonObject[]): JsonObject[] {
  const response = events.at(-1)?.response;
  return isObject(response) ? (response.output as JsonObject[]) : [];
}

const say = (text: string): AssistantPart => ({ type: "text", text });
const think = (text: string): AssistantPart => ({ type: "reasoning", text });
const look: AssistantPart = { type: "tool-call", id: "call_A", name: "look", kind: "function", arguments: '{"a":1}' };

describe("the order of a stream", () => {
  test("text, as recorded from OpenAI", () => {
    expect(types(stream(reply([say("Hi")])))).toEqual([
      "created",
      "in_progress",
      "output_item.added",
      "content_part.added",
      "output_text.delta",
      "output_text.done",
      "content_part.done",
      "output_item.done",
      "completed",
    ]);
  });

  test("reasoning and a call", () => {
    expect(types(stream(reply([think("Hm."), look], { reason: "tool-calls" })))).toEqual([
      "created",
      "in_progress",
      "output_item.added",
      "reasoning_summary_part.added",
      "reasoning_summary_text.delta",
      "reasoning_summary_text.done",
      "reasoning_summary_part.done",
      "output_item.done",
      "output_item.added",
      "function_call_arguments.delta",
      "function_call_arguments.done",
      "output_item.done",
      "completed",
    ]);
  });

  test("a refusal after words is another part of the same message", () => {
    const events = stream(reply([say("A"), { type: "refusal", text: "No." }], { reason: "refusal" }));
    expect(outputOf(events)).toMatchObject([
      {
        type: "message",
        content: [
          { type: "output_text", text: "A" },
          { type: "refusal", refusal: "No." },
        ],
      },
    ]);
    expect(types(events)).toContain("refusal.done");
  });

  test("an answer of nothing", () => {
    const events = stream(reply([], { reason: "content-filter" }));
    expect(types(events)).toEqual(["created", "in_progress", "incomplete"]);
    expect(events.at(-1)?.response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "content_filter" }, output: [] });
  });

  test("calls whose arguments are interleaved", () => {
    const at = { choice: 0 };
    const events = encodeStream([
      { type: "start" },
      { type: "block-start", ...at, block: 0, content: { kind: "tool-call", id: "c1", name: "look", call: "function" } },
      { type: "block-start", ...at, block: 1, content: { kind: "tool-call", id: "c2", name: "look", call: "function" } },
      { type: "arguments-delta", ...at, block: 0, text: '{"a"' },
      { type: "arguments-delta", ...at, block: 1, text: "{}" },
      { type: "arguments-delta", ...at, block: 0, text: ":1}" },
      { type: "block-end", ...at, block: 1 },
      { type: "block-end", ...at, block: 0 },
      { type: "finish", choice: 0, finish: { reason: "tool-calls" } },
      { type: "end" },
    ]);
    expect(brokenRule(events)).toBeUndefined();
    expect(outputOf(events)).toMatchObject([
      { call_id: "c1", arguments: '{"a":1}' },
      { call_id: "c2", arguments: "{}" },
    ]);
  });

  test("pings are comments between events", () => {
    const encoder = new ResponsesEncoder(replyContext);
    expect(encoder.push({ type: "ping" })).toBe(": ping\n");
  });

  test("whatever comes in whatever order, the whole reply holds the same items", () => {
    const parts: AssistantPart[] = [
      think("One."),
      say("A"),
      look,
      say("B"),
      think("Two."),
      { ...look, id: "call_B" },
      { type: "refusal", text: "No." },
    ];
    for (let turn = 0; turn < parts.length; turn++) {
      const given = reply([...parts.slice(turn), ...parts.slice(0, turn)], { reason: "tool-calls" });
      expect(outputOf(stream(given))).toEqual(encodeReply(given, replyContext).output);
    }
  });
});

describe("any order of blocks", () => {
  const kinds = ["text", "refusal", "reasoning", "tool-call", "vendor"] as const;
  /** One step: the block that it is about, and what happens to it. A block begins with its first step. */
  const step = fc.record({
    block: fc.nat({ max: 5 }),
    kind: fc.constantFrom(...kinds),
    text: fc.constantFrom("a", "\n\n", '"', "{}", "😀"),
    ends: fc.boolean(),
    state: fc.boolean(),
  });

  function told(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]): ChatEvent[] {
    const events: ChatEvent[] = [{ type: "start" }];
    const open = new Map<number, { block: number; kind: (typeof kinds)[number] }>();
    let next = 0;
    const end = (block: number, state: boolean): void => {
      events.push({
        type: "block-end",
        choice: 0,
        block,
        ...(state && { state: { format: "elsewhere/format", kind: "signature", data: "c2ln" } }),
      });
    };
    for (const { block: name, kind, text, ends, state } of steps) {
      let live = open.get(name);
      if (!live) {
        live = { block: next++, kind };
        open.set(name, live);
        const part = { type: "vendor", format: "elsewhere/format", value: { type: "x" } } as const;
        const content =
          kind === "tool-call"
            ? ({ kind, id: `call_${live.block}`, name: "look", call: "function" } as const)
            : kind === "vendor"
              ? ({ kind, part } as const)
              : { kind };
        events.push({ type: "block-start", choice: 0, block: live.block, content });
      }
      const type = live.kind === "tool-call" ? "arguments-delta" : live.kind === "vendor" ? undefined : (`${live.kind}-delta` as const);
      if (type) events.push({ type, choice: 0, block: live.block, text });
      if (!ends) continue;
      end(live.block, state);
      open.delete(name);
    }
    for (const { block } of open.values()) end(block, false);
    return [...events, { type: "finish", choice: 0, finish: { reason: "length" } }, { type: "end" }];
  }

  test("gives a stream that clients can follow, and that is read back whole", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const events = told(steps);
        const stream = encodeStream(events);
        expect(brokenRule(stream)).toBeUndefined();
        const back = decodeStream(...stream);
        expectDiscipline(back);
        const parts = (list: readonly ChatEvent[]): AssistantPart[] => fold(list).choices[0]?.content ?? [];
        const thoughts = (list: readonly ChatEvent[]): string[] =>
          parts(list).flatMap((part) => (part.type === "reasoning" ? [part.text] : []));
        const words = (list: readonly ChatEvent[], type: string): string =>
          list.map((event) => (event.type === type && "text" in event ? event.text : "")).join("");
        expect(thoughts(back)).toEqual(thoughts(events));
        for (const type of ["text-delta", "refusal-delta"]) expect(words(back, type)).toBe(words(events, type));
      }),
      { numRuns: 300 },
    );
  });
});

describe("items", () => {
  test("have ids of their own kind, never the call's, unique in the call", () => {
    const output = outputOf(
      stream(
        reply([think("Hm."), say("Hi"), look, { type: "tool-call", id: "call_B", name: "patch", kind: "custom", arguments: "x" }], {
          reason: "tool-calls",
        }),
      ),
    );
    expect(output.map(({ id }) => id)).toEqual(["rs_hg_1_0", "msg_hg_1_1", "fc_hg_1_2", "ctc_hg_1_3"]);
  });

  test("neighbouring texts are one text: clients take the last one for the answer", () => {
    const cited: AssistantPart = {
      type: "text",
      text: "World.",
      citations: [{ url: "https://a", title: "A", raw: {}, format: "anthropic/messages" }],
    };
    const [message] = outputOf(stream(reply([say("Hello. "), cited, say(" Bye.")])));
    expect(message?.content).toMatchObject([
      {
        type: "output_text",
        text: "Hello. World. Bye.",
        annotations: [{ type: "url_citation", url: "https://a", title: "A", start_index: 7, end_index: 13 }],
      },
    ]);
  });

  test("a message that the limit cut short is incomplete", () => {
    expect(outputOf(stream(reply([say("Hi")], { reason: "length" })))).toMatchObject([{ status: "incomplete" }]);
  });

  test("every reasoning item carries encrypted content, and none of it is another vendor's in the clear", () => {
    const output = outputOf(
      stream(
        reply([
          { type: "reasoning", text: "Hm.", state: { format: "anthropic/messages", kind: "signature", data: "RXZRQkNrWUlDeGdD" } },
          think("More."),
        ]),
      ),
    );
    expect(output.map(({ encrypted_content: content }) => String(content).slice(0, 12))).toEqual(["headgate.v1.", "headgate.v1."]);
    expect(JSON.stringify(output)).not.toContain("RXZRQkNrWUlDeGdD");
  });

  test("paragraphs that a vendor sent apart are parts of the summary", () => {
    const at = { choice: 0, block: 0 };
    const events = encodeStream([
      { type: "start" },
      { type: "block-start", ...at, content: { kind: "reasoning" } },
      { type: "reasoning-delta", ...at, text: "One." },
      { type: "reasoning-delta", ...at, text: "\n\n" },
      { type: "reasoning-delta", ...at, text: "Two." },
      { type: "block-end", ...at },
      { type: "finish", choice: 0, finish: { reason: "stop" } },
      { type: "end" },
    ]);
    expect(brokenRule(events)).toBeUndefined();
    expect(outputOf(events)).toMatchObject([{ summary: [{ text: "One." }, { text: "Two." }] }]);
  });

  test("words that somebody has rewritten do not travel with the item that holds the old ones", () => {
    const item = { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "The secret." }] };
    const given = reply([
      { type: "reasoning", text: "[redacted]", state: { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1", item } },
    ]);
    const [reasoning] = encodeReply(given, replyContext).output as JsonObject[];
    expect(atob(String(reasoning?.encrypted_content).slice(12).replaceAll("-", "+").replaceAll("_", "/"))).not.toContain("secret");
  });

  test("an item that says more in its summary than was told keeps its state all the same", () => {
    const item = {
      id: "rs_1",
      type: "reasoning",
      summary: [{ type: "summary_text", text: "Short." }],
      content: [{ type: "reasoning_text", text: "In full." }],
    };
    const [reasoning] = encodeReply(
      reply([
        { type: "reasoning", text: "In full.", state: { format: "openai/responses", kind: "encrypted", data: "", id: "rs_1", item } },
      ]),
      replyContext,
    ).output as JsonObject[];
    expect(unmint(String(reasoning?.encrypted_content)).state?.item).toEqual(item);
  });

  test("a tool of free-form input comes back as such, though the vendor knew it as a function", () => {
    const given = reply([{ type: "tool-call", id: "c1", name: "patch", kind: "function", arguments: '{"input":"*** Begin"}' }], {
      reason: "tool-calls",
    });
    const events = stream(given);
    expect(outputOf(events)).toMatchObject([{ type: "custom_tool_call", call_id: "c1", name: "patch", input: "*** Begin" }]);
    expect(types(events)).toContain("custom_tool_call_input.done");
    expect(encodeReply(given, replyContext).output).toEqual(outputOf(events));
  });

  test("media: an image is an item, sound its words", () => {
    const given = reply([
      { type: "media", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
      { type: "media", source: { kind: "base64", mediaType: "audio/wav", data: "AAAA" }, transcript: "Hi" },
    ]);
    const output = outputOf(stream(given));
    expect(output).toMatchObject([
      { type: "image_generation_call", result: "AAAA" },
      { type: "message", content: [{ text: "Hi" }] },
    ]);
    expect(encodeReply(given, replyContext).output).toEqual(output);
  });
});

describe("the response object", () => {
  const body: JsonObject = {
    model: "smart",
    input: "hi",
    instructions: "Be brief.",
    tools: [{ type: "function", name: "look" }],
    tool_choice: "required",
    text: { verbosity: "low" },
    reasoning: { effort: "high" },
    temperature: 0.5,
    metadata: { a: "b" },
    parallel_tool_calls: false,
    previous_response_id: "resp_0",
    store: false,
    truncation: "auto",
    user: "u",
    max_output_tokens: 50,
    conversation: "conv_1",
    service_tier: "flex",
  };

  test("repeats the request's settings, and has every documented field", () => {
    const response = encodeReply(reply([say("Hi")]), { ...replyContext, body });
    expect(response).toMatchObject({
      id: "resp_hg_1",
      object: "response",
      created_at: 7,
      status: "completed",
      model: "m-1",
      error: null,
      incomplete_details: null,
      instructions: "Be brief.",
      tools: [{ type: "function", name: "look" }],
      tool_choice: "required",
      text: { format: { type: "text" }, verbosity: "low" },
      reasoning: { effort: "high", summary: null },
      temperature: 0.5,
      top_p: null,
      metadata: { a: "b" },
      parallel_tool_calls: false,
      previous_response_id: "resp_0",
      store: false,
      truncation: "auto",
      user: "u",
      max_output_tokens: 50,
      conversation: { id: "conv_1" },
      background: false,
      usage: {
        input_tokens: 10,
        input_tokens_details: { cached_tokens: 4 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 15,
      },
    });
    // The tier that was asked for need not be the one that was used.
    expect(response.service_tier).toBeNull();
  });

  test("is the same in the stream, from its first event on", () => {
    const events = stream(reply([say("Hi")]), { body });
    expect(events[0]?.response).toMatchObject({
      id: "resp_hg_1",
      status: "in_progress",
      output: [],
      usage: null,
      instructions: "Be brief.",
    });
    expect(events.at(-1)?.response).toEqual(encodeReply(reply([say("Hi")]), { ...replyContext, body }));
  });

  test("an own response keeps its name, and what its provider said besides", () => {
    const given = reply([say("Hi")], undefined, {
      id: "resp_77",
      extra: { format: "openai/responses", fields: { temperature: 1, content_filters: [{ blocked: false }] } },
    });
    expect(encodeReply(given, replyContext)).toMatchObject({ id: "resp_77", temperature: 1, content_filters: [{ blocked: false }] });
  });

  test.each<[Finish, JsonObject]>([
    [{ reason: "length" }, { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }],
    [
      { reason: "context-overflow" },
      { status: "incomplete", incomplete_details: { reason: "max_output_tokens" }, headgate: { finish: { reason: "context-overflow" } } },
    ],
    [{ reason: "content-filter" }, { status: "incomplete", incomplete_details: { reason: "content_filter" } }],
    [
      { reason: "refusal" },
      { status: "incomplete", incomplete_details: { reason: "content_filter" }, headgate: { finish: { reason: "refusal" } } },
    ],
    [{ reason: "pause" }, { status: "incomplete" }],
    [
      { reason: "stop-sequence", stopSequence: "END" },
      { status: "completed", incomplete_details: null, headgate: { finish: { stop_sequence: "END" } } },
    ],
    [{ reason: "stop" }, { status: "completed", incomplete_details: null }],
    [{ reason: "unknown", raw: "queued" }, { status: "queued" }],
  ])("ends as %j", (finish, expected) => {
    expect(encodeReply(reply([say("Hi")], finish), replyContext)).toMatchObject(expected);
  });
});

describe("failures", () => {
  const begun: ChatEvent[] = [
    { type: "start", id: "resp_1" },
    { type: "block-start", choice: 0, block: 0, content: { kind: "text" } },
    { type: "text-delta", choice: 0, block: 0, text: "Hi" },
  ];

  test("are told twice: `error` for the SDKs, `response.failed` for Codex", () => {
    const events = encodeStream([
      ...begun,
      { type: "error", error: new GatewayError("provider_rate_limited", "Slow down.", { retryAfterMs: 1500 }) },
    ]);
    expect(types(events).slice(-2)).toEqual(["error", "failed"]);
    expect(brokenRule(events)).toBeUndefined();
    expect(events.at(-2)).toMatchObject({ code: "rate_limit_exceeded", error: { type: "rate_limit_error", code: "rate_limit_exceeded" } });
    expect(events.at(-1)?.response).toMatchObject({
      id: "resp_1",
      status: "failed",
      error: { code: "rate_limit_exceeded", message: expect.stringMatching(/try again in 1\.500s/) },
    });
  });

  test.each<[ConstructorParameters<typeof GatewayError>[0], string]>([
    ["context_length_exceeded", "context_length_exceeded"],
    ["provider_overloaded", "server_is_overloaded"],
    ["provider_rejected", "invalid_prompt"],
    ["provider_billing", "server_error"],
    ["provider_stream_cut", "server_error"],
  ])("%s is what Codex knows as %s", (code, word) => {
    const events = encodeStream([...begun, { type: "error", error: new GatewayError(code, "No.") }]);
    expect(events.at(-1)).toMatchObject({ response: { error: { code: word, headgate_code: code } } });
  });

  test("before anything else a failed stream has begun all the same", () => {
    const events = encodeStream([{ type: "error", error: new GatewayError("provider_error", "No.") }]);
    expect(types(events)).toEqual(["created", "in_progress", "error", "failed"]);
  });

  test("an end without a finish, and a broken call, are failures", () => {
    expect(types(encodeStream([...begun, { type: "end" }])).at(-1)).toBe("failed");
    expect(
      types(encodeStream([...begun, { type: "finish", choice: 0, finish: { reason: "malformed-call" } }, { type: "end" }])).at(-1),
    ).toBe("failed");
    expect(() => encodeReply(reply([], { reason: "malformed-call" }), replyContext)).toThrow(/malformed/);
  });

  test("nothing is written after the end", () => {
    const encoder = new ResponsesEncoder(replyContext);
    const text = unfold(reply([say("Hi")]))
      .map((event) => encoder.push(event))
      .join("");
    expect(encoder.push({ type: "text-delta", choice: 0, block: 0, text: "more" })).toBe("");
    expect(encoder.push({ type: "end" })).toBe("");
    expect(payloads(text).filter(({ type }) => /completed|incomplete|failed/.test(String(type)))).toHaveLength(1);
  });
});
