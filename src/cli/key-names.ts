/** From a key's id to its name, and back: people remember names. */

import { nearest } from "../canonical/nearest.ts";
import type { Config } from "../config/config.ts";
import type { KeyStore } from "../stores/ports.ts";
import { CommandFailure } from "./exit.ts";

export interface KeyNames {
  /** The name, or the id where no name is known. */
  nameOf(id: string): string;
  /** Id by name; of keys with the same name, the one that is in use. */
  readonly ids: ReadonlyMap<string, string>;
}

export async function keyNames(store: KeyStore, config: Pick<Config, "keys">): Promise<KeyNames> {
  const names = new Map<string, string>();
  const ids = new Map<string, string>();
  for (const key of await store.listKeys()) {
    names.set(key.id, key.disabledAt === null ? key.name : `${key.name} (disabled)`);
    if (key.disabledAt === null || !ids.has(key.name)) ids.set(key.name, key.id);
  }
  for (const { name } of config.keys) {
    names.set(`config:${name}`, name);
    ids.set(name, `config:${name}`);
  }
  return { nameOf: (id) => names.get(id) ?? id.replace(/^config:/, ""), ids };
}

/** What was given on the command line as an id: a name will do. */
export function resolveKey(given: string, names: KeyNames): string {
  const id = names.ids.get(given) ?? [...names.ids.values()].find((one) => one === given);
  if (id !== undefined) return id;
  // The record of a key outlives the key's own entry.
  if (/^(?:key_|config:)/.test(given)) return given;
  const near = nearest(given, names.ids.keys());
  throw new CommandFailure(
    `There is no key named ${JSON.stringify(given)}${near === undefined ? "" : `, did you mean ${JSON.stringify(near)}?`}`,
    { hint: "`headgate keys list` shows them all." },
  );
}
