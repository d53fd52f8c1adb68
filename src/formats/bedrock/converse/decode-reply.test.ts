import { describe, expect, test } from "vitest";
import { fold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { decodeReply } from "./decode-reply.ts";
import { brokenRule } from "./samples.ts";

function decode(content: JsonObject[], more: JsonObject = {}) {
  const events = decodeReply({ output: { message: { role: "assistant", content } }, stopReason: "end_turn", ...more });
  expect(brokenRule(events)).toBeUndefined();
  return fold(events);
}

describe("a whole reply", () => {
  test("every block, in its order", () => {
    const citation = { title: "T", location: { documentPage: { documentIndex: 0, start: 1, end: 2 } } };
    expect(
      decode([
        { reasoningContent: { reasoningText: { text: "hm", signature: "sig" } } },
        { reasoningContent: { redactedContent: "cmVk" } },
        { text: "so" },
        { citationsContent: { content: [{ text: "ci" }, { text: "ted" }], citations: [citation] } },
        { toolUse: { toolUseId: "t", name: "hgfn-a-2e-b", input: { at: 1 } } },
        { image: { format: "png", source: { bytes: "aGk=" } } },
        { toolUse: { toolUseId: "s", name: "nova_grounding", input: {}, type: "server_tool_use" } },
        { somethingNew: { a: 1 } },
      ]).choices[0]?.content,
    ).toEqual([
      { type: "reasoning", text: "hm", state: { format: "bedrock/converse", kind: "signature", data: "sig" } },
      { type: "reasoning", text: "", state: { format: "bedrock/converse", kind: "redacted", data: "cmVk" } },
      { type: "text", text: "so" },
      { type: "text", text: "cited", citations: [{ title: "T", raw: citation, format: "bedrock/converse" }] },
      { type: "tool-call", id: "t", name: "a.b", kind: "function", arguments: '{"at":1}' },
      { type: "media", source: { kind: "base64", mediaType: "image/png", data: "aGk=" } },
      {
        type: "vendor",
        format: "bedrock/converse",
        value: { toolUse: { toolUseId: "s", name: "nova_grounding", input: {}, type: "server_tool_use" } },
      },
      { type: "vendor", format: "bedrock/converse", value: { somethingNew: { a: 1 } } },
    ]);
  });

  test("what stands beside the answer is kept; a router says which model answered", () => {
    const trace = { promptRouter: { invokedModelId: "arn:aws:bedrock:us-east-1::foundation-model/x" } };
    const reply = decode([{ text: "x" }], {
      metrics: { latencyMs: 3 },
      trace,
      additionalModelResponseFields: { stop_sequence: "END" },
      stopReason: "stop_sequence",
      usage: { inputTokens: 1, outputTokens: 2 },
      serviceTier: { type: "priority" },
    });
    expect(reply.model).toBe("arn:aws:bedrock:us-east-1::foundation-model/x");
    expect(reply.extra).toEqual({
      format: "bedrock/converse",
      fields: {
        metrics: { latencyMs: 3 },
        trace,
        additionalModelResponseFields: { stop_sequence: "END" },
        serviceTier: { type: "priority" },
      },
    });
    expect(reply.choices[0]?.finish).toEqual({ reason: "stop-sequence", raw: "stop_sequence", stopSequence: "END" });
    expect(reply.usage).toMatchObject({ input: 1, output: 2, serviceTier: "priority" });
  });

  test("without content, and with blocks that are none", () => {
    expect(fold(decodeReply({ output: { message: { role: "assistant" } }, stopReason: "max_tokens" })).choices).toEqual([
      { content: [], finish: { reason: "length", raw: "max_tokens" } },
    ]);
    expect(decode([null as unknown as JsonObject, { text: "x" }]).choices[0]?.content).toEqual([{ type: "text", text: "x" }]);
  });

  test("what is not one", () => {
    expect(() => decodeReply({ choices: [] })).toThrow("no `output.message`");
    expect(() => decodeReply({ __type: "com.amazon#ThrottlingException", message: "slow down" })).toThrow("slow down");
  });
});
