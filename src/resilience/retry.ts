/** Whether to try again, where, and how long to wait first. Asks the error, not the status number. */

import type { GatewayError } from "../canonical/errors.ts";

/** What a route may name under `retry.on`: a status, a family of them, no answer in time, no connection. */
export type RetryTrigger = number | "4xx" | "5xx" | "timeout" | "network";

export interface RetryPolicy {
  /** All tries at one target: 1 means no retry. */
  attempts: number;
  on: readonly RetryTrigger[];
}

/** `retry`: the same target again. `next`: another target, if there is one. `stop`: nobody would answer differently. */
export type Verdict = "retry" | "next" | "stop";

/** What to do after an error. Failures that belong to the target (auth, billing, unknown model) skip its remaining tries. */
export function afterError(error: GatewayError, policy: RetryPolicy): Verdict {
  switch (error.code) {
    case "client_closed":
      return "stop";
    case "provider_timeout":
      return policy.on.includes("timeout") ? "retry" : "next";
    case "provider_unreachable":
    case "provider_stream_cut":
      return policy.on.includes("network") ? "retry" : "next";
    case "provider_rate_limited":
    case "provider_error":
    case "provider_overloaded":
    case "provider_bad_response":
      return namesStatus(policy, error.upstream?.status || error.status) ? "retry" : "next";
    // A larger context window or another vendor's filter may take what this one refused; another format may carry the field.
    case "context_length_exceeded":
    case "content_filtered":
    case "unsupported_field":
      return "next";
    default:
      return error.retryable ? "next" : "stop";
  }
}

/** An error inside a 200 counts as the server's failure that it is. */
function namesStatus(policy: RetryPolicy, status: number): boolean {
  const meant = status < 400 ? 502 : status;
  return policy.on.some((trigger) => trigger === meant || trigger === `${Math.floor(meant / 100)}xx`);
}

/** The longest time worth waiting on one target rather than going elsewhere. */
const MAX_PATIENCE_MS = 2000;

/**
 * Full jitter over 250 ms doubling to 4 s (AWS, "Exponential backoff and jitter"); the provider's own Retry-After when it
 * is short. Undefined: do not wait here, go elsewhere.
 */
export function backoffMs(error: GatewayError, attempt: number, random: () => number): number | undefined {
  if (error.retryAfterMs !== undefined) return error.retryAfterMs <= MAX_PATIENCE_MS ? error.retryAfterMs : undefined;
  return Math.round(random() * Math.min(4000, 250 * 2 ** (attempt - 1)));
}

/** How long a key rests after an error that is the key's own; 0 when the key is not to blame. */
export function keyRestMs(error: GatewayError): number {
  switch (error.code) {
    case "provider_rate_limited":
      return Math.min(60_000, Math.max(1000, error.retryAfterMs ?? 5000));
    case "provider_auth":
    case "provider_billing":
      return 5 * 60_000;
    default:
      return 0;
  }
}
