/** From the words of the command line to an exit code. */

import { CommanderError } from "commander";
import { exitCodes, reportFailure } from "./exit.ts";
import { buildProgram } from "./program.ts";
import type { World } from "./world.ts";

/** `words`: what stands behind `headgate`. Never rejects. */
export async function run(words: readonly string[], world: World): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = buildProgram(world, (code) => {
    exitCode = code;
  });
  if (words.length === 0) {
    program.outputHelp();
    return exitCodes.ok;
  }
  try {
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (thrown) {
    // Commander has printed what it has to say; help and the version end with 0.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return reportFailure(thrown, world);
  }
}
