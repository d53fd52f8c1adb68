/** The configuration as every command sees it: the file's, or what the environment allows where there is none. */

import type { Config, ProviderConfig, Target } from "../config/config.ts";
import { defaultTimeouts } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import type { LoadOptions } from "../config/load.ts";
import type { Problem, ProviderType } from "../config/parse.ts";
import { MOCK } from "../house.ts";
import { baseUrlOf, discover, endpoints, findProvider, providerNames } from "../providers/index.ts";
import type { Environment, World } from "./world.ts";

export interface Configuration {
  config: Config;
  warnings: readonly Problem[];
  /** The file; undefined: there is none. */
  source: string | undefined;
  fingerprint: string | undefined;
  /** The providers were found in the environment, because the configuration names none. */
  discovered: boolean;
}

export interface ConfigurationOptions {
  /** `--config FILE` */
  config?: string | undefined;
  /** `--listen ADDRESS` */
  listen?: string | undefined;
}

export function loadOptions(world: World, options: ConfigurationOptions): LoadOptions {
  return {
    path: options.config,
    env: listenFirst(world.env, options.listen),
    directory: world.directory,
    providerTypes: knownTypes(world.env),
  };
}

/** The command line wins over the environment, which wins over the file, at the start as at each reload. */
function listenFirst(env: Environment, listen: string | undefined): Environment {
  return listen === undefined ? env : { ...env, HEADGATE_LISTEN: listen };
}

/** Throws a ConfigError with everything that is wrong. */
export async function readConfiguration(world: World, options: ConfigurationOptions = {}): Promise<Configuration> {
  const load = loadOptions(world, options);
  const found = discovered(world.env);
  let loaded = await loadConfig({ ...load, discovered: found.map((provider) => provider.name) });
  // A file that names its providers means these and no others: what it refers to must be among them.
  if (loaded.config.providers.size > 0) loaded = await loadConfig(load);
  const { config, warnings, source, fingerprint } = loaded;
  if (config.providers.size > 0) return { config, warnings, source, fingerprint, discovered: false };
  return {
    config: { ...config, providers: new Map(found.map((provider) => [provider.name, provider])) },
    warnings,
    source,
    fingerprint,
    discovered: true,
  };
}

/** Every provider whose usual environment variable is set, and the mock. */
function discovered(env: Environment): ProviderConfig[] {
  const names = [...discover(env).map((one) => one.name), MOCK];
  return names.map((name) => ({
    name,
    type: name,
    baseUrl: undefined,
    apiKeys: undefined,
    headers: new Map(),
    formats: undefined,
    models: new Map(),
    timeout: defaultTimeouts,
  }));
}

function knownTypes(env: Environment): ProviderType[] {
  const types = providerNames().map((name): ProviderType => {
    const row = findProvider(name);
    const spoken = row === undefined ? [] : endpoints(row);
    return {
      name,
      needsBaseUrl: row !== undefined && baseUrlOf(row.baseUrl, env) === undefined,
      formats: spoken.map((endpoint) => endpoint.format),
    };
  });
  const aliases = types.flatMap(({ name, ...type }) =>
    (findProvider(name)?.aliases ?? []).map((alias): ProviderType => ({ ...type, name: alias })),
  );
  return [...types, ...aliases, { name: MOCK }];
}

/** As it stands in the file. */
export function targetName(target: Target): string {
  return target.kind === "alias" ? target.alias : `${target.provider}/${target.model}`;
}

/** How the configuration is spoken of. */
export function sourceName(configuration: Pick<Configuration, "source">): string {
  return configuration.source ?? "the environment";
}
