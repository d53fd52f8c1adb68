/** A whole reply as events. */

import type { ChatEvent } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { finishEvent, unfoldPart } from "../../../canonical/fold.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { decodeBlock } from "./decode-content.ts";
import { decodeStreamError } from "./errors.ts";
import { decodeFinish } from "./finish.ts";
import type { Seen } from "./finish.ts";
import { pocket } from "./format.ts";
import { answerTool } from "./names.ts";
import { decodeUsage } from "./usage.ts";

export function decodeReply(body: JsonObject): ChatEvent[] {
  const message = isObject(body.output) && isObject(body.output.message) ? body.output.message : undefined;
  if (!message) {
    // Errors inside a 200: of proxies, and of the vendor's own doors.
    const type = asString(body.__type);
    if (type !== undefined) throw decodeStreamError(type, JSON.stringify(body));
    throw new GatewayError("provider_bad_response", "The provider's reply is not one of Bedrock Converse: it has no `output.message`.");
  }
  const events: ChatEvent[] = [startEvent(body)];
  const seen: Seen = { call: false, answer: false };
  const content = Array.isArray(message.content) ? message.content.filter(isObject) : [];
  content.forEach((block, index) => {
    const part = decodeBlock(block, index);
    seen.call ||= part.type === "tool-call";
    seen.answer ||= isObject(block.toolUse) && block.toolUse.name === answerTool;
    unfoldPart(events, part, 0, index);
  });
  events.push(finishEvent(0, decodeFinish(body.stopReason, body.additionalModelResponseFields, seen)));
  if (isObject(body.usage)) events.push({ type: "usage", usage: decodeUsage(body.usage, body.serviceTier) });
  events.push({ type: "end" });
  return events;
}

const known = new Set(["output", "stopReason", "usage"]);

/** The vendor gives no id, no time and, save for a prompt router's choice, no model. */
function startEvent(body: JsonObject): ChatEvent {
  const fields: JsonObject = {};
  for (const [field, value] of Object.entries(body)) {
    if (value !== null && !known.has(field)) fields[field] = value;
  }
  const router = isObject(body.trace) && isObject(body.trace.promptRouter) ? body.trace.promptRouter : {};
  return { type: "start", model: asString(router.invokedModelId), extra: pocket(fields) };
}
