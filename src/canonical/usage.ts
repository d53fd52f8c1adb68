/** Token counts in one meaning for all vendors: totals include their parts. */

import type { Json } from "./json.ts";

export interface Usage {
  /** All input tokens: fresh, read from cache and written to cache. */
  input: number;
  /** All output tokens, reasoning included. */
  output: number;
  /** Part of `input` that was read from the provider's prompt cache. */
  cacheRead?: number | undefined;
  /** Part of `input` that was written to the provider's prompt cache (all lifetimes). */
  cacheWrite?: number | undefined;
  /** Part of `cacheWrite` with a lifetime of an hour or more. */
  cacheWriteLong?: number | undefined;
  /** Part of `output` that was reasoning. */
  reasoning?: number | undefined;
  /** Part of `input` / `output` that was audio or images. */
  audioInput?: number | undefined;
  audioOutput?: number | undefined;
  imageInput?: number | undefined;
  imageOutput?: number | undefined;
  /** Calls of the provider's own tools, e.g. web searches, by the vendor's name. */
  serverTools?: Record<string, number> | undefined;
  /** The tier that the provider says it used. */
  serviceTier?: string | undefined;
  /** Counted by us because the provider sent none. */
  estimated?: boolean | undefined;
  /** The vendor's own object, untouched, with the format it is in. */
  raw?: Json | undefined;
  rawFormat?: string | undefined;
}

/** A count from the wire: a non-negative integer, else undefined (negative, fractional, text and NaN are not counts). */
export function asCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
