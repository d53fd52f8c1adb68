/** A canonical request as the body that Converse takes. One place for each field: sent, sent otherwise, left out with a warning, or refused by name. */

import type { ChatRequest } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { limitCachePoints, pushCachePoint } from "./cache.ts";
import { DocumentNames } from "./encode-media.ts";
import type { Encoding } from "./encode-media.ts";
import { planOutput } from "./encode-output.ts";
import { planReasoning } from "./encode-reasoning.ts";
import type { ReasoningPlan } from "./encode-reasoning.ts";
import { planTools } from "./encode-tools.ts";
import { encodeConversation, lacksThinking } from "./encode-turns.ts";
import type { Turn } from "./encode-turns.ts";
import { format, own, takesMessagesFields } from "./format.ts";
import type { Block } from "./format.ts";

export function encodeRequest(request: ChatRequest, given: EncodeContext): JsonObject {
  const context = encodingOf(given);
  refuse(request, context);
  const { system, turns } = encodeConversation(request.messages, context);
  const reasoning = planReasoning(request, lacksThinking(turns), context);
  const thinks = reasoning.thinking?.type === "enabled" || reasoning.thinking?.type === "adaptive";
  settleEnd(turns, context);

  const output = planOutput(request, thinks, context);
  if (output.instruction !== undefined) system.push({ text: output.instruction });
  const tools = planTools(request, turns, output.tool, thinks, context);
  if (tools.silenced) silence(system, turns);
  if (request.cache) pushCachePoint(turns.findLast(({ role }) => role === "user")?.content ?? [], request.cache, "", context);

  const fields: JsonObject = { ...reasoning.fields };
  if (reasoning.thinking) fields.thinking = reasoning.thinking;
  if (tools.choiceField) fields.tool_choice = tools.choiceField;
  const inference = encodeInference(request, reasoning, thinks, fields, context);

  const body: JsonObject = {};
  if (system.length > 0) body.system = system;
  body.messages = turns.map(({ role, content }): JsonObject => ({ role, content }));
  if (Object.keys(inference).length > 0) body.inferenceConfig = inference;
  if (tools.toolConfig) body.toolConfig = tools.toolConfig;
  if (output.textFormat || reasoning.effort !== undefined) {
    body.outputConfig = {
      ...(output.textFormat && { textFormat: output.textFormat }),
      ...(reasoning.effort !== undefined && { effort: reasoning.effort }),
    };
  }
  // Which sequence it was is in the model's own reply, streamed and not; where the model has no such field the vendor leaves it out.
  if (inference.stopSequences) body.additionalModelResponseFieldPaths = ["/stop_sequence", "/delta/stop_sequence"];
  encodeTier(body, request, context);
  encodeMetadata(body, request, context);
  warnUnused(request, context);
  spendOwn(body, fields, request, context);
  limitCachePoints(body, context);
  return body;
}

/** A long history would repeat the same warning for each of its messages: each field and reason is told once. */
function encodingOf(context: EncodeContext): Encoding {
  const told = new Set<string>();
  return {
    ...context,
    documents: new DocumentNames(),
    warn(warning: Warning): void {
      const key = `${warning.field.replace(/\[\d+\]/g, "[]")} ${warning.reason}`;
      if (told.has(key)) return;
      told.add(key);
      context.warn(warning);
    },
  };
}

/** What the caller relies on and Converse cannot give. */
function refuse(request: ChatRequest, context: Encoding): void {
  if ((request.choices ?? 1) > 1) throw unsupportedField("n", "Bedrock gives one answer a request");
  if (request.logprobs) throw unsupportedField("logprobs", "Bedrock Converse gives no log probabilities");
  if (request.logitBias && Object.keys(request.logitBias).length > 0)
    throw unsupportedField("logit_bias", "Bedrock Converse has no token bias");
  const produced = context.capabilities.output ?? [];
  const media = request.modalities?.find((modality) => modality !== "text" && !produced.includes(modality));
  if (media !== undefined) throw unsupportedField("modalities", `this model answers in text, not ${media}`);
}

/** Tuning that is left out, and says so; zero penalties and an unset store mean nothing and need no word. */
function warnUnused(request: ChatRequest, context: Encoding): void {
  const unused: [string, boolean, string][] = [
    ["seed", request.seed !== undefined, "Bedrock Converse takes no seed"],
    ["frequency_penalty", (request.frequencyPenalty ?? 0) !== 0, "Bedrock Converse takes no penalties"],
    ["presence_penalty", (request.presencePenalty ?? 0) !== 0, "Bedrock Converse takes no penalties"],
    ["verbosity", request.verbosity !== undefined, "Bedrock has no verbosity setting"],
    ["prompt_cache_key", request.promptCacheKey !== undefined, "Bedrock finds cached prompts without a key"],
    ["store", request.store === true, "nothing is stored at the provider"],
  ];
  for (const [field, present, reason] of unused) if (present) context.warn({ field, action: "dropped", reason });
}

// ── sampling and limits ──────────────────────────────────────────────────────────────────────────────────────

function encodeInference(
  request: ChatRequest,
  { maxTokens }: ReasoningPlan,
  thinks: boolean,
  fields: JsonObject,
  context: Encoding,
): JsonObject {
  const inference: JsonObject = {};
  if (maxTokens !== undefined) inference.maxTokens = maxTokens;
  encodeSampling(inference, request, thinks, fields, context);
  const stop = encodeStop(request, context);
  if (stop) inference.stopSequences = stop;
  return inference;
}

function encodeSampling(inference: JsonObject, request: ChatRequest, thinks: boolean, fields: JsonObject, context: Encoding): void {
  const { temperature, topP, topK } = request;
  const drop = (field: string, reason: string): void => context.warn({ field, action: "dropped", reason });
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
    if (topP !== undefined && topP >= 0.95) inference.topP = Math.min(topP, 1);
    else if (topP !== undefined) drop("top_p", "a thinking model takes no top_p below 0.95");
    return;
  }
  if (topK !== undefined) {
    if (context.quirks.has("nova-parameters")) fields.inferenceConfig = { topK };
    else fields.top_k = topK;
  }
  // From Claude 4.1 on both together are refused, the default of either included.
  const either = takesMessagesFields(context.capabilities) && temperature !== undefined && topP !== undefined;
  if (either && temperature === 1) {
    inference.topP = topP;
    return;
  }
  if (topP !== undefined && !either) inference.topP = topP;
  else if (topP !== undefined && topP !== 1) drop("top_p", "this model takes temperature or top_p, not both: temperature was sent");
  if (temperature === undefined) return;
  inference.temperature = Math.min(temperature, 1);
  if (temperature > 1) context.warn({ field: "temperature", action: "approximated", reason: `${temperature} became 1, Bedrock's highest` });
}

function encodeStop(request: ChatRequest, context: Encoding): string[] | undefined {
  if (!request.stop || request.stop.length === 0) return undefined;
  if (context.quirks.has("no-stop")) throw unsupportedField("stop", "this model takes no stop sequences");
  const sequences = request.stop.filter((sequence) => sequence.trim() !== "");
  if (sequences.length < request.stop.length) {
    context.warn({ field: "stop", action: "dropped", reason: "Bedrock refuses stop sequences that are only white space" });
  }
  return sequences.length > 0 ? sequences : undefined;
}

// ── beside the conversation ──────────────────────────────────────────────────────────────────────────────────

const tiers = new Map([
  ["default", "default"],
  ["standard_only", "default"],
  ["flex", "flex"],
  ["priority", "priority"],
  ["reserved", "reserved"],
]);

function encodeTier(body: JsonObject, request: ChatRequest, context: Encoding): void {
  const asked = request.serviceTier;
  if (asked === undefined || asked === "auto") return;
  const tier = tiers.get(asked);
  if (tier !== undefined && !context.quirks.has("no-service-tier")) body.serviceTier = { type: tier };
  else context.warn({ field: "service_tier", action: "dropped", reason: `there is no tier ${asked} to ask Bedrock for` });
}

/** The vendor's pattern for keys and values of the request's metadata (1 to 256 of these; a value may be empty), and at most 16 of them. */
const metadataText = /^[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}$/;
const maxMetadata = 16;

/** For the account's own invocation log. The model never sees it. */
function encodeMetadata(body: JsonObject, request: ChatRequest, context: Encoding): void {
  const entries: [string, string, string][] = Object.entries(request.metadata ?? {}).map(([key, value]) => [key, value, `metadata.${key}`]);
  if (request.endUser !== undefined && !context.quirks.has("no-user")) entries.push(["user", request.endUser, "user"]);
  const sent: [string, string][] = [];
  for (const [key, value, field] of entries) {
    const fits =
      key !== "" && metadataText.test(key) && metadataText.test(value) && sent.length < maxMetadata && !context.quirks.has("no-metadata");
    if (fits) sent.push([key, value]);
    else
      context.warn({
        field: field.slice(0, 80),
        action: "dropped",
        reason: "kept by the gateway: Bedrock takes 16 entries of up to 256 plain characters",
      });
  }
  if (sent.length > 0) body.requestMetadata = Object.fromEntries(sent);
}

/** Fields of this very format go in untouched: guardrails, prompt variables, performance, and whatever comes. Objects that we fill too are merged. */
function spendOwn(body: JsonObject, fields: JsonObject, request: ChatRequest, context: Encoding): void {
  const kept = own(request.extra);
  const merged: JsonObject = {};
  for (const [name, ours] of [
    ["additionalModelRequestFields", fields],
    ["inferenceConfig", body.inferenceConfig],
    ["outputConfig", body.outputConfig],
    ["requestMetadata", body.requestMetadata],
  ] as const) {
    const both = { ...(isObject(kept[name]) ? kept[name] : {}), ...(isObject(ours) ? ours : {}) };
    if (Object.keys(both).length > 0) merged[name] = both;
  }
  Object.assign(body, merged);
  spendExtra(body, request.extra, format, "", context.warn);
}

// ── the end of the conversation ──────────────────────────────────────────────────────────────────────────────

/** An answer begun by the client is continued; newer models want none, and none wants white space at its end. */
function settleEnd(turns: Turn[], context: Encoding): void {
  if (turns.length === 0) {
    turns.push({ role: "user", content: [{ text: "(start of the conversation)" }] });
    context.warn({ field: "messages", action: "repaired", reason: "Bedrock needs a user turn: a placeholder was sent" });
    return;
  }
  const last = turns.at(-1);
  if (last?.role !== "assistant" || last.content.some((block) => block.toolUse)) return;
  if (context.capabilities.prefill === false) {
    turns.push({ role: "user", content: [{ text: "Continue exactly where your last message ends, without repeating any of it." }] });
    context.warn({ field: "messages", action: "emulated", reason: "this model continues no begun answer: it was asked to" });
    return;
  }
  const block = last.content.at(-1);
  if (typeof block?.text !== "string" || block.text.trimEnd() === block.text) return;
  context.warn({
    field: "messages",
    action: "repaired",
    reason: "Bedrock refuses a begun answer that ends in white space: it was trimmed",
  });
  block.text = block.text.trimEnd();
}

/** At the end where that is not an answer begun, and not in the system prompt: so the prompt cache goes on to hold. */
function silence(system: Block[], turns: Turn[]): void {
  const text = "Answer without calling any tool.";
  const last = turns.at(-1);
  if (last && last.role !== "assistant") last.content.push({ text: last.role === "user" ? `<system>\n${text}\n</system>` : text });
  else system.push({ text });
}
