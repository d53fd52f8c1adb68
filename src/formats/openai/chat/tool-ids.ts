/** Ids of tool calls: made up where a vendor gives none, and shortened for the vendor that wants nine letters and digits. */

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** FNV-1a in two lanes: 64 bits are enough to tell the calls of one conversation apart, and the same text always gives the same id. */
function hash(text: string): [number, number] {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ (unit + at), 0x85ebca6b);
  }
  return [low >>> 0, (high ^ (high >>> 13)) >>> 0];
}

function digits(text: string, length: number): string {
  let [low, high] = hash(text);
  let out = "";
  for (let at = 0; at < length; at++) {
    out += alphabet[(at % 2 === 0 ? low : high) % 62];
    if (at % 2 === 0) low = Math.floor(low / 62);
    else high = Math.floor(high / 62);
  }
  return out;
}

/** Deterministic, so that the same stream read twice gives the same ids; seeded by the reply's own id, so that turns do not collide. */
export function syntheticId(seed: string, choice: number, ordinal: number): string {
  return `call_${digits(seed, 10)}_${choice}_${ordinal}`;
}

/** Nine letters and digits for each id, the same for the same id, never the same for two ids of one request. */
export class ShortIds {
  readonly #short = new Map<string, string>();
  readonly #taken = new Set<string>();

  of(id: string): string {
    const known = this.#short.get(id);
    if (known !== undefined) return known;
    let short = /^[A-Za-z0-9]{9}$/.test(id) ? id : digits(id, 9);
    for (let round = 1; this.#taken.has(short); round++) short = digits(`${id}#${round}`, 9);
    this.#short.set(id, short);
    this.#taken.add(short);
    return short;
  }
}
