/** Tool ids and tool names outside the vendor's alphabet or length, written within both so that they can be read back. */

/** The vendor's own patterns: 64 letters, digits, underscores and dashes for either. */
const legal = /^[a-zA-Z0-9_-]{1,64}$/;
const maxLength = 64;
const idPrefix = "hgid-";
const namePrefix = "hgfn-";
const aliasPrefix = "hgal-";

/**
 * Where a model is not held to a schema it is given this tool, and its call is the answer. No other tool gets this name on the wire, so
 * a decoder, which sees no request, knows the answer when it sees it.
 */
export const answerTool = "hgfn_answer";

/** The name as the vendor takes it: legal names as they are, others escaped one to one, too long ones under an alias. */
export function toWireName(name: string): string {
  if (legal.test(name) && name !== answerTool && !name.startsWith(namePrefix) && !name.startsWith(aliasPrefix)) return name;
  const escaped = escape(namePrefix, name);
  return escaped.length <= maxLength ? escaped : aliases.of(name);
}

/** The name that `toWireName` was given; names that it did not make come back unchanged. */
export function fromWireName(wire: string): string {
  if (wire.startsWith(aliasPrefix)) return aliases.name(wire) ?? wire;
  if (!wire.startsWith(namePrefix)) return wire;
  const name = wire
    .slice(namePrefix.length)
    .replace(/-([0-9a-f]{1,4})-/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return toWireName(name) === wire ? name : wire;
}

/** The id as the vendor takes it. Ids of a history never come back in a reply, so a long one may lose its end to a hash. */
export function toWireId(id: string): string {
  if (legal.test(id) && !id.startsWith(idPrefix)) return id;
  const escaped = escape(idPrefix, id);
  return escaped.length <= maxLength ? escaped : idPrefix + readable(id, 32) + digest(id);
}

/** Nine letters and digits, for models that take no other ids; the same for the same id. */
export function toShortId(id: string): string {
  return /^[a-zA-Z0-9]{9}$/.test(id) ? id : digest(id).slice(0, 9);
}

/** `fs.read` becomes `hgfn-fs-2e-read`: the model still sees words. A dash only ever encloses a code, so nothing is ambiguous. */
function escape(prefix: string, text: string): string {
  return prefix + text.replace(/[^a-zA-Z0-9_]/g, (unit) => `-${unit.charCodeAt(0).toString(16)}-`);
}

// ── names that are too long ──────────────────────────────────────────────────────────────────────────────────

/**
 * Names of MCP tools reach 128 characters, which no 64 can hold. Their alias is a hash, the same in every process, so that the prompt cache holds;
 * what it stands for is remembered here between a request and its reply, which are always in one process. Two names that share a hash (nobody meets
 * that by chance) get two aliases.
 */
class Aliases {
  readonly #names = new Map<string, string>();
  /** A request carries some hundred tools at most, and a call takes minutes: this many are never in use at once. */
  readonly #limit = 50_000;

  of(name: string): string {
    for (let salt = 0; ; salt++) {
      const alias = aliasPrefix + readable(name, 40) + digest(salt === 0 ? name : `${name}\0${salt}`);
      const holder = this.#names.get(alias);
      if (holder !== undefined && holder !== name) continue;
      // Moved to the end: the ones longest unused stand first.
      this.#names.delete(alias);
      this.#names.set(alias, name);
      this.#trim();
      return alias;
    }
  }

  name(alias: string): string | undefined {
    return this.#names.get(alias);
  }

  #trim(): void {
    if (this.#names.size <= this.#limit) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      return;
    }
  }
}

const aliases = new Aliases();

/** The end of a name says more than its beginning, which is the server's: `mcp__some_server__` is shared by many. */
function readable(text: string, length: number): string {
  return `${text.replace(/[^a-zA-Z0-9_]/g, "_").slice(-length)}_`;
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** 15 letters and digits: 89 bits from three lanes of FNV-1a with different primes. */
function digest(text: string): string {
  let one = 0x811c9dc5;
  let two = 0x01000193;
  let three = 0x9e3779b9;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    one = Math.imul(one ^ unit, 0x01000193);
    two = Math.imul(two ^ (unit + at), 0x85ebca6b);
    three = Math.imul(three ^ (unit + (at << 3)), 0xc2b2ae35);
  }
  let out = "";
  for (const lane of [one, two, three]) {
    let rest = (lane ^ (lane >>> 15)) >>> 0;
    for (let at = 0; at < 5; at++) {
      out += alphabet[rest % 62];
      rest = Math.floor(rest / 62);
    }
  }
  return out;
}
