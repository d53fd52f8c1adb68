import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../canonical/json.ts";
import { decode } from "./samples.ts";
import { mint } from "./state.ts";

function blocks(...content: JsonObject[]): JsonObject {
  return { messages: [{ role: "user", content }] };
}

describe("a request in Anthropic's words", () => {
  test("the plainest one", () => {
    expect(decode({})).toEqual({
      model: "claude-x",
      messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
      maxOutputTokens: 100,
      stream: false,
      includeUsage: true,
    });
  });

  test("system text and blocks keep their boundaries and cache marks", () => {
    expect(decode({ system: "be kind" }).messages[0]).toEqual({ role: "system", content: [{ type: "text", text: "be kind" }] });
    const system = [
      { type: "text", text: "a" },
      { type: "text", text: "b", cache_control: { type: "ephemeral", ttl: "1h" } },
    ];
    expect(decode({ system }).messages[0]).toEqual({
      role: "system",
      content: [
        { type: "text", text: "a" },
        { type: "text", text: "b", cache: { ttl: "1h" } },
      ],
    });
  });

  test("a system message in the conversation stays where it stands", () => {
    const request = decode({
      messages: [
        { role: "user", content: "a" },
        { role: "system", content: "now in French", clear_at: "next_user_message" },
        { role: "assistant", content: "oui" },
      ],
    });
    expect(request.messages[1]).toEqual({
      role: "system",
      content: [{ type: "text", text: "now in French" }],
      extra: { format: "anthropic/messages", fields: { clear_at: "next_user_message" } },
    });
  });

  test("tool results become a tool message, the rest of the turn a user message after it", () => {
    const request = decode({
      messages: [
        { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "look", input: { at: "x" } }] },
        {
          role: "user",
          content: [
            { type: "text", text: "and then?" },
            {
              type: "tool_result",
              tool_use_id: "toolu_1",
              is_error: true,
              content: [
                { type: "text", text: "gone" },
                { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } },
              ],
            },
          ],
        },
      ],
    });
    expect(request.messages).toEqual([
      { role: "assistant", content: [{ type: "tool-call", id: "toolu_1", name: "look", kind: "function", arguments: '{"at":"x"}' }] },
      {
        role: "tool",
        content: [
          {
            type: "tool-result",
            callId: "toolu_1",
            name: "look",
            kind: "function",
            isError: true,
            content: [
              { type: "text", text: "gone" },
              { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AA==" } },
            ],
          },
        ],
      },
      { role: "user", content: [{ type: "text", text: "and then?" }] },
    ]);
  });

  test("documents of all kinds", () => {
    const [message] = decode(
      blocks(
        {
          type: "document",
          source: { type: "base64", media_type: "application/pdf", data: "AA==" },
          title: "t",
          context: "c",
          citations: { enabled: true },
        },
        { type: "document", source: { type: "text", media_type: "text/plain", data: "words" } },
        { type: "document", source: { type: "url", url: "https://a/b.pdf" } },
        { type: "document", source: { type: "file", file_id: "file_1" } },
        {
          type: "document",
          source: {
            type: "content",
            content: [
              { type: "text", text: "a" },
              { type: "text", text: "b" },
            ],
          },
        },
        {
          type: "search_result",
          title: "t",
          source: "https://a",
          content: [{ type: "text", text: "found" }],
          citations: { enabled: true },
        },
      ),
    ).messages;
    expect(message?.content).toMatchObject([
      { type: "file", source: { kind: "base64", mediaType: "application/pdf" }, filename: "t", context: "c", citations: true },
      { type: "file", source: { kind: "text", text: "words" } },
      { type: "file", source: { kind: "url", url: "https://a/b.pdf" } },
      { type: "file", source: { kind: "id", id: "file_1", format: "anthropic/messages" } },
      { type: "file", source: { kind: "text", text: "a\n\nb" } },
      { type: "file", source: { kind: "text", text: "found" }, filename: "t", context: "https://a", citations: true },
    ]);
  });

  test("thinking keeps its signature, also without text, and redacted thinking its data", () => {
    const request = decode({
      messages: [
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "", signature: "sig" },
            { type: "text", text: "a" },
            { type: "redacted_thinking", data: "xyz" },
          ],
        },
        { role: "user", content: "go on" },
      ],
    });
    expect(request.messages[0]?.content).toEqual([
      { type: "reasoning", text: "", state: { format: "anthropic/messages", kind: "signature", data: "sig" } },
      { type: "text", text: "a" },
      { type: "reasoning", text: "", state: { format: "anthropic/messages", kind: "redacted", data: "xyz" } },
    ]);
  });

  test("state that the gateway minted for another vendor comes back as that vendor's", () => {
    const state = { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1", origin: "openai/gpt-6-astra" } as const;
    const call = { format: "google/generate-content", kind: "signature", data: "Eq", origin: "gemini/g" } as const;
    const request = decode({
      messages: [
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: mint({ state }) },
            { type: "thinking", thinking: "ho", signature: mint({ origin: "deepseek/r" }) },
            { type: "tool_use", id: "hgid-a-2e-b", name: "look", input: {} },
            { type: "thinking", thinking: "", signature: mint({ state: call, on: "tool-call" }) },
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "hgid-a-2e-b" }] },
      ],
    });
    expect(request.messages).toMatchObject([
      {
        content: [
          { type: "reasoning", text: "hm", state },
          { type: "reasoning", text: "ho" },
          { type: "tool-call", id: "a.b", state: call },
        ],
      },
      { content: [{ type: "tool-result", callId: "a.b", content: [] }] },
    ]);
  });

  test("blocks that only this format knows travel whole", () => {
    const use = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } };
    const result = { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [] };
    const upload = { type: "container_upload", file_id: "f" };
    const request = decode({
      messages: [
        { role: "user", content: [upload] },
        { role: "assistant", content: [use, result] },
      ],
    });
    expect(request.messages.map((message) => message.content)).toEqual([
      [{ type: "vendor", format: "anthropic/messages", value: upload }],
      [
        { type: "vendor", format: "anthropic/messages", value: use },
        { type: "vendor", format: "anthropic/messages", value: result },
      ],
    ]);
  });

  test("tools: custom ones, dated ones, and the fields that only this format has", () => {
    const schema = { type: "object", properties: {} };
    const search = { type: "web_search_20260318", name: "web_search", max_uses: 3 };
    const request = decode({
      tools: [
        { name: "look", description: "d", input_schema: schema, strict: true, cache_control: { type: "ephemeral" }, defer_loading: true },
        { ...search, cache_control: { type: "ephemeral" } },
      ],
      tool_choice: { type: "any", disable_parallel_tool_use: true },
    });
    expect(request.tools).toEqual([
      {
        name: "look",
        description: "d",
        kind: "function",
        parameters: schema,
        strict: true,
        cache: {},
        extra: { format: "anthropic/messages", fields: { defer_loading: true } },
      },
      { name: "web_search", kind: "vendor", cache: {}, extra: { format: "anthropic/messages", fields: search } },
    ]);
    expect(request.toolChoice).toEqual({ type: "required" });
    expect(request.parallelToolCalls).toBe(false);
  });

  test.each<[JsonObject, JsonObject]>([
    [{ thinking: { type: "enabled", budget_tokens: 2000, display: "omitted" } }, { budgetTokens: 2000, summary: "omitted" }],
    [
      { thinking: { type: "adaptive" }, output_config: { effort: "xhigh" } },
      { adaptive: true, effort: "xhigh" },
    ],
    [{ thinking: { type: "disabled" } }, { effort: "none" }],
    [{ output_config: { effort: "low" } }, { effort: "low", adaptive: false }],
    [{ thinking: { type: "between_tools" } }, { extra: { format: "anthropic/messages", fields: { type: "between_tools" } } }],
  ])("reasoning: %j", (fields, expected) => {
    expect(decode(fields).reasoning).toEqual(expected);
  });

  test("every other field is canonical or waits in the pocket; `headgate` is neither", () => {
    const request = decode({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      stop_sequences: ["END"],
      stream: true,
      metadata: { user_id: "u" },
      service_tier: "standard_only",
      cache_control: { type: "ephemeral" },
      output_config: { format: { type: "json_schema", schema: { type: "object" } }, task_budget: { total: 5 } },
      container: { id: "c" },
      mcp_servers: [{ name: "m" }],
      context_management: { edits: [] },
      speed: "fast",
      brand_new: 1,
      headgate: { tags: ["a"] },
    });
    expect(request).toMatchObject({
      temperature: 0.5,
      topP: 0.9,
      topK: 5,
      stop: ["END"],
      stream: true,
      endUser: "u",
      serviceTier: "standard_only",
      cache: {},
      output: { type: "json-schema", schema: { type: "object" } },
    });
    expect(request.extra).toEqual({
      format: "anthropic/messages",
      fields: {
        container: { id: "c" },
        mcp_servers: [{ name: "m" }],
        context_management: { edits: [] },
        speed: "fast",
        brand_new: 1,
        output_config: { task_budget: { total: 5 } },
      },
    });
  });

  test("version 2026-10-21 refuses sampling, documents by the assistant and citations by the user", () => {
    for (const field of ["temperature", "top_p", "top_k"]) {
      expect(() => decode({ [field]: 1 }, "2026-10-21")).toThrow(`${field}: is not part of anthropic-version 2026-10-21`);
      expect(() => decode({ [field]: 1 }, "2023-06-01")).not.toThrow();
    }
    const document = { type: "document", source: { type: "text", media_type: "text/plain", data: "a" } };
    expect(() => decode({ messages: [{ role: "assistant", content: [document] }] }, "2026-10-21")).toThrow("messages[0].content[0]");
    expect(() => decode(blocks({ type: "text", text: "a", citations: [{ type: "char_location" }] }), "2026-10-21")).toThrow("citations");
  });
});
