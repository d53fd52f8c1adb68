/** A clock that stands still until it is told to go on: tests of timeouts that take no time. */

export interface Clock {
  /** Milliseconds since 1970; `jump` moves it, as an operator or a time server would. */
  now(): number;
  /** Milliseconds since the clock was made; only `advance` moves it. */
  monotonic(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** How many are asleep. */
  readonly sleeping: number;
  /** Lets time pass. Whoever is due wakes in order of time, and what follows from it runs before the next one wakes. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock forward or back; nobody wakes. */
  jump(ms: number): void;
}

interface Sleeper {
  dueAt: number;
  wake(): void;
}

export function createClock(startMs = Date.UTC(2026, 0, 2, 3, 4, 5)): Clock {
  const sleepers = new Set<Sleeper>();
  let wallOffset = startMs;
  let elapsed = 0;

  return {
    now: () => wallOffset + elapsed,
    monotonic: () => elapsed,
    get sleeping() {
      return sleepers.size;
    },
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const stop = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          dueAt: elapsed + Math.max(0, ms),
          wake() {
            sleepers.delete(sleeper);
            signal?.removeEventListener("abort", stop);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", stop, { once: true });
      });
    },
    async advance(ms) {
      const until = elapsed + ms;
      await settle();
      for (;;) {
        // A set keeps the order of arrival, and the sort is stable: of two due at the same time the first asleep wakes first.
        const next = [...sleepers].filter((sleeper) => sleeper.dueAt <= until).toSorted((one, other) => one.dueAt - other.dueAt)[0];
        if (!next) break;
        elapsed = Math.max(elapsed, next.dueAt);
        next.wake();
        await settle();
      }
      elapsed = until;
    },
    jump(ms) {
      wallOffset += ms;
    },
  };
}

/** Lets everything run that waits for no time: promises, and the streams that both runtimes drive by immediates. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
