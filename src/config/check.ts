/** Everything about a configuration that its shape alone does not tell: names that must exist, values that must fit together. */

import type { Config } from "./config.ts";
import { parseListen } from "./address.ts";
import { normalise } from "./normalise.ts";
import { ConfigError, Findings, isSecretPath, quoted } from "./problems.ts";
import type { Path, Problem } from "./problems.ts";
import { describe, checkShape } from "./shape.ts";
import { readObject, treeAt } from "./tree.ts";
import type { MapTree, Source, Tree } from "./tree.ts";
import type { Environment } from "./expand.ts";
import { checkModels, fullFormat, shortFormat } from "./references.ts";
import { parseDuration, parseExpiry, parseSize } from "./units.ts";
import { unsupportedParts } from "./unsupported.ts";

/** A row of the provider catalogue, as far as a configuration can get it wrong. */
export interface ProviderType {
  name: string;
  /** There is no address to fall back to. */
  needsBaseUrl?: boolean | undefined;
  /** Full names of the formats that the row speaks. */
  formats?: readonly string[] | undefined;
}

export interface CheckOptions {
  /** Where `${NAME}` is looked up. Without it, `checkConfig` leaves such text as it is. */
  env?: Environment | undefined;
  /** What `type` may be. Absent: not checked. */
  providerTypes?: readonly (string | ProviderType)[] | undefined;
  /** Providers that exist though the configuration does not name them. */
  discovered?: readonly string[] | undefined;
  /** Settings from outside the file that win over it, each by the name it is spoken of. */
  overrides?: readonly Override[] | undefined;
}

export interface Override {
  key: "listen" | "admin_key" | "database";
  value: string;
  /** As in `HEADGATE_LISTEN`. */
  label: string;
}

export interface Checked {
  config: Config;
  /** Nothing that hinders, but surely not what was meant. */
  warnings: Problem[];
}

/** Checks a configuration that came as a plain object. Throws a ConfigError with everything that is wrong. */
export function checkConfig(value: unknown, options: CheckOptions = {}): Checked {
  const findings = new Findings();
  const tree = readObject(value, options.env, findings.problem);
  return checkTree({ tree, readable: true }, findings, options);
}

export function checkTree(source: Source, findings: Findings, options: CheckOptions, fileName?: string): Checked {
  const root = rootOf(source.tree, findings);
  for (const override of options.overrides ?? []) {
    root.entries.set(override.key, { kind: "scalar", value: override.value });
    findings.labels.set(override.key, override.label);
  }
  const secrets = secretsIn(root, []);
  if (source.readable) {
    const file = checkShape(root, findings);
    checkMeaning(root, findings, options);
    if (file !== undefined && !findings.failed) return { config: normalise(file, options), warnings: findings.warnings(secrets) };
  }
  throw new ConfigError(findings.problems(secrets), fileName);
}

function rootOf(tree: Tree, findings: Findings): MapTree {
  if (tree.kind === "map") return tree;
  if (tree.kind !== "scalar" || (tree.value !== null && tree.failed !== true))
    findings.problem([], "expected a mapping, such as `providers: …`");
  return { kind: "map", entries: new Map() };
}

function secretsIn(tree: Tree, path: Path): string[] {
  if (tree.kind === "map") return [...tree.entries].flatMap(([name, entry]) => secretsIn(entry, [...path, name]));
  if (tree.kind === "list") return tree.items.flatMap((item, index) => secretsIn(item, [...path, index]));
  if (typeof tree.value !== "string" || tree.failed === true || !isSecretPath(path)) return [];
  // Shorter ones would strike out parts of ordinary words, and are refused as keys anyway; an address without @ holds no password.
  const isAddress = path[0] === "database" || path[0] === "redis";
  return tree.value.length >= 8 && (!isAddress || tree.value.includes("@")) ? [tree.value] : [];
}

/** Works on the tree and not on the typed content, so that one mistake of shape does not hide all the others. */
function checkMeaning(root: MapTree, findings: Findings, options: CheckOptions): void {
  checkSupported(root, findings);
  checkListen(root, findings);
  checkDatabase(root, findings);
  for (const [name, entry] of entriesOf(root.entries.get("providers"))) checkProvider(name, entry, findings, options);
  checkModels(root, findings, options.discovered ?? []);
  checkKeys(root, findings);
  checkTimeouts(root, findings);
  checkBody(root, findings);
}

function checkSupported(root: MapTree, findings: Findings): void {
  for (const part of unsupportedParts) {
    for (const [path, tree] of matches(root, part.path)) {
      if (tree.kind === "scalar" && part.unless?.(tree.value) === true) continue;
      findings.problem(path, `this build does not support ${part.what} yet`, { at: "name" });
    }
  }
}

/** What stands at a path in which `*` is any one step. */
function matches(tree: Tree, pattern: readonly string[], path: Path = []): [Path, Tree][] {
  const [step, ...rest] = pattern;
  if (step === undefined) return [[path, tree]];
  if (tree.kind === "list") return step === "*" ? tree.items.flatMap((item, index) => matches(item, rest, [...path, index])) : [];
  const found = entriesOf(tree).filter(([name]) => step === "*" || step === name);
  return found.flatMap(([name, entry]) => matches(entry, rest, [...path, name]));
}

function entriesOf(tree: Tree | undefined): [string, Tree][] {
  return tree?.kind === "map" ? [...tree.entries] : [];
}

function itemsOf(tree: Tree | undefined): Tree[] {
  return tree?.kind === "list" ? tree.items : [];
}

/** The text at a place, unless a problem with it has been reported. */
function textAt(tree: Tree | undefined, path: Path): string | undefined {
  const found = tree === undefined ? undefined : treeAt(tree, path);
  return found?.kind === "scalar" && typeof found.value === "string" && found.failed !== true ? found.value : undefined;
}

function checkListen(root: MapTree, findings: Findings): void {
  for (const key of ["listen", "admin_listen"]) {
    const text = textAt(root, [key]);
    if (text === undefined || (key === "admin_listen" && text === "same") || parseListen(text) !== undefined) continue;
    findings.problem(
      [key],
      `expected "host:port", such as "127.0.0.1:4000" or "[::1]:4000"; ":4000" is every address, 4000 alone is loopback; found ${describeAt(root, [key])}`,
    );
  }
}

function describeAt(root: Tree, path: Path): string {
  const tree = treeAt(root, path);
  return (tree === undefined ? undefined : describe(tree, path)) ?? "something else";
}

function checkDatabase(root: MapTree, findings: Findings): void {
  const text = textAt(root, ["database"]);
  if (text === undefined) return;
  if (/^sqlite:./.test(text) || text === "memory:" || (/^postgres(?:ql)?:\/\/./.test(text) && URL.canParse(text))) return;
  findings.problem(["database"], 'expected "sqlite:FILE", such as "sqlite:./headgate.db", or "memory:"');
}

/** These frame the request or say where it goes: a fixed value breaks it, or sends it elsewhere. */
const reservedHeaders = new Set([
  "host",
  "connection",
  "content-length",
  "content-type",
  "content-encoding",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function checkProvider(name: string, provider: Tree, findings: Findings, options: CheckOptions): void {
  if (provider.kind !== "map" || findings.full) return;
  const path: Path = ["providers", name];
  const row = checkType(name, provider, findings, options);
  checkBaseUrl(path, provider, findings, row);
  const formats = row?.formats;
  for (const [index, format] of itemsOf(provider.entries.get("formats")).entries()) {
    if (
      formats === undefined ||
      format.kind !== "scalar" ||
      typeof format.value !== "string" ||
      fullFormat(format.value, formats) !== undefined
    )
      continue;
    const at = [...path, "formats", index];
    findings.problem(at, `this type does not speak ${describe(format, at) ?? "it"}`, {
      near: [format.value, [...formats.map(shortFormat), ...formats]],
    });
  }
  checkApiKeys(path, provider, findings);
  const seen = new Set<string>();
  for (const [header] of entriesOf(provider.entries.get("headers"))) {
    const lower = header.toLowerCase();
    if (reservedHeaders.has(lower)) findings.problem([...path, "headers", header], "the gateway sets this header itself", { at: "name" });
    else if (seen.has(lower))
      findings.problem([...path, "headers", header], "this header was named before; upper and lower case are the same", { at: "name" });
    seen.add(lower);
  }
}

function checkType(name: string, provider: MapTree, findings: Findings, options: CheckOptions): ProviderType | undefined {
  if (options.providerTypes === undefined) return undefined;
  const written = provider.entries.get("type");
  const type = written === undefined ? name : textAt(written, []);
  if (type === undefined) return undefined;
  const rows = options.providerTypes.map((row) => (typeof row === "string" ? { name: row } : row));
  const row = rows.find((candidate) => candidate.name === type);
  if (row !== undefined) return row;
  const near = [type, rows.map((candidate) => candidate.name)] as const;
  if (written === undefined)
    findings.problem(["providers", name], `no provider type is called ${quoted(name)}, so \`type\` must say what it is`, {
      at: "name",
      near,
    });
  else
    findings.problem(
      ["providers", name, "type"],
      `no provider type is called ${describe(written, ["providers", name, "type"]) ?? "that"}`,
      { near },
    );
  return undefined;
}

function checkBaseUrl(path: Path, provider: MapTree, findings: Findings, row: ProviderType | undefined): void {
  const at = [...path, "base_url"];
  if (!provider.entries.has("base_url")) {
    if (row?.needsBaseUrl === true) findings.problem(at, `required for the type ${quoted(row.name)}, and missing`);
    return;
  }
  const text = textAt(provider, ["base_url"]);
  if (text === undefined) return;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The address is not quoted: what is wrong with it may be a password in it.
  if (url === undefined || !/^https?:\/\//i.test(text) || /\s/.test(text)) findings.problem(at, "expected an http:// or https:// address");
  else if (url.username !== "" || url.password !== "")
    findings.problem(at, "an address must not hold a user name or password: use api_key or headers");
  else if (url.search !== "" || url.hash !== "" || /[?#]/.test(text))
    findings.problem(at, "an address must end with its path, without ? or #");
  else if (url.protocol === "http:" && !isNearby(url.hostname))
    findings.warning(at, "http:// to another network: prompts, answers and the key travel unencrypted");
}

/** On this machine or a private network, where plain HTTP is usual: also names without a dot, as containers have. */
function isNearby(host: string): boolean {
  if (!host.includes(".") && !host.startsWith("[")) return true;
  if (/\.(?:localhost|local|internal|lan|test|svc)$/.test(host)) return true;
  return (
    /^(?:127|10)\.|^192\.168\.|^172\.(?:1[6-9]|2\d|3[01])\.|^169\.254\.|^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(host) ||
    /^\[(?:::1|f[cd]|fe[89ab])/.test(host)
  );
}

function checkApiKeys(path: Path, provider: MapTree, findings: Findings): void {
  if (provider.entries.has("api_key") && provider.entries.has("api_keys"))
    findings.problem([...path, "api_keys"], "api_key and api_keys exclude each other", { at: "name" });
  const seen = new Map<string, number>();
  for (const [index, item] of itemsOf(provider.entries.get("api_keys")).entries()) {
    const text = textAt(item, []);
    if (text === undefined) continue;
    const earlier = seen.get(text);
    if (text === "none") findings.problem([...path, "api_keys", index], "write api_key: none to send no credential");
    else if (earlier !== undefined) findings.problem([...path, "api_keys", index], `the same key as api_keys[${earlier}]`);
    else seen.set(text, index);
  }
}

function checkKeys(root: MapTree, findings: Findings): void {
  const names = new Map<string, number>();
  const values = new Map<string, number>();
  const admin = textAt(root, ["admin_key"]);
  for (const [index, key] of itemsOf(root.entries.get("keys")).entries()) {
    const name = textAt(key, ["name"]);
    const earlierName = name === undefined ? undefined : names.get(name);
    if (earlierName !== undefined) findings.problem(["keys", index, "name"], `the same name as keys[${earlierName}]`);
    else if (name !== undefined) names.set(name, index);
    const value = textAt(key, ["key"]);
    const earlierValue = value === undefined ? undefined : values.get(value);
    if (earlierValue !== undefined) findings.problem(["keys", index, "key"], `the same key as keys[${earlierValue}]`);
    else if (value !== undefined && value === admin)
      findings.problem(["keys", index, "key"], "the same as admin_key: a client key must not open the admin API");
    else if (value !== undefined) values.set(value, index);
    const expires = textAt(key, ["expires"]);
    if (expires !== undefined && /^\d{4}-/.test(expires) && parseExpiry(expires) === undefined)
      findings.problem(["keys", index, "expires"], `no such day or time: ${describeAt(root, ["keys", index, "expires"])}`);
  }
}

/** The longest time that timers of JavaScript runtimes can count. */
const longestMs = 2 ** 31 - 1;

function checkTimeouts(root: MapTree, findings: Findings): void {
  const places = [
    ["providers", "*", "timeout"],
    ["models", "*", "timeout"],
    ["models", "*", "targets", "*", "timeout"],
  ];
  for (const [path, timeout] of places.flatMap((place) => matches(root, place))) {
    const values = new Map<string, number>();
    for (const [name, entry] of entriesOf(timeout)) {
      const value = parseDuration(textAt(entry, []) ?? "");
      if (value === undefined) continue;
      values.set(name, value);
      if (value < 1) findings.problem([...path, name], "expected more than 0: every wait has an end");
      else if (value > longestMs) findings.problem([...path, name], "expected at most 24d");
    }
    const total = values.get("total");
    for (const name of ["connect", "first_byte", "whole", "idle"]) {
      const value = values.get(name);
      if (value !== undefined && total !== undefined && value > total)
        findings.warning([...path, name], "longer than total, so it never comes into force");
    }
  }
}

function checkBody(root: MapTree, findings: Findings): void {
  const bytes = parseSize(textAt(root, ["limits", "body"]) ?? "");
  if (bytes !== undefined && (bytes < 1024 || bytes > 1024 ** 3)) findings.problem(["limits", "body"], "expected a size from 1KiB to 1GiB");
}
