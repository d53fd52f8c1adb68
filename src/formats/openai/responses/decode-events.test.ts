import { describe, expect, test } from "vitest";
import type { AssistantPart, ChatEvent } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import { fold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { expectDiscipline } from "../../codec.contract.ts";
import { decodeReply, ResponsesDecoder } from "./decode-events.ts";
import { added, call, completed, created, decodeStream, done, message } from "./samples.ts";

function parts(events: ChatEvent[]): AssistantPart[] {
  expectDiscipline(events);
  return fold(events).choices[0]?.content ?? [];
}

function finish(events: ChatEvent[]): string | undefined {
  return fold(events).choices[0]?.finish.reason;
}

function failure(events: ChatEvent[]): string | undefined {
  const last = events.at(-1);
  return last?.type === "error" ? last.error.code : undefined;
}

const textDelta = (delta: string, more: JsonObject = {}): JsonObject => ({
  type: "response.output_text.delta",
  item_id: "msg_1",
  output_index: 0,
  content_index: 0,
  delta,
  ...more,
});
const argsDelta = (delta: string, index = 0): JsonObject => ({
  type: "response.function_call_arguments.delta",
  item_id: "fc_1",
  output_index: index,
  delta,
});
const summaryDelta = (delta: string, part = 0): JsonObject => ({
  type: "response.reasoning_summary_text.delta",
  item_id: "rs_1",
  output_index: 0,
  summary_index: part,
  delta,
});

describe("a stream as OpenAI sends it", () => {
  const reasoning: JsonObject = {
    type: "reasoning",
    id: "rs_1",
    summary: [
      { type: "summary_text", text: "One." },
      { type: "summary_text", text: "Two." },
    ],
    encrypted_content: "gFinal",
  };
  const stream: JsonObject[] = [
    created,
    { type: "response.in_progress", response: created.response },
    added(0, { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gFirst" }),
    {
      type: "response.reasoning_summary_part.added",
      item_id: "rs_1",
      output_index: 0,
      summary_index: 0,
      part: { type: "summary_text", text: "" },
    },
    summaryDelta("One."),
    { type: "response.reasoning_summary_text.done", item_id: "rs_1", output_index: 0, summary_index: 0, text: "One." },
    summaryDelta("Two", 1),
    summaryDelta(".", 1),
    done(0, reasoning),
    added(1, { type: "message", id: "msg_1", role: "assistant", status: "in_progress", content: [], phase: "commentary" }),
    {
      type: "response.content_part.added",
      item_id: "msg_1",
      output_index: 1,
      content_index: 0,
      part: { type: "output_text", text: "", annotations: [] },
    },
    textDelta("Hel", { output_index: 1 }),
    textDelta("lo", { output_index: 1 }),
    {
      type: "response.output_text.annotation.added",
      item_id: "msg_1",
      output_index: 1,
      content_index: 0,
      annotation_index: 0,
      annotation: { type: "url_citation", url: "https://a", title: "A", start_index: 0, end_index: 5 },
    },
    { type: "response.output_text.done", item_id: "msg_1", output_index: 1, content_index: 0, text: "Hello" },
    done(1, {
      ...message("msg_1", "Hello"),
      phase: "commentary",
      content: [
        {
          type: "output_text",
          text: "Hello",
          annotations: [{ type: "url_citation", url: "https://a", title: "A", start_index: 0, end_index: 5 }],
        },
      ],
    }),
    added(2, call("fc_1", "call_1", "look", "")),
    argsDelta('{"a"', 2),
    argsDelta(":1}", 2),
    { type: "response.function_call_arguments.done", item_id: "fc_1", output_index: 2, arguments: '{"a":1}' },
    done(2, call("fc_1", "call_1", "look", '{"a":1}')),
    completed([], {
      usage: {
        input_tokens: 10,
        input_tokens_details: { cached_tokens: 4, cache_write_tokens: 2 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 3 },
        total_tokens: 15,
      },
      service_tier: "flex",
      moderation: { flagged: false },
    }),
  ];

  test("says each thing once, with the state of the finished item", () => {
    const events = decodeStream(...stream);
    const { encrypted_content: _, ...item } = reasoning;
    expect(parts(events)).toEqual([
      {
        type: "reasoning",
        text: "One.\n\nTwo.",
        state: { format: "openai/responses", kind: "encrypted", data: "gFinal", id: "rs_1", item },
      },
      {
        type: "text",
        text: "Hello",
        citations: [
          {
            url: "https://a",
            title: "A",
            start: 0,
            end: 5,
            format: "openai/responses",
            raw: { type: "url_citation", url: "https://a", title: "A", start_index: 0, end_index: 5 },
          },
        ],
        state: { format: "openai/responses", kind: "signature", data: "commentary" },
      },
      { type: "tool-call", id: "call_1", name: "look", kind: "function", arguments: '{"a":1}' },
    ]);
    expect(fold(events)).toMatchObject({
      id: "resp_1",
      model: "gpt-x-1",
      created: 5,
      usage: { input: 10, output: 5, cacheRead: 4, cacheWrite: 2, reasoning: 3, serviceTier: "flex" },
      extra: { format: "openai/responses", fields: { moderation: { flagged: false } } },
      choices: [{ finish: { reason: "tool-calls", raw: "completed" } }],
    });
  });

  test("tells nothing before there is something to tell, so that an early failure can go elsewhere", () => {
    const decoder = new ResponsesDecoder();
    const push = (data: JsonObject): ChatEvent[] => decoder.push({ event: "", data: JSON.stringify(data) });
    expect(push(created)).toEqual([]);
    expect(push({ type: "keepalive", sequence_number: 1 })).toEqual([{ type: "ping" }]);
    expect(push({ type: "response.in_progress", response: created.response })).toEqual([]);
    expect(push(added(0, { type: "reasoning", id: "rs_1", summary: [] })).map(({ type }) => type)).toEqual(["start", "block-start"]);
  });

  test("a whole reply tells the same", () => {
    const items = stream.filter(({ type }) => type === "response.output_item.done").map(({ item }) => item as JsonObject);
    expect(parts(decodeReply(completed(items).response as JsonObject))).toEqual(parts(decodeStream(...stream)));
  });
});

describe("streams that leave things out", () => {
  test("items that were never added, parts that were never begun", () => {
    expect(parts(decodeStream(created, textDelta("Hi"), done(0, message("msg_1", "Hi")), completed([])))).toEqual([
      { type: "text", text: "Hi" },
    ]);
  });

  test("an item that was never done ends with the stream", () => {
    expect(parts(decodeStream(created, added(0, message("msg_1")), textDelta("Hi"), completed([])))).toEqual([
      { type: "text", text: "Hi" },
    ]);
  });

  test("nothing but finished items", () => {
    expect(
      parts(decodeStream(created, done(0, message("msg_1", "Hi")), done(1, call("fc_1", "c1", "look", "{}")), completed([]))),
    ).toMatchObject([{ text: "Hi" }, { id: "c1" }]);
  });

  test("nothing but the end", () => {
    const events = decodeStream(completed([message("msg_1", "Hi"), call("fc_1", "c1", "look", "{}")]));
    expect(parts(events)).toMatchObject([{ text: "Hi" }, { id: "c1" }]);
    expect(finish(events)).toBe("tool-calls");
  });

  test("a call that only the end knows of", () => {
    expect(
      parts(decodeStream(created, textDelta("Hi"), completed([message("msg_9", "Hi"), call("fc_1", "c1", "look", "{}")]))),
    ).toMatchObject([{ text: "Hi" }, { type: "tool-call", id: "c1" }]);
  });

  test("arguments that come whole, with no delta before them", () => {
    const stream = [
      created,
      added(0, call("fc_1", "c1", "look", "")),
      { type: "response.function_call_arguments.done", item_id: "fc_1", output_index: 0, arguments: '{"a":1}' },
      done(0, call("fc_1", "c1", "look", '{"a":1}')),
      completed([]),
    ];
    expect(parts(decodeStream(...stream))).toEqual([{ type: "tool-call", id: "c1", name: "look", kind: "function", arguments: '{"a":1}' }]);
  });

  test("a call without arguments has {}", () => {
    expect(
      parts(decodeStream(created, added(0, call("fc_1", "c1", "look", "")), done(0, call("fc_1", "c1", "look", "")), completed([]))),
    ).toMatchObject([{ arguments: "{}" }]);
  });

  test("arguments before the name", () => {
    expect(
      parts(decodeStream(created, argsDelta('{"a":'), argsDelta("1}"), done(0, call("fc_1", "c1", "look", '{"a":1}')), completed([]))),
    ).toEqual([{ type: "tool-call", id: "c1", name: "look", kind: "function", arguments: '{"a":1}' }]);
  });

  test("places are missing: ids tell the items apart", () => {
    const text = { type: "response.output_text.delta", item_id: "msg_1", delta: "Hi" };
    const args = { type: "response.function_call_arguments.delta", item_id: "fc_1", delta: "{}" };
    const add = (item: JsonObject): JsonObject => ({ type: "response.output_item.added", item });
    expect(
      parts(
        decodeStream(
          created,
          add({ type: "message", id: "msg_1", content: [] }),
          text,
          add(call("fc_1", "c1", "look", "")),
          args,
          completed([]),
        ),
      ),
    ).toMatchObject([{ text: "Hi" }, { id: "c1", arguments: "{}" }]);
  });

  test("ids that change with every event, as GitHub Copilot's do", () => {
    const events = decodeStream(
      created,
      added(0, { type: "reasoning", id: "a", summary: [] }),
      { ...summaryDelta("Hm."), item_id: "b" },
      done(0, { type: "reasoning", id: "c", summary: [{ type: "summary_text", text: "Hm." }], encrypted_content: "g" }),
      added(1, { type: "message", id: "d", content: [] }),
      textDelta("Hi", { item_id: "e", output_index: 1 }),
      done(1, message("f", "Hi")),
      completed([{ type: "reasoning", id: "g", summary: [{ type: "summary_text", text: "Hm." }] }, message("h", "Hi")]),
    );
    expect(parts(events)).toMatchObject([
      { type: "reasoning", text: "Hm.", state: { id: "c" } },
      { type: "text", text: "Hi" },
    ]);
  });

  test("the places in the final list are not those of the stream (recorded)", () => {
    expect(
      parts(
        decodeStream(
          created,
          done(0, message("a", "One.")),
          done(2, message("b", "Two.")),
          completed([message("a", "One."), message("b", "Two.")]),
        ),
      ),
    ).toMatchObject([{ text: "One." }, { text: "Two." }]);
  });

  test("a call without a name is no call, and no plain end", () => {
    const events = decodeStream(
      created,
      added(0, call("fc_1", "c1", "", "")),
      argsDelta("{}"),
      done(0, call("fc_1", "c1", "", "{}")),
      completed([]),
    );
    expect(parts(events)).toEqual([]);
    expect(finish(events)).toBe("malformed-call");
  });

  test("reasoning in full, as open models give it", () => {
    const item = { type: "reasoning", id: "rs_1", summary: [], content: [{ type: "reasoning_text", text: "Hm." }] };
    const delta = { type: "response.reasoning_text.delta", item_id: "rs_1", output_index: 0, content_index: 0, delta: "Hm." };
    expect(
      parts(
        decodeStream(
          created,
          added(0, { ...item, content: [] }),
          delta,
          { ...delta, type: "response.reasoning_text.done", text: "Hm." },
          done(0, item),
          completed([]),
        ),
      ),
    ).toEqual([{ type: "reasoning", text: "Hm.", state: { format: "openai/responses", kind: "encrypted", data: "", id: "rs_1", item } }]);
  });

  test("a new item in the place of one that was not ended", () => {
    expect(
      parts(
        decodeStream(
          created,
          added(0, message("msg_1")),
          textDelta("Hi"),
          added(0, call("fc_1", "c1", "look", "")),
          argsDelta("{}"),
          completed([]),
        ),
      ),
    ).toMatchObject([{ text: "Hi" }, { id: "c1", arguments: "{}" }]);
  });
});

describe("parallel calls", () => {
  test("are counted by themselves, whatever their places, and may be interleaved", () => {
    const events = decodeStream(
      created,
      done(0, { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "g" }),
      added(1, call("fc_1", "c1", "look", "")),
      added(2, call("fc_2", "c2", "look", "")),
      argsDelta('{"a"', 1),
      argsDelta('{"b"', 2),
      argsDelta(":1}", 1),
      argsDelta(":2}", 2),
      done(1, call("fc_1", "c1", "look", '{"a":1}')),
      done(2, call("fc_2", "c2", "look", '{"b":2}')),
      completed([]),
    );
    expect(parts(events).slice(1)).toMatchObject([
      { id: "c1", arguments: '{"a":1}' },
      { id: "c2", arguments: '{"b":2}' },
    ]);
  });
});

describe("hosted tools", () => {
  test("their items come whole, their progress is not told, and searches are counted", () => {
    const search = { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "q" } };
    const opened = { type: "web_search_call", id: "ws_2", status: "completed", action: { type: "open_page", url: "https://a" } };
    const events = decodeStream(
      created,
      added(0, { ...search, status: "in_progress" }),
      { type: "response.web_search_call.searching", item_id: "ws_1", output_index: 0 },
      done(0, search),
      done(1, opened),
      completed([search, opened]),
    );
    expect(parts(events)).toEqual([
      { type: "vendor", format: "openai/responses", value: search },
      { type: "vendor", format: "openai/responses", value: opened },
    ]);
    expect(fold(events).usage?.serverTools).toEqual({ web_search_call: 1 });
    expect(fold(decodeStream(completed([search], { tool_usage: { web_search: { num_requests: 4 } } }))).usage?.serverTools).toEqual({
      web_search_requests: 4,
    });
  });

  test("an image is media", () => {
    const item = { type: "image_generation_call", id: "ig_1", status: "completed", result: "AAAA", output_format: "webp" };
    expect(parts(decodeStream(created, done(0, item), completed([])))).toEqual([
      {
        type: "media",
        source: { kind: "base64", mediaType: "image/webp", data: "AAAA" },
        id: "ig_1",
        state: { format: "openai/responses", kind: "signature", data: "", id: "ig_1", item },
      },
    ]);
  });
});

describe("endings", () => {
  const ended = (more: JsonObject, output: JsonObject[] = []): ChatEvent[] =>
    decodeStream(created, ...output.map((item, index) => done(index, item)), completed(output, more));

  test.each<[string, JsonObject, JsonObject[], string]>([
    ["completed", {}, [message("m", "Hi")], "stop"],
    ["completed with a call", {}, [message("m", "Hi"), call("f", "c", "look", "{}")], "tool-calls"],
    [
      "cut short with a call",
      { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } },
      [call("f", "c", "look", "{}")],
      "length",
    ],
    ["filtered", { status: "incomplete", incomplete_details: { reason: "content_filter" } }, [], "content-filter"],
    ["refused in words", {}, [{ type: "message", id: "m", content: [{ type: "refusal", refusal: "No." }] }], "refusal"],
    ["with a reason that is new", { status: "incomplete", incomplete_details: { reason: "steered" } }, [], "unknown"],
    ["not ended at all, in the background", { status: "queued" }, [], "unknown"],
  ])("%s", (_, more, output, reason) => expect(finish(ended(more, output))).toBe(reason));

  test("without [DONE], and with one", () => {
    const stream = [created, textDelta("Hi"), completed([])];
    expect(decodeStream(...stream).at(-1)).toEqual({ type: "end" });
    const decoder = new ResponsesDecoder();
    const events = stream.flatMap((data) => decoder.push({ event: "", data: JSON.stringify(data) }));
    expect(decoder.push({ event: "", data: "[DONE]" })).toEqual([]);
    expect(events.at(-1)).toEqual({ type: "end" });
  });

  test("a stream without an ending was cut, whatever it said", () => {
    expect(failure(decodeStream(created, textDelta("Hi"), done(0, message("msg_1", "Hi"))))).toBe("provider_stream_cut");
    expect(failure(decodeStream(created, textDelta("Hi"), { type: "response.incomplete" }))).toBeUndefined();
  });
});

describe("failures inside of a 200", () => {
  test.each<[string, JsonObject, string]>([
    [
      "nested, as recorded",
      {
        type: "error",
        sequence_number: 2,
        error: { type: "insufficient_quota", code: "insufficient_quota", message: "No quota.", param: null },
      },
      "provider_billing",
    ],
    [
      "flat, as documented",
      { type: "error", sequence_number: 2, code: "rate_limit_exceeded", message: "Try again in 2s.", param: null },
      "provider_rate_limited",
    ],
    [
      "overloaded",
      { type: "error", error: { type: "overloaded_error", code: "server_is_overloaded", message: "Busy" } },
      "provider_overloaded",
    ],
    [
      "a failed response",
      { type: "response.failed", response: { status: "failed", error: { code: "server_error", message: "Oops" } } },
      "provider_error",
    ],
    [
      "the caller's fault",
      { type: "response.failed", response: { status: "failed", error: { code: "invalid_prompt", message: "Bad prompt" } } },
      "provider_rejected",
    ],
    [
      "a filtered prompt",
      { type: "response.failed", response: { status: "failed", error: { code: "bio_policy", message: "Blocked" } } },
      "content_filtered",
    ],
    [
      "too much input",
      { type: "response.failed", response: { status: "failed", error: { code: "context_length_exceeded", message: "Too long" } } },
      "context_length_exceeded",
    ],
    ["without a reason", { type: "response.failed", response: { status: "failed", error: null } }, "provider_error"],
    ["cancelled", { type: "response.cancelled", response: { status: "cancelled" } }, "provider_error"],
    ["an envelope without a type", { error: { message: "Busy", type: "overloaded" } }, "provider_overloaded"],
  ])("%s", (_, event, code) => {
    const events = decodeStream(created, event);
    expect(failure(events)).toBe(code);
    expect(events).toHaveLength(1);
  });

  test("one failure is told once, though OpenAI tells it twice", () => {
    const events = decodeStream(
      created,
      textDelta("Hi"),
      { type: "error", error: { code: "server_error", message: "Oops" } },
      { type: "response.failed", response: { status: "failed", error: { code: "server_error", message: "Oops" } } },
    );
    expect(events.filter(({ type }) => type === "error")).toHaveLength(1);
  });

  test("what was counted before the failure is told", () => {
    const events = decodeStream(created, textDelta("Hi"), {
      type: "response.failed",
      response: { status: "failed", error: { code: "server_error", message: "Oops" }, usage: { input_tokens: 5, output_tokens: 1 } },
    });
    expect(events.slice(-2)).toMatchObject([{ type: "usage", usage: { input: 5 } }, { type: "error" }]);
  });

  test("a whole reply throws", () => {
    const thrown = (body: JsonObject): string | undefined => {
      try {
        decodeReply(body);
      } catch (error) {
        return isGatewayError(error) ? error.code : undefined;
      }
      return undefined;
    };
    expect(thrown({ error: { message: "Busy", type: "overloaded" } })).toBe("provider_overloaded");
    expect(thrown({ object: "response", status: "failed", output: [], error: { code: "rate_limit_exceeded", message: "Slow down" } })).toBe(
      "provider_rate_limited",
    );
    expect(thrown({ object: "chat.completion", choices: [] })).toBe("provider_bad_response");
  });
});
