/** All timeouts of all calls on one timer: a call arms several and nearly none fires, so arming must cost next to nothing. */

/** A running timeout. */
export interface Deadline {
  /** Starts the same duration anew. */
  restart(): void;
  clear(): void;
}

class Entry implements Deadline {
  expiresAt = 0;
  previous: Entry | undefined;
  next: Entry | undefined;
  readonly lane: Lane;
  readonly expire: () => void;

  constructor(lane: Lane, expire: () => void) {
    this.lane = lane;
    this.expire = expire;
  }

  restart(): void {
    this.lane.remove(this);
    this.lane.add(this);
  }

  clear(): void {
    this.lane.remove(this);
  }
}

/** Timeouts of one duration: they expire in the order in which they were armed, so only the oldest needs watching. */
class Lane {
  readonly #ms: number;
  readonly #now: () => number;
  #oldest: Entry | undefined;
  #newest: Entry | undefined;

  constructor(ms: number, now: () => number) {
    this.#ms = ms;
    this.#now = now;
  }

  add(entry: Entry): void {
    entry.expiresAt = this.#now() + this.#ms;
    entry.previous = this.#newest;
    entry.next = undefined;
    if (this.#newest) this.#newest.next = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  remove(entry: Entry): void {
    if (entry !== this.#oldest && !entry.previous) return;
    if (entry.previous) entry.previous.next = entry.next;
    else this.#oldest = entry.next;
    if (entry.next) entry.next.previous = entry.previous;
    else this.#newest = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
  }

  expire(now: number): void {
    for (let entry = this.#oldest; entry && entry.expiresAt <= now; entry = this.#oldest) {
      this.remove(entry);
      entry.expire();
    }
  }

  get empty(): boolean {
    return this.#oldest === undefined;
  }
}

const TICK_MS = 20;

/**
 * Precision: one tick. The timer runs only while something is armed, and does not keep the process alive. Arming does not
 * even ask the clock: it counts from the latest tick, so a deadline may fire up to one tick early, never more.
 */
export class Deadlines {
  readonly #now: () => number;
  #tickedAt = 0;
  readonly #lanes = new Map<number, Lane>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** `now`: a monotonic clock in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  arm(ms: number, expire: () => void): Deadline {
    const rounded = Math.max(1, Math.round(ms));
    let lane = this.#lanes.get(rounded);
    if (!lane) {
      lane = new Lane(rounded, () => this.#tickedAt);
      this.#lanes.set(rounded, lane);
    }
    if (this.#timer === undefined) this.#start();
    const entry = new Entry(lane, expire);
    lane.add(entry);
    return entry;
  }

  /** Fires what is due. Called by the timer; a test with its own clock calls it itself. */
  tick(): void {
    const now = this.#now();
    this.#tickedAt = now;
    let armed = false;
    for (const [ms, lane] of this.#lanes) {
      lane.expire(now);
      if (!lane.empty) armed = true;
      // Durations computed from a remaining budget are all different: do not keep their lanes.
      else if (this.#lanes.size > 64) this.#lanes.delete(ms);
    }
    if (!armed && this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #start(): void {
    this.#tickedAt = this.#now();
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    (this.#timer as { unref?: () => void }).unref?.();
  }
}
