/** Anthropic's messages and blocks as canonical messages and parts. Works on what `check` has passed. */

import type {
  AssistantPart,
  CacheMark,
  Citation,
  Extra,
  FilePart,
  ImagePart,
  MediaSource,
  Message,
  OpaqueState,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultContent,
  ToolResultPart,
  UserPart,
  VendorPart,
} from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { format, pocket } from "./format.ts";
import { fromWireId } from "./names.ts";
import { unmint } from "./state.ts";
import type {
  WireBlock,
  WireCache,
  WireDocument,
  WireImage,
  WireMessage,
  WireSearchResult,
  WireSource,
  WireText,
  WireThinkingBlock,
  WireToolResult,
  WireToolUse,
} from "./wire.ts";

/** Tool results of a user turn become a `tool` message before the rest of it: the vendor takes them in that order only. */
export function decodeMessages(messages: WireMessage[]): Message[] {
  const decoded: Message[] = [];
  const toolNames = new Map<string, string>();
  for (const message of messages) {
    const extra = leftover(message, ["role", "content"]);
    switch (message.role) {
      case "system":
        decoded.push(decodeMidSystem(message, extra));
        break;
      case "assistant":
        decoded.push({ role: "assistant", content: decodeAssistant(message.content, toolNames), extra });
        break;
      case "user": {
        const { results, rest } = decodeUser(message.content, toolNames);
        if (results.length > 0) decoded.push({ role: "tool", content: results });
        if (rest.length > 0 || results.length === 0) decoded.push({ role: "user", content: rest, extra });
        break;
      }
    }
  }
  return decoded;
}

export function decodeSystem(system: string | WireText[]): TextPart[] {
  if (typeof system === "string") return system === "" ? [] : [{ type: "text", text: system }];
  return system.map(decodeText);
}

export function decodeCache(mark: WireCache | null | undefined): CacheMark | undefined {
  if (!mark) return undefined;
  return mark.ttl ? { ttl: mark.ttl } : {};
}

export function decodeCitation(raw: JsonObject): Citation {
  const citation: Citation = { raw, format };
  const url = asString(raw.url);
  if (url !== undefined) citation.url = url;
  const title = asString(raw.title) ?? asString(raw.document_title);
  if (title !== undefined) citation.title = title;
  const citedText = asString(raw.cited_text);
  if (citedText !== undefined) citation.citedText = citedText;
  return citation;
}

/** The signature of a thinking block: the vendor's own stays a signature, one that this gateway minted is what it carries. */
export function decodeSignature(signature: string | null | undefined): OpaqueState | undefined {
  if (!signature) return undefined;
  const carried = unmint(signature);
  return carried ? carried.state : { format, kind: "signature", data: signature };
}

export function decodeThinking(block: WireThinkingBlock): ReasoningPart {
  const state = decodeSignature(block.signature);
  return state ? { type: "reasoning", text: block.thinking, state } : { type: "reasoning", text: block.thinking };
}

/** The fields of a block that have no canonical word. */
export function leftover(value: object, known: readonly string[]): Extra | undefined {
  let fields: JsonObject | undefined;
  for (const [field, content] of Object.entries(value as JsonObject)) {
    if (content !== null && content !== undefined && !known.includes(field)) (fields ??= {})[field] = content;
  }
  return fields && pocket(fields);
}

export function vendorPart(block: object): VendorPart {
  return { type: "vendor", format, value: block as JsonObject };
}

/** What only this format says about a call: its caller, its toolset. */
export function callExtra(block: object): Extra | undefined {
  return leftover(block, ["type", "id", "name", "input", "cache_control"]);
}

// ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────

/** The beta lets a system message add and remove tools; a list with such blocks is kept whole beside its text. */
function decodeMidSystem(message: WireMessage, extra: Extra | undefined): Message {
  if (typeof message.content === "string") return { role: "system", content: [{ type: "text", text: message.content }], extra };
  const texts = message.content.filter((block) => block.type === "text");
  const whole = texts.length === message.content.length ? {} : { content: message.content as unknown as JsonObject[] };
  return { role: "system", content: texts.map(decodeText), extra: pocket({ ...extra?.fields, ...whole }) };
}

function decodeUser(content: string | WireBlock[], toolNames: Map<string, string>): { results: ToolResultPart[]; rest: UserPart[] } {
  if (typeof content === "string") return { results: [], rest: content === "" ? [] : [{ type: "text", text: content }] };
  const results: ToolResultPart[] = [];
  const rest: UserPart[] = [];
  for (const block of content) {
    if (block.type === "tool_result") results.push(decodeToolResult(block, toolNames));
    else rest.push(decodeContent(block));
  }
  return { results, rest };
}

function decodeAssistant(content: string | WireBlock[], toolNames: Map<string, string>): AssistantPart[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  const parts: AssistantPart[] = [];
  for (const block of content) {
    switch (block.type) {
      case "text":
        parts.push(decodeText(block));
        break;
      case "thinking": {
        const carried = block.signature ? unmint(block.signature) : undefined;
        const before = parts.at(-1);
        if (carried?.on === "tool-call" && before?.type === "tool-call") before.state = carried.state;
        else parts.push(decodeThinking(block));
        break;
      }
      case "redacted_thinking":
        parts.push({ type: "reasoning", text: "", state: { format, kind: "redacted", data: block.data } });
        break;
      case "tool_use":
        toolNames.set(fromWireId(block.id), block.name);
        parts.push(decodeToolUse(block));
        break;
      default:
        parts.push(vendorPart(block));
    }
  }
  return parts;
}

function decodeToolUse(block: WireToolUse): ToolCallPart {
  // `caller: {type: "direct"}` means the same as none, and newer replies print it on every call: not worth a warning elsewhere.
  const { caller, ...fields } = callExtra(block)?.fields ?? {};
  const direct = isObject(caller) && caller.type === "direct";
  return {
    type: "tool-call",
    id: fromWireId(block.id),
    name: block.name,
    kind: "function",
    arguments: JSON.stringify(block.input),
    cache: decodeCache(block.cache_control),
    extra: pocket(direct || caller === undefined ? fields : { ...fields, caller }),
  };
}

function decodeToolResult(block: WireToolResult, toolNames: Map<string, string>): ToolResultPart {
  const callId = fromWireId(block.tool_use_id);
  return {
    type: "tool-result",
    callId,
    name: toolNames.get(callId),
    kind: "function",
    content: decodeResultContent(block.content),
    isError: block.is_error ?? undefined,
    cache: decodeCache(block.cache_control),
    extra: leftover(block, ["type", "tool_use_id", "content", "is_error", "cache_control"]),
  };
}

function decodeResultContent(content: WireToolResult["content"]): ToolResultContent[] {
  if (!content) return [];
  if (typeof content === "string") return [{ type: "text", text: content }];
  return content.map(decodeContent);
}

// ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────

function decodeContent(block: WireBlock): TextPart | ImagePart | FilePart | VendorPart {
  switch (block.type) {
    case "text":
      return decodeText(block);
    case "image":
      return decodeImage(block);
    case "document":
      return decodeDocument(block);
    case "search_result":
      return decodeSearchResult(block);
    default:
      return vendorPart(block);
  }
}

function decodeText(block: WireText): TextPart {
  const part: TextPart = { type: "text", text: block.text };
  const cache = decodeCache(block.cache_control);
  if (cache) part.cache = cache;
  if (block.citations && block.citations.length > 0) part.citations = block.citations.map(decodeCitation);
  const extra = leftover(block, ["type", "text", "cache_control", "citations"]);
  if (extra) part.extra = extra;
  return part;
}

function decodeImage(block: WireImage): ImagePart | VendorPart {
  const source = decodeSource(block.source);
  if (!source) return vendorPart(block);
  return {
    type: "image",
    source,
    cache: decodeCache(block.cache_control),
    extra: leftover(block, ["type", "source", "cache_control"]),
  };
}

/** A `content` source is text in chosen chunks, which only this format can cite by: the words travel, the chunks wait in the pocket. */
function decodeDocument(block: WireDocument): FilePart | VendorPart {
  const source = decodeSource(block.source);
  if (!source) return vendorPart(block);
  const extra = leftover(block, ["type", "source", "title", "context", "citations", "cache_control"]);
  const chunks = block.source.type === "content" ? { source: block.source as unknown as JsonObject } : {};
  return {
    type: "file",
    source,
    filename: block.title ?? undefined,
    context: block.context ?? undefined,
    citations: block.citations?.enabled ?? undefined,
    cache: decodeCache(block.cache_control),
    extra: pocket({ ...extra?.fields, ...chunks }),
  };
}

/** A search result is a short document with an address; in the pocket it keeps its own shape. */
function decodeSearchResult(block: WireSearchResult): FilePart {
  const { cache_control: mark, ...bare } = block;
  return {
    type: "file",
    source: { kind: "text", text: joinTexts(block.content) ?? "" },
    filename: block.title,
    context: block.source,
    citations: block.citations?.enabled ?? undefined,
    cache: decodeCache(mark),
    extra: pocket({ search_result: bare as unknown as JsonObject }),
  };
}

function decodeSource(source: WireSource): MediaSource | undefined {
  switch (source.type) {
    case "base64":
      return { kind: "base64", mediaType: source.media_type, data: source.data };
    case "text":
      return { kind: "text", text: source.data };
    case "url":
      return { kind: "url", url: source.url };
    case "file":
      return { kind: "id", id: source.file_id, format };
    case "content": {
      const text = typeof source.content === "string" ? source.content : joinTexts(source.content);
      return text === undefined ? undefined : { kind: "text", text };
    }
  }
}

/** The text of a list of text blocks; undefined when something else is among them. */
export function joinTexts(blocks: readonly WireBlock[]): string | undefined {
  let text = "";
  for (const block of blocks) {
    if (block.type !== "text") return undefined;
    text += text === "" ? block.text : `\n\n${block.text}`;
  }
  return text;
}
