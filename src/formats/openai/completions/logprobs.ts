/** Log probabilities: four lists side by side here, one list of entries in the house, as in Chat Completions. */

import { asNumber, asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

/** `offset`: where the text of this piece begins in the whole. */
export function writeLogprobs(logprobs: JsonObject | undefined, offset = 0): JsonObject | null {
  const entries = Array.isArray(logprobs?.content) ? logprobs.content.filter(isObject) : [];
  if (entries.length === 0) return null;
  let at = offset;
  const offsets = entries.map(({ token }) => {
    const here = at;
    at += (asString(token) ?? "").length;
    return here;
  });
  return {
    tokens: entries.map(({ token }) => token ?? null),
    token_logprobs: entries.map(({ logprob }) => logprob ?? null),
    top_logprobs: entries.map(({ top_logprobs: top }) =>
      Object.fromEntries(list(top).map(({ token, logprob }) => [asString(token) ?? "", logprob ?? null])),
    ),
    text_offset: offsets,
  };
}

export function readLogprobs(value: JsonObject): JsonObject {
  const tops = Array.isArray(value.top_logprobs) ? value.top_logprobs : [];
  const probabilities = Array.isArray(value.token_logprobs) ? value.token_logprobs : [];
  const tokens = Array.isArray(value.tokens) ? value.tokens : [];
  return {
    content: tokens.map((token, index): JsonObject => {
      const top: Json | undefined = tops[index];
      return {
        token,
        logprob: asNumber(probabilities[index]) ?? null,
        bytes: null,
        top_logprobs: isObject(top)
          ? Object.entries(top).map(([other, logprob]): JsonObject => ({ token: other, logprob: logprob ?? null, bytes: null }))
          : [],
      };
    }),
  };
}

function list(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
