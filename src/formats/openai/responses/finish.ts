/** Why an answer ended: the format says it by a status, a reason when it is incomplete, and by what stands in the output. */

import type { Finish, FinishReason } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { own } from "./format.ts";

export interface Seen {
  calls: boolean;
  /** A call without a name was left out. */
  ghost: boolean;
  refusal: boolean;
}

const incomplete: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["max_output_tokens", "length"],
  // vLLM's and LM Studio's word.
  ["max_tokens", "length"],
  ["length", "length"],
  ["content_filter", "content-filter"],
]);

export function readFinish(response: JsonObject, seen: Seen): Finish {
  const exact = isObject(response[own]) ? readOwnFinish(response[own].finish) : undefined;
  if (exact) return exact;
  const status = asString(response.status);
  const details = response.incomplete_details;
  if (status === "incomplete" || isObject(details)) {
    const raw = isObject(details) ? asString(details.reason) : undefined;
    return { reason: incomplete.get(raw ?? "") ?? "unknown", raw: raw ?? "incomplete" };
  }
  return { reason: reasonOf(status, seen), raw: status ?? "completed" };
}

function reasonOf(status: string | undefined, seen: Seen): FinishReason {
  if (status !== undefined && status !== "completed") return "unknown";
  if (seen.calls) return "tool-calls";
  if (seen.refusal) return "refusal";
  return seen.ghost ? "malformed-call" : "stop";
}

function readOwnFinish(value: unknown): Finish | undefined {
  if (!isObject(value) || typeof value.reason !== "string" || !Object.hasOwn(statuses, value.reason)) return undefined;
  const finish: Finish = { reason: value.reason as FinishReason };
  if (typeof value.raw === "string") finish.raw = value.raw;
  if (typeof value.stop_sequence === "string") finish.stopSequence = value.stop_sequence;
  if (isObject(value.details)) finish.details = value.details;
  return finish;
}

export interface WrittenFinish {
  status: string;
  /** `incomplete_details.reason`. */
  reason?: string | undefined;
  /** For the extension, where status and reason say less. */
  exact?: JsonObject | undefined;
}

const statuses: Record<FinishReason, { status: "completed" | "incomplete"; reason?: string }> = {
  stop: { status: "completed" },
  "stop-sequence": { status: "completed" },
  length: { status: "incomplete", reason: "max_output_tokens" },
  "context-overflow": { status: "incomplete", reason: "max_output_tokens" },
  "tool-calls": { status: "completed" },
  refusal: { status: "incomplete", reason: "content_filter" },
  "content-filter": { status: "incomplete", reason: "content_filter" },
  // A provider's own tools want another turn: the format has no word for it, and "completed" would end the client's turn.
  pause: { status: "incomplete", reason: "pause" },
  // Never written: see `encode-reply.ts`.
  "malformed-call": { status: "incomplete" },
  unknown: { status: "completed" },
};

export function writeFinish(finish: Finish, seen: Omit<Seen, "ghost">): WrittenFinish {
  const { reason, raw } = finish;
  // A background response that is not done yet keeps its status.
  if (reason === "unknown" && (raw === "queued" || raw === "in_progress")) return { status: raw };
  // A refusal in words is complete, as OpenAI tells it.
  const { status, reason: word } = reason === "refusal" && seen.refusal ? statuses.stop : statuses[reason];
  const derived = readFinish({ status, ...(word !== undefined && { incomplete_details: { reason: word } }) }, { ...seen, ghost: false });
  const plain = (derived.reason === reason || (reason === "stop" && seen.calls)) && finish.stopSequence === undefined && !finish.details;
  if (plain) return { status, reason: word };
  const exact: JsonObject = { reason };
  if (raw !== undefined) exact.raw = raw;
  if (finish.stopSequence !== undefined) exact.stop_sequence = finish.stopSequence;
  if (finish.details) exact.details = finish.details;
  return { status, reason: word, exact };
}
