/** A canonical request as the body that Anthropic takes. One place for each field: sent, sent otherwise, left out with a warning, or refused by name. */

import type { ChatRequest } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { collapse, mark } from "./encode-content.ts";
import type { Block } from "./encode-content.ts";
import { planReasoning } from "./encode-reasoning.ts";
import { encodeTools } from "./encode-tools.ts";
import { encodeConversation, lacksThinking } from "./encode-turns.ts";
import type { Turn } from "./encode-turns.ts";
import { format, own } from "./format.ts";
import { sanitiseSchema } from "./schema.ts";

export function encodeRequest(request: ChatRequest, given: EncodeContext): JsonObject {
  const context = warnOnce(given);
  refuse(request);
  const { system, turns } = encodeConversation(request.messages, context);
  const plan = planReasoning(request, lacksThinking(turns), context);
  const thinks = plan.thinking?.type === "enabled" || plan.thinking?.type === "adaptive";
  settleEnd(turns, context);

  const body: JsonObject = { model: request.model, max_tokens: plan.maxTokens };
  const output: JsonObject = { ...(isObject(own(request.extra).output_config) ? (own(request.extra).output_config as JsonObject) : {}) };
  if (plan.effort !== undefined) output.effort = plan.effort;
  encodeOutput(request, output, system, context);
  if (system.length > 0) body.system = collapse(system);
  body.messages = turns.map((turn): JsonObject => ({ role: turn.role, content: collapse(turn.content), ...turn.fields }));
  encodeTools(body, request, turns, plan.thinking?.type === "enabled", context);
  if (plan.thinking) body.thinking = plan.thinking;
  if (Object.keys(output).length > 0) body.output_config = output;
  encodeSampling(body, request, thinks, context);
  encodeStop(body, request, context);
  encodeTierAndUser(body, request, context);
  if (request.stream) body.stream = true;
  if (request.cache) mark(body, request.cache, "cache_control", context);
  warnUnused(request, context);
  if (request.extra) {
    // `output_config` and `metadata` have been merged field by field above.
    const { output_config: _, metadata: __, ...rest } = request.extra.fields;
    spendExtra(
      body,
      { format: request.extra.format, fields: request.extra.format === format ? rest : request.extra.fields },
      format,
      "",
      context.warn,
    );
  }
  limitCacheMarks(body, context);
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

/** What the caller relies on and Anthropic cannot give. */
function refuse(request: ChatRequest): void {
  if ((request.choices ?? 1) > 1) throw unsupportedField("n", "Anthropic gives one answer a request");
  if (request.logprobs) throw unsupportedField("logprobs", "Anthropic gives no log probabilities");
  if (request.logitBias && Object.keys(request.logitBias).length > 0) throw unsupportedField("logit_bias", "Anthropic has no token bias");
  const media = request.modalities?.find((modality) => modality !== "text");
  if (media !== undefined) throw unsupportedField("modalities", `Anthropic answers in text, not ${media}`);
}

/** Tuning that is left out, and says so; zero penalties and an unset store mean nothing and need no word. */
function warnUnused(request: ChatRequest, context: EncodeContext): void {
  const unused: [string, boolean, string][] = [
    ["seed", request.seed !== undefined, "Anthropic takes no seed"],
    ["frequency_penalty", (request.frequencyPenalty ?? 0) !== 0, "Anthropic takes no penalties"],
    ["presence_penalty", (request.presencePenalty ?? 0) !== 0, "Anthropic takes no penalties"],
    ["verbosity", request.verbosity !== undefined, "Anthropic has no verbosity setting"],
    ["prompt_cache_key", request.promptCacheKey !== undefined, "Anthropic finds cached prompts without a key"],
    ["store", request.store === true, "nothing is stored at the provider"],
    ["metadata", Object.keys(request.metadata ?? {}).length > 0, "kept by the gateway, not sent to Anthropic"],
  ];
  for (const [field, present, reason] of unused) if (present) context.warn({ field, action: "dropped", reason });
}

function encodeSampling(body: JsonObject, request: ChatRequest, thinks: boolean, context: EncodeContext): void {
  const { temperature, topP, topK } = request;
  const drop = (field: string, reason: string) => context.warn({ field, action: "dropped", reason });
  if (context.capabilities.sampling === false) {
    // Their defaults are what the model does anyway.
    if (temperature !== undefined && temperature !== 1) drop("temperature", "this model refuses sampling parameters");
    if (topP !== undefined && topP !== 1) drop("top_p", "this model refuses sampling parameters");
    if (topK !== undefined) drop("top_k", "this model refuses sampling parameters");
    return;
  }
  if (thinks) {
    if (temperature !== undefined && temperature !== 1) drop("temperature", "a thinking model takes no temperature");
    if (topK !== undefined) drop("top_k", "a thinking model takes no top_k");
    if (topP !== undefined && topP >= 0.95) body.top_p = Math.min(topP, 1);
    else if (topP !== undefined) drop("top_p", "a thinking model takes no top_p below 0.95");
    return;
  }
  if (topK !== undefined) body.top_k = topK;
  // From Claude 4.1 on both together are refused, the default of either included.
  if (topP !== undefined && (temperature === undefined || temperature === 1)) {
    body.top_p = topP;
    return;
  }
  if (topP !== undefined && topP !== 1) drop("top_p", "Anthropic takes temperature or top_p, not both: temperature was sent");
  if (temperature === undefined) return;
  body.temperature = Math.min(temperature, 1);
  if (temperature > 1)
    context.warn({ field: "temperature", action: "approximated", reason: `${temperature} became 1, Anthropic's highest` });
}

function encodeStop(body: JsonObject, request: ChatRequest, context: EncodeContext): void {
  if (!request.stop || request.stop.length === 0) return;
  if (context.quirks.has("no-stop")) throw unsupportedField("stop", "this provider takes no stop sequences");
  const sequences = request.stop.filter((sequence) => sequence.trim() !== "");
  if (sequences.length < request.stop.length) {
    context.warn({ field: "stop", action: "dropped", reason: "Anthropic refuses stop sequences that are only white space" });
  }
  if (sequences.length > 0) body.stop_sequences = sequences;
}

function encodeTierAndUser(body: JsonObject, request: ChatRequest, context: EncodeContext): void {
  const tier = request.serviceTier;
  const known: Record<string, string> = { auto: "auto", standard_only: "standard_only", default: "standard_only" };
  if (tier !== undefined && known[tier] !== undefined && !context.quirks.has("no-service-tier")) body.service_tier = known[tier];
  else if (tier !== undefined)
    context.warn({ field: "service_tier", action: "dropped", reason: `Anthropic has no tier ${tier} to ask for` });

  const metadata: JsonObject = isObject(own(request.extra).metadata) ? { ...(own(request.extra).metadata as JsonObject) } : {};
  if (request.endUser !== undefined && !context.quirks.has("no-user")) metadata.user_id = request.endUser;
  if (Object.keys(metadata).length > 0) body.metadata = metadata;
}

// ── the shape of the answer ──────────────────────────────────────────────────────────────────────────────────

/** There is no JSON mode without a schema, and older models have none at all: there the system prompt asks for it. */
function encodeOutput(request: ChatRequest, output: JsonObject, system: Block[], context: EncodeContext): void {
  const shape = request.output;
  if (!shape || shape.type === "text") return;
  if (shape.type === "json-object") {
    system.push({ type: "text", text: "Answer with one valid JSON object and nothing else: no other text, no code fence." });
    context.warn({
      field: "response_format",
      action: "emulated",
      reason: "Anthropic has no JSON mode without a schema: the model was instructed",
    });
    return;
  }
  const { structuredOutput } = context.capabilities;
  const native = structuredOutput === undefined || structuredOutput === "schema";
  if (!native || context.quirks.has("no-json-schema") || context.quirks.has("no-response-format")) {
    const described = shape.description ? ` (${shape.description})` : "";
    const text = `Answer with one JSON object${described} that is valid against this JSON Schema, and nothing else: no other text, no code fence.\n${JSON.stringify(shape.schema)}`;
    system.push({ type: "text", text });
    context.warn({ field: "response_format", action: "emulated", reason: "this model does not enforce schemas: it was instructed" });
    return;
  }
  const { schema, moved } = sanitiseSchema(shape.schema);
  if (shape.description && schema.description === undefined) schema.description = shape.description;
  if (moved.length > 0) {
    context.warn({
      field: "response_format",
      action: "approximated",
      reason: `Anthropic does not enforce ${moved.join(", ")}: moved into the description`,
    });
  }
  output.format = { type: "json_schema", schema };
}

// ── the end of the conversation, and the cache ───────────────────────────────────────────────────────────────

/** An answer begun by the client is continued; the vendor wants no trailing white space in it, and newer models want none at all. */
function settleEnd(turns: Turn[], context: EncodeContext): void {
  if (turns.length === 0) {
    turns.push({ role: "user", content: [{ type: "text", text: "(start of the conversation)" }], fields: {} });
    context.warn({ field: "messages", action: "repaired", reason: "Anthropic needs a user turn: a placeholder was sent" });
    return;
  }
  const last = turns.at(-1);
  if (last?.role !== "assistant" || last.content.some((block) => block.type === "tool_use")) return;
  const block = last.content.at(-1);
  if (context.capabilities.prefill === false) {
    turns.push({
      role: "user",
      content: [{ type: "text", text: "Continue exactly where your last message ends, without repeating any of it." }],
      fields: {},
    });
    context.warn({ field: "messages", action: "emulated", reason: "this model continues no begun answer: it was asked to" });
    return;
  }
  if (block?.type !== "text" || typeof block.text !== "string") return;
  const trimmed = block.text.trimEnd();
  if (trimmed === block.text) return;
  context.warn({
    field: "messages",
    action: "repaired",
    reason: "Anthropic refuses a begun answer that ends in white space: it was trimmed",
  });
  if (trimmed !== "") block.text = trimmed;
  else last.content.pop();
  if (last.content.length === 0) turns.pop();
}

/** Four marks a request, the whole request's own included; the last ones cache the most. */
function limitCacheMarks(body: JsonObject, context: EncodeContext): void {
  const marked: JsonObject[] = [];
  const collect = (list: Json | undefined): void => {
    if (!Array.isArray(list)) return;
    for (const item of list) {
      if (!isObject(item)) continue;
      if (item.type === "tool_result") collect(item.content);
      if (item.cache_control) marked.push(item);
    }
  };
  collect(body.tools);
  collect(body.system);
  for (const message of body.messages as JsonObject[]) collect(message.content);
  const surplus = marked.length - (body.cache_control ? 3 : 4);
  for (let index = 0; index < surplus; index++) delete marked[index]?.cache_control;
  if (surplus > 0) {
    context.warn({
      field: "cache_control",
      action: "dropped",
      reason: "Anthropic takes four cache marks a request: the first ones were left out",
    });
  }
}
