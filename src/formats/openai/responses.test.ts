import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import type { AssistantPart, ChatEvent, ChatReply, OpaqueState } from "../../canonical/chat.ts";
import { GatewayError } from "../../canonical/errors.ts";
import { fold, unfold } from "../../canonical/fold.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { SseReader } from "../../upstream/framing/sse.ts";
import { messages } from "../anthropic/messages.ts";
import { codecContract } from "../codec.contract.ts";
import type { ClientCodec, Door, EncodeContext, Frame, ReplyContext } from "../codec.ts";
import { chatCompletions } from "./chat-completions.ts";
import { responses } from "./responses.ts";

const pixel = "data:image/png;base64,iVBORw0KGgo=";

codecContract(responses, {
  // Omitted, `store` means that OpenAI keeps the response; the gateway never asks for that unless told.
  requests: {
    "one question": { model: "gpt-x", input: "Hello", store: false },
    "every field": {
      model: "gpt-x",
      instructions: "Be brief.",
      input: [
        {
          type: "message",
          role: "developer",
          content: [
            { type: "input_text", text: "One." },
            { type: "input_text", text: "Two." },
          ],
        },
        { role: "user", content: "Hello" },
        { role: "system", content: "Later." },
        { role: "user", content: [{ type: "input_text", text: "And?", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } }] },
      ],
      background: true,
      client_metadata: { "x-codex-installation-id": "1" },
      context_management: [{ type: "compaction", compact_threshold: 5 }],
      conversation: "conv_1",
      include: ["reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.results"],
      max_output_tokens: 100,
      max_tool_calls: 3,
      metadata: { team: "blue" },
      moderation: { model: "omni" },
      parallel_tool_calls: false,
      previous_response_id: "resp_1",
      prompt: { id: "pmpt_1" },
      prompt_cache_key: "k",
      prompt_cache_options: { mode: "explicit" },
      reasoning: { effort: "low", summary: "auto", context: "all_turns" },
      safety_identifier: "who",
      user: "bucket",
      service_tier: "flex",
      store: false,
      stream: true,
      stream_options: { include_obfuscation: false },
      temperature: 0.1,
      top_p: 0.9,
      top_logprobs: 3,
      text: {
        format: { type: "json_schema", name: "reply", description: "d", schema: { type: "object" }, strict: true },
        verbosity: "low",
        stop_early: true,
      },
      tool_choice: "auto",
      tools: [
        {
          type: "function",
          name: "look",
          description: "d",
          parameters: { type: "object", properties: {} },
          strict: false,
          defer_loading: true,
        },
        {
          type: "function",
          name: "closed",
          parameters: { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false },
        },
        { type: "custom", name: "freeform", description: "d", format: { type: "grammar", syntax: "lark", definition: "x" } },
        { type: "web_search", external_web_access: false },
        { type: "mcp", server_label: "m", server_url: "https://example.org" },
      ],
      truncation: "auto",
      vendor_field: { kept: [1] },
    },
    "media of every kind": {
      model: "gpt-x",
      store: true,
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "Look" },
            { type: "input_image", image_url: pixel, detail: "low" },
            { type: "input_image", image_url: "https://example.org/a.png" },
            { type: "input_image", file_id: "file-1" },
            { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
            { type: "input_file", file_url: "https://example.org/a.pdf" },
            { type: "input_file", file_id: "file-2", detail: "high" },
            { type: "input_video", video_url: "https://example.org/a.mp4" },
          ],
        },
      ],
    },
    "reasoning, calls and their results": {
      model: "gpt-x",
      store: false,
      tools: [
        { type: "function", name: "look", parameters: { type: "object", properties: {} }, strict: false },
        { type: "custom", name: "freeform" },
      ],
      tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "look" }] },
      input: [
        { type: "message", role: "user", content: [{ type: "input_text", text: "Go" }] },
        {
          type: "reasoning",
          id: "rs_1",
          summary: [
            { type: "summary_text", text: "First." },
            { type: "summary_text", text: "Then." },
          ],
          encrypted_content: "gAAA",
        },
        {
          type: "message",
          id: "msg_1",
          role: "assistant",
          status: "completed",
          phase: "commentary",
          content: [{ type: "output_text", text: "Looking.", annotations: [] }],
        },
        { type: "function_call", id: "fc_1", call_id: "c1", name: "look", arguments: '{"at":9007199254740993}', namespace: "eyes" },
        { type: "custom_tool_call", call_id: "c2", name: "freeform", input: "x = 1" },
        {
          type: "function_call_output",
          call_id: "c1",
          output: [
            { type: "input_text", text: "seen" },
            { type: "input_image", image_url: pixel },
          ],
        },
        { type: "custom_tool_call_output", call_id: "c2", output: "" },
        { type: "reasoning", summary: [], encrypted_content: "gBBB" },
        {
          type: "message",
          role: "assistant",
          content: [
            {
              type: "output_text",
              text: "Done",
              annotations: [{ type: "url_citation", url: "https://example.org", title: "t", start_index: 0, end_index: 4 }],
            },
            { type: "refusal", refusal: "But no more." },
          ],
        },
        { role: "user", content: "" },
      ],
    },
    "items of hosted tools": {
      model: "gpt-x",
      store: false,
      tools: [{ type: "web_search" }, { type: "local_shell" }],
      tool_choice: { type: "web_search" },
      input: [
        { type: "compaction", encrypted_content: "gCCC" },
        { type: "additional_tools", role: "developer", tools: [] },
        { role: "user", content: "Go" },
        { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "q" } },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "Found." }] },
        { type: "local_shell_call", call_id: "s1", status: "completed", action: { type: "exec", command: ["ls"] } },
        { type: "local_shell_call_output", call_id: "s1", output: "a" },
        { type: "image_generation_call", id: "ig_1", status: "completed", result: "iVBORw0KGgo=", output_format: "webp" },
        { type: "item_reference", id: "msg_7" },
      ],
    },
  },
  replies: {
    "text, with usage": {
      id: "resp_1",
      model: "m-1",
      created: 5,
      choices: [{ content: [{ type: "text", text: "Grüße, 世界 👋🏽" }], finish: { reason: "stop" } }],
      usage: { input: 10, output: 5, cacheRead: 4, reasoning: 2 },
    },
    "reasoning with state, and parallel calls": {
      id: "resp_2",
      model: "m-1",
      choices: [
        {
          content: [
            { type: "reasoning", text: "First I look.", state: { format: "anthropic/messages", kind: "signature", data: "c2ln" } },
            { type: "reasoning", text: "", state: { format: "anthropic/messages", kind: "redacted", data: "aGlkZGVu" } },
            { type: "text", text: "Looking.", state: { format: "google/gemini", kind: "signature", data: "dGV4dA==" } },
            {
              type: "tool-call",
              id: "c1",
              name: "look",
              kind: "function",
              arguments: '{"at":"a"}',
              state: { format: "google/gemini", kind: "signature", data: "Zw==" },
            },
            { type: "tool-call", id: "c2", name: "look", kind: "function", arguments: "{}" },
            { type: "tool-call", id: "c3", name: "freeform", kind: "custom", arguments: "x = 1" },
          ],
          finish: { reason: "tool-calls" },
        },
      ],
      usage: { input: 1, output: 2 },
    },
    "an own item of reasoning, and phases": {
      id: "resp_3",
      model: "m-1",
      choices: [
        {
          content: [
            {
              type: "reasoning",
              text: "One.\n\nTwo.",
              state: {
                format: "openai/responses",
                kind: "encrypted",
                data: "gAAA",
                id: "rs_1",
                item: {
                  id: "rs_1",
                  type: "reasoning",
                  summary: [
                    { type: "summary_text", text: "One." },
                    { type: "summary_text", text: "Two." },
                  ],
                },
              },
            },
            { type: "text", text: "A moment.", state: { format: "openai/responses", kind: "signature", data: "commentary" } },
            { type: "text", text: "Done.", state: { format: "openai/responses", kind: "signature", data: "final_answer" } },
          ],
          finish: { reason: "stop" },
        },
      ],
    },
    "thinking between the words": {
      id: "resp_4",
      model: "m-1",
      choices: [
        {
          content: [
            { type: "reasoning", text: "One.", state: { format: "anthropic/messages", kind: "signature", data: "MQ==" } },
            { type: "text", text: "Hello. " },
            { type: "vendor", format: "anthropic/messages", value: { type: "server_tool_use", id: "s1", name: "web_search", input: {} } },
            { type: "reasoning", text: "Two.", state: { format: "anthropic/messages", kind: "signature", data: "Mg==" } },
            {
              type: "text",
              text: "World.",
              citations: [
                { url: "https://example.org", title: "Example", start: 0, end: 4, raw: {}, format: "anthropic/messages" },
                { url: "https://example.org/2", citedText: "so", raw: {}, format: "anthropic/messages" },
                { citedText: "quoted", raw: { type: "page_location" }, format: "anthropic/messages" },
              ],
            },
            { type: "reasoning", text: "Three." },
            { type: "tool-call", id: "c1", name: "look", kind: "function", arguments: "{}" },
          ],
          finish: { reason: "tool-calls" },
        },
      ],
    },
    "a refusal after words": {
      id: "resp_5",
      model: "m-1",
      choices: [
        {
          content: [
            { type: "text", text: "A" },
            { type: "refusal", text: "I will not." },
          ],
          finish: { reason: "refusal" },
        },
      ],
    },
    "log probabilities, cut short": {
      id: "resp_8",
      model: "m-1",
      choices: [
        {
          content: [
            { type: "reasoning", text: "Hm." },
            { type: "text", text: "A" },
          ],
          finish: { reason: "length" },
          logprobs: { content: [{ token: "A", logprob: -0.1, bytes: null, top_logprobs: [] }] },
        },
      ],
    },
    "a hosted tool's items, and an image": {
      id: "resp_6",
      model: "m-1",
      choices: [
        {
          content: [
            {
              type: "vendor",
              format: "openai/responses",
              value: { id: "ws_1", type: "web_search_call", status: "completed", action: { type: "search", query: "q" } },
            },
            { type: "media", source: { kind: "base64", mediaType: "image/webp", data: "iVBORw0KGgo=" }, id: "ig_hg_contract_1" },
            { type: "text", text: "There." },
          ],
          finish: { reason: "stop" },
        },
      ],
    },
    "nothing but an end": {
      id: "resp_7",
      model: "m-1",
      choices: [{ content: [], finish: { reason: "stop-sequence", stopSequence: "END" } }],
    },
  },
  history: (reply) => ({
    model: "gpt-x",
    input: [{ role: "user", content: "Hi" }, ...(reply.output as JsonObject[]), { role: "user", content: "More" }],
  }),
  cannot: { choices: "a response is one answer" },
  finishes: { "malformed-call": { as: "error", because: "completed would have the client take a broken call for an answer" } },
  ids: ["resp_1", "resp_abc"],
});

describe("where the vendor is called", () => {
  test("path", () => expect(responses.provider.path()).toBe("/responses"));
});

// ── with other formats ───────────────────────────────────────────────────────────────────────────────────────

const door: Door = { headers: new Headers() };

function framesOf(text: string): Frame[] {
  const reader = new SseReader();
  return [...reader.push(new TextEncoder().encode(text)), ...reader.end()];
}

interface Route {
  client: ClientCodec;
  provider: ClientCodec;
  origin: string;
}

/** A request of the client as the vendor gets it. */
function ask({ client, provider, origin }: Route, body: JsonObject): { sent: JsonObject; told: string[] } {
  const told: string[] = [];
  const request = client.client.decodeRequest(body, door);
  const context: EncodeContext = {
    capabilities: { reasoning: ["effort"] },
    quirks: new Set(),
    origin,
    warn: ({ action, field }) => told.push(`${action} ${field}`),
  };
  return { sent: provider.provider.encodeRequest({ ...request, model: origin.slice(origin.indexOf("/") + 1) }, context), told };
}

/** The vendor's answer, streamed in its own format, as the client gets it: whole, from the stream that the client reads. */
function answer({ client, provider, origin }: Route, body: JsonObject, content: AssistantPart[], callId: string): JsonObject {
  const reply: ChatReply = {
    id: `vendor_${callId}`,
    model: "v-1",
    choices: [{ content, finish: { reason: content.some(({ type }) => type === "tool-call") ? "tool-calls" : "stop" } }],
    usage: { input: 3, output: 2 },
  };
  const vendor: ReplyContext = { callId: "hg_vendor", created: 1, model: "v-1", includeUsage: true, origin, customTools: new Set() };
  const writer = provider.client.encodeEvents(vendor);
  const wire = unfold(reply)
    .map((event) => writer.push(event))
    .join("");
  const decoder = provider.provider.decodeEvents();
  const events = [...framesOf(wire).flatMap((frame) => decoder.push(frame)), ...decoder.end()];
  const request = client.client.decodeRequest(body, door);
  const custom = request.tools?.filter(({ kind }) => kind === "custom").map(({ name }) => name);
  const encoder = client.client.encodeEvents({ ...vendor, callId, body, customTools: new Set(custom) });
  const stream = events.map((event) => encoder.push(event)).join("");
  const reader = client.provider.decodeEvents();
  const told = [...framesOf(stream).flatMap((frame) => reader.push(frame)), ...reader.end()];
  return client.client.encodeReply(fold(told), { ...vendor, callId, body, customTools: new Set(custom) });
}

/** What Codex keeps of an item: no ids, no annotations, no keys that it does not know. */
function asCodexKeeps(item: JsonObject): JsonObject {
  const { id: _, status: __, headgate: ___, ...rest } = item;
  if (item.type !== "message") return rest;
  return { ...rest, content: (item.content as JsonObject[]).map(({ type, text }) => ({ type: type ?? null, text: text ?? null })) };
}

describe("Codex with a model of Anthropic's", () => {
  const route: Route = { client: responses, provider: messages, origin: "anthropic/claude-x" };
  const base: JsonObject = {
    model: "claude",
    instructions: "You are Codex.",
    tools: [
      { type: "function", name: "shell", parameters: { type: "object", properties: {} }, strict: false },
      { type: "custom", name: "apply_patch", format: { type: "grammar", syntax: "lark", definition: "start: any" } },
    ],
    tool_choice: "auto",
    parallel_tool_calls: true,
    reasoning: { effort: "medium", summary: "auto" },
    store: false,
    stream: true,
    include: ["reasoning.encrypted_content"],
    prompt_cache_key: "k",
  };
  const thought = (text: string, data: string): AssistantPart => ({
    type: "reasoning",
    text,
    state: { format: "anthropic/messages", kind: "signature", data },
  });

  test("keeps its signatures over three turns, byte for byte and in order", () => {
    let input: JsonObject[] = [{ type: "message", role: "user", content: [{ type: "input_text", text: "Fix it." }] }];
    const turns: { content: AssistantPart[]; results: JsonObject[] }[] = [
      {
        content: [
          thought("First I look.\n\nThen I act.", "c2lnLTE="),
          { type: "text", text: "Looking." },
          { type: "tool-call", id: "toolu_1", name: "shell", kind: "function", arguments: '{"command":["ls"]}' },
        ],
        results: [{ type: "function_call_output", call_id: "toolu_1", output: "a.ts" }],
      },
      {
        content: [
          { type: "reasoning", text: "", state: { format: "anthropic/messages", kind: "redacted", data: "aGlkZGVu" } },
          thought("", "c2lnLTI="),
          { type: "tool-call", id: "toolu_2", name: "apply_patch", kind: "function", arguments: '{"input":"*** Begin Patch"}' },
          { type: "tool-call", id: "toolu_3", name: "shell", kind: "function", arguments: "{}" },
        ],
        results: [
          { type: "custom_tool_call_output", call_id: "toolu_2", output: "ok" },
          {
            type: "function_call_output",
            call_id: "toolu_3",
            output: [
              { type: "input_text", text: "seen" },
              { type: "input_image", image_url: pixel },
            ],
          },
        ],
      },
      {
        content: [thought("Done.", "c2lnLTM="), { type: "text", text: "Fixed." }],
        results: [{ type: "message", role: "user", content: [{ type: "input_text", text: "Thanks." }] }],
      },
    ];
    for (const [index, { content, results }] of turns.entries()) {
      const reply = answer(route, { ...base, input }, content, `hg_${index}`);
      input = [...input, ...(reply.output as JsonObject[]).map(asCodexKeeps), ...results];
    }
    expect(input.filter(({ type }) => type === "custom_tool_call")).toMatchObject([{ name: "apply_patch", input: "*** Begin Patch" }]);

    const { sent, told } = ask(route, { ...base, input });
    const turnsSent = sent.messages as JsonObject[];
    expect(turnsSent.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant", "user", "assistant", "user"]);
    expect(turnsSent[1]?.content).toMatchObject([
      { type: "thinking", thinking: "First I look.\n\nThen I act.", signature: "c2lnLTE=" },
      { type: "text", text: "Looking." },
      { type: "tool_use", id: "toolu_1", name: "shell", input: { command: ["ls"] } },
    ]);
    expect(turnsSent[3]?.content).toMatchObject([
      { type: "redacted_thinking", data: "aGlkZGVu" },
      { type: "thinking", thinking: "", signature: "c2lnLTI=" },
      { type: "tool_use", id: "toolu_2", name: "apply_patch", input: { input: "*** Begin Patch" } },
      { type: "tool_use", id: "toolu_3", name: "shell" },
    ]);
    expect(turnsSent[4]?.content).toMatchObject([
      { type: "tool_result", tool_use_id: "toolu_2" },
      { type: "tool_result", tool_use_id: "toolu_3", content: [{ type: "text" }, { type: "image" }] },
    ]);
    expect(turnsSent[5]?.content).toMatchObject([
      { type: "thinking", thinking: "Done.", signature: "c2lnLTM=" },
      { type: "text", text: "Fixed." },
    ]);
    expect(told.filter((warning) => !/tools\[1\]|prompt_cache_key/.test(warning))).toEqual([]);
  });

  test("goes on with a model of OpenAI's: what Anthropic hid is not shown to it", () => {
    const body = { ...base, input: [{ role: "user", content: "Go" }] };
    const reply = answer(
      route,
      body,
      [thought("Hm.", "c2lnLTE="), { type: "tool-call", id: "toolu_1", name: "shell", kind: "function", arguments: "{}" }],
      "hg_1",
    );
    const input = [
      { role: "user", content: "Go" },
      ...(reply.output as JsonObject[]),
      { type: "function_call_output", call_id: "toolu_1", output: "a" },
    ];
    const translated = ask({ ...route, provider: responses, origin: "openai/gpt-x" }, { ...base, input });
    const verbatim = responses.verbatim.edits({ ...base, input }, { model: "gpt-x", quirks: new Set() }).input as JsonObject[];
    for (const items of [translated.sent.input as JsonObject[], verbatim]) {
      expect(items.map(({ type }) => type ?? "message")).toEqual(["message", "function_call", "function_call_output"]);
      expect(JSON.stringify(items)).not.toMatch(/headgate|_hg_/);
    }
    expect(translated.told).toEqual(["dropped messages[2].content[0]"]);
  });
});

describe("clients of other formats with a model that answers in Responses", () => {
  const item: JsonObject = { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "Hm." }] };
  const state: OpaqueState = { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1", item };
  const content: AssistantPart[] = [
    { type: "reasoning", text: "Hm.", state },
    { type: "text", text: "Looking." },
    { type: "tool-call", id: "call_1", name: "look", kind: "function", arguments: '{"a":1}' },
    { type: "tool-call", id: "call_2", name: "look", kind: "function", arguments: "{}" },
  ];
  const replayed = [
    { role: "user", content: "Go" },
    { ...item, encrypted_content: "gAAA" },
    { type: "message", role: "assistant", content: "Looking." },
    { type: "function_call", call_id: "call_1", name: "look", arguments: '{"a":1}' },
    { type: "function_call", call_id: "call_2", name: "look", arguments: "{}" },
    { type: "function_call_output", call_id: "call_1", output: "one" },
    { type: "function_call_output", call_id: "call_2", output: "two" },
  ];

  test("Anthropic's: encrypted reasoning comes back whole", () => {
    const route: Route = { client: messages, provider: responses, origin: "openai/gpt-x" };
    const tools = [{ name: "look", input_schema: { type: "object", properties: {} } }];
    const first = { model: "m", max_tokens: 100, tools, messages: [{ role: "user", content: "Go" }] };
    const reply = answer(route, first, content, "hg_1");
    const results = {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "call_1", content: "one" },
        { type: "tool_result", tool_use_id: "call_2", content: "two" },
      ],
    };
    const { sent, told } = ask(route, {
      ...first,
      messages: [...first.messages, { role: "assistant", content: reply.content ?? null }, results],
    });
    expect(sent.input).toMatchObject(replayed);
    expect(sent).toMatchObject({ store: false, include: ["reasoning.encrypted_content"], max_output_tokens: 100 });
    expect(told).toEqual([]);
  });

  test("Chat Completions': encrypted reasoning comes back whole", () => {
    const route: Route = { client: chatCompletions, provider: responses, origin: "openai/gpt-x" };
    const tools = [{ type: "function", function: { name: "look" } }];
    const first = { model: "m", tools, messages: [{ role: "user", content: "Go" }] };
    const reply = answer(route, first, content, "hg_1");
    const [choice] = reply.choices as JsonObject[];
    const results = [
      { role: "tool", tool_call_id: "call_1", content: "one" },
      { role: "tool", tool_call_id: "call_2", content: "two" },
    ];
    const { sent, told } = ask(route, { ...first, messages: [...first.messages, choice?.message as JsonObject, ...results] });
    expect(sent.input).toMatchObject(replayed);
    expect(told).toEqual([]);
  });
});

describe("a Responses client with a vendor that speaks Chat Completions", () => {
  test("a running tool loop is one turn of calls and its results", () => {
    const route: Route = { client: responses, provider: chatCompletions, origin: "groq/m" };
    const body: JsonObject = {
      model: "m",
      input: [{ role: "user", content: "Go" }],
      tools: [
        { type: "custom", name: "patch" },
        { type: "function", name: "look", strict: false },
      ],
      include: ["reasoning.encrypted_content"],
    };
    const reply = answer(
      route,
      body,
      [
        { type: "reasoning", text: "Hm." },
        { type: "text", text: "A" },
        { type: "tool-call", id: "c1", name: "look", kind: "function", arguments: "{}" },
        { type: "tool-call", id: "c2", name: "patch", kind: "custom", arguments: "x" },
      ],
      "hg_1",
    );
    const input = [
      { role: "user", content: "Go" },
      ...(reply.output as JsonObject[]),
      { type: "function_call_output", call_id: "c1", output: "1" },
      { type: "custom_tool_call_output", call_id: "c2", output: "2" },
    ];
    const { sent } = ask(route, { ...body, input });
    expect(sent.messages).toMatchObject([
      { role: "user", content: "Go" },
      {
        role: "assistant",
        content: "A",
        tool_calls: [
          { id: "c1", type: "function" },
          { id: "c2", type: "custom", custom: { name: "patch", input: "x" } },
        ],
      },
      { role: "tool", tool_call_id: "c1", content: "1" },
      { role: "tool", tool_call_id: "c2", content: "2" },
    ]);
  });
});

describe("OpenAI's own client", () => {
  const content: AssistantPart[] = [
    { type: "reasoning", text: "Hm.\n\nSo." },
    { type: "text", text: "Hel" },
    { type: "text", text: "lo", citations: [{ url: "https://a", title: "A", raw: {}, format: "anthropic/messages" }] },
    { type: "tool-call", id: "c1", name: "look", kind: "function", arguments: '{"a":1}' },
    { type: "tool-call", id: "c2", name: "freeform", kind: "custom", arguments: "x" },
    { type: "vendor", format: "anthropic/messages", value: { type: "server_tool_use" } },
    { type: "media", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
  ];
  const context: ReplyContext = {
    callId: "hg_1",
    created: 1,
    model: "m",
    includeUsage: true,
    origin: "v/m",
    customTools: new Set(),
    body: { model: "m", input: "x" },
  };

  /** A client whose requests are all answered with this stream. */
  function clientOf(text: string): OpenAI {
    return new OpenAI({
      apiKey: "k",
      baseURL: "http://gateway/v1",
      maxRetries: 0,
      fetch: async () => new Response(text, { headers: { "content-type": "text/event-stream" } }),
    });
  }

  test("makes the same response of the stream as stands in its last event", async () => {
    const reply: ChatReply = {
      id: "x",
      model: "m",
      choices: [{ content, finish: { reason: "tool-calls" } }],
      usage: { input: 1, output: 2 },
    };
    const encoder = responses.client.encodeEvents(context);
    const text = unfold(reply)
      .map((event) => encoder.push(event))
      .join("");
    const final = await clientOf(text).responses.stream({ model: "m", input: "x" }).finalResponse();
    const expected = responses.client.encodeReply(reply, context);
    expect(final.output_text).toBe("Hello");
    expect(final.output.map(({ type }) => type)).toEqual((expected.output as JsonObject[]).map(({ type }) => type));
    expect(final.usage).toEqual(expected.usage);
    expect(final.status).toBe("completed");
  });

  test("throws what the gateway says when the stream fails", async () => {
    const encoder = responses.client.encodeEvents(context);
    const begun: ChatEvent[] = [{ type: "start" }, { type: "error", error: new GatewayError("provider_overloaded", "Too busy.") }];
    const text = begun.map((event) => encoder.push(event)).join("");
    await expect(clientOf(text).responses.stream({ model: "m", input: "x" }).finalResponse()).rejects.toThrow(/Too busy/);
    const alone = responses.client.encodeStreamError(new GatewayError("provider_overloaded", "Too busy."), "hg_1");
    await expect(clientOf(alone).responses.stream({ model: "m", input: "x" }).finalResponse()).rejects.toThrow(/Too busy/);
  });
});
