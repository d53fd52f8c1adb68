/** Where each credential comes from: a variable, the file itself, or nowhere. Tells names and places, never a key. */

import { parse } from "yaml";
import { isObject } from "../canonical/json.ts";
import type { ProviderConfig } from "../config/config.ts";
import { readConfigText } from "../config/load.ts";
import { MOCK } from "../house.ts";
import { findProvider } from "../providers/index.ts";
import { plural } from "./text.ts";
import type { Environment } from "./world.ts";

/** A configuration file as it is written, before variables are put in; undefined when there is none or it is not readable. */
export type Written = Readonly<Record<string, unknown>> | undefined;

export async function readWritten(source: string | undefined): Promise<Written> {
  if (source === undefined) return undefined;
  try {
    const content: unknown = parse(await readConfigText(source), { logLevel: "silent" });
    return isObject(content) ? content : undefined;
  } catch {
    // What is wrong with the file is the loader's to say; here it is only read for the names of variables.
    return undefined;
  }
}

export interface KeySource {
  /** `found`: there is a credential. `none`: none is needed, or `none` was written. `missing`: the vendor asks for one, and there is none. */
  state: "found" | "none" | "missing";
  /** As in `key from OPENAI_API_KEY`. */
  words: string;
}

export function keySource(provider: ProviderConfig, env: Environment, written: Written, fileName = "the configuration"): KeySource {
  if (provider.type === MOCK) return { state: "none", words: "built in, needs no key" };
  const row = findProvider(provider.type);
  if (provider.apiKeys === undefined) {
    const variable = row?.env.find((name) => env[name]);
    if (variable !== undefined) return { state: "found", words: `key from ${variable}` };
    const names = row?.env ?? [];
    return names.length === 0
      ? { state: "none", words: "no key needed" }
      : { state: "missing", words: `no key: set ${names.slice(0, 2).join(" or ")}` };
  }
  if (provider.apiKeys.length === 0) return { state: "none", words: "no key is sent" };
  const variables = variablesOf(providerKeys(written, provider.name));
  const from = variables.length > 0 ? variables.join(", ") : fileName;
  return {
    state: "found",
    words: provider.apiKeys.length === 1 ? `key from ${from}` : `${plural(provider.apiKeys.length, "key")} from ${from}`,
  };
}

function providerKeys(written: Written, name: string): unknown[] {
  const providers = written?.["providers"];
  const provider = isObject(providers) && Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (!isObject(provider)) return [];
  return Array.isArray(provider["api_keys"]) ? provider["api_keys"] : [provider["api_key"]];
}

function variablesOf(texts: readonly unknown[]): string[] {
  return texts.flatMap((text) =>
    typeof text === "string" ? [...text.matchAll(/(?<!\$)\$\{([A-Za-z_]\w*)/g)].map((match) => match[1] as string) : [],
  );
}

/** The places in the file where a credential stands as it is, so that whoever reads the file has it. */
export function literalSecrets(written: Written): string[] {
  if (written === undefined) return [];
  const places: string[] = [];
  const look = (place: string, value: unknown): void => {
    if (typeof value === "string" && value !== "" && value !== "none" && variablesOf([value]).length === 0) places.push(place);
  };
  look("admin_key", written["admin_key"]);
  for (const [index, key] of listOf(written["keys"]).entries()) if (isObject(key)) look(`keys[${index}].key`, key["key"]);
  for (const [name, provider] of entriesOf(written["providers"])) {
    for (const field of ["api_key", "secret_access_key", "session_token"]) look(`providers.${name}.${field}`, entryOf(provider, field));
    for (const [index, key] of listOf(entryOf(provider, "api_keys")).entries()) look(`providers.${name}.api_keys[${index}]`, key);
  }
  for (const field of ["database", "redis"]) {
    const url = written[field];
    if (typeof url === "string" && /:\/\/[^/@:]*:[^/@]+@/.test(url)) look(field, url);
  }
  return places;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

function entryOf(value: unknown, field: string): unknown {
  return isObject(value) ? value[field] : undefined;
}
