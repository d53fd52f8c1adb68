import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../canonical/json.ts";
import { codecContract } from "../codec.contract.ts";
import { generateContent } from "./generate-content.ts";

const signature = "CiQBDDnWx+Xp0gYVp4DFf7zu";
const ask: JsonObject = { contents: [{ role: "user", parts: [{ text: "hi" }] }] };

describe("where the vendor is called", () => {
  test("the path names the model, and whether the answer is streamed", () => {
    const { path } = generateContent.provider;
    expect(path("gemini-3.8-flash", false)).toBe("/v1beta/models/gemini-3.8-flash:generateContent");
    expect(path("gemini-3.8-flash", true)).toBe("/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    expect(path("models/gemini-3.8-flash", false)).toBe("/v1beta/models/gemini-3.8-flash:generateContent");
    expect(path("tunedModels/a?b", false)).toBe("/v1beta/tunedModels/a%3Fb:generateContent");
  });
});

codecContract(generateContent, {
  door: { headers: new Headers(), model: "gemini-x", stream: false },
  requests: {
    "one question": ask,
    "every field": {
      contents: ask.contents ?? null,
      systemInstruction: { parts: [{ text: "Be brief." }, { text: "Be kind." }] },
      tools: [
        {
          functionDeclarations: [
            {
              name: "look",
              description: "d",
              parametersJsonSchema: { type: "object", properties: { at: { type: "integer", minimum: 1 } }, required: ["at"] },
              behavior: "BLOCKING",
            },
            { name: "walk.to:there", responseJsonSchema: { type: "object" } },
          ],
        },
        { googleSearch: { timeRangeFilter: {} } },
        { codeExecution: {} },
      ],
      toolConfig: {
        functionCallingConfig: { mode: "VALIDATED", allowedFunctionNames: ["look"], streamFunctionCallArguments: true },
        retrievalConfig: { languageCode: "de" },
        includeServerSideToolInvocations: true,
      },
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
      cachedContent: "cachedContents/abc",
      labels: { team: "a" },
      serviceTier: "flex",
      store: false,
      continuationToken: "t",
      generationConfig: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        candidateCount: 2,
        maxOutputTokens: 100,
        stopSequences: ["END"],
        presencePenalty: 0.1,
        frequencyPenalty: 0.2,
        seed: 7,
        responseLogprobs: true,
        logprobs: 3,
        responseMimeType: "application/json",
        responseJsonSchema: { type: "object", properties: { a: { type: ["string", "null"] } }, required: ["a"] },
        responseModalities: ["TEXT", "IMAGE"],
        mediaResolution: "MEDIA_RESOLUTION_LOW",
        thinkingConfig: { thinkingBudget: 100, includeThoughts: false, newField: 1 },
        speechConfig: { voiceConfig: {} },
        imageConfig: { aspectRatio: "1:1" },
        audioTimestamp: true,
      },
      vendorField: { kept: [1] },
    },
    "validated without names": {
      ...ask,
      tools: [{ functionDeclarations: [{ name: "look" }] }],
      toolConfig: { functionCallingConfig: { mode: "VALIDATED" } },
    },
    "a level of thinking": { ...ask, generationConfig: { thinkingConfig: { thinkingLevel: "HIGH", includeThoughts: true } } },
    "thinking left to the model": { ...ask, generationConfig: { thinkingConfig: { thinkingBudget: -1, includeThoughts: true } } },
    "one word of a list": {
      ...ask,
      generationConfig: { responseMimeType: "text/x.enum", responseSchema: { type: "STRING", enum: ["a", "b"] } },
    },
    "media of every kind": {
      contents: [
        {
          role: "user",
          parts: [
            { inlineData: { mimeType: "image/png", data: "iVBORw0KGgo=" }, mediaResolution: { level: "MEDIA_RESOLUTION_HIGH" } },
            { inlineData: { mimeType: "audio/wav", data: "UklGRg==", displayName: "a.wav" } },
            { inlineData: { mimeType: "application/pdf", data: "JVBERi0=" } },
            {
              fileData: {
                mimeType: "video/mp4",
                fileUri: "https://generativelanguage.googleapis.com/v1beta/files/abc",
                displayName: "a.mp4",
              },
              videoMetadata: { fps: 1 },
            },
            { fileData: { fileUri: "https://www.youtube.com/watch?v=abc" } },
            { fileData: { mimeType: "image/jpeg", fileUri: "gs://bucket/a.jpg" } },
            { fileData: { mimeType: "image/jpeg", fileUri: "https://example.org/a.jpg" } },
            { newKind: { of: "part" } },
          ],
        },
      ],
    },
    "thoughts, calls and their results": {
      tools: [{ functionDeclarations: [{ name: "look" }] }],
      contents: [
        { role: "user", parts: [{ text: "go" }] },
        {
          role: "model",
          parts: [
            { text: "hm", thought: true },
            { text: "so", thoughtSignature: signature },
            { executableCode: { language: "PYTHON", code: "1" }, thoughtSignature: signature },
            { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1" } },
            { inlineData: { mimeType: "image/png", data: "iVBORw0KGgo=" }, thoughtSignature: signature },
            { functionCall: { id: "c1", name: "look", args: { at: 1 } }, thoughtSignature: signature },
            { functionCall: { name: "look", args: {} } },
            { functionCall: { name: "look" } },
            { functionCall: { name: "look" }, partMetadata: { a: 1 } },
          ],
        },
        {
          role: "user",
          parts: [
            { functionResponse: { id: "c1", name: "look", response: { output: "seen" } } },
            { functionResponse: { name: "look", response: { error: "gone" } } },
            { functionResponse: { name: "look", response: { a: 1 }, scheduling: "SILENT" }, partMetadata: { a: 1 } },
            { functionResponse: { name: "look", response: {} } },
            { text: "and now?" },
          ],
        },
      ],
    },
  },
  replies: {
    text: {
      id: "r1",
      model: "m",
      choices: [{ content: [{ type: "text", text: "Grüße, 世界 👋🏽" }], finish: { reason: "stop" } }],
      usage: { input: 10, output: 5, cacheRead: 4, reasoning: 1 },
    },
    "a signed text": {
      id: "r1",
      model: "m",
      choices: [
        {
          content: [{ type: "text", text: "so", state: { format: "gemini/generate-content", kind: "signature", data: signature } }],
          finish: { reason: "stop" },
        },
      ],
      usage: { input: 10, output: 5 },
    },
    "reasoning and parallel calls": {
      id: "r2",
      model: "m",
      choices: [
        {
          content: [
            { type: "reasoning", text: "First I look." },
            { type: "reasoning", text: "Elsewhere.", state: { format: "anthropic/messages", kind: "signature", data: "abc" } },
            { type: "text", text: "Looking." },
            {
              type: "tool-call",
              id: "functions.look:0",
              name: "look",
              kind: "function",
              arguments: '{"at":"a"}',
              state: { format: "gemini/generate-content", kind: "signature", data: signature },
            },
            { type: "tool-call", id: "c2", name: "look", kind: "function", arguments: "{}" },
          ],
          finish: { reason: "tool-calls" },
        },
      ],
      usage: { input: 10, output: 50, reasoning: 30 },
    },
    "log probabilities": {
      id: "r3",
      model: "m",
      choices: [
        {
          content: [{ type: "text", text: "a" }],
          finish: { reason: "stop" },
          logprobs: {
            content: [{ token: "a", logprob: -0.5, bytes: null, token_id: 7, top_logprobs: [{ token: "b", logprob: -1, bytes: null }] }],
          },
        },
      ],
      usage: { input: 1, output: 1 },
    },
    "nothing at all": {
      id: "r4",
      model: "m",
      choices: [{ content: [], finish: { reason: "length" } }],
      usage: { input: 1, output: 7, reasoning: 7 },
    },
    "two answers": {
      id: "r5",
      model: "m",
      choices: [
        { content: [{ type: "text", text: "a" }], finish: { reason: "stop" } },
        { content: [{ type: "tool-call", id: "c1", name: "look", kind: "function", arguments: "{}" }], finish: { reason: "tool-calls" } },
      ],
      usage: { input: 1, output: 2 },
    },
  },
  history: (reply) => ({ contents: [...(ask.contents as JsonObject[]), (reply.candidates as JsonObject[])[0]?.content ?? null] }),
  closes: "the stream of this format just ends",
  cannot: {
    "refusal-text": "a refusal's words are text",
    "custom-calls": "they are functions with one text argument",
    citations: "other formats' citations become grounding",
    "usage-details": "nothing is written to a cache by the way",
  },
  finishes: {
    "stop-sequence": { as: "stop", because: "the format knows one word for both" },
    "context-overflow": { as: "length", because: "the format knows one word for both" },
    refusal: { as: "content-filter", because: "the format knows one word for both" },
    pause: { as: "stop", because: "another vendor's pause needs no token to go on" },
  },
});
