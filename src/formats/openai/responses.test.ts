import type { JsonObject } from "../../canonical/json.ts";
import { codecContract } from "../codec.contract.ts";
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
        { type: "message", role: "developer", content: [{ type: "input_text", text: "One." }, { type: "input_text", text: "Two." }] },
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
      text: { format: { type: "json_schema", name: "reply", description: "d", schema: { type: "object" }, strict: true }, verbosity: "low", stop_early: true },
      tool_choice: "auto",
      tools: [
        { type: "function", name: "look", description: "d", parameters: { type: "object", properties: {} }, strict: false, defer_loading: true },
        { type: "function", name: "closed", parameters: { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false } },
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
      tools: [{ type: "function", name: "look", parameters: { type: "object", properties: {} }, strict: false }, { type: "custom", name: "freeform" }],
      tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "look" }] },
      input: [
        { type: "message", role: "user", content: [{ type: "input_text", text: "Go" }] },
        { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "First." }, { type: "summary_text", text: "Then." }], encrypted_content: "gAAA" },
        { type: "message", id: "msg_1", role: "assistant", status: "completed", phase: "commentary", content: [{ type: "output_text", text: "Looking.", annotations: [] }] },
        { type: "function_call", id: "fc_1", call_id: "c1", name: "look", arguments: '{"at":9007199254740993}', namespace: "eyes" },
        { type: "custom_tool_call", call_id: "c2", name: "freeform", input: "x = 1" },
        { type: "function_call_output", call_id: "c1", output: [{ type: "input_text", text: "seen" }, { type: "input_image", image_url: pixel }] },
        { type: "custom_tool_call_output", call_id: "c2", output: "" },
        { type: "reasoning", summary: [], encrypted_content: "gBBB" },
        {
          type: "message",
          role: "assistant",
          content: [
            { type: "output_text", text: "Done", annotations: [{ type: "url_citation", url: "https://example.org", title: "t", start_index: 0, end_index: 4 }] },
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
            { type: "tool-call", id: "c1", name: "look", kind: "function", arguments: '{"at":"a"}', state: { format: "google/gemini", kind: "signature", data: "Zw==" } },
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
              state: { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1", item: { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "One." }, { type: "summary_text", text: "Two." }] } },
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
      choices: [{ content: [{ type: "text", text: "A" }, { type: "refusal", text: "I will not." }], finish: { reason: "refusal" } }],
    },
    "log probabilities, cut short": {
      id: "resp_8",
      model: "m-1",
      choices: [
        {
          content: [{ type: "reasoning", text: "Hm." }, { type: "text", text: "A" }],
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
            { type: "vendor", format: "openai/responses", value: { id: "ws_1", type: "web_search_call", status: "completed", action: { type: "search", query: "q" } } },
            { type: "media", source: { kind: "base64", mediaType: "image/webp", data: "iVBORw0KGgo=" }, id: "ig_hg_contract_1" },
            { type: "text", text: "There." },
          ],
          finish: { reason: "stop" },
        },
      ],
    },
    "nothing but an end": { id: "resp_7", model: "m-1", choices: [{ content: [], finish: { reason: "stop-sequence", stopSequence: "END" } }] },
  },
  history: (reply) => ({
    model: "gpt-x",
    input: [{ role: "user", content: "Hi" }, ...(reply.output as JsonObject[]), { role: "user", content: "More" }],
  }),
  cannot: { choices: "a response is one answer" },
  finishes: { "malformed-call": { as: "error", because: "completed would have the client take a broken call for an answer" } },
  ids: ["resp_1", "resp_abc"],
});
