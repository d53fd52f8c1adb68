/** The house's request for a vendor that only continues text. */

import type { ChatRequest, Message, TextPart } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { applyPolicy } from "../chat/policy.ts";
import { promptTexts } from "./decode-request.ts";
import { format } from "./format.ts";

export function encodeRequest(request: ChatRequest, context: EncodeContext): JsonObject {
  refuse(request);
  const { warn, quirks, capabilities } = context;
  const own = request.extra?.format === format ? request.extra.fields : undefined;
  const body: JsonObject = {
    model: request.model,
    prompt: own ? ownPrompt(request.messages, own.prompt) : promptOf(request.messages, context),
  };
  const values: Record<string, Json | undefined> = {
    // Without a limit the format gives 16 tokens, which nobody means who comes from another one.
    max_tokens: request.maxOutputTokens ?? (own ? undefined : capabilities.maxOutputTokens),
    temperature: capabilities.sampling === false ? undefined : request.temperature,
    top_p: capabilities.sampling === false ? undefined : request.topP,
    top_k: quirks.has("top-k") ? request.topK : undefined,
    n: request.choices,
    logprobs: request.logprobs?.top,
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
    logit_bias: request.logitBias,
    seed: request.seed,
    stop: request.stop,
    user: request.endUser,
    stream: request.stream ? true : undefined,
  };
  for (const [field, value] of Object.entries(values)) if (value !== undefined) body[field] = value;
  warnUnused(request, context);
  if (request.extra) spendExtra(body, own ? { format, fields: { ...own, prompt: undefined } } : request.extra, format, "", warn);
  if (request.stream) body.stream_options = { ...(isObject(body.stream_options) ? body.stream_options : {}), include_usage: true };
  else delete body.stream_options;
  applyPolicy(body, context);
  return body;
}

/** The caller's own prompt, with its texts as they stand now: a guardrail may have changed them. */
function ownPrompt(messages: readonly Message[], given: Json | undefined): Json {
  const texts = messages.flatMap((message) =>
    message.role === "user" ? message.content.filter((part) => part.type === "text").map(({ text }) => text) : [],
  );
  if (promptTexts(given).length === 0) return given ?? "";
  return Array.isArray(given) ? texts : texts.join("");
}

/** One question can be continued, after what is said to the model in general; a conversation cannot. */
function promptOf(messages: readonly Message[], { warn }: EncodeContext): string {
  const paragraphs: string[] = [];
  messages.forEach((message, index) => {
    const isConversation = message.role === "assistant" || message.role === "tool" || messages[index - 1]?.role === "user";
    if (isConversation) throw unsupportedField(`messages[${index}]`, `${format} continues one prompt: it takes no conversation.`);
    const other = message.content.findIndex((part) => part.type !== "text");
    if (other >= 0) throw unsupportedField(`messages[${index}].content[${other}]`, `${format} takes text only.`);
    paragraphs.push((message.content as TextPart[]).map(({ text }) => text).join("\n\n"));
  });
  warn({ field: "messages", action: "emulated", reason: "the provider only continues text: the message is sent as a prompt" });
  return paragraphs.join("\n\n");
}

/** What the caller relies on and a continued text cannot be. */
function refuse(request: ChatRequest): void {
  if (request.messages.length === 0) throw unsupportedField("messages", `${format} needs a prompt.`);
  if ((request.tools?.length ?? 0) > 0) throw unsupportedField("tools", `${format} has no tools.`);
  if (request.output && request.output.type !== "text") throw unsupportedField("response_format", `${format} has no JSON mode.`);
  const media = request.modalities?.find((modality) => modality !== "text");
  if (media !== undefined) throw unsupportedField("modalities", `${format} answers in text, not ${media}.`);
}

/** Tuning that is left out, and says so. */
function warnUnused(request: ChatRequest, { warn, quirks, capabilities }: EncodeContext): void {
  const unsampled = capabilities.sampling === false;
  const unused: [field: string, present: boolean][] = [
    ["temperature", unsampled && request.temperature !== undefined],
    ["top_p", unsampled && request.topP !== undefined],
    ["top_k", request.topK !== undefined && !quirks.has("top-k")],
    ["reasoning", request.reasoning !== undefined && request.reasoning.effort !== "none"],
    ["verbosity", request.verbosity !== undefined],
    ["service_tier", request.serviceTier !== undefined && request.serviceTier !== "auto" && request.serviceTier !== "default"],
    ["metadata", Object.keys(request.metadata ?? {}).length > 0],
    ["store", request.store === true],
    ["cache_control", request.cache !== undefined],
  ];
  for (const [field, present] of unused) if (present) warn({ field, action: "dropped", reason: `${format} has no such field` });
}
