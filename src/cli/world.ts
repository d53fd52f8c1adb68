/** What a command sees of the world outside: where it prints, what the environment says. A test brings a world of its own. */

import { colours } from "./colour.ts";
import type { Colours } from "./colour.ts";

export interface Output {
  write(text: string): void;
  colours: Colours;
  /** A person is looking. */
  isTerminal: boolean;
  /** Columns of the terminal; undefined: there is none, and nothing is cut. */
  width: number | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface World {
  /** Results. */
  out: Output;
  /** Everything that is said about the results. */
  err: Output;
  env: Environment;
  /** Relative paths start here. Undefined: the working directory. */
  directory?: string | undefined;
  /** Milliseconds since 1970. */
  now(): number;
}

export function processWorld(): World {
  return { out: streamOutput(process.stdout), err: streamOutput(process.stderr), env: process.env, now: () => Date.now() };
}

function streamOutput(stream: NodeJS.WriteStream): Output {
  // `headgate calls | head` closes the pipe early: that is no failure.
  stream.on("error", () => {});
  const isTerminal = isPerson(stream);
  return {
    write: (text) => void stream.write(text),
    colours: colours(wantsColour(process.env, isTerminal)),
    isTerminal,
    width: isTerminal ? stream.columns || undefined : undefined,
  };
}

/** For pipes and files the field is not there, whatever the type of a stream says. */
function isPerson(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY ?? false;
}

/** https://no-color.org: any value but an empty one switches colours off. FORCE_COLOR is its counterpart, for CI logs. */
export function wantsColour(env: Environment, isTerminal: boolean): boolean {
  if (env["NO_COLOR"]) return false;
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  return isTerminal && env["TERM"] !== "dumb";
}
