import { describe, expect, test } from "vitest";
import { fold } from "../../../canonical/fold.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { decodeReply } from "./decode-reply.ts";
import { chunk, last, signature } from "./samples.ts";

describe("a whole reply", () => {
  test("text, thoughts, a call and what only this format says", () => {
    const reply = fold(
      decodeReply({
        candidates: [
          {
            content: {
              parts: [
                { text: "hm", thought: true },
                { text: "so", thoughtSignature: signature },
                { functionCall: { id: "c1", name: "look", args: { at: 1 } } },
              ],
              role: "model",
            },
            finishReason: "STOP",
            finishMessage: "Model generated function call(s).",
            avgLogprobs: -0.1,
            index: 0,
          },
        ],
        usageMetadata: {
          promptTokenCount: 4,
          candidatesTokenCount: 2,
          thoughtsTokenCount: 3,
          toolUsePromptTokenCount: 5,
          cachedContentTokenCount: 2,
          totalTokenCount: 14,
          serviceTier: "flex",
        },
        modelVersion: "gemini-x",
        responseId: "r1",
        createTime: "2026-04-07T16:49:58.333958Z",
        modelStatus: { modelStage: "STABLE" },
      }),
    );
    expect(reply).toMatchObject({
      id: "r1",
      model: "gemini-x",
      created: 1_775_580_598,
      choices: [
        {
          content: [
            { type: "reasoning", text: "hm" },
            { type: "text", text: "so", state: { data: signature } },
            { type: "tool-call", id: "c1", arguments: '{"at":1}' },
          ],
          finish: { reason: "tool-calls", raw: "STOP" },
        },
      ],
      usage: { input: 9, output: 5, cacheRead: 2, reasoning: 3, serviceTier: "flex" },
      extra: {
        format: "gemini/generate-content",
        fields: {
          modelStatus: { modelStage: "STABLE" },
          candidates: { 0: { avgLogprobs: -0.1, finishMessage: "Model generated function call(s)." } },
        },
      },
    });
  });

  test("without a reason it is complete all the same", () => {
    expect(fold(decodeReply({ candidates: [{ content: { parts: [{ text: "a" }] } }] })).choices).toMatchObject([
      { content: [{ text: "a" }], finish: { reason: "unknown" } },
    ]);
    expect(fold(decodeReply({ candidates: [{ content: { parts: [{ functionCall: { name: "a" } }] } }] })).choices).toMatchObject([
      { finish: { reason: "tool-calls" } },
    ]);
  });

  test("a stream that came as one JSON list", () => {
    const frames: Json[] = [chunk([{ text: "a" }]), chunk([{ text: "b" }]), last()];
    expect(fold(decodeReply(frames)).choices).toMatchObject([{ content: [{ text: "ab" }], finish: { reason: "stop" } }]);
    expect(() => decodeReply(frames.slice(0, 2))).toThrow(expect.objectContaining({ code: "provider_stream_cut" }) as Error);
  });

  test("a blocked prompt is an answer", () => {
    expect(fold(decodeReply({ promptFeedback: { blockReason: "SAFETY" } })).choices).toMatchObject([
      { finish: { reason: "content-filter" } },
    ]);
  });

  const broken: [string, JsonObject, string][] = [
    ["nothing of the format", {}, "provider_bad_response"],
    ["another format's reply", { choices: [] }, "provider_bad_response"],
    ["no candidates", { candidates: [], usageMetadata: {} }, "provider_bad_response"],
    ["an error inside a 200", { error: { code: 429, status: "RESOURCE_EXHAUSTED", message: "slow" } }, "provider_rate_limited"],
  ];
  test.each(broken)("%s", (_, body, code) => expect(() => decodeReply(body)).toThrow(expect.objectContaining({ code }) as Error));
});
