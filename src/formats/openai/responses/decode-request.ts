/** A client's request in the house's words. */

import type { ChatRequest, Extra, OutputShape, Reasoning, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { invalidField } from "../../../canonical/errors.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Door } from "../../codec.ts";
import { checkRequest } from "./check-request.ts";
import { leftover } from "./decode-content.ts";
import { decodeInput } from "./decode-input.ts";
import { format, own } from "./format.ts";
import { isStrictSchema } from "./strict-schema.ts";

export function decodeRequest(body: JsonObject, door: Door): ChatRequest {
  checkRequest(body);
  const request: ChatRequest = {
    model: body.model as string,
    messages: decodeInput(asString(body.instructions), body.input),
    stream: (body.stream as boolean | null | undefined) ?? door.stream ?? false,
    // The format tells the usage with every response.
    includeUsage: true,
  };
  const extra: JsonObject = {};
  for (const [field, value] of Object.entries(body)) {
    if (value === null || value === undefined) continue;
    const place = fields.get(field);
    if (place) place(request, value, body, extra);
    else if (field !== "__proto__") extra[field] = value;
  }
  if (Object.keys(extra).length > 0) request.extra = { format, fields: extra, elsewhere };
  return request;
}

/** Where the conversation stands at a provider, the rest of it cannot be asked anybody else. */
const atProvider = { action: "refused", reason: `it stands at a provider that speaks ${format}.` } as const;

const elsewhere: Extra["elsewhere"] = {
  previous_response_id: atProvider,
  conversation: atProvider,
  prompt: atProvider,
  background: { action: "refused", reason: "only OpenAI's Responses work in the background." },
};

/** Puts one field where it belongs. Types have been checked; what is absent here goes into the `extra` pocket. */
type Place = (request: ChatRequest, value: Json, body: JsonObject, extra: JsonObject) => void;

const nothing: Place = () => {};

const fields: ReadonlyMap<string, Place> = new Map<string, Place>([
  // Read before the table.
  ["model", nothing],
  ["input", nothing],
  ["instructions", nothing],
  ["stream", nothing],
  // The gateway's own, read at the door.
  [own, nothing],
  [
    "max_output_tokens",
    (request, value) => {
      request.maxOutputTokens = between(value, "max_output_tokens", 1);
    },
  ],
  [
    "temperature",
    (request, value) => {
      request.temperature = between(value, "temperature", 0, 2);
    },
  ],
  [
    "top_p",
    (request, value) => {
      request.topP = between(value, "top_p", 0, 1);
    },
  ],
  // Not OpenAI's: servers of open models take them here as well.
  [
    "top_k",
    (request, value) => {
      if ((value as number) > 0) request.topK = value as number;
    },
  ],
  [
    "seed",
    (request, value) => {
      request.seed = value as number;
    },
  ],
  [
    "frequency_penalty",
    (request, value) => {
      request.frequencyPenalty = between(value, "frequency_penalty", -2, 2);
    },
  ],
  [
    "presence_penalty",
    (request, value) => {
      request.presencePenalty = between(value, "presence_penalty", -2, 2);
    },
  ],
  [
    "stop",
    (request, value) => {
      const stop = typeof value === "string" ? [value] : (value as string[]);
      if (stop.length > 0) request.stop = stop;
    },
  ],
  [
    "tools",
    (request, value) => {
      request.tools = (value as JsonObject[]).map(tool);
    },
  ],
  [
    "tool_choice",
    (request, value, _, extra) => {
      const choice = toolChoice(value);
      if (choice) request.toolChoice = choice;
      else extra.tool_choice = value;
    },
  ],
  [
    "parallel_tool_calls",
    (request, value) => {
      request.parallelToolCalls = value as boolean;
    },
  ],
  [
    "reasoning",
    (request, value) => {
      request.reasoning = reasoning(value as JsonObject);
    },
  ],
  [
    "text",
    (request, value, _, extra) => {
      text(request, value as JsonObject, extra);
    },
  ],
  [
    "include",
    (request, value, body, extra) => {
      include(request, value as string[], body, extra);
    },
  ],
  // With `include`, or alone.
  [
    "top_logprobs",
    (request, value) => {
      if (value !== 0) request.logprobs = { top: between(value, "top_logprobs", 0, 20) };
    },
  ],
  [
    "service_tier",
    (request, value) => {
      request.serviceTier = value as string;
    },
  ],
  [
    "safety_identifier",
    (request, value) => {
      request.endUser = value as string;
    },
  ],
  // With both given, `user` still serves OpenAI as a cache key, so it goes back beside the identifier.
  [
    "user",
    (request, value, body, extra) => {
      if (typeof body.safety_identifier === "string") extra.user = value;
      else request.endUser = value as string;
    },
  ],
  [
    "metadata",
    (request, value) => {
      request.metadata = strings(value as JsonObject, "metadata");
    },
  ],
  // Omitted, OpenAI stores. Whether somebody does is settled before a request is decoded, so only a spoken wish is kept.
  [
    "store",
    (request, value) => {
      request.store = value as boolean;
    },
  ],
  [
    "prompt_cache_key",
    (request, value) => {
      request.promptCacheKey = value as string;
    },
  ],
  // The defaults, which clients send unasked: no other format needs to be told that there is nothing to do.
  [
    "truncation",
    (_request, value, _body, extra) => {
      if (value !== "disabled") extra.truncation = value;
    },
  ],
  [
    "background",
    (_request, value, _body, extra) => {
      if (value === true) extra.background = value;
    },
  ],
]);

function between(value: Json, at: string, least: number, most = Number.POSITIVE_INFINITY): number {
  const number = value as number;
  if (number >= least && number <= most) return number;
  throw invalidField(at, most === Number.POSITIVE_INFINITY ? `must be at least ${least}.` : `must be between ${least} and ${most}.`);
}

function strings(object: JsonObject, at: string): Record<string, string> {
  for (const [key, value] of Object.entries(object)) {
    if (typeof value !== "string") throw invalidField(`${at}.${key.slice(0, 50)}`, "must be a string.");
  }
  return object as Record<string, string>;
}

/**
 * Encrypted reasoning is given to every client, whatever the provider, so the wish for it need not travel; that the
 * provider is asked for it is decided where its request is written.
 */
function include(request: ChatRequest, asked: readonly string[], body: JsonObject, extra: JsonObject): void {
  if (asked.includes("message.output_text.logprobs")) request.logprobs ??= { top: (body.top_logprobs as number | null | undefined) ?? 0 };
  const others = asked.filter((word) => word !== "reasoning.encrypted_content" && word !== "message.output_text.logprobs");
  if (others.length > 0) extra.include = others;
}

// ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────

function tool(value: JsonObject): Tool {
  switch (value.type) {
    case "function":
      return functionTool(value);
    case "custom":
      return customTool(value);
    default:
      return { name: asString(value.name) ?? (value.type as string), kind: "vendor", extra: { format, fields: value } };
  }
}

function functionTool(value: JsonObject): Tool {
  const { name, description, parameters, strict } = value;
  const decoded: Tool = { name: name as string, kind: "function" };
  if (typeof description === "string") decoded.description = description;
  if (isObject(parameters)) decoded.parameters = parameters;
  if (typeof strict === "boolean") decoded.strict = strict;
  // Strict is the default here and nowhere else. OpenAI does without where a schema does not allow it; others would refuse the schema.
  else if (isStrictSchema(parameters)) decoded.strict = true;
  return withExtra(decoded, leftover(value, ["type", "name", "description", "parameters", "strict"]));
}

function customTool(value: JsonObject): Tool {
  const { name, description, format: input } = value;
  const decoded: Tool = { name: name as string, kind: "custom" };
  if (typeof description === "string") decoded.description = description;
  if (isObject(input)) decoded.input = customInput(input);
  return withExtra(decoded, leftover(value, ["type", "name", "description", "format"]));
}

/** Chat Completions puts the grammar one level deeper, and that is how the house knows it. */
function customInput({ type, ...grammar }: JsonObject): JsonObject {
  return type === "grammar" && !isObject(grammar.grammar) ? { type, grammar } : { type, ...grammar };
}

function withExtra<Owner extends { extra?: Extra | undefined }>(owner: Owner, extra: Extra | undefined): Owner {
  if (extra) owner.extra = extra;
  return owner;
}

/** Undefined for the choice of a hosted tool, which only its own vendor can make. */
function toolChoice(value: Json): ToolChoice | undefined {
  if (value === "none" || value === "auto" || value === "required") return { type: value };
  if (!isObject(value)) throw invalidField("tool_choice", "must be none, auto, required or an object.");
  switch (value.type) {
    case "function":
      return { type: "tool", name: chosenName(value.name, "tool_choice.name") };
    case "custom":
      return { type: "tool", name: chosenName(value.name, "tool_choice.name"), kind: "custom" };
    case "allowed_tools":
      return allowedTools(value);
    default:
      return undefined;
  }
}

function chosenName(name: unknown, at: string): string {
  if (typeof name !== "string" || name === "") throw invalidField(at, "must be a non-empty string.");
  return name;
}

function allowedTools({ mode, tools }: JsonObject): ToolChoice | undefined {
  if (mode !== "auto" && mode !== "required") throw invalidField("tool_choice.mode", "must be auto or required.");
  if (!Array.isArray(tools)) throw invalidField("tool_choice.tools", "must be a list.");
  const names: string[] = [];
  for (const [index, entry] of tools.entries()) {
    if (!isObject(entry)) throw invalidField(`tool_choice.tools[${index}]`, "must be an object.");
    if (entry.type !== "function" && entry.type !== "custom") return undefined;
    names.push(chosenName(entry.name, `tool_choice.tools[${index}].name`));
  }
  return { type: "allowed", mode, names };
}

// ── the answer's shape, and reasoning ────────────────────────────────────────────────────────────────────────

function text(request: ChatRequest, value: JsonObject, extra: JsonObject): void {
  const { format: shape, verbosity, ...others } = value;
  if (shape !== undefined && shape !== null) {
    if (!isObject(shape)) throw invalidField("text.format", "must be an object.");
    request.output = outputShape(shape);
  }
  if (verbosity !== undefined && verbosity !== null) {
    if (typeof verbosity !== "string") throw invalidField("text.verbosity", "must be a string.");
    request.verbosity = verbosity;
  }
  const rest = leftover(others, []);
  if (rest) extra.text = rest.fields;
}

function outputShape(value: JsonObject): OutputShape {
  switch (value.type) {
    case "text":
      return { type: "text" };
    case "json_object":
      return { type: "json-object" };
    case "json_schema": {
      const schema = value.schema ?? {};
      if (isObject(value.json_schema))
        throw invalidField("text.format.json_schema", "has no place here: name, schema and strict stand beside `type`.");
      if (!isObject(schema)) throw invalidField("text.format.schema", "must be an object.");
      const decoded: OutputShape = { type: "json-schema", schema };
      const name = asString(value.name);
      const description = asString(value.description);
      if (name !== undefined) decoded.name = name;
      if (description !== undefined) decoded.description = description;
      if (typeof value.strict === "boolean") decoded.strict = value.strict;
      return decoded;
    }
    default:
      throw invalidField("text.format.type", "must be text, json_object or json_schema.");
  }
}

function reasoning(value: JsonObject): Reasoning {
  const { effort, summary, generate_summary: older, ...others } = value;
  const decoded: Reasoning = {};
  if (effort !== undefined && effort !== null) {
    if (typeof effort !== "string") throw invalidField("reasoning.effort", "must be a string.");
    decoded.effort = effort;
  }
  const shown = summary ?? older;
  if (shown !== undefined && shown !== null) {
    if (typeof shown !== "string") throw invalidField("reasoning.summary", "must be a string.");
    // Codex says "none" for models that give no summary.
    if (shown !== "none") decoded.summary = shown;
  }
  return withExtra(decoded, leftover(others, []));
}
