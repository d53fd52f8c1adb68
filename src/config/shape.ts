/** Holds the tree against the schema, and says what does not fit in plain words. */

import { safeParse } from "zod";
import type { z } from "zod";
import { isSecretPath, quoted } from "./problems.ts";
import type { Findings, Path } from "./problems.ts";
import { configSchema } from "./schema.ts";
import type { ConfigFile } from "./schema.ts";
import { plain, treeAt } from "./tree.ts";
import type { MapTree, Tree } from "./tree.ts";

type Schema = z.core.$ZodType;
type Issue = z.core.$ZodIssue;

/** The file's content when it has the right shape; undefined when there are problems, which have been reported. */
export function checkShape(root: MapTree, findings: Findings): ConfigFile | undefined {
  fillEmpty(root, configSchema);
  let result = configSchema.safeParse(plain(root), { error: plainWords });
  if (!result.success && readVariables(root, result.error.issues)) result = configSchema.safeParse(plain(root), { error: plainWords });
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    for (const single of unfolded(issue, [])) {
      if (findings.full) return undefined;
      reportIssue(single, root, findings);
    }
  }
  return undefined;
}

/** `providers:` with nothing behind it, or with all of it commented out, is an empty section and no mistake. */
function fillEmpty(tree: Tree, schema: Schema): Tree {
  const inner = unwrapped(schema);
  const kind = inner._zod.def.type;
  if (tree.kind === "scalar") {
    if (tree.value !== null || tree.failed === true) return tree;
    const { offset, keyOffset } = tree;
    if (kind === "object" || kind === "record") return { kind: "map", entries: new Map(), offset, keyOffset };
    return kind === "array" ? { kind: "list", items: [], offset, keyOffset } : tree;
  }
  if (tree.kind === "list") tree.items = tree.items.map((item) => fillEmpty(item, first(below(inner, 0)) ?? inner));
  else {
    for (const [name, entry] of tree.entries) {
      const next = first(below(inner, name));
      if (next !== undefined) tree.entries.set(name, fillEmpty(entry, next));
    }
  }
  return tree;
}

/** A variable is always text; where a number or a yes or no is expected, its text is read as one. */
function readVariables(root: Tree, issues: readonly Issue[]): boolean {
  let changed = false;
  for (const issue of issues.flatMap((each) => unfolded(each, []))) {
    const tree = treeAt(root, issue.path as Path);
    if (issue.code !== "invalid_type" || tree?.kind !== "scalar" || tree.written === undefined || typeof tree.value !== "string") continue;
    const text = tree.value.trim();
    if ((issue.expected === "number" || issue.expected === "int") && /^-?\d+(?:\.\d+)?$/.test(text)) tree.value = Number(text);
    else if (issue.expected === "boolean" && /^(?:true|false)$/.test(text)) tree.value = text === "true";
    else continue;
    changed = true;
  }
  return changed;
}

/** Of a choice between shapes, the complaints of the one whose kind was written; where none was, the choice's own words. */
function unfolded(issue: Issue, prefix: Path): Issue[] {
  const path = [...prefix, ...(issue.path as Path)];
  if (issue.code === "invalid_union") {
    const branch = issue.errors.find(
      (errors) =>
        errors.length > 0 &&
        !errors.some((error) => error.path.length === 0 && (error.code === "invalid_type" || error.code === "invalid_value")),
    );
    if (branch !== undefined) return branch.flatMap((error) => unfolded(error, path));
  }
  return [{ ...issue, path }];
}

function reportIssue(issue: Issue, root: Tree, findings: Findings): void {
  const path = issue.path as Path;
  if (issue.code === "unrecognized_keys") {
    const known = namesAt(path);
    for (const name of issue.keys) findings.problem([...path, name], "unknown key", { at: "name", near: [name, known] });
    return;
  }
  if (issue.code === "invalid_key") {
    findings.problem(path, issue.issues[0]?.message ?? "cannot be used as a name", { at: "name" });
    return;
  }
  const tree = treeAt(root, path);
  if (tree === undefined) {
    const expected = issue.message === missing ? "" : `: ${issue.message}`;
    findings.problem(path, `required, and missing${expected}`);
    return;
  }
  if (tree.kind === "scalar" && tree.failed === true) return;
  const near =
    issue.code === "invalid_value" && tree.kind === "scalar" && typeof tree.value === "string"
      ? ([tree.value, issue.values.filter((value) => typeof value === "string")] as const)
      : undefined;
  const quotes =
    tree.kind === "scalar" &&
    (typeof tree.value === "number" || typeof tree.value === "boolean") &&
    quotesWouldDo(path, String(tree.value));
  const found = describe(tree, path);
  findings.problem(path, `${issue.message}${found === undefined ? "" : `; found ${found}`}${quotes ? ": put it in quotes" : ""}`, {
    near,
    known: [],
  });
}

/** The value at a path as it may be shown: never a secret (of which only the kind is told, if that), and never what a variable holds. */
export function describe(tree: Tree, path: Path): string | undefined {
  if (tree.kind === "map") return "a mapping";
  if (tree.kind === "list") return "a list";
  if (tree.value === null) return "nothing";
  if (tree.value === "") return tree.written === undefined || isSecretPath(path) ? "empty text" : `${quoted(tree.written)}, which is empty`;
  if (isSecretPath(path)) return typeof tree.value === "string" ? undefined : `a ${typeof tree.value}`;
  if (typeof tree.value === "string") return quoted(tree.written ?? tree.value);
  return String(tree.value);
}

const missing = "required";

/** The words for what a schema does not say in its own. */
function plainWords(issue: z.core.$ZodRawIssue): string {
  if (issue.code === "invalid_type")
    return issue.input === undefined ? missing : `expected ${kindWords[String(issue.expected)] ?? String(issue.expected)}`;
  if (issue.code === "invalid_value")
    return `expected ${(issue.values as readonly unknown[])
      .map((value) => JSON.stringify(value))
      .join(", ")
      .replace(/, ([^,]*)$/, " or $1")}`;
  return "not usable here";
}

const kindWords: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a mapping",
  record: "a mapping",
  array: "a list",
};

/** The names that an object at this path takes. */
function namesAt(path: Path): string[] {
  const names = schemasAt(path).flatMap((schema) => Object.keys((schema._zod.def as { shape?: Record<string, Schema> }).shape ?? {}));
  return [...new Set(names)];
}

/** True when the same characters as text would be right. */
function quotesWouldDo(path: Path, text: string): boolean {
  return schemasAt(path).some((schema) => schema._zod.def.type === "string" && safeParse(schema, text).success);
}

function schemasAt(path: Path): Schema[] {
  let schemas: Schema[] = [configSchema];
  for (const step of path) schemas = schemas.flatMap((schema) => below(schema, step));
  return schemas.map(unwrapped).flatMap((schema) => (schema._zod.def.type === "union" ? optionsOf(schema) : [schema]));
}

function below(schema: Schema, step: string | number): Schema[] {
  const inner = unwrapped(schema);
  const def = inner._zod.def as z.core.$ZodTypeDef & { shape?: Record<string, Schema>; valueType?: Schema; element?: Schema };
  if (def.type === "union") return optionsOf(inner).flatMap((option) => below(option, step));
  if (def.shape !== undefined) return typeof step === "string" && Object.hasOwn(def.shape, step) ? [def.shape[step] as Schema] : [];
  if (def.valueType !== undefined) return typeof step === "string" ? [def.valueType] : [];
  if (def.element !== undefined) return typeof step === "number" ? [def.element] : [];
  return [];
}

function optionsOf(schema: Schema): Schema[] {
  return ((schema._zod.def as { options?: readonly Schema[] }).options ?? []).map(unwrapped);
}

function unwrapped(schema: Schema): Schema {
  const inner = (schema._zod.def as { innerType?: Schema }).innerType;
  return inner === undefined ? schema : unwrapped(inner);
}

function first<Item>(items: readonly Item[]): Item | undefined {
  return items[0];
}
