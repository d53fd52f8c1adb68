/** Token counts: this format's totals include their parts, and so do ours; vendors that count otherwise are set right here. */

import type { JsonObject } from "../../../canonical/json.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import type { Usage } from "../../../canonical/usage.ts";
import { format } from "./format.ts";

/** Undefined when the object holds no count at all. `omitsReasoning`: the vendor is known to leave reasoning out of `completion_tokens`. */
export function readUsage(raw: JsonObject, omitsReasoning = false): Usage | undefined {
  const total = asCount(raw["total_tokens"]);
  let prompt = asCount(raw["prompt_tokens"]);
  let completion = asCount(raw["completion_tokens"]);
  if (prompt === undefined && completion === undefined) {
    if (total === undefined) return undefined;
    prompt = total;
  }
  if (total !== undefined) {
    prompt ??= Math.max(0, total - (completion ?? 0));
    completion ??= Math.max(0, total - prompt);
  }
  const input = prompt ?? 0;
  let output = completion ?? 0;
  const inputParts = isObject(raw["prompt_tokens_details"]) ? raw["prompt_tokens_details"] : {};
  const outputParts = isObject(raw["completion_tokens_details"]) ? raw["completion_tokens_details"] : {};
  const reasoning = asCount(outputParts["reasoning_tokens"]) ?? asCount(raw["reasoning_tokens"]);
  if (reasoning && omits({ total, input, output, reasoning }, omitsReasoning)) output += reasoning;

  const usage: Usage = { input, output, raw, rawFormat: format };
  // DeepSeek says prompt_cache_hit_tokens, Moonshot cached_tokens at the top, LiteLLM Anthropic's names.
  const cacheRead =
    asCount(inputParts["cached_tokens"]) ??
    asCount(raw["prompt_cache_hit_tokens"]) ??
    asCount(raw["cached_tokens"]) ??
    asCount(raw["cache_read_input_tokens"]);
  const cacheWrite = asCount(inputParts["cache_write_tokens"]) ?? asCount(raw["cache_creation_input_tokens"]);
  if (cacheRead !== undefined) usage.cacheRead = Math.min(cacheRead, input);
  if (cacheWrite !== undefined) usage.cacheWrite = Math.min(cacheWrite, input);
  if (reasoning !== undefined) usage.reasoning = Math.min(reasoning, output);
  part(usage, "audioInput", inputParts["audio_tokens"]);
  part(usage, "imageInput", inputParts["image_tokens"]);
  part(usage, "audioOutput", outputParts["audio_tokens"]);
  part(usage, "imageOutput", outputParts["image_tokens"]);
  const serverTools = readServerTools(raw);
  if (serverTools) usage.serverTools = serverTools;
  const tier = asString(raw["service_tier"]);
  if (tier !== undefined) usage.serviceTier = tier;
  return usage;
}

/**
 * xAI counts reasoning in the total alone: prompt 291, completion 26, reasoning 189, total 506. Others give more reasoning
 * than completion tokens. Both are arithmetic that tells on itself; without a total only the vendor's row knows.
 */
function omits(counts: { total: number | undefined; input: number; output: number; reasoning: number }, known: boolean): boolean {
  const { total, input, output, reasoning } = counts;
  if (total === input + output + reasoning) return true;
  if (reasoning > output) return true;
  return known && total === undefined;
}

function part(usage: Usage, name: "audioInput" | "imageInput" | "audioOutput" | "imageOutput", value: unknown): void {
  const count = asCount(value);
  // Vendors that have no sound at all still say 0.
  if (count) usage[name] = count;
}

/** Perplexity and xAI count searches, by names of their own. */
function readServerTools(raw: JsonObject): Record<string, number> | undefined {
  const counted: [string, number][] = [];
  for (const name of ["num_search_queries", "num_sources_used"]) {
    const count = asCount(raw[name]);
    if (count) counted.push([name, count]);
  }
  if (isObject(raw["server_tool_use"])) {
    for (const [name, value] of Object.entries(raw["server_tool_use"])) {
      const count = asCount(value);
      if (count) counted.push([name, count]);
    }
  }
  return counted.length > 0 ? Object.fromEntries(counted) : undefined;
}

/** The format's own object; a vendor's further fields stay in it, its counts are replaced by ours. */
export function writeUsage(usage: Usage): JsonObject {
  const raw = usage.rawFormat === format && isObject(usage.raw) ? usage.raw : {};
  const inputParts = isObject(raw["prompt_tokens_details"]) ? { ...raw["prompt_tokens_details"] } : {};
  const outputParts = isObject(raw["completion_tokens_details"]) ? { ...raw["completion_tokens_details"] } : {};
  inputParts["cached_tokens"] = usage.cacheRead ?? 0;
  if (usage.cacheWrite !== undefined) inputParts["cache_write_tokens"] = usage.cacheWrite;
  if (usage.audioInput !== undefined) inputParts["audio_tokens"] = usage.audioInput;
  if (usage.imageInput !== undefined) inputParts["image_tokens"] = usage.imageInput;
  outputParts["reasoning_tokens"] = usage.reasoning ?? 0;
  if (usage.audioOutput !== undefined) outputParts["audio_tokens"] = usage.audioOutput;
  if (usage.imageOutput !== undefined) outputParts["image_tokens"] = usage.imageOutput;
  const written: JsonObject = {
    ...raw,
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: inputParts,
    completion_tokens_details: outputParts,
  };
  // A raw object of this format has them under the vendor's own names.
  if (usage.serverTools && raw !== usage.raw) written["server_tool_use"] = { ...usage.serverTools };
  return written;
}
