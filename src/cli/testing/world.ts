/** A world for tests of commands: nothing is printed, everything is kept. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { colours } from "../colour.ts";
import { run } from "../run.ts";
import type { Environment, Output, World } from "../world.ts";

export interface Ran {
  exitCode: number;
  out: string;
  err: string;
}

export interface TestWorld extends World {
  directory: string;
  /** Writes a file into the directory, and returns its path. */
  file(name: string, content: string): string;
  /** Runs `headgate` with these words. */
  headgate(...words: string[]): Promise<Ran>;
  remove(): void;
}

/** 2026-11-21T12:00:00Z */
export const noon = Date.UTC(2026, 10, 21, 12);

export function testWorld(env: Environment = {}, options: { width?: number; now?: number; colour?: boolean } = {}): TestWorld {
  const directory = mkdtempSync(join(tmpdir(), "headgate-cli-"));
  const out: string[] = [];
  const err: string[] = [];
  const output = (into: string[]): Output => ({
    write: (text) => void into.push(text),
    colours: colours(options.colour ?? false),
    isTerminal: options.width !== undefined,
    width: options.width,
  });
  const world: TestWorld = {
    out: output(out),
    err: output(err),
    env,
    directory,
    now: () => options.now ?? noon,
    file(name, content) {
      const path = join(directory, name);
      writeFileSync(path, content);
      return path;
    },
    async headgate(...words) {
      out.length = 0;
      err.length = 0;
      const exitCode = await run(words, world);
      return { exitCode, out: out.join(""), err: err.join("") };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
  return world;
}
