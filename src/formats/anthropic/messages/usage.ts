/** Token counts: Anthropic leaves cached tokens out of `input_tokens`, the canonical total includes them. */

import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import type { Usage } from "../../../canonical/usage.ts";
import { format } from "./format.ts";

export function decodeUsage(raw: JsonObject): Usage {
  const creation = isObject(raw.cache_creation) ? raw.cache_creation : undefined;
  const long = asCount(creation?.ephemeral_1h_input_tokens);
  const short = asCount(creation?.ephemeral_5m_input_tokens);
  const read = asCount(raw.cache_read_input_tokens);
  const write = asCount(raw.cache_creation_input_tokens) ?? (creation ? (short ?? 0) + (long ?? 0) : undefined);
  const details = isObject(raw.output_tokens_details) ? raw.output_tokens_details : undefined;
  const usage: Usage = {
    input: (asCount(raw.input_tokens) ?? 0) + (read ?? 0) + (write ?? 0),
    output: asCount(raw.output_tokens) ?? 0,
    raw,
    rawFormat: format,
  };
  if (read !== undefined) usage.cacheRead = read;
  if (write !== undefined) usage.cacheWrite = write;
  if (long !== undefined) usage.cacheWriteLong = long;
  const reasoning = asCount(details?.thinking_tokens);
  if (reasoning !== undefined) usage.reasoning = reasoning;
  const serverTools = decodeServerTools(raw.server_tool_use);
  if (serverTools) usage.serverTools = serverTools;
  const tier = asString(raw.service_tier);
  if (tier !== undefined) usage.serviceTier = tier;
  addCompaction(usage, raw);
  return usage;
}

/** A later report corrects an earlier one field by field: values are cumulative, so they replace and are never added. */
export function mergeUsage(before: JsonObject | undefined, after: JsonObject): JsonObject {
  if (!before) return after;
  const merged: JsonObject = { ...before };
  for (const [field, value] of Object.entries(after)) {
    if (value !== undefined && value !== null) merged[field] = value;
  }
  return merged;
}

/** The whole usage object, as the vendor prints it; numbers that came from this vendor leave as they came. */
export function encodeUsage(usage: Usage | undefined): JsonObject {
  const read = usage?.cacheRead ?? 0;
  const write = usage?.cacheWrite ?? 0;
  const long = usage?.cacheWriteLong ?? 0;
  const counted: JsonObject = {
    input_tokens: Math.max(0, (usage?.input ?? 0) - read - write),
    cache_creation_input_tokens: write,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: Math.max(0, write - long), ephemeral_1h_input_tokens: long },
    output_tokens: usage?.output ?? 0,
    output_tokens_details: usage?.reasoning === undefined ? null : { thinking_tokens: usage.reasoning },
    server_tool_use: usage?.serverTools ? { ...usage.serverTools } : null,
    service_tier: encodeTier(usage?.serviceTier),
  };
  return usage?.rawFormat === format && isObject(usage.raw) ? { ...counted, ...usage.raw } : counted;
}

/** The beta's compaction passes are billed but left out of the totals; other iterations are in them already, or are another model's. */
function addCompaction(usage: Usage, raw: JsonObject): void {
  if (!Array.isArray(raw.iterations)) return;
  for (const iteration of raw.iterations) {
    if (!isObject(iteration) || iteration.type !== "compaction") continue;
    const read = asCount(iteration.cache_read_input_tokens) ?? 0;
    const write = asCount(iteration.cache_creation_input_tokens) ?? 0;
    usage.input += (asCount(iteration.input_tokens) ?? 0) + read + write;
    usage.output += asCount(iteration.output_tokens) ?? 0;
    if (read > 0) usage.cacheRead = (usage.cacheRead ?? 0) + read;
    if (write > 0) usage.cacheWrite = (usage.cacheWrite ?? 0) + write;
  }
}

function decodeServerTools(value: unknown): Record<string, number> | undefined {
  if (!isObject(value)) return undefined;
  const counts: Record<string, number> = {};
  for (const [tool, count] of Object.entries(value)) {
    const calls = asCount(count);
    if (calls !== undefined) counts[tool] = calls;
  }
  return counts;
}

function encodeTier(tier: string | undefined): string | null {
  if (tier === undefined) return null;
  return tier === "priority" || tier === "batch" ? tier : "standard";
}
