/** The mock through the eyes of the official SDKs: it must be a provider that they cannot tell from their own. */

import Anthropic, { NotFoundError as AnthropicNotFound, RateLimitError as AnthropicRateLimit } from "@anthropic-ai/sdk";
import OpenAI, { APIError as OpenAIError, NotFoundError as OpenAINotFound, RateLimitError as OpenAIRateLimit } from "openai";
import { describe, expect, test } from "vitest";
import { fold } from "../canonical/fold.ts";
import { messages } from "../formats/anthropic/messages.ts";
import type { ClientCodec } from "../formats/codec.ts";
import { chatCompletions } from "../formats/openai/chat-completions.ts";
import { SseReader } from "../upstream/framing/sse.ts";
import { createMock, mockModels } from "./mock.ts";

const codecs: readonly ClientCodec[] = [chatCompletions, messages];

function sdkFetch() {
  const mock = createMock({ codecs, sleep: () => Promise.resolve(), now: () => 0 });
  return (url: string | URL | Request, init: RequestInit = {}) =>
    mock(String(url), {
      method: init.method ?? "POST",
      headers: Object.fromEntries(new Headers(init.headers)),
      body: String(init.body),
      ...(init.signal ? { signal: init.signal } : {}),
    });
}

const openai = () => new OpenAI({ apiKey: "none", baseURL: "http://mock", fetch: sdkFetch(), maxRetries: 0 });
const anthropic = () => new Anthropic({ apiKey: "none", baseURL: "http://mock", fetch: sdkFetch(), maxRetries: 0 });
/** The SDKs' own promises are not quite promises, which not every runner's `rejects` takes. */
async function thrownBy(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

const hello = [{ role: "user" as const, content: "Hello there, mock" }];
const parameters = { type: "object" as const, properties: { city: { type: "string", examples: ["Paris"] } }, required: ["city"] };

describe("OpenAI's SDK", () => {
  const tools = [{ type: "function" as const, function: { name: "weather", parameters } }];

  test("reads a whole answer", async () => {
    const answer = await openai().chat.completions.create({ model: "echo", messages: hello });
    expect(answer.choices[0]?.message.content).toBe("Hello there, mock");
    expect(answer.choices[0]?.finish_reason).toBe("stop");
    expect(answer.usage).toMatchObject({ prompt_tokens: 6, completion_tokens: 5, total_tokens: 11 });
  });

  test("reads a stream, with usage when it asked", async () => {
    const stream = await openai().chat.completions.create({
      model: "slow",
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let usage;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    expect(text).toContain("You said: Hello there, mock");
    expect(usage?.completion_tokens).toBe(Math.ceil(text.length / 4));
  });

  test("gets tool calls that it can parse, and an answer to their results", async () => {
    const stream = openai().chat.completions.stream({ model: "tools", messages: hello, tools });
    const message = (await stream.finalChatCompletion()).choices[0]?.message;
    const [call] = message?.tool_calls ?? [];
    expect(call).toMatchObject({ type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } });
    const answer = await openai().chat.completions.create({
      model: "tools",
      tools,
      messages: [
        ...hello,
        { role: "assistant", tool_calls: message?.tool_calls ?? [] },
        { role: "tool", tool_call_id: call?.id ?? "", content: "21" },
      ],
    });
    expect(answer.choices[0]?.message.content).toContain("answered: 21");
  });

  test("gets typed errors, also within a stream", async () => {
    expect(await thrownBy(openai().chat.completions.create({ model: "error-429", messages: hello }))).toBeInstanceOf(OpenAIRateLimit);
    expect(await thrownBy(openai().chat.completions.create({ model: "ecco", messages: hello }))).toBeInstanceOf(OpenAINotFound);
    const stream = openai().chat.completions.stream({ model: "error-in-stream", messages: hello });
    expect(await thrownBy(stream.finalChatCompletion())).toBeInstanceOf(OpenAIError);
  });

  test("gets an instance of its schema, a refusal, and a cut answer", async () => {
    const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"], additionalProperties: false };
    const shaped = await openai().chat.completions.create({
      model: "json",
      messages: hello,
      response_format: { type: "json_schema", json_schema: { name: "answer", schema } },
    });
    expect(shaped.choices[0]?.message.content).toBe('{"n":1}');
    const refused = await openai().chat.completions.create({ model: "refuse", messages: hello });
    expect(refused.choices[0]?.message.refusal).toBe("I cannot help with that.");
    const short = await openai().chat.completions.create({ model: "length", messages: hello, max_completion_tokens: 3 });
    expect([short.choices[0]?.message.content, short.choices[0]?.finish_reason]).toEqual(["one two six ", "length"]);
  });
});

describe("Anthropic's SDK", () => {
  const asked = { max_tokens: 1000, messages: hello };
  const tools = [{ name: "weather", input_schema: parameters }];

  test("reads a whole answer", async () => {
    const answer = await anthropic().messages.create({ model: "echo", ...asked });
    expect(answer.content).toMatchObject([{ type: "text", text: "Hello there, mock" }]);
    expect([answer.stop_reason, answer.usage.input_tokens, answer.usage.output_tokens]).toEqual(["end_turn", 6, 5]);
  });

  test("reads a stream", async () => {
    const answer = await anthropic()
      .messages.stream({ model: "slow", ...asked })
      .finalMessage();
    expect(answer.content[0]).toMatchObject({ type: "text", text: expect.stringContaining("You said: Hello there, mock") as string });
  });

  test("gets a signed reasoning block, whole and streamed", async () => {
    for (const answer of [
      await anthropic().messages.create({ model: "reason", ...asked }),
      await anthropic()
        .messages.stream({ model: "reason", ...asked })
        .finalMessage(),
    ]) {
      expect(answer.content).toMatchObject([
        { type: "thinking", signature: expect.stringMatching(/.+/) as string },
        { type: "text", text: "Hello there, mock" },
      ]);
    }
  });

  test("gets tool calls, all at once, and an answer to their results", async () => {
    const twoTools = [...tools, { name: "time", input_schema: { type: "object" as const } }];
    const answer = await anthropic()
      .messages.stream({ model: "tools-parallel", tools: twoTools, ...asked })
      .finalMessage();
    expect(answer.stop_reason).toBe("tool_use");
    expect(answer.content).toMatchObject([
      { type: "tool_use", name: "weather", input: { city: "Paris" } },
      { type: "tool_use", name: "time", input: {} },
    ]);
    const results = answer.content.map((block) => ({
      type: "tool_result" as const,
      tool_use_id: block.type === "tool_use" ? block.id : "",
      content: "done",
    }));
    const last = await anthropic().messages.create({
      model: "tools-parallel",
      tools: twoTools,
      max_tokens: 100,
      messages: [...hello, { role: "assistant", content: answer.content }, { role: "user", content: results }],
    });
    expect(last.content[0]).toMatchObject({ type: "text", text: "The tool weather answered: done\nThe tool time answered: done" });
  });

  test("gets typed errors, also within a stream", async () => {
    expect(await thrownBy(anthropic().messages.create({ model: "error-429", ...asked }))).toBeInstanceOf(AnthropicRateLimit);
    expect(await thrownBy(anthropic().messages.create({ model: "ecco", ...asked }))).toBeInstanceOf(AnthropicNotFound);
    const stream = anthropic().messages.stream({ model: "error-in-stream", ...asked });
    expect(await thrownBy(stream.finalMessage())).toMatchObject({ type: "overloaded_error" });
  });

  test("sees what it marked for caching written, then read", async () => {
    const client = anthropic();
    const system = [{ type: "text" as const, text: "x".repeat(400), cache_control: { type: "ephemeral" as const } }];
    const usages = [];
    for (let call = 0; call < 2; call++) usages.push((await client.messages.create({ model: "echo", system, ...asked })).usage);
    expect(usages.map((usage) => [usage.cache_creation_input_tokens, usage.cache_read_input_tokens])).toEqual([
      [102, 0],
      [0, 102],
    ]);
  });
});

describe("the provider face understands what the client face of the same format says", () => {
  const broken = /^(error|cut|hang|garbage|redirect)/;
  const working = mockModels.filter(({ example }) => !broken.test(example)).map(({ example }) => example);
  const doors = codecs.map((codec) => ({ codec, url: `http://mock${codec.provider.path("", false)}` }));

  test.each(working)("%s", async (model) => {
    for (const { codec, url } of doors) {
      const ask = async (stream: boolean) => {
        const mock = createMock({ codecs, sleep: () => Promise.resolve(), now: () => 0 });
        const body = JSON.stringify({ model, messages: hello, stream, max_tokens: 2000 });
        const response = await mock(url, { headers: { "anthropic-version": "2023-06-01" }, body });
        expect(response.status).toBe(200);
        return await response.text();
      };
      const whole = fold(codec.provider.decodeReply(JSON.parse(await ask(false))));
      const reader = new SseReader();
      const decoder = codec.provider.decodeEvents();
      const frames = [...reader.push(new TextEncoder().encode(await ask(true))), ...reader.end()];
      const streamed = fold([...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()]);
      const text = (reply: typeof whole) =>
        reply.choices.map(({ content, finish }) => [content.map((part) => ("text" in part ? part.text : part)), finish.reason]);
      expect(text(streamed)).toEqual(text(whole));
    }
  });
});
