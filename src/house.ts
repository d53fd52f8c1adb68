/** Builds the house from a configuration: providers made callable, names made routes. */

import { allowsModel } from "./accounts/keys.ts";
import type { ConfiguredKey, ConfiguredKeys, KnownKey } from "./accounts/keys.ts";
import { GatewayError } from "./canonical/errors.ts";
import type { Capabilities } from "./canonical/capabilities.ts";
import type { Quirk } from "./canonical/quirks.ts";
import { Secret } from "./canonical/secret.ts";
import type { Usage } from "./canonical/usage.ts";
import { defaultRetry, defaultTimeouts } from "./config/config.ts";
import type { ProviderType } from "./config/check.ts";
import type { Config, ModelConfig, Price, ProviderConfig, Timeouts } from "./config/config.ts";
import type { Codec, FormatName } from "./formats/codec.ts";
import type { Auth, Endpoint, Provider } from "./providers/index.ts";
import { baseUrlOf, discover, endpoints, findProvider, nearestProviderName, offerings, providerNames } from "./providers/index.ts";
import { cloudEnvironment, credentialOf } from "./providers/auth/credential.ts";
import type { Hashing } from "./providers/auth/hashing.ts";
import { costOf, pricesFrom } from "./providers/cost.ts";
import { describeModel, knowsModel, listModels } from "./providers/models.ts";
import { KeyRing } from "./resilience/key-ring.ts";
import { fallback } from "./routing/fallback.ts";
import type { House, Offer, Patience, ProviderSeat, Route, SpokenFormat, Target } from "./stages/call.ts";
import type { Fetch } from "./upstream/send.ts";

export interface Materials {
  codecs: readonly Codec[];
  clientCodecs: readonly Codec[];
  fetch: Fetch;
  /** The built-in provider's stand-in for `fetch`. */
  mock: Fetch;
  mockModels: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  sha256(text: string): string | Promise<string>;
  /** For signatures; absent: web standards'. */
  hashing?: Hashing | undefined;
}

/** The type, and the usual name, of the provider that lives inside. */
export const MOCK = "mock";

/** `provider/model` names that nobody configured are made into routes as they are asked for; this many are kept. */
const MAX_IMPROVISED = 5000;

export interface Furnishing {
  seats: ReadonlyMap<string, ProviderSeat>;
  routes: ReadonlyMap<string, Route>;
  route: House["route"];
  /** `provider/model` for all that the providers are known to have. */
  offers(): readonly string[];
  /** Routes and offers, with what is known of them. */
  listings(): readonly Listing[];
  /** Of a name that is in no list too, if a provider is known to have it. */
  listing(name: string): Listing | undefined;
}

/** A name that may be asked for, and what is known of whom it reaches first. */
export interface Listing extends Pick<Target, "name" | "capabilities" | "cost"> {
  /** The provider; undefined for a route of the configuration. */
  owner: string | undefined;
}

/** Throws GatewayError `invalid_request` when the configuration names what this build does not have. */
export function furnish(config: Config | undefined, materials: Materials, now: () => number): Furnishing {
  const seats = new Map<string, ProviderSeat>();
  const rows = config && config.providers.size > 0 ? [...config.providers.values()] : discoveredProviders(materials.env);
  for (const row of rows) seats.set(row.name, seat(row, materials, now));
  const aliases = config?.models ?? new Map<string, ModelConfig>();
  const routes = new Map<string, Route>();
  for (const model of aliases.values()) {
    routes.set(model.name, {
      name: model.name,
      policy: fallback,
      targets: targetsOf(model, aliases, seats, config),
      totalMs: model.timeout.totalMs,
    });
  }
  const improvised = new Map<string, Route>();
  const improvise = (name: string): Route | undefined => {
    const known = improvised.get(name);
    if (known) return known;
    const made = improviseRoute(name, seats, config);
    if (!made) return undefined;
    if (improvised.size >= MAX_IMPROVISED) improvised.clear();
    improvised.set(name, made);
    return made;
  };
  let offers: string[] | undefined;
  let listings: ReadonlyMap<string, Listing> | undefined;
  const furnishing: Furnishing = {
    seats,
    routes,
    listings: () => [...(listings ??= listingsOf(furnishing, seats, config)).values()],
    listing(name) {
      const listed = (listings ??= listingsOf(furnishing, seats, config)).get(name);
      // `provider/anything` is a route, but nobody says that there is such a model.
      if (listed || name.includes("/")) return listed;
      const [target] = improvise(name)?.targets ?? [];
      return target && { name, owner: target.provider.name, capabilities: target.capabilities, cost: target.cost };
    },
    route: (name) => routes.get(name) ?? improvise(name),
    offers: () =>
      (offers ??= [...seats.keys()].flatMap((name) => offersOf(catalogueName(name, config), materials).map((model) => `${name}/${model}`))),
  };
  return furnishing;
}

/** Made on first use: it looks up every model of every provider. */
function listingsOf(
  { routes, offers }: Pick<Furnishing, "routes" | "offers">,
  seats: ReadonlyMap<string, ProviderSeat>,
  config: Config | undefined,
): ReadonlyMap<string, Listing> {
  const all = new Map<string, Listing>();
  for (const [name, { targets }] of routes) {
    const [first] = targets;
    if (first) all.set(name, { name, owner: undefined, capabilities: first.capabilities, cost: first.cost });
  }
  for (const name of offers()) {
    const slash = name.indexOf("/");
    const provider = seats.get(name.slice(0, slash));
    if (!provider || all.has(name)) continue;
    const { capabilities, cost } = makeTarget(provider, name.slice(slash + 1), config);
    all.set(name, { name, owner: provider.name, capabilities, cost });
  }
  return all;
}

/** What is there when the configuration names no providers: each whose usual environment variable is set, and the mock. */
export function discoveredProviders(env: Materials["env"]): ProviderConfig[] {
  const names = [...discover(env).map((one) => one.name), MOCK];
  return names.map((name) => ({
    name,
    type: name,
    baseUrl: undefined,
    apiKeys: undefined,
    headers: new Map(),
    formats: undefined,
    models: new Map(),
    cloud: {},
    timeout: defaultTimeouts,
  }));
}

/** The provider types of this build, for the configuration's check. */
export function providerTypes(env: Materials["env"]): ProviderType[] {
  const types = providerNames().flatMap((name): ProviderType[] => {
    const row = findProvider(name) as Provider;
    const needsBaseUrl = baseUrlOf(row.baseUrl, env) === undefined;
    const formats = endpoints(row).map((endpoint) => endpoint.format);
    return [name, ...(row.aliases ?? [])].map((one) => ({ name: one, needsBaseUrl, formats }));
  });
  return [...types, { name: MOCK }];
}

// ── providers ────────────────────────────────────────────────────────────────────────────────────────────────

function seat(config: ProviderConfig, materials: Materials, now: () => number): ProviderSeat {
  if (config.type === MOCK) return mockSeat(config, materials, now);
  const row = findProvider(config.type);
  if (!row) {
    const near = nearestProviderName(config.type);
    throw new GatewayError(
      "not_supported",
      `providers.${config.name}: this build knows no provider type "${config.type}"${near ? `, did you mean "${near}"?` : "."}`,
      { field: `providers.${config.name}.type` },
    );
  }
  const formats = config.formats?.map((name) => formatNamed(name, materials.codecs, config.name));
  const chat = endpoints(row, { baseUrl: config.baseUrl, formats, apiVersion: config.cloud.apiVersion });
  const env = cloudEnvironment(config.cloud, materials.env);
  const prove = prover(config, env, materials);
  const speaks = spokenFormats(chat, materials, env, prove);
  const offers = offered(row, chat, config.baseUrl, env, prove);
  if (speaks.length === 0 && offers.length === 0) {
    const reason = config.formats ? `does not speak ${config.formats.join(", ")}` : "needs a base_url";
    throw new GatewayError("invalid_request", `providers.${config.name}: the type "${config.type}" ${reason}.`, {
      field: `providers.${config.name}`,
    });
  }
  const base = baseUrlOf(config.baseUrl ?? row.baseUrl, env);
  return {
    name: config.name,
    speaks,
    offers,
    base: base === undefined ? undefined : { baseUrl: base.replace(/\/+$/, ""), credential: prove(row.auth) },
    keys: new KeyRing(config.apiKeys ?? (hasOwnCredentials(config.cloud) ? [] : keysFromEnvironment(row, materials.env)), now),
    headers: { ...row.headers, ...Object.fromEntries([...config.headers].map(([name, value]) => [name, value.reveal()])) },
    fetch: materials.fetch,
  };
}

type Prove = (auth: Auth) => SpokenFormat["credential"];

function prover(config: ProviderConfig, env: Materials["env"], materials: Materials): Prove {
  const { fetch, hashing } = materials;
  return (auth) => {
    // Signatures carry the date, so this clock is the wall's.
    const credential = credentialOf(auth, { settings: config.cloud, env, fetch, hashing, now: () => Date.now(), random: Math.random });
    return (key, request) => credential(key.secret, { method: "POST", ...request });
  };
}

/** Cloud credentials in the file win over a key that happens to be in the environment. */
function hasOwnCredentials(cloud: ProviderConfig["cloud"]): boolean {
  return [cloud.accessKeyId, cloud.profile, cloud.credentials, cloud.clientSecret].some((value) => value !== undefined);
}

function spokenFormats(chat: readonly Endpoint[], materials: Materials, env: Materials["env"], prove: Prove): SpokenFormat[] {
  const spoken: SpokenFormat[] = [];
  for (const endpoint of chat) {
    const baseUrl = baseUrlOf(endpoint.baseUrl, env);
    const codec = materials.codecs.find((one) => one.name === endpoint.format);
    if (baseUrl === undefined || !codec) continue;
    spoken.push({
      codec,
      baseUrl: baseUrl.replace(/\/+$/, ""),
      path: endpoint.path,
      body: endpoint.body,
      quirks: new Set(endpoint.quirks),
      credential: prove(endpoint.auth),
    });
  }
  return spoken;
}

function offered(row: Provider, chat: readonly Endpoint[], baseUrl: string | undefined, env: Materials["env"], prove: Prove): Offer[] {
  return offerings(row, chat, { baseUrl }).flatMap(({ format, baseUrl: url, auth }): Offer[] => {
    const at = baseUrlOf(url, env);
    return at === undefined ? [] : [{ format, baseUrl: at.replace(/\/+$/, ""), credential: prove(auth) }];
  });
}

/** A format by its full name, or by the last word of it (`messages`), or by its first hyphenated word (`chat`). */
function formatNamed(name: string, codecs: readonly Codec[], provider: string): FormatName {
  const found = codecs.find(
    (codec) => codec.name === name || codec.name.endsWith(`/${name}`) || codec.name.split("/")[1]?.split("-")[0] === name,
  );
  if (found) return found.name;
  const known = codecs.map((codec) => codec.name.split("/")[1]).join(", ");
  throw new GatewayError("not_supported", `providers.${provider}.formats: this build does not speak "${name}" (it speaks ${known}).`, {
    field: `providers.${provider}.formats`,
  });
}

function keysFromEnvironment(row: Provider, env: Materials["env"]): Secret[] {
  for (const variable of row.env) {
    const value = env[variable];
    if (value) return [new Secret(value)];
  }
  return [];
}

function mockSeat(config: ProviderConfig, materials: Materials, now: () => number): ProviderSeat {
  const speaks = materials.clientCodecs.map((codec) => ({
    codec,
    baseUrl: "http://mock",
    quirks: new Set<never>(),
    credential: () => ({}),
  }));
  return { name: config.name, speaks, offers: [], base: undefined, keys: new KeyRing([], now), headers: {}, fetch: materials.mock };
}

function offersOf(type: string, materials: Materials): readonly string[] {
  return type === MOCK ? materials.mockModels : listModels(type);
}

// ── models ───────────────────────────────────────────────────────────────────────────────────────────────────

function targetsOf(
  model: ModelConfig,
  aliases: Config["models"],
  seats: ReadonlyMap<string, ProviderSeat>,
  config: Config | undefined,
): Target[] {
  return model.targets.flatMap((target): Target[] => {
    if (target.kind === "alias") {
      const inner = targetsOf(aliases.get(target.alias) as ModelConfig, aliases, seats, config);
      return inner.map((one) => ({ ...one, set: Object.keys(target.set).length > 0 ? { ...one.set, ...target.set } : one.set }));
    }
    const provider = seats.get(target.provider);
    if (!provider)
      throw new GatewayError("invalid_request", `models.${model.name}: there is no provider "${target.provider}".`, {
        field: `models.${model.name}.targets`,
      });
    return [
      {
        ...makeTarget(provider, target.model, config),
        weight: target.weight,
        set: Object.keys(target.set).length > 0 ? target.set : undefined,
        retry: model.retry,
        patience: patience(target.timeout),
      },
    ];
  });
}

/** `provider/model` always works; a bare name goes to the first provider whose catalogue knows it. */
function improviseRoute(name: string, seats: ReadonlyMap<string, ProviderSeat>, config: Config | undefined): Route | undefined {
  const slash = name.indexOf("/");
  let provider = slash > 0 ? seats.get(name.slice(0, slash)) : undefined;
  let model = name.slice(slash + 1);
  if (!provider) {
    const knowing = [...seats.values()].find((one) => knowsModel(catalogueName(one.name, config), name));
    if (!knowing) return undefined;
    provider = knowing;
    model = name;
  }
  if (!isModelName(model)) return undefined;
  const timeouts = config?.providers.get(provider.name)?.timeout ?? defaultTimeouts;
  return {
    name,
    policy: fallback,
    targets: [{ ...makeTarget(provider, model, config), patience: patience(timeouts) }],
    totalMs: timeouts.totalMs,
  };
}

/** Model names end up in paths and headers: what could climb out of a path or split a header is no name. */
function isModelName(model: string): boolean {
  return (
    model !== "" && model.length <= 256 && /^[\x21-\x7e]+$/.test(model) && !/[\\?#%;]|(?:^|\/)\.{1,2}(?:\/|$)|\/\/|^\/|\/$/.test(model)
  );
}

function makeTarget(provider: ProviderSeat, model: string, config: Config | undefined): Target {
  const own = config?.providers.get(provider.name)?.models.get(model);
  const facts = describeModel(catalogueName(provider.name, config), model);
  const capabilities: Capabilities = { ...facts?.capabilities, ...own?.capabilities };
  const configured: Price | undefined = config?.prices.get(`${provider.name}/${model}`) ?? own?.price;
  const prices = configured ? pricesFrom(configured) : facts?.prices;
  return {
    name: `${provider.name}/${model}`,
    provider,
    model,
    speaks: withQuirks(provider.speaks, facts?.quirks ?? []),
    weight: 1,
    set: undefined,
    retry: defaultRetry,
    patience: patience(defaultTimeouts),
    capabilities,
    cost: (usage: Usage, atMs: number) => (prices ? costOf(usage, prices, atMs) : undefined),
  };
}

/** A model may deviate where its provider's others do not. */
function withQuirks(speaks: readonly SpokenFormat[], quirks: readonly Quirk[]): readonly SpokenFormat[] {
  return quirks.length === 0 ? speaks : speaks.map((spoken) => ({ ...spoken, quirks: new Set([...spoken.quirks, ...quirks]) }));
}

/** The row that lists this provider's models: its type, since its name is the user's own. */
function catalogueName(provider: string, config: Config | undefined): string {
  return config?.providers.get(provider)?.type ?? provider;
}

function patience(timeouts: Timeouts): Patience {
  return { firstByteMs: timeouts.firstByteMs, wholeMs: timeouts.wholeMs, idleMs: timeouts.idleMs };
}

// ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** The configured keys by their hash; at once where hashing is synchronous. */
export function configuredKeys(keys: Config["keys"], sha256: Materials["sha256"]): ConfiguredKeys | Promise<ConfiguredKeys> {
  const entries = keys.map(({ name, key, models, expiresMs }) => {
    const known: KnownKey = Object.freeze({
      keyId: `config:${name}`,
      keyName: name,
      allows: (model: string) => allowsModel(models, model),
    });
    const hash = sha256(key.reveal());
    const entry = { key: known, expiresAt: expiresMs };
    return typeof hash === "string" ? ([hash, entry] as const) : hash.then((value) => [value, entry] as const);
  });
  return entries.some((entry) => entry instanceof Promise)
    ? Promise.all(entries.map((entry) => Promise.resolve(entry))).then((all) => new Map(all))
    : new Map(entries as (readonly [string, ConfiguredKey])[]);
}
