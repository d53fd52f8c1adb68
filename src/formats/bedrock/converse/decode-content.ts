/** Blocks of a reply as canonical parts. */

import type { AssistantPart, Citation, ReasoningPart, VendorPart } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { format } from "./format.ts";
import { answerTool, fromWireName } from "./names.ts";

/** One block of a whole reply; `index` is its place. */
export function decodeBlock(block: JsonObject, index: number): AssistantPart {
  const text = asString(block.text);
  if (text !== undefined) return { type: "text", text };
  if (isObject(block.toolUse) && isCall(block.toolUse)) {
    const { toolUseId, name, input } = block.toolUse;
    if (name === answerTool) return { type: "text", text: JSON.stringify(input ?? {}) };
    return {
      type: "tool-call",
      id: callId(toolUseId, index),
      name: fromWireName(asString(name) ?? ""),
      kind: "function",
      arguments: JSON.stringify(input ?? {}),
    };
  }
  if (isObject(block.reasoningContent)) return decodeReasoning(block.reasoningContent);
  if (isObject(block.citationsContent)) return decodeCited(block.citationsContent);
  if (isObject(block.image)) {
    const bytes = isObject(block.image.source) ? asString(block.image.source.bytes) : undefined;
    if (bytes !== undefined)
      return { type: "media", source: { kind: "base64", mediaType: `image/${asString(block.image.format) ?? "png"}`, data: bytes } };
  }
  return vendorPart(block);
}

/** Servers that imitate the format leave the id out; a call without one cannot be answered. */
export function callId(given: unknown, index: number): string {
  return asString(given) || `call_${index}`;
}

/** The vendor runs `server_tool_use` itself: no client may be asked to. */
export function isCall(toolUse: JsonObject): boolean {
  return toolUse.type !== "server_tool_use";
}

export function vendorPart(value: JsonObject): VendorPart {
  return { type: "vendor", format, value };
}

export function decodeCitation(raw: JsonObject): Citation {
  const citation: Citation = { raw, format };
  const location = isObject(raw.location) ? raw.location : {};
  const source = asString(raw.source);
  const url =
    (isObject(location.web) ? asString(location.web.url) : undefined) ??
    (source !== undefined && /^https?:\/\//i.test(source) ? source : undefined);
  if (url !== undefined) citation.url = url;
  const title = asString(raw.title);
  if (title !== undefined) citation.title = title;
  const cited = textsOf(raw.sourceContent);
  if (cited !== "") citation.citedText = cited;
  return citation;
}

function decodeReasoning(content: JsonObject): ReasoningPart {
  const redacted = asString(content.redactedContent);
  if (redacted !== undefined) return { type: "reasoning", text: "", state: { format, kind: "redacted", data: redacted } };
  const inner = isObject(content.reasoningText) ? content.reasoningText : {};
  const part: ReasoningPart = { type: "reasoning", text: asString(inner.text) ?? "" };
  const signature = asString(inner.signature);
  if (signature) part.state = { format, kind: "signature", data: signature };
  return part;
}

function decodeCited(content: JsonObject): AssistantPart {
  const citations = Array.isArray(content.citations) ? content.citations.filter(isObject).map(decodeCitation) : [];
  return { type: "text", text: textsOf(content.content), ...(citations.length > 0 && { citations }) };
}

function textsOf(list: Json | undefined): string {
  if (!Array.isArray(list)) return "";
  return list.map((item) => (isObject(item) ? (asString(item.text) ?? "") : "")).join("");
}
