/** Tries targets until one answers: the same one again after a passing failure, the next one after that, each within what time is left. */

import { GatewayError, toGatewayError } from "../canonical/errors.ts";
import { afterError, backoffMs, keyRestMs } from "../resilience/retry.ts";
import type { Call, Next, Reply, Route, Stage, Target } from "./call.ts";

export const attempt: Stage = async (call, next) => {
  const route = call.chosen as Route;
  let last: GatewayError | undefined;
  for (const target of call.candidates) {
    // A provider with several keys may use each of them once on top of the route's tries.
    const { retry } = target;
    const tries = retry.attempts + target.provider.keys.size - 1;
    let counted = 0;
    for (let turn = 0; turn < tries && counted < retry.attempts; turn++) {
      if (turn > 0) call.warnings = [];
      const answer = await tryOnce(call, target, next);
      if (answer.reply) return answer.reply;
      const { error } = answer;
      last = error;
      const restMs = keyRestMs(error);
      if (restMs > 0 && call.key) {
        target.provider.keys.rest(call.key.index, restMs);
        // Another key of the same provider is not a retry: nothing was wrong with the request.
        if (target.provider.keys.size > 1 && target.provider.keys.awake) continue;
      }
      counted += 1;
      const verdict = afterError(error, retry);
      if (verdict === "stop") throw error;
      if (verdict === "next" || counted === retry.attempts) break;
      const waitMs = backoffMs(error, counted, call.house.random);
      if (waitMs === undefined || waitMs > timeLeft(call, route)) break;
      await call.house.clock.sleep(waitMs, call.signal);
    }
    call.warnings = [];
    if (timeLeft(call, route) <= 0) break;
  }
  throw last ?? new GatewayError("model_not_found", `The route "${route.name}" has no target.`);
};

async function tryOnce(call: Call, target: Target, next: Next): Promise<{ reply: Reply } | { reply?: undefined; error: GatewayError }> {
  call.target = target;
  call.key = target.provider.keys.take();
  const begun = call.house.clock.monotonic();
  try {
    const reply = await next(call);
    call.attempts.push({ target: target.name, status: 200, ms: elapsed(call, begun), key: call.key.index });
    return { reply };
  } catch (thrown) {
    const error = toGatewayError(thrown);
    call.attempts.push({
      target: target.name,
      status: error.upstream?.status ?? 0,
      error: error.code,
      ms: elapsed(call, begun),
      key: call.key.index,
    });
    return { error };
  }
}

function elapsed(call: Call, begun: number): number {
  return Math.round((call.house.clock.monotonic() - begun) * 10) / 10;
}

function timeLeft(call: Call, route: Route): number {
  const allowed = Math.min(route.totalMs, call.timeoutMs ?? Number.POSITIVE_INFINITY);
  return allowed - (call.house.clock.monotonic() - call.startedMono);
}
