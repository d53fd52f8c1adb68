import { describe, expect, test } from "vitest";
import type { ChatRequest, Message } from "../../canonical/chat.ts";
import { fold } from "../../canonical/fold.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { AwsEventStreamReader } from "../../upstream/framing/aws-event-stream.ts";
import { concat, encodeEvent, encodeException } from "../../upstream/framing/aws-event-samples.ts";
import type { EncodeContext } from "../codec.ts";
import { converse } from "./converse.ts";
import { brokenRule, callStart, delta, encode, look, messageStop, metadata, stop, user } from "./converse/samples.ts";

const { provider } = converse;

describe("where and how the vendor is called", () => {
  test("the model stands in the path, all but letters, digits and `-_.~` escaped", () => {
    expect(provider.path("us.anthropic.claude-x-v1:0", false)).toBe("/model/us.anthropic.claude-x-v1%3A0/converse");
    expect(provider.path("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x", true)).toBe(
      "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-x/converse-stream",
    );
    expect(provider.path("a!b'c(d)e*f", false)).toBe("/model/a%21b%27c%28d%29e%2Af/converse");
  });

  test("a stream is asked for as what it is", () => {
    const request: ChatRequest = { model: "m", messages: [], stream: true };
    expect(provider.headers(request)).toEqual({ accept: "application/vnd.amazon.eventstream" });
    expect(provider.headers({ ...request, stream: false })).toEqual({});
  });
});

describe("an answer off the wire", () => {
  const messages = [
    ["messageStart", { role: "assistant" }] as const,
    delta(0, { reasoningContent: { text: "I look — 日本." } }),
    delta(0, { reasoningContent: { signature: "sig" } }),
    stop(0),
    delta(1, { text: "Looking." }),
    stop(1),
    callStart(2, "tooluse_1", "look"),
    delta(2, { toolUse: { input: '{"at":12345678901234567890}' } }),
    stop(2),
    messageStop("tool_use"),
    metadata({ inputTokens: 10, outputTokens: 5, totalTokens: 15, cacheReadInputTokens: 90 }),
  ].map(([event, payload]) => encodeEvent(event, JSON.stringify({ ...payload, p: "abcdefghijklmnop" })));
  const bytes = concat(messages);

  function decode(slices: readonly Uint8Array[]) {
    const reader = new AwsEventStreamReader();
    const decoder = provider.decodeEvents();
    return [...slices.flatMap((slice) => reader.push(slice)), ...reader.end()]
      .flatMap((frame) => decoder.push(frame))
      .concat(decoder.end());
  }

  test("is the same, wherever the bytes are cut", () => {
    const whole = decode([bytes]);
    expect(brokenRule(whole)).toBeUndefined();
    expect(fold(whole)).toMatchObject({
      choices: [
        {
          content: [
            { type: "reasoning", text: "I look — 日本.", state: { data: "sig" } },
            { type: "text", text: "Looking." },
            { type: "tool-call", id: "tooluse_1", arguments: '{"at":12345678901234567890}' },
          ],
          finish: { reason: "tool-calls" },
        },
      ],
      usage: { input: 100, output: 5, cacheRead: 90 },
    });
    for (let cut = 0; cut <= bytes.length; cut++) expect(decode([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
    expect(decode(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  test("is an error when the connection is cut anywhere before the stop reason", () => {
    const beforeStop = concat(messages.slice(0, -2));
    for (let cut = 0; cut <= beforeStop.length; cut += 7)
      expect(decode([bytes.subarray(0, cut)]).at(-1)).toMatchObject({ type: "error", error: { code: "provider_stream_cut" } });
    const beforeMetadata = concat(messages.slice(0, -1));
    for (const cut of [0, 1, 40]) expect(decode([bytes.subarray(0, beforeMetadata.length + cut)]).at(-1)).toEqual({ type: "end" });
  });

  test("is an error when an exception comes first: another target may still answer", () => {
    const events = decode([encodeException("throttlingException", '{"message":"Too many requests"}')]);
    expect(events).toMatchObject([{ type: "error", error: { code: "provider_rate_limited", retryable: true, status: 429 } }]);
  });
});

describe("the next turn", () => {
  test("gives the vendor back what it said, state and ids included", () => {
    const content: JsonObject[] = [
      { reasoningContent: { reasoningText: { text: "hm", signature: "sig" } } },
      { reasoningContent: { redactedContent: "cmVk" } },
      {
        citationsContent: {
          content: [{ text: "cited" }],
          citations: [{ title: "T", location: { documentChar: { documentIndex: 0, start: 0, end: 1 } } }],
        },
      },
      { text: "Looking." },
      { toolUse: { toolUseId: "tooluse_1", name: "hgfn-files-2e-read", input: { at: 1 } } },
    ];
    const reply = fold(provider.decodeReply({ output: { message: { role: "assistant", content } }, stopReason: "tool_use" }));
    const answer: Message = { role: "assistant", content: reply.choices[0]?.content ?? [] };
    const result: Message = {
      role: "tool",
      content: [{ type: "tool-result", callId: "tooluse_1", content: [{ type: "text", text: "seen" }] }],
    };
    const { body, told } = encode({ messages: [user("go"), answer, result], tools: [{ ...look, name: "files.read" }] });
    expect((body.messages as JsonObject[])[1]).toEqual({ role: "assistant", content });
    expect(told).toEqual([]);
  });

  test("the same history makes the same bytes: the prompt cache holds", () => {
    const name = `mcp__server__${"x".repeat(100)}`;
    const call: Message = {
      role: "assistant",
      content: [{ type: "tool-call", id: "functions.x:0", name, kind: "function", arguments: "{}" }],
    };
    const context: EncodeContext = { capabilities: {}, quirks: new Set(), origin: "bedrock/m", warn: () => {} };
    const once = () =>
      JSON.stringify(provider.encodeRequest({ model: "m", messages: [user("a"), call, user("b")], stream: false }, context));
    expect(once()).toBe(once());
  });
});
