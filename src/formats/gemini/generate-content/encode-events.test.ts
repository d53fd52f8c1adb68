import { describe, expect, test } from "vitest";
import type { ChatEvent, ChatReply, OpaqueState } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { fold, unfold } from "../../../canonical/fold.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { generateContent, generateContentArray } from "../generate-content.ts";
import { decodeReply } from "./decode-reply.ts";
import { encodeEvents } from "./encode-events.ts";
import { encodeReply } from "./encode-reply.ts";
import { encodeStream, partsOf, replyContext, signature } from "./samples.ts";
import { isMinted, unmint } from "./state.ts";

const at = { choice: 0, block: 0 };
const start: ChatEvent = { type: "start", id: "r1", model: "gemini-x", created: 1_700_000_000 };
const finish: ChatEvent = { type: "finish", choice: 0, finish: { reason: "stop" } };
const usage: ChatEvent = { type: "usage", usage: { input: 10, output: 5, reasoning: 2, cacheRead: 4 } };
const end: ChatEvent = { type: "end" };
const say = (block: number, ...texts: string[]): ChatEvent[] => [
  { type: "block-start", choice: 0, block, content: { kind: "text" } },
  ...texts.map((text): ChatEvent => ({ type: "text-delta", choice: 0, block, text })),
  { type: "block-end", choice: 0, block },
];
const reply = (...content: ChatReply["choices"][number]["content"]): ChatReply => ({
  id: "r1",
  model: "m",
  choices: [{ content, finish: { reason: "stop" } }],
  usage: { input: 1, output: 1 },
});

describe("a stream", () => {
  test("every chunk is a whole response, and only the last says why it ended and what it cost", () => {
    const chunks = encodeStream([start, ...say(0, "a", "", "b"), finish, usage, end]);
    expect(chunks).toHaveLength(3);
    for (const chunk of chunks)
      expect(chunk).toMatchObject({
        candidates: [{ content: { role: "model" }, index: 0 }],
        modelVersion: "gemini-x",
        responseId: "r1",
        createTime: "2023-11-14T22:13:20.000Z",
      });
    for (const chunk of chunks.slice(0, -1)) {
      expect(chunk.usageMetadata).toBeUndefined();
      expect((chunk.candidates as JsonObject[])[0]).not.toHaveProperty("finishReason");
    }
    expect(chunks.at(-1)).toMatchObject({
      candidates: [{ content: { parts: [{ text: "" }] }, finishReason: "STOP" }],
      usageMetadata: {
        promptTokenCount: 10,
        candidatesTokenCount: 3,
        thoughtsTokenCount: 2,
        cachedContentTokenCount: 4,
        totalTokenCount: 15,
      },
    });
    expect(partsOf(chunks)).toEqual([{ text: "a" }, { text: "b" }, { text: "" }]);
  });

  test("nothing says [DONE], nothing is named, and an empty line is all that a ping leaves", () => {
    const encoder = encodeEvents(replyContext);
    const text = [start, { type: "ping" } as ChatEvent, ...say(0, "a"), finish, end].map((event) => encoder.push(event)).join("");
    expect(text).toMatch(/^\ndata: /);
    expect(text).not.toMatch(/DONE|event:|^:/m);
    expect(text.endsWith("}\n\n")).toBe(true);
  });

  test("a call is told once, whole, however its arguments came", () => {
    const pieces = ['{"a', 't":', "1}"].map((text): ChatEvent => ({ type: "arguments-delta", ...at, text }));
    const chunks = encodeStream([
      start,
      { type: "block-start", ...at, content: { kind: "tool-call", id: "c1", name: "look", call: "function" } },
      ...pieces,
      { type: "block-end", ...at, state: { format: "gemini/generate-content", kind: "signature", data: signature } },
      finish,
      end,
    ]);
    expect(partsOf(chunks)).toEqual([
      { functionCall: { id: "c1", name: "look", args: { at: 1 } }, thoughtSignature: signature },
      { text: "" },
    ]);
  });

  test("blocks that grow side by side are told one after the other, in their order", () => {
    const begin = (block: number): ChatEvent => ({
      type: "block-start",
      choice: 0,
      block,
      content: { kind: "tool-call", id: `c${block}`, name: "look", call: "function" },
    });
    const grow = (block: number, text: string): ChatEvent => ({ type: "arguments-delta", choice: 0, block, text });
    const stop = (block: number): ChatEvent => ({ type: "block-end", choice: 0, block });
    const chunks = encodeStream([
      start,
      begin(0),
      begin(1),
      grow(1, '{"b":'),
      grow(0, '{"a":1}'),
      grow(1, "2}"),
      stop(1),
      ...say(2, "x"),
      stop(0),
      finish,
      end,
    ]);
    expect(partsOf(chunks)).toMatchObject([
      { functionCall: { id: "c0", args: { a: 1 } } },
      { functionCall: { id: "c1", args: { b: 2 } } },
      { text: "x" },
      { text: "" },
    ]);
  });

  test("several choices, each with its own number", () => {
    const two: ChatReply = {
      choices: [
        { content: [{ type: "text", text: "a" }], finish: { reason: "stop" } },
        { content: [{ type: "text", text: "b" }], finish: { reason: "length" } },
      ],
    };
    const chunks = encodeStream(unfold(two));
    expect(partsOf(chunks, 1)).toEqual([{ text: "b" }, { text: "" }]);
    expect(chunks.at(-1)).toMatchObject({
      candidates: [
        { index: 0, finishReason: "STOP" },
        { index: 1, finishReason: "MAX_TOKENS" },
      ],
    });
  });

  test("a failure is the last thing that is told", () => {
    const error = new GatewayError("provider_overloaded", "Busy", { retryAfterMs: 1500 });
    const chunks = encodeStream([start, ...say(0, "a"), { type: "error", error }, finish, end]);
    expect(chunks.at(-1)).toMatchObject({ error: { code: 503, status: "UNAVAILABLE", message: "Busy" } });
    expect(JSON.stringify(chunks)).not.toContain("finishReason");
  });

  test("events that end without a reason were cut", () => {
    expect(encodeStream([start, ...say(0, "a"), end]).at(-1)).toMatchObject({ error: { code: 502 } });
    expect(encodeStream([start, end]).at(-1)).toMatchObject({ error: { code: 502 } });
  });

  test("a refusal's words are text, media are data, a foreign vendor's part is nothing here", () => {
    const chunks = encodeStream(
      unfold(
        reply(
          { type: "refusal", text: "No." },
          { type: "media", source: { kind: "base64", mediaType: "image/png", data: "aa" } },
          { type: "media", source: { kind: "url", url: "https://example.org/a.png", mediaType: "image/png" } },
          { type: "media", source: { kind: "id", id: "audio_1", format: "openai/chat-completions" }, transcript: "Hello." },
          { type: "vendor", format: "anthropic/messages", value: { type: "server_tool_use" } },
          { type: "vendor", format: "gemini/generate-content", value: { executableCode: { code: "1" } } },
        ),
      ),
    );
    expect(partsOf(chunks)).toEqual([
      { text: "No." },
      { inlineData: { mimeType: "image/png", data: "aa" } },
      { fileData: { mimeType: "image/png", fileUri: "https://example.org/a.png" } },
      { text: "Hello." },
      { executableCode: { code: "1" } },
      { text: "" },
    ]);
  });
});

describe("thoughts", () => {
  const state: OpaqueState = { format: "anthropic/messages", kind: "signature", data: "SIG", origin: "anthropic/claude" };
  const thinking = reply({ type: "reasoning", text: "Let me see.", state }, { type: "text", text: "a" });
  const asking = (includeThoughts: boolean): typeof replyContext => ({
    ...replyContext,
    body: { generation_config: { thinking_config: { include_thoughts: includeThoughts } } },
  });

  test("are shown to a client that asked, and carry their vendor's state", () => {
    for (const parts of [partsOf(encodeStream(unfold(thinking), asking(true))), partsOf([encodeReply(thinking, asking(true))])]) {
      expect(
        parts
          .filter(({ thought }) => thought === true)
          .map(({ text }) => text)
          .join(""),
      ).toBe("Let me see.");
      const carried = parts.map(({ thoughtSignature }) => thoughtSignature).filter(isMinted);
      expect(carried.map((signed) => unmint(String(signed)))).toMatchObject([{ state }]);
    }
  });

  test("are unseen by a client that has not, and yet come back to their vendor, words and all", () => {
    for (const context of [asking(false), { ...replyContext, body: {} }]) {
      for (const parts of [partsOf(encodeStream(unfold(thinking), context)), partsOf([encodeReply(thinking, context)])]) {
        expect(parts.map(({ text }) => text).join("")).toBe("a");
        const history: JsonObject = { contents: [{ parts: [{ text: "hi" }] }, { role: "model", parts }] };
        expect(generateContent.client.decodeRequest(history, { headers: new Headers(), model: "m" }).messages[1]).toMatchObject({
          content: [{ type: "reasoning", text: "Let me see.", state }, { text: "a" }],
        });
      }
    }
  });

  test("without state and unasked they leave no trace", () => {
    const bare = reply({ type: "reasoning", text: "Let me see." }, { type: "text", text: "a" });
    expect(partsOf([encodeReply(bare, asking(false))])).toEqual([{ text: "a" }]);
    expect(partsOf(encodeStream(unfold(bare), asking(false)))).toEqual([{ text: "a" }, { text: "" }]);
  });

  test("state is base64 through and through: the official Python client reads the field as bytes", () => {
    const [part] = partsOf([encodeReply(thinking, asking(true))]);
    expect(String(part?.thoughtSignature)).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
    expect(String(part?.thoughtSignature).length % 4).toBe(0);
  });
});

describe("a whole reply", () => {
  test("says when it was made, and has parts even when there is nothing to say", () => {
    expect(encodeReply({ choices: [{ content: [], finish: { reason: "length" } }] }, replyContext)).toEqual({
      candidates: [{ content: { parts: [{ text: "" }], role: "model" }, finishReason: "MAX_TOKENS", index: 0 }],
      usageMetadata: { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 },
      modelVersion: "smart",
      responseId: "hg_1",
      createTime: "2023-11-14T22:13:20.000Z",
    });
  });

  const finishes: [ChatReply["choices"][number]["finish"], JsonObject][] = [
    [{ reason: "stop" }, { finishReason: "STOP" }],
    [{ reason: "tool-calls", raw: "tool_use" }, { finishReason: "STOP" }],
    [{ reason: "content-filter", raw: "RECITATION" }, { finishReason: "RECITATION" }],
    [{ reason: "content-filter", raw: "content_filter" }, { finishReason: "SAFETY" }],
    [
      { reason: "refusal", details: { explanation: "No." } },
      { finishReason: "SAFETY", finishMessage: "No." },
    ],
    [
      { reason: "stop-sequence", stopSequence: "END" },
      { finishReason: "STOP", finishMessage: 'The model stopped at "END".' },
    ],
    [{ reason: "malformed-call" }, { finishReason: "MALFORMED_FUNCTION_CALL" }],
    [{ reason: "pause", raw: "CONTINUATION" }, { finishReason: "CONTINUATION" }],
    [
      { reason: "unknown", raw: "weird" },
      { finishReason: "OTHER", finishMessage: 'The provider ended the answer with "weird".' },
    ],
  ];
  test.each(finishes)("%j", (given, expected) => {
    expect((encodeReply({ choices: [{ content: [], finish: given }] }, replyContext).candidates as JsonObject[])[0]).toMatchObject(
      expected,
    );
  });

  test("the vendor's own fields and counts leave as they came", () => {
    const body: JsonObject = {
      candidates: [
        {
          content: { parts: [{ text: "a" }], role: "model" },
          finishReason: "STOP",
          index: 0,
          avgLogprobs: -0.1,
          safetyRatings: [{ category: "a" }],
          groundingMetadata: { groundingChunks: [{ web: { uri: "https://a.example" } }], searchEntryPoint: { renderedContent: "<a>" } },
        },
      ],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3, trafficType: "ON_DEMAND" },
      modelVersion: "gemini-x",
      responseId: "r1",
      createTime: "2026-04-07T16:49:58.333958Z",
    };
    expect(encodeReply(fold(decodeReply(body)), replyContext)).toEqual(body);
  });

  test("other vendors' citations are grounding, counted in bytes", () => {
    const cited = reply({
      type: "text",
      text: "In Köln!",
      citations: [
        { url: "https://a.example", title: "A", start: 3, end: 8, raw: {}, format: "openai/responses" },
        { url: "https://a.example", raw: {}, format: "openai/responses" },
        { title: "no address", raw: {}, format: "anthropic/messages" },
      ],
    });
    const grounding = {
      groundingChunks: [{ web: { uri: "https://a.example", title: "A" } }],
      groundingSupports: [{ segment: { startIndex: 3, endIndex: 9, text: "Köln!" }, groundingChunkIndices: [0] }],
    };
    expect(encodeReply(cited, replyContext)).toMatchObject({ candidates: [{ groundingMetadata: grounding }] });
    expect(encodeStream(unfold(cited)).at(-1)).toMatchObject({ candidates: [{ groundingMetadata: grounding }] });
  });

  test("ids that were made up are not shown, calls of other vendors are marked as theirs", () => {
    const { candidates } = encodeReply(
      reply({ type: "tool-call", id: "call_hgabc_0_0", name: "look", kind: "function", arguments: "{}" }),
      replyContext,
    );
    const [part] = partsOf([{ candidates }]);
    expect(part?.functionCall).toEqual({ name: "look", args: {} });
    expect(unmint(String(part?.thoughtSignature))).toMatchObject({ origin: "vendor/model" });
  });

  test("no answer is none", () => {
    expect(() => encodeReply({ choices: [] }, replyContext)).toThrow(expect.objectContaining({ code: "provider_bad_response" }) as Error);
  });
});

describe("one JSON list, for clients that stream without alt=sse", () => {
  const list = (events: readonly ChatEvent[], tail = ""): Json => {
    const encoder = generateContentArray.client.encodeEvents(replyContext);
    return JSON.parse(events.map((event) => encoder.push(event)).join("") + tail) as Json;
  };

  test("holds what the events hold", () => {
    expect(generateContentArray.client.streamType).toBe("application/json");
    const chunks = list([start, { type: "ping" }, ...say(0, "a", "b"), finish, usage, end]) as JsonObject[];
    expect(
      partsOf(chunks)
        .map(({ text }) => text)
        .join(""),
    ).toBe("ab");
    expect(chunks.at(-1)).toMatchObject({ candidates: [{ finishReason: "STOP" }], usageMetadata: { totalTokenCount: 15 } });
    expect(fold(decodeReply(chunks))).toMatchObject({ choices: [{ content: [{ text: "ab" }] }] });
  });

  test("is whole JSON also when it fails: told by the events, or by the gateway in the middle of them", () => {
    const error = new GatewayError("provider_stream_cut", "Gone");
    expect(list([start, ...say(0, "a"), { type: "error", error }])).toMatchObject([{}, {}, { error: { code: 502 } }]);
    expect(list([start, ...say(0, "a")], generateContentArray.client.encodeStreamError(error, "hg_1"))).toMatchObject([
      {},
      {},
      { error: { message: "Gone" } },
    ]);
    expect(list([start], generateContentArray.client.encodeStreamError(error, "hg_1"))).toMatchObject([{}, { error: {} }]);
    expect(list([{ type: "error", error }])).toMatchObject([{ error: {} }]);
  });
});
