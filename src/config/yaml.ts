/** YAML text as a tree: with lines, variables, anchors and merges, and within bounds. */

import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Alias, Document, Node, Pair, YAMLError, YAMLMap } from "yaml";
import type { Environment } from "./expand.ts";
import type { Findings, Path, Report } from "./problems.ts";
import { Budget, offsetAt, readText } from "./tree.ts";
import type { ListTree, MapTree, ScalarTree, Source, Tree } from "./tree.ts";

const longestText = 1024 ** 2;

/** Reads YAML, and tells `findings` how to find the line of whatever is reported from then on. */
export function readYaml(text: string, environment: Environment | undefined, findings: Findings): Source {
  const unreadable: Source = { tree: { kind: "map", entries: new Map() }, readable: false };
  if (text.length > longestText) {
    findings.problem([], "larger than 1 MiB: this is no configuration file");
    return unreadable;
  }
  const lineCounter = new LineCounter();
  const position = (offset: number | undefined) => (offset === undefined ? undefined : lineAndColumn(lineCounter, offset));
  findings.locate = (_path, details) => position(details.offset);
  let document: Document.Parsed;
  try {
    // Duplicate keys are found by the walk below: the library compares each key with all before it, which takes minutes on a hostile file.
    document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false, resolveKnownTags: false, logLevel: "silent" });
  } catch {
    // The library throws on a stack overflow, and its words may quote the text.
    findings.problem([], "cannot be read: nested too deeply, or not YAML");
    return unreadable;
  }
  const broken = [...document.errors, ...document.warnings.filter((warning) => warning.code === "TAG_RESOLVE_FAILED")];
  if (broken.length > 0) {
    reportSyntax(broken, text, lineCounter, findings.problem);
    return unreadable;
  }
  const root = document.contents as Node | null;
  const tree: Tree = root === null ? { kind: "scalar", value: null } : new YamlWalker(text, environment, findings.problem).read(root, []);
  findings.locate = (path, details) => position(details.offset ?? offsetAt(tree, path, details.at ?? "value"));
  return { tree, readable: true };
}

function lineAndColumn(lineCounter: LineCounter, offset: number): { line: number; column: number } {
  const found = lineCounter.linePos(offset);
  return { line: Math.max(1, found.line), column: Math.max(1, found.col) };
}

/** The library's own messages quote the text, which may be a secret; these do not. */
const syntaxWords: Readonly<Partial<Record<YAMLError["code"], string>>> = {
  BAD_ALIAS: "an anchor (&name) or alias (*name) is malformed",
  BAD_DQ_ESCAPE: "an unknown escape in \"…\": write \\\\ for a backslash, or use '…'",
  BAD_INDENT: "the indentation does not fit, or a closing bracket is missing",
  BAD_SCALAR_START: "a value cannot begin with this character: put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " on one line: put the value in quotes, or start a new line',
  BLOCK_IN_FLOW: "inside { } and [ ] write everything with brackets and commas",
  DUPLICATE_KEY: "this name was used before",
  MISSING_CHAR: "a quote, bracket, comma or colon is missing",
  MULTILINE_IMPLICIT_KEY: 'a name must be followed by ": "',
  MULTIPLE_DOCS: "more than one document: remove the lines ---",
  RESOURCE_EXHAUSTION: "nested too deeply",
  TAB_AS_INDENT: "tabs cannot indent YAML: use spaces",
  TAG_RESOLVE_FAILED: "tags (!name) mean nothing here: remove it",
  UNEXPECTED_TOKEN: "unexpected here: check the indentation, brackets and quotes",
};

/** Only the first error of a line, and only a few lines: the rest mostly follows from the first. */
function reportSyntax(errors: readonly YAMLError[], text: string, lineCounter: LineCounter, report: Report): void {
  const lines = new Set<number>();
  for (const error of errors.toSorted((left, right) => left.pos[0] - right.pos[0])) {
    const offset = error.pos[0];
    const { line } = lineAndColumn(lineCounter, offset);
    if (lines.has(line)) continue;
    lines.add(line);
    if (lines.size > 3) return;
    const variable = text.startsWith("${", offset - 1);
    const words = variable ? 'inside { } and [ ] a variable needs quotes: "${NAME}"' : (syntaxWords[error.code] ?? "this is not YAML");
    report([], words, { offset });
  }
}

class YamlWalker {
  readonly #text: string;
  readonly #environment: Environment | undefined;
  readonly #report: Report;
  readonly #budget = new Budget();
  readonly #anchors = new Map<string, Node>();
  /** Nodes being read, to see an alias that stands inside what it names. */
  readonly #open = new Set<Node>();

  constructor(text: string, environment: Environment | undefined, report: Report) {
    this.#text = text;
    this.#environment = environment;
    this.#report = report;
  }

  read(node: Node | null, path: Path): Tree {
    const offset = node?.range?.[0];
    if (node === null) return { kind: "scalar", value: null };
    if (!this.#budget.spend(path, this.#report, offset)) return { kind: "scalar", value: null, offset, failed: true };
    if (isAlias(node)) return this.#readAlias(node, path);
    // An anchor is known from where it stands on; a later one of the same name takes over, as YAML says.
    if ("anchor" in node && typeof node.anchor === "string") this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return this.#readScalar(node.value, path, node);
    this.#open.add(node);
    const tree: Tree = isMap(node) ? this.#readMap(node, path) : this.#readList(node, path);
    this.#open.delete(node);
    return tree;
  }

  #readAlias(alias: Alias, path: Path): Tree {
    const offset = alias.range?.[0];
    const target = this.#anchors.get(alias.source);
    if (target !== undefined && !this.#open.has(target)) return this.read(target, path);
    this.#report(
      path,
      target === undefined
        ? "no anchor (&name) of this name stands above this alias (*name)"
        : "this alias (*name) stands inside what it names",
      { offset },
    );
    return { kind: "scalar", value: null, offset, failed: true };
  }

  #readScalar(value: unknown, path: Path, node: Node): ScalarTree {
    const offset = node.range?.[0];
    if (typeof value === "string") return readText(value, path, this.#environment, this.#report, offset, (name) => this.#find(name, node));
    if (value === null || typeof value === "number" || typeof value === "boolean") return { kind: "scalar", value, offset };
    this.#report(path, "expected plain text, a number, true or false", { offset });
    return { kind: "scalar", value: null, offset, failed: true };
  }

  /** Where `${NAME` stands within a scalar. */
  #find(name: string, node: Node): number | undefined {
    const [start, end] = node.range ?? [0, 0];
    const found = this.#text.indexOf(`\${${name}`, start);
    return found >= 0 && found < end ? found : start;
  }

  #readMap(node: YAMLMap, path: Path): MapTree {
    const entries = new Map<string, Tree>();
    const merged: Tree[] = [];
    for (const pair of node.items as Pair<Node | null, Node | null>[]) {
      const name = this.#keyName(pair.key, path);
      if (name === undefined) continue;
      const keyOffset = pair.key?.range?.[0];
      if (name === "<<" && isScalar(pair.key) && pair.key.type === "PLAIN") {
        merged.push(this.read(pair.value, path));
        continue;
      }
      const at = [...path, name];
      if (name === "__proto__") {
        this.#report(at, "cannot be used as a name", { offset: keyOffset });
        continue;
      }
      if (entries.has(name)) {
        this.#report(at, "this name was used before", { offset: keyOffset });
        continue;
      }
      const tree = this.read(pair.value, at);
      tree.keyOffset = keyOffset;
      entries.set(name, tree);
      if (this.#budget.exhausted) break;
    }
    for (const tree of merged) this.#merge(tree, entries, path);
    return { kind: "map", entries, offset: node.range?.[0] };
  }

  /** `<<: *base`: the mapping's own entries win over the base's, and an earlier base over a later one. */
  #merge(tree: Tree, into: Map<string, Tree>, path: Path): void {
    if (tree.kind === "list") {
      for (const item of tree.items) this.#merge(item, into, path);
      return;
    }
    if (tree.kind === "map") {
      for (const [name, entry] of tree.entries) if (!into.has(name)) into.set(name, entry);
      return;
    }
    if (tree.failed !== true) this.#report(path, "<< takes a mapping, mostly as an alias: <<: *name", { offset: tree.offset });
  }

  #keyName(key: Node | null, path: Path): string | undefined {
    const node = isAlias(key) ? this.#anchors.get(key.source) : key;
    if (isScalar(node) && (typeof node.value === "string" || typeof node.value === "number" || typeof node.value === "boolean")) {
      if ("anchor" in node && typeof node.anchor === "string") this.#anchors.set(node.anchor, node);
      // A number as a name keeps its spelling: 1.10 is not 1.1.
      return typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
    }
    this.#report(path, "a name must be plain text", { offset: key?.range?.[0] });
    return undefined;
  }

  #readList(node: Node, path: Path): ListTree {
    const items: Tree[] = [];
    if (isSeq(node)) {
      for (const item of node.items) {
        items.push(this.read(item as Node | null, [...path, items.length]));
        if (this.#budget.exhausted) break;
      }
    }
    return { kind: "list", items, offset: node.range?.[0] };
  }
}
