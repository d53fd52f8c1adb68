/** What a call costs, to the pico-dollar: whole numbers all the way, because a budget is a sum of many small numbers. */

import type { Usage } from "../canonical/usage.ts";

/**
 * What a token of each class costs, in pico-dollars (1e-12 USD): a price of 1 USD per million tokens is 1,000,000 here.
 * An absent `cacheRead` or `cacheWrite` costs as much as `input`, an absent `cacheWriteLong` as much as `cacheWrite`, the others as the class they are a part of.
 */
export interface Rates {
  input?: number | undefined;
  output?: number | undefined;
  cacheRead?: number | undefined;
  cacheWrite?: number | undefined;
  /** Cache entries that live an hour or more. */
  cacheWriteLong?: number | undefined;
  reasoning?: number | undefined;
  audioInput?: number | undefined;
  audioOutput?: number | undefined;
  imageInput?: number | undefined;
  imageOutput?: number | undefined;
}

/**
 * A model's prices.
 *
 * @example
 * const prices: Prices = { ...pricesFrom({ input: 3, output: 15 }), tiers: [{ above: 200_000, input: 6_000_000, output: 22_500_000 }] };
 * costOf({ input: 1000, output: 200 }, prices); // 6_000_000_000, which is 0.006 USD
 */
export interface Prices extends Rates {
  /** Pico-dollars for the call itself. */
  request?: number | undefined;
  /** Pico-dollars for each web search that the provider made. */
  webSearch?: number | undefined;
  /** Ascending. Once the input has more tokens than `above`, the whole call costs these rates: that is how OpenAI, Anthropic and Google bill long contexts. */
  tiers?: readonly ({ above: number } & Rates)[] | undefined;
  /** By the provider's word for the tier of service: percent of the price of the tokens. */
  service?: Readonly<Record<string, number>> | undefined;
  /** Hours of the day, in minutes UTC, that have prices of their own. */
  windows?: readonly Window[] | undefined;
  /** Announced prices: from that moment (milliseconds since 1970) they stand in place of all the others. Ascending. */
  changes?: readonly { from: number; prices: Prices }[] | undefined;
}

export interface Window {
  fromMinute: number;
  toMinute: number;
  /** Monday to Friday only. */
  weekdays?: boolean | undefined;
  prices: Prices;
}

const PICO = 1e12;
/** Pico-dollars per token in one USD per million tokens. */
const PER_MILLION = 1e6;

/** Rates from US dollars per million tokens, as a configuration gives them. */
export function pricesFrom(usdPerMillion: Readonly<Rates>): Prices {
  const prices: Prices = {};
  for (const [name, usd] of Object.entries(usdPerMillion) as [keyof Rates, number | undefined][]) {
    if (usd !== undefined) prices[name] = Math.round(usd * PER_MILLION);
  }
  return prices;
}

/** The same number of dollars, for people. Only for showing: sums are made of pico-dollars. */
export function toUsd(pico: number): number {
  return pico / PICO;
}

/** The prices that hold at a moment (milliseconds since 1970). */
export function pricesAt(prices: Prices, atMs: number): Prices {
  if (!prices.windows && !prices.changes) return prices;
  const change = prices.changes?.findLast(({ from }) => atMs >= from);
  if (change) return pricesAt(change.prices, atMs);
  const at = new Date(atMs);
  const minute = at.getUTCHours() * 60 + at.getUTCMinutes();
  const weekend = at.getUTCDay() === 0 || at.getUTCDay() === 6;
  const window = prices.windows?.find(({ fromMinute, toMinute, weekdays }) => {
    if (weekdays && weekend) return false;
    // A window may reach over midnight.
    return fromMinute <= toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
  });
  return window ? window.prices : prices;
}

/**
 * The cost in whole pico-dollars; undefined when a class of tokens was used whose price nobody knows. `atMs` chooses among prices that change with time.
 * Beyond 9,007 dollars a number no longer holds every pico-dollar: the result is then the nearest number to the exact sum.
 */
export function costOf(usage: Usage, prices: Prices, atMs?: number): number | undefined {
  const now = atMs === undefined ? prices : pricesAt(prices, atMs);
  const input = count(usage.input);
  const rates = ratesFor(input, now);

  const cacheRead = count(usage.cacheRead);
  const cacheWrite = count(usage.cacheWrite);
  const long = Math.min(count(usage.cacheWriteLong), cacheWrite);
  let fresh = Math.max(0, input - cacheRead - cacheWrite);
  let written = count(usage.output);
  // Parts that are priced apart leave the whole; the others stay in it.
  const apart = (part: number | undefined, rate: number | undefined, whole: number): number =>
    rate === undefined ? 0 : Math.min(count(part), whole);
  const audioInput = apart(usage.audioInput, rates.audioInput, fresh);
  fresh -= audioInput;
  const imageInput = apart(usage.imageInput, rates.imageInput, fresh);
  fresh -= imageInput;
  const reasoning = apart(usage.reasoning, rates.reasoning, written);
  written -= reasoning;
  const audioOutput = apart(usage.audioOutput, rates.audioOutput, written);
  written -= audioOutput;
  const imageOutput = apart(usage.imageOutput, rates.imageOutput, written);
  written -= imageOutput;

  const write = rates.cacheWrite ?? rates.input;
  const tokens = sum([
    [fresh, rates.input],
    [cacheRead, rates.cacheRead ?? rates.input],
    [cacheWrite - long, write],
    [long, rates.cacheWriteLong ?? write],
    [audioInput, rates.audioInput],
    [imageInput, rates.imageInput],
    [written, rates.output],
    [reasoning, rates.reasoning],
    [audioOutput, rates.audioOutput],
    [imageOutput, rates.imageOutput],
  ]);
  if (tokens === undefined) return undefined;
  const percent = usage.serviceTier === undefined ? undefined : own(now.service, usage.serviceTier);
  const served = percent === undefined ? tokens : hundredth(tokens * percent);
  return served + (now.request ?? 0) + searches(usage.serverTools) * (now.webSearch ?? 0);
}

function ratesFor(input: number, prices: Prices): Rates {
  const tier = prices.tiers?.findLast(({ above }) => input > above);
  return tier ? { ...prices, ...tier } : prices;
}

/** A class without tokens costs nothing, whether its price is known or not. */
function sum(classes: readonly (readonly [tokens: number, rate: number | undefined])[]): number | undefined {
  let total = 0;
  for (const [tokens, rate] of classes) {
    if (tokens === 0) continue;
    if (rate === undefined) return undefined;
    total += tokens * rate;
  }
  if (Number.isSafeInteger(total)) return total;
  let exact = 0n;
  for (const [tokens, rate] of classes) exact += BigInt(tokens) * BigInt(rate ?? 0);
  return Number(exact);
}

/** A hundredth, rounded half up, in whole numbers. */
function hundredth(value: number): number {
  // Beyond 2^53 the remainder is no longer exact, and the quotient might be a fraction.
  if (!Number.isSafeInteger(value)) return Math.round(value / 100);
  const rest = value % 100;
  return (value - rest) / 100 + (rest >= 50 ? 1 : 0);
}

/** Vendors name the count after their tool: `web_search_requests`, `web_search`, `google_search`. Searching in files is another tool with another price. */
function searches(tools: Readonly<Record<string, number>> | undefined): number {
  let calls = 0;
  for (const [name, times] of Object.entries(tools ?? {})) if (/(?:web|google)_?search/i.test(name)) calls += count(times);
  return calls;
}

function count(value: number | undefined): number {
  return value !== undefined && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function own(record: Readonly<Record<string, number>> | undefined, key: string): number | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}
