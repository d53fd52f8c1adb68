/** A client's request in Gemini's words, as a canonical request. */

import type { ChatRequest, Message, OutputShape, Reasoning, TextPart, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { invalidField } from "../../../canonical/errors.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Door } from "../../codec.ts";
import { check } from "./check.ts";
import { decodeContents } from "./decode-content.ts";
import { format, pocket } from "./format.ts";
import { camel, given, leftover, list, toNumber } from "./proto.ts";
import { toJsonSchema } from "./schema.ts";

/** Every field of the format has one place: here, or in the `extra` pocket. `headgate` is for the gateway, the path names the model. */
const mapped = [
  "contents",
  "systemInstruction",
  "tools",
  "toolConfig",
  "generationConfig",
  "cachedContent",
  "serviceTier",
  "model",
  "headgate",
];

export function decodeRequest(message: JsonObject, door: Door): ChatRequest {
  check(message);
  if (!door.model) throw invalidField("model", "is missing from the path: /v1beta/models/{model}:generateContent");
  const body = camel(message);
  const extra: JsonObject = leftover(body, mapped);
  const request: ChatRequest = { model: door.model, messages: decodeMessages(body), stream: door.stream ?? false };
  // A stream of this format always tells the usage.
  request.includeUsage = true;
  decodeTools(request, body.tools);
  if (isObject(body.toolConfig)) decodeToolConfig(request, camel(body.toolConfig), extra);
  if (isObject(body.generationConfig)) decodeGenerationConfig(request, camel(body.generationConfig), extra);
  const tier = asString(body.serviceTier)?.toLowerCase();
  if (tier !== undefined && tier !== "unspecified") request.serviceTier = tier === "standard" ? "default" : tier;
  const kept = pocket(extra);
  if (kept) request.extra = kept;
  return request;
}

function decodeMessages(body: JsonObject): Message[] {
  const messages: Message[] = [];
  const system = isObject(body.systemInstruction) ? list(camel(body.systemInstruction).parts) : [];
  const texts = system.filter(isObject).map((part): TextPart => ({
    type: "text",
    text: asString(part.text) ?? "",
    extra: pocket(leftover(camel(part), ["text", "thought"])),
  }));
  if (texts.length > 0) messages.push({ role: "system", content: texts });
  // A cache holds the beginning of the conversation: as a part of it, it is refused elsewhere rather than forgotten.
  if (asString(body.cachedContent)) {
    messages.push({ role: "user", content: [{ type: "vendor", format, value: { cachedContent: body.cachedContent } }] });
  }
  messages.push(...decodeContents(list(body.contents)));
  return messages;
}

// ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────

/** One entry of the list may declare many functions and several of Google's own tools: each becomes a tool. */
function decodeTools(request: ChatRequest, value: Json | undefined): void {
  const tools: Tool[] = [];
  for (const entry of list(value)) {
    const { functionDeclarations, ...hosted } = camel(entry as JsonObject);
    for (const declaration of list(functionDeclarations)) tools.push(decodeFunction(camel(declaration as JsonObject)));
    for (const [name, settings] of Object.entries(hosted)) {
      if (given(settings)) tools.push({ name, kind: "vendor", extra: { format, fields: { [name]: settings } } });
    }
  }
  if (tools.length > 0) request.tools = tools;
}

function decodeFunction(declaration: JsonObject): Tool {
  const { parameters, parametersJsonSchema } = declaration;
  const tool: Tool = { name: asString(declaration.name) ?? "", kind: "function" };
  if (asString(declaration.description)) tool.description = asString(declaration.description);
  if (isObject(parametersJsonSchema)) tool.parameters = parametersJsonSchema;
  else if (isObject(parameters)) tool.parameters = toJsonSchema(parameters);
  const extra = pocket(leftover(declaration, ["name", "description", "parameters", "parametersJsonSchema"]));
  if (extra) tool.extra = extra;
  return tool;
}

function decodeToolConfig(request: ChatRequest, config: JsonObject, extra: JsonObject): void {
  const calling = isObject(config.functionCallingConfig) ? camel(config.functionCallingConfig) : {};
  const mode = asString(calling.mode)?.toUpperCase();
  const names = list(calling.allowedFunctionNames).filter((name) => typeof name === "string");
  const choice = decodeChoice(mode, names);
  if (choice) request.toolChoice = choice;
  keep(extra, "toolConfig.functionCallingConfig.", leftover(calling, ["mode", "allowedFunctionNames"]));
  // Without names it is `auto` with a promise that arguments fit their schema, which only this format has a word for.
  if (mode === "VALIDATED" && names.length === 0) extra["toolConfig.functionCallingConfig.mode"] = mode;
  keep(extra, "toolConfig.", leftover(config, ["functionCallingConfig"]));
}

function decodeChoice(mode: string | undefined, names: string[]): ToolChoice | undefined {
  const [only] = names;
  switch (mode) {
    case "AUTO":
      return { type: "auto" };
    case "NONE":
      return { type: "none" };
    case "ANY":
      if (names.length === 1 && only !== undefined) return { type: "tool", name: only };
      return names.length > 0 ? { type: "allowed", mode: "required", names } : { type: "required" };
    case "VALIDATED":
      return names.length > 0 ? { type: "allowed", mode: "auto", names } : { type: "auto" };
    default:
      return undefined;
  }
}

// ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────

const settings = [
  "temperature",
  "topP",
  "topK",
  "candidateCount",
  "maxOutputTokens",
  "stopSequences",
  "presencePenalty",
  "frequencyPenalty",
  "seed",
  "responseLogprobs",
  "responseMimeType",
  "responseSchema",
  "responseJsonSchema",
  "responseModalities",
  "thinkingConfig",
];

function decodeGenerationConfig(request: ChatRequest, config: JsonObject, extra: JsonObject): void {
  const number = (name: string): number | undefined => toNumber(config[name]);
  request.temperature = number("temperature");
  request.topP = number("topP");
  request.topK = number("topK");
  request.maxOutputTokens = number("maxOutputTokens");
  request.presencePenalty = number("presencePenalty");
  request.frequencyPenalty = number("frequencyPenalty");
  request.seed = number("seed");
  const count = number("candidateCount");
  if (count !== undefined && count > 1) request.choices = count;
  const stop = list(config.stopSequences).filter((sequence) => typeof sequence === "string");
  if (stop.length > 0) request.stop = stop;
  const modalities = list(config.responseModalities).filter((modality) => typeof modality === "string");
  if (modalities.length > 0) request.modalities = modalities.map((modality) => modality.toLowerCase());
  const rest = leftover(config, settings);
  if (config.responseLogprobs === true) {
    request.logprobs = { top: number("logprobs") ?? 0 };
    delete rest.logprobs;
  }
  const output = decodeOutput(config, rest);
  if (output) request.output = output;
  if (isObject(config.thinkingConfig)) {
    const thinking = camel(config.thinkingConfig);
    request.reasoning = decodeReasoning(thinking);
    keep(extra, "generationConfig.thinkingConfig.", leftover(thinking, ["includeThoughts", "thinkingBudget", "thinkingLevel"]));
  }
  keep(extra, "generationConfig.", rest);
}

/** `text/x.enum` and what is to come have no counterpart: they wait in the pocket, with their schema. */
function decodeOutput(config: JsonObject, rest: JsonObject): OutputShape | undefined {
  const { responseMimeType, responseSchema, responseJsonSchema } = config;
  if (given(responseMimeType) && responseMimeType !== "application/json") {
    Object.assign(
      rest,
      responseMimeType !== "text/plain" && { responseMimeType },
      given(responseSchema) && { responseSchema },
      given(responseJsonSchema) && { responseJsonSchema },
    );
    return undefined;
  }
  if (isObject(responseJsonSchema)) return { type: "json-schema", schema: responseJsonSchema };
  if (isObject(responseSchema)) return { type: "json-schema", schema: toJsonSchema(responseSchema) };
  return responseMimeType === "application/json" ? { type: "json-object" } : undefined;
}

/** A budget of 0 switches thinking off, -1 leaves it to the model. */
function decodeReasoning(thinking: JsonObject): Reasoning {
  const reasoning: Reasoning = {};
  const budget = toNumber(thinking.thinkingBudget);
  const level = asString(thinking.thinkingLevel)?.toLowerCase();
  if (level !== undefined && level !== "thinking_level_unspecified") reasoning.effort = level;
  if (budget === 0) reasoning.effort = "none";
  else if (budget !== undefined && budget < 0) reasoning.adaptive = true;
  else if (budget !== undefined) reasoning.budgetTokens = budget;
  if (typeof thinking.includeThoughts === "boolean") reasoning.summary = thinking.includeThoughts ? "auto" : "omitted";
  return reasoning;
}

/** Fields of an inner message, under their whole path: a warning about one names it as the client wrote it. */
function keep(extra: JsonObject, path: string, fields: JsonObject): void {
  for (const [name, value] of Object.entries(fields)) extra[path + name] = value;
}
