/** The configuration as every command sees it: the file's, or what the environment allows where there is none. */

import type { Config, Target } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import type { LoadOptions } from "../config/load.ts";
import type { Problem } from "../config/parse.ts";
import { discoveredProviders, providerTypes } from "../house.ts";
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
    providerTypes: providerTypes(world.env),
  };
}

/** The command line wins over the environment, which wins over the file, at the start as at each reload. */
function listenFirst(env: Environment, listen: string | undefined): Environment {
  return listen === undefined ? env : { ...env, HEADGATE_LISTEN: listen };
}

/** Throws a ConfigError with everything that is wrong. */
export async function readConfiguration(world: World, options: ConfigurationOptions = {}): Promise<Configuration> {
  const load = loadOptions(world, options);
  const found = discoveredProviders(world.env);
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

/** As it stands in the file. */
export function targetName(target: Target): string {
  return target.kind === "alias" ? target.alias : `${target.provider}/${target.model}`;
}

/** How the configuration is spoken of. */
export function sourceName(configuration: Pick<Configuration, "source">): string {
  return configuration.source ?? "the environment";
}
