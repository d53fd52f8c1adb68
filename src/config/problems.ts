/** What is wrong with a configuration, said so that it can be repaired at once, and never with a secret in it. */

import { nearest } from "../canonical/nearest.ts";

export type Path = readonly (string | number)[];

export interface Problem {
  /** Where, as `models.smart.targets[0]`; empty for the file as a whole. */
  path: string;
  /** Counted from 1; absent when the configuration came as an object. */
  line?: number | undefined;
  column?: number | undefined;
  /** What is wrong, in plain words, without the suggestion. */
  message: string;
  /** What was probably meant. */
  suggestion?: string | undefined;
}

/** How many problems one error carries: more does not help, and a hostile file must not fill the log. */
const mostProblems = 100;

const mark = Symbol.for("headgate.config-error");

/** The configuration cannot be used. `problems` has all that is wrong with it; the message has the same as text. */
export class ConfigError extends Error {
  readonly [mark] = true;
  readonly problems: readonly Problem[];
  readonly fileName: string | undefined;

  constructor(problems: readonly Problem[], fileName?: string) {
    super(describeProblems(problems, fileName));
    this.name = "ConfigError";
    this.problems = problems;
    this.fileName = fileName;
  }
}

/** Works across copies of this package, where `instanceof` does not. */
export function isConfigError(value: unknown): value is ConfigError {
  return typeof value === "object" && value !== null && (value as { [mark]?: boolean })[mark] === true;
}

/** One line a problem, as compilers write them: `headgate.yaml:12:5 models.smart.routes: unknown key, did you mean "route"?` */
export function formatProblems(error: ConfigError): string {
  return describeProblems(error.problems, error.fileName);
}

function describeProblems(problems: readonly Problem[], fileName: string | undefined): string {
  return problems.map((problem) => formatProblem(problem, fileName)).join("\n");
}

/** One problem or warning as a line. */
export function formatProblem(problem: Problem, fileName?: string): string {
  const position = problem.line === undefined ? "" : `:${problem.line}:${problem.column ?? 1}`;
  const file = fileName === undefined ? position.slice(1) : `${fileName}${position}`;
  const what = problem.suggestion === undefined ? problem.message : `${problem.message}, did you mean "${problem.suggestion}"?`;
  return `${file === "" ? "" : `${file} `}${problem.path === "" ? "" : `${problem.path}: `}${what}`;
}

/** `models.smart.targets[0]`, with brackets and quotes around names that would read as something else. */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[\w-]{1,80}$/.test(step) && !looksSecret(step)) text += text === "" ? step : `.${step}`;
    else text += `[${quoted(step)}]`;
  }
  return text;
}

/** A name in quotes, fit to be printed: bounded, without control characters, and nothing that looks like a credential. */
export function quoted(text: string): string {
  if (looksSecret(text)) return '"[redacted]"';
  const shown = text.length > 80 ? `${text.slice(0, 79)}…` : text;
  return `"${shown.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?")}"`;
}

/** A credential in the wrong place is a common slip; known prefixes and long runs of mixed letters and digits are not echoed. */
export function looksSecret(text: string): boolean {
  if (/(?:^|[^A-Za-z0-9])(?:(?:sk|pk|rk|gsk|xai|ghp|gho|hf|r8|key|hg)[-_]|AIza|AKIA|ASIA|eyJ|Bearer )[A-Za-z0-9_-]{12,}/.test(text))
    return true;
  return (text.match(/[A-Za-z0-9]{20,}/g) ?? []).some((run) => /\d/.test(run) && /[A-Za-z]/.test(run));
}

const secretNames = /key|secret|token|password|header|credential|database|redis|auth/i;

/** Values at such a place are never quoted in a message. */
export function isSecretPath(path: Path): boolean {
  // `keys: [sk-…]` and `openai: sk-…` are how a key lands where a mapping belongs.
  if ((path[0] === "keys" || path[0] === "providers") && path.length <= 2) return true;
  return path.some(
    (step, index) =>
      typeof step === "string" && secretNames.test(step) && !(index === 0 && step === "keys") && step !== "max_output_tokens",
  );
}

/** How a place in the file, or the value at it, is spoken of. */
export interface ReportDetails {
  /** Where it stands, when that is known better than the path tells. */
  offset?: number | undefined;
  /** Show it at its name rather than at its value. */
  at?: "name" | "value" | undefined;
  suggestion?: string | undefined;
  /** A wrong name and the right ones: the suggestion is sought among them. */
  near?: readonly [string, readonly string[]] | undefined;
  /** The right names, listed when there is no suggestion. Default: those of `near`. */
  known?: readonly string[] | undefined;
}

/** Says that something is wrong at a path. */
export type Report = (path: Path, message: string, details?: ReportDetails) => void;

interface Locator {
  (path: Path, details: ReportDetails): { line: number; column: number } | undefined;
}

/** Gathers problems and warnings: one problem a place, in the order of the file, bounded in number. */
export class Findings {
  readonly #problems = new Map<string, Problem>();
  readonly #warnings: Problem[] = [];
  /** Finds the line of a path; set once there is something to find it in. */
  locate: Locator = () => undefined;
  /** Names that stand for a path, where its value came from elsewhere than the file. */
  readonly labels = new Map<string, string>();
  #left = 0;

  readonly problem: Report = (path, message, details = {}) => {
    const place = formatPath(path);
    // Syntax errors have no path: each line is a place of its own.
    const id = `${place}${path.length === 0 ? ` ${details.offset ?? ""}` : ""}`;
    if (this.#problems.has(id)) return;
    if (this.#problems.size >= mostProblems) this.#left += 1;
    else this.#problems.set(id, this.#build(place, path, message, details));
  };

  readonly warning: Report = (path, message, details = {}) => {
    if (this.#warnings.length < mostProblems) this.#warnings.push(this.#build(formatPath(path), path, message, details));
  };

  get failed(): boolean {
    return this.#problems.size > 0;
  }

  /** No more than this many problems are kept: finding further ones is wasted work. */
  get full(): boolean {
    return this.#problems.size >= mostProblems;
  }

  /** `secrets` are struck out wherever they might have slipped into a message. */
  problems(secrets: readonly string[]): Problem[] {
    const list = inOrder([...this.#problems.values()]);
    if (this.#left > 0) list.push({ path: "", message: `and ${this.#left} more problems` });
    return list.map((problem) => struckOut(problem, secrets));
  }

  warnings(secrets: readonly string[]): Problem[] {
    return inOrder(this.#warnings).map((warning) => struckOut(warning, secrets));
  }

  #build(place: string, path: Path, message: string, details: ReportDetails): Problem {
    const label = this.labels.get(place);
    const position = label === undefined ? this.locate(path, details) : undefined;
    const found = details.suggestion ?? (details.near === undefined ? undefined : nearest(...details.near));
    const suggestion = found === undefined || looksSecret(found) ? undefined : found;
    const known = suggestion === undefined ? listed(details.known ?? details.near?.[1] ?? []) : "";
    return { path: label ?? place, ...position, message: `${message}${known}`, ...(suggestion === undefined ? {} : { suggestion }) };
  }
}

/** Lists that are too long to help are left out. */
function listed(names: readonly string[]): string {
  return names.length === 0 || names.length > 30 ? "" : `; known: ${names.map((name) => quoted(name).slice(1, -1)).join(", ")}`;
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((left, right) => (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0));
}

function struckOut(problem: Problem, secrets: readonly string[]): Problem {
  const clean = (text: string) =>
    secrets.reduce((rest, secret) => (rest.includes(secret) ? rest.replaceAll(secret, "[redacted]") : rest), text);
  return {
    ...problem,
    path: clean(problem.path),
    message: clean(problem.message),
    ...(problem.suggestion === undefined ? {} : { suggestion: clean(problem.suggestion) }),
  };
}
