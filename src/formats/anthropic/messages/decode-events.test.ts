import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChatEvent } from "../../../canonical/chat.ts";
import { fold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { decodeEvents } from "./decode-events.ts";
import { blockDelta, blockStart, blockStop, brokenRule, decodeStream, frame, messageDelta, messageStart, messageStop } from "./samples.ts";

const toolStart = blockStart(0, { type: "tool_use", id: "toolu_1", name: "look", input: {} });
const json = (partial_json: string, index = 0) => blockDelta(index, { type: "input_json_delta", partial_json });
const textStart = blockStart(0, { type: "text", text: "" });
const text = (content: string, index = 0) => blockDelta(index, { type: "text_delta", text: content });

function content(...stream: JsonObject[]) {
  const events = decodeStream(messageStart, ...stream);
  expect(brokenRule(events)).toBeUndefined();
  return fold(events).choices[0]?.content;
}

function errorOf(events: ChatEvent[]) {
  expect(brokenRule(events)).toBeUndefined();
  const last = events.at(-1);
  if (last?.type !== "error") throw new Error(`ends with ${last?.type}`);
  return last.error;
}

describe("a stream of Anthropic's", () => {
  test("text, with pings anywhere", () => {
    const ping = { type: "ping" };
    expect(
      decodeStream(messageStart, ping, textStart, text("a"), ping, text("b"), blockStop(0), messageDelta("end_turn"), messageStop),
    ).toMatchObject([
      { type: "start", id: "msg_1", model: "claude-x" },
      { type: "usage", usage: { input: 43, output: 1 } },
      { type: "ping" },
      { type: "block-start", choice: 0, block: 0, content: { kind: "text" } },
      { type: "text-delta", choice: 0, block: 0, text: "a" },
      { type: "ping" },
      { type: "text-delta", choice: 0, block: 0, text: "b" },
      { type: "block-end", choice: 0, block: 0 },
      { type: "usage", usage: { input: 43, output: 9 } },
      { type: "finish", choice: 0, finish: { reason: "stop", raw: "end_turn" } },
      { type: "end" },
    ]);
  });

  test("usage is cumulative: what is told last wins, nothing is added, nothing told before is lost", () => {
    const start = {
      type: "message_start",
      message: { usage: { input_tokens: 43, cache_read_input_tokens: 5, output_tokens: 1, service_tier: "standard" } },
    };
    const events = decodeStream(
      start,
      messageDelta("end_turn", { usage: { input_tokens: 61, output_tokens: 9, cache_read_input_tokens: null } }),
      messageStop,
    );
    expect(events.filter((event) => event.type === "usage").at(-1)).toMatchObject({
      usage: { input: 66, cacheRead: 5, output: 9, serviceTier: "standard" },
    });
  });

  test("the `input` of a tool call's start is a placeholder, never a prefix", () => {
    expect(content(toolStart, json(""), json('{"a"'), json(":1}"), blockStop(0), messageDelta("tool_use"), messageStop)).toEqual([
      { type: "tool-call", id: "toolu_1", name: "look", kind: "function", arguments: '{"a":1}' },
    ]);
  });

  test("a call without arguments has empty ones, and one that came whole in its start has those", () => {
    expect(content(toolStart, json(""), blockStop(0), messageDelta("tool_use"), messageStop)).toMatchObject([{ arguments: "{}" }]);
    const whole = blockStart(0, { type: "tool_use", id: "toolu_1", name: "look", input: { a: 1 } });
    expect(content(whole, blockStop(0), messageDelta("tool_use"), messageStop)).toMatchObject([{ arguments: '{"a":1}' }]);
  });

  test("what only this format says about a call is kept beside it", () => {
    const caller = { type: "code_execution_20260120", tool_id: "srvtoolu_1" };
    const start = blockStart(0, { type: "tool_use", id: "toolu_1", name: "hgfn-fs-2e-read", input: {}, caller });
    expect(content(start, blockStop(0), messageDelta("tool_use"), messageStop)).toMatchObject([
      { name: "fs.read", extra: { format: "anthropic/messages", fields: { caller } } },
    ]);
  });

  test("end_turn after a tool call is tool-calls; other reasons are not overruled", () => {
    const reason = (raw: string | null) =>
      fold(decodeStream(messageStart, toolStart, blockStop(0), messageDelta(raw), messageStop)).choices[0]?.finish;
    expect(reason("end_turn")).toEqual({ reason: "tool-calls", raw: "end_turn" });
    expect(reason(null)).toEqual({ reason: "tool-calls" });
    expect(reason("max_tokens")).toEqual({ reason: "length", raw: "max_tokens" });
    expect(reason("brand_new")).toEqual({ reason: "unknown", raw: "brand_new" });
  });

  test("thinking: pieces of a signature are joined, and a block of nothing but a signature is kept", () => {
    const thinking = (index: number) => blockStart(index, { type: "thinking", thinking: "", signature: "" });
    const sign = (index: number, signature: string) => blockDelta(index, { type: "signature_delta", signature });
    expect(
      content(
        thinking(0),
        blockDelta(0, { type: "thinking_delta", thinking: "hm" }),
        blockDelta(0, { type: "thinking_delta", thinking: "" }),
        sign(0, "ab"),
        sign(0, "cd"),
        blockStop(0),
        blockStart(1, { type: "text", text: "" }),
        text("x", 1),
        blockStop(1),
        thinking(2),
        sign(2, "ef"),
        blockStop(2),
        blockStart(3, { type: "redacted_thinking", data: "xyz" }),
        blockStop(3),
        messageDelta("end_turn"),
        messageStop,
      ),
    ).toEqual([
      { type: "reasoning", text: "hm", state: { format: "anthropic/messages", kind: "signature", data: "abcd" } },
      { type: "text", text: "x" },
      { type: "reasoning", text: "", state: { format: "anthropic/messages", kind: "signature", data: "ef" } },
      { type: "reasoning", text: "", state: { format: "anthropic/messages", kind: "redacted", data: "xyz" } },
    ]);
  });

  test("blocks of server tools come whole, their input gathered", () => {
    const result = { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [{ type: "web_search_result" }] };
    expect(
      content(
        blockStart(0, { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {} }),
        json(""),
        json('{"query":'),
        json('"q"}'),
        blockStop(0),
        blockStart(1, result),
        blockStop(1),
        blockStart(2, { type: "compaction", content: "" }),
        blockDelta(2, { type: "compaction_delta", content: "summary" }),
        blockStop(2),
        messageDelta("end_turn"),
        messageStop,
      ),
    ).toEqual([
      {
        type: "vendor",
        format: "anthropic/messages",
        value: { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
      },
      { type: "vendor", format: "anthropic/messages", value: result },
      { type: "vendor", format: "anthropic/messages", value: { type: "compaction", content: "summary" } },
    ]);
  });

  test("citations belong to their text", () => {
    const citation = { type: "web_search_result_location", url: "https://a", title: "t", cited_text: "c", encrypted_index: "e" };
    expect(
      content(
        textStart,
        text("x"),
        blockDelta(0, { type: "citations_delta", citation }),
        blockStop(0),
        messageDelta("end_turn"),
        messageStop,
      ),
    ).toEqual([
      {
        type: "text",
        text: "x",
        citations: [{ url: "https://a", title: "t", citedText: "c", raw: citation, format: "anthropic/messages" }],
      },
    ]);
  });

  test("a refusal without any block keeps its particulars", () => {
    const details = { type: "refusal", category: "cyber", explanation: "no" };
    const delta = {
      type: "message_delta",
      delta: { stop_reason: "refusal", stop_sequence: null, stop_details: details },
      usage: { output_tokens: 0 },
    };
    expect(fold(decodeStream(messageStart, delta, messageStop)).choices[0]).toEqual({
      content: [],
      finish: { reason: "refusal", raw: "refusal", details },
    });
  });

  test("container and context management are kept for clients of this format", () => {
    const delta = {
      type: "message_delta",
      delta: { stop_reason: "end_turn", container: { id: "c" } },
      context_management: { applied_edits: [] },
    };
    expect(fold(decodeStream(messageStart, delta, messageStop)).extra).toEqual({
      format: "anthropic/messages",
      fields: { container: { id: "c" }, context_management: { applied_edits: [] } },
    });
  });

  test("events and deltas that are new to us pass in silence, on any block", () => {
    expect(
      content(
        { type: "brand_new" },
        textStart,
        blockDelta(0, { type: "odd_delta", x: 1 }),
        text("a"),
        blockStop(0),
        messageDelta("end_turn"),
        messageStop,
      ),
    ).toEqual([{ type: "text", text: "a" }]);
  });
});

describe("streams that break the rules", () => {
  test("one that ends without its ending is cut, its open block closed", () => {
    expect(errorOf(decodeStream(messageStart, textStart, text("a"))).code).toBe("provider_stream_cut");
    expect(errorOf(decodeStream()).code).toBe("provider_stream_cut");
    expect(errorOf(decodeStream(messageStart, textStart, text("a"), blockStop(0), messageDelta(null))).code).toBe("provider_stream_cut");
  });

  test("one that lacks only message_stop is whole", () => {
    expect(decodeStream(messageStart, textStart, text("a"), messageDelta("end_turn")).at(-1)).toEqual({ type: "end" });
  });

  test("an error event says what its status would have, and ends it all", () => {
    const error = (type: string) => ({ type: "error", error: { type, message: "Overloaded" }, request_id: "req_1" });
    for (const [type, code, retryable] of [
      ["overloaded_error", "provider_overloaded", true],
      ["rate_limit_error", "provider_rate_limited", true],
      ["api_error", "provider_error", true],
      ["timeout_error", "provider_timeout", true],
      ["invalid_request_error", "provider_rejected", false],
      ["brand_new_error", "provider_error", true],
    ] as const) {
      const found = errorOf(decodeStream(messageStart, textStart, text("a"), error(type), text("b"), messageStop));
      expect([found.code, found.retryable]).toEqual([code, retryable]);
      expect(found.upstream).toMatchObject({ type, requestId: "req_1" });
    }
    expect(errorOf(decodeStream({ error: { message: "odd" } })).code).toBe("provider_error");
  });

  test("a repeated message_start is not a second message", () => {
    const events = decodeStream(
      messageStart,
      messageStart,
      textStart,
      text("a"),
      messageStart,
      text("b"),
      blockStop(0),
      messageDelta("end_turn"),
      messageStop,
    );
    expect(events.filter((event) => event.type === "start")).toHaveLength(1);
    expect(brokenRule(events)).toBeUndefined();
    expect(fold(events).choices[0]?.content).toEqual([{ type: "text", text: "ab" }]);
  });

  test("a second answer behind one that broke off is an error: half a call must not be run", () => {
    const second = { type: "message_start", message: { id: "msg_2" } };
    expect(errorOf(decodeStream(messageStart, toolStart, json('{"path":"/tmp'), second, toolStart, blockStop(0), messageStop)).code).toBe(
      "provider_stream_cut",
    );
    expect(
      errorOf(decodeStream(messageStart, textStart, text("a"), second, textStart, text("b"), messageDelta("end_turn"), messageStop)).code,
    ).toBe("provider_stream_cut");
  });

  test("a second answer behind a finished one is not part of it; before any block it is the answer", () => {
    const second = { type: "message_start", message: { id: "msg_2" } };
    expect(content(textStart, text("a"), blockStop(0), messageDelta("end_turn"), second, textStart, text("b"))).toEqual([
      { type: "text", text: "a" },
    ]);
    expect(content(second, textStart, text("b"), blockStop(0), messageDelta("end_turn"), messageStop)).toEqual([
      { type: "text", text: "b" },
    ]);
  });

  test("text for an open tool call, or for no block at all, gets a block of its own", () => {
    expect(content(toolStart, json("{}"), text("so"), blockStop(0), messageDelta("tool_use"), messageStop)).toEqual([
      { type: "tool-call", id: "toolu_1", name: "look", kind: "function", arguments: "{}" },
      { type: "text", text: "so" },
    ]);
    expect(fold(decodeStream(text("a"), messageDelta("end_turn"))).choices[0]?.content).toEqual([{ type: "text", text: "a" }]);
  });

  test("data that is not JSON is a bad response; another format's [DONE] is not", () => {
    const decoder = decodeEvents();
    expect(decoder.push({ event: "", data: "[DONE]" })).toEqual([]);
    expect(errorOf(decoder.push({ event: "message", data: "<html>" })).code).toBe("provider_bad_response");
    expect(decoder.push(frame(messageStop))).toEqual([]);
    expect(decoder.end()).toEqual([]);
  });

  test("the event's name stands in for a missing type", () => {
    const decoder = decodeEvents();
    expect(decoder.push({ event: "ping", data: "{}" })).toEqual([{ type: "ping" }]);
  });

  test("whatever comes, blocks are dense, started once, ended once, and the end is the end", () => {
    const index = fc.integer({ min: 0, max: 2 });
    const events = fc.oneof(
      fc.constantFrom(messageStart, messageStop, messageDelta("end_turn"), messageDelta(null), { type: "ping" }),
      fc.record({
        type: fc.constant("content_block_start"),
        index,
        content_block: fc.constantFrom(
          { type: "text", text: "x" },
          { type: "thinking", thinking: "" },
          { type: "tool_use", id: "t", name: "n", input: {} },
          { type: "redacted_thinking", data: "d" },
          { type: "odd" },
          {},
        ),
      }),
      fc.record({
        type: fc.constant("content_block_delta"),
        index,
        delta: fc.constantFrom(
          { type: "text_delta", text: "a" },
          { type: "thinking_delta", thinking: "b" },
          { type: "input_json_delta", partial_json: "{" },
          { type: "signature_delta", signature: "s" },
          { type: "odd" },
          {},
        ),
      }),
      fc.record({ type: fc.constant("content_block_stop"), index }),
    );
    fc.assert(
      fc.property(fc.array(events, { maxLength: 20 }), (stream) => {
        expect(brokenRule(decodeStream(...(stream as JsonObject[])))).toBeUndefined();
      }),
    );
  });
});
