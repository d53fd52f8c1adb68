/** What `x-headgate-strict` means: a translation that loses something is refused before anything is sent. */

import { GatewayError } from "../canonical/errors.ts";
import { formatWarning } from "../canonical/warnings.ts";
import type { Call } from "./call.ts";

export function refuseLoss(call: Call): void {
  if (!call.strict || call.warnings.length === 0) return;
  // As many as in x-headgate-warnings: the caller's own words are not echoed without bound.
  const told = call.warnings.slice(0, 10).map(formatWarning).join("; ");
  throw new GatewayError("lossy_translation", `x-headgate-strict forbids this translation: ${told}`, {
    field: call.warnings[0]?.field.slice(0, 200),
  });
}
