/** How commands end: the exit codes, and what is printed for each kind of failure. A user's mistake never prints a stack trace. */

import { isGatewayError } from "../canonical/errors.ts";
import type { ErrorCode } from "../canonical/errors.ts";
import { formatProblem, isConfigError } from "../config/problems.ts";
import type { World } from "./world.ts";

export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** The command cannot go on, for a reason that its user can do something about. */
export class CommandFailure extends Error {
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(message: string, options: { hint?: string | undefined; exitCode?: number | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CommandFailure";
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** The command line itself is wrong. */
export function usageFailure(message: string, hint?: string): CommandFailure {
  return new CommandFailure(message, { hint, exitCode: exitCodes.usage });
}

/** The message says what to do; the catalogue's advice is meant for a client of the gateway. */
const selfExplaining: ReadonlySet<string> = new Set<ErrorCode>(["invalid_request", "not_supported", "storage_unavailable"]);

/** Prints what went wrong, and returns the exit code. */
export function reportFailure(thrown: unknown, world: World): number {
  const { err } = world;
  const { bold, dim, red } = err.colours;
  const say = (message: string, advice: string | undefined): void => {
    err.write(`${red("error:")} ${message}\n`);
    if (advice !== undefined) err.write(`${dim("→")} ${advice}\n`);
  };
  if (thrown instanceof CommandFailure) {
    say(thrown.message, thrown.hint);
    return thrown.exitCode;
  }
  if (isConfigError(thrown)) {
    const count = thrown.problems.length === 1 ? "a problem" : `${thrown.problems.length} problems`;
    err.write(`${red("error:")} the configuration has ${count}\n`);
    for (const problem of thrown.problems) err.write(`  ${bold(formatProblem(problem, thrown.fileName))}\n`);
    return exitCodes.failed;
  }
  if (isGatewayError(thrown)) {
    say(thrown.message, selfExplaining.has(thrown.code) ? undefined : thrown.advice);
    return exitCodes.failed;
  }
  say("Headgate failed; this is a bug, please report it:", undefined);
  err.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
  return exitCodes.failed;
}
