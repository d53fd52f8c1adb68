/** What a translation could not carry over as it stood: never silence, always one of these. */

/** `dropped`: not sent. `approximated`: sent with another value. `emulated`: done by other means. `repaired`: the input was mended. */
export type WarningAction = "dropped" | "approximated" | "emulated" | "repaired";

export interface Warning {
  /** Where it stood, as a path in the sender's own format, e.g. `logit_bias` or `messages[2].content[0]`. */
  field: string;
  action: WarningAction;
  /** One sentence: why, and what happened instead. */
  reason: string;
}

/** `dropped logit_bias: …`, safe for a header: visible ASCII, at most 200 characters. */
export function formatWarning(warning: Warning): string {
  const text = `${warning.action} ${warning.field}: ${warning.reason}`;
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
}
