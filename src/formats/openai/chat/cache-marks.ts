/** Cache marks on parts: OpenAI's `prompt_cache_breakpoint`, and Anthropic's `cache_control` as several gateways take it. */

import type { CacheMark } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { EncodeContext } from "../../codec.ts";
import { format } from "./format.ts";

export function readCacheMark(owner: JsonObject): CacheMark | undefined {
  const { prompt_cache_breakpoint: breakpoint, cache_control: control } = owner;
  if (isObject(breakpoint)) {
    const mark: CacheMark = { extra: { format, fields: { prompt_cache_breakpoint: breakpoint } } };
    const ttl = asString(breakpoint["ttl"]);
    if (ttl !== undefined) mark.ttl = ttl;
    return mark;
  }
  if (!isObject(control)) return undefined;
  const ttl = asString(control["ttl"]);
  return ttl === undefined ? {} : { ttl };
}

/** Tells of the first mark that is left out, and not of the others: caches work unasked, and the answer stays the same. */
export function onceDropped(warn: EncodeContext["warn"]): (field: string) => void {
  let told = false;
  return (field) => {
    if (!told) warn({ field, action: "dropped", reason: "the provider decides by itself what it caches" });
    told = true;
  };
}

/** Puts the mark on, in the way the provider knows. False: the provider knows none, the mark is left out. */
export function writeCacheMark(into: JsonObject, mark: CacheMark | undefined, quirks: ReadonlySet<Quirk>): boolean {
  if (!mark) return true;
  if (quirks.has("cache-control")) {
    // Anthropic's lifetimes; OpenAI's 30m and 12h would be refused behind such a door.
    const ttl = mark.ttl === "5m" || mark.ttl === "1h" ? mark.ttl : undefined;
    into["cache_control"] = ttl === undefined ? { type: "ephemeral" } : { type: "ephemeral", ttl };
    return true;
  }
  // Only a client that speaks to OpenAI's newer models writes this mark, and only they take it back.
  if (mark.extra?.format === format && !quirks.has("no-prompt-cache-key")) {
    Object.assign(into, mark.extra.fields);
    return true;
  }
  return false;
}
