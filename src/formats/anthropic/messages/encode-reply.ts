/** A whole reply in Anthropic's words, for a client that speaks them. */

import type { AssistantPart, ChatReply, Citation, MediaPart, OpaqueState, ReasoningPart, ToolCallPart } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { ReplyContext } from "../../codec.ts";
import { toInputObject } from "./arguments.ts";
import { encodeFinish } from "./finish.ts";
import { format, own } from "./format.ts";
import { toWireId } from "./names.ts";
import { mint } from "./state.ts";
import { encodeUsage } from "./usage.ts";

export function encodeReply(reply: ChatReply, context: ReplyContext): JsonObject {
  const choice = reply.choices[0];
  if (!choice) throw new GatewayError("provider_bad_response", "The provider's reply holds no answer.");
  if (choice.finish.reason === "malformed-call") throw malformedCall();
  const content: JsonObject[] = [];
  for (const part of choice.content) content.push(...encodePart(part, context));
  const calledTool = choice.content.some((part) => part.type === "tool-call");
  return {
    ...messageHead(reply.id, reply.model, context),
    content,
    ...encodeFinish(choice.finish, calledTool),
    usage: encodeUsage(reply.usage),
    ...own(reply.extra),
  };
}

export function messageHead(id: string | undefined, model: string | undefined, context: ReplyContext): JsonObject {
  return { id: id?.startsWith("msg_") ? id : `msg_${context.callId}`, type: "message", role: "assistant", model: model ?? context.model };
}

/** Anthropic knows no such ending, and `end_turn` would have the client take a broken call for an answer. */
export function malformedCall(): GatewayError {
  return new GatewayError("provider_bad_response", "The model made a malformed tool call.");
}

function encodePart(part: AssistantPart, context: ReplyContext): JsonObject[] {
  switch (part.type) {
    case "text": {
      const citations: JsonObject[] = [];
      for (const citation of part.citations ?? []) {
        const raw = encodeCitation(citation, context);
        if (raw) citations.push(raw);
      }
      // An empty text block would be refused when the client sends it back.
      if (part.text === "" && citations.length === 0) return [];
      return [{ type: "text", text: part.text, ...(citations.length > 0 && { citations }) }];
    }
    case "refusal":
      return part.text === "" ? [] : [{ type: "text", text: part.text }];
    case "reasoning": {
      const block = reasoningBlock(part, context);
      return block ? [block] : [];
    }
    case "tool-call":
      return [{ ...callHead(part.id, part.name), input: callInput(part), ...own(part.extra) }, ...callState(part.state, context)];
    case "media":
      return [{ type: "text", text: mediaText(part) }];
    case "vendor":
      return part.format === format ? [part.value] : [];
  }
}

/** The vendor's own state as it was; foreign state, or none, as a signature that this gateway finds its way back by. */
export function reasoningBlock(part: Omit<ReasoningPart, "type">, context: ReplyContext): JsonObject | undefined {
  const { text, state } = part;
  if (state?.format === format && state.kind === "redacted" && text === "") return { type: "redacted_thinking", data: state.data };
  if (text === "" && !state) return undefined;
  return { type: "thinking", thinking: text, signature: signature(state, context) };
}

export function signature(state: OpaqueState | undefined, context: ReplyContext): string {
  if (!state) return mint({ origin: context.origin });
  if (state.format === format && state.kind === "signature") return state.data;
  return mint({ state: { ...state, origin: state.origin ?? context.origin } });
}

/** State that another vendor hangs on a call (a thought signature) follows the call in an empty thinking block. */
export function callState(state: OpaqueState | undefined, context: ReplyContext): JsonObject[] {
  if (!state || state.format === format) return [];
  const carried = mint({ state: { ...state, origin: state.origin ?? context.origin }, on: "tool-call" });
  return [{ type: "thinking", thinking: "", signature: carried }];
}

export function callHead(id: string, name: string): JsonObject {
  return { type: "tool_use", id: toWireId(id), name };
}

function callInput(part: ToolCallPart): JsonObject {
  return part.kind === "custom" ? { input: part.arguments } : toInputObject(part.arguments).input;
}

/** The vendor's own citation as it was; a web address of another as this format's, marked so that it is never sent to Anthropic. */
export function encodeCitation(citation: Citation, context: ReplyContext): JsonObject | undefined {
  if (citation.format === format) return isObject(citation.raw) ? citation.raw : undefined;
  if (citation.url === undefined) return undefined;
  return {
    type: "web_search_result_location",
    cited_text: citation.citedText ?? "",
    encrypted_index: mint({ origin: context.origin }),
    title: citation.title ?? null,
    url: citation.url,
  };
}

/** This format's answers hold no media: their words, their address, or at least the fact. */
export function mediaText(part: MediaPart): string {
  if (part.transcript) return part.transcript;
  if (part.source.kind === "url") return part.source.url;
  if (part.source.kind === "text") return part.source.text;
  return `(${part.source.mediaType ?? "media"} that this format cannot carry)`;
}
