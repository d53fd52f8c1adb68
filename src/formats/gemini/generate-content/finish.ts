/** Why an answer ended, in Google's words and in ours. There is no word for a tool call: it is STOP, and the call is there to be seen. */

import type { Finish, FinishReason } from "../../../canonical/chat.ts";
import { asString } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";

const reasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["STOP", "stop"],
  ["MAX_TOKENS", "length"],
  ["SAFETY", "content-filter"],
  ["RECITATION", "content-filter"],
  ["BLOCKLIST", "content-filter"],
  ["PROHIBITED_CONTENT", "content-filter"],
  ["SPII", "content-filter"],
  ["MODEL_ARMOR", "content-filter"],
  ["IMAGE_SAFETY", "content-filter"],
  ["IMAGE_PROHIBITED_CONTENT", "content-filter"],
  ["IMAGE_RECITATION", "content-filter"],
  ["MALFORMED_FUNCTION_CALL", "malformed-call"],
  ["MALFORMED_RESPONSE", "malformed-call"],
  ["UNEXPECTED_TOOL_CALL", "malformed-call"],
  ["TOO_MANY_TOOL_CALLS", "malformed-call"],
  // A long answer of Gemini 4 goes on in another request, with the `continuationToken` that stands beside it.
  ["CONTINUATION", "pause"],
]);

/** A call that was made turns STOP into tool-calls, even where the two came in different chunks; nothing else is overruled. */
export function decodeFinish(raw: string | undefined, called: boolean, beside: JsonObject = {}): Finish {
  const known = raw === undefined ? undefined : reasons.get(raw);
  const finish: Finish = { reason: called && (known === "stop" || raw === undefined) ? "tool-calls" : (known ?? "unknown") };
  if (raw !== undefined) finish.raw = raw;
  if (finish.reason === "content-filter" || finish.reason === "malformed-call") {
    const { finishMessage, safetyRatings } = beside;
    const details: JsonObject = {
      ...(asString(finishMessage) && { finishMessage }),
      ...(Array.isArray(safetyRatings) && { safetyRatings }),
    };
    if (Object.keys(details).length > 0) finish.details = details;
  }
  return finish;
}

/** The prompt itself was refused: there is no candidate, and the reason stands in `promptFeedback`. */
export function decodeBlock(feedback: JsonObject): Finish | undefined {
  const raw = asString(feedback.blockReason);
  return raw === undefined || raw === "BLOCKED_REASON_UNSPECIFIED"
    ? undefined
    : { reason: "content-filter", raw, details: { promptFeedback: feedback } };
}

const words: Record<FinishReason, string> = {
  stop: "STOP",
  "stop-sequence": "STOP",
  length: "MAX_TOKENS",
  "context-overflow": "MAX_TOKENS",
  "tool-calls": "STOP",
  refusal: "SAFETY",
  "content-filter": "SAFETY",
  pause: "STOP",
  "malformed-call": "MALFORMED_FUNCTION_CALL",
  unknown: "OTHER",
};

/** `finishReason`, and in `finishMessage` what it leaves unsaid. The vendor's own word leaves as it came. */
export function encodeFinish(finish: Finish): JsonObject {
  const { reason, raw } = finish;
  const kept = raw !== undefined && reasons.get(raw) === reason ? raw : undefined;
  const fields: JsonObject = { finishReason: kept ?? words[reason] };
  const message = finishMessage(finish);
  if (message !== undefined) fields.finishMessage = message;
  return fields;
}

function finishMessage({ reason, raw, stopSequence, details }: Finish): string | undefined {
  const told = asString(details?.finishMessage) ?? asString(details?.explanation);
  if (told !== undefined) return told;
  if (stopSequence !== undefined) return `The model stopped at ${JSON.stringify(stopSequence)}.`;
  if (reason === "context-overflow") return "The context window is full.";
  if (reason === "pause" && raw !== "CONTINUATION") return "The model paused its turn: send the conversation again to let it go on.";
  if (reason === "unknown" && raw !== undefined && raw !== "OTHER") return `The provider ended the answer with ${JSON.stringify(raw)}.`;
  return undefined;
}
