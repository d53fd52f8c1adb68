/** Finds a provider by the name that a configuration gives as its type. */

import { nearest } from "../canonical/nearest.ts";
import { catalogue } from "./catalogue.ts";
import { baseUrlOf, type Provider } from "./provider.ts";

export {
  type Auth,
  type BaseUrl,
  baseUrlOf,
  type Endpoint,
  endpoints,
  type Offering,
  offerings,
  type Provider,
  type Speaking,
} from "./provider.ts";

/** The name of a row. Its aliases are not among them. */
export type ProviderName = keyof typeof catalogue;

/** A map and not the object itself: `__proto__` and `constructor` are no providers. */
const rows: ReadonlyMap<string, Provider> = new Map<string, Provider>(Object.entries(catalogue));
const aliases: ReadonlyMap<string, string> = new Map(
  [...rows].flatMap(([name, row]) => (row.aliases ?? []).map((alias): [string, string] => [alias, name])),
);

/** The names of all rows, in the order of the catalogue. */
export function providerNames(): string[] {
  return [...rows.keys()];
}

/** The row's own name for a name or an alias, in whatever case. */
export function canonicalProviderName(type: string): string | undefined {
  const lower = type.toLowerCase();
  return rows.has(lower) ? lower : aliases.get(lower);
}

export function findProvider(type: string): Provider | undefined {
  const name = canonicalProviderName(type);
  return name === undefined ? undefined : rows.get(name);
}

/** The name or alias that was most likely meant, for an error message. Undefined when nothing is near. */
export function nearestProviderName(type: string): string | undefined {
  return nearest(type, [...rows.keys(), ...aliases.keys()]);
}

export interface Discovered {
  name: string;
  provider: Provider;
  keyEnv: string;
}

/**
 * The providers that can be called with what is in the environment: a key, and every name that the address needs.
 * A variable that several rows read (`MOONSHOT_API_KEY` opens two continents) turns on only one of them:
 * the row that names it earliest in its list, and among equals the first row of the catalogue.
 */
export function discover(env: Readonly<Record<string, string | undefined>>): Discovered[] {
  const found: Discovered[] = [];
  for (const [name, provider] of rows) {
    if (provider.local || baseUrlOf(provider.baseUrl, env) === undefined) continue;
    const keyEnv = provider.env.find((variable) => env[variable] && owners.get(variable) === name);
    if (keyEnv !== undefined) found.push({ name, provider, keyEnv });
  }
  return found;
}

const owners: ReadonlyMap<string, string> = (() => {
  const ranks = new Map<string, { name: string; rank: number }>();
  for (const [name, row] of rows) {
    if (row.local) continue;
    for (const [rank, variable] of row.env.entries()) {
      const owner = ranks.get(variable);
      if (!owner || rank < owner.rank) ranks.set(variable, { name, rank });
    }
  }
  return new Map([...ranks].map(([variable, { name }]) => [variable, name]));
})();
