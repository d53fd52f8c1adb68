/** The official `openai` package against the gateway, toward a provider of its own format and toward one that speaks Anthropic's. */

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { Answer, FakeProvider } from "../../testkit/fake-provider.ts";
import { anthropicStream, openaiStream } from "../../testkit/frames.ts";
import { openHouse } from "./house.ts";
import type { House } from "./house.ts";
import { completion, completionChunks, message, messageEvents, textBlock } from "./replies.ts";

type Messages = OpenAI.ChatCompletionMessageParam[];
type Dict = Record<string, unknown>;

const providers = ["oai", "ant"] as const;
type Provider = (typeof providers)[number];

/** A model of each that can do everything. */
const models: Record<Provider, string> = { oai: "oai/gpt-5.4-mini", ant: "ant/claude-opus-4-5" };

let fake: FakeProvider;
let house: House;
let client: OpenAI;

beforeAll(async () => {
  fake = await startFakeProvider();
  const key = { api_key: "sk-provider" };
  house = await openHouse({
    providers: {
      oai: { type: "openai", base_url: `${fake.url}/v1`, ...key },
      ant: { type: "anthropic", base_url: fake.url, ...key },
    },
    keys: [
      { name: "all", key: "client-secret-1" },
      { name: "some", key: "client-secret-2", models: ["oai/*"] },
    ],
  });
  client = house.openai({ apiKey: "client-secret-1" });
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

/** The same reply from either provider. */
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

describe.each(providers)("toward %s: text", (provider) => {
  const model = models[provider];

  test("whole, with usage that counts the cache", async () => {
    fake.always(said(provider, "Hello there."));
    const completed = await client.chat.completions.create({ model, messages: hello });
    expect(completed).toMatchObject({
      object: "chat.completion",
      choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Hello there.", refusal: null } }],
    });
    expect(completed.id).toBeTruthy();
    expect(completed.created).toBeGreaterThan(0);
    expect(completed.usage).toMatchObject(
      provider === "oai"
        ? {
            prompt_tokens: 9,
            completion_tokens: 3,
            total_tokens: 12,
            prompt_tokens_details: { cached_tokens: 4 },
            completion_tokens_details: { reasoning_tokens: 1 },
          }
        : { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14, prompt_tokens_details: { cached_tokens: 4 } },
    );
  });

  test("streamed, through the helper", async () => {
    fake.always(saidInPieces(provider, "Hello", " there", "."));
    const heard: string[] = [];
    const stream = client.chat.completions
      .stream({ model, messages: hello, stream_options: { include_usage: true } })
      .on("content", (delta) => void heard.push(delta));
    const completed = await stream.finalChatCompletion();
    expect(heard).toEqual(["Hello", " there", "."]);
    expect(completed.choices[0]).toMatchObject({ finish_reason: "stop", message: { role: "assistant", content: "Hello there." } });
    expect(await stream.totalUsage()).toMatchObject({ total_tokens: provider === "oai" ? 12 : 14 });
  });

  test("streamed, chunk by chunk, by the rules of the format", async () => {
    for (const include_usage of [true, false]) {
      fake.always(saidInPieces(provider, "Hello", " there"));
      const stream = await client.chat.completions.create({
        model,
        messages: hello,
        stream: true,
        ...(include_usage && { stream_options: { include_usage } }),
      });
      const chunks: OpenAI.ChatCompletionChunk[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      expect(new Set(chunks.map(({ id, created, model: name, object }) => [id, created, name, object].join())).size).toBe(1);
      expect(chunks.filter((chunk) => chunk.choices[0]?.delta.role).length).toBe(1);
      expect(chunks[0]?.choices[0]?.delta.role).toBe("assistant");
      expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("Hello there");
      const finished = chunks.findIndex((chunk) => chunk.choices[0]?.finish_reason);
      expect(chunks[finished]?.choices[0]?.finish_reason).toBe("stop");
      expect(chunks.length - finished - 1).toBe(include_usage ? 1 : 0);
      if (include_usage) expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: provider === "oai" ? 12 : 14 } });
      else expect(chunks.some((chunk) => chunk.usage)).toBe(false);
    }
  });

  test("Unicode and long text survive any slicing of the stream", async () => {
    const text = "Grüße, 世界 \u{1f469}\u200d\u{1f680} ".repeat(50);
    const answer = saidInPieces(provider, ...(text.match(/.{1,7}/gsu) as string[]));
    const bytes = new TextEncoder().encode((answer.chunks as string[])[0]);
    fake.always({ chunks: Array.from({ length: Math.ceil(bytes.length / 13) }, (_, at) => bytes.subarray(at * 13, at * 13 + 13)) });
    const completed = await client.chat.completions.stream({ model, messages: hello }).finalChatCompletion();
    expect(completed.choices[0]?.message.content).toBe(text);
  });

  test("a whole reply where a stream was asked for is told as a stream", async () => {
    fake.always(said(provider, "Hello there."));
    const completed = await client.chat.completions.stream({ model, messages: hello }).finalChatCompletion();
    expect(completed.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "Hello there." } });
  });
});

const tools: OpenAI.ChatCompletionTool[] = [
  {
    type: "function",
    function: {
      name: "weather",
      description: "Tells the weather.",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false },
      strict: true,
    },
  },
  { type: "function", function: { name: "now" } },
];

/** A call of each tool, the second without arguments. */
function calls(provider: Provider, streamed: boolean): Answer {
  if (provider === "ant") {
    const blocks = [
      { type: "text", text: "I look." },
      { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Bern" } },
      { type: "tool_use", id: "toolu_2", name: "now", input: {} },
    ];
    if (!streamed) return { body: message(blocks, { stop_reason: "tool_use" }) };
    const json = (partial_json: string): object => ({ type: "input_json_delta", partial_json });
    const events = messageEvents(
      [
        textBlock("I ", "look."),
        [{ type: "tool_use", id: "toolu_1", name: "weather", input: {} }, json(""), json('{"city"'), json(': "Bern"}')],
        [{ type: "tool_use", id: "toolu_2", name: "now", input: {} }, json("")],
      ],
      { stop_reason: "tool_use" },
    );
    return { chunks: [anthropicStream(events)] };
  }
  const whole = [
    { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city": "Bern"}' } },
    { id: "call_2", type: "function", function: { name: "now", arguments: "{}" } },
  ];
  if (!streamed) return { body: completion({ content: "I look.", tool_calls: whole }, { finish_reason: "tool_calls" }) };
  const piece = (index: number, json: string): object => ({ tool_calls: [{ index, function: { arguments: json } }] });
  const opening = (index: number): object => ({
    tool_calls: [{ index, ...whole[index], function: { name: whole[index]?.function.name, arguments: "" } }],
  });
  return {
    chunks: [
      openaiStream(
        completionChunks(
          [{ content: "I look." }, opening(0), piece(0, '{"city"'), piece(0, ': "Bern"}'), opening(1), piece(1, "{}")],
          "tool_calls",
        ),
      ),
    ],
  };
}

describe.each(providers)("toward %s: tools", (provider) => {
  const model = models[provider];

  test("parallel calls, whole and streamed, one of them without arguments", async () => {
    for (const streamed of [false, true]) {
      fake.always(calls(provider, streamed));
      const asked = { model, messages: hello, tools };
      const completed = streamed
        ? await client.chat.completions.stream(asked).finalChatCompletion()
        : await client.chat.completions.create(asked);
      const choice = completed.choices[0] as OpenAI.ChatCompletion.Choice;
      expect(choice.finish_reason).toBe("tool_calls");
      expect(choice.message.content).toBe("I look.");
      const made = choice.message.tool_calls as OpenAI.ChatCompletionMessageFunctionToolCall[];
      expect(made.map((call) => [call.type, call.function.name, JSON.parse(call.function.arguments)])).toEqual([
        ["function", "weather", { city: "Bern" }],
        ["function", "now", {}],
      ]);
      expect(new Set(made.map((call) => call.id)).size).toBe(2);
    }
  });

  test("the declarations and the choice reach the provider in its own words", async () => {
    fake.always(said(provider, "Hello."));
    await client.chat.completions.create({
      model,
      messages: hello,
      tools,
      tool_choice: { type: "function", function: { name: "weather" } },
      parallel_tool_calls: false,
    });
    if (provider === "oai") {
      expect(received()).toEqual({
        model: "gpt-5.4-mini",
        messages: hello,
        tools,
        tool_choice: { type: "function", function: { name: "weather" } },
        parallel_tool_calls: false,
      });
      return;
    }
    expect(received()).toMatchObject({
      tools: [
        {
          name: "weather",
          description: "Tells the weather.",
          input_schema: (tools[0] as OpenAI.ChatCompletionFunctionTool).function.parameters,
        },
        { name: "now", input_schema: { type: "object" } },
      ],
      tool_choice: { type: "tool", name: "weather", disable_parallel_tool_use: true },
    });
    await client.chat.completions.create({ model, messages: hello, tools, tool_choice: "required" });
    expect(received()).toMatchObject({ tool_choice: { type: "any" } });
    await client.chat.completions.create({ model, messages: hello, tools, tool_choice: "none" });
    expect(received()).toMatchObject({ tool_choice: { type: "none" } });
  });

  test("results go back together, errors of tools as text", async () => {
    fake.always(said(provider, "Sunny."));
    const history: Messages = [
      ...hello,
      {
        role: "assistant",
        content: null,
        tool_calls: [
          { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Bern","big":12345678901234567890}' } },
          { id: "call_2", type: "function", function: { name: "now", arguments: "" } },
        ],
      },
      { role: "tool", tool_call_id: "call_1", content: "sunny" },
      { role: "tool", tool_call_id: "call_2", content: [{ type: "text", text: "noon" }] },
      { role: "user", content: "And?" },
    ];
    await client.chat.completions.create({ model, messages: history, tools });
    if (provider === "oai") return expect(received()["messages"]).toEqual(history);
    expect(received()["messages"]).toEqual([
      { role: "user", content: "Hello" },
      {
        role: "assistant",
        content: [
          { type: "tool_use", id: "call_1", name: "weather", input: { city: "Bern", big: Number("12345678901234567890") } },
          { type: "tool_use", id: "call_2", name: "now", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "call_1", content: "sunny" },
          { type: "tool_result", tool_use_id: "call_2", content: "noon" },
          { type: "text", text: "And?" },
        ],
      },
    ]);
    // No digit of a large number is lost on the way.
    expect(fake.requests.at(-1)?.body).toContain("12345678901234567890");
  });

  test("the SDK's own tool runner comes to its end", async () => {
    for (const streamed of [false, true]) {
      fake.requests.length = 0;
      fake.always((request) => {
        const results = request.body.match(/"tool_call_id"|"tool_use_id"/g)?.length ?? 0;
        if (results === 0) return calls(provider, streamed);
        return streamed ? saidInPieces(provider, "Sunny ", "at noon.") : said(provider, "Sunny at noon.");
      });
      const asked: unknown[] = [];
      const answer = (args: unknown, result: string): string => {
        asked.push(args);
        return result;
      };
      const runnable = [
        {
          type: "function" as const,
          function: {
            name: "weather",
            description: "Tells the weather.",
            parameters: { type: "object", properties: { city: { type: "string" } } },
            parse: JSON.parse,
            function: (args: unknown) => answer(args, "sunny"),
          },
        },
        {
          type: "function" as const,
          function: {
            name: "now",
            description: "Tells the time.",
            parameters: { type: "object", properties: {} },
            parse: JSON.parse,
            function: (args: unknown) => answer(args, "noon"),
          },
        },
      ];
      const runner = streamed
        ? client.chat.completions.runTools({ model, messages: hello, tools: runnable, stream: true })
        : client.chat.completions.runTools({ model, messages: hello, tools: runnable });
      expect(await runner.finalContent()).toBe("Sunny at noon.");
      expect(asked).toEqual([{ city: "Bern" }, {}]);
      expect(fake.requests.length).toBe(2);
    }
  });
});

describe("toward ant: reasoning", () => {
  const thinking = { type: "thinking", thinking: "Let me see.", signature: "c2lnbmF0dXJlLTE=" };
  const redacted = { type: "redacted_thinking", data: "cmVkYWN0ZWQ=" };
  const model = models.ant;

  /** Turn by turn: what is thought before each call, and the words at the end. */
  function turn(at: number, streamed: boolean): Answer {
    const thought = { ...thinking, thinking: `Thought ${at}.`, signature: `c2lnbmF0dXJl${at}` };
    const call = { type: "tool_use", id: `toolu_${at}`, name: "weather", input: { city: `City ${at}` } };
    const blocks = at < 3 ? [thought, redacted, { type: "text", text: `Step ${at}.` }, call] : [{ type: "text", text: "Done." }];
    const stop = { stop_reason: at < 3 ? "tool_use" : "end_turn" };
    if (!streamed) return { body: message(blocks, stop) };
    const events = messageEvents(
      blocks.map((block): [object, ...object[]] => {
        if (block === thought)
          return [
            { type: "thinking", thinking: "", signature: "" },
            { type: "thinking_delta", thinking: "Thought" },
            { type: "thinking_delta", thinking: ` ${at}.` },
            { type: "signature_delta", signature: thought.signature },
          ];
        if (block === call)
          return [
            { ...call, input: {} },
            { type: "input_json_delta", partial_json: JSON.stringify(call.input) },
          ];
        return "text" in block ? textBlock(...block.text.split(/(?<= )/)) : [block];
      }),
      stop,
    );
    return { chunks: [anthropicStream(events)] };
  }

  for (const streamed of [false, true]) {
    test(`a loop of three turns, ${streamed ? "streamed" : "whole"}: each comes back to Anthropic as it was made`, async () => {
      const history: Messages = [{ role: "system", content: "Be brief." }, ...hello];
      for (let at = 1; at <= 3; at++) {
        fake.always(turn(at, streamed));
        const asked = { model, messages: history, tools: [tools[0] as OpenAI.ChatCompletionTool], reasoning_effort: "medium" as const };
        const completed = streamed
          ? await client.chat.completions.stream(asked).finalChatCompletion()
          : await client.chat.completions.create(asked);
        const { message: answer } = completed.choices[0] as OpenAI.ChatCompletion.Choice;
        // As programs do it: the message that came is the message that goes back.
        history.push(answer);
        for (const call of answer.tool_calls ?? []) history.push({ role: "tool", tool_call_id: call.id, content: "sunny" });
      }
      expect(history.at(-1)).toMatchObject({ role: "assistant", content: "Done." });
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
      const { tools: declared, max_tokens, thinking: asked, ...rest } = received();
      expect(rest).toEqual({
        model: "claude-opus-4-5",
        system: "Be brief.",
        messages: [{ role: "user", content: "Hello" }, ...step(1), ...step(2)],
        ...(streamed && { stream: true }),
      });
      expect(declared).toMatchObject([{ name: "weather" }]);
      expect(asked).toMatchObject({ type: "enabled" });
      expect(max_tokens).toBeGreaterThan((asked as { budget_tokens: number }).budget_tokens);
    });
  }

  test("its text is readable, whole and streamed", async () => {
    fake.always({
      body: message([thinking, redacted, { type: "text", text: "Sunny." }], {
        usage: { input_tokens: 5, output_tokens: 30, output_tokens_details: { thinking_tokens: 20 } },
      }),
    });
    const completed = await client.chat.completions.create({ model, messages: hello, reasoning_effort: "low" });
    expect(completed.choices[0]?.message).toMatchObject({ content: "Sunny.", reasoning_content: "Let me see." });
    expect(completed.usage?.completion_tokens_details?.reasoning_tokens).toBe(20);
    fake.always(turn(1, true));
    let thought = "";
    for await (const chunk of await client.chat.completions.create({ model, messages: hello, reasoning_effort: "low", stream: true })) {
      thought += (chunk.choices[0]?.delta as { reasoning_content?: string } | undefined)?.reasoning_content ?? "";
    }
    expect(thought).toBe("Thought 1.");
  });

  test("what one provider signed is not shown to another", async () => {
    fake.always({ body: message([thinking, redacted, { type: "text", text: "Sunny." }]) });
    const first = await client.chat.completions.create({ model, messages: hello });
    fake.always(said("oai", "Hello."));
    await client.chat.completions.create({
      model: models.oai,
      messages: [...hello, first.choices[0]?.message as OpenAI.ChatCompletionMessage, ...hello],
    });
    expect(fake.requests.at(-1)?.body).not.toContain("c2lnbmF0dXJl");
    expect(fake.requests.at(-1)?.body).not.toContain("cmVkYWN0ZWQ");
  });
});

const Forecast = z.object({ city: z.string(), degrees: z.number() });

describe.each(providers)("toward %s: structured output", (provider) => {
  const json = '{"city":"Bern","degrees":21.5}';
  const model = models[provider];

  test("parsed by the SDK, whole and streamed", async () => {
    fake.always(said(provider, json));
    const asked = { model, messages: hello, response_format: zodResponseFormat(Forecast, "forecast") };
    const parsed = await client.chat.completions.parse(asked);
    expect(parsed.choices[0]?.message.parsed).toEqual({ city: "Bern", degrees: 21.5 });
    const sent = received();
    if (provider === "oai") expect(sent["response_format"]).toEqual(JSON.parse(JSON.stringify(asked.response_format)));
    else
      expect(sent["output_config"]).toMatchObject({
        format: {
          type: "json_schema",
          schema: { type: "object", properties: { city: { type: "string" }, degrees: { type: "number" } }, required: ["city", "degrees"] },
        },
      });
    fake.always(saidInPieces(provider, ...(json.match(/.{1,5}/g) as string[])));
    const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
    expect(streamed.choices[0]?.message.parsed).toEqual({ city: "Bern", degrees: 21.5 });
  });

  test("of any shape: passed on, or asked for in words with a warning", async () => {
    fake.always(said(provider, json));
    const { response } = await client.chat.completions
      .create({ model, messages: hello, response_format: { type: "json_object" } })
      .withResponse();
    if (provider === "oai") expect(received()["response_format"]).toEqual({ type: "json_object" });
    else expect(response.headers.get("x-headgate-warnings")).toContain("response_format");
  });
});

describe("media", () => {
  const png = "iVBORw0KGgoAAAANSUhEUg==";
  const pdf = "JVBERi0xLjQK";
  const content: OpenAI.ChatCompletionContentPart[] = [
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "high" } },
    { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } },
    { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${pdf}` } },
  ];

  test("to oai: as it was", async () => {
    fake.always(said("oai", "A cat."));
    await client.chat.completions.create({ model: models.oai, messages: [{ role: "user", content }] });
    expect(received()["messages"]).toEqual([{ role: "user", content }]);
  });

  test("in a tool's result, where the format has no place for them but clients send them", async () => {
    const parts = [
      { type: "text", text: "A clock:" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } },
    ];
    const call = { id: "call_1", type: "function" as const, function: { name: "now", arguments: "{}" } };
    const messages = [
      ...hello,
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: "call_1", content: parts },
    ] as Messages;
    fake.always(said("oai", "Noon."));
    await client.chat.completions.create({ model: models.oai, messages, tools });
    expect(received()["messages"]).toEqual(messages);
    fake.always(said("ant", "Noon."));
    await client.chat.completions.create({ model: models.ant, messages, tools });
    expect((received()["messages"] as object[]).at(-1)).toEqual({
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "call_1",
          content: [
            { type: "text", text: "A clock:" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
          ],
        },
      ],
    });
  });

  test("to ant: images and documents in its own blocks", async () => {
    fake.always(said("ant", "A cat."));
    await client.chat.completions.create({ model: models.ant, messages: [{ role: "user", content }] });
    expect(received()["messages"]).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
          { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
          { type: "document", source: { type: "base64", media_type: "application/pdf", data: pdf }, title: "a.pdf" },
        ],
      },
    ]);
  });
});

describe("system and developer messages anywhere", () => {
  const messages: Messages = [
    { role: "developer", content: "Be brief." },
    { role: "system", content: [{ type: "text", text: "Be kind." }] },
    { role: "user", content: "Hello" },
    { role: "assistant", content: "Hi" },
    { role: "user", content: "More" },
    { role: "system", content: "Now in French." },
  ];

  test("to oai: as they were", async () => {
    fake.always(said("oai", "Salut."));
    await client.chat.completions.create({ model: models.oai, messages });
    expect(received()["messages"]).toEqual(messages);
  });

  test("to ant: the leading ones as system, the later one in its place", async () => {
    fake.always(said("ant", "Salut."));
    const { response } = await client.chat.completions.create({ model: models.ant, messages }).withResponse();
    const sent = received();
    expect(sent["system"]).toEqual([
      { type: "text", text: "Be brief." },
      { type: "text", text: "Be kind." },
    ]);
    const turns = sent["messages"] as { role: string; content: unknown }[];
    expect(JSON.stringify(turns.slice(2))).toMatch(/More.*Now in French\./);
    expect(turns.every((turn) => turn.role !== "system")).toBe(true);
    expect(response.headers.get("x-headgate-warnings")).toContain("messages[5]");
  });

  test("to a model of Anthropic's that takes them anywhere: as a system turn", async () => {
    fake.always(said("ant", "Salut."));
    await client.chat.completions.create({ model: "ant/claude-opus-4-8", messages });
    expect((received()["messages"] as object[]).at(-1)).toEqual({ role: "system", content: "Now in French." });
  });
});

describe("stop reasons", () => {
  const reasons: readonly [{ stop_reason: string; [field: string]: unknown }, string][] = [
    [{ stop_reason: "end_turn" }, "stop"],
    [{ stop_reason: "stop_sequence", stop_sequence: "END" }, "stop"],
    [{ stop_reason: "max_tokens" }, "length"],
    [{ stop_reason: "model_context_window_exceeded" }, "length"],
    [{ stop_reason: "refusal", stop_details: { type: "refusal", category: "cyber", explanation: "No." } }, "content_filter"],
    [{ stop_reason: "pause_turn" }, "stop"],
    [{ stop_reason: "something_new" }, "stop"],
  ];
  for (const [stop, expected] of reasons) {
    test(`${JSON.stringify(stop)} becomes ${expected}`, async () => {
      fake.always({ body: message("Hello.", stop) });
      expect((await client.chat.completions.create({ model: models.ant, messages: hello })).choices[0]?.finish_reason).toBe(
        expected as "stop",
      );
      fake.always({ chunks: [anthropicStream(messageEvents([textBlock("Hello.")], stop))] });
      expect(
        (await client.chat.completions.stream({ model: models.ant, messages: hello }).finalChatCompletion()).choices[0]?.finish_reason,
      ).toBe(expected as "stop");
    });
  }

  test("a refusal without a word still has a message", async () => {
    const stop = { stop_reason: "refusal", stop_details: { type: "refusal", category: "cyber", explanation: "That I will not do." } };
    fake.always({ body: message([], stop) });
    const whole = await client.chat.completions.create({ model: models.ant, messages: hello });
    expect(whole.choices).toMatchObject([{ finish_reason: "content_filter", message: { role: "assistant" } }]);
    fake.always({ chunks: [anthropicStream(messageEvents([], stop))] });
    const streamed = await client.chat.completions.stream({ model: models.ant, messages: hello }).finalChatCompletion();
    expect(streamed.choices).toMatchObject([{ finish_reason: "content_filter", message: { role: "assistant" } }]);
  });

  test("a refusal of OpenAI's own is passed as it is", async () => {
    fake.always({ body: completion({ content: null, refusal: "I cannot." }) });
    expect((await client.chat.completions.create({ model: models.oai, messages: hello })).choices[0]?.message).toMatchObject({
      content: null,
      refusal: "I cannot.",
    });
    fake.always({ chunks: [openaiStream(completionChunks([{ refusal: "I " }, { refusal: "cannot." }]))] });
    expect(
      (await client.chat.completions.stream({ model: models.oai, messages: hello }).finalChatCompletion()).choices[0]?.message.refusal,
    ).toBe("I cannot.");
  });

  test("stop sequences and limits reach the provider in its own words", async () => {
    fake.always(said("ant", "Hello."));
    await client.chat.completions.create({
      model: models.ant,
      messages: hello,
      stop: ["END", "FIN"],
      max_completion_tokens: 77,
      temperature: 0.5,
      user: "u-1",
    });
    expect(received()).toMatchObject({ stop_sequences: ["END", "FIN"], max_tokens: 77, temperature: 0.5, metadata: { user_id: "u-1" } });
    await client.chat.completions.create({ model: models.ant, messages: hello, stop: "END", max_tokens: 5 });
    expect(received()).toMatchObject({ stop_sequences: ["END"], max_tokens: 5 });
  });
});

describe("toward oai: several choices, log probabilities, citations", () => {
  const logprobs = {
    content: [{ token: "Hi", logprob: -0.1, bytes: [72, 105], top_logprobs: [{ token: "Hi", logprob: -0.1, bytes: [72, 105] }] }],
    refusal: null,
  };

  test("whole", async () => {
    const choice = (index: number): object => ({
      index,
      message: {
        role: "assistant",
        content: `Choice ${index}`,
        refusal: null,
        annotations: [{ type: "url_citation", url_citation: { start_index: 0, end_index: 3, url: "https://a", title: "A" } }],
      },
      logprobs,
      finish_reason: "stop",
    });
    fake.always({ body: completion("", { choices: [choice(0), choice(1)] }) });
    const completed = await client.chat.completions.create({
      model: models.oai,
      messages: hello,
      n: 2,
      logprobs: true,
      top_logprobs: 1,
      seed: 5,
      service_tier: "flex",
    });
    expect(completed.choices.map(({ index, message: { content } }) => [index, content])).toEqual([
      [0, "Choice 0"],
      [1, "Choice 1"],
    ]);
    expect(completed.choices[0]?.logprobs?.content?.[0]).toMatchObject({ token: "Hi", logprob: -0.1 });
    expect(completed.choices[1]?.message.annotations?.[0]?.url_citation.url).toBe("https://a");
    expect(completed.service_tier).toBe("default");
    expect(received()).toMatchObject({ n: 2, logprobs: true, top_logprobs: 1, seed: 5, service_tier: "flex" });
  });

  test("streamed, interleaved", async () => {
    const base = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
    const chunk = (index: number, delta: object, finish_reason: string | null = null, more: object = {}): object => ({
      ...base,
      choices: [{ index, delta, finish_reason, logprobs: null, ...more }],
    });
    fake.always({
      chunks: [
        openaiStream([
          chunk(0, { role: "assistant", content: "" }),
          chunk(1, { role: "assistant", content: "" }),
          chunk(0, { content: "A" }, null, { logprobs }),
          chunk(1, { content: "B" }, null, { logprobs }),
          chunk(1, {}, "stop"),
          chunk(0, { content: "a" }),
          chunk(0, {}, "length"),
        ]),
      ],
    });
    const completed = await client.chat.completions
      .stream({ model: models.oai, messages: hello, n: 2, logprobs: true })
      .finalChatCompletion();
    expect(completed.choices.map(({ index, finish_reason, message: { content } }) => [index, content, finish_reason])).toEqual([
      [0, "Aa", "length"],
      [1, "B", "stop"],
    ]);
    expect(completed.choices[1]?.logprobs?.content).toHaveLength(1);
  });
});

describe("toward ant: citations become annotations", () => {
  const citation = {
    type: "web_search_result_location",
    url: "https://example.com/a",
    title: "A",
    cited_text: "sunny",
    encrypted_index: "RW5j",
  };
  const expected = [{ type: "url_citation", url_citation: { url: "https://example.com/a", title: "A" } }];

  test("whole and streamed", async () => {
    fake.always({ body: message([{ type: "text", text: "It is sunny.", citations: [citation] }]) });
    const whole = await client.chat.completions.create({ model: models.ant, messages: hello });
    expect(whole.choices[0]?.message.annotations).toMatchObject(expected);
    const [start, ...words] = textBlock("It is ", "sunny.");
    fake.always({
      chunks: [anthropicStream(messageEvents([[{ ...start, citations: [] }, ...words, { type: "citations_delta", citation }]]))],
    });
    const annotations: unknown[] = [];
    for await (const chunk of await client.chat.completions.create({ model: models.ant, messages: hello, stream: true })) {
      annotations.push(...((chunk.choices[0]?.delta as { annotations?: unknown[] } | undefined)?.annotations ?? []));
    }
    expect(annotations).toMatchObject(expected);
  });

  test("all of them are there when the SDK's helper has put the stream together", async () => {
    const block = (text: string, url: string): [object, ...object[]] => [
      ...textBlock(text),
      { type: "citations_delta", citation: { ...citation, url } },
    ];
    fake.always({
      chunks: [anthropicStream(messageEvents([block("One.", "https://example.com/1"), block("Two.", "https://example.com/2")]))],
    });
    const completed = await client.chat.completions.stream({ model: models.ant, messages: hello }).finalChatCompletion();
    expect(completed.choices[0]?.message.annotations?.map((annotation) => annotation.url_citation.url)).toEqual([
      "https://example.com/1",
      "https://example.com/2",
    ]);
  });
});

describe("errors before a stream", () => {
  const failed = async (model: string, asked: object = {}, from = client): Promise<InstanceType<typeof OpenAI.APIError>> => {
    const failure: unknown = await from.chat.completions
      .create({ model, messages: hello, ...asked } as OpenAI.ChatCompletionCreateParamsNonStreaming)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    return failure as InstanceType<typeof OpenAI.APIError>;
  };
  const vendor = (provider: Provider, type: string, text: string, code: string | null = null): object =>
    provider === "oai"
      ? { error: { message: text, type, param: null, code } }
      : { type: "error", error: { type, message: text }, request_id: "req_1" };

  const rows: readonly [number, string, unknown, number, string][] = [
    [400, "invalid_request_error", OpenAI.BadRequestError, 400, "invalid_request_error"],
    [401, "authentication_error", OpenAI.InternalServerError, 502, "server_error"],
    [403, "permission_error", OpenAI.InternalServerError, 502, "server_error"],
    [404, "not_found_error", OpenAI.NotFoundError, 404, "invalid_request_error"],
    [413, "request_too_large", OpenAI.APIError, 413, "invalid_request_error"],
    [429, "rate_limit_error", OpenAI.RateLimitError, 429, "rate_limit_error"],
    [500, "api_error", OpenAI.InternalServerError, 502, "server_error"],
    [529, "overloaded_error", OpenAI.InternalServerError, 503, "server_error"],
  ];
  for (const provider of providers) {
    for (const [status, type, kind, told, toldType] of rows) {
      test(`${provider} says ${status}: ${told} ${toldType}`, async () => {
        fake.always({ status, body: vendor(provider, type, `Vendor said ${status}`), headers: { "retry-after": "7" } });
        for (const stream of [false, true]) {
          const error = await failed(models[provider], { stream });
          expect(error).toBeInstanceOf(kind);
          expect(error.status).toBe(told);
          if (!(provider === "oai" && told === 413)) expect(error.type).toBe(toldType);
          if (told !== 502 && told !== 404) expect(error.message).toContain(`Vendor said ${status}`);
          expect(error.headers?.get("x-headgate-request-id")).toMatch(/^hg_/);
          if (status === 429) expect(error.headers?.get("retry-after")).toBe("7");
        }
      });
    }
  }

  test("of the gateway itself: key, model list, model, field", async () => {
    expect(await failed(models.oai, {}, house.openai({ apiKey: "wrong" }))).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(await failed(models.ant, {}, house.openai({ apiKey: "client-secret-2" }))).toBeInstanceOf(OpenAI.PermissionDeniedError);
    const missing = await failed("nobody/m");
    expect(missing).toBeInstanceOf(OpenAI.NotFoundError);
    expect([missing.code, missing.param]).toEqual(["model_not_found", "model"]);
    const field = await failed(models.oai, { temperature: "hot" });
    expect(field).toBeInstanceOf(OpenAI.BadRequestError);
    expect(field.param).toBe("temperature");
    expect(fake.requests.length).toBe(0);
  });

  test("too long a context has the code that programs look for", async () => {
    fake.always({ status: 400, body: vendor("ant", "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum") });
    expect((await failed(models.ant)).code).toBe("context_length_exceeded");
    fake.always({
      status: 400,
      body: vendor("oai", "invalid_request_error", "This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
    });
    expect((await failed(models.oai)).code).toBe("context_length_exceeded");
  });

  test("the SDK's own retries come back where that helps, and only there", async () => {
    const patient = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: "client-secret-1", maxRetries: 2 });
    const tried = async (answer: Answer, model: string): Promise<[number, number]> => {
      fake.requests.length = 0;
      const before = house.records.length;
      fake.always((request) => (fake.requests.length < 3 ? answer : said(request.path.endsWith("/messages") ? "ant" : "oai", "Hello.")));
      const failure = await failed(model, {}, patient).catch(() => undefined);
      return [failure?.status ?? 200, house.records.length - before];
    };
    // Each time the SDK comes back, the gateway tries twice.
    const limited = { status: 429, body: vendor("oai", "rate_limit_error", "slow down"), headers: { "retry-after-ms": "1" } };
    expect(await tried(limited, models.oai)).toEqual([200, 2]);
    expect(await tried({ status: 400, body: vendor("oai", "invalid_request_error", "no") }, models.oai)).toEqual([400, 1]);
    expect(await tried(limited, "nobody/m")).toEqual([404, 1]);
  }, 15_000);
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
    const failure: unknown = await (async () => {
      for await (const chunk of await client.chat.completions.create({ model: models[provider], messages: hello, stream: true }))
        heard += chunk.choices[0]?.delta.content ?? "";
      return undefined;
    })().catch((thrown: unknown) => thrown);
    expect(heard).toBe("Hello");
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect((failure as Error).message).toContain("Too many of you");
  });
});

describe("beside the chat", () => {
  test("the list of models", async () => {
    const restricted = house.openai({ apiKey: "client-secret-2" });
    const names: string[] = [];
    for await (const model of client.models.list()) names.push(model.id);
    expect(names.some((name) => name.startsWith("ant/"))).toBe(true);
    const few: string[] = [];
    for await (const model of restricted.models.list()) few.push(model.id);
    expect(few.length).toBeGreaterThan(0);
    expect(few.every((name) => name.startsWith("oai/"))).toBe(true);
    expect(await client.models.retrieve(few[0] as string)).toMatchObject({ id: few[0], object: "model" });
  });

  test("rate limits of the provider, through withResponse", async () => {
    fake.always({ ...said("oai", "Hello."), headers: { "x-ratelimit-remaining-requests": "59", "x-request-id": "req_vendor" } });
    const { data, response, request_id } = await client.chat.completions.create({ model: models.oai, messages: hello }).withResponse();
    expect(data.choices[0]?.message.content).toBe("Hello.");
    expect([response.headers.get("x-ratelimit-remaining-requests"), request_id]).toEqual(["59", "req_vendor"]);
  });

  test("a base URL under the family's name, or without the version", async () => {
    fake.always(said("oai", "Hello."));
    for (const baseURL of [`${house.url}/openai/v1`, `${house.url}/openai`, house.url]) {
      const other = new OpenAI({ baseURL, apiKey: "client-secret-1", maxRetries: 0 });
      expect((await other.chat.completions.create({ model: models.oai, messages: hello })).choices[0]?.message.content).toBe("Hello.");
    }
  });

  test("aborting a stream of the SDK ends it quietly", async () => {
    fake.always({
      chunks: openaiStream(completionChunks([{ content: "One" }]))
        .split(/(?<=\n\n)/)
        .slice(0, 2),
      ending: "hang",
    });
    const stream = client.chat.completions.stream({ model: models.oai, messages: hello });
    const failure = await (async () => {
      for await (const chunk of stream) if (chunk.choices[0]?.delta.content === "One") stream.abort();
    })().catch((error: unknown) => error);
    expect(failure === undefined || failure instanceof OpenAI.APIUserAbortError).toBe(true);
    await fake.requests[0]?.closed;
    expect(fake.requests[0]?.aborted).toBe(true);
  });
});
