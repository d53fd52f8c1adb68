/** Finds who may answer: the route behind the model's name, and its targets in the order of the route's policy. */

import { GatewayError } from "../canonical/errors.ts";
import type { Stage } from "./call.ts";

export const route: Stage = (call, next) => {
  const { principal, model } = call;
  if (principal && !principal.allows(model)) {
    throw new GatewayError("model_not_allowed", `The key "${principal.keyName}" may not use the model ${quote(model)}.`, {
      field: "model",
    });
  }
  const chosen = call.house.route(model);
  if (!chosen) throw new GatewayError("model_not_found", `There is no model ${quote(model)}.`, { field: "model" });
  call.chosen = chosen;
  call.candidates = chosen.policy.order(chosen.targets);
  return next(call);
};

function quote(model: string): string {
  return JSON.stringify(model.slice(0, 120));
}
