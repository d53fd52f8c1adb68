import { codecContract } from "../codec.contract.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { chatCompletions } from "./chat-completions.ts";

const pixel = "data:image/png;base64,iVBORw0KGgo=";

codecContract(chatCompletions, {
  requests: {
    "one question": { model: "gpt-x", messages: [{ role: "user", content: "Hello" }] },
    "every field": {
      model: "gpt-x",
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "developer",
          content: [
            { type: "text", text: "One." },
            { type: "text", text: "Two." },
          ],
          name: "boss",
        },
        { role: "user", content: "Hello", name: "ann" },
      ],
      frequency_penalty: 0.5,
      logit_bias: { "50256": -100 },
      logprobs: true,
      top_logprobs: 3,
      max_completion_tokens: 100,
      metadata: { team: "blue" },
      modalities: ["text", "audio"],
      audio: { voice: "alloy", format: "wav" },
      moderation: { model: "omni", policy: {} },
      n: 2,
      parallel_tool_calls: false,
      prediction: { type: "content", content: "x" },
      presence_penalty: -0.5,
      prompt_cache_key: "k",
      prompt_cache_options: { mode: "explicit" },
      prompt_cache_retention: "24h",
      reasoning_effort: "low",
      response_format: { type: "json_schema", json_schema: { name: "reply", description: "d", schema: { type: "object" }, strict: true } },
      safety_identifier: "who",
      user: "bucket",
      seed: 7,
      service_tier: "flex",
      stop: ["END"],
      store: true,
      stream: true,
      stream_options: { include_usage: true, include_obfuscation: false },
      temperature: 0.1,
      top_p: 0.9,
      tool_choice: "auto",
      tools: [
        { type: "function", function: { name: "look", description: "d", parameters: { type: "object", properties: {} }, strict: true } },
        {
          type: "custom",
          custom: { name: "freeform", description: "d", format: { type: "grammar", grammar: { definition: "x", syntax: "lark" } } },
        },
      ],
      verbosity: "low",
      web_search_options: {},
      vendor_field: { kept: [1] },
    },
    "media of every kind": {
      model: "gpt-x",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "Look", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } },
            { type: "image_url", image_url: { url: pixel, detail: "low" } },
            { type: "image_url", image_url: { url: "https://example.org/a.png" } },
            { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } },
            { type: "input_audio", input_audio: { data: "SUQz", format: "mp3" } },
            { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" } },
            { type: "file", file: { file_id: "file-1" } },
            { type: "video_url", video_url: { url: "https://example.org/a.mp4" } },
          ],
        },
      ],
    },
    "calls and their results": {
      model: "gpt-x",
      tools: [
        { type: "function", function: { name: "look" } },
        { type: "custom", custom: { name: "freeform" } },
      ],
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "look" } }] },
      },
      messages: [
        { role: "user", content: "Go" },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "c1", type: "function", function: { name: "look", arguments: '{"at":9007199254740993}' } },
            { id: "c2", type: "custom", custom: { name: "freeform", input: "x = 1" } },
          ],
        },
        { role: "tool", tool_call_id: "c1", content: "seen" },
        { role: "tool", tool_call_id: "c2", content: "" },
        { role: "assistant", content: "Done", refusal: "But no more." },
        { role: "user", content: "" },
      ],
    },
    "a call with Google's signature": {
      model: "gpt-x",
      messages: [
        { role: "user", content: "Go" },
        {
          role: "assistant",
          content: "",
          tool_calls: [
            {
              id: "c1",
              type: "function",
              function: { name: "look", arguments: "{}" },
              extra_content: { google: { thought_signature: "c2ln" } },
            },
          ],
        },
        { role: "tool", tool_call_id: "c1", content: "seen" },
      ],
    },
  },
  replies: {
    "text, with usage": {
      id: "chatcmpl-1",
      model: "m-1",
      created: 5,
      choices: [{ content: [{ type: "text", text: "Grüße, 世界 👋🏽" }], finish: { reason: "stop", raw: "stop" } }],
      usage: { input: 10, output: 5, cacheRead: 4, reasoning: 2 },
    },
    "reasoning with state, and parallel calls": {
      id: "chatcmpl-2",
      model: "m-1",
      choices: [
        {
          content: [
            { type: "reasoning", text: "First I look.", state: { format: "anthropic/messages", kind: "signature", data: "c2ln" } },
            { type: "reasoning", text: "", state: { format: "anthropic/messages", kind: "redacted", data: "aGlkZGVu" } },
            { type: "text", text: "Looking." },
            {
              type: "tool-call",
              id: "c1",
              name: "look",
              kind: "function",
              arguments: '{"at":"a"}',
              state: { format: "google/gemini", kind: "signature", data: "Zw==" },
            },
            { type: "tool-call", id: "c2", name: "look", kind: "function", arguments: "{}" },
          ],
          finish: { reason: "tool-calls", raw: "tool_use" },
        },
      ],
      usage: { input: 1, output: 2 },
    },
    "thinking between the words": {
      id: "chatcmpl-3",
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
    "two choices, one refused": {
      id: "chatcmpl-4",
      model: "m-1",
      choices: [
        {
          content: [{ type: "text", text: "A" }],
          finish: { reason: "length" },
          logprobs: { content: [{ token: "A", logprob: -0.1, bytes: null, top_logprobs: [] }], refusal: null },
        },
        { content: [{ type: "refusal", text: "I will not." }], finish: { reason: "refusal" } },
      ],
    },
    "sound and an image": {
      id: "chatcmpl-5",
      model: "m-1",
      choices: [
        {
          content: [
            { type: "media", source: { kind: "base64", mediaType: "image/png", data: "iVBORw0KGgo=" } },
            { type: "media", source: { kind: "base64", mediaType: "audio/wav", data: "UklGRg==" }, id: "audio_1", transcript: "Hi" },
          ],
          finish: { reason: "stop" },
        },
      ],
    },
    "nothing but an end": {
      id: "chatcmpl-6",
      model: "m-1",
      choices: [{ content: [], finish: { reason: "stop-sequence", stopSequence: "END" } }],
    },
  },
  history: (reply) => {
    const [choice] = reply["choices"] as JsonObject[];
    return {
      model: "gpt-x",
      messages: [{ role: "user", content: "Hi" }, choice?.["message"] ?? null, { role: "user", content: "More" }],
    };
  },
  cannot: { "any-order": "text is one string and calls are one list: words after a call move before it" },
});
