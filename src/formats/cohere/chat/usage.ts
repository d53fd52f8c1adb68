/** Token counts: Cohere tells two sets, what the model has read and written, and what is billed of it. */

import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import type { Usage } from "../../../canonical/usage.ts";
import { format } from "./format.ts";

/** The tokens; the billed units stay in `raw`, and stand in only where nothing else was told. Undefined when nothing was counted. */
export function readUsage(raw: JsonObject): Usage | undefined {
  const tokens = isObject(raw["tokens"]) ? raw["tokens"] : {};
  const billed = isObject(raw["billed_units"]) ? raw["billed_units"] : {};
  const input = asCount(tokens["input_tokens"]) ?? asCount(billed["input_tokens"]);
  const output = asCount(tokens["output_tokens"]) ?? asCount(billed["output_tokens"]);
  if (input === undefined && output === undefined) return undefined;
  const usage: Usage = { input: input ?? 0, output: output ?? 0, raw, rawFormat: format };
  const cached = asCount(raw["cached_tokens"]);
  if (cached !== undefined) usage.cacheRead = Math.min(cached, usage.input);
  const searches = asCount(billed["search_units"]);
  if (searches) usage.serverTools = { search_units: searches };
  return usage;
}
