/** The command line's entry: hands over to `cli/`, and ends with the exit code that comes back. */

import { run } from "./cli/run.ts";
import { processWorld } from "./cli/world.ts";

// Not `process.exit`, which cuts off what a slow reader of a pipe has not taken yet.
process.exitCode = await run(process.argv.slice(2), processWorld());
