/** Token counts: this format's totals include their parts, and so do ours. */

import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import type { Usage } from "../../../canonical/usage.ts";
import { format } from "./format.ts";

/** From a response object; undefined when it holds no count. */
export function readUsage(response: JsonObject): Usage | undefined {
  const raw = response.usage;
  if (!isObject(raw)) return undefined;
  const total = asCount(raw.total_tokens);
  let input = asCount(raw.input_tokens);
  let output = asCount(raw.output_tokens);
  if (input === undefined && output === undefined && total === undefined) return undefined;
  if (total !== undefined) {
    input ??= Math.max(0, total - (output ?? 0));
    output ??= Math.max(0, total - input);
  }
  const usage: Usage = { input: input ?? 0, output: output ?? 0, raw, rawFormat: format };
  const inputParts = isObject(raw.input_tokens_details) ? raw.input_tokens_details : {};
  const outputParts = isObject(raw.output_tokens_details) ? raw.output_tokens_details : {};
  const cacheRead = asCount(inputParts.cached_tokens);
  const cacheWrite = asCount(inputParts.cache_write_tokens);
  const reasoning = asCount(outputParts.reasoning_tokens);
  if (cacheRead !== undefined) usage.cacheRead = Math.min(cacheRead, usage.input);
  if (cacheWrite !== undefined) usage.cacheWrite = Math.min(cacheWrite, usage.input);
  const long = isObject(inputParts.cache_write_tokens_details) ? asCount(inputParts.cache_write_tokens_details.ttl_12h_tokens) : undefined;
  if (long) usage.cacheWriteLong = long;
  if (reasoning !== undefined) usage.reasoning = Math.min(reasoning, usage.output);
  part(usage, "audioInput", inputParts.audio_tokens);
  part(usage, "imageInput", inputParts.image_tokens);
  part(usage, "audioOutput", outputParts.audio_tokens);
  part(usage, "imageOutput", outputParts.image_tokens);
  const serverTools = countServerTools(response);
  if (serverTools) usage.serverTools = serverTools;
  const tier = asString(response.service_tier);
  if (tier !== undefined) usage.serviceTier = tier;
  return usage;
}

function part(usage: Usage, name: "audioInput" | "imageInput" | "audioOutput" | "imageOutput", value: unknown): void {
  const count = asCount(value);
  if (count) usage[name] = count;
}

/** The vendor's own bill where it gives one (`tool_usage`), else the calls that stand in the output. */
function countServerTools({ tool_usage: billed, output }: JsonObject): Record<string, number> | undefined {
  const counts: Record<string, number> = {};
  if (Array.isArray(output)) {
    for (const item of output) {
      const type = isObject(item) ? asString(item.type) : undefined;
      if (!isObject(item) || type === undefined || !hosted.has(type)) continue;
      // Opening a page or looking into it is part of a search that has been counted.
      const { action } = item;
      if (type === "web_search_call" && isObject(action) && action.type !== "search") continue;
      counts[type] = (counts[type] ?? 0) + 1;
    }
  }
  const searches = isObject(billed) && isObject(billed.web_search) ? asCount(billed.web_search.num_requests) : undefined;
  if (searches !== undefined) {
    delete counts.web_search_call;
    if (searches > 0) counts.web_search_requests = searches;
  }
  return Object.keys(counts).length > 0 ? counts : undefined;
}

const hosted: ReadonlySet<string> = new Set([
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "x_search_call",
]);

/** The format's own object; a vendor's further fields stay in it, its counts are replaced by ours. */
export function writeUsage(usage: Usage): JsonObject {
  const raw = usage.rawFormat === format && isObject(usage.raw) ? usage.raw : {};
  const inputParts = isObject(raw.input_tokens_details) ? { ...raw.input_tokens_details } : {};
  const outputParts = isObject(raw.output_tokens_details) ? { ...raw.output_tokens_details } : {};
  // Codex cannot read a `details` object without its one field.
  inputParts.cached_tokens = usage.cacheRead ?? 0;
  if (usage.cacheWrite !== undefined) inputParts.cache_write_tokens = usage.cacheWrite;
  if (usage.audioInput !== undefined) inputParts.audio_tokens = usage.audioInput;
  if (usage.imageInput !== undefined) inputParts.image_tokens = usage.imageInput;
  outputParts.reasoning_tokens = usage.reasoning ?? 0;
  if (usage.audioOutput !== undefined) outputParts.audio_tokens = usage.audioOutput;
  if (usage.imageOutput !== undefined) outputParts.image_tokens = usage.imageOutput;
  return {
    ...raw,
    input_tokens: usage.input,
    input_tokens_details: inputParts,
    output_tokens: usage.output,
    output_tokens_details: outputParts,
    total_tokens: usage.input + usage.output,
  };
}
