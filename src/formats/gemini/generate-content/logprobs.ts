/** Log probabilities: Google lists the chosen tokens and, beside them, the best ones at each step; the canonical shape has both in one entry. */

import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { given } from "./proto.ts";

export function decodeLogprobs(result: JsonObject): JsonObject | undefined {
  const chosen = objects(result.chosenCandidates);
  if (chosen.length === 0) return undefined;
  const top = objects(result.topCandidates);
  return {
    content: chosen.map((entry, step) => ({ ...decodeToken(entry), top_logprobs: objects(top[step]?.candidates).map(decodeToken) })),
  };
}

function decodeToken(entry: JsonObject): JsonObject {
  const token: JsonObject = { token: entry.token ?? "", logprob: entry.logProbability ?? 0, bytes: null };
  if (given(entry.tokenId)) token.token_id = entry.tokenId;
  return token;
}

export function encodeLogprobs(logprobs: JsonObject): JsonObject | undefined {
  const content = objects(logprobs.content);
  if (content.length === 0) return undefined;
  return {
    chosenCandidates: content.map(encodeToken),
    topCandidates: content.map((entry) => ({ candidates: objects(entry.top_logprobs).map(encodeToken) })),
  };
}

function encodeToken(entry: JsonObject): JsonObject {
  const token: JsonObject = { token: asString(entry.token) ?? "", logProbability: entry.logprob ?? 0 };
  if (given(entry.token_id)) token.tokenId = entry.token_id;
  return token;
}

function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
