/** What a row of the catalogue says about a vendor. A vendor that deviates names a quirk here; no code asks for a vendor by name. */

import type { Quirk } from "../canonical/quirks.ts";
import type { Json } from "../canonical/json.ts";
import type { FormatName } from "../formats/codec.ts";
import type { SignerName } from "./auth/signers.ts";
import type { OperationFormatName } from "../formats/operation.ts";

/** How a key travels. */
export type Auth = PlainAuth | { readonly kind: "signed"; readonly by: SignerName; readonly key: PlainAuth };
type PlainAuth = { readonly kind: "bearer" } | { readonly kind: "header"; readonly name: Lowercase<string> } | { readonly kind: "none" };

/** A key where there is one, shown as `key` says; else each request is signed, or shows a token that is fetched and renewed. */
export function signed(by: SignerName, key: PlainAuth): Auth {
  return { kind: "signed", by, key };
}

/** `authorization: Bearer <key>` */
export function bearer(): PlainAuth {
  return { kind: "bearer" };
}

/** The key as it is, in a header of this name. */
export function header(name: Lowercase<string>): PlainAuth {
  return { kind: "header", name };
}

/** No key at all. */
export function none(): PlainAuth {
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
  /** Where the path is not the format's own, e.g. because it names the model. */
  path?: (model: string, stream: boolean) => string;
  /** The same for an `api_version` in the configuration; the prefix then falls away. */
  versioned?: (version: string) => (model: string, stream: boolean) => string;
  /** Fields of the body that the vendor wants set, or (undefined) left out. */
  body?: Readonly<Record<string, Json | undefined>>;
  auth?: Auth;
  /** In place of the row's quirks: they belong to one format. Absent: none. */
  quirks?: readonly Quirk[];
}

/** A format of another operation than chat, where it lives elsewhere than the row says. */
export interface Offering {
  format: OperationFormatName;
  baseUrl?: BaseUrl;
  prefix?: `/${string}`;
  auth?: Auth;
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
  /**
   * The operations beside chat. Who speaks OpenAI's chat is taken to have OpenAI's other doors too, without a word here: whether a server has them is
   * best answered by itself.
   */
  offers?: readonly (OperationFormatName | Offering)[];
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
  path: ((model: string, stream: boolean) => string) | undefined;
  body: Readonly<Record<string, Json | undefined>> | undefined;
  auth: Auth;
  quirks: readonly Quirk[];
}

export interface EndpointOptions {
  baseUrl?: string | undefined;
  formats?: readonly FormatName[] | undefined;
  apiVersion?: string | undefined;
}

/**
 * The formats that a provider speaks, best first, each with its address.
 * A configured base URL stands for the row's own: a format that lives at another address of the vendor is then left out, unless it is asked for
 * by name in `formats`, because only the user can know where that other address went.
 */
export function endpoints(provider: Provider, options: EndpointOptions = {}): Endpoint[] {
  const { baseUrl, formats, apiVersion } = options;
  const all: Endpoint[] = [];
  for (const entry of provider.speaks) {
    const speaking: Speaking = typeof entry === "string" ? { format: entry, quirks: provider.quirks } : entry;
    if (formats && !formats.includes(speaking.format)) continue;
    if (baseUrl !== undefined && speaking.baseUrl !== undefined && !formats) continue;
    const versioned = apiVersion === undefined ? undefined : speaking.versioned?.(apiVersion);
    all.push({
      format: speaking.format,
      baseUrl: withPrefix(baseUrl ?? speaking.baseUrl ?? provider.baseUrl, versioned ? undefined : speaking.prefix),
      path: versioned ?? speaking.path,
      body: speaking.body,
      auth: speaking.auth ?? provider.auth,
      quirks: speaking.quirks ?? [],
    });
  }
  if (formats) all.sort((a, b) => formats.indexOf(a.format) - formats.indexOf(b.format));
  return all;
}

/** What those who imitate OpenAI's chat mostly imitate too. */
const impliedByChat: readonly OperationFormatName[] = [
  "openai/embeddings",
  "openai/images",
  "openai/speech",
  "openai/transcriptions",
  "openai/moderations",
];

/** The operations beside chat that a provider offers, each with its address; `chat`: the formats of chat that it speaks here. */
export function offerings(
  provider: Provider,
  chat: readonly Endpoint[],
  options: { baseUrl?: string | undefined } = {},
): { format: OperationFormatName; baseUrl: string | undefined; auth: Auth }[] {
  const { baseUrl } = options;
  const own = (provider.offers ?? []).flatMap((entry) => {
    const offering: Offering = typeof entry === "string" ? { format: entry } : entry;
    if (baseUrl !== undefined && offering.baseUrl !== undefined) return [];
    return [
      {
        format: offering.format,
        baseUrl: withPrefix(baseUrl ?? offering.baseUrl ?? provider.baseUrl, offering.prefix),
        auth: offering.auth ?? provider.auth,
      },
    ];
  });
  const openai = chat.find(({ format }) => format === "openai/chat-completions");
  const implied = openai ? impliedByChat.map((format) => ({ format, baseUrl: openai.baseUrl, auth: openai.auth })) : [];
  return [...own, ...implied.filter(({ format }) => !own.some((one) => one.format === format))];
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
