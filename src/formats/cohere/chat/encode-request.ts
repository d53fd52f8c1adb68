/** A canonical request as the body that Cohere takes. One place for each field: sent, sent otherwise, left out with a warning, or refused by name. */

import type { ChatRequest, OutputShape, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { encodeConversation } from "./encode-messages.ts";
import { encodeThinking } from "./encode-thinking.ts";
import { format } from "./format.ts";

export function encodeRequest(request: ChatRequest, given: EncodeContext): JsonObject {
  const context = warnOnce(given);
  refuse(request, context);
  const { messages, documents } = encodeConversation(request.messages, context);
  const tools = encodeTools(request, context);
  const shape = encodeShape(request.output, tools["tools"] !== undefined || documents.length > 0, context);
  if (shape.instruction !== undefined) instruct(messages, shape.instruction);

  const body: JsonObject = { model: request.model, messages, stream: request.stream, ...tools };
  if (documents.length > 0) body["documents"] = documents;
  if (shape.format) body["response_format"] = shape.format;
  const maxTokens = limit(request.maxOutputTokens, context);
  if (maxTokens !== undefined) body["max_tokens"] = maxTokens;
  if (request.stop && request.stop.length > 0) body["stop_sequences"] = request.stop;
  encodeSampling(body, request, context);
  encodePenalties(body, request, context);
  if (request.logprobs) body["logprobs"] = true;
  const thinking = encodeThinking(request, context);
  if (thinking) body["thinking"] = thinking;
  warnUnused(request, context);
  spendExtra(body, request.extra, format, "", context.warn);
  return body;
}

/** A long history would repeat the same warning for each of its messages: each field and reason is told once. */
function warnOnce(context: EncodeContext): EncodeContext {
  const told = new Set<string>();
  return {
    ...context,
    warn(warning: Warning): void {
      const key = `${warning.field.replace(/\[\d+\]/g, "[]")} ${warning.reason}`;
      if (told.has(key)) return;
      told.add(key);
      context.warn(warning);
    },
  };
}

/** What the caller relies on and Cohere cannot give. */
function refuse(request: ChatRequest, { capabilities }: EncodeContext): void {
  if (request.messages.length === 0) throw unsupportedField("messages", "Cohere needs at least one message.");
  if ((request.choices ?? 1) > 1) throw unsupportedField("n", "Cohere gives one answer a request.");
  if ((request.logprobs?.top ?? 0) > 0)
    throw unsupportedField("top_logprobs", "Cohere tells the chosen tokens' probabilities, no others'.");
  if (request.logitBias && Object.keys(request.logitBias).length > 0) throw unsupportedField("logit_bias", "Cohere has no token bias.");
  if ((request.stop?.length ?? 0) > 5) throw unsupportedField("stop", "Cohere takes up to five stop sequences.");
  const media = request.modalities?.find((modality) => modality !== "text");
  if (media !== undefined) throw unsupportedField("modalities", `Cohere answers in text, not ${media}.`);
  const last = request.messages.length - 1;
  if (capabilities.prefill === false && request.messages[last]?.role === "assistant") {
    throw unsupportedField(`messages[${last}]`, "the model takes no assistant message as the last one.");
  }
}

/** What is left out and says so; what only repeats a default needs no word, nor does a key for a cache that finds its way without one. */
function warnUnused(request: ChatRequest, { warn }: EncodeContext): void {
  const unused: [string, boolean, string][] = [
    ["parallel_tool_calls", request.parallelToolCalls === false, "Cohere cannot be held to one tool call a turn"],
    ["verbosity", request.verbosity !== undefined && request.verbosity !== "medium", "Cohere has no verbosity setting"],
    [
      "service_tier",
      request.serviceTier !== undefined && request.serviceTier !== "auto" && request.serviceTier !== "default",
      "Cohere has no tiers",
    ],
    ["user", request.endUser !== undefined, "Cohere takes no name of an end user"],
    ["metadata", Object.keys(request.metadata ?? {}).length > 0, "kept by the gateway, not sent to Cohere"],
    ["store", request.store === true, "nothing is stored at the provider"],
    ["cache_control", request.cache !== undefined, "Cohere decides by itself what it caches"],
  ];
  for (const [field, present, reason] of unused) if (present) warn({ field, action: "dropped", reason });
}

// ── sampling ─────────────────────────────────────────────────────────────────────────────────────────────────

function limit(asked: number | undefined, { capabilities, warn }: EncodeContext): number | undefined {
  const most = capabilities.maxOutputTokens;
  if (asked === undefined || most === undefined || asked <= most) return asked;
  warn({ field: "max_tokens", action: "approximated", reason: `the model gives at most ${most} tokens` });
  return most;
}

/** The vendor's name for a field, and the range that it answers 400 outside of. */
const ranges = [
  { name: "temperature", from: "temperature", field: "temperature", least: 0, most: 1 },
  { name: "p", from: "topP", field: "top_p", least: 0.01, most: 0.99 },
  { name: "k", from: "topK", field: "top_k", least: 0, most: 500 },
] as const;

function encodeSampling(body: JsonObject, request: ChatRequest, { capabilities, warn }: EncodeContext): void {
  for (const { name, from, field, least, most } of ranges) {
    const asked = request[from];
    if (asked === undefined) continue;
    if (capabilities.sampling === false) {
      warn({ field, action: "dropped", reason: "the model takes no sampling parameters" });
      continue;
    }
    const value = Math.min(Math.max(asked, least), most);
    if (value !== asked) warn({ field, action: "approximated", reason: `${asked} became ${value}: Cohere takes ${least} to ${most}` });
    body[name] = value;
  }
  if (request.seed === undefined) return;
  if (request.seed >= 0) body["seed"] = request.seed;
  else warn({ field: "seed", action: "dropped", reason: "Cohere takes no negative seed" });
}

/** From 0 to 1, and one of the two: "cannot specify both frequency_penalty and presence_penalty" is a 400. */
function encodePenalties(body: JsonObject, request: ChatRequest, { warn }: EncodeContext): void {
  const asked = [
    ["frequency_penalty", request.frequencyPenalty],
    ["presence_penalty", request.presencePenalty],
  ] as const;
  let sent = false;
  for (const [field, value] of asked) {
    // Zero is the default.
    if (value === undefined || value === 0) continue;
    if (value < 0) warn({ field, action: "dropped", reason: "Cohere takes no negative penalty" });
    else if (sent) warn({ field, action: "dropped", reason: "Cohere takes one penalty at a time: frequency_penalty was sent" });
    else {
      sent = true;
      body[field] = Math.min(value, 1);
      if (value > 1) warn({ field, action: "approximated", reason: `${value} became 1, Cohere's highest` });
    }
  }
}

// ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────

/** `tools`, `tool_choice` and `strict_tools`, as far as they are needed. */
function encodeTools({ tools = [], toolChoice }: ChatRequest, context: EncodeContext): JsonObject {
  if (tools.length === 0) return {};
  if (context.quirks.has("no-tools") || context.capabilities.tools === false) throw unsupportedField("tools", "the model takes no tools.");
  const encoded = tools.map((tool, index) => ({ tool, body: encodeTool(tool, `tools[${index}]`, context) }));
  const offered = encoded.filter(({ tool }) => isOffered(tool.name, toolChoice));
  const choice = encodeChoice(toolChoice, context);
  if (offered.length === 0) return {};
  const fields: JsonObject = { tools: offered.map(({ body }) => body) };
  if (choice !== undefined) fields["tool_choice"] = choice;
  if (
    isStrict(
      offered.map(({ tool }) => tool),
      context,
    )
  )
    fields["strict_tools"] = true;
  return fields;
}

function isOffered(name: string, choice: ToolChoice | undefined): boolean {
  if (choice?.type === "tool") return choice.name === name;
  return choice?.type !== "allowed" || choice.names.includes(name);
}

/** Auto is the absence of a choice, and a choice by name there is none: the tool is offered alone. */
function encodeChoice(choice: ToolChoice | undefined, { capabilities, quirks, warn }: EncodeContext): "REQUIRED" | "NONE" | undefined {
  if (!choice || choice.type === "auto") return undefined;
  if (choice.type === "none") return "NONE";
  if (choice.type === "tool" || choice.type === "allowed") {
    warn({ field: "tool_choice", action: "emulated", reason: "Cohere takes no choice by name: the chosen tools are offered alone" });
  }
  if (choice.type === "allowed" && choice.mode === "auto") return undefined;
  if (capabilities.forcedToolChoice !== false && !quirks.has("no-tool-choice")) return "REQUIRED";
  warn({ field: "tool_choice", action: "approximated", reason: "the model cannot be forced to call a tool" });
  return undefined;
}

/** One switch for all tools, and each must then require a parameter. */
function isStrict(tools: readonly Tool[], { quirks, warn }: EncodeContext): boolean {
  const strict = tools.filter((tool) => tool.strict);
  if (strict.length === 0) return false;
  const requires = ({ parameters }: Tool): boolean => Array.isArray(parameters?.["required"]) && parameters["required"].length > 0;
  if (strict.length === tools.length && tools.every(requires) && !quirks.has("no-strict")) return true;
  warn({
    field: "tools[].strict",
    action: "dropped",
    reason: "Cohere is strict about all tools or none, and each must require a parameter",
  });
  return false;
}

function encodeTool(tool: Tool, at: string, { warn }: EncodeContext): JsonObject {
  if (tool.kind === "vendor")
    throw unsupportedField(at, `the tool ${tool.name.slice(0, 60)} is known to ${tool.extra?.format ?? "another format"} only.`);
  const definition: JsonObject = { name: tool.name };
  if (tool.kind === "custom") {
    const grammar = tool.input && tool.input["type"] !== "text" ? tool.input : undefined;
    warn({
      field: at,
      action: "emulated",
      reason: `sent as a function with one text argument${grammar ? ": the grammar is told, not enforced" : ""}`,
    });
    const described = [tool.description, grammar && `The \`input\` must match this format: ${JSON.stringify(grammar)}`]
      .filter(Boolean)
      .join("\n\n");
    if (described !== "") definition["description"] = described;
    definition["parameters"] = freeText;
  } else {
    if (tool.description !== undefined) definition["description"] = tool.description;
    definition["parameters"] = tool.parameters ?? { type: "object", properties: {} };
  }
  if (tool.cache) warn({ field: `${at}.cache_control`, action: "dropped", reason: "Cohere decides by itself what it caches" });
  const encoded: JsonObject = { type: "function", function: definition };
  spendExtra(encoded, tool.extra, format, `${at}.`, warn);
  return encoded;
}

const freeText: JsonObject = {
  type: "object",
  properties: { input: { type: "string", description: "The tool's whole input, as plain text." } },
  required: ["input"],
};

// ── the shape of the answer ──────────────────────────────────────────────────────────────────────────────────

interface Shape {
  format?: JsonObject | undefined;
  /** For the model's eyes, where the provider cannot hold it to the shape. */
  instruction?: string | undefined;
}

/** "The parameter is not supported when used in combinations with the `documents` or `tools` parameters": beside them the model is told instead. */
function encodeShape(output: OutputShape | undefined, beside: boolean, { capabilities, quirks, warn }: EncodeContext): Shape {
  if (!output || output.type === "text") return {};
  const { structuredOutput } = capabilities;
  if (structuredOutput === "none" || quirks.has("no-response-format"))
    throw unsupportedField("response_format", "the model has no JSON mode.");
  if (beside) {
    warn({
      field: "response_format",
      action: "emulated",
      reason: "Cohere takes no response format beside tools or documents: the model was instructed",
    });
    return { instruction: instructionFor(output) };
  }
  if (output.type === "json-object") return { format: { type: "json_object" } };
  if (structuredOutput === "object" || quirks.has("no-json-schema")) {
    warn({
      field: "response_format",
      action: "emulated",
      reason: "the model has JSON mode without schemas: the schema is given as an instruction",
    });
    return { format: { type: "json_object" }, instruction: instructionFor(output) };
  }
  const described = output.description !== undefined && output.schema["description"] === undefined;
  return {
    format: { type: "json_object", json_schema: described ? { ...output.schema, description: output.description } : output.schema },
  };
}

function instructionFor(output: Exclude<OutputShape, { type: "text" }>): string {
  if (output.type === "json-object")
    return "When you answer, answer with one valid JSON object and nothing else: no other text, no code fence.";
  return `When you answer, answer with JSON that conforms to this JSON Schema and with nothing else: no other text, no code fence.\n${JSON.stringify(output.schema)}`;
}

/** Behind what the system message says, so that a cached beginning stays the same. */
function instruct(messages: JsonObject[], instruction: string): void {
  const [head] = messages;
  if (head?.["role"] === "system") head["content"] = `${String(head["content"])}\n\n${instruction}`;
  else messages.unshift({ role: "system", content: instruction });
}
