/** Arguments that Vertex streams value by value, each under the path where it belongs, put together again. */

import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

type Step = string | number;

/** `$.recipe.ingredients[0].amount` and `$['odd key'][1]`; undefined for what is no such path. */
export function parsePath(path: string): Step[] | undefined {
  if (!path.startsWith("$")) return undefined;
  const steps: Step[] = [];
  const step = /\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;
  step.lastIndex = 1;
  while (step.lastIndex < path.length) {
    const found = step.exec(path);
    if (!found) return undefined;
    const [, name, index, single, double] = found;
    if (index !== undefined) steps.push(Number(index));
    else steps.push(name ?? (single ?? double ?? "").replace(/\\(.)/g, "$1"));
  }
  return steps;
}

/** More elements than this are no answer but an attack on memory. */
const longestList = 10_000;

export class PartialArguments {
  #root: JsonObject = {};

  /** All of them at once. */
  set(args: JsonObject): void {
    this.#root = args;
  }

  add(partial: JsonObject): void {
    const steps = parsePath(asString(partial.jsonPath) ?? "");
    const value = valueOf(partial);
    if (!steps || steps.length === 0 || value === undefined) return;
    let owner: JsonObject | Json[] = this.#root;
    for (let at = 0; at < steps.length - 1; at++) {
      const known = read(owner, steps[at] as Step);
      const inner: JsonObject | Json[] = isObject(known) || Array.isArray(known) ? known : typeof steps[at + 1] === "number" ? [] : {};
      if (inner !== known && !write(owner, steps[at] as Step, inner)) return;
      owner = inner;
    }
    const last = steps.at(-1) as Step;
    const before = read(owner, last);
    // Text comes in pieces; the last one is often empty.
    write(owner, last, typeof value === "string" && typeof before === "string" ? before + value : value);
  }

  text(): string {
    return JSON.stringify(this.#root);
  }
}

function valueOf(partial: JsonObject): Json | undefined {
  const { stringValue, numberValue, boolValue, nullValue } = partial;
  if (typeof stringValue === "string") return stringValue;
  if (typeof numberValue === "number") return numberValue;
  if (typeof boolValue === "boolean") return boolValue;
  return nullValue === undefined ? undefined : null;
}

function read(owner: JsonObject | Json[], step: Step): Json | undefined {
  if (Array.isArray(owner)) return typeof step === "number" ? owner[step] : undefined;
  return Object.hasOwn(owner, step) ? owner[String(step)] : undefined;
}

/** False when the place cannot be: the path contradicts what is there. */
function write(owner: JsonObject | Json[], step: Step, value: Json): boolean {
  if (!Array.isArray(owner)) {
    // As an own property, also for names such as `__proto__`.
    Object.defineProperty(owner, step, { value, writable: true, enumerable: true, configurable: true });
    return true;
  }
  if (typeof step !== "number" || step > longestList) return false;
  while (owner.length < step) owner.push(null);
  owner[step] = value;
  return true;
}
