/** A text that matches a regular expression, made from the expression itself: nothing is ever matched, so no pattern can take long. */

/** More than any sane field; keeps `(a{9999}){9999}` small. */
const longest = 4096;

/** A short matching text; undefined for what this reader does not know (lookaround, back-references, Unicode properties). */
export function textFor(pattern: string): string | undefined {
  const reader = new Reader(pattern);
  const text = reader.alternatives();
  return reader.failed || !reader.over ? undefined : text;
}

class Reader {
  failed = false;
  #at = 0;
  readonly #pattern: string;

  constructor(pattern: string) {
    // Beyond this length the nesting alone could exhaust the stack.
    this.#pattern = pattern.length > 1000 ? "(?" : pattern;
  }

  get over(): boolean {
    return this.#at >= this.#pattern.length;
  }

  /** `a|b|c`: the first one is enough, the others are read past. */
  alternatives(): string {
    const first = this.#sequence();
    while (!this.over && this.#peek() === "|") {
      this.#at += 1;
      this.#sequence();
    }
    return first;
  }

  #sequence(): string {
    let text = "";
    while (!this.over && !this.failed && this.#peek() !== "|" && this.#peek() !== ")") {
      const atom = this.#atom();
      const times = this.#quantifier();
      if (text.length + atom.length * times > longest) this.failed = true;
      else text += atom.repeat(atom === "" ? 0 : times);
    }
    return text;
  }

  #atom(): string {
    const sign = this.#next();
    switch (sign) {
      case "^":
      case "$":
        return "";
      case ".":
        return "a";
      case "[":
        return this.#set();
      case "(":
        return this.#group();
      case "\\":
        return this.#escape();
      default:
        return sign;
    }
  }

  #group(): string {
    if (this.#peek() === "?") {
      const opening = /^\?(?::|<[A-Za-z_$][\w$]*>)/.exec(this.#rest());
      if (!opening) return this.#fail();
      this.#at += opening[0].length;
    }
    const text = this.alternatives();
    return this.#next() === ")" ? text : this.#fail();
  }

  #escape(): string {
    const sign = this.#next();
    switch (sign) {
      case "d":
        return "1";
      case "w":
      case "D":
      case "S":
        return "a";
      case "s":
        return " ";
      case "W":
        return "-";
      case "n":
        return "\n";
      case "t":
        return "\t";
      case "b":
        return "";
      default:
        return /[A-Za-z0-9]/.test(sign) || sign === "" ? this.#fail() : sign;
    }
  }

  /** `[a-z_]`: its first member; `[^…]`: the first common sign that is not in it. */
  #set(): string {
    const negated = this.#peek() === "^";
    if (negated) this.#at += 1;
    const ranges: [string, string][] = [];
    while (!this.over && this.#peek() !== "]") {
      const from = this.#member();
      const ranged = this.#peek() === "-" && this.#pattern[this.#at + 1] !== "]";
      if (ranged) this.#at += 1;
      ranges.push([from, ranged ? this.#member() : from]);
    }
    if (this.#next() !== "]") return this.#fail();
    if (!negated) return ranges[0]?.[0] ?? this.#fail();
    const free = [..."a1-_ .xA"].find((sign) => !ranges.some(([from, to]) => sign >= from && sign <= to));
    return free ?? this.#fail();
  }

  #member(): string {
    const sign = this.#next();
    return sign === "\\" ? this.#escape() : sign;
  }

  /** How often the atom is said: the least that the quantifier allows, but once for `*` and `?`, so that the text shows something. */
  #quantifier(): number {
    const match = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/.exec(this.#rest());
    if (!match) return 1;
    this.#at += match[0].length;
    if (match[1] === undefined) return 1;
    return Number(match[1]);
  }

  #peek(): string {
    return this.#pattern[this.#at] ?? "";
  }

  #next(): string {
    return this.#pattern[this.#at++] ?? "";
  }

  #rest(): string {
    return this.#pattern.slice(this.#at);
  }

  #fail(): string {
    this.failed = true;
    return "";
  }
}
