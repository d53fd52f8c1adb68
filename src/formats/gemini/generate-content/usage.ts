/** Token counts: Google keeps thoughts apart from the answer and the results of its own tools apart from the prompt; our totals hold both. */

import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import type { Usage } from "../../../canonical/usage.ts";
import { format } from "./format.ts";
import { given, toNumber } from "./proto.ts";

/** Undefined while there is nothing but words: Vertex's first chunks hold the `trafficType` alone. */
export function decodeUsage(raw: JsonObject): Usage | undefined {
  const prompt = count(raw.promptTokenCount);
  const answer = count(raw.candidatesTokenCount);
  const thoughts = count(raw.thoughtsTokenCount);
  const total = count(raw.totalTokenCount);
  if (prompt === undefined && answer === undefined && thoughts === undefined && total === undefined) return undefined;
  const usage: Usage = {
    input: (prompt ?? 0) + (count(raw.toolUsePromptTokenCount) ?? 0),
    output: (answer ?? 0) + (thoughts ?? 0),
    raw,
    rawFormat: format,
  };
  // promptTokenCount holds the cached tokens already (getomnico/omni#431 added them twice).
  const cached = count(raw.cachedContentTokenCount);
  if (cached !== undefined) usage.cacheRead = Math.min(cached, usage.input);
  if (thoughts !== undefined) usage.reasoning = thoughts;
  modality(usage, "audioInput", raw.promptTokensDetails, "AUDIO");
  modality(usage, "imageInput", raw.promptTokensDetails, "IMAGE");
  modality(usage, "audioOutput", raw.candidatesTokensDetails, "AUDIO");
  modality(usage, "imageOutput", raw.candidatesTokensDetails, "IMAGE");
  const tier = asString(raw.serviceTier);
  if (tier !== undefined) usage.serviceTier = tier;
  return usage;
}

function count(value: Json | undefined): number | undefined {
  return asCount(toNumber(value));
}

function modality(
  usage: Usage,
  name: "audioInput" | "imageInput" | "audioOutput" | "imageOutput",
  details: Json | undefined,
  kind: string,
): void {
  if (!Array.isArray(details)) return;
  const entry = details.filter(isObject).find((detail) => detail.modality === kind);
  const tokens = count(entry?.tokenCount);
  if (tokens) usage[name] = tokens;
}

/** Each chunk restates the counts so far, so the last word wins and nothing is added; a field that a chunk leaves out stands. */
export function mergeUsage(before: JsonObject | undefined, after: JsonObject): JsonObject {
  if (!before) return after;
  const merged: JsonObject = { ...before };
  for (const [name, value] of Object.entries(after)) if (given(value)) merged[name] = value;
  return merged;
}

/** The vendor's own object as it came; else one with the same sums: total = prompt + answer + thoughts. */
export function encodeUsage(usage: Usage | undefined): JsonObject {
  if (usage?.rawFormat === format && isObject(usage.raw)) return usage.raw;
  const { input = 0, output = 0, reasoning = 0, cacheRead } = usage ?? {};
  const counted: JsonObject = {
    promptTokenCount: input,
    candidatesTokenCount: Math.max(0, output - reasoning),
    totalTokenCount: input + output,
  };
  if (reasoning > 0) counted.thoughtsTokenCount = reasoning;
  if (cacheRead) counted.cachedContentTokenCount = cacheRead;
  const promptDetails = details(input, usage?.audioInput, usage?.imageInput);
  const answerDetails = details(Math.max(0, output - reasoning), usage?.audioOutput, usage?.imageOutput);
  if (promptDetails) counted.promptTokensDetails = promptDetails;
  if (answerDetails) counted.candidatesTokensDetails = answerDetails;
  return counted;
}

function details(total: number, audio = 0, image = 0): JsonObject[] | undefined {
  if (audio + image === 0) return undefined;
  const parts: [string, number][] = [
    ["TEXT", total - audio - image],
    ["AUDIO", audio],
    ["IMAGE", image],
  ];
  return parts.filter(([, tokens]) => tokens > 0).map(([modality, tokenCount]) => ({ modality, tokenCount }));
}
