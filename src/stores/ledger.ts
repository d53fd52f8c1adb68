/** Writes the records of finished calls in batches, away from the calls themselves: a slow or failing store costs no call anything. */

import { GatewayError, isGatewayError } from "../canonical/errors.ts";
import type { CallRecord, CallStore, Store } from "./ports.ts";

/** Time, as the ledger needs it; the platform's own unless a test brings another. */
export interface LedgerClock {
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface LedgerOptions {
  /** Runs the function once the current tick's work is done: `setImmediate` on a server. Everything appended until then is one transaction. */
  defer: (run: () => void) => void;
  /** Records held while the store is slow or away; beyond it the oldest are dropped. 20,000, about 20 MB, unless said otherwise. */
  maxQueued?: number | undefined;
  /** Told of failures, at once and then at most every ten seconds: the latest error, and how many records were lost since the last report. */
  onError?: ((error: unknown, lost: number) => void) | undefined;
  clock?: LedgerClock | undefined;
}

export interface LedgerStats {
  /** Waiting, or on their way to the store. */
  queued: number;
  written: number;
  /** Refused by the store one by one, and given up. */
  failed: number;
  /** Given up because too many waited, or because the ledger was closed. */
  dropped: number;
}

/** What the ledger asks of its store; `check` tells a bad record from a store that is away. */
export type LedgerStore = Pick<CallStore, "append"> & Partial<Pick<Store, "check">>;

/** All appends of one tick wait for the same promise. */
interface Wave {
  promise: Promise<void>;
  resolve: () => void;
}

/** Records of one transaction: 500 take SQLite 2 to 3 ms, so a long queue is written without holding up the calls. */
const batchSize = 500;
/** After a failure: enough to see whether the store is back, few enough to look at one by one. */
const probeSize = 64;
/** A wave waits for so many turns of a busy event loop: fractions of a millisecond. */
const mostTurns = 3;
/** One by one, the store failed this often in a row: it is the store. */
const patience = 3;
const firstRetryMs = 100;
const lastRetryMs = 30_000;
const reportEveryMs = 10_000;

const systemClock: LedgerClock = {
  now: () => Date.now(),
  setTimeout(run, ms) {
    const timer: unknown = setTimeout(run, ms);
    // On a server the timer must not keep the process alive; elsewhere it is a number.
    (timer as { unref?: () => void }).unref?.();
    return timer;
  },
  clearTimeout: (timer) => clearTimeout(timer as number),
};

/**
 * One transaction a tick while the store is well. When it fails, the records wait and are tried again, later and later.
 *
 * @example
 * const ledger = new Ledger(store, { defer: setImmediate });
 * await ledger.append(record);
 */
export class Ledger {
  readonly #store: LedgerStore;
  readonly #defer: (run: () => void) => void;
  readonly #maxQueued: number;
  readonly #onError: (error: unknown, lost: number) => void;
  readonly #clock: LedgerClock;

  /** `scheduled`: a write comes this tick. `writing`: the store has a batch. `waiting`: the last try failed, a timer runs. */
  #state: "idle" | "scheduled" | "writing" | "waiting" | "closed" = "idle";
  #queue: CallRecord[] = [];
  /** How many records the store has in hand. */
  #flying = 0;
  /** The wave being written, how many of its records are still in the queue's front, and the wave that forms behind it. */
  #current: Wave | undefined;
  #left = 0;
  #next: Wave | undefined;
  readonly #settled: Promise<void> = Promise.resolve();

  /** Turns of the event loop that the wave has waited for more, and its size at the last one. */
  #turns = 0;
  #seen = 0;

  #timer: unknown;
  /** Failed tries since the last success. */
  #failures = 0;
  #written = 0;
  #failed = 0;
  #dropped = 0;
  #unreported = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #lastError: unknown;

  constructor(store: LedgerStore, options: LedgerOptions) {
    this.#store = store;
    this.#defer = options.defer;
    this.#maxQueued = options.maxQueued ?? 20_000;
    this.#onError = options.onError ?? (() => {});
    this.#clock = options.clock ?? systemClock;
  }

  get stats(): LedgerStats {
    return { queued: this.#queue.length + this.#flying, written: this.#written, failed: this.#failed, dropped: this.#dropped };
  }

  /** Resolves when the record is durable, or when the store has failed and the record waits for its return. Never rejects. */
  append(record: CallRecord): Promise<void> {
    if (this.#state === "closed") {
      this.#drop(1);
      return this.#settled;
    }
    this.#queue.push(record);
    if (this.#queue.length + this.#flying > this.#maxQueued) this.#makeRoom();
    if (this.#state === "waiting") return this.#settled;
    if (this.#state === "idle") this.#schedule();
    this.#next ??= Promise.withResolvers<void>();
    return this.#next.promise;
  }

  /** Resolves when all that was appended so far is durable, or when a try has failed: a store that is away does not hold up a shutdown. */
  flush(): Promise<void> {
    if (this.#state === "waiting") {
      this.#clock.clearTimeout(this.#timer);
      this.#next = Promise.withResolvers<void>();
      this.#schedule();
    }
    return (this.#next ?? this.#current)?.promise ?? this.#settled;
  }

  /** Flushes; what the store did not take then is lost, counted and reported, and so is whatever is appended later. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    await this.flush();
    this.#clock.clearTimeout(this.#timer);
    this.#state = "closed";
    const lost = this.#queue.length;
    this.#queue = [];
    this.#release();
    if (lost > 0) this.#drop(lost);
    this.#report(true);
  }

  #schedule(): void {
    this.#state = "scheduled";
    this.#turns = 0;
    this.#seen = this.#queue.length;
    this.#defer(this.#due);
  }

  /** While every turn of the event loop brings more, a few turns share a transaction: beginning and ending one costs as much as five rows. */
  readonly #due = (): void => {
    if (this.#state !== "scheduled") return;
    const count = this.#queue.length;
    if (count === this.#seen || this.#turns === mostTurns || count >= probeSize) return this.#write();
    this.#turns += 1;
    this.#seen = count;
    this.#defer(this.#due);
  };

  #write(): void {
    if (this.#left === 0) {
      this.#current = this.#next;
      this.#next = undefined;
      this.#left = this.#queue.length;
    }
    const batch = this.#take(Math.min(this.#left, this.#failures === 0 ? batchSize : probeSize));
    if (batch.length === 0) return this.#proceed();
    this.#state = "writing";
    this.#flying = batch.length;
    let written: void | Promise<void>;
    try {
      written = this.#store.append(batch);
    } catch (error) {
      this.#refused(batch, error);
      return;
    }
    // A store that is done on return is not made to wait for a microtask: the calls of this tick go on at once.
    if (written === undefined) this.#accepted(batch.length);
    else
      written.then(
        () => this.#accepted(batch.length),
        (error: unknown) => this.#refused(batch, error),
      );
  }

  #take(count: number): CallRecord[] {
    this.#left -= count;
    if (count < this.#queue.length) return this.#queue.splice(0, count);
    const all = this.#queue;
    this.#queue = [];
    return all;
  }

  #accepted(count: number): void {
    this.#written += count;
    this.#recovered();
    this.#proceed();
  }

  #recovered(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    if (this.#unreported > 0) this.#report(true);
  }

  /** The batch in hand is dealt with: on to the next, or to rest. */
  #proceed(): void {
    this.#flying = 0;
    if (this.#left === 0) {
      this.#current?.resolve();
      this.#current = undefined;
    }
    if (this.#state === "closed") return;
    if (this.#queue.length > 0) return this.#schedule();
    this.#state = "idle";
    this.#release();
  }

  #refused(batch: CallRecord[], error: unknown): void {
    this.#failures += 1;
    this.#lastError = error;
    if (this.#failures === 1) this.#retreat(batch, []);
    else void this.#examine(batch);
  }

  /** Twice refused: if the store is well, a record in the batch is not, and must not keep the others from being written. */
  async #examine(batch: CallRecord[]): Promise<void> {
    if (!(await this.#healthy())) return this.#retreat(batch, []);
    // Refused, but it might have been the store: the next success proves them bad, else they go to the queue's end.
    let suspects: CallRecord[] = [];
    for (const [at, record] of batch.entries()) {
      try {
        await this.#store.append([record]);
        this.#written += 1;
        this.#failures = 1;
        this.#quarantine(suspects.length);
        suspects = [];
      } catch (error) {
        this.#lastError = error;
        if (this.#store.check && !storeIsAway(error)) this.#quarantine(1);
        else suspects.push(record);
        if (suspects.length === patience) return this.#retreat(batch.slice(at + 1), suspects);
      }
    }
    if (suspects.length > 0) return this.#retreat([], suspects);
    this.#recovered();
    this.#proceed();
  }

  async #healthy(): Promise<boolean> {
    try {
      return this.#store.check === undefined || (await this.#store.check()) === "ok";
    } catch {
      return false;
    }
  }

  /** Puts the records back, lets the calls go, and waits before the next try: 0.1, 0.2, 0.4 … 30 seconds. */
  #retreat(first: CallRecord[], last: CallRecord[]): void {
    this.#flying = 0;
    this.#queue = [...first, ...this.#queue, ...last];
    this.#left = 0;
    this.#release();
    if (this.#state === "closed") return this.#drop(this.#queue.splice(0).length);
    this.#state = "waiting";
    if (this.#queue.length > this.#maxQueued) this.#makeRoom();
    this.#timer = this.#clock.setTimeout(
      () => this.#schedule(),
      Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(this.#failures - 1, 20)),
    );
    this.#report(false);
  }

  #release(): void {
    this.#current?.resolve();
    this.#next?.resolve();
    this.#current = undefined;
    this.#next = undefined;
  }

  /** A hundredth at a time: moving a long array for each single record would cost more than the record. */
  #makeRoom(): void {
    const excess = this.#queue.length + this.#flying - this.#maxQueued;
    const count = Math.min(this.#queue.length, Math.max(excess, Math.floor(this.#maxQueued / 100)));
    this.#queue.splice(0, count);
    this.#left = Math.max(0, this.#left - count);
    this.#drop(count);
  }

  #drop(count: number): void {
    this.#dropped += count;
    this.#unreported += count;
    this.#lastError ??= new GatewayError(
      "storage_unavailable",
      "The database does not keep up with the calls: the oldest records were dropped.",
    );
    this.#report(false);
  }

  #quarantine(count: number): void {
    this.#failed += count;
    this.#unreported += count;
  }

  #report(evenIfSoon: boolean): void {
    if (this.#lastError === undefined) return;
    const now = this.#clock.now();
    if (evenIfSoon ? this.#unreported === 0 : now - this.#reportedAt < reportEveryMs) return;
    const lost = this.#unreported;
    this.#unreported = 0;
    this.#reportedAt = now;
    try {
      this.#onError(this.#lastError, lost);
    } catch {
      // A reporter that fails must not stop the ledger.
    }
  }
}

function storeIsAway(error: unknown): boolean {
  return isGatewayError(error) && error.code === "storage_unavailable";
}
