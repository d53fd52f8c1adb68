import { describe, expect, test } from "vitest";
import type { ChatEvent, ChatReply } from "../../canonical/chat.ts";
import { fold } from "../../canonical/fold.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { frameReader } from "../../upstream/framing/framing.ts";
import { messages } from "../anthropic/messages.ts";
import { expectDiscipline } from "../codec.contract.ts";
import type { ClientCodec, EncodeContext, Frame, ReplyContext } from "../codec.ts";
import { chatCompletions } from "../openai/chat-completions.ts";
import { cohereChat } from "./chat.ts";
import { citation, content, counts, end, plan, start, toolCall } from "./chat/samples.ts";

const { provider, framing } = cohereChat;

/** What the vendor sends for a thoughtful answer with a plan and two calls, the second without arguments. */
const calling: JsonObject[] = [
  start,
  ...content("thinking", ["Let me ", "look — 日本 🙂."]),
  ...plan("I will use ", "the tools."),
  ...toolCall(0, "weather", ['{"', 'city":"Paris"}']),
  ...toolCall(1, "clock", []),
  end("TOOL_CALL"),
];
const callingWhole: JsonObject = {
  id: start["id"],
  message: {
    role: "assistant",
    content: [{ type: "thinking", thinking: "Let me look — 日本 🙂." }],
    tool_plan: "I will use the tools.",
    tool_calls: [
      { id: "weather_e8p4pn45zt00", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } },
      { id: "clock_e8p4pn45zt01", type: "function", function: { name: "clock", arguments: "null" } },
    ],
  },
  finish_reason: "TOOL_CALL",
  usage: counts,
};

const cited: JsonObject = {
  start: 6,
  end: 13,
  text: "Paris.",
  sources: [{ type: "document", id: "doc:0", document: { title: "France", url: "https://e.org/fr" } }],
  content_index: 0,
};
const citing: JsonObject[] = [start, ...content("text", ["It is ", "Paris."]), ...citation(0, cited), end()];
const citingWhole: JsonObject = {
  id: start["id"],
  message: { role: "assistant", content: [{ type: "text", text: "It is Paris." }], citations: [cited] },
  finish_reason: "COMPLETE",
  usage: counts,
};

const samples = [
  ["an answer that calls tools", calling, callingWhole],
  ["an answer that cites", citing, citingWhole],
] as const;

function bytesOf(events: readonly JsonObject[]): Uint8Array {
  return new TextEncoder().encode(
    `${events.map((event) => `event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`).join("")}data: [DONE]\n\n`,
  );
}

function frames(slices: readonly Uint8Array[]): Frame[] {
  const reader = frameReader(framing);
  return [...slices.flatMap((slice) => reader.push(slice)), ...reader.end()];
}

function read(given: readonly Frame[]): ChatEvent[] {
  const decoder = provider.decodeEvents();
  return [...given.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

describe("Cohere's chat", () => {
  test("lives under the bare host, and needs no header", () => {
    expect(provider.path()).toBe("/v2/chat");
    expect(provider.headers()).toEqual({});
    expect(framing).toBe("sse");
  });

  describe.each(samples)("%s", (_, streamed, whole) => {
    const bytes = bytesOf(streamed);

    test("tells the same whole and streamed", () => {
      const events = read(frames([bytes]));
      expectDiscipline(events);
      expect(fold(events)).toEqual(fold(provider.decodeReply(whole)));
    });

    test("gives the same events wherever its bytes are cut", () => {
      const events = read(frames([bytes]));
      for (let at = 0; at <= bytes.length; at++) expect(read(frames([bytes.subarray(0, at), bytes.subarray(at)]))).toEqual(events);
      expect(read(frames(Array.from(bytes, (__, at) => bytes.subarray(at, at + 1))))).toEqual(events);
    });

    test("is never a silent success when it ends early", () => {
      const all = frames([bytes]);
      // The last frame is [DONE], which nothing depends on.
      for (let length = 0; length < all.length - 1; length++) {
        const events = read(all.slice(0, length));
        expect(events.at(-1)?.type).toBe("error");
        expectDiscipline(events, "cut");
        const frame = all[length] as Frame;
        expect(read([...all.slice(0, length), { ...frame, data: frame.data.slice(0, frame.data.length / 2) }]).at(-1)?.type).toBe("error");
      }
      expect(read(all.slice(0, -1)).at(-1)?.type).toBe("end");
    });
  });
});

const replyContext: ReplyContext = {
  callId: "hg_1",
  created: 1_700_000_000,
  model: "asked",
  includeUsage: true,
  origin: "vendor/m",
  customTools: new Set(),
};

function encodeContext(warned: string[]): EncodeContext {
  return { capabilities: {}, quirks: new Set(), origin: "vendor/m", warn: ({ field, action }) => warned.push(`${action} ${field}`) };
}

/** What a client of the format has at the end, read as its own SDK would: whole, and streamed. */
function seenBy(client: ClientCodec, streamed: readonly JsonObject[], whole: JsonObject): ChatReply[] {
  const encoder = client.client.encodeEvents(replyContext);
  const text = read(frames([bytesOf(streamed)]))
    .map((event) => encoder.push(event))
    .join("");
  const reader = frameReader("sse");
  const decoder = client.provider.decodeEvents();
  const told = [...reader.push(new TextEncoder().encode(text)), ...reader.end()].flatMap((frame) => decoder.push(frame));
  const reply = client.client.encodeReply(fold(provider.decodeReply(whole)), replyContext);
  return [fold(client.provider.decodeReply(JSON.parse(JSON.stringify(reply)) as JsonObject)), fold([...told, ...decoder.end()])];
}

describe.each([
  ["OpenAI's Chat Completions", chatCompletions],
  ["Anthropic's Messages", messages],
] as const)("a client of %s", (_, client) => {
  test("sees thoughts, plan, both calls, the end and the usage, whole and streamed", () => {
    for (const reply of seenBy(client, calling, callingWhole)) {
      const [choice] = reply.choices;
      expect(choice?.finish.reason).toBe("tool-calls");
      expect(
        choice?.content.map((part) =>
          "text" in part ? [part.type, part.text] : part.type === "tool-call" ? [part.id, part.name, part.arguments] : part.type,
        ),
      ).toEqual([
        ["reasoning", "Let me look — 日本 🙂."],
        ["text", "I will use the tools."],
        ["weather_e8p4pn45zt00", "weather", '{"city":"Paris"}'],
        ["clock_e8p4pn45zt01", "clock", "{}"],
      ]);
      expect(reply.usage).toMatchObject({ input: 507, output: 10, cacheRead: 448 });
    }
  });

  test("sees what was cited", () => {
    for (const reply of seenBy(client, citing, citingWhole)) {
      const [text] = reply.choices[0]?.content ?? [];
      expect(text).toMatchObject({ type: "text", text: "It is Paris." });
      expect(JSON.stringify(text)).toContain("https://e.org/fr");
    }
  });

  test("brings the answer back as it came", () => {
    const reply = client.client.encodeReply(fold(provider.decodeReply(callingWhole)), replyContext);
    const answer =
      client.name === chatCompletions.name
        ? (reply["choices"] as { message: JsonObject }[])[0]?.message
        : { role: "assistant", content: reply["content"] };
    const request = client.client.decodeRequest(
      JSON.parse(JSON.stringify({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "?" }, answer] })) as JsonObject,
      { headers: new Headers() },
    );
    const body = provider.encodeRequest(request, encodeContext([]));
    const [, back] = body["messages"] as JsonObject[];
    const sent = JSON.parse(JSON.stringify(callingWhole["message"]).replace('"null"', '"{}"')) as JsonObject;
    expect(back).toEqual(sent);
  });
});

describe("requests of other formats", () => {
  test("a tool loop of OpenAI's Chat Completions", () => {
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
        tools: [
          {
            type: "function",
            function: { name: "f", strict: true, parameters: { type: "object", properties: { a: { type: "string" } }, required: ["a"] } },
          },
        ],
        tool_choice: "required",
        messages: [
          { role: "developer", content: "Be brief." },
          { role: "user", content: "Go." },
          {
            role: "assistant",
            content: "On it.",
            tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: '{"id":12345678901234567890}' } }],
          },
          { role: "tool", tool_call_id: "a", content: "one" },
        ],
      },
      { headers: new Headers() },
    );
    const body = provider.encodeRequest(request, encodeContext(warned));
    expect(warned).toEqual([]);
    expect(body).toEqual({
      model: "m",
      stream: true,
      max_tokens: 50,
      temperature: 0.2,
      stop_sequences: ["END"],
      thinking: { type: "disabled" },
      tools: [
        {
          type: "function",
          function: { name: "f", parameters: { type: "object", properties: { a: { type: "string" } }, required: ["a"] } },
        },
      ],
      tool_choice: "REQUIRED",
      strict_tools: true,
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Go." },
        {
          role: "assistant",
          tool_plan: "On it.",
          tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: '{"id":12345678901234567890}' } }],
        },
        { role: "tool", tool_call_id: "a", content: "one" },
      ],
    });
  });

  test("a conversation of Anthropic's Messages about a document that shall be cited", () => {
    const warned: string[] = [];
    const request = messages.client.decodeRequest(
      {
        model: "m",
        max_tokens: 100,
        top_k: 5,
        thinking: { type: "enabled", budget_tokens: 2000 },
        messages: [
          {
            role: "user",
            content: [
              {
                type: "document",
                source: { type: "text", media_type: "text/plain", data: "Paris is in France." },
                title: "Atlas",
                citations: { enabled: true },
              },
              { type: "text", text: "Where?" },
            ],
          },
        ],
      },
      { headers: new Headers() },
    );
    const body = provider.encodeRequest(request, encodeContext(warned));
    expect(body).toEqual({
      model: "m",
      stream: false,
      max_tokens: 100,
      k: 5,
      thinking: { type: "enabled", token_budget: 2000 },
      documents: [{ data: { text: "Paris is in France.", title: "Atlas" } }],
      messages: [{ role: "user", content: "Where?" }],
    });
    expect(warned).toEqual(["approximated messages[0].content[0]"]);
  });
});
