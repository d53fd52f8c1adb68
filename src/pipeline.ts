/** The stages, in the order in which they run. */

import { attempt } from "./stages/attempt.ts";
import type { Call, Next, Reply, Stage } from "./stages/call.ts";
import { dispatch } from "./stages/dispatch.ts";
import { observe } from "./stages/observe.ts";
import { route } from "./stages/route.ts";

export const stages = [observe, route, attempt, dispatch] satisfies Stage[];

/** Runs a call through all stages. Composed once, when the module is loaded. */
export const run: (call: Call) => Promise<Reply> = compose(stages);

function compose(list: readonly Stage[]): Next {
  return list.reduceRight<Next>(
    (next, stage) => (call) => stage(call, next),
    () => Promise.reject(new Error("the last stage must answer")),
  );
}
