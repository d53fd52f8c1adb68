/** The fields that not every provider takes: which quirk refuses which, and what happens then. One table for translated and for passing requests. */

import { unsupportedField } from "../../../canonical/errors.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { EncodeContext } from "../../codec.ts";

interface Row {
  field: string;
  quirk: Quirk;
  /** `drop`: it only tunes the answer or serves accounting. `refuse`: the caller relies on it. */
  action: "drop" | "refuse";
  /** Leaving out such a value changes nothing, so nothing is said. */
  harmless?: (value: Json) => boolean;
}

const rows: readonly Row[] = [
  { field: "seed", quirk: "no-seed", action: "drop" },
  { field: "frequency_penalty", quirk: "no-penalties", action: "drop", harmless: (value) => value === 0 },
  { field: "presence_penalty", quirk: "no-penalties", action: "drop", harmless: (value) => value === 0 },
  { field: "logit_bias", quirk: "no-logit-bias", action: "refuse", harmless: isEmpty },
  { field: "logprobs", quirk: "no-logprobs", action: "refuse", harmless: (value) => value === false },
  { field: "top_logprobs", quirk: "no-logprobs", action: "refuse", harmless: (value) => value === 0 },
  { field: "n", quirk: "no-n", action: "refuse", harmless: (value) => value === 1 },
  { field: "stop", quirk: "no-stop", action: "refuse", harmless: isEmpty },
  { field: "response_format", quirk: "no-response-format", action: "refuse", harmless: isPlainText },
  { field: "tools", quirk: "no-tools", action: "refuse", harmless: isEmpty },
  { field: "tool_choice", quirk: "no-tools", action: "drop", harmless: () => true },
  { field: "parallel_tool_calls", quirk: "no-parallel-tool-calls", action: "drop", harmless: (value) => value === true },
  { field: "user", quirk: "no-user", action: "drop" },
  { field: "safety_identifier", quirk: "no-user", action: "drop" },
  { field: "metadata", quirk: "no-metadata", action: "drop", harmless: isEmpty },
  { field: "store", quirk: "no-metadata", action: "drop", harmless: (value) => value === false },
  { field: "service_tier", quirk: "no-service-tier", action: "drop", harmless: (value) => value === "auto" || value === "default" },
  { field: "verbosity", quirk: "no-verbosity", action: "drop", harmless: (value) => value === "medium" },
  { field: "reasoning_effort", quirk: "no-reasoning-effort", action: "drop" },
  // Caches work unasked where these are unknown: the answer stays the same.
  { field: "prompt_cache_key", quirk: "no-prompt-cache-key", action: "drop", harmless: () => true },
  { field: "prompt_cache_options", quirk: "no-prompt-cache-key", action: "drop", harmless: () => true },
  { field: "prompt_cache_retention", quirk: "no-prompt-cache-key", action: "drop", harmless: () => true },
  { field: "stream_options", quirk: "no-stream-options", action: "drop", harmless: () => true },
];

function isEmpty(value: Json): boolean {
  return Array.isArray(value) ? value.length === 0 : typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function isPlainText(value: Json): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && value["type"] === "text";
}

const refusal = "the provider does not take it.";

/** Takes out of a body what the provider refuses; throws for what the caller relies on. */
export function applyPolicy(body: JsonObject, context: Pick<EncodeContext, "quirks" | "warn">): void {
  for (const { field, quirk, action, harmless } of rows) {
    const value = body[field];
    if (value === undefined || !context.quirks.has(quirk)) continue;
    delete body[field];
    if (value === null || harmless?.(value)) continue;
    if (action === "refuse") throw unsupportedField(field, refusal);
    context.warn({ field, action: "dropped", reason: refusal });
  }
}

/**
 * The same for a body that passes through: only what may be left out, as edits. What the caller relies on is left for the
 * provider to refuse in its own words.
 */
export function policyEdits(
  body: JsonObject,
  quirks: ReadonlySet<Quirk>,
  warn: EncodeContext["warn"] | undefined,
): Record<string, undefined> {
  const edits: Record<string, undefined> = {};
  for (const { field, quirk, action, harmless } of rows) {
    const value = body[field];
    if (value === undefined || !quirks.has(quirk)) continue;
    if (value === null || harmless?.(value)) edits[field] = undefined;
    else if (action === "drop" && warn) {
      edits[field] = undefined;
      warn({ field, action: "dropped", reason: refusal });
    }
  }
  return edits;
}
