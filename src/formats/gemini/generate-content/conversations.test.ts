/** Whole conversations: a client of each format, answered by Gemini and by others in turn. */

import { describe, expect, test } from "vitest";
import type { ChatReply, OpaqueState } from "../../../canonical/chat.ts";
import { fold, unfold } from "../../../canonical/fold.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { SseReader } from "../../../upstream/framing/sse.ts";
import { messages } from "../../anthropic/messages.ts";
import type { ClientCodec, EncodeContext, ReplyContext } from "../../codec.ts";
import { chatCompletions } from "../../openai/chat-completions.ts";
import { generateContent } from "../generate-content.ts";
import { otherSignature, partsOf, payloads, signature } from "./samples.ts";
import { sentinel } from "./state.ts";

const origin = "gemini/gemini-x";
const replyContext: ReplyContext = { callId: "hg_1", created: 1, model: "smart", includeUsage: true, origin, customTools: new Set() };
const toGemini: EncodeContext = { capabilities: { reasoning: ["effort"] }, quirks: new Set(), origin, warn: () => {} };

/** How a client of a format keeps its history: what it stores of a reply, and how it hands over a tool's result. */
interface Client {
  codec: ClientCodec;
  /** Does the format keep a signature on the final text. */
  keepsTextState: boolean;
  body(turns: JsonObject[]): JsonObject;
  user(text: string): JsonObject;
  answer(reply: JsonObject): JsonObject;
  result(id: string, name: string, text: string): JsonObject;
  callsOf(reply: JsonObject): { id: string; name: string }[];
}

const clients: Client[] = [
  {
    codec: chatCompletions,
    keepsTextState: true,
    body: (turns) => ({ model: "smart", messages: turns }),
    user: (content) => ({ role: "user", content }),
    answer: (reply) => (reply.choices as JsonObject[])[0]?.message as JsonObject,
    result: (tool_call_id, _, content) => ({ role: "tool", tool_call_id, content }),
    callsOf: (reply) => {
      const [choice] = reply.choices as { message: { tool_calls: { id: string; function: { name: string } }[] } }[] & JsonObject[];
      return (choice?.message.tool_calls ?? []).map(({ id, function: { name } }) => ({ id, name }));
    },
  },
  {
    codec: messages,
    keepsTextState: false,
    body: (turns) => ({ model: "smart", max_tokens: 100, messages: turns }),
    user: (content) => ({ role: "user", content }),
    answer: (reply) => ({ role: "assistant", content: reply.content ?? null }),
    result: (tool_use_id, _, content) => ({ role: "user", content: [{ type: "tool_result", tool_use_id, content }] }),
    callsOf: (reply) =>
      (reply.content as JsonObject[])
        .filter(({ type }) => type === "tool_use")
        .map(({ id, name }) => ({ id: String(id), name: String(name) })),
  },
  {
    codec: generateContent,
    keepsTextState: true,
    body: (contents) => ({ contents }),
    user: (text) => ({ role: "user", parts: [{ text }] }),
    answer: (reply) => (reply.candidates as JsonObject[])[0]?.content as JsonObject,
    // Clients of 2.5 know no ids.
    result: (id, name, text) => ({
      role: "user",
      parts: [{ functionResponse: { ...(id !== "" && { id }), name, response: { output: text } } }],
    }),
    callsOf: (reply) =>
      partsOf([reply])
        .flatMap(({ functionCall }) => (functionCall ? [functionCall as { id?: string; name: string }] : []))
        .map(({ id = "", name }) => ({ id, name })),
  },
];

const frames: JsonObject[][] = [
  [
    {
      candidates: [{ content: { parts: [{ text: "I must look twice.", thought: true }] }, index: 0 }],
      responseId: "r1",
      modelVersion: "gemini-x",
    },
    {
      candidates: [
        {
          content: {
            parts: [
              { functionCall: { name: "look", args: { at: 1 } }, thoughtSignature: signature },
              { functionCall: { name: "look", args: { at: 2 } } },
            ],
          },
          index: 0,
        },
      ],
    },
    {
      candidates: [{ content: { parts: [{ text: "" }] }, finishReason: "STOP", index: 0 }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
    },
  ],
  [
    {
      candidates: [
        {
          content: { parts: [{ functionCall: { id: "c3", name: "look", args: { at: 3 } }, thoughtSignature: otherSignature }] },
          finishReason: "STOP",
          index: 0,
        },
      ],
      responseId: "r2",
      usageMetadata: { promptTokenCount: 1 },
    },
  ],
  [
    { candidates: [{ content: { parts: [{ text: "All seen." }] }, index: 0 }], responseId: "r3" },
    {
      candidates: [{ content: { parts: [{ text: "", thoughtSignature: signature }] }, finishReason: "STOP", index: 0 }],
      usageMetadata: { promptTokenCount: 1 },
    },
  ],
];

function fromGemini(turn: number): ChatReply {
  const decoder = generateContent.provider.decodeEvents();
  return fold([
    ...(frames[turn] as JsonObject[]).flatMap((data) => decoder.push({ event: "", data: JSON.stringify(data) })),
    ...decoder.end(),
  ]);
}

/** What the client has of the reply, whole or put together from its stream. */
function received(client: Client, reply: ChatReply, streamed: boolean): JsonObject {
  const { codec } = client;
  if (!streamed) return JSON.parse(JSON.stringify(codec.client.encodeReply(reply, replyContext))) as JsonObject;
  const encoder = codec.client.encodeEvents(replyContext);
  const text = unfold(reply)
    .map((event) => encoder.push(event))
    .join("");
  if (codec === generateContent) {
    // As Google's clients do: the parts of all chunks, one after the other.
    return { candidates: [{ content: { role: "model", parts: partsOf(payloads(text)) }, index: 0 }] };
  }
  const reader = new SseReader();
  const frames = [...reader.push(new TextEncoder().encode(text)), ...reader.end()];
  if (codec === messages) return { content: gathered(frames.map(({ data }) => JSON.parse(data) as JsonObject)) };
  const decoder = codec.provider.decodeEvents();
  return codec.client.encodeReply(fold([...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()]), replyContext);
}

/** As Anthropic's clients do. */
function gathered(events: JsonObject[]): JsonObject[] {
  const blocks: JsonObject[] = [];
  let input = "";
  for (const { type, content_block, delta } of events) {
    if (type === "content_block_start") {
      blocks.push({ ...(content_block as JsonObject) });
      input = "";
    }
    const block = blocks.at(-1);
    if (type !== "content_block_delta" || !block) continue;
    const { type: _, partial_json, ...piece } = delta as JsonObject;
    if (partial_json !== undefined) block.input = JSON.parse((input += String(partial_json)) || "{}") as JsonObject;
    for (const [name, value] of Object.entries(piece)) block[name] = String(block[name] ?? "") + String(value);
  }
  return blocks;
}

describe("three turns with tools, thoughts and signatures", () => {
  for (const client of clients) {
    for (const streamed of [false, true]) {
      test(`${client.codec.name}, ${streamed ? "streamed" : "whole"}: every signature is back on its part`, () => {
        const turns: JsonObject[] = [client.user("go")];
        const calls = [];
        for (const turn of [0, 1, 2]) {
          const reply = received(client, fromGemini(turn), streamed);
          turns.push(client.answer(reply));
          if (turn === 2) break;
          for (const { id, name } of client.callsOf(reply)) {
            calls.push(id);
            turns.push(client.result(id, name, `seen ${calls.length}`));
          }
        }
        turns.push(client.user("thanks"));
        const request = client.codec.client.decodeRequest(client.body(turns), { headers: new Headers(), model: "smart" });
        const contents = generateContent.provider.encodeRequest(request, toGemini).contents as JsonObject[];
        const parts = contents.flatMap((content) => (content as unknown as { parts: JsonObject[] }).parts);

        expect(contents.map(({ role }) => role)).toEqual(["user", "model", "user", "model", "user", "model", "user"]);
        expect(parts.filter(({ functionCall }) => functionCall)).toEqual([
          { functionCall: { name: "look", args: { at: 1 } }, thoughtSignature: signature },
          { functionCall: { name: "look", args: { at: 2 } } },
          { functionCall: { id: "c3", name: "look", args: { at: 3 } }, thoughtSignature: otherSignature },
        ]);
        expect(parts.flatMap(({ functionResponse }) => (functionResponse ? [functionResponse] : []))).toEqual([
          { name: "look", response: { output: "seen 1" } },
          { name: "look", response: { output: "seen 2" } },
          { id: "c3", name: "look", response: { output: "seen 3" } },
        ]);
        const final = parts.filter(
          ({ text, thought, thoughtSignature }) => thought === undefined && (text === "All seen." || (text === "" && thoughtSignature)),
        );
        expect(final.map(({ text }) => text).join("")).toBe("All seen.");
        if (client.keepsTextState) expect(final.map(({ thoughtSignature }) => thoughtSignature).filter(Boolean)).toEqual([signature]);
        expect(JSON.stringify(contents)).not.toMatch(/headgate|aGVhZGdhdGU|skip_thought/);
      });
    }
  }
});

describe("a conversation that moves between vendors", () => {
  const anthropic: OpaqueState = { format: "anthropic/messages", kind: "signature", data: "SIG", origin: "anthropic/claude-x" };
  const answered: ChatReply = {
    id: "msg_1",
    model: "claude-x",
    choices: [
      {
        content: [
          { type: "reasoning", text: "Let me look.", state: anthropic },
          { type: "tool-call", id: "toolu_1", name: "look", kind: "function", arguments: '{"at":1}' },
        ],
        finish: { reason: "tool-calls" },
      },
    ],
    usage: { input: 1, output: 1 },
  };

  for (const client of clients) {
    test(`${client.codec.name}: what Claude began, Gemini goes on with, and Claude gets its own back`, () => {
      const reply = received(client, answered, true);
      const [call] = client.callsOf(reply);
      const body = client.body([client.user("go"), client.answer(reply), client.result(call?.id ?? "", "look", "seen")]);
      const request = client.codec.client.decodeRequest(body, { headers: new Headers(), model: "smart" });

      const there = generateContent.provider.encodeRequest(request, toGemini);
      expect(there.contents).toEqual([
        { role: "user", parts: [{ text: "go" }] },
        { role: "model", parts: [{ functionCall: { id: "toolu_1", name: "look", args: { at: 1 } }, thoughtSignature: sentinel }] },
        { role: "user", parts: [{ functionResponse: { id: "toolu_1", name: "look", response: { output: "seen" } } }] },
      ]);

      const back = messages.provider.encodeRequest({ ...request, model: "claude-x" }, { ...toGemini, origin: "anthropic/claude-x" });
      expect((back.messages as JsonObject[])[1]).toEqual({
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Let me look.", signature: "SIG" },
          { type: "tool_use", id: "toolu_1", name: "look", input: { at: 1 } },
        ],
      });
    });
  }

  test("Gemini's own signature does not reach other vendors as one of theirs", () => {
    const body: JsonObject = {
      contents: [
        { role: "user", parts: [{ text: "go" }] },
        {
          role: "model",
          parts: [
            { text: "hm", thought: true },
            { functionCall: { name: "look", args: {} }, thoughtSignature: signature },
          ],
        },
        { role: "user", parts: [{ functionResponse: { name: "look", response: { output: "seen" } } }] },
      ],
    };
    const request = generateContent.client.decodeRequest(body, { headers: new Headers(), model: "smart" });
    for (const codec of [messages, chatCompletions]) {
      const sent = codec.provider.encodeRequest({ ...request, maxOutputTokens: 100 }, { ...toGemini, origin: "vendor/m" });
      expect(JSON.stringify(sent)).not.toContain(signature);
      expect(JSON.stringify(sent).match(/call_hgh_1_1/g)).toHaveLength(2);
    }
  });

  test("what only Gemini can do is refused elsewhere by name", () => {
    const ask = { contents: [{ parts: [{ text: "hi" }] }] };
    const cases: [JsonObject, RegExp][] = [
      [{ ...ask, tools: [{ googleSearch: {} }] }, /googleSearch/],
      [{ ...ask, cachedContent: "cachedContents/a" }, /gemini\/generate-content/],
      [{ contents: [{ parts: [{ fileData: { mimeType: "video/mp4", fileUri: "gs://a/b.mp4" } }] }] }, /gemini\/generate-content|provider/],
    ];
    for (const [body, reason] of cases) {
      const request = generateContent.client.decodeRequest(body, { headers: new Headers(), model: "smart" });
      for (const codec of [messages, chatCompletions])
        expect(() => codec.provider.encodeRequest({ ...request, maxOutputTokens: 100 }, { ...toGemini, origin: "vendor/m" })).toThrow(
          reason,
        );
    }
  });
});

describe("an answer of each vendor for a Gemini client, and of Gemini for each client", () => {
  const replies: Record<string, ChatReply> = {
    text: {
      id: "r",
      model: "m",
      choices: [{ content: [{ type: "text", text: "Grüße 👋🏽" }], finish: { reason: "stop" } }],
      usage: { input: 10, output: 5, cacheRead: 4, reasoning: 2 },
    },
    calls: {
      id: "r",
      model: "m",
      choices: [
        {
          content: [
            { type: "text", text: "Looking." },
            { type: "tool-call", id: "call_1", name: "look", kind: "function", arguments: '{"at":1}' },
            { type: "tool-call", id: "call_2", name: "look", kind: "function", arguments: "{}" },
          ],
          finish: { reason: "tool-calls" },
        },
      ],
      usage: { input: 10, output: 5 },
    },
    "cut short": {
      id: "r",
      model: "m",
      choices: [{ content: [{ type: "text", text: "Onc" }], finish: { reason: "length" } }],
      usage: { input: 1, output: 3 },
    },
  };
  const essence = ({ choices, usage }: ChatReply): unknown => ({
    content: choices[0]?.content
      .filter(({ type }) => type !== "reasoning")
      .map((part) =>
        part.type === "text" ? part.text : part.type === "tool-call" ? [part.id, part.name, JSON.parse(part.arguments)] : part.type,
      ),
    finish: choices[0]?.finish.reason,
    usage: [usage?.input, usage?.output, usage?.cacheRead ?? 0],
  });
  /** As if `codec`'s vendor had sent it. */
  const through = (codec: ClientCodec, reply: ChatReply): ChatReply => {
    const encoder = codec.client.encodeEvents(replyContext);
    const reader = new SseReader();
    const decoder = codec.provider.decodeEvents();
    const bytes = new TextEncoder().encode(
      unfold(reply)
        .map((event) => encoder.push(event))
        .join(""),
    );
    return fold([...[...reader.push(bytes), ...reader.end()].flatMap((frame) => decoder.push(frame)), ...decoder.end()]);
  };
  for (const codec of [chatCompletions, messages]) {
    for (const [name, reply] of Object.entries(replies)) {
      test(`${name}: ${codec.name} → gemini → ${codec.name}`, () => {
        expect(essence(through(codec, through(generateContent, through(codec, reply))))).toEqual(essence(reply));
        expect(essence(through(generateContent, through(codec, through(generateContent, reply))))).toEqual(essence(reply));
      });
    }
  }
});
