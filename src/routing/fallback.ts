/** Targets in the order in which they are written: the next one only when the one before has failed. */

import type { Policy } from "./policy.ts";

export const fallback = {
  name: "fallback",
  order: (targets) => targets,
} satisfies Policy;
