/**
 * Real replies of vendors, replayed: each comes out of both client formats, through the vendor's own SDK, with the text, the calls,
 * the stop reason and the token totals that a small reader of its own finds in the recording.
 */

import type Anthropic from "@anthropic-ai/sdk";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFakeProvider } from "../../testkit/fake-provider.ts";
import type { Answer, FakeProvider } from "../../testkit/fake-provider.ts";
import { anthropicStream, openaiStream, recording } from "../../testkit/frames.ts";
import { openHouse } from "./house.ts";
import type { House } from "./house.ts";
import { readRecording } from "./recorded-reply.ts";
import type { ReadReply, Recorded } from "./recorded-reply.ts";

const folder = process.env["HEADGATE_RECORDINGS"] ?? fileURLToPath(new URL("../../../shared/recordings", import.meta.url));

/** The provider type behind each folder: its quirks are part of the journey. */
const types: Record<string, string> = {
  alibaba: "alibaba",
  anthropic: "anthropic",
  azure: "openai-compatible",
  deepseek: "deepseek",
  groq: "groq",
  mistral: "mistral",
  moonshotai: "moonshotai",
  openai: "openai",
  "openai-compatible": "openai-compatible",
  perplexity: "perplexity",
  togetherai: "togetherai",
  xai: "xai",
};

const recorded: Recorded[] = Object.keys(types).flatMap((vendor) => {
  if (!existsSync(`${folder}/${vendor}`)) return [];
  return readdirSync(`${folder}/${vendor}`).flatMap((file) => readRecording(`${vendor}/${file}`, recording(`${vendor}/${file}`) ?? ""));
});

if (recorded.length === 0) console.warn(`No recordings under ${folder}: the journeys of recorded replies are skipped.`);

const prompt = [{ role: "user" as const, content: "Go on." }];

describe.skipIf(recorded.length === 0)("recorded replies", () => {
  let fake: FakeProvider;
  let house: House;

  beforeAll(async () => {
    fake = await startFakeProvider({ answer: (request) => serve(request.path, request.json() as { model: string; stream?: boolean }) });
    const providers = Object.fromEntries(
      Object.entries(types).map(([name, type]) => [
        name,
        { type, base_url: `${fake.url}/${name}`, api_key: "sk-provider", ...(name !== "anthropic" && { formats: ["chat-completions"] }) },
      ]),
    );
    house = await openHouse({ providers });
  });
  afterAll(async () => {
    await house.close();
    await fake.close();
  });

  for (const one of recorded) {
    const { name, reply, broken } = one;
    const ways: readonly [string, boolean][] = one.streamed
      ? [["streamed", true]]
      : [
          ["whole", false],
          ["whole, asked for as a stream", true],
        ];
    for (const [way, stream] of ways) {
      test(`${name} ${way}, to an OpenAI client`, async () => {
        const asked = askOpenai(house.openai(), name, stream);
        if (broken && one.format === "anthropic") return await expect(asked).rejects.toThrow(broken);
        expect(comparable(await asked)).toEqual(expected(one, "openai"));
      });
      test(`${name} ${way}, to an Anthropic client`, async () => {
        const asked = askAnthropic(house.anthropic(), name, stream);
        if (broken) return await expect(asked).rejects.toThrow(broken);
        expect(comparable(await asked)).toEqual(expected(one, "anthropic"));
      });
    }
    test(`${name} on record`, async () => {
      if (broken) return;
      const used = withBeside(reply);
      await askOpenai(house.openai(), name, one.streamed);
      const [call] = await house.store.recent({ limit: 1 });
      expect(call).toMatchObject({
        requestedModel: name,
        outcome: "ok",
        input: used.input,
        output: used.output,
        reasoning: used.reasoning ?? null,
      });
    });
  }

  function serve(path: string, body: { model: string; stream?: boolean }): Answer {
    const found = recorded.find((one) => one.name === `${path.split("/")[1]}/${body.model}`);
    if (!found) return { status: 404, body: { error: { message: `no recording ${path} ${body.model}` } } };
    if (!found.streamed) return { body: found.lines[0] as string };
    const bytes = found.format === "openai" ? openaiStream(found.lines) : anthropicStream(found.lines);
    // Cut at sizes that fall anywhere: within letters, between events.
    const all = new TextEncoder().encode(bytes);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < all.length; at += 1777) chunks.push(all.subarray(at, at + 1777));
    return { chunks };
  }
});

// ── what the SDKs make of it ─────────────────────────────────────────────────────────────────────────────────

/** Their vendor's own words break the SDK's stream helper, also without a gateway: the SDK's plain chunks are read instead. */
const helperFails: Record<string, string> = { "mistral/mistral-incremental-tool-call.chunks.txt": "no delta names a role" };

async function askOpenai(client: OpenAI, model: string, stream: boolean): Promise<ReadReply> {
  const asked = { model, messages: prompt };
  if (model in helperFails) return await readPlainly(await client.chat.completions.create({ ...asked, stream: true }));
  let streamed = "";
  const completion = stream
    ? await client.chat.completions
        .stream({ ...asked, stream_options: { include_usage: true } })
        .on("chunk", (chunk) => void (streamed += thoughtOf(chunk.choices[0]?.delta)))
        .finalChatCompletion()
    : await client.chat.completions.create(asked);
  const { message, finish_reason } = completion.choices[0] as OpenAI.ChatCompletion.Choice;
  const { usage } = completion;
  return {
    text: contentText(message.content),
    thought: stream ? streamed : thoughtOf(message),
    calls: (message.tool_calls ?? []).map((call) =>
      "function" in call
        ? { name: call.function.name, args: JSON.parse(call.function.arguments) as unknown }
        : { name: call.custom.name, args: call.custom.input },
    ),
    stop: finish_reason,
    input: usage?.prompt_tokens ?? -1,
    total: usage?.total_tokens ?? -1,
    output: (usage?.total_tokens ?? 0) - (usage?.prompt_tokens ?? 0),
    cached: usage?.prompt_tokens_details?.cached_tokens ?? (usage as { cached_tokens?: number } | undefined)?.cached_tokens,
  };
}

async function readPlainly(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<ReadReply> {
  const lines: string[] = [];
  for await (const chunk of stream) lines.push(JSON.stringify(chunk));
  return (readRecording("plain.chunks.txt", lines.join("\n"))[0] as Recorded).reply;
}

/** No field of OpenAI's own: the SDK hands it on, but does not put its pieces together. */
function thoughtOf(message: object | undefined): string {
  const { reasoning_content, reasoning, content } = (message ?? {}) as {
    reasoning_content?: string | null;
    reasoning?: string | null;
    content?: unknown;
  };
  return reasoning_content ?? reasoning ?? thinkingParts(content);
}

/** Mistral's own clients know content as a list of parts: it passes as it came. */
function contentText(content: unknown): string {
  if (!Array.isArray(content)) return typeof content === "string" ? content : "";
  return content.map((part: { type: string; text?: string }) => (part.type === "text" ? part.text : "")).join("");
}

function thinkingParts(content: unknown): string {
  if (!Array.isArray(content)) return "";
  return content.map((part: { type: string; thinking?: unknown }) => (part.type === "thinking" ? contentText(part.thinking) : "")).join("");
}

async function askAnthropic(client: Anthropic, model: string, stream: boolean): Promise<ReadReply> {
  const asked = { model, max_tokens: 1000, messages: prompt };
  const message = stream ? await client.messages.stream(asked).finalMessage() : await client.messages.create(asked);
  const { usage } = message;
  const input = usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
  return {
    text: message.content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    thought: message.content.map((block) => (block.type === "thinking" ? block.thinking : "")).join(""),
    calls: message.content.flatMap((block) => (block.type === "tool_use" ? [{ name: block.name, args: block.input }] : [])),
    stop: message.stop_reason ?? "none",
    input,
    output: usage.output_tokens,
    total: input + usage.output_tokens,
    cached: usage.cache_read_input_tokens ?? undefined,
  };
}

// ── what they should ─────────────────────────────────────────────────────────────────────────────────────────

function expected({ format, reply }: Recorded, to: Recorded["format"]): object {
  // Same format: what the vendor sent. Across: in the words of the other, with all that was used in the totals.
  return comparable(format === to ? reply : { ...withBeside(reply), stop: mappedStop(reply, to) });
}

function withBeside(reply: ReadReply): ReadReply {
  const { input, output } = reply.beside ?? { input: 0, output: 0 };
  return { ...reply, input: reply.input + input, output: reply.output + output, total: reply.total + input + output };
}

function comparable({ text, thought, calls, stop, input, total, cached }: ReadReply): object {
  return { text, thought, calls, stop, input, total, cached: cached ?? 0 };
}

const toAnthropic: Record<string, string> = { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use", content_filter: "refusal" };
const toOpenai: Record<string, string> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
  pause_turn: "stop",
  compaction: "stop",
  model_context_window_exceeded: "length",
};

function mappedStop({ stop, calls }: ReadReply, to: Recorded["format"]): string {
  // An agent waits for the word that goes with a call.
  if (calls.length > 0 && (stop === "stop" || stop === "end_turn")) return to === "openai" ? "tool_calls" : "tool_use";
  return (to === "openai" ? toOpenai : toAnthropic)[stop] ?? `unmapped ${stop}`;
}
