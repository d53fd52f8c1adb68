/** A client's request in the house's words. */

import type { ChatRequest, Extra, OutputShape, Reasoning, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { invalidField } from "../../../canonical/errors.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Door } from "../../codec.ts";
import { readCacheMark } from "./cache-marks.ts";
import { checkRequest } from "./check-request.ts";
import { decodeMessages } from "./decode-messages.ts";
import { format, own } from "./format.ts";

export function decodeRequest(body: JsonObject, door: Door): ChatRequest {
  checkRequest(body);
  const request: ChatRequest = {
    model: body["model"] as string,
    messages: decodeMessages(body["messages"] as JsonObject[]),
    stream: (body["stream"] as boolean | null | undefined) ?? door.stream ?? false,
  };
  const extra: JsonObject = {};
  for (const [field, value] of Object.entries(body)) {
    if (value === null || value === undefined) continue;
    const place = fields.get(field);
    if (place) place(request, value, body, extra);
    else if (field !== "__proto__") extra[field] = value;
  }
  if (Object.keys(extra).length > 0) request.extra = { format, fields: extra };
  return request;
}

/** Puts one field where it belongs. Types have been checked; what is absent here goes into the `extra` pocket. */
type Place = (request: ChatRequest, value: Json, body: JsonObject, extra: JsonObject) => void;

const nothing: Place = () => {};

const fields: ReadonlyMap<string, Place> = new Map<string, Place>([
  // Read before the table, or together with another field.
  ["model", nothing],
  ["messages", nothing],
  ["stream", nothing],
  [
    "top_logprobs",
    (_, value, body) => {
      if (value !== 0 && body["logprobs"] !== true) throw invalidField("top_logprobs", "needs logprobs: true.");
    },
  ],
  // The gateway's own, read at the door.
  [own, nothing],
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
  // -1 and 0 switch it off at vLLM.
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
    "n",
    (request, value) => {
      request.choices = between(value, "n", 1, 128);
    },
  ],
  [
    "max_completion_tokens",
    (request, value) => {
      request.maxOutputTokens = between(value, "max_completion_tokens", 1);
    },
  ],
  [
    "max_tokens",
    (request, value) => {
      request.maxOutputTokens ??= between(value, "max_tokens", 1);
    },
  ],
  [
    "logprobs",
    (request, value, body) => {
      if (value === true) request.logprobs = { top: between(body["top_logprobs"] ?? 0, "top_logprobs", 0, 20) };
    },
  ],
  [
    "logit_bias",
    (request, value) => {
      request.logitBias = numbers(value as JsonObject, "logit_bias");
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
      request.tools = [...(value as JsonObject[]).map(tool), ...(request.tools ?? [])];
    },
  ],
  [
    "tool_choice",
    (request, value) => {
      request.toolChoice = toolChoice(value);
    },
  ],
  [
    "parallel_tool_calls",
    (request, value) => {
      request.parallelToolCalls = value as boolean;
    },
  ],
  // The forerunners of tools: every vendor that knew them knows tools today.
  [
    "functions",
    (request, value) => {
      request.tools = [
        ...(request.tools ?? []),
        ...(value as JsonObject[]).map((definition) => tool({ type: "function", function: definition })),
      ];
    },
  ],
  [
    "function_call",
    (request, value) => {
      request.toolChoice ??= legacyChoice(value);
    },
  ],
  [
    "response_format",
    (request, value) => {
      request.output = outputShape(value as JsonObject);
    },
  ],
  [
    "reasoning_effort",
    (request, value) => {
      (request.reasoning ??= {}).effort ??= value as string;
    },
  ],
  [
    "reasoning",
    (request, value) => {
      request.reasoning = { ...request.reasoning, ...reasoning(value as JsonObject) };
    },
  ],
  [
    "verbosity",
    (request, value) => {
      request.verbosity = value as string;
    },
  ],
  [
    "modalities",
    (request, value) => {
      request.modalities = value as string[];
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
      if (typeof body["safety_identifier"] === "string") extra["user"] = value;
      else request.endUser = value as string;
    },
  ],
  [
    "metadata",
    (request, value) => {
      request.metadata = strings(value as JsonObject, "metadata");
    },
  ],
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
  [
    "stream_options",
    (request, value, _, extra) => {
      const { include_usage: asked, ...others } = value as JsonObject;
      if (typeof asked === "boolean") request.includeUsage = asked;
      if (Object.keys(others).length > 0) extra["stream_options"] = others;
    },
  ],
]);

function between(value: Json, at: string, least: number, most = Number.POSITIVE_INFINITY): number {
  const number = value as number;
  if (number >= least && number <= most) return number;
  throw invalidField(at, most === Number.POSITIVE_INFINITY ? `must be at least ${least}.` : `must be between ${least} and ${most}.`);
}

function numbers(object: JsonObject, at: string): JsonObject {
  for (const [key, value] of Object.entries(object)) {
    if (typeof value !== "number") throw invalidField(`${at}.${key.slice(0, 50)}`, "must be a number.");
  }
  return object;
}

function strings(object: JsonObject, at: string): Record<string, string> {
  for (const [key, value] of Object.entries(object)) {
    if (typeof value !== "string") throw invalidField(`${at}.${key.slice(0, 50)}`, "must be a string.");
  }
  return object as Record<string, string>;
}

// ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────

function tool(value: JsonObject): Tool {
  const { type, function: definition, custom, cache_control: mark, ...others } = value;
  const decoded =
    type === "function"
      ? functionTool(definition as JsonObject, others)
      : type === "custom"
        ? customTool(custom as JsonObject, others)
        : undefined;
  if (!decoded) return { name: type as string, kind: "vendor", extra: { format, fields: value } };
  const cache = readCacheMark({ cache_control: mark });
  if (cache) decoded.cache = cache;
  return decoded;
}

function functionTool(definition: JsonObject, others: JsonObject): Tool {
  const { name, description, parameters, strict, ...more } = definition;
  const decoded: Tool = { name: name as string, kind: "function" };
  if (typeof description === "string") decoded.description = description;
  if (isObject(parameters)) decoded.parameters = parameters;
  if (typeof strict === "boolean") decoded.strict = strict;
  return withExtra(decoded, { ...others, ...(Object.keys(more).length > 0 && { function: more }) });
}

function customTool(definition: JsonObject, others: JsonObject): Tool {
  const { name, description, format: input, ...more } = definition;
  const decoded: Tool = { name: name as string, kind: "custom" };
  if (typeof description === "string") decoded.description = description;
  if (isObject(input)) decoded.input = input;
  return withExtra(decoded, { ...others, ...(Object.keys(more).length > 0 && { custom: more }) });
}

function withExtra<Owner extends { extra?: Extra | undefined }>(owner: Owner, rest: JsonObject): Owner {
  if (Object.keys(rest).length > 0) owner.extra = { format, fields: rest };
  return owner;
}

function toolChoice(value: Json): ToolChoice {
  if (value === "none" || value === "auto" || value === "required") return { type: value };
  // Mistral's word.
  if (value === "any") return { type: "required" };
  if (!isObject(value)) throw invalidField("tool_choice", "must be none, auto, required or an object.");
  switch (value["type"] as string) {
    case "function":
      return { type: "tool", name: chosenName(value["function"], "tool_choice.function") };
    case "custom":
      return { type: "tool", name: chosenName(value["custom"], "tool_choice.custom"), kind: "custom" };
    case "allowed_tools":
      return allowedTools(value["allowed_tools"]);
    default:
      throw invalidField("tool_choice.type", "must be function, custom or allowed_tools.");
  }
}

function chosenName(value: unknown, at: string): string {
  const name = isObject(value) ? value["name"] : undefined;
  if (typeof name !== "string" || name === "") throw invalidField(`${at}.name`, "must be a non-empty string.");
  return name;
}

function allowedTools(value: unknown): ToolChoice {
  const at = "tool_choice.allowed_tools";
  if (!isObject(value)) throw invalidField(at, "must be an object.");
  const { mode, tools } = value;
  if (mode !== "auto" && mode !== "required") throw invalidField(`${at}.mode`, "must be auto or required.");
  if (!Array.isArray(tools)) throw invalidField(`${at}.tools`, "must be a list.");
  const names = tools.map((entry, index) => {
    const kind = isObject(entry) && entry["type"] === "custom" ? "custom" : "function";
    return chosenName(isObject(entry) ? entry[kind] : undefined, `${at}.tools[${index}].${kind}`);
  });
  return { type: "allowed", mode, names };
}

function legacyChoice(value: Json): ToolChoice {
  if (value === "none" || value === "auto") return { type: value };
  return { type: "tool", name: chosenName(value, "function_call") };
}

// ── the answer's shape, and reasoning ────────────────────────────────────────────────────────────────────────

function outputShape(value: JsonObject): OutputShape {
  switch (value["type"] as string) {
    case "text":
      return { type: "text" };
    case "json_object":
      return { type: "json-object" };
    case "json_schema": {
      const shape = value["json_schema"];
      if (!isObject(shape)) throw invalidField("response_format.json_schema", "must be an object.");
      const schema = shape["schema"] ?? {};
      if (!isObject(schema)) throw invalidField("response_format.json_schema.schema", "must be an object.");
      const decoded: OutputShape = { type: "json-schema", schema };
      const name = asString(shape["name"]);
      const description = asString(shape["description"]);
      if (name !== undefined) decoded.name = name;
      if (description !== undefined) decoded.description = description;
      if (typeof shape["strict"] === "boolean") decoded.strict = shape["strict"];
      return decoded;
    }
    default:
      throw invalidField("response_format.type", "must be text, json_object or json_schema.");
  }
}

/** OpenRouter's object: `{effort, max_tokens, exclude, enabled, summary}`. */
function reasoning(value: JsonObject): Reasoning {
  const { effort, max_tokens: budget, exclude, enabled, summary, ...others } = value;
  const decoded: Reasoning = {};
  if (effort !== undefined && effort !== null) {
    if (typeof effort !== "string") throw invalidField("reasoning.effort", "must be a string.");
    decoded.effort = effort;
  }
  if (budget !== undefined && budget !== null) {
    if (typeof budget !== "number" || !Number.isInteger(budget)) throw invalidField("reasoning.max_tokens", "must be an integer.");
    decoded.budgetTokens = between(budget, "reasoning.max_tokens", 0);
  }
  if (enabled === false) decoded.effort ??= "none";
  // OpenRouter: "enabled: true" alone means medium effort.
  if (enabled === true && decoded.budgetTokens === undefined) decoded.effort ??= "medium";
  if (typeof summary === "string") decoded.summary = summary;
  if (exclude === true) decoded.summary = "omitted";
  return withExtra(decoded, others);
}
