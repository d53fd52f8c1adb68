import { describe, expect, test } from "vitest";
import type { AssistantPart, ChatEvent, ChatReply, OpaqueState } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { fold, unfold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { encodeEvents } from "./encode-events.ts";
import { encodeReply } from "./encode-reply.ts";
import { decodeStream, encodeStream, payloads, replyContext } from "./samples.ts";
import { unmint } from "./state.ts";

const start: ChatEvent = { type: "start", id: "chatcmpl-1", model: "gpt-x" };
const end: ChatEvent = { type: "end" };
const finish = (reason: "stop" | "tool-calls" | "length" = "stop"): ChatEvent => ({ type: "finish", choice: 0, finish: { reason } });
const open = (block: number, kind: "text" | "reasoning"): ChatEvent => ({ type: "block-start", choice: 0, block, content: { kind } });
const call = (block: number, id = `call_${block}`): ChatEvent => ({
  type: "block-start",
  choice: 0,
  block,
  content: { kind: "tool-call", id, name: "look", call: "function" },
});
const text = (block: number, content: string): ChatEvent => ({ type: "text-delta", choice: 0, block, text: content });
const args = (block: number, content: string): ChatEvent => ({ type: "arguments-delta", choice: 0, block, text: content });
const close = (block: number, state?: OpaqueState): ChatEvent => ({ type: "block-end", choice: 0, block, ...(state && { state }) });

/** `type` and `index` of each payload, in order. */
function outline(sent: JsonObject[]): string[] {
  return sent.map(({ type, index }) => (index === undefined ? String(type) : `${String(type)} ${String(index)}`));
}

function deltas(sent: JsonObject[], index: number): JsonObject[] {
  return sent
    .filter((payload) => payload.type === "content_block_delta" && payload.index === index)
    .map((payload) => payload.delta as JsonObject);
}

function blockOf(sent: JsonObject[], index: number): JsonObject | undefined {
  return sent.find((payload) => payload.type === "content_block_start" && payload.index === index)?.content_block as JsonObject | undefined;
}

describe("the client's stream", () => {
  test("text: every event once, in order, with the whole usage in the last delta", () => {
    const usage: ChatEvent = { type: "usage", usage: { input: 100, output: 7, cacheRead: 60 } };
    const sent = encodeStream(start, open(0, "text"), text(0, "a"), text(0, "b"), close(0), finish(), usage, end);
    expect(outline(sent)).toEqual([
      "message_start",
      "content_block_start 0",
      "content_block_delta 0",
      "content_block_delta 0",
      "content_block_stop 0",
      "message_delta",
      "message_stop",
    ]);
    expect(sent[0]?.message).toMatchObject({
      id: "msg_hg_1",
      type: "message",
      role: "assistant",
      model: "gpt-x",
      content: [],
      stop_reason: null,
      usage: { input_tokens: 0 },
    });
    expect(sent.at(-2)).toMatchObject({
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { input_tokens: 40, cache_read_input_tokens: 60, cache_creation_input_tokens: 0, output_tokens: 7 },
    });
  });

  test("usage that is known at the start opens the message", () => {
    const sent = encodeStream(
      start,
      { type: "usage", usage: { input: 5, output: 1 } },
      open(0, "text"),
      text(0, "a"),
      close(0),
      finish(),
      end,
    );
    expect(sent[0]?.message).toMatchObject({ usage: { input_tokens: 5, output_tokens: 1 } });
  });

  test("a stream that begins with a tool call still begins with message_start, and a missing start is made up for", () => {
    const sent = encodeStream(call(0), args(0, "{}"), close(0), finish("tool-calls"), end);
    expect(outline(sent).slice(0, 2)).toEqual(["message_start", "content_block_start 0"]);
    expect(sent[0]?.message).toMatchObject({ id: "msg_hg_1", model: "smart" });
  });

  test("empty text never becomes a block, and costs no index", () => {
    const sent = encodeStream(
      start,
      open(0, "text"),
      text(0, ""),
      close(0),
      call(1),
      args(1, '{"a":1}'),
      close(1),
      finish("tool-calls"),
      end,
    );
    expect(outline(sent)).toEqual([
      "message_start",
      "content_block_start 0",
      "content_block_delta 0",
      "content_block_stop 0",
      "message_delta",
      "message_stop",
    ]);
    expect(blockOf(sent, 0)).toEqual({ type: "tool_use", id: "call_1", name: "look", input: {} });
  });

  test("stop after a tool call is tool_use; length stays max_tokens", () => {
    const reason = (event: ChatEvent) => encodeStream(start, call(0), close(0), event, end).at(-2)?.delta;
    expect(reason(finish("stop"))).toMatchObject({ stop_reason: "tool_use" });
    expect(reason(finish("length"))).toMatchObject({ stop_reason: "max_tokens" });
  });

  test("parallel calls that grow side by side are written one after the other", () => {
    const sent = encodeStream(
      start,
      call(0),
      call(1),
      args(0, '{"a"'),
      args(1, '{"b"'),
      args(0, ":1}"),
      args(1, ":2}"),
      close(0),
      close(1),
      finish("tool-calls"),
      end,
    );
    expect(outline(sent)).toEqual([
      "message_start",
      "content_block_start 0",
      "content_block_delta 0",
      "content_block_delta 0",
      "content_block_stop 0",
      "content_block_start 1",
      "content_block_delta 1",
      "content_block_delta 1",
      "content_block_stop 1",
      "message_delta",
      "message_stop",
    ]);
    expect(
      deltas(sent, 1)
        .map(({ partial_json }) => partial_json)
        .join(""),
    ).toBe('{"b":2}');
  });

  test("arguments are always an object in the end", () => {
    for (const [pieces, expected] of [
      [[], "{}"],
      [["null"], "{}"],
      [[" ", "nul", "l"], "{}"],
      [["[1", "]"], '{"value":[1]}'],
      [[' {"a"', ":1}"], ' {"a":1}'],
    ] as [string[], string][]) {
      const sent = encodeStream(start, call(0), ...pieces.map((piece) => args(0, piece)), close(0), finish("tool-calls"), end);
      expect(
        deltas(sent, 0)
          .map(({ partial_json }) => partial_json)
          .join("")
          .trim(),
      ).toBe(expected.trim());
    }
  });

  test("a custom tool's free text becomes the one argument of an object, piece by piece", () => {
    const custom: ChatEvent = {
      type: "block-start",
      choice: 0,
      block: 0,
      content: { kind: "tool-call", id: "c", name: "patch", call: "custom" },
    };
    const sent = encodeStream(
      start,
      custom,
      args(0, 'say "'),
      args(0, 'hi"\n\ud83d'),
      args(0, "\ude00"),
      close(0),
      finish("tool-calls"),
      end,
    );
    expect(
      JSON.parse(
        deltas(sent, 0)
          .map(({ partial_json }) => partial_json)
          .join(""),
      ),
    ).toEqual({ input: 'say "hi"\n\u{1f600}' });
  });

  test("ids outside the client's alphabet are escaped", () => {
    expect(blockOf(encodeStream(start, call(0, "functions.look:0"), close(0), finish("tool-calls"), end), 0)?.id).toBe(
      "hgid-functions-2e-look-3a-0",
    );
  });

  test("pings are events once the message has begun, comments before", () => {
    const encoder = encodeEvents(replyContext);
    expect(encoder.push({ type: "ping" })).toBe(": ping\n\n");
    expect(encoder.push(start)).toBe("");
    expect(payloads(encoder.push({ type: "ping" })).map(({ type }) => type)).toEqual(["message_start", "ping"]);
  });

  test("an error is the last thing, and no ending is made up", () => {
    const error = new GatewayError("provider_overloaded", "Overloaded");
    const sent = encodeStream(start, open(0, "text"), text(0, "a"), { type: "error", error }, close(0), finish(), end);
    expect(outline(sent)).toEqual(["message_start", "content_block_start 0", "content_block_delta 0", "error"]);
    expect(sent.at(-1)).toMatchObject({ error: { type: "overloaded_error" }, request_id: "hg_1" });
    expect(encodeStream(start, end).at(-1)).toMatchObject({ type: "error", error: { type: "api_error" } });
    expect(encodeStream(start, { type: "finish", choice: 0, finish: { reason: "malformed-call" } }, end).at(-1)).toMatchObject({
      type: "error",
    });
  });

  test("what only the vendor's own stream has travels through", () => {
    const sent = encodeStream(
      ...decodeStream(
        {
          type: "message_start",
          message: { id: "msg_9", model: "claude-x", usage: { input_tokens: 1, output_tokens: 1, inference_geo: "eu" } },
        },
        { type: "content_block_start", index: 0, content_block: { type: "server_tool_use", id: "s", name: "web_search", input: {} } },
        { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"query":"q"}' } },
        { type: "content_block_stop", index: 0 },
        {
          type: "message_delta",
          delta: { stop_reason: "refusal", stop_details: { type: "refusal", category: "bio" }, container: { id: "c" } },
          context_management: { applied_edits: [] },
          usage: { output_tokens: 3 },
        },
        { type: "message_stop" },
      ),
    );
    expect(sent[0]?.message).toMatchObject({ id: "msg_9", usage: { inference_geo: "eu" } });
    expect(blockOf(sent, 0)).toEqual({ type: "server_tool_use", id: "s", name: "web_search", input: {} });
    expect(deltas(sent, 0)).toEqual([{ type: "input_json_delta", partial_json: '{"query":"q"}' }]);
    expect(sent.at(-2)).toMatchObject({
      delta: { stop_reason: "refusal", stop_details: { category: "bio" }, container: { id: "c" } },
      context_management: { applied_edits: [] },
      usage: { input_tokens: 1, output_tokens: 3, inference_geo: "eu" },
    });
  });
});

describe("opaque state on its way through the client", () => {
  const foreign: OpaqueState = { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1" };

  test("the vendor's own signature is sent once, whole", () => {
    const own: OpaqueState = { format: "anthropic/messages", kind: "signature", data: "sig" };
    const sent = encodeStream(
      start,
      open(0, "reasoning"),
      { type: "reasoning-delta", choice: 0, block: 0, text: "hm" },
      close(0, own),
      finish(),
      end,
    );
    expect(blockOf(sent, 0)).toEqual({ type: "thinking", thinking: "", signature: "" });
    expect(deltas(sent, 0)).toEqual([
      { type: "thinking_delta", thinking: "hm" },
      { type: "signature_delta", signature: "sig" },
    ]);
  });

  test("signed or redacted reasoning without text is a block; reasoning of nothing is none", () => {
    const own = { format: "anthropic/messages", data: "d" } as const;
    expect(blockOf(encodeStream(start, open(0, "reasoning"), close(0, { ...own, kind: "redacted" }), finish(), end), 0)).toEqual({
      type: "redacted_thinking",
      data: "d",
    });
    expect(deltas(encodeStream(start, open(0, "reasoning"), close(0, { ...own, kind: "signature" }), finish(), end), 0)).toEqual([
      { type: "signature_delta", signature: "d" },
    ]);
    expect(outline(encodeStream(start, open(0, "reasoning"), close(0), finish(), end))).toEqual([
      "message_start",
      "message_delta",
      "message_stop",
    ]);
  });

  test("foreign state, and none, become a signature that names its origin", () => {
    const signed = (state?: OpaqueState) => {
      const sent = encodeStream(
        start,
        open(0, "reasoning"),
        { type: "reasoning-delta", choice: 0, block: 0, text: "hm" },
        close(0, state),
        finish(),
        end,
      );
      return unmint(String(deltas(sent, 0).at(-1)?.signature));
    };
    expect(signed(foreign)).toEqual({ state: { ...foreign, origin: "vendor/model" } });
    expect(signed()).toEqual({ origin: "vendor/model" });
  });

  test("state on a tool call follows it in a block of its own", () => {
    const google: OpaqueState = { format: "google/generate-content", kind: "signature", data: "Eq" };
    const sent = encodeStream(start, call(0), args(0, "{}"), close(0, google), call(1), close(1), finish("tool-calls"), end);
    expect([blockOf(sent, 0)?.type, blockOf(sent, 1)?.type, blockOf(sent, 2)?.type]).toEqual(["tool_use", "thinking", "tool_use"]);
    expect(unmint(String(deltas(sent, 1)[0]?.signature))).toEqual({ state: { ...google, origin: "vendor/model" }, on: "tool-call" });
  });
});

describe("a whole reply and its stream", () => {
  const parts: AssistantPart[] = [
    { type: "reasoning", text: "hm", state: { format: "deepseek", kind: "signature", data: "x" } },
    { type: "text", text: "" },
    {
      type: "text",
      text: "see",
      citations: [{ url: "https://a", title: "t", citedText: "c", raw: {}, format: "openai/chat-completions" }],
    },
    { type: "refusal", text: "no" },
    { type: "tool-call", id: "a.b", name: "look", kind: "function", arguments: '{"x":[1,2]}' },
    { type: "tool-call", id: "c", name: "patch", kind: "custom", arguments: "free" },
    { type: "media", source: { kind: "base64", mediaType: "audio/wav", data: "AA==" }, transcript: "hello" },
    { type: "vendor", format: "openai/responses", value: { type: "odd" } },
  ];
  const reply: ChatReply = {
    id: "chatcmpl-1",
    model: "gpt-x",
    choices: [{ content: parts, finish: { reason: "stop" } }],
    usage: { input: 3, output: 4 },
  };

  test("say the same", () => {
    const whole = encodeReply(reply, replyContext);
    const streamed = encodeStream(...unfold(reply));
    const again = encodeReply(fold(decodeStream(...streamed)), replyContext);
    expect(again).toEqual(whole);
    expect((whole.content as JsonObject[]).map(({ type }) => type)).toEqual(["thinking", "text", "text", "tool_use", "tool_use", "text"]);
    expect(whole).toMatchObject({ id: "msg_hg_1", stop_reason: "tool_use" });
  });

  test("a content filter is a refusal; an unknown reason the neutral word", () => {
    const word = (finish: ChatReply["choices"][0]["finish"]) =>
      encodeReply({ choices: [{ content: [], finish }] }, replyContext).stop_reason;
    expect(word({ reason: "content-filter", raw: "content_filter" })).toBe("refusal");
    expect(word({ reason: "unknown", raw: "eos" })).toBe("end_turn");
    expect(word({ reason: "unknown", raw: "compaction" })).toBe("compaction");
    expect(() => word({ reason: "malformed-call" })).toThrow(expect.objectContaining({ code: "provider_bad_response" }));
  });
});
