/** The types of a request's fields, checked without decoding: cheap enough for bodies that only pass through. */

import { invalidField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

type Check = (value: Json, at: string) => void;

/** Every documented field. Null stands for an absent one. */
const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["best_of", integer],
  ["echo", boolean],
  ["frequency_penalty", number],
  ["logit_bias", object],
  ["logprobs", integer],
  ["max_tokens", integer],
  ["n", integer],
  ["presence_penalty", number],
  ["seed", integer],
  ["stop", stop],
  ["stream", boolean],
  ["stream_options", object],
  ["suffix", string],
  ["temperature", number],
  ["top_p", number],
  ["user", string],
]);

export function checkRequest(body: JsonObject): void {
  if (typeof body.model !== "string" || body.model === "") throw invalidField("model", "must be a non-empty string.");
  prompt(body.prompt);
  for (const field in body) {
    const value = body[field];
    if (value !== null && value !== undefined) checks.get(field)?.(value, field);
  }
}

/** Text, texts, tokens, or lists of tokens. Vendors' own kinds of prompt (embeddings) stand in fields of their own. */
function prompt(value: Json | undefined): void {
  if (typeof value === "string") return;
  if (!Array.isArray(value) || value.length === 0) throw invalidField("prompt", "must be a string, a list of strings, or tokens.");
  const kinds = new Set(value.map(kindOf));
  const [kind] = kinds;
  if (kinds.size === 1 && (kind === "string" || kind === "token" || kind === "tokens")) return;
  const wrong = value.findIndex(
    (entry) => typeof entry !== typeof value[0] || isObject(entry) || typeof entry === "boolean" || entry === null,
  );
  throw invalidField(`prompt[${Math.max(0, wrong)}]`, "must be of one kind with the others: a string, a token or a list of tokens.");
}

function kindOf(entry: Json): string {
  if (Array.isArray(entry) && entry.every(isToken)) return "tokens";
  return isToken(entry) ? "token" : typeof entry;
}

function isToken(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function string(value: unknown, at: string): void {
  if (typeof value !== "string") throw invalidField(at, "must be a string.");
}

function boolean(value: unknown, at: string): void {
  if (typeof value !== "boolean") throw invalidField(at, "must be true or false.");
}

function number(value: unknown, at: string): void {
  if (typeof value !== "number") throw invalidField(at, "must be a number.");
}

function integer(value: unknown, at: string): void {
  if (typeof value !== "number" || !Number.isInteger(value)) throw invalidField(at, "must be an integer.");
}

function object(value: unknown, at: string): void {
  if (!isObject(value)) throw invalidField(at, "must be an object.");
}

function stop(value: Json, at: string): void {
  if (typeof value === "string") return;
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== "string"))
    throw invalidField(at, "must be a string or a list of strings.");
}
