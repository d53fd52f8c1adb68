/** The house's request for a vendor that speaks this format. */

import type { ChatRequest, Message, OutputShape, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { onceDropped, writeCacheMark } from "./cache-marks.ts";
import { encodeMessages } from "./encode-messages.ts";
import type { ChatContext } from "./encode-messages.ts";
import { encodeReasoning } from "./encode-reasoning.ts";
import { format } from "./format.ts";
import { applyPolicy } from "./policy.ts";

export function encodeRequest(request: ChatRequest, given: EncodeContext): JsonObject {
  const context: ChatContext = { ...given, dropCacheMark: onceDropped(given.warn) };
  const { quirks, capabilities } = context;
  const shape = outputShape(request.output, context);
  const body: JsonObject = {
    model: request.model,
    messages: encodeMessages(withInstruction(request.messages, shape.instruction), context),
  };
  encodeTools(body, request, context);
  setAll(body, {
    max_completion_tokens: maxTokens(request.maxOutputTokens, context),
    ...sampling(request, context),
    seed: request.seed,
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
    logit_bias: request.logitBias,
    stop: request.stop,
    n: request.choices,
    logprobs: request.logprobs ? true : undefined,
    // 0 is the default, and some vendors refuse it where `logprobs` alone is fine.
    top_logprobs: request.logprobs?.top || undefined,
    response_format: shape.field,
    verbosity: request.verbosity,
    modalities: request.modalities,
    // Anthropic's word for the tier that everybody has.
    service_tier: request.serviceTier === "standard_only" ? "default" : request.serviceTier,
    metadata: request.metadata,
    store: request.store,
    prompt_cache_key: request.promptCacheKey,
    stream: request.stream ? true : undefined,
  });
  encodeReasoning(body, request, context);
  refuseForeignState(request);
  spendExtra(body, request.extra, format, "", context.warn);
  encodeEndUser(body, request);
  encodeStreamOptions(body, request);
  if (request.cache) context.dropCacheMark("cache_control");
  applyPolicy(body, context);
  rename(body, quirks);
  if (capabilities.prefill === false && request.messages.at(-1)?.role === "assistant") {
    throw unsupportedField(`messages[${request.messages.length - 1}]`, "the model takes no assistant message as the last one.");
  }
  return body;
}

function setAll(body: JsonObject, values: Record<string, Json | undefined>): void {
  for (const field in values) {
    const value = values[field];
    if (value !== undefined) body[field] = value;
  }
}

function maxTokens(asked: number | undefined, { capabilities, warn }: EncodeContext): number | undefined {
  const most = capabilities.maxOutputTokens;
  if (asked === undefined || most === undefined || asked <= most) return asked;
  warn({ field: "max_tokens", action: "approximated", reason: `the model gives at most ${most} tokens` });
  return most;
}

function sampling(request: ChatRequest, { capabilities, quirks, warn }: EncodeContext): Record<string, Json | undefined> {
  const asked = { temperature: request.temperature, top_p: request.topP, top_k: request.topK };
  const refused = (field: "temperature" | "top_p" | "top_k"): boolean =>
    capabilities.sampling === false || (field === "top_k" && !quirks.has("top-k"));
  for (const field of ["temperature", "top_p", "top_k"] as const) {
    if (asked[field] === undefined || !refused(field)) continue;
    asked[field] = undefined;
    warn({
      field,
      action: "dropped",
      reason: capabilities.sampling === false ? "the model takes no sampling parameters" : "the provider has no such field",
    });
  }
  return asked;
}

/** `user` is the older word and the one that compatible vendors know; `safety_identifier` is sent only where `user` means something else. */
function encodeEndUser(body: JsonObject, request: ChatRequest): void {
  if (request.endUser === undefined) return;
  body[body["user"] === undefined ? "user" : "safety_identifier"] = request.endUser;
}

/** Usage is asked for on every stream, whatever the client asked: without it a call cannot be accounted for. */
function encodeStreamOptions(body: JsonObject, request: ChatRequest): void {
  if (request.stream) body["stream_options"] = { ...(isObject(body["stream_options"]) ? body["stream_options"] : {}), include_usage: true };
  else delete body["stream_options"];
}

function rename(body: JsonObject, quirks: ReadonlySet<Quirk>): void {
  for (const [quirk, from, to] of renames) {
    if (!quirks.has(quirk) || body[from] === undefined) continue;
    body[to] = body[from];
    delete body[from];
  }
}

export const renames: readonly [quirk: Quirk, from: string, to: string][] = [
  ["max-tokens", "max_completion_tokens", "max_tokens"],
  ["random-seed", "seed", "random_seed"],
];

/** Fields of other formats that the caller's conversation or tools live in: leaving them out would answer another question. */
const state: ReadonlyMap<string, (value: Json) => boolean> = new Map<string, (value: Json) => boolean>([
  ["mcp_servers", (value) => !Array.isArray(value) || value.length > 0],
  // The container alone serves tools that are refused by name; skills in it are the caller's own instructions.
  ["container", (value) => isObject(value) && Array.isArray(value["skills"]) && value["skills"].length > 0],
  ["thread", () => true],
  ["previous_response_id", () => true],
  ["conversation", () => true],
  ["background", (value) => value === true],
  ["cachedContent", () => true],
]);

function refuseForeignState({ extra }: ChatRequest): void {
  if (!extra || extra.format === format) return;
  for (const [field, value] of Object.entries(extra.fields)) {
    if (value !== undefined && state.get(field)?.(value)) {
      throw unsupportedField(field, `it lives at a provider that speaks ${extra.format}; this one speaks ${format}.`);
    }
  }
}

// ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────

function encodeTools(body: JsonObject, request: ChatRequest, context: ChatContext): void {
  const { quirks, capabilities, warn } = context;
  const tools = request.tools ?? [];
  if (tools.length === 0) return;
  if (capabilities.tools === false) throw unsupportedField("tools", "the model takes no tools.");
  const choice = request.toolChoice;
  const soft =
    (quirks.has("no-tool-choice") || capabilities.forcedToolChoice === false) &&
    choice !== undefined &&
    choice.type !== "auto" &&
    choice.type !== "none";
  const offered = soft ? tools.filter((tool) => isChosen(tool, choice)) : tools;
  body["tools"] = offered.map((tool) => encodeTool(tool, `tools[${tools.indexOf(tool)}]`, context));
  if (soft) {
    warn({
      field: "tool_choice",
      action: "approximated",
      reason: "the model cannot be forced to call a tool: it is offered the chosen ones only",
    });
    body["tool_choice"] = "auto";
  } else if (choice) body["tool_choice"] = encodeToolChoice(choice, tools);
  if (request.parallelToolCalls !== undefined) body["parallel_tool_calls"] = request.parallelToolCalls;
}

function isChosen(tool: Tool, choice: ToolChoice): boolean {
  if (choice.type === "tool") return tool.name === choice.name;
  return choice.type === "allowed" ? choice.names.includes(tool.name) : true;
}

function encodeTool(tool: Tool, at: string, context: ChatContext): JsonObject {
  if (tool.kind === "vendor") {
    if (tool.extra?.format === format) return tool.extra.fields;
    throw unsupportedField(at, `the tool ${tool.name.slice(0, 60)} is known to ${tool.extra?.format ?? "another format"} only.`);
  }
  if (!/^[\w-]{1,64}$/.test(tool.name)) {
    throw unsupportedField(`${at}.name`, `"${tool.name.slice(0, 80)}" is not a tool name here: up to 64 letters, digits, _ and -.`);
  }
  const definition: JsonObject = { name: tool.name };
  if (tool.description !== undefined) definition["description"] = tool.description;
  if (tool.kind === "custom" && tool.input) definition["format"] = tool.input;
  if (tool.kind === "function" && tool.parameters) definition["parameters"] = tool.parameters;
  if (tool.kind === "function" && tool.strict !== undefined && keepStrict(tool.strict, `${at}.strict`, context))
    definition["strict"] = tool.strict;
  const encoded: JsonObject = { type: tool.kind, [tool.kind]: definition };
  const own = tool.extra?.format === format ? tool.extra.fields[tool.kind] : undefined;
  if (isObject(own)) for (const field of Object.keys(own)) definition[field] ??= own[field];
  spendExtra(encoded, tool.extra, format, `${at}.`, context.warn);
  if (!writeCacheMark(encoded, tool.cache, context.quirks)) context.dropCacheMark(`${at}.cache_control`);
  return encoded;
}

function keepStrict(strict: boolean, field: string, { quirks, warn }: EncodeContext): boolean {
  if (!quirks.has("no-strict")) return true;
  if (strict) warn({ field, action: "dropped", reason: "the provider has no strict mode: the schema is a request, not a promise" });
  return false;
}

function encodeToolChoice(choice: ToolChoice, tools: readonly Tool[]): Json {
  const named = (name: string, kind?: "function" | "custom"): JsonObject => {
    const type = kind ?? (tools.find((tool) => tool.name === name)?.kind === "custom" ? "custom" : "function");
    return { type, [type]: { name } };
  };
  switch (choice.type) {
    case "auto":
    case "none":
    case "required":
      return choice.type;
    case "tool":
      return named(choice.name, choice.kind);
    case "allowed":
      return { type: "allowed_tools", allowed_tools: { mode: choice.mode, tools: choice.names.map((name) => named(name)) } };
  }
}

// ── the answer's shape ───────────────────────────────────────────────────────────────────────────────────────

interface Shape {
  field?: JsonObject | undefined;
  /** For the model's eyes, where the provider cannot hold it to the shape. */
  instruction?: string | undefined;
}

function outputShape(output: OutputShape | undefined, context: EncodeContext): Shape {
  const { quirks, capabilities, warn } = context;
  if (!output) return {};
  if (output.type === "text") return { field: { type: "text" } };
  if (capabilities.structuredOutput === "none") throw unsupportedField("response_format", "the model has no JSON mode.");
  if (output.type === "json-object") return { field: { type: "json_object" } };
  if (quirks.has("no-json-schema") || capabilities.structuredOutput === "object") {
    warn({
      field: "response_format",
      action: "emulated",
      reason: "the provider has JSON mode without schemas: the schema is given as an instruction",
    });
    return {
      field: { type: "json_object" },
      instruction: `Answer with JSON that conforms to this JSON Schema, and with nothing else:\n${JSON.stringify(output.schema)}`,
    };
  }
  const schema: JsonObject = { name: output.name ?? "answer" };
  if (output.description !== undefined) schema["description"] = output.description;
  schema["schema"] = output.schema;
  if (output.strict !== undefined && keepStrict(output.strict, "response_format.json_schema.strict", context))
    schema["strict"] = output.strict;
  return { field: { type: "json_schema", json_schema: schema } };
}

/** After the system messages at the head, so that a cached beginning stays the same. */
function withInstruction(messages: Message[], instruction: string | undefined): Message[] {
  if (instruction === undefined) return messages;
  const after = messages.findIndex(({ role }) => role !== "system" && role !== "developer");
  const head = after < 0 ? messages.length : after;
  return [...messages.slice(0, head), { role: "system", content: [{ type: "text", text: instruction }] }, ...messages.slice(head)];
}
