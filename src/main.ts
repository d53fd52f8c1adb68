/** The command line's entry: hands over to `cli/`, and ends the process with the exit code that comes back. */

import { run } from "./cli/run.ts";
import { processWorld } from "./cli/world.ts";

process.exitCode = await run(process.argv.slice(2), processWorld());
