/** Something that expires and can be had anew: fetched by one for all, ahead of time, and kept while it is good. */

import { andThen } from "./signer.ts";
import type { SignedHeaders, Signer } from "./signer.ts";

export interface Lease<Value> {
  value: Value;
  /** Milliseconds since 1970; undefined: it never expires. */
  expiresAt?: number | undefined;
}

export interface Time {
  /** Milliseconds since 1970. */
  now(): number;
  /** Random numbers in [0, 1), for jitter. */
  random(): number;
}

/** With ten machines behind one account, none should ask in the same second as another. */
const JITTER = 0.2;
const AHEAD_MS = 300_000;
/** Between what our clock says and what the provider's says. */
const SKEW_MS = 10_000;
/** A refused token younger than this is not refused for its age, and many calls are refused at once. */
const YOUNG_MS = 5000;
/** After a failure nobody asks for this long, because a broken token server is not to be asked by every call: without a value in hand, and with one. */
const REST_MS = 1000;
const PATIENT_REST_MS = 15_000;

export class Renewable<Value> {
  readonly #renew: () => Promise<Lease<Value>>;
  readonly #time: Time;
  #lease: (Lease<Value> & { since: number; renewAt: number }) | undefined;
  #doubted = false;
  #pending: Promise<Value> | undefined;
  #failure: { cause: unknown; at: number } | undefined;

  constructor(renew: () => Promise<Lease<Value>>, time: Time) {
    this.#renew = renew;
    this.#time = time;
  }

  /** The value, at once while it is good. Rejects with what `renew` rejected with, when there is nothing good left. */
  get(): Value | Promise<Value> {
    const now = this.#time.now();
    const lease = this.#lease;
    if (!lease || this.#doubted || isOver(lease, now)) return this.#fetch(now);
    if (now >= lease.renewAt && !this.#resting(now, PATIENT_REST_MS)) {
      // Nobody waits for it, and if it fails the next ones try again.
      this.#fetch(now).catch(() => {});
    }
    return lease.value;
  }

  /** The other side has refused the value: the next caller gets a new one, or, if there is none to be had, this one again. */
  invalidate(): void {
    if (this.#lease && this.#time.now() - this.#lease.since >= YOUNG_MS) this.#doubted = true;
  }

  #resting(now: number, restMs: number): boolean {
    return this.#failure !== undefined && now < this.#failure.at + restMs;
  }

  #fetch(now: number): Promise<Value> {
    if (this.#pending) return this.#pending;
    const inHand = this.#lease !== undefined && !isOver(this.#lease, now);
    if (this.#resting(now, inHand ? PATIENT_REST_MS : REST_MS)) return this.#stale(now, this.#failure?.cause);
    const pending = this.#renew().then(
      (lease) => {
        this.#keep(lease);
        return lease.value;
      },
      (cause: unknown) => {
        const at = this.#time.now();
        this.#failure = { cause, at };
        return this.#stale(at, cause);
      },
    );
    this.#pending = pending;
    const done = (): void => {
      this.#pending = undefined;
    };
    pending.then(done, done);
    return pending;
  }

  /** The old value while it is valid, else the failure. */
  async #stale(now: number, cause: unknown): Promise<Value> {
    if (!this.#lease || isOver(this.#lease, now)) throw cause;
    this.#doubted = false;
    return this.#lease.value;
  }

  #keep(lease: Lease<Value>): void {
    const since = this.#time.now();
    this.#lease = { ...lease, since, renewAt: renewAt(since, lease.expiresAt, this.#time.random()) };
    this.#doubted = false;
    this.#failure = undefined;
  }
}

/** Five minutes before the end, or at four fifths of a life that is shorter than that allows; up to a fifth of the rest earlier. */
function renewAt(since: number, expiresAt: number | undefined, random: number): number {
  if (expiresAt === undefined) return Number.POSITIVE_INFINITY;
  const life = Math.max(0, expiresAt - since);
  const point = Math.max(life * 0.8, life - AHEAD_MS);
  return since + point - random * JITTER * (life - point);
}

function isOver(lease: { expiresAt?: number | undefined; since: number }, now: number): boolean {
  if (lease.expiresAt === undefined) return false;
  const skew = Math.min(SKEW_MS, (lease.expiresAt - lease.since) * 0.05);
  return now >= lease.expiresAt - skew;
}

/** A signer out of a renewable value. */
export function signerOf<Value>(source: Renewable<Value>, toHeaders: (value: Value) => SignedHeaders): Signer & { invalidate(): void } {
  return Object.assign(() => andThen(source.get(), toHeaders), { invalidate: () => source.invalidate() });
}
