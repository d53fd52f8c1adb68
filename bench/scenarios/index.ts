/** The scenarios, in the order in which they run and are reported. */

import type { Scenario } from "../scenario.ts";
import { badKeys } from "./bad-keys.ts";
import { errors } from "./errors.ts";
import { headOfLine } from "./head-of-line.ts";
import { memory } from "./memory.ts";
import { million } from "./million.ts";
import { prompts } from "./prompts.ts";
import { startUp } from "./start-up.ts";
import { streaming } from "./streaming.ts";
import { throughput } from "./throughput.ts";
import { toolLoop } from "./tool-loop.ts";

export const scenarios: readonly Scenario[] = [
  throughput,
  streaming,
  prompts,
  toolLoop,
  badKeys,
  errors,
  headOfLine,
  memory,
  startUp,
  million,
];
