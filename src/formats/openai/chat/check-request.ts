/** The types of a request's fields, checked without decoding: cheap enough for bodies that only pass through. */

import { invalidField } from "../../../canonical/errors.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

type Check = (value: Json, at: string) => void;

/** Every documented field, and what compatible vendors have added that we read. Null stands for an absent field. */
const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["audio", object],
  ["frequency_penalty", number],
  ["function_call", stringOr(object, "a string or an object")],
  ["functions", listOf(named)],
  ["logit_bias", object],
  ["logprobs", boolean],
  ["top_logprobs", integer],
  ["max_completion_tokens", integer],
  ["max_tokens", integer],
  ["metadata", object],
  ["modalities", listOf(string)],
  ["moderation", object],
  ["n", integer],
  ["parallel_tool_calls", boolean],
  ["prediction", object],
  ["presence_penalty", number],
  ["prompt_cache_key", string],
  ["prompt_cache_options", object],
  ["prompt_cache_retention", string],
  ["reasoning", object],
  ["reasoning_effort", string],
  ["response_format", typed],
  ["safety_identifier", string],
  ["seed", integer],
  ["service_tier", string],
  ["stop", stringOr(listOf(string), "a string or a list of strings")],
  ["store", boolean],
  ["stream", boolean],
  ["stream_options", streamOptions],
  ["temperature", number],
  ["tool_choice", stringOr(typed, "a string or an object")],
  ["tools", listOf(tool)],
  ["top_k", integer],
  ["top_p", number],
  ["user", string],
  ["verbosity", string],
  ["web_search_options", object],
]);

export function checkRequest(body: JsonObject): void {
  filled(body["model"], "model");
  messages(body["messages"], "messages");
  for (const field in body) {
    const value = body[field];
    if (value !== null && value !== undefined) checks.get(field)?.(value, field);
  }
}

function filled(value: unknown, at: string): void {
  if (typeof value !== "string" || value === "") throw invalidField(at, "must be a non-empty string.");
}

function string(value: unknown, at: string): void {
  if (typeof value !== "string") throw invalidField(at, "must be a string.");
}

function boolean(value: unknown, at: string): void {
  if (typeof value !== "boolean") throw invalidField(at, "must be true or false.");
}

function number(value: unknown, at: string): void {
  if (typeof value !== "number") throw invalidField(at, "must be a number.");
}

function integer(value: unknown, at: string): void {
  if (typeof value !== "number" || !Number.isInteger(value)) throw invalidField(at, "must be an integer.");
}

function object(value: unknown, at: string): void {
  if (!isObject(value)) throw invalidField(at, "must be an object.");
}

function typed(value: unknown, at: string): void {
  object(value, at);
  filled((value as JsonObject)["type"], `${at}.type`);
}

function named(value: unknown, at: string): void {
  object(value, at);
  filled((value as JsonObject)["name"], `${at}.name`);
}

function listOf(check: Check): Check {
  return (value, at) => {
    if (!Array.isArray(value)) throw invalidField(at, "must be a list.");
    value.forEach((entry, index) => check(entry, `${at}[${index}]`));
  };
}

function stringOr(other: Check, expectation: string): Check {
  return (value, at) => {
    if (typeof value === "string") return;
    if (typeof value !== "object") throw invalidField(at, `must be ${expectation}.`);
    other(value, at);
  };
}

function streamOptions(value: unknown, at: string): void {
  object(value, at);
  const asked = (value as JsonObject)["include_usage"];
  if (asked !== undefined && asked !== null) boolean(asked, `${at}.include_usage`);
}

function tool(value: unknown, at: string): void {
  typed(value, at);
  const { type, ...definition } = value as JsonObject;
  if (type !== "function" && type !== "custom") return;
  const inner = definition[type];
  named(inner, `${at}.${type}`);
  const { description, parameters } = inner as JsonObject;
  if (description !== undefined && description !== null) string(description, `${at}.${type}.description`);
  if (parameters !== undefined && parameters !== null) object(parameters, `${at}.${type}.parameters`);
}

// ── messages: paths are only put together for a complaint ────────────────────────────────────────────────────

function messages(value: unknown, at: string): void {
  if (!Array.isArray(value) || value.length === 0) throw invalidField(at, "must be a non-empty list of messages.");
  for (let index = 0; index < value.length; index++) message(value[index], index);
}

function message(value: unknown, index: number): void {
  if (!isObject(value)) throw invalidField(`messages[${index}]`, "must be an object.");
  const { role, content } = value;
  if (typeof role !== "string") throw invalidField(`messages[${index}].role`, "must be a string.");
  if (Array.isArray(content)) {
    for (let at = 0; at < content.length; at++) part(content[at], index, at);
  } else if (content === undefined || content === null) {
    if (role !== "assistant" && role !== "function")
      throw invalidField(`messages[${index}].content`, "must be a string or a list of parts.");
  } else if (typeof content !== "string") {
    throw invalidField(`messages[${index}].content`, "must be a string or a list of parts.");
  }
  if (role === "tool" && typeof value["tool_call_id"] !== "string")
    throw invalidField(`messages[${index}].tool_call_id`, "must be a string.");
  const calls = value["tool_calls"];
  if (calls !== undefined && calls !== null) toolCalls(calls, index);
}

function part(value: unknown, index: number, at: number): void {
  const path = (): string => `messages[${index}].content[${at}]`;
  if (!isObject(value)) throw invalidField(path(), "must be an object.");
  switch (asString(value["type"]) ?? "") {
    case "text":
      if (typeof value["text"] !== "string") throw invalidField(`${path()}.text`, "must be a string.");
      return;
    case "refusal":
      if (typeof value["refusal"] !== "string") throw invalidField(`${path()}.refusal`, "must be a string.");
      return;
    case "image_url":
      imageUrl(value["image_url"], path);
      return;
    case "input_audio": {
      const audio = value["input_audio"];
      if (!isObject(audio)) throw invalidField(`${path()}.input_audio`, "must be an object.");
      filled(audio["data"], `${path()}.input_audio.data`);
      filled(audio["format"], `${path()}.input_audio.format`);
      return;
    }
    case "file": {
      const file = value["file"];
      if (!isObject(file)) throw invalidField(`${path()}.file`, "must be an object.");
      for (const field of ["file_data", "file_id", "filename"]) {
        const given = file[field];
        if (given !== undefined && given !== null) string(given, `${path()}.file.${field}`);
      }
      return;
    }
    default:
      if (typeof value["type"] !== "string") throw invalidField(`${path()}.type`, "must be a string.");
  }
}

/** A server next door would open `file:` and its kind for the caller, so these never get past here. */
function imageUrl(value: unknown, path: () => string): void {
  // Mistral takes the URL as a bare string.
  const url = isObject(value) ? value["url"] : value;
  const at = `.image_url${isObject(value) ? ".url" : ""}`;
  if (typeof url !== "string") throw invalidField(path() + at, "must be a string.");
  if (!/^(?:https?:\/\/|data:)/i.test(url)) throw invalidField(path() + at, "must be an https:, http: or data: URL.");
}

function toolCalls(value: unknown, index: number): void {
  if (!Array.isArray(value)) throw invalidField(`messages[${index}].tool_calls`, "must be a list.");
  for (let at = 0; at < value.length; at++) {
    const call: unknown = value[at];
    const path = (): string => `messages[${index}].tool_calls[${at}]`;
    if (!isObject(call)) throw invalidField(path(), "must be an object.");
    if (typeof call["id"] !== "string") throw invalidField(`${path()}.id`, "must be a string.");
    if (call["type"] === "custom") {
      if (!isObject(call["custom"])) throw invalidField(`${path()}.custom`, "must be an object.");
    } else if (!isObject(call["function"])) {
      if (call["type"] === undefined || call["type"] === "function") throw invalidField(`${path()}.function`, "must be an object.");
      throw invalidField(`${path()}.type`, "must be function or custom.");
    }
  }
}
