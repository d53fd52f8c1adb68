/** What is known about a model: what it can do, what it costs, and who says so. */

import type { Capabilities } from "../canonical/capabilities.ts";
import type { Quirk } from "../canonical/quirks.ts";
import type { Prices } from "./cost.ts";
import { canonicalProviderName, findProvider } from "./index.ts";
import data from "./models.json" with { type: "json" };
import { listedUnder, type ModelRule, rules } from "./models-extra.ts";
import { parsePrices } from "./price-text.ts";

export interface ModelFacts {
  /** The name under which the provider is known to have it; undefined: only its family is known, and nobody says that this provider has it. */
  listed?: string | undefined;
  capabilities: Capabilities;
  /** Undefined: nobody knows. Never zero for that. */
  prices?: Prices | undefined;
  /** Who says what it costs, and as of when (YYYY-MM-DD). */
  source?: { name: string; date: string } | undefined;
  /** Deviations of this model, beside those of its provider. */
  quirks: readonly Quirk[];
  deprecated?: boolean | undefined;
}

/**
 * The facts about a provider's model, by the provider's type. Meant for configuration time; a provider's list is read on first use.
 * Undefined when neither the provider's list nor any family knows the name.
 *
 * A family is known by its name wherever it runs: a `claude-opus-5` behind an unknown proxy still refuses a temperature. Prices are not: they are
 * the provider's own or unknown.
 *
 * @example
 * describeModel("anthropic", "claude-sonnet-4-5-20250929")?.capabilities.reasoning; // ["budget"]
 */
export function describeModel(provider: string, model: string): ModelFacts | undefined {
  const named = dataNames(provider);
  const row = findRow(named, model);
  const matching = matchingRules(namesOf(provider, named), model, rules);
  if (!row && matching.length === 0) return undefined;
  const facts: ModelFacts = { listed: row?.id ?? (matching.some(isListing) ? model : undefined), capabilities: {}, quirks: [] };
  if (row) readRow(row, facts);
  for (const rule of matching) readRule(rule, facts);
  return facts;
}

/** Whether the provider is known to have the model, by whatever spelling `describeModel` accepts: for names that come without a provider. */
export function knowsModel(provider: string, model: string): boolean {
  const named = dataNames(provider);
  return findRow(named, model) !== undefined || matchingRules(namesOf(provider, named), model, listingRules).length > 0;
}

/** The names in a provider's list, without retired ones. */
export function listModels(provider: string): string[] {
  return dataNames(provider).flatMap((name) =>
    [...(indexOf(name)?.exact.values() ?? [])].filter((row) => !row.deprecated).map((row) => row.id),
  );
}

function readRow(row: Row, facts: ModelFacts): void {
  if (row.context) facts.capabilities = { contextWindow: row.context };
  if (row.deprecated) facts.deprecated = true;
  if (!row.prices) return;
  facts.prices = parsePrices(row.prices);
  const source = sources[row.source[0] ?? ""];
  if (source) facts.source = { name: `${source.name} ${source.version}`, date: row.source.slice(1) || source.date };
}

function readRule(rule: ModelRule, facts: ModelFacts): void {
  // What the provider's list says about its own machines (a shorter context, say) wins over what the family can do.
  const context = facts.listed === undefined ? undefined : facts.capabilities.contextWindow;
  facts.capabilities = { ...facts.capabilities, ...rule.capabilities, ...(context !== undefined && { contextWindow: context }) };
  if (rule.quirks) facts.quirks = [...new Set([...facts.quirks, ...rule.quirks])];
  if (rule.prices) {
    facts.prices = parsePrices(rule.prices.text);
    facts.source = { name: rule.prices.source, date: rule.prices.date };
  }
  if (rule.service && facts.prices) facts.prices.service = rule.service;
}

// ── names ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Row {
  id: string;
  context: number | undefined;
  prices: string;
  source: string;
  deprecated: boolean;
}

interface Index {
  exact: ReadonlyMap<string, Row>;
  /** By `spelling`. */
  spelled: ReadonlyMap<string, Row>;
  globs: readonly (readonly [matches: Glob, row: Row])[];
}

const sources: Readonly<Record<string, { name: string; version: string; date: string }>> = data.sources;
const lists: Readonly<Record<string, readonly string[]>> = data.models;
const indexes = new Map<string, Index>();

/** The names of the lists that hold a provider's models. */
function dataNames(provider: string): string[] {
  const row = findProvider(provider);
  const name = canonicalProviderName(provider) ?? provider.toLowerCase();
  const named = row?.pricesFrom ?? (Object.hasOwn(listedUnder, name) ? listedUnder[name] : undefined) ?? [name];
  return named.filter((one) => Object.hasOwn(lists, one));
}

function indexOf(name: string): Index | undefined {
  const known = indexes.get(name);
  const list = Object.hasOwn(lists, name) ? lists[name] : undefined;
  if (known || !list) return known;
  const exact = new Map<string, Row>();
  const spelled = new Map<string, Row>();
  const globs: [Glob, Row][] = [];
  const aliases: [string, Row][] = [];
  for (const line of list) {
    // id|context window|prices|source and day|other names|d for deprecated: written by scripts/models-update.ts
    const [id = "", context = "", prices = "", source = "", others = "", flags = ""] = line.split("|");
    const row: Row = { id, context: context === "" ? undefined : Number(context), prices, source, deprecated: flags === "d" };
    exact.set(id, row);
    for (const other of others === "" ? [] : others.split(",")) {
      if (other.includes("*")) globs.push([glob(other), row]);
      else aliases.push([other, row]);
    }
  }
  for (const [id, row] of exact) if (!spelled.has(spelling(id))) spelled.set(spelling(id), row);
  for (const [alias, row] of aliases) if (!spelled.has(spelling(alias))) spelled.set(spelling(alias), row);
  const index: Index = { exact, spelled, globs };
  indexes.set(name, index);
  return index;
}

/** `Claude-Opus-4.8` and `claude-opus-4-8` are one name. */
function spelling(name: string): string {
  return name.toLowerCase().replaceAll(".", "-");
}

function findRow(names: readonly string[], model: string): Row | undefined {
  for (const name of names) {
    const index = indexOf(name);
    const row = index && (index.exact.get(model) ?? findSpelled(index, name, model));
    if (row) return row;
  }
  return undefined;
}

function findSpelled(index: Index, list: string, model: string): Row | undefined {
  for (const candidate of spellings(model, list)) {
    const row = index.spelled.get(candidate);
    if (row) return row;
  }
  const lower = model.toLowerCase();
  return index.globs.find(([matches]) => matches(lower))?.[1];
}

/**
 * The ways in which a listed name may be dressed, from the nearest to the farthest: a date or a revision behind it (`-20250929`, `-2025-04-14`,
 * `@20250929`, `-v1:0`, `-001`), `-latest`, a router's wish (`:nitro`), an Amazon region before it, the provider's own name before it.
 * A suffix that changes the price (`:free`, `:batch`, `-fast`) is none of these: such a name is listed itself or not known.
 */
function* spellings(model: string, list: string): Generator<string> {
  let name = spelling(model);
  yield name;
  const prefix = `${spelling(list)}/`;
  if (name.startsWith(prefix)) yield (name = name.slice(prefix.length));
  const unwished = name.replace(/:(?:nitro|floor|exacto|online|thinking|latest|beta)$/, "");
  if (unwished !== name) yield (name = unwished);
  const undated = name.replace(/(?:-v\d+:\d+|[-@](?:20\d{6}|20\d\d-\d\d-\d\d)(?:-v\d+:\d+)?|@default|-\d{3})$/, "");
  if (undated !== name) yield (name = undated);
  const unlatest = name.replace(/-latest$/, "");
  if (unlatest !== name) yield (name = unlatest);
  const here = name.replace(/^(?:us|eu|apac|jp|au|ca|in|global|us-gov)-(?=[a-z0-9]+-)/, "");
  if (list === "amazon-bedrock" && here !== name) yield here;
}

type Glob = (name: string) => boolean;

/** `*` stands for anything. A glob that ends in `*` after a letter or digit ends at a word: `gpt-5*` is `gpt-5-mini`, but not `gpt-55`. */
export function glob(text: string): Glob {
  const [first = "", ...others] = text.split("*");
  const last = others.pop();
  if (last === undefined) return (name) => name === text;
  return (name) => {
    if (!name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    for (const part of others) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    if (at > name.length - last.length) return false;
    return last !== "" || !isWord(name.charCodeAt(at - 1)) || !isWord(name.charCodeAt(at));
  };
}

/** A lower-case letter or a digit. */
function isWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57);
}

// ── families ─────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * A model's name without what depends on where it runs: `us.anthropic.claude-opus-4-8-v1:0`, `anthropic/claude-opus-4.8` and
 * `claude-opus-4-8@default` are all `claude-opus-4-8`.
 */
export function familyName(model: string): string {
  const name = model
    .toLowerCase()
    .replace(/^.*\//, "")
    .replace(/-v\d+:\d+$/, "")
    .replace(/[:@](?!20\d{6}).*$/, "")
    .replace("@", "-");
  const maker =
    /^(?:(?:us|eu|apac|jp|au|ca|in|global|us-gov|regional)\.)?(?:(?:anthropic|amazon|ai21|cohere|google|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen|writer|xai|zai)\.)?/;
  return name
    .replace(maker, "")
    .replaceAll(".", "-")
    .replace(/(?<=\d)p(?=\d)/g, "-");
}

/** A rule that prices models at a provider says that it has them, unless it is about all models. */
function isListing(rule: ModelRule): boolean {
  return rule.prices !== undefined && !rule.models.some((one) => one.startsWith("*"));
}

const listingRules = rules.filter(isListing);
const compiled = new Map<ModelRule, { models: readonly Glob[]; except: readonly Glob[] }>(
  rules.map((rule) => [rule, { models: rule.models.map(glob), except: (rule.except ?? []).map(glob) }]),
);

/** The names by which rules may mean a provider. */
function namesOf(provider: string, named: readonly string[]): string[] {
  return [canonicalProviderName(provider) ?? provider, ...named];
}

function matchingRules(providers: readonly string[], model: string, among: readonly ModelRule[]): ModelRule[] {
  const lower = model.toLowerCase();
  const family = familyName(model);
  const matches = (one: Glob): boolean => one(family) || one(lower);
  return among.filter((rule) => {
    if (rule.providers && !rule.providers.some((one) => providers.includes(one))) return false;
    const globs = compiled.get(rule);
    return globs !== undefined && globs.models.some(matches) && !globs.except.some(matches);
  });
}
