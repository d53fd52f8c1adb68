/** Why an answer ended, in the vendor's words and in ours. */

import type { Finish, FinishReason } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { Json } from "../../../canonical/json.ts";

const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ["end_turn", "stop"],
  ["stop_sequence", "stop-sequence"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "context-overflow"],
  ["tool_use", "tool-calls"],
  ["guardrail_intervened", "content-filter"],
  ["content_filtered", "content-filter"],
  ["malformed_model_output", "malformed-call"],
  ["malformed_tool_use", "malformed-call"],
  // Claude's own words, which the vendor has not listed (client-bedrock-runtime 3.1163) and may pass on.
  ["refusal", "refusal"],
  ["pause_turn", "pause"],
]);

/** What the answer held, as far as its ending hangs on it. */
export interface Seen {
  /** A call of one of the caller's tools. */
  call: boolean;
  /** The call that stands for a schema, which the caller knows nothing of. */
  answer: boolean;
}

/** A call that was made turns `end_turn` into tool-calls, as agents wait for it, and an answer drawn out of a call ends as answers do. Nothing else is overruled. */
export function decodeFinish(stopReason: unknown, modelFields: Json | undefined, seen: Seen): Finish {
  const raw = asString(stopReason);
  const finish: Finish = { reason: reasonOf(raw, seen) };
  if (raw !== undefined) finish.raw = raw;
  const sequence = stopSequence(modelFields);
  if (sequence !== undefined) finish.stopSequence = sequence;
  return finish;
}

function reasonOf(raw: string | undefined, { call, answer }: Seen): FinishReason {
  const known = raw === undefined ? undefined : reasons.get(raw);
  if (call && (known === "stop" || raw === undefined)) return "tool-calls";
  if (!call && answer && known === "tool-calls") return "stop";
  return known ?? "unknown";
}

/** Asked for in `additionalModelResponseFieldPaths`; in a stream the model puts it in its last delta. */
function stopSequence(modelFields: Json | undefined): string | undefined {
  if (!isObject(modelFields)) return undefined;
  const { delta } = modelFields;
  return asString(modelFields.stop_sequence) ?? (isObject(delta) ? asString(delta.stop_sequence) : undefined);
}
