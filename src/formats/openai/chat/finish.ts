/** Why an answer ended: the format has four words, the house ten. */

import type { Finish, FinishReason } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import type { ErrorCode } from "../../../canonical/errors.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { own } from "./format.ts";

/** The format's words, and those that compatible vendors put in their place. */
const reasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["stop", "stop"],
  ["eos", "stop"],
  ["eos_token", "stop"],
  ["end_turn", "stop"],
  ["complete", "stop"],
  ["stop_sequence", "stop-sequence"],
  ["length", "length"],
  ["max_tokens", "length"],
  // Mistral: prompt and answer together have filled the model's window.
  ["model_length", "context-overflow"],
  ["model_context_window_exceeded", "context-overflow"],
  ["tool_calls", "tool-calls"],
  ["tool_use", "tool-calls"],
  ["function_call", "tool-calls"],
  ["content_filter", "content-filter"],
  ["safety", "content-filter"],
  ["recitation", "content-filter"],
  ["refusal", "refusal"],
  ["malformed_function_call", "malformed-call"],
]);

/** Words that say that the answer is not complete: no finish at all, but a failure inside a 200. */
const failures: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ["error", "provider_error"],
  ["abort", "provider_stream_cut"],
  ["insufficient_system_resource", "provider_overloaded"],
]);

export interface Seen {
  calls: boolean;
  /** A call without a name was left out. */
  ghost: boolean;
  refusal: boolean;
}

export function readFailure(raw: string | undefined): GatewayError | undefined {
  const code = raw === undefined ? undefined : failures.get(raw.toLowerCase());
  return code && new GatewayError(code, `The provider ended its answer with finish_reason "${raw}".`);
}

/** `choice`: the object the word stood in, for what stands beside it. */
export function readFinish(raw: string | undefined, seen: Seen, choice: JsonObject): Finish {
  const exact = isObject(choice[own]) ? readOwnFinish(choice[own]["finish"]) : undefined;
  if (exact) return exact;
  const finish: Finish = { reason: reasonOf(raw, seen) };
  if (raw !== undefined) finish.raw = raw;
  // vLLM and SGLang name the stop string that was hit; vLLM gives a token's number for the model's own end.
  const stopped = asString(choice["stop_reason"]) ?? asString(choice["matched_stop"]);
  if (stopped !== undefined && finish.reason === "stop") {
    finish.reason = "stop-sequence";
    finish.stopSequence = stopped;
  }
  if (finish.reason === "content-filter" && isObject(choice["content_filter_results"]))
    finish.details = { content_filter_results: choice["content_filter_results"] };
  return finish;
}

/** Calls win over a plain stop only: length, filter and refusal stay what they are. */
function reasonOf(raw: string | undefined, seen: Seen): FinishReason {
  const reason = raw === undefined ? "unknown" : (reasons.get(raw.toLowerCase()) ?? "unknown");
  if (seen.refusal && (reason === "stop" || reason === "content-filter")) return "refusal";
  if (seen.calls && (reason === "stop" || raw === undefined)) return "tool-calls";
  if (reason === "tool-calls" && !seen.calls) return seen.ghost ? "malformed-call" : "unknown";
  return reason;
}

function readOwnFinish(value: unknown): Finish | undefined {
  if (!isObject(value) || typeof value["reason"] !== "string" || !Object.hasOwn(words, value["reason"])) return undefined;
  const finish: Finish = { reason: value["reason"] as FinishReason };
  if (typeof value["raw"] === "string") finish.raw = value["raw"];
  if (typeof value["stop_sequence"] === "string") finish.stopSequence = value["stop_sequence"];
  if (isObject(value["details"])) finish.details = value["details"];
  return finish;
}

const words: Record<FinishReason, "stop" | "length" | "tool_calls" | "content_filter"> = {
  stop: "stop",
  "stop-sequence": "stop",
  length: "length",
  "context-overflow": "length",
  "tool-calls": "tool_calls",
  refusal: "content_filter",
  "content-filter": "content_filter",
  pause: "stop",
  // A broken call must not look like a finished answer.
  "malformed-call": "content_filter",
  unknown: "stop",
};

/** The format's word, and the exact finish for the extension where the word says less. */
export function writeFinish(finish: Finish, seen: Omit<Seen, "ghost">): { word: string; exact?: JsonObject } {
  const { reason } = finish;
  // OpenAI itself ends a refusal that has a text with "stop".
  const word = reason === "refusal" && seen.refusal ? "stop" : seen.calls && reason === "stop" ? "tool_calls" : words[reason];
  const plain =
    reason === "stop" ||
    reason === "length" ||
    reason === "content-filter" ||
    (reason === "tool-calls" && seen.calls) ||
    (reason === "refusal" && seen.refusal);
  if (plain && finish.stopSequence === undefined && !finish.details) return { word };
  const exact: JsonObject = { reason };
  if (finish.raw !== undefined) exact["raw"] = finish.raw;
  if (finish.stopSequence !== undefined) exact["stop_sequence"] = finish.stopSequence;
  if (finish.details) exact["details"] = finish.details;
  return { word, exact };
}
