/** Configuration as a tree that remembers where each value was written. */

import { nearest } from "../canonical/nearest.ts";
import { Secret } from "../canonical/secret.ts";
import { expand } from "./expand.ts";
import type { Environment } from "./expand.ts";
import { looksSecret } from "./problems.ts";
import type { Path, Report } from "./problems.ts";

type Scalar = string | number | boolean | null;

interface TreeBase {
  /** Where the value stands in the text. */
  offset?: number | undefined;
  /** Where its name stands, for the value of a mapping. */
  keyOffset?: number | undefined;
}

export interface ScalarTree extends TreeBase {
  kind: "scalar";
  value: Scalar;
  /** As it was written, where variables were put in: messages quote this and never the variables' values. */
  written?: string | undefined;
  /** A problem with this value has been reported already. */
  failed?: boolean | undefined;
}

export interface MapTree extends TreeBase {
  kind: "map";
  entries: Map<string, Tree>;
}

export interface ListTree extends TreeBase {
  kind: "list";
  items: Tree[];
}

export type Tree = ScalarTree | MapTree | ListTree;

export interface Source {
  tree: Tree;
  /** False: the text is not YAML, and its meaning is not worth checking. */
  readable: boolean;
}

/** Far above any real file; aliases count each time they are used, so that a small file cannot unfold into a huge one. */
const mostNodes = 100_000;
const deepest = 40;

/** A walk is given up once, with one problem, not once for each node that is too many. */
export class Budget {
  #nodes = 0;
  exhausted = false;

  spend(path: Path, report: Report, offset?: number): boolean {
    if (this.exhausted) return false;
    this.#nodes += 1;
    if (this.#nodes > mostNodes) {
      this.exhausted = true;
      report([], `the configuration unfolds into more than ${mostNodes} values: use fewer aliases (*name)`, { offset });
      return false;
    }
    if (path.length > deepest) {
      this.exhausted = true;
      report(path.slice(0, 3), `nested more than ${deepest} levels deep`, { offset });
      return false;
    }
    return true;
  }
}

/** A plain object, as the library seam takes it. Variables are put in only when an environment is given. */
export function readObject(value: unknown, environment: Environment | undefined, report: Report): Tree {
  const budget = new Budget();
  const open = new Set<object>();
  const failed: ScalarTree = { kind: "scalar", value: null, failed: true };

  function read(item: unknown, path: Path): Tree {
    if (!budget.spend(path, report)) return failed;
    if (item === undefined || item === null) return { kind: "scalar", value: null };
    if (typeof item === "string") return readText(item, path, environment, report);
    if (typeof item === "number" || typeof item === "boolean") return { kind: "scalar", value: item };
    if (item instanceof Secret) return { kind: "scalar", value: item.reveal() };
    if (typeof item !== "object" || !isPlain(item)) {
      report(path, "expected plain data: text, numbers, true, false, lists and objects");
      return failed;
    }
    if (open.has(item)) {
      report(path, "contains itself");
      return failed;
    }
    open.add(item);
    const tree: Tree = Array.isArray(item)
      ? { kind: "list", items: item.map((entry, index) => read(entry, [...path, index])) }
      : { kind: "map", entries: readEntries(item, path) };
    open.delete(item);
    return tree;
  }

  function readEntries(item: object, path: Path): Map<string, Tree> {
    const entries = new Map<string, Tree>();
    for (const [name, entry] of Object.entries(item)) {
      if (entry === undefined) continue;
      if (name === "__proto__") report([...path, name], "cannot be used as a name");
      else entries.set(name, read(entry, [...path, name]));
    }
    return entries;
  }

  return read(value, []);
}

/** Objects of other realms are plain too, so the prototype is judged by its own prototype. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Text, with its variables put in. `find` tells where in the text `${NAME}` stands. */
export function readText(
  text: string,
  path: Path,
  environment: Environment | undefined,
  report: Report,
  offset?: number,
  find?: (name: string) => number | undefined,
): ScalarTree {
  if (environment === undefined || !text.includes("${")) return { kind: "scalar", value: text, offset };
  const expansion = expand(text, environment);
  const [name] = expansion.missing;
  if (name !== undefined) {
    const shown = expansion.missing.map((each) => (looksSecret(each) ? "[redacted]" : each.slice(0, 80)));
    const names =
      shown.length === 1
        ? `the environment variable ${shown[0]} is not set; \${${shown[0]}:-…} would give it a default`
        : `the environment variables ${shown.join(", ")} are not set`;
    const suggestion = nearest(name, Object.keys(environment));
    report(path, names, { offset: find?.(name) ?? offset, ...(suggestion === undefined ? {} : { suggestion }) });
  }
  if (expansion.malformed)
    report(path, "${ begins a variable: write ${NAME} or ${NAME:-default}, or $${ for the characters themselves", { offset });
  const failed = expansion.missing.length > 0 || expansion.malformed;
  return {
    kind: "scalar",
    value: failed ? text : expansion.text,
    offset,
    ...(expansion.used ? { written: text } : {}),
    ...(failed ? { failed: true } : {}),
  };
}

/** The tree without its positions. Objects have no prototype, so that every name is a name. */
export function plain(tree: Tree): unknown {
  if (tree.kind === "scalar") return tree.value;
  if (tree.kind === "list") return tree.items.map(plain);
  const object = Object.create(null) as Record<string, unknown>;
  for (const [name, entry] of tree.entries) object[name] = plain(entry);
  return object;
}

/** The tree at a path, or undefined where there is none. */
export function treeAt(tree: Tree, path: Path): Tree | undefined {
  let current: Tree | undefined = tree;
  for (const step of path) {
    if (current?.kind === "map") current = current.entries.get(String(step));
    else if (current?.kind === "list" && typeof step === "number") current = current.items[step];
    else return undefined;
  }
  return current;
}

/** The offset of a path, or of the nearest thing around it that was written. `name`: where its name stands, rather than its value. */
export function offsetAt(tree: Tree, path: Path, what: "name" | "value"): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const found = treeAt(tree, path.slice(0, length));
    if (found === undefined) continue;
    // What is missing or misnamed is shown at the name of the thing around it, which a reader finds more easily than a bracket.
    const byName = what === "name" || length < path.length;
    const offset = byName ? (found.keyOffset ?? found.offset) : (found.offset ?? found.keyOffset);
    if (offset !== undefined) return offset;
  }
  return undefined;
}
