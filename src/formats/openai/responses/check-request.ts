/** The types of a request's fields, checked without decoding: cheap enough for bodies that only pass through. */

import { invalidField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

type Check = (value: Json, at: string) => void;

/** Every documented field. Null stands for an absent one. */
const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["access_programs", object],
  ["background", boolean],
  ["client_metadata", object],
  ["context_management", listOf(typed)],
  ["conversation", stringOr(object, "a string or an object")],
  ["frequency_penalty", number],
  ["image", object],
  ["include", listOf(string)],
  ["input", input],
  ["instructions", string],
  ["max_output_tokens", integer],
  ["max_tool_calls", integer],
  ["metadata", object],
  ["model", filled],
  ["moderation", object],
  ["parallel_tool_calls", boolean],
  ["presence_penalty", number],
  ["previous_response_id", string],
  ["prompt", object],
  ["prompt_cache_key", string],
  ["prompt_cache_options", object],
  ["prompt_cache_retention", string],
  ["reasoning", object],
  ["safety_identifier", string],
  ["seed", integer],
  ["service_tier", string],
  ["stop", stringOr(listOf(string), "a string or a list of strings")],
  ["store", boolean],
  ["stream", boolean],
  ["stream_options", object],
  ["temperature", number],
  ["text", object],
  ["tool_choice", stringOr(typed, "a string or an object")],
  ["tools", listOf(tool)],
  ["top_k", integer],
  ["top_logprobs", integer],
  ["top_p", number],
  ["truncation", string],
  ["user", string],
]);

export function checkRequest(body: JsonObject): void {
  filled(body.model, "model");
  for (const field in body) {
    const value = body[field];
    if (value !== null && value !== undefined) checks.get(field)?.(value, field);
  }
  const { input: given } = body;
  const empty = given === undefined || given === null || (Array.isArray(given) && given.length === 0);
  if (empty && !remembers(body)) throw invalidField("input", "must be a string or a non-empty list of items.");
}

/** The conversation may stand at the provider, and then there need not be anything new to say. */
function remembers(body: JsonObject): boolean {
  return ["previous_response_id", "conversation", "prompt"].some((field) => body[field] !== undefined && body[field] !== null);
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
  filled((value as JsonObject).type, `${at}.type`);
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

function optional(value: JsonObject, field: string, check: Check, at: string): void {
  const given = value[field];
  if (given !== undefined && given !== null) check(given, `${at}.${field}`);
}

function tool(value: unknown, at: string): void {
  typed(value, at);
  const definition = value as JsonObject;
  if (definition.type !== "function" && definition.type !== "custom") return;
  // The mistake of everybody who comes from Chat Completions.
  if (isObject(definition[definition.type]))
    throw invalidField(`${at}.${definition.type}`, "has no place here: name, description and parameters stand beside `type`.");
  filled(definition.name, `${at}.name`);
  optional(definition, "description", string, at);
  optional(definition, "parameters", object, at);
  optional(definition, "strict", boolean, at);
  if (definition.type === "custom") optional(definition, "format", typed, at);
}

// ── input: paths are only put together for a complaint ───────────────────────────────────────────────────────

function input(value: Json, at: string): void {
  if (typeof value === "string") return;
  if (!Array.isArray(value)) throw invalidField(at, "must be a string or a list of items.");
  for (let index = 0; index < value.length; index++) item(value[index], index);
}

function item(value: unknown, index: number): void {
  const path = (field = ""): string => `input[${index}]${field && `.${field}`}`;
  if (!isObject(value)) throw invalidField(path(), "must be an object.");
  const { type } = value;
  if (type !== undefined && type !== null && typeof type !== "string") throw invalidField(path("type"), "must be a string.");
  switch (type ?? "message") {
    case "message":
      if (typeof value.role !== "string") throw invalidField(path(type === "message" ? "role" : "type"), "must be a string.");
      content(value.content, path, "content");
      return;
    case "function_call":
      if (typeof value.call_id !== "string") throw invalidField(path("call_id"), "must be a string.");
      filled(value.name, path("name"));
      callArguments(value.arguments, path);
      return;
    case "custom_tool_call":
      if (typeof value.call_id !== "string") throw invalidField(path("call_id"), "must be a string.");
      filled(value.name, path("name"));
      if (typeof value.input !== "string") throw invalidField(path("input"), "must be a string.");
      return;
    case "function_call_output":
    case "custom_tool_call_output":
      if (typeof value.call_id !== "string") throw invalidField(path("call_id"), "must be a string.");
      // Early Codex sent `{content, success}` for calls that failed.
      if (!isObject(value.output)) content(value.output, path, "output");
      return;
    case "reasoning":
      texts(value.summary, path, "summary");
      texts(value.content, path, "content");
      if (value.encrypted_content !== undefined && value.encrypted_content !== null)
        string(value.encrypted_content, path("encrypted_content"));
      if (value.id !== undefined && value.id !== null) string(value.id, path("id"));
      return;
    default:
  }
}

/** Text, or its absence: clients of llama.cpp's kin send objects, and null for no arguments. */
function callArguments(value: Json | undefined, path: (field: string) => string): void {
  if (value === undefined || value === null || typeof value === "string" || isObject(value)) return;
  throw invalidField(path("arguments"), "must be a string of JSON.");
}

function texts(value: Json | undefined, path: (field: string) => string, field: string): void {
  if (value === undefined || value === null) return;
  if (!Array.isArray(value)) throw invalidField(path(field), "must be a list.");
  value.forEach((part, at) => {
    if (!isObject(part) || typeof part.text !== "string") throw invalidField(path(`${field}[${at}].text`), "must be a string.");
  });
}

function content(value: Json | undefined, path: (field: string) => string, field: string): void {
  if (typeof value === "string") return;
  if (!Array.isArray(value)) throw invalidField(path(field), "must be a string or a list of parts.");
  for (let at = 0; at < value.length; at++) part(value[at], () => path(`${field}[${at}]`));
}

function part(value: unknown, path: () => string): void {
  if (!isObject(value)) throw invalidField(path(), "must be an object.");
  switch (value.type) {
    case "input_text":
    case "output_text":
    case "text":
      if (typeof value.text !== "string") throw invalidField(`${path()}.text`, "must be a string.");
      return;
    case "refusal":
      if (typeof value.refusal !== "string") throw invalidField(`${path()}.refusal`, "must be a string.");
      return;
    case "input_image":
      source(value, "image_url", "file_id", path);
      url(value.image_url, "image_url", path);
      return;
    case "input_file":
      source(value, "file_data", "file_id", path, "file_url");
      optional(value, "filename", string, path());
      url(value.file_url, "file_url", path);
      return;
    case "input_audio": {
      const audio = value.input_audio;
      if (!isObject(audio)) throw invalidField(`${path()}.input_audio`, "must be an object.");
      filled(audio.data, `${path()}.input_audio.data`);
      filled(audio.format, `${path()}.input_audio.format`);
      return;
    }
    default:
      if (typeof value.type !== "string") throw invalidField(`${path()}.type`, "must be a string.");
  }
}

function source(value: JsonObject, first: string, second: string, path: () => string, third = first): void {
  let given = false;
  for (const field of new Set([first, second, third])) {
    if (value[field] === undefined || value[field] === null) continue;
    string(value[field], `${path()}.${field}`);
    given ||= value[field] !== "";
  }
  if (!given) throw invalidField(path(), `needs ${[...new Set([first, third, second])].join(" or ")}.`);
}

/** A server next door would open `file:` and its kind for the caller, so these never get past here. */
function url(value: Json | undefined, field: string, path: () => string): void {
  if (typeof value !== "string" || value === "" || /^(?:https?:\/\/|data:)/i.test(value)) return;
  throw invalidField(`${path()}.${field}`, "must be an https:, http: or data: URL.");
}
