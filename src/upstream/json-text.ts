/** JSON as text: its outline without parsing, and edits of top-level fields that leave every other byte as it was. */

import { GatewayError } from "../canonical/errors.ts";
import type { Json } from "../canonical/json.ts";

/** Where the top-level fields of an object stand in its text. */
export interface Outline {
  /** Each field in order: from its key's opening quote to the end of its value. */
  fields: Field[];
  /** The position of the closing brace. */
  close: number;
}

interface Field {
  key: string;
  start: number;
  valueStart: number;
  end: number;
}

export interface OutlineLimits {
  maxDepth: number;
  maxNodes: number;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_SQUARE = 91;
const BACKSLASH = 92;
const CLOSE_SQUARE = 93;
const OPEN_CURLY = 123;
const CLOSE_CURLY = 125;

/**
 * One pass over the text: the outline of its top-level object, or undefined when it is not an object that this pass can
 * read (JSON.parse then says what is wrong). Throws `invalid_request` for nesting or node counts beyond the limits, which
 * JSON.parse itself would take (a million levels; 21 MB of `{}` block the process for 3 s, measured on Node 20).
 */
export function outline(text: string, limits: OutlineLimits): Outline | undefined {
  let at = skipSpace(text, 0);
  const budget = { nodes: limits.maxNodes };
  if (text.charCodeAt(at) !== OPEN_CURLY) {
    // Refused in any case, but the parser will say so: what it has to read of a list is as bounded as what stands in an object.
    if (text.charCodeAt(at) === OPEN_SQUARE) skipValue(text, at, limits.maxDepth, budget);
    return undefined;
  }
  at = skipSpace(text, at + 1);
  const fields: Field[] = [];
  let sure = true;
  if (text.charCodeAt(at) === CLOSE_CURLY) return { fields, close: at };
  for (;;) {
    const start = at;
    if (text.charCodeAt(at) !== QUOTE) return undefined;
    const keyEnd = skipString(text, at);
    if (keyEnd < 0) return undefined;
    spend(budget);
    const key = text.slice(at + 1, keyEnd - 1);
    // An escaped key could spell a field in disguise ("mod\u0065l"): such bodies are left to the parser, within the same limits.
    if (key.includes("\\")) sure = false;
    at = skipSpace(text, keyEnd);
    if (text.charCodeAt(at) !== COLON) return undefined;
    const valueStart = skipSpace(text, at + 1);
    const end = skipValue(text, valueStart, limits.maxDepth, budget);
    if (end < 0) return undefined;
    fields.push({ key, start, valueStart, end });
    at = skipSpace(text, end);
    const code = text.charCodeAt(at);
    if (code === CLOSE_CURLY) return sure ? { fields, close: at } : undefined;
    if (code !== COMMA) return undefined;
    at = skipSpace(text, at + 1);
  }
}

/**
 * The text with top-level fields set (a value) or removed (undefined); everything else keeps its bytes, so that numbers
 * beyond 2^53, key order and spelling survive. Undefined when an edited field stands twice: which one a vendor would
 * read is anyone's guess, so the caller must rebuild the object instead.
 */
export function editFields(text: string, at: Outline, edits: Readonly<Record<string, Json | undefined>>): string | undefined {
  const names = Object.keys(edits);
  if (names.length === 0) return text;
  let out = "";
  let copied = 0;
  let kept = 0;
  const seen: string[] = [];
  for (const [index, field] of at.fields.entries()) {
    if (!Object.hasOwn(edits, field.key)) {
      kept += 1;
      continue;
    }
    if (seen.includes(field.key)) return undefined;
    seen.push(field.key);
    const value = edits[field.key];
    if (value !== undefined) {
      out += text.slice(copied, field.valueStart) + JSON.stringify(value);
      copied = field.end;
      kept += 1;
      continue;
    }
    // Remove the field with the comma that follows it, or, at the end, the comma before it.
    const next = at.fields[index + 1];
    if (next) {
      out += text.slice(copied, field.start);
      copied = next.start;
    } else {
      out += text.slice(copied, field.start);
      if (kept > 0) out = out.slice(0, out.lastIndexOf(","));
      copied = field.end;
    }
  }
  out += text.slice(copied, at.close);
  for (const name of names) {
    const value = edits[name];
    if (value === undefined || seen.includes(name)) continue;
    out += `${kept > 0 ? "," : ""}${JSON.stringify(name)}:${JSON.stringify(value)}`;
    kept += 1;
  }
  return out + text.slice(at.close);
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at;
    at += 1;
  }
}

/** From an opening quote to just after the closing one; -1 when there is none. */
function skipString(text: string, open: number): number {
  let from = open + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) return -1;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

function skipValue(text: string, from: number, maxDepth: number, budget: { nodes: number }): number {
  let depth = 0;
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== code) return -1;
    if (code === QUOTE) {
      at = skipString(text, at);
      if (at < 0) return -1;
      if (depth === 0) return at;
      continue;
    }
    if (code === OPEN_CURLY || code === OPEN_SQUARE) {
      depth += 1;
      if (depth >= maxDepth) throw new GatewayError("invalid_request", `The body is nested more than ${maxDepth} levels deep.`);
      spend(budget);
    } else if (code === CLOSE_CURLY || code === CLOSE_SQUARE) {
      if (depth === 0) return at === from ? -1 : at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (code === COMMA) {
      if (depth === 0) return at === from ? -1 : at;
      spend(budget);
    } else if (depth === 0 && (code === 32 || code === 10 || code === 13 || code === 9)) {
      return at;
    }
    at += 1;
  }
}

function spend(budget: { nodes: number }): void {
  budget.nodes -= 1;
  if (budget.nodes < 0) throw new GatewayError("invalid_request", "The body holds too many JSON values.");
}
