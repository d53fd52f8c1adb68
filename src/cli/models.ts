/** `headgate models`: what clients can ask for, what it can take and what it costs. */

import type { Capabilities } from "../canonical/capabilities.ts";
import { nearest } from "../canonical/nearest.ts";
import type { Config, ModelConfig, ProviderConfig } from "../config/config.ts";
import { MOCK } from "../house.ts";
import { mockModels } from "../mock/models.ts";
import { pricesFrom } from "../providers/cost.ts";
import type { Rates } from "../providers/cost.ts";
import { canonicalProviderName, providerNames } from "../providers/index.ts";
import { describeModel, listModels } from "../providers/models.ts";
import { readConfiguration, targetName } from "./configuration.ts";
import { CommandFailure, exitCodes } from "./exit.ts";
import { formatUsd } from "./money.ts";
import { table } from "./table.ts";
import type { Cell, Column } from "./table.ts";
import { joined, plural } from "./text.ts";
import type { World } from "./world.ts";

export interface ModelsCommand {
  config?: string | undefined;
  provider?: string | undefined;
  all?: boolean | undefined;
  json?: boolean | undefined;
}

interface ModelRow {
  provider: string;
  model: string;
  capabilities: Capabilities;
  rates: Rates | undefined;
  source: { name: string; date: string } | undefined;
}

/** What a provider's section shows of it without `--all`. */
const mostRows = 12;

export async function modelsCommand(options: ModelsCommand, world: World): Promise<number> {
  const { config } = await readConfiguration(world, options);
  const providers = chosenProviders(options.provider, config);
  const offers = providers.filter((provider) => provider.type !== MOCK).map((provider) => ({ provider, rows: offersOf(provider, config) }));
  const mocks = providers.filter((provider) => provider.type === MOCK);
  const aliases = options.provider === undefined ? [...config.models.values()] : [];
  if (options.json === true) {
    world.out.write(
      `${JSON.stringify(
        asObject(
          aliases,
          offers.flatMap((offer) => offer.rows),
          mocks,
        ),
        null,
        2,
      )}\n`,
    );
    return exitCodes.ok;
  }
  const sections = [
    ...(aliases.length > 0 ? [aliasSection(aliases, world)] : []),
    ...offers.map(({ provider, rows }) => offerSection(provider, rows, options.all === true || options.provider !== undefined, world)),
    ...mocks.map((provider) => mockSection(provider, world)),
  ];
  world.out.write(
    `${sections.join("\n")}\n${world.out.colours.dim(`Prices are USD per million tokens; where there is none, nobody knows it, and \`prices:\` in the configuration sets it.`)}\n`,
  );
  return exitCodes.ok;
}

/** Those of the configuration; or the named one, which may also be one that is only in the catalogue. */
function chosenProviders(named: string | undefined, config: Config): ProviderConfig[] {
  if (named === undefined) return [...config.providers.values()];
  const configured = config.providers.get(named);
  if (configured) return [configured];
  const type = named === MOCK ? MOCK : canonicalProviderName(named);
  const [pattern] = config.providers.values();
  if (type !== undefined) return [{ ...(pattern as ProviderConfig), name: type, type, baseUrl: undefined, models: new Map() }];
  const near = nearest(named, [...config.providers.keys(), ...providerNames(), MOCK]);
  throw new CommandFailure(
    `There is no provider ${JSON.stringify(named)}${near === undefined ? "" : `, did you mean ${JSON.stringify(near)}?`}`,
    { hint: "Neither the configuration nor the catalogue has it." },
  );
}

function offersOf(provider: ProviderConfig, config: Config): ModelRow[] {
  const names = new Set([...listModels(provider.type), ...provider.models.keys(), ...targetsAt(provider.name, config)]);
  return [...names].map((model) => {
    const facts = describeModel(provider.type, model);
    const own = provider.models.get(model);
    const configured = config.prices.get(`${provider.name}/${model}`) ?? own?.price;
    return {
      provider: provider.name,
      model,
      capabilities: { ...facts?.capabilities, ...own?.capabilities },
      rates: configured ? pricesFrom(configured) : facts?.prices,
      source: configured ? { name: "the configuration", date: "" } : facts?.source,
    };
  });
}

function targetsAt(provider: string, config: Config): string[] {
  return [...config.models.values()].flatMap((alias) =>
    alias.targets.flatMap((target) => (target.kind === "model" && target.provider === provider ? [target.model] : [])),
  );
}

function aliasSection(aliases: readonly ModelConfig[], world: World): string {
  const rows = aliases.map((alias): Cell[] => [
    alias.name,
    alias.targets.length > 1 ? alias.route : "",
    alias.targets.map(targetName).join(", then "),
  ]);
  return `${world.out.colours.bold("Your models")}\n\n${table([{ title: "name" }, { title: "route" }, { title: "targets", shrinks: true }], rows, world.out, { indent: 2 })}`;
}

const columns: readonly Column[] = [
  { title: "model" },
  { title: "context", align: "right" },
  { title: "input", align: "right" },
  { title: "cached", align: "right" },
  { title: "output", align: "right" },
  { title: "takes", shrinks: true },
];

function offerSection(provider: ProviderConfig, rows: readonly ModelRow[], all: boolean, world: World): string {
  const { bold, dim } = world.out.colours;
  const type = provider.type === provider.name ? "" : ` (${provider.type})`;
  if (rows.length === 0)
    return `${bold(provider.name)}${type}\n\n  No list of its models is known here; any name is passed on, as ${provider.name}/NAME.\n`;
  const ordered = rows.toSorted(all ? byName : newestFirst);
  const shown = all ? ordered : ordered.slice(0, mostRows);
  const cells = shown.map(({ provider, model, capabilities, rates }): Cell[] => [
    `${provider}/${model}`,
    tokens(capabilities.contextWindow),
    price(rates?.input),
    price(rates?.cacheRead),
    price(rates?.output),
    { text: abilities(capabilities), paint: dim },
  ]);
  const rest = rows.length - shown.length;
  const more = rest > 0 ? dim(`  and ${rest} more: \`headgate models --provider ${provider.name}\`\n`) : "";
  return `${bold(provider.name)}${type}, ${plural(rows.length, "model")}\n\n${table(columns, cells, world.out, { indent: 2 })}${more}`;
}

function byName(left: ModelRow, right: ModelRow): number {
  return left.model.localeCompare(right.model, "en", { numeric: true });
}

/** Models that call tools are what most come for; of those, the higher version is the newer one. An order for reading, and nothing depends on it. */
function newestFirst(left: ModelRow, right: ModelRow): number {
  const rank = (row: ModelRow): number => (row.capabilities.tools === true ? 0 : 1);
  return rank(left) - rank(right) || versionIn(right.model) - versionIn(left.model) || byName(left, right);
}

/** `gpt-5.4-mini` is 5.4, `claude-opus-4-5-20251101` is 4.5; sizes (`70b`) and dates are no versions. */
function versionIn(model: string): number {
  const [, major, minor] = /(?<!\d)(\d{1,2})(?:[.-](\d{1,2}))?(?![\db])/i.exec(model) ?? [];
  return major === undefined ? 0 : Number(major) + Number(minor ?? 0) / 100;
}

function tokens(count: number | undefined): string {
  if (count === undefined) return "–";
  if (count >= 1_000_000) return `${Number((count / 1_000_000).toFixed(2))}M`;
  return count >= 1000 ? `${Math.round(count / 1000)}k` : String(count);
}

/** Pico-dollars a token are micro-dollars for a million of them. */
function price(picoPerToken: number | undefined): string {
  return picoPerToken === undefined ? "–" : formatUsd(BigInt(Math.round(picoPerToken)) * 1_000_000n);
}

function abilities(capabilities: Capabilities): string {
  const { input = [], tools, reasoning, structuredOutput } = capabilities;
  return joined(
    ...input,
    tools === true && "tools",
    reasoning && reasoning.length > 0 && "reasoning",
    structuredOutput === "schema" && "schema",
  );
}

function mockSection(provider: ProviderConfig, world: World): string {
  const rows = mockModels.map((model): Cell[] => [
    `${provider.name}/${model.example}`,
    model.name === model.example ? model.description : `${model.description} (${model.name})`,
  ]);
  return `${world.out.colours.bold(provider.name)}, built in: no account, no network\n\n${table([{ title: "model" }, { title: "what it does", shrinks: true }], rows, world.out, { indent: 2 })}`;
}

function asObject(aliases: readonly ModelConfig[], rows: readonly ModelRow[], mocks: readonly ProviderConfig[]): object {
  return {
    aliases: aliases.map((alias) => ({ name: alias.name, route: alias.route, targets: alias.targets.map(targetName) })),
    models: rows.map(({ provider, model, capabilities, rates, source }) => ({
      model: `${provider}/${model}`,
      context_window: capabilities.contextWindow ?? null,
      max_output_tokens: capabilities.maxOutputTokens ?? null,
      takes: capabilities.input ?? null,
      tools: capabilities.tools ?? null,
      usd_per_million: rates
        ? {
            input: perMillion(rates.input),
            output: perMillion(rates.output),
            cache_read: perMillion(rates.cacheRead),
            cache_write: perMillion(rates.cacheWrite),
          }
        : null,
      price_source: source ? { name: source.name, date: source.date === "" ? null : source.date } : null,
    })),
    mock: mocks.flatMap((provider) =>
      mockModels.map((model) => ({
        model: `${provider.name}/${model.example}`,
        pattern: `${provider.name}/${model.name}`,
        description: model.description,
      })),
    ),
  };
}

function perMillion(picoPerToken: number | undefined): number | null {
  return picoPerToken === undefined ? null : picoPerToken / 1_000_000;
}
