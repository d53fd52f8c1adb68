/** From the words of the file to the configuration that the gateway uses. Runs only on what has passed every check. */

import type { Capabilities } from "../canonical/capabilities.ts";
import type { Json, JsonObject } from "../canonical/json.ts";
import { Secret } from "../canonical/secret.ts";
import type { CheckOptions } from "./check.ts";
import { defaultLimits, defaultLog, defaultRetry, defaultTimeouts } from "./config.ts";
import type {
  CloudSettings,
  Config,
  KeyConfig,
  ModelConfig,
  ModelFacts,
  Price,
  ProviderConfig,
  Retry,
  RetryTrigger,
  Target,
  Timeouts,
} from "./config.ts";
import { defaultListen, formatListen, isLoopback, parseListen } from "./address.ts";
import type { ListenAddress } from "./address.ts";
import { fullFormat, resolveReference } from "./references.ts";
import type { Names } from "./references.ts";
import type { ConfigFile, FactsFile, KeyFile, PriceFile, ProviderFile, RetryFile, TargetFile, TimeoutFile } from "./schema.ts";
import { parseCount, parseDuration, parseExpiry, parseSize } from "./units.ts";

export function normalise(file: ConfigFile, options: CheckOptions): Config {
  const providers = new Map<string, ProviderConfig>();
  for (const [name, provider] of Object.entries(file.providers ?? {})) providers.set(name, providerOf(name, provider, options));
  const discovered = new Set(options.discovered);
  const aliases = new Map(Object.entries(file.models ?? {}));
  const names: Names = { hasProvider: (name) => providers.has(name) || discovered.has(name), hasAlias: (name) => aliases.has(name) };
  const models = new Map<string, ModelConfig>();
  for (const [name, model] of aliases) models.set(name, modelOf(name, model, file, names));
  const prices = new Map<string, Price>();
  for (const [name, price] of Object.entries(file.prices ?? {})) prices.set(name, priceOf(price));
  const listen = listenOf(file.listen) ?? defaultListen;
  return {
    listen,
    adminListen: adminListenOf(file.admin_listen, listen),
    adminKey: file.admin_key === undefined ? undefined : new Secret(file.admin_key),
    database: file.database === undefined ? undefined : new Secret(file.database),
    providers,
    models,
    keys: (file.keys ?? []).map(keyOf),
    prices,
    log: { level: file.log?.level ?? defaultLog.level, format: file.log?.format ?? defaultLog.format },
    limits: { bodyBytes: (file.limits?.body === undefined ? undefined : parseSize(file.limits.body)) ?? defaultLimits.bodyBytes },
  };
}

function listenOf(written: string | number | undefined): ListenAddress | undefined {
  return written === undefined ? undefined : parseListen(String(written));
}

function adminListenOf(written: string | number | undefined, listen: ListenAddress): ListenAddress | "same" {
  if (written === "same") return "same";
  const address = listenOf(written);
  if (address !== undefined) return formatListen(address) === formatListen(listen) && listen.port !== 0 ? "same" : address;
  if (isLoopback(listen)) return "same";
  return { host: "127.0.0.1", port: listen.port === 0 || listen.port === 65_535 ? 0 : listen.port + 1 };
}

function providerOf(name: string, file: ProviderFile, options: CheckOptions): ProviderConfig {
  const type = file.type ?? name;
  const row = options.providerTypes?.find((candidate) => typeof candidate !== "string" && candidate.name === type);
  const spoken = typeof row === "object" ? row.formats : undefined;
  const models = new Map<string, ModelFacts>();
  for (const [model, facts] of Object.entries(file.models ?? {})) models.set(model, factsOf(facts));
  return {
    name,
    type,
    baseUrl: file.base_url?.replace(/\/+$/, ""),
    apiKeys: apiKeysOf(file),
    headers: new Map(Object.entries(file.headers ?? {}).map(([header, value]) => [header.toLowerCase(), new Secret(value)])),
    formats: file.formats?.map((format) => (spoken === undefined ? format : (fullFormat(format, spoken) ?? format))),
    models,
    cloud: cloudOf(file),
    timeout: timeoutsOf(defaultTimeouts, file.timeout),
  };
}

function cloudOf(file: ProviderFile): CloudSettings {
  const hidden = (value: string | undefined) => (value === undefined ? undefined : new Secret(value));
  return {
    region: file.region,
    accessKeyId: file.access_key_id,
    secretAccessKey: hidden(file.secret_access_key),
    sessionToken: hidden(file.session_token),
    profile: file.profile,
    project: file.project,
    location: file.location,
    credentials: hidden(file.credentials),
    resource: file.resource,
    apiVersion: file.api_version,
    tenantId: file.tenant_id,
    clientId: file.client_id,
    clientSecret: hidden(file.client_secret),
    tokenUrl: file.token_url,
    scope: file.scope,
    audience: file.audience,
  };
}

function apiKeysOf(file: ProviderFile): Secret[] | undefined {
  if (file.api_key === "none") return [];
  if (file.api_key !== undefined) return [new Secret(file.api_key)];
  return file.api_keys?.map((key) => new Secret(key));
}

function factsOf(file: FactsFile): ModelFacts {
  const capabilities: Capabilities = {
    contextWindow: countOf(file.context_window),
    maxOutputTokens: countOf(file.max_output_tokens),
    input: file.input,
    output: file.output,
    tools: file.tools,
    reasoning: file.reasoning,
    efforts: file.efforts,
    reasoningOptional: file.reasoning_optional,
    sampling: file.sampling,
    structuredOutput: file.structured_output,
  };
  return { capabilities: said(capabilities), price: file.price === undefined ? undefined : priceOf(file.price) };
}

function countOf(written: string | number | undefined): number | undefined {
  return typeof written === "string" ? parseCount(written) : written;
}

function priceOf(file: PriceFile): Price {
  return said({
    input: file.input,
    output: file.output,
    cacheRead: file.cache_read,
    cacheWrite: file.cache_write,
    cacheWriteLong: file.cache_write_long,
    reasoning: file.reasoning,
    audioInput: file.audio_input,
    audioOutput: file.audio_output,
    imageInput: file.image_input,
    imageOutput: file.image_output,
  });
}

/** Without what was not said, so that the rest can be spread over what is known already. */
function said<Facts extends object>(facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Facts;
}

function modelOf(name: string, written: NonNullable<ConfigFile["models"]>[string], file: ConfigFile, names: Names): ModelConfig {
  const route = typeof written === "string" ? { targets: [written] } : written;
  const timeouts = "timeout" in route ? route.timeout : undefined;
  return {
    name,
    route: "fallback",
    targets: route.targets.map((target) => targetOf(typeof target === "string" ? { model: target } : target, timeouts, file, names)),
    retry: retryOf("retry" in route ? route.retry : undefined),
    timeout: timeoutsOf(defaultTimeouts, timeouts),
  };
}

function targetOf(written: TargetFile, ofAlias: TimeoutFile | undefined, file: ConfigFile, names: Names): Target {
  const base = { weight: written.weight ?? 1, set: setOf(written.set) };
  const reference = resolveReference(written.model, names);
  if (reference?.kind === "alias") return { kind: "alias", alias: reference.alias, ...base };
  const { provider, model } = reference ?? { provider: "", model: written.model };
  const configured =
    file.providers !== undefined && Object.hasOwn(file.providers, provider) ? file.providers[provider]?.timeout : undefined;
  return {
    kind: "model",
    provider,
    model,
    ...base,
    timeout: timeoutsOf(timeoutsOf(timeoutsOf(defaultTimeouts, configured), ofAlias), written.timeout),
  };
}

function setOf(written: Readonly<Record<string, unknown>> | undefined): JsonObject {
  const set: JsonObject = {};
  for (const [field, value] of Object.entries(written ?? {})) set[field] = value as Json;
  return set;
}

function retryOf(file: RetryFile | undefined): Retry {
  return { attempts: file?.attempts ?? defaultRetry.attempts, on: file?.on?.map(triggerOf) ?? defaultRetry.on };
}

function triggerOf(written: string | number): RetryTrigger {
  return /^\d+$/.test(String(written)) ? Number(written) : (written as RetryTrigger);
}

function timeoutsOf(under: Timeouts, file: TimeoutFile | undefined): Timeouts {
  const over = (written: string | undefined, otherwise: number) =>
    (written === undefined ? undefined : parseDuration(written)) ?? otherwise;
  return {
    connectMs: over(file?.connect, under.connectMs),
    firstByteMs: over(file?.first_byte, under.firstByteMs),
    // The first byte of an answer in one piece comes when the model is done: who bounds the one bounds the other.
    wholeMs: over(file?.whole ?? file?.first_byte, under.wholeMs),
    idleMs: over(file?.idle, under.idleMs),
    totalMs: over(file?.total, under.totalMs),
  };
}

function keyOf(file: KeyFile): KeyConfig {
  return {
    name: file.name,
    key: new Secret(file.key),
    models: file.models,
    expiresMs: file.expires === undefined ? undefined : parseExpiry(file.expires),
  };
}
