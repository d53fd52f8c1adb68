/** A whole reply in Gemini's words. */

import type { ChatReply, Choice, Citation } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { ReplyContext } from "../../codec.ts";
import { encodeGrounding } from "./citations.ts";
import { asksForThoughts, emptyPart, encodePart } from "./encode-parts.ts";
import { encodeFinish } from "./finish.ts";
import { own } from "./format.ts";
import { encodeLogprobs } from "./logprobs.ts";
import { encodeUsage } from "./usage.ts";

export function encodeReply(reply: ChatReply, context: ReplyContext): JsonObject {
  if (reply.choices.length === 0) throw new GatewayError("provider_bad_response", "The provider's reply holds no answer.");
  const kept = own(reply.extra);
  return {
    candidates: reply.choices.map((choice, index) => encodeChoice(choice, index, kept, context)),
    usageMetadata: encodeUsage(reply.usage),
    ...head(reply, context),
    ...replyFields(kept),
  };
}

/** What stands in every chunk too. */
export function head(reply: Pick<ChatReply, "id" | "model" | "created">, context: ReplyContext): JsonObject {
  return {
    modelVersion: reply.model ?? context.model,
    responseId: reply.id ?? context.callId,
    createTime: new Date((reply.created ?? context.created) * 1000).toISOString(),
  };
}

/** The pocket holds fields of the reply, and under `candidates` those of each candidate by its number. */
export function replyFields(kept: JsonObject): JsonObject {
  const { candidates: _, ...fields } = kept;
  return fields;
}

export function candidateFields(kept: JsonObject, index: number): JsonObject {
  const fields = isObject(kept.candidates) ? kept.candidates[index] : undefined;
  return isObject(fields) ? fields : {};
}

function encodeChoice(choice: Choice, index: number, kept: JsonObject, context: ReplyContext): JsonObject {
  const shows = asksForThoughts(context.body);
  const parts = choice.content.map((part) => encodePart(part, context, shows)).filter((part) => part !== undefined);
  const citations: Citation[] = [];
  let text = "";
  for (const part of choice.content) {
    if (part.type !== "text") continue;
    text += part.text;
    citations.push(...(part.citations ?? []));
  }
  const candidate: JsonObject = {
    content: { parts: parts.length > 0 ? parts : [emptyPart], role: "model" },
    ...encodeFinish(choice.finish),
    index,
  };
  const grounding = encodeGrounding(citations, text);
  if (grounding) candidate.groundingMetadata = grounding;
  const logprobs = choice.logprobs && encodeLogprobs(choice.logprobs);
  if (logprobs) candidate.logprobsResult = logprobs;
  return { ...candidate, ...candidateFields(kept, index) };
}
