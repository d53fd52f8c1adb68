/** Why an answer ended, in Anthropic's words and in ours. */

import type { Finish, FinishReason } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";

const reasons: Record<string, FinishReason> = {
  end_turn: "stop",
  stop_sequence: "stop-sequence",
  max_tokens: "length",
  model_context_window_exceeded: "context-overflow",
  tool_use: "tool-calls",
  refusal: "refusal",
  pause_turn: "pause",
};

/** From `stop_reason` and its neighbours. A call that was made turns `end_turn` into tool-calls, as agents wait for it; nothing else is overruled. */
export function decodeFinish(from: JsonObject, calledTool: boolean): Finish {
  const raw = asString(from.stop_reason);
  const known = raw === undefined ? undefined : reasons[raw];
  const finish: Finish = { reason: calledTool && (known === "stop" || raw === undefined) ? "tool-calls" : (known ?? "unknown") };
  if (raw !== undefined) finish.raw = raw;
  const stopSequence = asString(from.stop_sequence);
  if (stopSequence !== undefined) finish.stopSequence = stopSequence;
  if (isObject(from.stop_details)) finish.details = from.stop_details;
  return finish;
}

/** `stop_reason`, `stop_sequence` and `stop_details`, for a whole message or its last delta. */
export function encodeFinish(finish: Finish, calledTool: boolean): JsonObject {
  const reason = stopReason(finish, calledTool);
  return {
    stop_reason: reason,
    stop_sequence: reason === "stop_sequence" ? (finish.stopSequence ?? null) : null,
    stop_details: reason === "refusal" ? refusalDetails(finish.details) : null,
  };
}

function stopReason(finish: Finish, calledTool: boolean): string {
  switch (finish.reason) {
    case "stop":
      return calledTool ? "tool_use" : "end_turn";
    case "stop-sequence":
      return "stop_sequence";
    case "length":
      return "max_tokens";
    case "context-overflow":
      return "model_context_window_exceeded";
    case "tool-calls":
      return "tool_use";
    case "refusal":
    case "content-filter":
      return "refusal";
    case "pause":
      return "pause_turn";
    // The beta's own `compaction` passes; any other vendor's word would only confuse this format's clients.
    case "unknown":
    case "malformed-call":
      if (finish.raw === "compaction") return finish.raw;
      return calledTool ? "tool_use" : "end_turn";
  }
}

function refusalDetails(details: JsonObject | undefined): JsonObject | null {
  return details?.type === "refusal" ? details : null;
}
