/** A whole reply of Anthropic's as events. */

import type { AssistantPart, ChatEvent, ToolCallPart } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { finishEvent, unfoldPart } from "../../../canonical/fold.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { callExtra, decodeCitation, decodeThinking, vendorPart } from "./decode-content.ts";
import { decodeStreamError } from "./errors.ts";
import { decodeFinish } from "./finish.ts";
import { format, pocket } from "./format.ts";
import { fromWireId, fromWireName } from "./names.ts";
import { decodeUsage } from "./usage.ts";

export function decodeReply(body: JsonObject): ChatEvent[] {
  // Proxies wrap errors in a 200.
  if (isObject(body.error)) throw decodeStreamError(body);
  if (!Array.isArray(body.content)) {
    throw new GatewayError("provider_bad_response", "The provider's reply is not an Anthropic message: it has no `content` list.");
  }
  const events: ChatEvent[] = [startEvent(body)];
  let calledTool = false;
  let block = 0;
  for (const content of body.content) {
    if (!isObject(content)) continue;
    const part = decodeReplyBlock(content);
    calledTool ||= part.type === "tool-call";
    unfoldPart(events, part, 0, block);
    block += 1;
  }
  events.push(finishEvent(0, decodeFinish(body, calledTool)));
  if (isObject(body.usage)) events.push({ type: "usage", usage: decodeUsage(body.usage) });
  events.push({ type: "end" });
  return events;
}

const messageFields = new Set(["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage"]);

/** From a whole message, or from the one in `message_start`. */
export function startEvent(message: JsonObject): ChatEvent {
  const fields: JsonObject = {};
  for (const [field, value] of Object.entries(message)) {
    if (value !== null && !messageFields.has(field)) fields[field] = value;
  }
  return { type: "start", id: asString(message.id), model: asString(message.model), extra: pocket(fields) };
}

export function decodeReplyBlock(block: JsonObject): AssistantPart {
  switch (block.type) {
    case "text": {
      const citations = Array.isArray(block.citations) ? block.citations.filter(isObject).map(decodeCitation) : [];
      return { type: "text", text: asString(block.text) ?? "", ...(citations.length > 0 && { citations }) };
    }
    case "thinking":
      return decodeThinking({ type: "thinking", thinking: asString(block.thinking) ?? "", signature: asString(block.signature) });
    case "redacted_thinking":
      return { type: "reasoning", text: "", state: { format, kind: "redacted", data: asString(block.data) ?? "" } };
    case "tool_use":
      return decodeCall(block);
    default:
      return vendorPart(block);
  }
}

function decodeCall(block: JsonObject): ToolCallPart {
  const part: ToolCallPart = {
    type: "tool-call",
    id: fromWireId(asString(block.id) ?? ""),
    name: fromWireName(asString(block.name) ?? ""),
    kind: "function",
    arguments: JSON.stringify(block.input ?? {}),
  };
  const extra = callExtra(block);
  return extra ? { ...part, extra } : part;
}
