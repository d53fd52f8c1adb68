import { describe, expect, test } from "vitest";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { check } from "./check.ts";

const good: JsonObject = { model: "claude-x", max_tokens: 100, messages: [{ role: "user", content: "hi" }] };

function fieldOf(body: JsonObject): string | undefined {
  try {
    check(body);
    return undefined;
  } catch (error) {
    if (!isGatewayError(error) || error.code !== "invalid_request") throw error;
    expect(error.message.startsWith(`${error.field}: `)).toBe(true);
    return error.field;
  }
}

function blockField(block: JsonObject): string | undefined {
  return fieldOf({ ...good, messages: [{ role: "user", content: [{ type: "text", text: "a" }, block] }] })?.replace(
    "messages[0].content[1]",
    "",
  );
}

describe("the types of a request's fields", () => {
  test.each<[string, JsonObject]>([
    ["model", { model: 3 }],
    ["model", { model: "" }],
    ["max_tokens", { max_tokens: undefined }],
    ["max_tokens", { max_tokens: "100" }],
    ["max_tokens", { max_tokens: 1.5 }],
    ["max_tokens", { max_tokens: -1 }],
    ["messages", { messages: undefined }],
    ["messages", { messages: {} }],
    ["messages", { messages: [] }],
    ["messages[0]", { messages: ["hi"] }],
    ["messages[0].role", { messages: [{ role: "tool", content: "x" }] }],
    ["messages[0].content", { messages: [{ role: "user" }] }],
    ["messages[0].content[0]", { messages: [{ role: "user", content: ["hi"] }] }],
    ["system", { system: 3 }],
    ["system[0].type", { system: [{ type: "image" }] }],
    ["stream", { stream: "true" }],
    ["temperature", { temperature: "0" }],
    ["top_p", { top_p: [] }],
    ["top_k", { top_k: 1.5 }],
    ["stop_sequences[0]", { stop_sequences: [1] }],
    ["thinking.type", { thinking: {} }],
    ["thinking.budget_tokens", { thinking: { type: "enabled" } }],
    ["output_config.effort", { output_config: { effort: 3 } }],
    ["output_config.format.schema", { output_config: { format: { type: "json_schema" } } }],
    ["tools", { tools: {} }],
    ["tools[0].input_schema", { tools: [{ name: "a" }] }],
    ["tools[0].name", { tools: [{ name: "", input_schema: {} }] }],
    ["tool_choice.type", { tool_choice: { type: "required" } }],
    ["tool_choice.name", { tool_choice: { type: "tool" } }],
    ["tool_choice.disable_parallel_tool_use", { tool_choice: { type: "auto", disable_parallel_tool_use: 1 } }],
    ["metadata.user_id", { metadata: { user_id: 7 } }],
    ["service_tier", { service_tier: 1 }],
    ["cache_control.type", { cache_control: {} }],
  ])("%s is named when it is wrong", (field, fields) => {
    expect(fieldOf({ ...good, ...fields })).toBe(field);
  });

  test.each<[string, JsonObject]>([
    [".type", { text: "a" }],
    [".text", { type: "text" }],
    [".cache_control.ttl", { type: "text", text: "a", cache_control: { type: "ephemeral", ttl: 5 } }],
    [".source", { type: "image" }],
    [".source.type", { type: "image", source: { type: "content", content: "a" } }],
    [".source.data", { type: "image", source: { type: "base64", media_type: "image/png" } }],
    [".source.url", { type: "document", source: { type: "url" } }],
    [".title", { type: "document", source: { type: "url", url: "https://a" }, title: 3 }],
    [".content", { type: "search_result", title: "a", source: "b" }],
    [".id", { type: "tool_use", name: "a", input: {} }],
    [".input", { type: "tool_use", id: "a", name: "a", input: "{}" }],
    [".tool_use_id", { type: "tool_result" }],
    [".content[0].text", { type: "tool_result", tool_use_id: "a", content: [{ type: "text" }] }],
    [".is_error", { type: "tool_result", tool_use_id: "a", is_error: "yes" }],
    [".thinking", { type: "thinking", signature: "a" }],
    [".data", { type: "redacted_thinking" }],
  ])("of a block, %s is named", (field, block) => {
    expect(blockField(block)).toBe(field);
  });

  test("null is absence; unknown fields, blocks and tools pass", () => {
    check({
      ...good,
      system: null,
      tools: [{ type: "web_search_20260318", name: "web_search" }],
      thinking: { type: "later" },
      brand_new: { a: 1 },
      messages: [{ role: "user", content: [{ type: "brand_new" }, { type: "text", text: "a", citations: null, cache_control: null }] }],
    });
  });

  test("a long wrong value is not echoed", () => {
    expect(() => check({ ...good, model: ["x".repeat(10_000)] })).toThrow(/^.{1,400}$/);
  });
});
