/** Token counts: the vendor leaves cached tokens out of `inputTokens`, the canonical total includes them. */

import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import type { Usage } from "../../../canonical/usage.ts";
import { format } from "./format.ts";

/** `totalTokens` is left alone: whether it holds cached tokens is not documented. `serviceTier` stands beside the usage. */
export function decodeUsage(raw: JsonObject, serviceTier: unknown): Usage {
  const read = asCount(raw.cacheReadInputTokens);
  const write = asCount(raw.cacheWriteInputTokens);
  const usage: Usage = {
    input: (asCount(raw.inputTokens) ?? 0) + (read ?? 0) + (write ?? 0),
    output: asCount(raw.outputTokens) ?? 0,
    raw,
    rawFormat: format,
  };
  if (read !== undefined) usage.cacheRead = read;
  if (write !== undefined) usage.cacheWrite = write;
  const long = cacheWriteLong(raw.cacheDetails);
  if (long !== undefined) usage.cacheWriteLong = long;
  const serverTools = decodeServerTools(raw.serverToolUsage);
  if (serverTools) usage.serverTools = serverTools;
  const tier = isObject(serviceTier) ? asString(serviceTier.type) : undefined;
  if (tier !== undefined) usage.serviceTier = tier;
  return usage;
}

/** "Detailed breakdown of cache writes by TTL." */
function cacheWriteLong(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  let tokens = 0;
  for (const detail of details) {
    if (isObject(detail) && detail.ttl === "1h") tokens += asCount(detail.inputTokens) ?? 0;
  }
  return tokens;
}

/** `{}` on most replies. */
function decodeServerTools(value: unknown): Record<string, number> | undefined {
  if (!isObject(value)) return undefined;
  const counts = Object.entries(value).flatMap(([tool, count]): [string, number][] => {
    const calls = asCount(count);
    return calls === undefined ? [] : [[tool, calls]];
  });
  return counts.length > 0 ? Object.fromEntries(counts) : undefined;
}
