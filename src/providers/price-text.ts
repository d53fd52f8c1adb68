/**
 * Prices as one line of text, which is how the data files hold them: `i2.5 o15 r.25 >272000 i5 o22.5 r.5`.
 *
 * A letter and US dollars per million tokens: `i` input, `o` output, `r` cache read, `w` cache write, `W` cache write for an hour or more, `t` reasoning,
 * `a` `A` audio in and out, `g` `G` images in and out. In dollars for one: `q` a request, `s` a web search.
 * `>N` begins the rates above N input tokens, `@60-240` those of a time of day (minutes, UTC; `@60-240w`: on weekdays), `^2026-12-01` all prices from
 * that day on.
 */

import type { Prices, Rates, Window } from "./cost.ts";

const classes: Readonly<Record<string, keyof Rates>> = {
  i: "input",
  o: "output",
  r: "cacheRead",
  w: "cacheWrite",
  W: "cacheWriteLong",
  t: "reasoning",
  a: "audioInput",
  A: "audioOutput",
  g: "imageInput",
  G: "imageOutput",
};

/** Throws on text that is not of this form: the text is ours, and a test reads all of it. */
export function parsePrices(text: string): Prices {
  const [now = "", ...later] = text.split(/ ?\^/);
  const prices = parseDay(now);
  if (later.length === 0) return prices;
  const changes = later.map((part) => {
    const [day, rest] = cut(part);
    return { from: Date.parse(day), prices: parseDay(rest) };
  });
  return { ...prices, changes };
}

function parseDay(text: string): Prices {
  const [always = "", ...parts] = text.split(/ ?@/);
  const prices = parseRates(always);
  if (parts.length === 0) return prices;
  const windows = parts.map((part): Window => {
    const [hours, rest] = cut(part);
    const match = /^(\d+)-(\d+)(w?)$/.exec(hours);
    if (!match) throw new Error(`Not a time of day: ${hours}`);
    return { fromMinute: Number(match[1]), toMinute: Number(match[2]), weekdays: match[3] === "w", prices: parseRates(rest) };
  });
  return { ...prices, windows };
}

function parseRates(text: string): Prices {
  const [base = "", ...parts] = text.split(/ ?>/);
  const prices: Prices = {};
  for (const word of base.split(" ")) {
    if (word[0] === "q") prices.request = each(word);
    else if (word[0] === "s") prices.webSearch = each(word);
    else readRate(word, prices);
  }
  if (parts.length > 0) {
    prices.tiers = parts.map((part) => {
      const [above, rest] = cut(part);
      const tier: { above: number } & Rates = { above: Number(above) };
      for (const word of rest.split(" ")) readRate(word, tier);
      return tier;
    });
  }
  return prices;
}

function readRate(word: string, into: Rates): void {
  const name = classes[word[0] ?? ""];
  const value = Number(word.slice(1));
  if (!name || word.length < 2 || !Number.isFinite(value) || value < 0) throw new Error(`Not a price: ${word}`);
  into[name] = Math.round(value * 1e6);
}

/** Dollars for one thing → pico-dollars. */
function each(word: string): number {
  const value = Number(word.slice(1));
  if (word.length < 2 || !Number.isFinite(value) || value < 0) throw new Error(`Not a price: ${word}`);
  return Math.round(value * 1e12);
}

/** The first word, and the rest. */
function cut(text: string): [string, string] {
  const space = text.indexOf(" ");
  return space < 0 ? [text, ""] : [text.slice(0, space), text.slice(space + 1)];
}
