/** A canonical request as the body that Ollama takes. One place for each field: sent, sent otherwise, left out with a warning, or refused by name. */

import type { ChatRequest, OutputShape, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { encodeMessages } from "./encode-messages.ts";
import { encodeThink } from "./encode-think.ts";
import { format, own } from "./format.ts";

export function encodeRequest(request: ChatRequest, given: EncodeContext): JsonObject {
  const context = warnOnce(given);
  refuse(request, context);
  const tools = encodeTools(request, context);
  const shape = encodeShape(request.output, tools.length > 0, context);
  const messages = encodeMessages(request.messages, context);
  if (shape.instruction !== undefined) instruct(messages, shape.instruction);
  const body: JsonObject = {
    model: request.model,
    messages,
    // Streaming is what it does unless told otherwise.
    stream: request.stream,
  };
  if (tools.length > 0) body["tools"] = tools;
  if (shape.format !== undefined) body["format"] = shape.format;
  const think = encodeThink(request.reasoning, context);
  if (think !== undefined) body["think"] = think;
  const options = encodeOptions(request, context);
  if (Object.keys(options).length > 0) body["options"] = options;
  if (request.logprobs) {
    body["logprobs"] = true;
    if (request.logprobs.top > 0) body["top_logprobs"] = request.logprobs.top;
  }
  warnUnused(request, context);
  spendOwn(body, request, context);
  // Without it a conversation that is too long loses its beginning in silence, often the system prompt and the tools, and the answer is a 200
  // (ollama/ollama#4967, #18107). With it the caller is told, compacts, or falls back. Known from 0.12.6 on; before, it is passed over.
  body["truncate"] ??= false;
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

/** What the caller relies on and Ollama cannot give. */
function refuse(request: ChatRequest, { quirks, capabilities }: EncodeContext): void {
  // It would load the model and say nothing, with `done_reason: "load"`.
  if (request.messages.length === 0) throw unsupportedField("messages", "Ollama needs at least one message.");
  if ((request.choices ?? 1) > 1) throw unsupportedField("n", "Ollama gives one answer a request.");
  if (request.logitBias && Object.keys(request.logitBias).length > 0) throw unsupportedField("logit_bias", "Ollama has no token bias.");
  if (request.logprobs && quirks.has("no-logprobs")) throw unsupportedField("logprobs", "the provider gives no log probabilities.");
  const media = request.modalities?.find((modality) => modality !== "text");
  if (media !== undefined) throw unsupportedField("modalities", `Ollama answers in text, not ${media}.`);
  const last = request.messages.length - 1;
  if (capabilities.prefill === false && request.messages[last]?.role === "assistant") {
    throw unsupportedField(`messages[${last}]`, "the model takes no assistant message as the last one.");
  }
}

/** What is left out and says so; what only repeats a default needs no word, nor does a key for a cache that finds its way without one. */
function warnUnused(request: ChatRequest, { warn }: EncodeContext): void {
  const unused: [string, boolean, string][] = [
    ["parallel_tool_calls", request.parallelToolCalls === false, "Ollama cannot be held to one tool call a turn"],
    ["verbosity", request.verbosity !== undefined && request.verbosity !== "medium", "Ollama has no verbosity setting"],
    [
      "service_tier",
      request.serviceTier !== undefined && request.serviceTier !== "auto" && request.serviceTier !== "default",
      "Ollama has no tiers",
    ],
    ["user", request.endUser !== undefined, "Ollama takes no name of an end user"],
    ["metadata", Object.keys(request.metadata ?? {}).length > 0, "kept by the gateway, not sent to Ollama"],
    ["store", request.store === true, "nothing is stored at the provider"],
    ["cache_control", request.cache !== undefined, "Ollama decides by itself what it caches"],
  ];
  for (const [field, present, reason] of unused) if (present) warn({ field, action: "dropped", reason });
}

/**
 * `keep_alive` and the like, from a client that writes them. The options have been merged field by field.
 * The window (`num_ctx`) is set by nobody else: what a model can hold is not what the machine can, and another size than the last one loads the model anew.
 */
function spendOwn(body: JsonObject, { extra }: ChatRequest, { warn }: EncodeContext): void {
  if (!extra) return;
  const { options: _, ...rest } = extra.fields;
  spendExtra(body, extra.format === format ? { format, fields: rest } : extra, format, "", warn);
}

// ── options ──────────────────────────────────────────────────────────────────────────────────────────────────

function encodeOptions(request: ChatRequest, context: EncodeContext): JsonObject {
  const { options: given } = own(request.extra);
  const options: JsonObject = isObject(given) ? { ...given } : {};
  const set = (name: string, value: Json | undefined): void => {
    if (value !== undefined) options[name] = value;
  };
  set("num_predict", maxTokens(request.maxOutputTokens, context));
  for (const [name, field, value] of [
    ["temperature", "temperature", request.temperature],
    ["top_p", "top_p", request.topP],
    ["top_k", "top_k", request.topK],
  ] as const) {
    if (value === undefined) continue;
    if (context.capabilities.sampling === false)
      context.warn({ field, action: "dropped", reason: "the model takes no sampling parameters" });
    else options[name] = value;
  }
  set("seed", request.seed);
  set("frequency_penalty", request.frequencyPenalty);
  set("presence_penalty", request.presencePenalty);
  if (request.stop && request.stop.length > 0) options["stop"] = request.stop;
  return options;
}

function maxTokens(asked: number | undefined, { capabilities, warn }: EncodeContext): number | undefined {
  const most = capabilities.maxOutputTokens;
  if (asked === undefined || most === undefined || asked <= most) return asked;
  warn({ field: "max_tokens", action: "approximated", reason: `the model gives at most ${most} tokens` });
  return most;
}

// ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Those that may be called. */
function encodeTools({ tools = [], toolChoice }: ChatRequest, context: EncodeContext): JsonObject[] {
  if (tools.length === 0) return [];
  if (context.quirks.has("no-tools") || context.capabilities.tools === false) throw unsupportedField("tools", "the model takes no tools.");
  const encoded = tools.map((tool, index) => ({ name: tool.name, body: encodeTool(tool, `tools[${index}]`, context) }));
  warnChoice(toolChoice, context);
  return encoded.filter(({ name }) => isOffered(name, toolChoice)).map((tool) => tool.body);
}

function isOffered(name: string, choice: ToolChoice | undefined): boolean {
  if (choice?.type === "none") return false;
  if (choice?.type === "tool") return choice.name === name;
  return choice?.type !== "allowed" || choice.names.includes(name);
}

/** There is no word for the choice: what may not be called is not offered, and nothing forces a call. */
function warnChoice(choice: ToolChoice | undefined, { warn }: EncodeContext): void {
  if (!choice || choice.type === "auto") return;
  if (choice.type === "none" || (choice.type === "allowed" && choice.mode === "auto")) {
    warn({ field: "tool_choice", action: "emulated", reason: "Ollama has no tool choice: tools that may not be called are not offered" });
  } else {
    warn({
      field: "tool_choice",
      action: "approximated",
      reason: "Ollama cannot be forced to call a tool: it is offered the chosen ones only",
    });
  }
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
    if (tool.strict) warn({ field: `${at}.strict`, action: "dropped", reason: "Ollama does not hold tool arguments to their schema" });
  }
  if (tool.cache) warn({ field: `${at}.cache_control`, action: "dropped", reason: "Ollama decides by itself what it caches" });
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
  format?: Json | undefined;
  /** For the model's eyes, where the provider cannot hold it to the shape. */
  instruction?: string | undefined;
}

/**
 * The server itself holds any model to the shape, by a grammar: what the model can do by itself is not asked. But the grammar begins with the first
 * word, so that a tool is never called (ollama/ollama#8095, #11037): beside tools the model is told instead.
 */
function encodeShape(output: OutputShape | undefined, beside: boolean, { quirks, warn }: EncodeContext): Shape {
  if (!output || output.type === "text") return {};
  if (quirks.has("no-response-format")) throw unsupportedField("response_format", "the provider has no JSON mode.");
  if (beside) {
    warn({
      field: "response_format",
      action: "emulated",
      reason: "a format would keep Ollama from calling tools: the model was instructed",
    });
    return { instruction: instructionFor(output) };
  }
  if (output.type === "json-object") return { format: "json" };
  if (quirks.has("no-json-schema")) {
    warn({
      field: "response_format",
      action: "emulated",
      reason: "the provider has JSON mode without schemas: the schema is given as an instruction",
    });
    return { format: "json", instruction: instructionFor(output) };
  }
  const described = output.description !== undefined && output.schema["description"] === undefined;
  return { format: described ? { ...output.schema, description: output.description } : output.schema };
}

function instructionFor(output: Exclude<OutputShape, { type: "text" }>): string {
  if (output.type === "json-object")
    return "When you answer, answer with one valid JSON object and nothing else: no other text, no code fence.";
  return `When you answer, answer with JSON that conforms to this JSON Schema and with nothing else: no other text, no code fence.\n${JSON.stringify(output.schema)}`;
}

/** Behind what the system messages at the head say, so that a cached beginning stays the same. */
function instruct(messages: JsonObject[], instruction: string): void {
  const after = messages.findIndex(({ role }) => role !== "system");
  const head = messages[(after < 0 ? messages.length : after) - 1];
  if (head) head["content"] = `${String(head["content"])}\n\n${instruction}`;
  else messages.unshift({ role: "system", content: instruction });
}
