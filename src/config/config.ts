/** The configuration as the gateway uses it: checked, every default filled in, durations in milliseconds, credentials as `Secret`. */

import type { Capabilities } from "../canonical/capabilities.ts";
import type { JsonObject } from "../canonical/json.ts";
import type { Secret } from "../canonical/secret.ts";
import { formatListen } from "./address.ts";
import type { ListenAddress } from "./address.ts";

/** Names from the file are only ever looked up in Maps, so that `constructor` and its kin are names like any other. */
export interface Config {
  /** Where clients connect. Default: 127.0.0.1:4000. */
  listen: ListenAddress;
  /**
   * Where the admin API and the dashboard listen; `"same"`: at `listen`.
   * Default: `"same"` when `listen` is loopback, else 127.0.0.1 at the next port.
   */
  adminListen: ListenAddress | "same";
  /** Opens the admin API. Required to listen on anything but loopback. */
  adminKey: Secret | undefined;
  /** Its address, which may hold a password. Undefined: what the seam does by itself (the server keeps a file, the library keeps nothing). */
  database: Secret | undefined;
  /** By the name that the file gives them. Providers found in the environment are not here. */
  providers: ReadonlyMap<string, ProviderConfig>;
  /** Aliases: what clients ask for. */
  models: ReadonlyMap<string, ModelConfig>;
  /** Static client keys. */
  keys: readonly KeyConfig[];
  /** By `provider/model`: these win over the price book. */
  prices: ReadonlyMap<string, Price>;
  log: LogConfig;
  limits: LimitsConfig;
}

export interface ProviderConfig {
  name: string;
  /** The row of the provider catalogue. */
  type: string;
  /** Without a slash at the end. Undefined: the row's. */
  baseUrl: string | undefined;
  /** Undefined: from the row's usual environment variable. Empty: `none` was written, no credentials are sent. */
  apiKeys: readonly Secret[] | undefined;
  /** Sent with every call; names in lower case. Values may be credentials, so they are handled as such. */
  headers: ReadonlyMap<string, Secret>;
  /** Of the formats that the row speaks only these, best first; full names where the caller said which the row speaks. Undefined: all. */
  formats: readonly string[] | undefined;
  /** Facts that win over the catalogue's, by the provider's own model name. */
  models: ReadonlyMap<string, ModelFacts>;
  cloud: CloudSettings;
  /** For calls as `provider/model`; targets of aliases have their own, resolved from this. */
  timeout: Timeouts;
}

/** Where a cloud runs a vendor's models, and the credentials for it. What is absent comes from the cloud's usual environment variables. */
export interface CloudSettings {
  region?: string | undefined;
  accessKeyId?: string | undefined;
  secretAccessKey?: Secret | undefined;
  sessionToken?: Secret | undefined;
  profile?: string | undefined;
  project?: string | undefined;
  location?: string | undefined;
  credentials?: Secret | undefined;
  resource?: string | undefined;
  apiVersion?: string | undefined;
  tenantId?: string | undefined;
  clientId?: string | undefined;
  clientSecret?: Secret | undefined;
  tokenUrl?: string | undefined;
  scope?: string | undefined;
  audience?: string | undefined;
}

export interface ModelFacts {
  capabilities: Capabilities;
  price: Price | undefined;
}

/** USD per million tokens, at most six decimals: a price in whole pico-dollars per token. Undefined: not said. */
export interface Price {
  input?: number | undefined;
  output?: number | undefined;
  cacheRead?: number | undefined;
  cacheWrite?: number | undefined;
  /** Cache entries with a lifetime of an hour or more. */
  cacheWriteLong?: number | undefined;
  reasoning?: number | undefined;
  audioInput?: number | undefined;
  audioOutput?: number | undefined;
  imageInput?: number | undefined;
  imageOutput?: number | undefined;
}

/** How targets are chosen; more ways come with later builds. */
type RouteName = "fallback";

export interface ModelConfig {
  name: string;
  route: RouteName;
  /** At least one, in the order of the file. */
  targets: readonly Target[];
  retry: Retry;
  /** `totalMs` is for the whole call over all attempts; each attempt follows its target's own timeouts. */
  timeout: Timeouts;
}

export type Target = ModelTarget | AliasTarget;

interface TargetBase {
  /** Relative share where the route weighs its targets. Default 1. */
  weight: number;
  /** Top-level request fields that this target gets, over what the client sent. */
  set: JsonObject;
}

interface ModelTarget extends TargetBase {
  kind: "model";
  provider: string;
  /** The provider's own name: everything after the first slash. */
  model: string;
  /** The target's own, else the alias's, else the provider's, else the default, each field by itself. */
  timeout: Timeouts;
}

/** Another alias: its own route decides. Never leads back to itself. */
interface AliasTarget extends TargetBase {
  kind: "alias";
  alias: string;
}

/** A status number, a class of them, no answer in time, or no connection. */
export type RetryTrigger = number | "4xx" | "5xx" | "timeout" | "network";

export interface Retry {
  /** All tries at one target: 1 means no retry. */
  attempts: number;
  on: readonly RetryTrigger[];
}

export interface Timeouts {
  /** Until the connection stands, TLS included. */
  connectMs: number;
  /** Streamed replies: until the first event. */
  firstByteMs: number;
  /** Replies in one piece: until all of it is there. The same as `first_byte` where only that was written. */
  wholeMs: number;
  /** Streamed replies: the longest silence between two events. */
  idleMs: number;
  /** Everything, over all attempts. */
  totalMs: number;
}

export interface KeyConfig {
  name: string;
  key: Secret;
  /** Aliases, `provider/model`, `provider/*` or `*`. Undefined: every model. */
  models: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  expiresMs: number | undefined;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

export interface LogConfig {
  level: LogLevel;
  /** `auto`: lines for people on a terminal, JSON elsewhere. */
  format: "auto" | "json" | "pretty";
}

export interface LimitsConfig {
  /** The largest JSON body a client may send. */
  bodyBytes: number;
}

/** Reasoning models are silent for long, and the vendors' own SDKs give up after 600 s. */
export const defaultTimeouts: Timeouts = { connectMs: 5_000, firstByteMs: 120_000, wholeMs: 600_000, idleMs: 60_000, totalMs: 1_800_000 };

export const defaultRetry: Retry = { attempts: 2, on: [429, "5xx", "timeout", "network"] };

/** Anthropic's own cap is 32 MB, and images travel in base64. */
export const defaultLimits: LimitsConfig = { bodyBytes: 32 * 1024 ** 2 };

export const defaultLog: LogConfig = { level: "info", format: "auto" };

/** The settings that differ and that only a new start can change; by their names in the file. */
export function needsRestart(before: Config, after: Config): string[] {
  const fixed: [string, (config: Config) => string | undefined][] = [
    ["listen", (config) => formatListen(config.listen)],
    ["admin_listen", (config) => (config.adminListen === "same" ? "same" : formatListen(config.adminListen))],
    ["database", (config) => config.database?.reveal()],
  ];
  return fixed.filter(([, read]) => read(before) !== read(after)).map(([name]) => name);
}
