/** The house's request for a vendor that speaks this format. */

import type { ChatRequest, Message, OutputShape, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { encodeReasoning as encodeChatReasoning } from "../chat/encode-reasoning.ts";
import { applyPolicy } from "../chat/policy.ts";
import { encodeInput } from "./encode-input.ts";
import { format } from "./format.ts";

export function encodeRequest(request: ChatRequest, context: EncodeContext): JsonObject {
  refuse(request);
  const own = request.extra?.format === format ? request.extra.fields : {};
  const shape = outputShape(request.output, context);
  const stored = request.store === true && !context.quirks.has("no-metadata");
  const continued = own.previous_response_id !== undefined || own.conversation !== undefined;
  const { instructions, input } = encodeInput(withInstruction(request.messages, shape.instruction), { stored, continued }, context);

  const body: JsonObject = { model: request.model };
  if (instructions !== undefined) body.instructions = instructions;
  body.input = input;
  encodeTools(body, request, context);
  setAll(body, {
    max_output_tokens: maxTokens(request.maxOutputTokens, context),
    ...sampling(request, context),
    top_logprobs: request.logprobs?.top || undefined,
    reasoning: encodeReasoning(request, context),
    text: encodeText(request, shape.field, own.text, context),
    // Whoever wants a response kept says so: the gateway hands its clients everything that the next turn needs.
    store: request.store ?? false,
    service_tier: request.serviceTier,
    metadata: request.metadata,
    prompt_cache_key: request.promptCacheKey,
    // `user` is deprecated here; where the caller gave both it stands in the pocket.
    safety_identifier: request.endUser,
    stream: request.stream ? true : undefined,
  });
  encodeInclude(body, request, own.include, context);
  warnUnused(request, context);
  if (request.extra) {
    // These have been merged above.
    const { text: _, include: __, ...rest } = request.extra.fields;
    spendExtra(body, request.extra.format === format ? { format, fields: rest } : request.extra, format, "", context.warn);
  }
  applyPolicy(body, context);
  if (context.capabilities.prefill === false && request.messages.at(-1)?.role === "assistant") {
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

/** Fields of other formats that the caller's conversation or tools live in: leaving them out would answer another question. */
const state: ReadonlySet<string> = new Set(["mcp_servers", "container", "thread", "cachedContent"]);

/** What the caller relies on and the format has no word for. */
function refuse(request: ChatRequest): void {
  if ((request.choices ?? 1) > 1) throw unsupportedField("n", `${format} gives one answer a request.`);
  if (request.stop && request.stop.length > 0) throw unsupportedField("stop", `${format} has no stop sequences.`);
  if (request.logitBias && Object.keys(request.logitBias).length > 0) throw unsupportedField("logit_bias", `${format} has no token bias.`);
  const media = request.modalities?.find((modality) => modality !== "text");
  if (media !== undefined) throw unsupportedField("modalities", `${format} answers in text, not ${media}.`);
  if (!request.extra || request.extra.format === format) return;
  for (const field of Object.keys(request.extra.fields)) {
    if (state.has(field))
      throw unsupportedField(field, `it lives at a provider that speaks ${request.extra.format}; this one speaks ${format}.`);
  }
}

/** Tuning that is left out, and says so; zero penalties mean nothing and need no word. */
function warnUnused(request: ChatRequest, { warn }: EncodeContext): void {
  const unused: [field: string, present: boolean, reason: string][] = [
    ["seed", request.seed !== undefined, `${format} has no seed`],
    ["frequency_penalty", (request.frequencyPenalty ?? 0) !== 0, `${format} has no penalties`],
    ["presence_penalty", (request.presencePenalty ?? 0) !== 0, `${format} has no penalties`],
    ["cache_control", request.cache !== undefined, "the provider decides by itself what it caches"],
  ];
  for (const [field, present, reason] of unused) if (present) warn({ field, action: "dropped", reason });
}

/** OpenAI refuses less ("integer below minimum value. Expected a value >= 16"), where Chat Completions takes 1. */
const leastTokens = 16;

function maxTokens(asked: number | undefined, { capabilities, warn }: EncodeContext): number | undefined {
  if (asked === undefined) return undefined;
  const most = capabilities.maxOutputTokens;
  if (asked < leastTokens) {
    warn({ field: "max_output_tokens", action: "approximated", reason: `${format} takes no limit below ${leastTokens} tokens` });
    return leastTokens;
  }
  if (most === undefined || asked <= most) return asked;
  warn({ field: "max_output_tokens", action: "approximated", reason: `the model gives at most ${most} tokens` });
  return most;
}

function sampling(request: ChatRequest, { capabilities, quirks, warn }: EncodeContext): Record<string, Json | undefined> {
  const asked = { temperature: request.temperature, top_p: request.topP, top_k: request.topK };
  for (const field of ["temperature", "top_p", "top_k"] as const) {
    const unknown = field === "top_k" && !quirks.has("top-k");
    if (asked[field] === undefined || (capabilities.sampling !== false && !unknown)) continue;
    asked[field] = undefined;
    warn({
      field,
      action: "dropped",
      reason: capabilities.sampling === false ? "the model takes no sampling parameters" : `${format} has no such field`,
    });
  }
  return asked;
}

/**
 * Without encrypted content a response that is not stored forgets its reasoning. Asked for where the model reasons as far as
 * anybody knows: of other models OpenAI refuses the wish ("Encrypted content is not supported with this model").
 */
function encodeInclude(body: JsonObject, request: ChatRequest, asked: Json | undefined, { capabilities, quirks }: EncodeContext): void {
  const include: Json[] = Array.isArray(asked) ? [...asked] : [];
  if (request.logprobs && quirks.has("no-logprobs")) throw unsupportedField("include", "the provider gives no log probabilities.");
  if (request.logprobs) include.push("message.output_text.logprobs");
  const reasons = capabilities.reasoning === undefined ? thinks(request) : capabilities.reasoning !== false;
  if (reasons && request.store !== true && !quirks.has("no-reasoning-effort")) include.push("reasoning.encrypted_content");
  if (include.length > 0) body.include = include;
}

function thinks({ reasoning, messages }: ChatRequest): boolean {
  if (reasoning) return reasoning.effort !== "none" || reasoning.budgetTokens !== undefined;
  return messages.some(
    (message) => message.role === "assistant" && message.content.some((part) => part.type === "reasoning" && part.state?.format === format),
  );
}

/** The rules of efforts and budgets are those of Chat Completions, in an object of their own. */
function encodeReasoning(request: ChatRequest, context: EncodeContext): JsonObject | undefined {
  const asked = request.reasoning;
  if (!asked) return undefined;
  const { summary, extra, ...rest } = asked;
  const flat: JsonObject = {};
  encodeChatReasoning(flat, { ...request, reasoning: rest }, context);
  if (context.capabilities.reasoning === false) return undefined;
  const object: JsonObject = {};
  const effort = flat.reasoning_effort;
  if (context.quirks.has("no-reasoning-effort")) {
    if (effort !== undefined) context.warn({ field: "reasoning.effort", action: "dropped", reason: "the provider does not take it." });
  } else if (effort !== undefined) object.effort = effort;
  // Other formats ask to be shown the text, or not; whether it is a summary is the vendor's affair.
  if (summary !== undefined && summary !== "omitted") object.summary = summary === "summarized" ? "auto" : summary;
  spendExtra(object, extra, format, "reasoning.", context.warn);
  return Object.keys(object).length > 0 ? object : undefined;
}

// ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────

function encodeTools(body: JsonObject, request: ChatRequest, context: EncodeContext): void {
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
  body.tools = offered.map((tool) => encodeTool(tool, `tools[${tools.indexOf(tool)}]`, context));
  if (soft) {
    warn({
      field: "tool_choice",
      action: "approximated",
      reason: "the model cannot be forced to call a tool: it is offered the chosen ones only",
    });
    body.tool_choice = "auto";
  } else if (choice) body.tool_choice = encodeToolChoice(choice, tools);
  if (request.parallelToolCalls !== undefined) body.parallel_tool_calls = request.parallelToolCalls;
}

function isChosen(tool: Tool, choice: ToolChoice): boolean {
  if (choice.type === "tool") return tool.name === choice.name;
  return choice.type === "allowed" ? choice.names.includes(tool.name) : true;
}

function encodeTool(tool: Tool, at: string, { quirks, warn }: EncodeContext): JsonObject {
  if (tool.kind === "vendor") {
    if (tool.extra?.format === format) return tool.extra.fields;
    throw unsupportedField(at, `the tool ${tool.name.slice(0, 60)} is known to ${tool.extra?.format ?? "another format"} only.`);
  }
  if (!/^[\w-]{1,64}$/.test(tool.name)) {
    throw unsupportedField(`${at}.name`, `"${tool.name.slice(0, 80)}" is not a tool name here: up to 64 letters, digits, _ and -.`);
  }
  const encoded: JsonObject = { type: tool.kind, name: tool.name };
  if (tool.description !== undefined) encoded.description = tool.description;
  if (tool.kind === "custom") {
    if (tool.input) encoded.format = customFormat(tool.input);
  } else {
    encoded.parameters = tool.parameters ?? { type: "object", properties: {} };
    // Never left to the default, which is strict here and lax everywhere else.
    if (!quirks.has("no-strict")) encoded.strict = tool.strict ?? false;
    else if (tool.strict)
      warn({ field: `${at}.strict`, action: "dropped", reason: "the provider has no strict mode: the schema is a request, not a promise" });
  }
  if (tool.cache) warn({ field: `${at}.cache_control`, action: "dropped", reason: "the provider decides by itself what it caches" });
  spendExtra(encoded, tool.extra, format, `${at}.`, warn);
  return encoded;
}

/** The house knows the grammar as Chat Completions writes it, one level deeper. */
function customFormat(input: JsonObject): JsonObject {
  return input.type === "grammar" && isObject(input.grammar) ? { type: "grammar", ...input.grammar } : input;
}

function encodeToolChoice(choice: ToolChoice, tools: readonly Tool[]): Json {
  const named = (name: string, kind?: "function" | "custom"): JsonObject => {
    return { type: kind ?? (tools.find((tool) => tool.name === name)?.kind === "custom" ? "custom" : "function"), name };
  };
  switch (choice.type) {
    case "auto":
    case "none":
    case "required":
      return choice.type;
    case "tool":
      return named(choice.name, choice.kind);
    case "allowed":
      return { type: "allowed_tools", mode: choice.mode, tools: choice.names.map((name) => named(name)) };
  }
}

// ── the answer's shape ───────────────────────────────────────────────────────────────────────────────────────

interface Shape {
  field?: JsonObject | undefined;
  /** For the model's eyes, where the provider cannot hold it to the shape. */
  instruction?: string | undefined;
}

function outputShape(output: OutputShape | undefined, { quirks, capabilities, warn }: EncodeContext): Shape {
  if (!output) return {};
  if (output.type === "text") return { field: { type: "text" } };
  if (quirks.has("no-response-format")) throw unsupportedField("text.format", "the provider does not take it.");
  if (capabilities.structuredOutput === "none") throw unsupportedField("text.format", "the model has no JSON mode.");
  if (output.type === "json-object") return { field: { type: "json_object" } };
  if (quirks.has("no-json-schema") || capabilities.structuredOutput === "object") {
    warn({
      field: "text.format",
      action: "emulated",
      reason: "the provider has JSON mode without schemas: the schema is given as an instruction",
    });
    return {
      field: { type: "json_object" },
      instruction: `Answer with JSON that conforms to this JSON Schema, and with nothing else:\n${JSON.stringify(output.schema)}`,
    };
  }
  const field: JsonObject = { type: "json_schema", name: output.name ?? "answer" };
  if (output.description !== undefined) field.description = output.description;
  field.schema = output.schema;
  if (output.strict !== undefined && !quirks.has("no-strict")) field.strict = output.strict;
  else if (output.strict)
    warn({
      field: "text.format.strict",
      action: "dropped",
      reason: "the provider has no strict mode: the schema is a request, not a promise",
    });
  return { field };
}

/** After the system messages at the head, so that a cached beginning stays the same. */
function withInstruction(messages: Message[], instruction: string | undefined): Message[] {
  if (instruction === undefined) return messages;
  const after = messages.findIndex(({ role }) => role !== "system" && role !== "developer");
  const head = after < 0 ? messages.length : after;
  return [...messages.slice(0, head), { role: "system", content: [{ type: "text", text: instruction }] }, ...messages.slice(head)];
}

function encodeText(
  request: ChatRequest,
  shape: JsonObject | undefined,
  others: Json | undefined,
  { quirks, warn }: EncodeContext,
): JsonObject | undefined {
  const text: JsonObject = isObject(others) ? { ...others } : {};
  if (shape) text.format = shape;
  if (request.verbosity !== undefined) {
    if (!quirks.has("no-verbosity")) text.verbosity = request.verbosity;
    else if (request.verbosity !== "medium") warn({ field: "text.verbosity", action: "dropped", reason: "the provider does not take it." });
  }
  return Object.keys(text).length > 0 ? text : undefined;
}
