/** Several keys of one provider: used in turn, each resting alone when the provider refuses it. */

import type { Secret } from "../canonical/secret.ts";

export interface RingKey {
  index: number;
  /** Undefined for providers that need no key. */
  secret: Secret | undefined;
}

export class KeyRing {
  readonly #keys: RingKey[];
  readonly #restsUntil: number[];
  readonly #now: () => number;
  #turn = 0;

  constructor(secrets: readonly Secret[], now: () => number) {
    this.#keys = secrets.length === 0 ? [{ index: 0, secret: undefined }] : secrets.map((secret, index) => ({ index, secret }));
    this.#restsUntil = this.#keys.map(() => 0);
    this.#now = now;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** The next key in turn that is not resting; when all rest, the one that wakes first: a provider is never locked out by its keys. */
  take(): RingKey {
    const count = this.#keys.length;
    if (count === 1) return this.#keys[0] as RingKey;
    const now = this.#now();
    let soonest = this.#turn;
    for (let step = 0; step < count; step++) {
      const at = (this.#turn + step) % count;
      if ((this.#restsUntil[at] as number) <= now) {
        this.#turn = (at + 1) % count;
        return this.#keys[at] as RingKey;
      }
      if ((this.#restsUntil[at] as number) < (this.#restsUntil[soonest] as number)) soonest = at;
    }
    this.#turn = (soonest + 1) % count;
    return this.#keys[soonest] as RingKey;
  }

  /** True while at least one key is not resting. */
  get awake(): boolean {
    const now = this.#now();
    return this.#restsUntil.some((until) => until <= now);
  }

  rest(index: number, ms: number): void {
    this.#restsUntil[index] = Math.max(this.#restsUntil[index] ?? 0, this.#now() + ms);
  }
}
