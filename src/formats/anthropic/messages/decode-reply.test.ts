import { describe, expect, test } from "vitest";
import { fold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { decodeReply } from "./decode-reply.ts";
import { encodeReply } from "./encode-reply.ts";
import { brokenRule, replyContext } from "./samples.ts";
import { decodeUsage, encodeUsage } from "./usage.ts";

const message: JsonObject = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-x",
  content: [],
  stop_reason: "end_turn",
  stop_sequence: null,
  stop_details: null,
  usage: { input_tokens: 3, output_tokens: 4 },
};

describe("a whole reply", () => {
  test("comes back as it was, whatever stands in it", () => {
    const body: JsonObject = {
      ...message,
      content: [
        { type: "thinking", thinking: "", signature: "sig" },
        { type: "redacted_thinking", data: "xyz" },
        { type: "text", text: "a", citations: [{ type: "page_location", cited_text: "c", document_title: "d" }] },
        { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
        { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [] },
        { type: "tool_use", id: "toolu_1", name: "look", input: { a: [1, "x"] }, caller: { type: "direct" } },
      ],
      stop_reason: "tool_use",
      container: { id: "c" },
      usage: {
        input_tokens: 3,
        cache_creation_input_tokens: 10,
        cache_read_input_tokens: 20,
        cache_creation: { ephemeral_5m_input_tokens: 6, ephemeral_1h_input_tokens: 4 },
        output_tokens: 7,
        output_tokens_details: { thinking_tokens: 5 },
        server_tool_use: { web_search_requests: 1, web_fetch_requests: 0 },
        service_tier: "priority",
        inference_geo: "eu",
      },
    };
    const events = decodeReply(body);
    expect(brokenRule(events)).toBeUndefined();
    expect(encodeReply(fold(events), replyContext)).toEqual(body);
    expect(fold(events).usage).toMatchObject({
      input: 33,
      output: 7,
      cacheRead: 20,
      cacheWrite: 10,
      cacheWriteLong: 4,
      reasoning: 5,
      serviceTier: "priority",
    });
  });

  test.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop-sequence"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "context-overflow"],
    ["tool_use", "tool-calls"],
    ["refusal", "refusal"],
    ["pause_turn", "pause"],
  ])("%s is %s, and back", (raw, reason) => {
    const reply = fold(decodeReply({ ...message, stop_reason: raw }));
    expect(reply.choices[0]?.finish).toEqual({ reason, raw });
    expect(encodeReply(reply, replyContext).stop_reason).toBe(raw);
  });

  test("no stop reason is no reason to invent one", () => {
    expect(fold(decodeReply({ ...message, stop_reason: null })).choices[0]?.finish).toEqual({ reason: "unknown" });
  });

  test("what is no message is a bad response; an error inside a 200 is that error", () => {
    expect(() => decodeReply({ choices: [] })).toThrow(expect.objectContaining({ code: "provider_bad_response" }));
    expect(() => decodeReply({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } })).toThrow(
      expect.objectContaining({ code: "provider_overloaded" }),
    );
  });
});

describe("usage", () => {
  test("the total includes cached tokens, and leaves without them", () => {
    const usage = decodeUsage({ input_tokens: 2, cache_creation_input_tokens: 3068, cache_read_input_tokens: 100, output_tokens: 9 });
    expect([usage.input, usage.cacheWrite, usage.cacheRead]).toEqual([3170, 3068, 100]);
    const { raw: _, rawFormat: __, ...foreign } = usage;
    expect(encodeUsage(foreign)).toMatchObject({
      input_tokens: 2,
      cache_creation_input_tokens: 3068,
      cache_read_input_tokens: 100,
      output_tokens: 9,
    });
  });

  test("compaction passes are billed beside the totals; other iterations are in them", () => {
    const usage = decodeUsage({
      input_tokens: 682,
      output_tokens: 1320,
      iterations: [
        { type: "compaction", input_tokens: 60_385, output_tokens: 592 },
        { type: "message", input_tokens: 682, output_tokens: 1320 },
      ],
    });
    expect([usage.input, usage.output]).toEqual([61_067, 1912]);
    expect(encodeUsage(usage)).toMatchObject({ input_tokens: 682, output_tokens: 1320 });
  });

  test("counts that are none are none", () => {
    expect(decodeUsage({ input_tokens: null, output_tokens: -3, cache_read_input_tokens: "7" })).toMatchObject({ input: 0, output: 0 });
  });

  test("another vendor's usage becomes the whole object", () => {
    expect(
      encodeUsage({ input: 100, output: 20, cacheRead: 60, cacheWrite: 30, cacheWriteLong: 10, reasoning: 5, serviceTier: "default" }),
    ).toEqual({
      input_tokens: 10,
      cache_creation_input_tokens: 30,
      cache_read_input_tokens: 60,
      cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
      output_tokens: 20,
      output_tokens_details: { thinking_tokens: 5 },
      server_tool_use: null,
      service_tier: "standard",
    });
  });
});
