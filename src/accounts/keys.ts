/** Who holds which key: looked up by the key's SHA-256, first among the configured keys, then in the store, behind a small cache. */

import type { StoredKey, KeyStore } from "../stores/ports.ts";

export type Sha256 = (text: string) => string | Promise<string>;

export interface KnownKey {
  keyId: string;
  keyName: string;
  allows(model: string): boolean;
}

export interface ConfiguredKey {
  key: KnownKey;
  /** Milliseconds since 1970. */
  expiresAt: number | undefined;
}
/** By hash. */
export type ConfiguredKeys = ReadonlyMap<string, ConfiguredKey>;

interface Cached {
  key: KnownKey | undefined;
  expiresAt: number | undefined;
  freshUntil: number;
}

/** A revoked key must stop within 5 s on every process; 2 s leaves room. */
const FRESH_MS = 2000;
/** Random keys must not fill memory: unknown ones share this bound with known ones. */
const MAX_CACHED = 10_000;
/** Longer than any key we hand out or any vendor's; more is not hashed. */
const MAX_KEY_LENGTH = 512;

export class KeyBook {
  #configured: ConfiguredKeys | Promise<ConfiguredKeys>;
  readonly #store: KeyStore | undefined;
  readonly #sha256: Sha256;
  readonly #now: () => number;
  readonly #cache = new Map<string, Cached>();
  readonly #asking = new Map<string, Promise<Cached>>();

  constructor(configured: ConfiguredKeys | Promise<ConfiguredKeys>, store: KeyStore | undefined, sha256: Sha256, now: () => number) {
    this.#configured = configured;
    this.#store = store;
    this.#sha256 = sha256;
    this.#now = now;
  }

  /** The holder, or undefined for an unknown, disabled or expired key. Rejects only when the store does. */
  find(key: string): KnownKey | undefined | Promise<KnownKey | undefined> {
    if (key === "" || key.length > MAX_KEY_LENGTH) return undefined;
    const hash = this.#sha256(key);
    const configured = this.#configured;
    if (typeof hash === "string" && !(configured instanceof Promise)) return this.#byHash(hash, configured);
    return Promise.all([hash, configured]).then(([value, keys]) => {
      this.#configured = keys;
      return this.#byHash(value, keys);
    });
  }

  #byHash(hash: string, keys: ConfiguredKeys): KnownKey | undefined | Promise<KnownKey | undefined> {
    const now = this.#now();
    const configured = keys.get(hash);
    if (configured) return configured.expiresAt !== undefined && configured.expiresAt <= now ? undefined : configured.key;
    if (!this.#store) return undefined;
    const cached = this.#cache.get(hash);
    if (cached && cached.freshUntil > now) return holder(cached, now);
    return this.#ask(hash, cached).then((answer) => holder(answer, this.#now()));
  }

  /** One question a key at a time, however many calls wait for it; a stale answer beats a store that is down. */
  #ask(hash: string, stale: Cached | undefined): Promise<Cached> {
    let asking = this.#asking.get(hash);
    if (!asking) {
      asking = (this.#store as KeyStore)
        .findKey(hash)
        .then((stored) => this.#remember(hash, stored))
        .catch((cause: unknown) => {
          if (stale?.key) return stale;
          throw cause;
        })
        .finally(() => this.#asking.delete(hash));
      this.#asking.set(hash, asking);
    }
    return asking;
  }

  #remember(hash: string, stored: StoredKey | undefined): Cached {
    const usable = stored !== undefined && stored.disabledAt === null;
    const cached: Cached = {
      key: usable
        ? { keyId: stored.id, keyName: stored.name, allows: (model) => allowsModel(stored.models ?? undefined, model) }
        : undefined,
      expiresAt: stored?.expiresAt ?? undefined,
      freshUntil: this.#now() + FRESH_MS,
    };
    if (this.#cache.size >= MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value as string);
    this.#cache.delete(hash);
    this.#cache.set(hash, cached);
    return cached;
  }
}

function holder(cached: Cached, now: number): KnownKey | undefined {
  return cached.expiresAt !== undefined && cached.expiresAt <= now ? undefined : cached.key;
}

/** True when a list of names, `provider/*` patterns and `*` covers the model; no list covers all. */
export function allowsModel(allowed: readonly string[] | undefined, model: string): boolean {
  if (allowed === undefined) return true;
  return allowed.some(
    (pattern) => pattern === "*" || pattern === model || (pattern.endsWith("/*") && model.startsWith(pattern.slice(0, -1))),
  );
}

/** The key a client sent, in whichever of the usual places; undefined when there is none. `search`: the URL's query, with its `?`. */
export function presentedKey(headers: Headers, search: string): string | undefined {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    // Only the Bearer scheme: `Basic abc` is not a key named abc.
    const match = /^bearer +(\S+) *$/i.exec(authorization);
    if (match) return match[1];
  }
  const named = headers.get("x-api-key") ?? headers.get("api-key") ?? headers.get("x-goog-api-key");
  if (named !== null) return named.trim();
  if (authorization !== null) return "";
  return search === "" ? undefined : (new URLSearchParams(search).get("key") ?? undefined);
}
