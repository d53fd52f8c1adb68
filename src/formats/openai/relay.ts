/** What OpenAI's operations that are passed on as they are have in common. */

import { invalidField } from "../../canonical/errors.ts";
import type { Json, JsonObject } from "../../canonical/json.ts";
import { isObject } from "../../canonical/json.ts";
import { asCount } from "../../canonical/usage.ts";
import type { Usage } from "../../canonical/usage.ts";
import { decodeError, encodeError } from "./chat/errors.ts";

export const replyHeaders = ["x-request-id", "openai-processing-ms", "openai-version", "x-ratelimit-"] as const;

export const errors = { decodeError, client: { encodeError }, replyHeaders };

export function needText(body: JsonObject, field: string): void {
  const value = body[field];
  if (typeof value !== "string" || value === "") throw invalidField(field, "must be a string, and not empty.");
}

/** A form says everything in text. */
export function mayBe(body: JsonObject, field: string, kind: "string" | "number" | "boolean"): void {
  const value: Json | undefined = body[field];
  if (value === undefined || value === null || typeof value === kind || typeof value === "string") return;
  throw invalidField(field, `must be a ${kind}.`);
}

/** The usage of images and of speech: counts, with their kinds apart. Billing by the second says nothing of tokens. */
export function readTokens(body: JsonObject, rawFormat: string): Usage | undefined {
  const response = body["response"];
  const usage = isObject(response) ? response["usage"] : body["usage"];
  if (!isObject(usage)) return undefined;
  const input = asCount(usage["input_tokens"]) ?? asCount(usage["prompt_tokens"]);
  const output = asCount(usage["output_tokens"]) ?? asCount(usage["completion_tokens"]);
  if (input === undefined && output === undefined) return undefined;
  const ins = usage["input_tokens_details"] ?? usage["input_token_details"];
  const outs = usage["output_tokens_details"] ?? usage["output_token_details"];
  const part = (details: Json | undefined, field: string): number | undefined => (isObject(details) ? asCount(details[field]) : undefined);
  return {
    input: input ?? 0,
    output: output ?? 0,
    cacheRead: part(ins, "cached_tokens"),
    audioInput: part(ins, "audio_tokens"),
    imageInput: part(ins, "image_tokens"),
    audioOutput: part(outs, "audio_tokens"),
    imageOutput: part(outs, "image_tokens"),
    raw: usage,
    rawFormat,
  };
}
