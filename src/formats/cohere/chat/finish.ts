/** Why an answer ended: the vendor's words, two of which are failures inside of a 200. */

import type { Finish, FinishReason } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { format } from "./format.ts";
import { redact } from "./redact.ts";

const reasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["COMPLETE", "stop"],
  ["STOP_SEQUENCE", "stop-sequence"],
  ["MAX_TOKENS", "length"],
  ["TOOL_CALL", "tool-calls"],
  // From version 1, which private deployments still answer with.
  ["ERROR_LIMIT", "context-overflow"],
  ["ERROR_TOXIC", "content-filter"],
]);

/** `said`: the vendor's own message, if any. */
export function readFailure(raw: string | undefined, said: string | undefined): GatewayError | undefined {
  const upstream = { status: 200, code: raw, format };
  const words = said ? `: ${redact(said).slice(0, 1000)}` : ".";
  if (raw === "TIMEOUT")
    return new GatewayError("provider_timeout", `The provider stopped its answer, as it took too long${words}`, { upstream });
  if (raw === "USER_CANCEL") return new GatewayError("provider_stream_cut", `The provider stopped its answer${words}`, { upstream });
  if (raw === "ERROR" || said) return new GatewayError("provider_error", `The provider failed while it answered${words}`, { upstream });
  return undefined;
}

export interface Seen {
  calls: boolean;
  /** A call without a name was left out. */
  ghost: boolean;
}

export function readFinish(raw: string | undefined, seen: Seen): Finish {
  const finish: Finish = { reason: reasonOf(raw, seen) };
  if (raw !== undefined) finish.raw = raw;
  return finish;
}

/** Calls win over a plain end only: a length stays a length. */
function reasonOf(raw: string | undefined, seen: Seen): FinishReason {
  const reason = raw === undefined ? "unknown" : (reasons.get(raw) ?? "unknown");
  if (seen.calls && (reason === "stop" || raw === undefined)) return "tool-calls";
  if (reason === "tool-calls" && !seen.calls) return seen.ghost ? "malformed-call" : "unknown";
  return reason;
}
