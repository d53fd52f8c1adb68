/** `headgate config`: checks a configuration, shows what it comes to, and prints its JSON Schema. */

import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { formatListen } from "../config/address.ts";
import type { Config, KeyConfig, ModelConfig, Price, ProviderConfig, Target, Timeouts } from "../config/config.ts";
import { formatProblem } from "../config/problems.ts";
import { readConfiguration, sourceName, targetName } from "./configuration.ts";
import type { Configuration } from "./configuration.ts";
import { exitCodes } from "./exit.ts";
import { assertSafe } from "./server/guarded.ts";
import { plural } from "./text.ts";
import type { World } from "./world.ts";

export interface ConfigCommand {
  config?: string | undefined;
  json?: boolean | undefined;
}

export async function checkCommand(file: string | undefined, options: ConfigCommand, world: World): Promise<number> {
  const configuration = await readConfiguration(world, file === undefined ? options : { config: file });
  const { config, warnings, source } = configuration;
  assertSafe(config);
  // What only shows when the gateway is built: a format that this build does not speak, a provider without an address.
  const { buildGateway } = await import("../gateway.ts");
  buildGateway(config, { env: world.env });
  for (const warning of warnings) world.err.write(`${world.err.colours.yellow("warning:")} ${formatProblem(warning, source)}\n`);
  world.out.write(`${world.out.colours.green("✓")} ${sourceName(configuration)}: ${counts(configuration)}\n`);
  return exitCodes.ok;
}

function counts({ config, discovered }: Configuration): string {
  return [
    `${plural(config.providers.size, "provider")}${discovered ? " found in the environment" : ""}`,
    plural(config.models.size, "model"),
    plural(config.keys.length, "key"),
    `listens on ${formatListen(config.listen)}`,
  ].join(", ");
}

export async function schemaCommand(world: World): Promise<number> {
  const { configJsonSchema } = await import("../config/json-schema.ts");
  world.out.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return exitCodes.ok;
}

export async function showCommand(options: ConfigCommand, world: World): Promise<number> {
  const { config, source, warnings } = await readConfiguration(world, options);
  for (const warning of warnings) world.err.write(`${world.err.colours.yellow("warning:")} ${formatProblem(warning, source)}\n`);
  const shown = normalised(config);
  world.out.write(options.json === true ? `${JSON.stringify(shown, null, 2)}\n` : stringify(shown, { lineWidth: 0 }));
  return exitCodes.ok;
}

const redacted = "[redacted]";

/** In the shape of the file, every default filled in. */
export function normalised(config: Config): object {
  return said({
    listen: formatListen(config.listen),
    admin_listen: config.adminListen === "same" ? "same" : formatListen(config.adminListen),
    admin_key: config.adminKey && redacted,
    database: config.database && databaseWords(config.database.reveal()),
    log: config.log,
    limits: { body: sizeWords(config.limits.bodyBytes) },
    providers: fromMap(config.providers, providerWords),
    models: fromMap(config.models, modelWords),
    keys: config.keys.map(keyWords),
    prices: fromMap(config.prices, priceWords),
  });
}

function databaseWords(url: string): string {
  return /^(?:sqlite|memory):/.test(url) ? url : redacted;
}

function providerWords(provider: ProviderConfig): object {
  return said({
    type: provider.type,
    base_url: provider.baseUrl,
    ...apiKeyWords(provider.apiKeys?.length),
    headers: fromMap(provider.headers, () => redacted),
    formats: provider.formats && [...provider.formats],
    models: fromMap(provider.models, ({ capabilities, price }) => said({ ...snakeCase(capabilities), price: price && priceWords(price) })),
    timeout: timeoutWords(provider.timeout),
  });
}

function apiKeyWords(count: number | undefined): object {
  if (count === undefined) return {};
  if (count === 0) return { api_key: "none" };
  return count === 1 ? { api_key: redacted } : { api_keys: Array.from({ length: count }, () => redacted) };
}

function modelWords(model: ModelConfig): object {
  return {
    route: model.route,
    targets: model.targets.map((target) => targetWords(target, model.timeout)),
    retry: { attempts: model.retry.attempts, on: [...model.retry.on] },
    timeout: timeoutWords(model.timeout),
  };
}

function targetWords(target: Target, ofAlias: Timeouts): object {
  const own = target.kind === "model" && isDeepStrictEqual(target.timeout, ofAlias) ? undefined : target;
  return said({
    model: targetName(target),
    weight: target.weight === 1 ? undefined : target.weight,
    set: Object.keys(target.set).length === 0 ? undefined : target.set,
    timeout: own?.kind === "model" ? timeoutWords(own.timeout) : undefined,
  });
}

/** Without `connect`, which this build does not take. */
function timeoutWords(timeouts: Timeouts): object {
  return {
    first_byte: durationWords(timeouts.firstByteMs),
    whole: durationWords(timeouts.wholeMs),
    idle: durationWords(timeouts.idleMs),
    total: durationWords(timeouts.totalMs),
  };
}

/** In the largest unit that needs no fraction. */
export function durationWords(ms: number): string {
  const units: [string, number][] = [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ];
  const unit = units.find(([, length]) => ms > 0 && ms % length === 0);
  return unit ? `${ms / unit[1]}${unit[0]}` : `${ms}ms`;
}

/** In the largest unit that needs no fraction. */
export function sizeWords(bytes: number): string {
  const units: [string, number][] = [
    ["GiB", 1024 ** 3],
    ["MiB", 1024 ** 2],
    ["KiB", 1024],
  ];
  const unit = units.find(([, size]) => bytes > 0 && bytes % size === 0);
  return unit ? `${bytes / unit[1]}${unit[0]}` : `${bytes}B`;
}

function keyWords(key: KeyConfig): object {
  return said({
    name: key.name,
    key: redacted,
    models: key.models && [...key.models],
    expires: key.expiresMs === undefined ? undefined : new Date(key.expiresMs).toISOString(),
  });
}

function priceWords(price: Price): object {
  return snakeCase(price);
}

function snakeCase(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), entry]),
  );
}

function fromMap<Value>(map: ReadonlyMap<string, Value>, words: (value: Value) => unknown): object | undefined {
  return map.size === 0 ? undefined : Object.fromEntries([...map].map(([name, value]) => [name, words(value)]));
}

function said(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
}
