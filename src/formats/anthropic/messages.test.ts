import { describe, expect, test } from "vitest";
import type { ChatEvent, OpaqueState } from "../../canonical/chat.ts";
import { fold } from "../../canonical/fold.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { messages } from "./messages.ts";
import { decode, decodeStream, encode, encodeStream, replyContext } from "./messages/samples.ts";

describe("where and how the vendor is called", () => {
  test("path and version", () => {
    expect(messages.provider.path()).toBe("/v1/messages");
    expect(messages.provider.headers()).toEqual({ "anthropic-version": "2023-06-01" });
  });
});

describe("a conversation of an Anthropic client that another vendor answers", () => {
  const state: OpaqueState = { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1", origin: "vendor/model" };
  const events: ChatEvent[] = [
    { type: "start", id: "resp_1", model: "gpt-x" },
    { type: "block-start", choice: 0, block: 0, content: { kind: "reasoning" } },
    { type: "reasoning-delta", choice: 0, block: 0, text: "hm" },
    { type: "block-end", choice: 0, block: 0, state },
    { type: "block-start", choice: 0, block: 1, content: { kind: "tool-call", id: "functions.look:0", name: "look", call: "function" } },
    { type: "arguments-delta", choice: 0, block: 1, text: '{"at":1}' },
    { type: "block-end", choice: 0, block: 1 },
    { type: "finish", choice: 0, finish: { reason: "tool-calls" } },
    { type: "end" },
  ];

  /** What the client stores of the answer, and sends back with the tool's result. */
  function nextRequest(): JsonObject {
    const { content } = messages.client.encodeReply(fold(decodeStream(...encodeStream(...events))), replyContext);
    const call = (content as JsonObject[]).find(({ type }) => type === "tool_use");
    return {
      messages: [
        { role: "user", content: "look" },
        { role: "assistant", content: content ?? null },
        { role: "user", content: [{ type: "tool_result", tool_use_id: call?.id ?? null, content: "seen" }] },
      ],
      tools: [{ name: "look", input_schema: { type: "object", properties: {} } }],
    };
  }

  test("streamed and whole, the client gets legal ids only", () => {
    for (const content of [encodeStream(...events), messages.client.encodeReply(fold(events), replyContext).content]) {
      expect(JSON.stringify(content)).toContain('"id":"hgid-functions-2e-look-3a-0"');
    }
  });

  test("the next turn gives the vendor its own ids and state back", () => {
    expect(decode(nextRequest()).messages.slice(1)).toMatchObject([
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm", state },
          { type: "tool-call", id: "functions.look:0", name: "look", arguments: '{"at":1}' },
        ],
      },
      { role: "tool", content: [{ callId: "functions.look:0", name: "look", content: [{ text: "seen" }] }] },
    ]);
  });

  test("when Anthropic answers the next turn, translated or verbatim, it sees neither", () => {
    const request = nextRequest();
    const { body, told } = encode(decode(request));
    expect(JSON.stringify(body)).not.toMatch(/headgate|gAAA/);
    expect((body.messages as JsonObject[])[1]?.content).toEqual([
      { type: "tool_use", id: "hgid-functions-2e-look-3a-0", name: "look", input: { at: 1 } },
    ]);
    expect(told).toEqual(["dropped messages[1].content[0]"]);
    const edited = messages.verbatim.edits(request, { model: "claude-x", quirks: new Set() });
    expect(JSON.stringify({ ...request, ...edited })).not.toMatch(/headgate|gAAA/);
  });
});
