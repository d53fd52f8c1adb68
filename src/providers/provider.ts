/** What a row of the catalogue says about a vendor. A vendor that deviates names a quirk here; no code asks for a vendor by name. */

import type { Quirk } from "../canonical/quirks.ts";
import type { FormatName } from "../formats/codec.ts";

/** How a key travels. */
export type Auth = { readonly kind: "bearer" } | { readonly kind: "header"; readonly name: Lowercase<string> } | { readonly kind: "none" };

/** `authorization: Bearer <key>` */
export function bearer(): Auth {
  return { kind: "bearer" };
}

/** The key as it is, in a header of this name. */
export function header(name: Lowercase<string>): Auth {
  return { kind: "header", name };
}

/** No key at all. */
export function none(): Auth {
  return { kind: "none" };
}

/** No slash at the end (a test holds it). `${NAME}` in it is read from the environment: see `baseUrlOf`. */
export type BaseUrl = `https://${string}` | `http://127.0.0.1:${number}${"" | `/${string}`}`;

/** A format that the vendor speaks at another address than its first one, or with another way to show the key. What is absent is as in the row. */
export interface Speaking {
  format: FormatName;
  /** An address of its own. */
  baseUrl?: BaseUrl;
  /** Appended to the row's address, or to the configured one, unless that ends in it already. */
  prefix?: `/${string}`;
  auth?: Auth;
  /** In place of the row's quirks: they belong to one format. Absent: none. */
  quirks?: readonly Quirk[];
}

/**
 * One vendor.
 *
 * @example
 * const groq: Provider = {
 *   label: "Groq",
 *   baseUrl: "https://api.groq.com/openai/v1",
 *   env: ["GROQ_API_KEY"],
 *   auth: bearer(),
 *   speaks: ["openai/chat-completions"],
 *   quirks: ["no-name"],
 * };
 */
export interface Provider {
  label: string;
  /** What the vendor's own SDK takes: OpenAI-like ends in `/v1`, Anthropic is the bare host. `undefined`: must be configured. */
  baseUrl: BaseUrl | undefined;
  /** Environment variables that hold the key, the first one found wins. Empty: none is needed, but a configured one is sent as `auth` says. */
  env: readonly Uppercase<string>[];
  auth: Auth;
  /** Best first. The row's `baseUrl`, `auth` and `quirks` are those of every format given by name alone. */
  speaks: readonly (FormatName | Speaking)[];
  quirks: readonly Quirk[];
  /** Other names under which people know it. */
  aliases?: readonly Lowercase<string>[];
  /** Sent with every request. */
  headers?: Readonly<Record<Lowercase<string>, string>>;
  /** Runs on the user's own machine: the address alone does not say that somebody is there, so it is not discovered. */
  local?: boolean;
  /** Names under which the price and model data lists it, first found wins. Absent: the row's own name. */
  pricesFrom?: readonly string[];
  /** A word for the reader of the provider list. */
  docs?: string;
}

/** A format of a provider with everything filled in. */
export interface Endpoint {
  format: FormatName;
  baseUrl: string | undefined;
  auth: Auth;
  quirks: readonly Quirk[];
}

/**
 * The formats that a provider speaks, best first, each with its address.
 * A configured base URL stands for the row's own: a format that lives at another address of the vendor is then left out, unless it is asked for
 * by name in `formats`, because only the user can know where that other address went.
 */
export function endpoints(provider: Provider, options: { baseUrl?: string | undefined; formats?: readonly FormatName[] | undefined } = {}): Endpoint[] {
  const { baseUrl, formats } = options;
  const all: Endpoint[] = [];
  for (const entry of provider.speaks) {
    const speaking: Speaking = typeof entry === "string" ? { format: entry, quirks: provider.quirks } : entry;
    if (formats && !formats.includes(speaking.format)) continue;
    if (baseUrl !== undefined && speaking.baseUrl !== undefined && !formats) continue;
    all.push({
      format: speaking.format,
      baseUrl: withPrefix(baseUrl ?? speaking.baseUrl ?? provider.baseUrl, speaking.prefix),
      auth: speaking.auth ?? provider.auth,
      quirks: speaking.quirks ?? [],
    });
  }
  if (formats) all.sort((a, b) => formats.indexOf(a.format) - formats.indexOf(b.format));
  return all;
}

function withPrefix(url: string | undefined, prefix: string | undefined): string | undefined {
  return url === undefined || prefix === undefined || url.endsWith(prefix) ? url : url + prefix;
}

/** A row's address with `${NAME}` filled in from the environment; undefined when there is none, or when a name has no value. */
export function baseUrlOf(url: string | undefined, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (url === undefined) return undefined;
  let known = true;
  const filled = url.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = env[name];
    if (!value) known = false;
    return value ?? "";
  });
  return known ? filled : undefined;
}
