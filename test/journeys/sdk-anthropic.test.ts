/** The official `@anthropic-ai/sdk` package against the gateway, toward a provider of its own format and toward ones that speak OpenAI's. */

import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { Answer, FakeProvider } from "../../testkit/fake-provider.ts";
import { anthropicStream, openaiStream } from "../../testkit/frames.ts";
import { openHouse } from "./house.ts";
import type { House } from "./house.ts";
import { completion, completionChunks, message, messageEvents, textBlock } from "./replies.ts";

type Messages = Anthropic.MessageParam[];
type Dict = Record<string, unknown>;

const providers = ["ant", "oai"] as const;
type Provider = (typeof providers)[number];

const models: Record<Provider, string> = { ant: "ant/claude-opus-4-5", oai: "oai/gpt-5.4-mini" };

let fake: FakeProvider;
let house: House;
let client: Anthropic;

beforeAll(async () => {
  fake = await startFakeProvider();
  const key = { api_key: "sk-provider" };
  house = await openHouse({
    providers: {
      oai: { type: "openai", base_url: `${fake.url}/v1`, ...key },
      ant: { type: "anthropic", base_url: fake.url, ...key },
      deep: { type: "deepseek", base_url: `${fake.url}/v1`, formats: ["chat-completions"], ...key },
    },
    keys: [
      { name: "all", key: "client-secret-1" },
      { name: "some", key: "client-secret-2", models: ["oai/*"] },
    ],
  });
  client = house.anthropic({ apiKey: "client-secret-1" });
});
afterAll(async () => {
  await house.close();
  await fake.close();
});
beforeEach(() => {
  fake.requests.length = 0;
  fake.always({ status: 500, body: { error: { message: "nothing is scripted" } } });
});

const hello: Messages = [{ role: "user", content: "Hello" }];
const max_tokens = 4000;

function said(provider: Provider, text: string): Answer {
  return { body: provider === "oai" ? completion(text) : message(text) };
}

function saidInPieces(provider: Provider, ...texts: string[]): Answer {
  return {
    chunks: [
      provider === "oai"
        ? openaiStream(completionChunks(texts.map((content) => ({ content }))))
        : anthropicStream(messageEvents([textBlock(...texts)])),
    ],
  };
}

function received(index = -1): Dict {
  return fake.requests.at(index)?.json() as Dict;
}

function texts(answer: { content: readonly { type: string; text?: unknown }[] }): string {
  return answer.content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

/** The fields of a vendor's reply that both of its SDK's ways must agree on. */
const usages: Record<Provider, object> = {
  ant: { input_tokens: 5, cache_creation_input_tokens: 2, cache_read_input_tokens: 4, output_tokens: 3 },
  // Nine of input, four of them from the cache: Anthropic counts those apart.
  oai: { input_tokens: 5, cache_read_input_tokens: 4, output_tokens: 3 },
};

describe.each(providers)("toward %s: text", (provider) => {
  const model = models[provider];

  test("whole, with usage that counts the cache apart", async () => {
    fake.always(said(provider, "Hello there."));
    const answer = await client.messages.create({ model, max_tokens, messages: hello });
    expect(answer).toMatchObject({
      type: "message",
      role: "assistant",
      content: [{ type: "text", text: "Hello there." }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: usages[provider],
    });
    expect(answer.id).toMatch(/^msg_/);
  });

  test("streamed, through the helper", async () => {
    fake.always(saidInPieces(provider, "Hello", " there", "."));
    const heard: string[] = [];
    const answer = await client.messages
      .stream({ model, max_tokens, messages: hello })
      .on("text", (delta) => void heard.push(delta))
      .finalMessage();
    expect(heard).toEqual(["Hello", " there", "."]);
    expect(answer).toMatchObject({ content: [{ type: "text", text: "Hello there." }], stop_reason: "end_turn", usage: usages[provider] });
  });

  test("streamed, event by event, by the rules of the format", async () => {
    fake.always(saidInPieces(provider, "Hello", " there"));
    const types: string[] = [];
    let usage: unknown;
    for await (const event of await client.messages.create({ model, max_tokens, messages: hello, stream: true })) {
      if (event.type !== "content_block_delta" || types.at(-1) !== event.type) types.push(event.type);
      if (event.type === "message_start") expect(event.message).toMatchObject({ content: [], stop_reason: null, role: "assistant" });
      if (event.type === "content_block_start") expect(event).toMatchObject({ index: 0, content_block: { type: "text", text: "" } });
      if (event.type === "message_delta") usage = event.usage;
    }
    expect(types).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(usage).toMatchObject(usages[provider]);
  });

  test("Unicode survives any slicing of the stream", async () => {
    const text = "Grüße, 世界 \u{1f469}\u200d\u{1f680} ".repeat(50);
    const bytes = new TextEncoder().encode((saidInPieces(provider, ...(text.match(/.{1,7}/gsu) as string[])).chunks as string[])[0]);
    fake.always({ chunks: Array.from({ length: Math.ceil(bytes.length / 13) }, (_, at) => bytes.subarray(at * 13, at * 13 + 13)) });
    expect(texts(await client.messages.stream({ model, max_tokens, messages: hello }).finalMessage())).toBe(text);
  });

  test("a whole reply where a stream was asked for is told as a stream", async () => {
    fake.always(said(provider, "Hello there."));
    const answer = await client.messages.stream({ model, max_tokens, messages: hello }).finalMessage();
    expect(answer).toMatchObject({ content: [{ type: "text", text: "Hello there." }], stop_reason: "end_turn", usage: usages[provider] });
  });
});

const tools: Anthropic.Tool[] = [
  {
    name: "weather",
    description: "Tells the weather.",
    input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
  { name: "now", input_schema: { type: "object", properties: {} } },
];

function calls(provider: Provider, streamed: boolean): Answer {
  if (provider === "ant") {
    const blocks = [
      { type: "text", text: "I look." },
      { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Bern" } },
      { type: "tool_use", id: "toolu_2", name: "now", input: {} },
    ];
    if (!streamed) return { body: message(blocks, { stop_reason: "tool_use" }) };
    const json = (partial_json: string): object => ({ type: "input_json_delta", partial_json });
    return {
      chunks: [
        anthropicStream(
          messageEvents(
            [
              textBlock("I look."),
              [{ type: "tool_use", id: "toolu_1", name: "weather", input: {} }, json('{"city"'), json(': "Bern"}')],
              [{ type: "tool_use", id: "toolu_2", name: "now", input: {} }, json("")],
            ],
            { stop_reason: "tool_use" },
          ),
        ),
      ],
    };
  }
  const whole = [
    { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city": "Bern"}' } },
    { id: "call_2", type: "function", function: { name: "now", arguments: "" } },
  ];
  if (!streamed) return { body: completion({ content: "I look.", tool_calls: whole }, { finish_reason: "tool_calls" }) };
  const opening = (index: number): object => ({
    tool_calls: [{ index, ...whole[index], function: { name: whole[index]?.function.name, arguments: "" } }],
  });
  const piece = (index: number, json: string): object => ({ tool_calls: [{ index, function: { arguments: json } }] });
  // The second call begins before the first has all its arguments.
  return {
    chunks: [
      openaiStream(
        completionChunks([{ content: "I look." }, opening(0), piece(0, '{"city"'), opening(1), piece(0, ': "Bern"}')], "tool_calls"),
      ),
    ],
  };
}

describe.each(providers)("toward %s: tools", (provider) => {
  const model = models[provider];

  test("parallel calls, whole and streamed, one of them without arguments", async () => {
    for (const streamed of [false, true]) {
      fake.always(calls(provider, streamed));
      const asked = { model, max_tokens, messages: hello, tools };
      const answer = streamed ? await client.messages.stream(asked).finalMessage() : await client.messages.create(asked);
      expect(answer.stop_reason).toBe("tool_use");
      expect(answer.content).toMatchObject([
        { type: "text", text: "I look." },
        { type: "tool_use", name: "weather", input: { city: "Bern" } },
        { type: "tool_use", name: "now", input: {} },
      ]);
      const ids = answer.content.flatMap((block) => (block.type === "tool_use" ? [block.id] : []));
      expect(new Set(ids).size).toBe(2);
      for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9_-]+$/);
    }
  });

  test("ids that Anthropic's format does not allow come back to the provider as it made them", async () => {
    if (provider === "ant") return;
    const ids = ["functions.weather:0", "call|x.y", "ünï"];
    fake.always({
      body: completion(
        { content: null, tool_calls: ids.map((id) => ({ id, type: "function", function: { name: "now", arguments: "{}" } })) },
        { finish_reason: "tool_calls" },
      ),
    });
    const answer = await client.messages.create({ model, max_tokens, messages: hello, tools });
    const made = answer.content.flatMap((block) => (block.type === "tool_use" ? [block.id] : []));
    for (const id of made) expect(id).toMatch(/^[a-zA-Z0-9_-]+$/);
    expect(new Set(made).size).toBe(3);
    fake.always(said("oai", "Noon."));
    await client.messages.create({
      model,
      max_tokens,
      tools,
      messages: [
        ...hello,
        { role: "assistant", content: answer.content },
        { role: "user", content: made.map((tool_use_id) => ({ type: "tool_result" as const, tool_use_id, content: "noon" })) },
      ],
    });
    const sent = received()["messages"] as { role: string; tool_call_id?: string; tool_calls?: { id: string }[] }[];
    expect(sent.find((turn) => turn.tool_calls)?.tool_calls?.map((call) => call.id)).toEqual(ids);
    expect(sent.filter((turn) => turn.role === "tool").map((turn) => turn.tool_call_id)).toEqual(ids);
  });

  test("the declarations and the choice reach the provider in its own words", async () => {
    fake.always(said(provider, "Hello."));
    const choices: readonly [Anthropic.ToolChoice, object][] = [
      [{ type: "auto" }, { tool_choice: "auto" }],
      [
        { type: "any", disable_parallel_tool_use: true },
        { tool_choice: "required", parallel_tool_calls: false },
      ],
      [{ type: "none" }, { tool_choice: "none" }],
      [{ type: "tool", name: "weather" }, { tool_choice: { type: "function", function: { name: "weather" } } }],
    ];
    for (const [tool_choice, expected] of choices) {
      await client.messages.create({ model, max_tokens, messages: hello, tools, tool_choice });
      if (provider === "ant") expect(received()).toEqual({ model: "claude-opus-4-5", max_tokens, messages: hello, tools, tool_choice });
      else {
        expect(received()).toMatchObject(expected);
        expect(received()["tools"]).toMatchObject(
          tools.map(({ name, input_schema }) => ({ type: "function", function: { name, parameters: input_schema } })),
        );
      }
    }
  });

  test("results with images and failures, in their order", async () => {
    const png = "iVBORw0KGgoAAAANSUhEUg==";
    const messages: Messages = [
      ...hello,
      {
        role: "assistant",
        content: [
          { type: "text", text: "I look." },
          { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Bern" } },
          { type: "tool_use", id: "toolu_2", name: "now", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_1", content: "no such city", is_error: true },
          {
            type: "tool_result",
            tool_use_id: "toolu_2",
            content: [
              { type: "text", text: "A clock:" },
              { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
            ],
          },
          { type: "text", text: "And?" },
        ],
      },
    ];
    fake.always(said(provider, "Noon."));
    const { response } = await client.messages.create({ model, max_tokens, messages, tools }).withResponse();
    if (provider === "ant") return expect(received()["messages"]).toEqual(messages);
    expect(received()["messages"]).toMatchObject([
      { role: "user", content: "Hello" },
      {
        role: "assistant",
        content: "I look.",
        tool_calls: [
          { id: "toolu_1", type: "function", function: { name: "weather", arguments: '{"city":"Bern"}' } },
          { id: "toolu_2", type: "function", function: { name: "now", arguments: "{}" } },
        ],
      },
      { role: "tool", tool_call_id: "toolu_1", content: expect.stringMatching(/error.*no such city/i) },
      { role: "tool", tool_call_id: "toolu_2", content: "A clock:" },
      { role: "user", content: expect.arrayContaining([{ type: "image_url", image_url: { url: `data:image/png;base64,${png}` } }]) },
      { role: "user", content: "And?" },
    ]);
    expect(response.headers.get("x-headgate-warnings")).toContain("is_error");
  });

  test("the SDK's own tool runner comes to its end", async () => {
    for (const stream of [false, true]) {
      fake.requests.length = 0;
      fake.always((request) => {
        if (!/"tool_call_id"|"tool_use_id"/.test(request.body)) return calls(provider, stream);
        return stream ? saidInPieces(provider, "Sunny ", "at noon.") : said(provider, "Sunny at noon.");
      });
      const asked: unknown[] = [];
      const run = (result: string) => (args: unknown) => {
        asked.push(args);
        return result;
      };
      const runner = client.beta.messages.toolRunner({
        model,
        max_tokens,
        messages: [{ role: "user", content: "Hello" }],
        stream,
        tools: [
          betaZodTool({
            name: "weather",
            description: "Tells the weather.",
            inputSchema: z.object({ city: z.string() }),
            run: run("sunny"),
          }),
          betaZodTool({ name: "now", description: "Tells the time.", inputSchema: z.object({}), run: run("noon") }),
        ],
      });
      const last = await runner.runUntilDone();
      expect(texts(last)).toBe("Sunny at noon.");
      expect(asked).toEqual([{ city: "Bern" }, {}]);
      expect(fake.requests.length).toBe(2);
    }
  });
});

/** What a model thinks before each call, and the words at the end: as Anthropic and as DeepSeek say it. */
function turn(provider: "ant" | "deep", at: number, streamed: boolean): Answer {
  const last = at === 3;
  if (provider === "deep") {
    const calls = [{ index: 0, id: `call_${at}`, type: "function", function: { name: "weather", arguments: `{"city":"City ${at}"}` } }];
    const words = last ? { content: "Done." } : { content: `Step ${at}.`, reasoning_content: `Thought ${at}.`, tool_calls: calls };
    if (!streamed) return { body: completion(words, { finish_reason: last ? "stop" : "tool_calls" }) };
    const deltas = last
      ? [{ content: "Done." }]
      : [
          { reasoning_content: "Thought", content: null },
          { reasoning_content: ` ${at}.`, content: null },
          { content: `Step ${at}.` },
          { tool_calls: calls },
        ];
    return { chunks: [openaiStream(completionChunks(deltas, last ? "stop" : "tool_calls"))] };
  }
  const signature = `c2lnbmF0dXJl${at}`;
  const call = { type: "tool_use", id: `toolu_${at}`, name: "weather", input: { city: `City ${at}` } };
  const redacted = { type: "redacted_thinking", data: "cmVkYWN0ZWQ=" };
  const stop = { stop_reason: last ? "end_turn" : "tool_use" };
  if (!streamed) {
    return {
      body: message(
        last
          ? "Done."
          : [{ type: "thinking", thinking: `Thought ${at}.`, signature }, redacted, { type: "text", text: `Step ${at}.` }, call],
        stop,
      ),
    };
  }
  const blocks: [object, ...object[]][] = last
    ? [textBlock("Done.")]
    : [
        [
          { type: "thinking", thinking: "", signature: "" },
          { type: "thinking_delta", thinking: "Thought" },
          { type: "thinking_delta", thinking: ` ${at}.` },
          { type: "signature_delta", signature },
        ],
        [redacted],
        textBlock(`Step ${at}.`),
        [
          { ...call, input: {} },
          { type: "input_json_delta", partial_json: JSON.stringify(call.input) },
        ],
      ];
  return { chunks: [anthropicStream(messageEvents(blocks, stop))] };
}

describe("reasoning in a loop of three turns", () => {
  for (const provider of ["ant", "deep"] as const) {
    for (const streamed of [false, true]) {
      test(`toward ${provider}, ${streamed ? "streamed" : "whole"}: each comes back as it was made`, async () => {
        const messages: Messages = [...hello];
        for (let at = 1; at <= 3; at++) {
          fake.always(turn(provider, at, streamed));
          const asked = {
            model: provider === "ant" ? models.ant : "deep/deepseek-reasoner",
            max_tokens,
            system: "Be brief.",
            messages,
            tools: tools.slice(0, 1),
            thinking: { type: "enabled" as const, budget_tokens: 2000 },
          };
          const answer = streamed ? await client.messages.stream(asked).finalMessage() : await client.messages.create(asked);
          const [first] = answer.content;
          if (at < 3) expect(first?.type === "thinking" && first.signature !== "" && first.thinking).toBe(`Thought ${at}.`);
          messages.push({ role: "assistant", content: answer.content });
          const results = answer.content.flatMap((block) =>
            block.type === "tool_use" ? [{ type: "tool_result" as const, tool_use_id: block.id, content: "sunny" }] : [],
          );
          if (results.length > 0) messages.push({ role: "user", content: results });
        }
        expect(texts({ content: messages.at(-1)?.content as Anthropic.TextBlock[] })).toBe("Done.");
        if (provider === "ant") {
          const step = (at: number): object[] => [
            {
              role: "assistant",
              content: [
                { type: "thinking", thinking: `Thought ${at}.`, signature: `c2lnbmF0dXJl${at}` },
                { type: "redacted_thinking", data: "cmVkYWN0ZWQ=" },
                { type: "text", text: `Step ${at}.` },
                { type: "tool_use", id: `toolu_${at}`, name: "weather", input: { city: `City ${at}` } },
              ],
            },
            { role: "user", content: [{ type: "tool_result", tool_use_id: `toolu_${at}`, content: "sunny" }] },
          ];
          expect(received()).toMatchObject({
            model: "claude-opus-4-5",
            system: "Be brief.",
            thinking: { type: "enabled", budget_tokens: 2000 },
          });
          expect(received()["messages"]).toEqual([...hello, ...step(1), ...step(2)]);
          return;
        }
        // DeepSeek wants the reasoning of a running loop back, under its own name.
        const step = (at: number): object[] => [
          {
            role: "assistant",
            content: `Step ${at}.`,
            reasoning_content: `Thought ${at}.`,
            tool_calls: [{ id: `call_${at}`, type: "function", function: { name: "weather", arguments: `{"city":"City ${at}"}` } }],
          },
          { role: "tool", tool_call_id: `call_${at}`, content: "sunny" },
        ];
        expect(received()["messages"]).toEqual([
          { role: "system", content: "Be brief." },
          { role: "user", content: "Hello" },
          ...step(1),
          ...step(2),
        ]);
      });
    }
  }

  test("a conversation that moves to Anthropic leaves foreign reasoning behind, with a word about it", async () => {
    fake.always(turn("deep", 1, false));
    const first = await client.messages.create({ model: "deep/deepseek-reasoner", max_tokens, messages: hello, tools });
    fake.always(said("ant", "Sunny."));
    const { response } = await client.messages
      .create({
        model: models.ant,
        max_tokens,
        tools,
        messages: [
          ...hello,
          { role: "assistant", content: first.content },
          { role: "user", content: [{ type: "tool_result", tool_use_id: "call_1", content: "sunny" }] },
        ],
      })
      .withResponse();
    expect(fake.requests.at(-1)?.body).not.toMatch(/"thinking"|headgate/);
    expect((received()["messages"] as { content: unknown }[])[1]?.content).toEqual([
      { type: "text", text: "Step 1." },
      { type: "tool_use", id: "call_1", name: "weather", input: { city: "City 1" } },
    ]);
    expect(response.headers.get("x-headgate-warnings")).toContain("reasoning");
  });

  test("a conversation that moves away from Anthropic leaves its signatures behind", async () => {
    fake.always(turn("ant", 1, false));
    const first = await client.messages.create({ model: models.ant, max_tokens, messages: hello, tools });
    fake.always(said("oai", "Sunny."));
    await client.messages.create({
      model: models.oai,
      max_tokens,
      tools,
      messages: [
        ...hello,
        { role: "assistant", content: first.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "sunny" }] },
      ],
    });
    expect(fake.requests.at(-1)?.body).not.toMatch(/c2lnbmF0dXJl|cmVkYWN0ZWQ/);
    expect(received()["messages"]).toMatchObject([
      { role: "user" },
      { role: "assistant", content: "Step 1." },
      { role: "tool", tool_call_id: "toolu_1", content: "sunny" },
    ]);
  });
});

describe.each(providers)("toward %s: structured output", (provider) => {
  const json = '{"city":"Bern","degrees":21.5}';
  const Forecast = z.object({ city: z.string(), degrees: z.number() });
  const model = models[provider];

  test("parsed by the SDK, whole and streamed", async () => {
    const asked = { model, max_tokens, messages: hello, output_config: { format: zodOutputFormat(Forecast) } };
    fake.always(said(provider, json));
    const parsed = await client.messages.parse(asked);
    expect(parsed.parsed_output).toEqual({ city: "Bern", degrees: 21.5 });
    const schema = { type: "object", properties: { city: { type: "string" }, degrees: { type: "number" } }, required: ["city", "degrees"] };
    if (provider === "ant") expect(received()["output_config"]).toMatchObject({ format: { type: "json_schema", schema } });
    else
      expect(received()["response_format"]).toMatchObject({
        type: "json_schema",
        json_schema: { name: expect.stringMatching(/^[a-zA-Z0-9_-]+$/), schema },
      });
    fake.always(saidInPieces(provider, ...(json.match(/.{1,5}/g) as string[])));
    const streamed = await client.messages.stream(asked).finalMessage();
    expect(streamed.parsed_output).toEqual({ city: "Bern", degrees: 21.5 });
  });
});

describe("media and cache marks", () => {
  const png = "iVBORw0KGgoAAAANSUhEUg==";
  const pdf = "JVBERi0xLjQK";
  const content: Anthropic.ContentBlockParam[] = [
    { type: "text", text: "What is this?", cache_control: { type: "ephemeral", ttl: "1h" } },
    { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
    { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
    { type: "document", source: { type: "base64", media_type: "application/pdf", data: pdf }, title: "a.pdf" },
    { type: "document", source: { type: "text", media_type: "text/plain", data: "Plain words." } },
  ];
  const system: Anthropic.TextBlockParam[] = [
    { type: "text", text: "Be brief." },
    { type: "text", text: "Be kind.", cache_control: { type: "ephemeral" } },
  ];

  test("to ant: as they were", async () => {
    fake.always(said("ant", "A cat."));
    await client.messages.create({ model: models.ant, max_tokens, system, messages: [{ role: "user", content }] });
    expect(received()).toEqual({ model: "claude-opus-4-5", max_tokens, system, messages: [{ role: "user", content }] });
  });

  test("to oai: in its own parts", async () => {
    fake.always(said("oai", "A cat."));
    await client.messages.create({ model: models.oai, max_tokens, system, messages: [{ role: "user", content }] });
    expect(received()["messages"]).toEqual([
      {
        role: "system",
        content: [
          { type: "text", text: "Be brief." },
          { type: "text", text: "Be kind." },
        ],
      },
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } },
          { type: "image_url", image_url: { url: "https://example.com/a.png" } },
          { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${pdf}` } },
          { type: "text", text: expect.stringContaining("Plain words.") },
        ],
      },
    ]);
  });

  test("a source that only Anthropic has is refused by name elsewhere", async () => {
    const failure: unknown = await client.messages
      .create({
        model: models.oai,
        max_tokens,
        messages: [{ role: "user", content: [{ type: "image", source: { type: "file", file_id: "file_1" } as never }] }],
      })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Anthropic.BadRequestError);
    expect((failure as Error).message).toContain("content[0]");
    expect(fake.requests.length).toBe(0);
  });
});

describe("system messages in the middle", () => {
  const messages: Messages = [
    ...hello,
    { role: "system", content: "Now in French." },
    { role: "assistant", content: "Salut." },
    { role: "user", content: "More" },
  ];

  test("stay where they are", async () => {
    fake.always(said("ant", "Salut."));
    await client.messages.create({ model: "ant/claude-opus-4-8", max_tokens, system: "Be brief.", messages });
    expect(received()).toEqual({ model: "claude-opus-4-8", max_tokens, system: "Be brief.", messages });
    fake.always(said("oai", "Salut."));
    await client.messages.create({ model: models.oai, max_tokens, system: "Be brief.", messages });
    expect(received()["messages"]).toEqual([{ role: "system", content: "Be brief." }, ...messages]);
  });
});

describe("stop reasons", () => {
  const reasons: readonly [object, string, string][] = [
    [{}, "stop", "end_turn"],
    [{}, "length", "max_tokens"],
    [{}, "content_filter", "refusal"],
    [{}, "something_new", "end_turn"],
    [{ tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "now", arguments: "{}" } }] }, "stop", "tool_use"],
    [{ tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "now", arguments: "{}" } }] }, "length", "max_tokens"],
  ];
  for (const [delta, finish, expected] of reasons) {
    test(`${finish}${"tool_calls" in delta ? " with a call" : ""} becomes ${expected}`, async () => {
      fake.always({ body: completion({ content: "Hello.", ...delta }, { finish_reason: finish }) });
      expect((await client.messages.create({ model: models.oai, max_tokens, messages: hello })).stop_reason).toBe(expected as "end_turn");
      fake.always({ chunks: [openaiStream(completionChunks([{ content: "Hello." }, delta], finish))] });
      expect((await client.messages.stream({ model: models.oai, max_tokens, messages: hello }).finalMessage()).stop_reason).toBe(
        expected as "end_turn",
      );
    });
  }

  test("those of Anthropic's own pass as they are, with their details", async () => {
    for (const stop of [
      { stop_reason: "stop_sequence", stop_sequence: "END" },
      { stop_reason: "refusal", stop_details: { type: "refusal", category: "cyber", explanation: "No." } },
      { stop_reason: "pause_turn" },
      { stop_reason: "model_context_window_exceeded" },
    ]) {
      fake.always({ body: message("Hello.", stop) });
      expect(await client.messages.create({ model: models.ant, max_tokens, messages: hello })).toMatchObject(stop);
      fake.always({ chunks: [anthropicStream(messageEvents([textBlock("Hello.")], stop))] });
      expect(await client.messages.stream({ model: models.ant, max_tokens, messages: hello }).finalMessage()).toMatchObject(stop);
    }
  });

  test("a refusal of OpenAI's is one here, with its words", async () => {
    fake.always({ body: completion({ content: null, refusal: "I cannot." }) });
    const whole = await client.messages.create({ model: models.oai, max_tokens, messages: hello });
    expect([whole.stop_reason, texts(whole)]).toEqual(["refusal", "I cannot."]);
    fake.always({ chunks: [openaiStream(completionChunks([{ refusal: "I " }, { refusal: "cannot." }]))] });
    const streamed = await client.messages.stream({ model: models.oai, max_tokens, messages: hello }).finalMessage();
    expect([streamed.stop_reason, texts(streamed)]).toEqual(["refusal", "I cannot."]);
  });
});

describe("toward oai: annotations become citations", () => {
  const annotation = { type: "url_citation", url_citation: { start_index: 0, end_index: 5, url: "https://example.com/a", title: "A" } };

  test("whole and streamed, and do not go back as Anthropic's own", async () => {
    fake.always({ body: completion({ content: "Sunny.", annotations: [annotation] }) });
    const whole = await client.messages.create({ model: models.oai, max_tokens, messages: hello });
    expect(whole.content).toMatchObject([
      { type: "text", text: "Sunny.", citations: [{ type: "web_search_result_location", url: "https://example.com/a", title: "A" }] },
    ]);
    fake.always({ chunks: [openaiStream(completionChunks([{ content: "Sunny." }, { annotations: [annotation] }]))] });
    const streamed = await client.messages.stream({ model: models.oai, max_tokens, messages: hello }).finalMessage();
    expect(streamed.content).toMatchObject([{ type: "text", text: "Sunny.", citations: [{ url: "https://example.com/a" }] }]);
    fake.always(said("ant", "Hello."));
    await client.messages.create({
      model: models.ant,
      max_tokens,
      messages: [...hello, { role: "assistant", content: whole.content }, ...hello],
    });
    expect(fake.requests.at(-1)?.body).not.toContain("headgate");
  });
});

describe("errors before a stream", () => {
  type Failure = InstanceType<typeof Anthropic.APIError>;
  const failed = async (model: string, asked: object = {}, from = client): Promise<Failure> => {
    const failure: unknown = await from.messages
      .create({ model, max_tokens, messages: hello, ...asked } as Anthropic.MessageCreateParamsNonStreaming)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Anthropic.APIError);
    return failure as Failure;
  };
  const vendor = (provider: Provider, type: string, text: string, code: string | null = null): object =>
    provider === "oai"
      ? { error: { message: text, type, param: null, code } }
      : { type: "error", error: { type, message: text }, request_id: "req_1" };

  const rows: readonly [number, string, unknown, number, string][] = [
    [400, "invalid_request_error", Anthropic.BadRequestError, 400, "invalid_request_error"],
    [401, "authentication_error", Anthropic.InternalServerError, 502, "api_error"],
    [403, "permission_error", Anthropic.InternalServerError, 502, "api_error"],
    [404, "not_found_error", Anthropic.NotFoundError, 404, "not_found_error"],
    [413, "request_too_large", Anthropic.APIError, 413, "request_too_large"],
    [429, "rate_limit_error", Anthropic.RateLimitError, 429, "rate_limit_error"],
    [500, "api_error", Anthropic.InternalServerError, 502, "api_error"],
    [529, "overloaded_error", Anthropic.InternalServerError, 503, "overloaded_error"],
  ];
  for (const provider of providers) {
    for (const [status, type, kind, told, toldType] of rows) {
      test(`${provider} says ${status}: ${told} ${toldType}`, async () => {
        fake.always({ status, body: vendor(provider, type, `Vendor said ${status}`), headers: { "retry-after": "7" } });
        for (const stream of [false, true]) {
          const error = await failed(models[provider], { stream });
          expect(error).toBeInstanceOf(kind);
          expect([error.status, error.type]).toEqual([told, toldType]);
          if (told !== 502 && told !== 404) expect(error.message).toContain(`Vendor said ${status}`);
          expect(error.headers?.get("x-headgate-request-id")).toMatch(/^hg_/);
          if (status === 429) expect(error.headers?.get("retry-after")).toBe("7");
        }
      });
    }
  }

  test("of the gateway itself: key, model list, model, field", async () => {
    expect(await failed(models.oai, {}, house.anthropic({ apiKey: "wrong" }))).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(await failed(models.ant, {}, house.anthropic({ apiKey: "client-secret-2" }))).toBeInstanceOf(Anthropic.PermissionDeniedError);
    expect(await failed("nobody/m")).toBeInstanceOf(Anthropic.NotFoundError);
    const field = await failed(models.oai, { max_tokens: "100" });
    expect(field).toBeInstanceOf(Anthropic.BadRequestError);
    expect(field.message).toContain("max_tokens");
    expect(fake.requests.length).toBe(0);
  });

  test("too long a prompt is said in the words that programs look for", async () => {
    fake.always({
      status: 400,
      body: vendor("oai", "invalid_request_error", "This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
    });
    const error = await failed(models.oai);
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error.message).toMatch(/prompt is too long|context length/i);
  });
});

describe.each(providers)("toward %s: an error inside a stream", (provider) => {
  test("is the SDK's own, after the words that came before it", async () => {
    const error =
      provider === "oai"
        ? 'data: {"error":{"message":"Too many of you","type":"server_error","code":"overloaded"}}\n\n'
        : 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Too many of you"}}\n\n';
    const words = (saidInPieces(provider, "Hello").chunks as string[])[0] as string;
    const before = words.slice(0, words.indexOf("\n\n", words.indexOf("Hello")) + 2);
    fake.always({ chunks: [before, { bytes: error, afterMs: 80 }] });
    let heard = "";
    const failure: unknown = await client.messages
      .stream({ model: models[provider], max_tokens, messages: hello })
      .on("text", (delta) => void (heard += delta))
      .finalMessage()
      .catch((thrown: unknown) => thrown);
    expect(heard).toBe("Hello");
    expect(failure).toBeInstanceOf(Anthropic.APIError);
    expect((failure as Error).message).toContain("Too many of you");
    expect((failure as InstanceType<typeof Anthropic.APIError>).type).toBe("overloaded_error");
  });
});

describe("beside the messages", () => {
  test("the list of models, in Anthropic's shape", async () => {
    const names: string[] = [];
    for await (const model of client.models.list()) {
      expect(model.type).toBe("model");
      names.push(model.id);
    }
    expect(names.some((name) => name.startsWith("oai/"))).toBe(true);
    expect(await client.models.retrieve(names[0] as string)).toMatchObject({ id: names[0], type: "model" });
  });

  test("rate limits of the provider, through withResponse", async () => {
    fake.always({ ...said("ant", "Hello."), headers: { "anthropic-ratelimit-requests-remaining": "59", "request-id": "req_vendor" } });
    const { response, request_id } = await client.messages.create({ model: models.ant, max_tokens, messages: hello }).withResponse();
    expect([response.headers.get("anthropic-ratelimit-requests-remaining"), request_id]).toEqual(["59", "req_vendor"]);
  });

  test("a base URL under the family's name, and a key as bearer token", async () => {
    fake.always(said("ant", "Hello."));
    const family = new Anthropic({ baseURL: `${house.url}/anthropic`, apiKey: "client-secret-1", maxRetries: 0 });
    const bearer = new Anthropic({ baseURL: house.url, apiKey: null, authToken: "client-secret-1", maxRetries: 0 });
    for (const other of [family, bearer])
      expect(texts(await other.messages.create({ model: models.ant, max_tokens, messages: hello }))).toBe("Hello.");
  });

  test("betas travel with the message to Anthropic, and nowhere else", async () => {
    const ask = (model: string): Promise<Anthropic.Beta.BetaMessage> =>
      client.beta.messages.create({
        model,
        max_tokens,
        messages: [{ role: "user", content: "Hello" }],
        betas: ["context-management-2025-06-27"],
      });
    fake.always(said("ant", "Hello."));
    await ask(models.ant);
    expect(fake.requests[0]).toMatchObject({
      path: expect.stringMatching(/^\/v1\/messages/),
      headers: { "anthropic-beta": "context-management-2025-06-27" },
    });
    fake.always(said("oai", "Hello."));
    await ask(models.oai);
    expect(fake.requests[1]?.headers["anthropic-beta"]).toBeUndefined();
  });

  test("aborting a stream of the SDK ends it at the provider", async () => {
    fake.always({
      chunks: anthropicStream(messageEvents([textBlock("One")]))
        .split(/(?<=\n\n)/)
        .slice(0, 4),
      ending: "hang",
    });
    const stream = client.messages.stream({ model: models.ant, max_tokens, messages: hello }).on("text", () => stream.abort());
    expect(await stream.finalMessage().catch((error: unknown) => error)).toBeInstanceOf(Anthropic.APIUserAbortError);
    await fake.requests[0]?.closed;
    expect(fake.requests[0]?.aborted).toBe(true);
  });
});
