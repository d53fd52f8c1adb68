import { describe, expect, test } from "vitest";
import type { ChatEvent, ChatReply } from "../../canonical/chat.ts";
import { fold } from "../../canonical/fold.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { frameReader } from "../../upstream/framing/framing.ts";
import { messages } from "../anthropic/messages.ts";
import { expectDiscipline } from "../codec.contract.ts";
import type { ClientCodec, EncodeContext, Frame, ReplyContext } from "../codec.ts";
import { chatCompletions } from "../openai/chat-completions.ts";
import { ollamaChat } from "./chat.ts";
import { last, line } from "./chat/samples.ts";

const { provider, framing } = ollamaChat;
const tool = { name: "weather", arguments: { city: "Paris", id: 7 } };

/** What the server sends for a thoughtful answer with two calls of one tool, streamed. */
const streamed: JsonObject[] = [
  line({ thinking: "Let me " }),
  line({ thinking: "look — 日本 🙂." }),
  line({ content: "One " }),
  line({ content: "moment." }),
  line({ tool_calls: [{ id: "call_a", function: tool }] }),
  line({ tool_calls: [{ id: "call_b", function: { ...tool, arguments: {} } }] }),
  last(),
];
const whole: JsonObject = {
  ...last(),
  message: {
    role: "assistant",
    thinking: "Let me look — 日本 🙂.",
    content: "One moment.",
    tool_calls: [
      { id: "call_a", function: tool },
      { id: "call_b", function: { ...tool, arguments: {} } },
    ],
  },
};
const bytes = new TextEncoder().encode(streamed.map((one) => `${JSON.stringify(one)}\n`).join(""));

function frames(slices: readonly Uint8Array[]): Frame[] {
  const reader = frameReader(framing);
  return [...slices.flatMap((slice) => reader.push(slice)), ...reader.end()];
}

function read(given: readonly Frame[]): ChatEvent[] {
  const decoder = provider.decodeEvents();
  return [...given.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

describe("Ollama's chat", () => {
  test("lives under the bare host, and needs no header", () => {
    expect(provider.path()).toBe("/api/chat");
    expect(provider.headers()).toEqual({});
    expect(framing).toBe("json-lines");
  });

  test("whole and streamed tell the same", () => {
    const events = read(frames([bytes]));
    expectDiscipline(events);
    expect(fold(events)).toEqual(fold(provider.decodeReply(whole)));
  });

  test("cut at every byte the events are the same: a line is parsed as one, never the body (code-yeongyu/oh-my-openagent#1124)", () => {
    const events = read(frames([bytes]));
    for (let at = 0; at <= bytes.length; at++) expect(read(frames([bytes.subarray(0, at), bytes.subarray(at)]))).toEqual(events);
    expect(read(frames(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))))).toEqual(events);
  });

  test("a stream that ends early is never a silent success", () => {
    const all = frames([bytes]);
    for (let length = 0; length < all.length; length++) {
      const events = read(all.slice(0, length));
      expect(events.at(-1)?.type).toBe("error");
      expectDiscipline(events, "cut");
    }
    for (let at = 0; at < bytes.length - 1; at++) expect(read(frames([bytes.subarray(0, at)])).at(-1)?.type).toBe("error");
    // Without its line end the last line is complete all the same.
    expect(read(frames([bytes.subarray(0, bytes.length - 1)])).at(-1)?.type).toBe("end");
  });
});

const replyContext: ReplyContext = {
  callId: "hg_1",
  created: 1_700_000_000,
  model: "asked",
  includeUsage: true,
  origin: "local/m",
  customTools: new Set(),
};

function encodeContext(warned: string[]): EncodeContext {
  return { capabilities: {}, quirks: new Set(), origin: "local/m", warn: ({ field, action }) => warned.push(`${action} ${field}`) };
}

/** What a client of the format has at the end, read as its own SDK would: whole, and streamed. */
function seenBy(client: ClientCodec): { whole: ChatReply; streamed: ChatReply } {
  const reply = fold(provider.decodeReply(whole));
  const encoder = client.client.encodeEvents(replyContext);
  const text = read(frames([bytes]))
    .map((event) => encoder.push(event))
    .join("");
  const reader = frameReader("sse");
  const decoder = client.provider.decodeEvents();
  const told = [...reader.push(new TextEncoder().encode(text)), ...reader.end()].flatMap((frame) => decoder.push(frame));
  return {
    whole: fold(client.provider.decodeReply(JSON.parse(JSON.stringify(client.client.encodeReply(reply, replyContext))) as JsonObject)),
    streamed: fold([...told, ...decoder.end()]),
  };
}

describe.each([
  ["OpenAI's Chat Completions", chatCompletions],
  ["Anthropic's Messages", messages],
] as const)("a client of %s", (_, client) => {
  test("sees thoughts, text, both calls, the end and the usage, whole and streamed", () => {
    const seen = seenBy(client);
    for (const reply of [seen.whole, seen.streamed]) {
      expect(reply.model).toBe("m");
      const [choice] = reply.choices;
      expect(choice?.finish.reason).toBe("tool-calls");
      expect(
        choice?.content.map((part) =>
          "text" in part ? [part.type, part.text] : part.type === "tool-call" ? [part.id, part.name, part.arguments] : part.type,
        ),
      ).toEqual([
        ["reasoning", "Let me look — 日本 🙂."],
        ["text", "One moment."],
        ["call_a", "weather", '{"city":"Paris","id":7}'],
        ["call_b", "weather", "{}"],
      ]);
      expect(reply.usage).toMatchObject({ input: 26, output: 8 });
    }
  });

  test("gets an error in the stream as an error", () => {
    const decoder = provider.decodeEvents();
    const events = [line({ content: "a" }), { error: "server busy" }].flatMap((one) =>
      decoder.push({ event: "", data: JSON.stringify(one) }),
    );
    const last = events.at(-1);
    if (last?.type !== "error") throw new Error("no error came");
    expect(client.client.encodeStreamError(last.error, "hg_1")).toContain("server busy");
  });
});

describe("requests of other formats", () => {
  test("a tool loop of OpenAI's Chat Completions, with an image and a schema", () => {
    const warned: string[] = [];
    const request = chatCompletions.client.decodeRequest(
      {
        model: "m",
        stream: true,
        stream_options: { include_usage: true },
        max_completion_tokens: 50,
        temperature: 0.2,
        stop: "END",
        reasoning_effort: "none",
        tools: [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } }],
        messages: [
          { role: "system", content: "Be brief." },
          {
            role: "user",
            content: [
              { type: "text", text: "Where is this?" },
              { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
            ],
          },
          {
            role: "assistant",
            content: null,
            reasoning_content: "Hm.",
            tool_calls: [
              { id: "a", type: "function", function: { name: "weather", arguments: '{"id":12345678901234567890}' } },
              { id: "b", type: "function", function: { name: "weather", arguments: "" } },
            ],
          },
          { role: "tool", tool_call_id: "b", content: "two" },
          { role: "tool", tool_call_id: "a", content: "one" },
        ],
      },
      { headers: new Headers() },
    );
    const body = provider.encodeRequest(request, encodeContext(warned));
    expect(warned).toEqual([]);
    // As it travels: numbers kept whole are numbers once written.
    expect(JSON.stringify(body)).toContain('"arguments":{"id":12345678901234567890}');
    expect(body).toMatchObject({
      model: "m",
      stream: true,
      think: false,
      options: { num_predict: 50, temperature: 0.2, stop: ["END"] },
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Where is this?", images: ["aGk="] },
        {
          role: "assistant",
          content: "",
          thinking: "Hm.",
          tool_calls: [{ id: "a" }, { id: "b", function: { name: "weather", arguments: {} } }],
        },
        { role: "tool", tool_name: "weather", tool_call_id: "a", content: "one" },
        { role: "tool", tool_name: "weather", tool_call_id: "b", content: "two" },
      ],
    });
    expect(body).not.toHaveProperty("stream_options");
  });

  test("a tool loop of Anthropic's Messages, its results spread over two turns", () => {
    const warned: string[] = [];
    const request = messages.client.decodeRequest(
      {
        model: "m",
        max_tokens: 100,
        system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
        tools: [{ name: "f", input_schema: { type: "object", properties: {} } }],
        messages: [
          { role: "user", content: "Go." },
          {
            role: "assistant",
            content: [
              { type: "thinking", thinking: "Hm.", signature: "c2ln" },
              { type: "text", text: "On it." },
              { type: "tool_use", id: "toolu_1", name: "f", input: { a: 1 } },
              { type: "tool_use", id: "toolu_2", name: "f", input: {} },
            ],
          },
          {
            role: "user",
            content: [
              { type: "tool_result", tool_use_id: "toolu_1", content: "one" },
              { type: "text", text: "Hurry." },
            ],
          },
          {
            role: "user",
            content: [{ type: "tool_result", tool_use_id: "toolu_2", content: [{ type: "text", text: "bad" }], is_error: true }],
          },
        ],
      },
      { headers: new Headers() },
    );
    const body = provider.encodeRequest(request, encodeContext(warned));
    expect(body["messages"]).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Go." },
      {
        role: "assistant",
        content: "On it.",
        thinking: "Hm.",
        tool_calls: [
          { id: "toolu_1", function: { name: "f", arguments: { a: 1 } } },
          { id: "toolu_2", function: { name: "f", arguments: {} } },
        ],
      },
      { role: "tool", tool_name: "f", tool_call_id: "toolu_1", content: "one" },
      { role: "tool", tool_name: "f", tool_call_id: "toolu_2", content: "Error: bad" },
      { role: "user", content: "Hurry." },
    ]);
    expect(warned).toEqual([
      "repaired messages[5]",
      "dropped messages[0].content[0].cache_control",
      "emulated messages[5].content[0].is_error",
    ]);
  });

  test("an answer goes back as it came, through either client", () => {
    for (const client of [chatCompletions, messages] as ClientCodec[]) {
      const reply = client.client.encodeReply(fold(provider.decodeReply(whole)), replyContext);
      const answer =
        client === chatCompletions
          ? (reply["choices"] as { message: JsonObject }[])[0]?.message
          : { role: "assistant", content: reply["content"] };
      const request = client.client.decodeRequest(
        JSON.parse(JSON.stringify({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "?" }, answer] })) as JsonObject,
        { headers: new Headers() },
      );
      const body = JSON.parse(JSON.stringify(provider.encodeRequest(request, encodeContext([])))) as { messages: JsonObject[] };
      expect(body.messages[1]).toEqual(whole["message"]);
    }
  });
});
