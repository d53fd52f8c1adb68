/** A canonical request as the body that Gemini takes. One place for each field: sent, sent otherwise, left out with a warning, or refused by name. */

import type { ChatRequest, Message } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import type { EncodeContext } from "../../codec.ts";
import { noteCache } from "./encode-content.ts";
import type { Part } from "./encode-content.ts";
import { encodeThinking } from "./encode-reasoning.ts";
import { encodeTools } from "./encode-tools.ts";
import { encodeConversation } from "./encode-turns.ts";
import type { Content } from "./encode-turns.ts";
import { format } from "./format.ts";
import { sanitiseSchema } from "./schema.ts";

const mostStops = 5;
const mostCandidates = 8;

export function encodeRequest(request: ChatRequest, given: EncodeContext): JsonObject {
  const context = warnOnce(given);
  refuse(request, context);
  const { messages, cachedContent } = takeCache(request.messages);
  const { system, contents } = encodeConversation(messages, context);
  settleEnd(contents, context);
  const config: JsonObject = {};
  encodeOutput(request, config, system, context);
  encodeSettings(request, config, context);
  const thinking = encodeThinking(request, context);
  if (thinking) config.thinkingConfig = thinking;

  const body: JsonObject = { contents: contents as unknown as JsonObject[] };
  if (system.length > 0) body.systemInstruction = { parts: system };
  encodeTools(body, request, context);
  if (Object.keys(config).length > 0) body.generationConfig = config;
  if (cachedContent !== undefined) body.cachedContent = cachedContent;
  encodeTier(body, request, context);
  noteCache(request.cache, context);
  warnUnused(request, context);
  spendPocket(body, request, context);
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

/** What the caller relies on and Gemini cannot give. */
function refuse(request: ChatRequest, { quirks }: EncodeContext): void {
  const { choices = 1, stop = [], logitBias } = request;
  if (logitBias && Object.keys(logitBias).length > 0) throw unsupportedField("logit_bias", "Gemini has no token bias");
  if (choices > mostCandidates) throw unsupportedField("n", `Gemini gives at most ${mostCandidates} answers a request`);
  if (choices > 1 && quirks.has("no-n")) throw unsupportedField("n", "this provider gives one answer a request");
  if (stop.length > mostStops) throw unsupportedField("stop", `Gemini takes at most ${mostStops} stop sequences`);
  if (stop.length > 0 && quirks.has("no-stop")) throw unsupportedField("stop", "this provider takes no stop sequences");
  if (request.logprobs && quirks.has("no-logprobs")) throw unsupportedField("logprobs", "this provider gives no log probabilities");
}

/** Tuning and accounting that is left out, and says so; what means nothing needs no word. */
function warnUnused(request: ChatRequest, context: EncodeContext): void {
  const unused: [string, boolean, string][] = [
    ["verbosity", request.verbosity !== undefined, "Gemini has no verbosity setting"],
    ["prompt_cache_key", request.promptCacheKey !== undefined, "Gemini finds cached prompts without a key"],
    ["store", request.store === true, "nothing is stored at the provider"],
    ["user", request.endUser !== undefined, "kept by the gateway, not sent to Google"],
    ["metadata", Object.keys(request.metadata ?? {}).length > 0, "kept by the gateway, not sent to Google"],
  ];
  for (const [field, present, reason] of unused) if (present) context.warn({ field, action: "dropped", reason });
}

/** The name of a cache stands in the conversation that it begins: see `decodeMessages`. */
function takeCache(messages: readonly Message[]): { messages: Message[]; cachedContent: Json | undefined } {
  let cachedContent: Json | undefined;
  const rest = messages.filter((message) => {
    const [part] = message.role === "user" && message.content.length === 1 ? message.content : [];
    if (part?.type !== "vendor" || part.format !== format || part.value.cachedContent === undefined) return true;
    cachedContent = part.value.cachedContent;
    return false;
  });
  return { messages: rest, cachedContent };
}

// ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────

function encodeSettings(request: ChatRequest, config: JsonObject, context: EncodeContext): void {
  const { quirks } = context;
  const drop = (field: string, reason: string) => context.warn({ field, action: "dropped", reason });
  if (context.capabilities.sampling === false) {
    if (request.temperature !== undefined) drop("temperature", "this model refuses sampling parameters");
    if (request.topP !== undefined) drop("top_p", "this model refuses sampling parameters");
    if (request.topK !== undefined) drop("top_k", "this model refuses sampling parameters");
  } else {
    if (request.temperature !== undefined) config.temperature = request.temperature;
    if (request.topP !== undefined) config.topP = request.topP;
    if (request.topK !== undefined) config.topK = request.topK;
  }
  if (request.maxOutputTokens !== undefined) config.maxOutputTokens = clampLimit(request.maxOutputTokens, context);
  if (request.stop && request.stop.length > 0) config.stopSequences = request.stop;
  if ((request.choices ?? 1) > 1) config.candidateCount = request.choices;
  if (request.seed !== undefined) {
    if (quirks.has("no-seed")) drop("seed", "this provider takes no seed");
    else config.seed = fitSeed(request.seed, context);
  }
  for (const [field, name] of [
    ["frequency_penalty", "frequencyPenalty"],
    ["presence_penalty", "presencePenalty"],
  ] as const) {
    const penalty = request[name];
    if (penalty === undefined || (penalty === 0 && quirks.has("no-penalties"))) continue;
    if (quirks.has("no-penalties")) drop(field, "this provider takes no penalties");
    else config[name] = penalty;
  }
  if (request.logprobs) {
    config.responseLogprobs = true;
    if (request.logprobs.top > 0) config.logprobs = request.logprobs.top;
  }
  if (request.modalities?.some((modality) => modality !== "text"))
    config.responseModalities = request.modalities.map((modality) => modality.toUpperCase());
}

function clampLimit(asked: number, context: EncodeContext): number {
  const ceiling = context.capabilities.maxOutputTokens;
  if (ceiling === undefined || asked <= ceiling) return asked;
  context.warn({ field: "max_tokens", action: "approximated", reason: `${asked} became ${ceiling}, the most that this model writes` });
  return ceiling;
}

/** The seed is an int32 here, and longer ones elsewhere. */
function fitSeed(seed: number, context: EncodeContext): number {
  const fitted = seed | 0;
  if (fitted !== seed)
    context.warn({ field: "seed", action: "approximated", reason: `Gemini takes seeds of 32 bits: ${seed} became ${fitted}` });
  return fitted;
}

function encodeTier(body: JsonObject, request: ChatRequest, context: EncodeContext): void {
  const tier = request.serviceTier;
  if (tier === undefined || tier === "auto") return;
  const known: Record<string, string> = {
    default: "standard",
    standard: "standard",
    standard_only: "standard",
    flex: "flex",
    priority: "priority",
  };
  const word = Object.hasOwn(known, tier) && !context.quirks.has("no-service-tier") ? known[tier] : undefined;
  if (word !== undefined) body.serviceTier = word;
  else context.warn({ field: "service_tier", action: "dropped", reason: `Gemini has no tier ${tier} to ask for` });
}

// ── the shape of the answer ──────────────────────────────────────────────────────────────────────────────────

function encodeOutput(request: ChatRequest, config: JsonObject, system: Part[], context: EncodeContext): void {
  const shape = request.output;
  if (!shape || shape.type === "text") return;
  const { structuredOutput = "schema" } = context.capabilities;
  const bare = structuredOutput === "none" || context.quirks.has("no-response-format");
  if (shape.type === "json-object") {
    if (!bare) config.responseMimeType = "application/json";
    else instruct(system, "Answer with one valid JSON object and nothing else: no other text, no code fence.", context);
    return;
  }
  if (bare || structuredOutput === "object" || context.quirks.has("no-json-schema")) {
    if (!bare) config.responseMimeType = "application/json";
    const described = shape.description ? ` (${shape.description})` : "";
    instruct(
      system,
      `Answer with one JSON value${described} that is valid against this JSON Schema, and nothing else: no other text, no code fence.\n${JSON.stringify(shape.schema)}`,
      context,
    );
    return;
  }
  const { schema, moved } = sanitiseSchema(shape.schema);
  if (shape.description && schema.description === undefined && schema.$ref === undefined) schema.description = shape.description;
  if (moved.length > 0) {
    const reason = `Gemini does not enforce ${moved.join(", ")}: moved into the description`;
    context.warn({ field: "response_format", action: "approximated", reason });
  }
  config.responseMimeType = "application/json";
  config.responseJsonSchema = schema;
}

function instruct(system: Part[], text: string, context: EncodeContext): void {
  system.push({ text });
  context.warn({
    field: "response_format",
    action: "emulated",
    reason: "this model does not enforce the answer's shape: it was instructed",
  });
}

// ── the end of the conversation, and the pocket ──────────────────────────────────────────────────────────────

/** An answer begun by the client is continued by models that know how; others are asked to. */
function settleEnd(contents: Content[], context: EncodeContext): void {
  const last = contents.at(-1);
  if (context.capabilities.prefill !== false || last?.role !== "model" || last.parts.some((part) => part.functionCall)) return;
  contents.push({ role: "user", parts: [{ text: "Continue exactly where your last message ends, without repeating any of it." }] });
  context.warn({ field: "messages", action: "emulated", reason: "this model continues no begun answer: it was asked to" });
}

/** Fields of inner messages lie in the pocket under their whole path: `generationConfig.speechConfig`. */
function spendPocket(body: JsonObject, request: ChatRequest, context: EncodeContext): void {
  const { extra } = request;
  if (!extra) return;
  for (const [path, value] of Object.entries(extra.fields)) {
    if (extra.format !== format) {
      context.warn({ field: path, action: "dropped", reason: `${format} has no such field` });
      continue;
    }
    const names = path.split(".");
    const name = names.pop() as string;
    let into = body;
    for (const inner of names) {
      const known = into[inner];
      const message: JsonObject = isObject(known) ? known : {};
      into[inner] = message;
      into = message;
    }
    // The mode alone is a sharper word for what the canonical choice says already.
    if (path === "toolConfig.functionCallingConfig.mode") into[name] = value;
    else into[name] ??= value;
  }
}
