/** The types of the request's fields, with the path of the first wrong one. Fields, blocks and tools that are new to us pass. */

import { invalidField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

/** Throws `invalid_request`; once it has returned, the body is a `WireRequest`. */
export function check(body: JsonObject): void {
  text(body.model, "model");
  if (body.model === "") throw invalidField("model", "must not be empty");
  count(body.max_tokens, "max_tokens");
  checkMessages(body.messages);
  if (given(body.system) && typeof body.system !== "string") each(body.system, "system", checkTextBlock);
  optional(body.stop_sequences, "stop_sequences", (value, at) => each(value, at, text));
  optional(body.stream, "stream", flag);
  optional(body.temperature, "temperature", number);
  optional(body.top_p, "top_p", number);
  optional(body.top_k, "top_k", count);
  optional(body.thinking, "thinking", checkThinking);
  optional(body.output_config, "output_config", checkOutputConfig);
  optional(body.tools, "tools", (value, at) => each(value, at, checkTool));
  optional(body.tool_choice, "tool_choice", checkToolChoice);
  optional(body.metadata, "metadata", (value, at) => optional(object(value, at).user_id, `${at}.user_id`, text));
  optional(body.service_tier, "service_tier", text);
  optional(body.cache_control, "cache_control", checkCache);
}

function checkMessages(messages: Json | undefined): void {
  if (!Array.isArray(messages)) throw invalidField("messages", "must be a list of messages");
  if (messages.length === 0) throw invalidField("messages", "must hold at least one message");
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index];
    const at = `messages[${index}]`;
    if (!isObject(message)) throw invalidField(at, "must be an object");
    const { role, content } = message;
    if (role !== "user" && role !== "assistant" && role !== "system") {
      throw invalidField(`${at}.role`, "must be `user`, `assistant` or `system`");
    }
    if (typeof content === "string") continue;
    if (!Array.isArray(content)) throw invalidField(`${at}.content`, "must be a string or a list of content blocks");
    for (let block = 0; block < content.length; block++) checkBlock(content[block], `${at}.content[${block}]`);
  }
}

function checkBlock(value: Json | undefined, at: string): void {
  const block = object(value, at);
  switch (block.type) {
    case "text":
      text(block.text, `${at}.text`);
      optional(block.citations, `${at}.citations`, (list, where) => each(list, where, object));
      break;
    case "image":
      checkSource(block.source, `${at}.source`, imageSources);
      break;
    case "document":
      checkSource(block.source, `${at}.source`, documentSources);
      optional(block.title, `${at}.title`, text);
      optional(block.context, `${at}.context`, text);
      optional(block.citations, `${at}.citations`, object);
      break;
    case "search_result":
      text(block.title, `${at}.title`);
      text(block.source, `${at}.source`);
      each(block.content, `${at}.content`, checkTextBlock);
      optional(block.citations, `${at}.citations`, object);
      break;
    case "tool_use":
      text(block.id, `${at}.id`);
      text(block.name, `${at}.name`);
      object(block.input, `${at}.input`);
      break;
    case "tool_result":
      text(block.tool_use_id, `${at}.tool_use_id`);
      optional(block.is_error, `${at}.is_error`, flag);
      if (given(block.content) && typeof block.content !== "string") each(block.content, `${at}.content`, checkBlock);
      break;
    case "thinking":
      text(block.thinking, `${at}.thinking`);
      optional(block.signature, `${at}.signature`, text);
      break;
    case "redacted_thinking":
      text(block.data, `${at}.data`);
      break;
    default:
      text(block.type, `${at}.type`);
      return;
  }
  optional(block.cache_control, `${at}.cache_control`, checkCache);
}

function checkTextBlock(value: Json | undefined, at: string): void {
  if (object(value, at).type !== "text") throw invalidField(`${at}.type`, "must be `text`");
  checkBlock(value, at);
}

const imageSources = ["base64", "url", "file"];
const documentSources = ["base64", "text", "content", "url", "file"];

function checkSource(value: Json | undefined, at: string, kinds: readonly string[]): void {
  const source = object(value, at);
  if (typeof source.type !== "string" || !kinds.includes(source.type)) {
    throw invalidField(`${at}.type`, `must be one of ${kinds.join(", ")}`);
  }
  switch (source.type) {
    case "base64":
      text(source.media_type, `${at}.media_type`);
      text(source.data, `${at}.data`);
      return;
    case "text":
      text(source.data, `${at}.data`);
      return;
    case "url":
      text(source.url, `${at}.url`);
      // The vendor fetches it: nothing but the web is a place to send it.
      if (!/^https?:\/\//i.test(String(source.url))) throw invalidField(`${at}.url`, "must be an https: or http: URL");
      return;
    case "file":
      text(source.file_id, `${at}.file_id`);
      return;
    case "content":
      if (typeof source.content !== "string") each(source.content, `${at}.content`, checkBlock);
      return;
  }
}

function checkTool(value: Json | undefined, at: string): void {
  const tool = object(value, at);
  optional(tool.type, `${at}.type`, text);
  optional(tool.cache_control, `${at}.cache_control`, checkCache);
  if (given(tool.type) && tool.type !== "custom") return;
  text(tool.name, `${at}.name`);
  if (tool.name === "") throw invalidField(`${at}.name`, "must not be empty");
  optional(tool.description, `${at}.description`, text);
  object(tool.input_schema, `${at}.input_schema`);
  optional(tool.strict, `${at}.strict`, flag);
}

function checkToolChoice(value: Json | undefined, at: string): void {
  const choice = object(value, at);
  const { type } = choice;
  if (type !== "auto" && type !== "any" && type !== "none" && type !== "tool") {
    throw invalidField(`${at}.type`, "must be `auto`, `any`, `tool` or `none`");
  }
  if (type === "tool") text(choice.name, `${at}.name`);
  optional(choice.disable_parallel_tool_use, `${at}.disable_parallel_tool_use`, flag);
}

function checkThinking(value: Json | undefined, at: string): void {
  const thinking = object(value, at);
  text(thinking.type, `${at}.type`);
  if (thinking.type === "enabled") count(thinking.budget_tokens, `${at}.budget_tokens`);
  optional(thinking.display, `${at}.display`, text);
}

function checkOutputConfig(value: Json | undefined, at: string): void {
  const config = object(value, at);
  optional(config.effort, `${at}.effort`, text);
  optional(config.format, `${at}.format`, (given, where) => {
    const output = object(given, where);
    text(output.type, `${where}.type`);
    if (output.type === "json_schema") object(output.schema, `${where}.schema`);
  });
}

function checkCache(value: Json | undefined, at: string): void {
  const mark = object(value, at);
  text(mark.type, `${at}.type`);
  optional(mark.ttl, `${at}.ttl`, text);
}

// ── single values ────────────────────────────────────────────────────────────────────────────────────────────

/** The vendor's own clients send `null` for what is not set. */
function given(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}

function optional(value: Json | undefined, at: string, rule: (value: Json | undefined, at: string) => void): void {
  if (given(value)) rule(value, at);
}

function each(value: Json | undefined, at: string, rule: (value: Json | undefined, at: string) => void): void {
  if (!Array.isArray(value)) throw invalidField(at, "must be a list");
  for (let index = 0; index < value.length; index++) rule(value[index], `${at}[${index}]`);
}

function object(value: Json | undefined, at: string): JsonObject {
  if (!isObject(value)) throw invalidField(at, "must be an object");
  return value;
}

function text(value: Json | undefined, at: string): void {
  if (typeof value !== "string") throw invalidField(at, value === undefined ? "is required and must be a string" : "must be a string");
}

function flag(value: Json | undefined, at: string): void {
  if (typeof value !== "boolean") throw invalidField(at, "must be true or false");
}

function number(value: Json | undefined, at: string): void {
  if (typeof value !== "number" || !Number.isFinite(value)) throw invalidField(at, "must be a number");
}

function count(value: Json | undefined, at: string): void {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw invalidField(at, value === undefined ? "is required and must be a whole number" : "must be a whole number, 0 or more");
  }
}
