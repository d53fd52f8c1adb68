import { describe, expect, test } from "vitest";
import type { ChatEvent, OpaqueState } from "../../canonical/chat.ts";
import { fold } from "../../canonical/fold.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { codecContract } from "../codec.contract.ts";
import { messages } from "./messages.ts";
import { decode, decodeStream, encode, encodeStream, replyContext } from "./messages/samples.ts";

describe("where and how the vendor is called", () => {
  test("path and version", () => {
    expect(messages.provider.path()).toBe("/v1/messages");
    expect(messages.provider.headers()).toEqual({ "anthropic-version": "2023-06-01" });
  });
});

describe("a conversation of an Anthropic client that another vendor answers", () => {
  const state: OpaqueState = { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1", origin: "vendor/model" };
  const events: ChatEvent[] = [
    { type: "start", id: "resp_1", model: "gpt-x" },
    { type: "block-start", choice: 0, block: 0, content: { kind: "reasoning" } },
    { type: "reasoning-delta", choice: 0, block: 0, text: "hm" },
    { type: "block-end", choice: 0, block: 0, state },
    { type: "block-start", choice: 0, block: 1, content: { kind: "tool-call", id: "functions.look:0", name: "look", call: "function" } },
    { type: "arguments-delta", choice: 0, block: 1, text: '{"at":1}' },
    { type: "block-end", choice: 0, block: 1 },
    { type: "finish", choice: 0, finish: { reason: "tool-calls" } },
    { type: "end" },
  ];

  /** What the client stores of the answer, and sends back with the tool's result. */
  function nextRequest(): JsonObject {
    const { content } = messages.client.encodeReply(fold(decodeStream(...encodeStream(...events))), replyContext);
    const call = (content as JsonObject[]).find(({ type }) => type === "tool_use");
    return {
      messages: [
        { role: "user", content: "look" },
        { role: "assistant", content: content ?? null },
        { role: "user", content: [{ type: "tool_result", tool_use_id: call?.id ?? null, content: "seen" }] },
      ],
      tools: [{ name: "look", input_schema: { type: "object", properties: {} } }],
    };
  }

  test("streamed and whole, the client gets legal ids only", () => {
    for (const content of [encodeStream(...events), messages.client.encodeReply(fold(events), replyContext).content]) {
      expect(JSON.stringify(content)).toContain('"id":"hgid-functions-2e-look-3a-0"');
    }
  });

  test("the next turn gives the vendor its own ids and state back", () => {
    expect(decode(nextRequest()).messages.slice(1)).toMatchObject([
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm", state },
          { type: "tool-call", id: "functions.look:0", name: "look", arguments: '{"at":1}' },
        ],
      },
      { role: "tool", content: [{ callId: "functions.look:0", name: "look", content: [{ text: "seen" }] }] },
    ]);
  });

  test("when Anthropic answers the next turn, translated or verbatim, it sees neither", () => {
    const request = nextRequest();
    const { body, told } = encode(decode(request));
    expect(JSON.stringify(body)).not.toMatch(/headgate|gAAA/);
    expect((body.messages as JsonObject[])[1]?.content).toEqual([
      { type: "tool_use", id: "hgid-functions-2e-look-3a-0", name: "look", input: { at: 1 } },
    ]);
    expect(told).toEqual(["dropped messages[1].content[0]"]);
    const edited = messages.verbatim.edits(request, { model: "claude-x", quirks: new Set() });
    expect(JSON.stringify({ ...request, ...edited })).not.toMatch(/headgate|gAAA/);
  });
});

const ask: JsonObject = { model: "claude-x", max_tokens: 100, messages: [{ role: "user", content: "hi" }] };
const signature = "EvQBCkYICxgC";

codecContract(messages, {
  requests: {
    "one question": ask,
    "every field": {
      ...ask,
      max_tokens: 9000,
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl: "1h" } }],
      stop_sequences: ["END"],
      stream: true,
      thinking: { type: "enabled", budget_tokens: 2000, display: "omitted" },
      output_config: {
        effort: "low",
        format: { type: "json_schema", schema: { type: "object", additionalProperties: false } },
        task_budget: { total: 5 },
      },
      tools: [
        {
          name: "look",
          description: "d",
          input_schema: { type: "object", properties: {}, additionalProperties: false },
          strict: true,
          defer_loading: true,
          cache_control: { type: "ephemeral" },
        },
        { type: "web_search_20260318", name: "web_search", max_uses: 2 },
      ],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      metadata: { user_id: "u", more: "x" },
      service_tier: "standard_only",
      cache_control: { type: "ephemeral" },
      container: { id: "c" },
      context_management: { edits: [] },
      mcp_servers: [{ type: "url", name: "m", url: "https://example.org" }],
      inference_geo: "eu",
      speed: "fast",
      vendor_field: { kept: [1] },
    },
    sampling: { ...ask, temperature: 0.3, top_k: 5 },
    "media of every kind": {
      ...ask,
      messages: [
        {
          role: "user",
          content: [
            {
              type: "image",
              source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" },
              cache_control: { type: "ephemeral" },
            },
            { type: "image", source: { type: "url", url: "https://example.org/a.png" } },
            { type: "image", source: { type: "file", file_id: "file_1" }, transformations: { oversized_image: "error" } },
            {
              type: "document",
              source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
              title: "a.pdf",
              context: "c",
              citations: { enabled: true },
            },
            { type: "document", source: { type: "text", media_type: "text/plain", data: "words" } },
            { type: "document", source: { type: "url", url: "https://example.org/a.pdf" } },
            { type: "document", source: { type: "content", content: [{ type: "text", text: "a" }] } },
            { type: "search_result", title: "t", source: "https://example.org", content: [{ type: "text", text: "found" }] },
            { type: "container_upload", file_id: "file_2" },
          ],
        },
      ],
    },
    "thinking, calls and their results": {
      ...ask,
      tools: [{ name: "look", input_schema: { type: "object", properties: {} } }],
      messages: [
        { role: "user", content: "go" },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature },
            { type: "redacted_thinking", data: "xyz" },
            { type: "text", text: "so", citations: [{ type: "char_location", cited_text: "a" }] },
            { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {} },
            { type: "tool_use", id: "toolu_1", name: "look", input: { at: 1 } },
            {
              type: "tool_use",
              id: "hgid-a-2e-b",
              name: "look",
              input: {},
              caller: { type: "code_execution_20260120", tool_id: "srvtoolu_1" },
            },
          ],
        },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: "toolu_1",
              content: [
                { type: "text", text: "seen" },
                { type: "image", source: { type: "url", url: "https://example.org/a.png" } },
              ],
            },
            { type: "tool_result", tool_use_id: "hgid-a-2e-b", content: "gone", is_error: true },
            { type: "text", text: "and now?" },
          ],
        },
      ],
    },
  },
  replies: {
    text: {
      id: "msg_1",
      model: "m",
      choices: [{ content: [{ type: "text", text: "Grüße, 世界 👋🏽" }], finish: { reason: "stop" } }],
      usage: { input: 10, output: 5, cacheRead: 4, cacheWrite: 2, reasoning: 1 },
    },
    "reasoning and parallel calls": {
      id: "msg_2",
      model: "m",
      choices: [
        {
          content: [
            { type: "reasoning", text: "First I look.", state: { format: "anthropic/messages", kind: "signature", data: signature } },
            { type: "reasoning", text: "", state: { format: "anthropic/messages", kind: "redacted", data: "aGlkZGVu" } },
            {
              type: "reasoning",
              text: "Elsewhere.",
              state: { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1", item: { summary: [] } },
            },
            { type: "text", text: "Looking." },
            { type: "tool-call", id: "functions.look:0", name: "look", kind: "function", arguments: '{"at":"a"}' },
            { type: "tool-call", id: "toolu_2", name: "look", kind: "function", arguments: "{}" },
          ],
          finish: { reason: "tool-calls" },
        },
      ],
      usage: { input: 10, output: 50 },
    },
    "a refusal without a word": {
      id: "msg_3",
      model: "m",
      choices: [{ content: [], finish: { reason: "refusal" } }],
      usage: { input: 1, output: 0 },
    },
  },
  history: (reply) => ({ ...ask, messages: [...(ask.messages as JsonObject[]), { role: "assistant", content: reply.content ?? null }] }),
  ids: ["msg_1", "msg_2"],
  cannot: {
    choices: "one answer a request",
    logprobs: "there are none",
    "refusal-text": "a refusal's words are text",
    "custom-calls": "they are functions with one text argument",
    citations: "other formats' citations become those of a web search",
  },
  finishes: {
    "content-filter": { as: "refusal", because: "the format knows one word for both" },
    unknown: { as: "stop", because: "the neutral word is end_turn" },
    "malformed-call": { as: "error", because: "a broken call is not an answer" },
  },
});
