/** Canonical parts as Anthropic's blocks. What cannot be said is refused by name; what may be left out is disclosed. */

import type {
  AssistantPart,
  CacheMark,
  Citation,
  FilePart,
  ImagePart,
  MediaSource,
  OpaqueState,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultContent,
  ToolResultPart,
  UserPart,
  VendorPart,
} from "../../../canonical/chat.ts";
import { GatewayError, unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { toInputObject } from "./arguments.ts";
import { joinTexts } from "./decode-content.ts";
import { format, own } from "./format.ts";
import { toWireName } from "./names.ts";
import { isMinted } from "./state.ts";
import type { WireBlock } from "./wire.ts";

export type Block = JsonObject;

/** A text block; undefined for text that the vendor refuses: empty anywhere, blank outside the assistant's turns. */
export function encodeText(part: TextPart, at: string, context: EncodeContext): Block | undefined {
  if (part.text === "") return undefined;
  if (part.text.trim() === "") {
    context.warn({ field: at, action: "repaired", reason: "Anthropic refuses text that is only white space: the block was left out" });
    return undefined;
  }
  const block: Block = { type: "text", text: part.text };
  mark(block, part.cache, at, context);
  spendExtra(block, part.extra, format, `${at}.`, context.warn);
  return block;
}

export function encodeUserPart(part: UserPart | ToolResultContent, at: string, context: EncodeContext): Block | undefined {
  switch (part.type) {
    case "text":
      return encodeText(part, at, context);
    case "image":
      return encodeImage(part, at, context);
    case "file":
      return encodeFile(part, at, context);
    case "audio":
      throw unsupportedField(at, "Anthropic Messages takes no audio");
    case "vendor":
      return encodeVendor(part, at);
  }
}

/** `callId` is the id that this call has on the wire, already unique within the request. */
export function encodeAssistantPart(part: AssistantPart, at: string, context: EncodeContext, callId: string): Block | undefined {
  switch (part.type) {
    case "text":
      return encodeAnswerText(part, at, context);
    case "refusal":
      return part.text === "" ? undefined : { type: "text", text: part.text };
    case "reasoning":
      return encodeReasoningPart(part, at, context);
    case "tool-call":
      return encodeCall(part, at, context, callId);
    case "media":
      if (part.transcript === undefined) throw unsupportedField(at, "Anthropic Messages takes no media in an assistant message");
      context.warn({ field: at, action: "approximated", reason: "only the transcript of the answer's media was sent" });
      return part.transcript === "" ? undefined : { type: "text", text: part.transcript };
    case "vendor":
      return encodeVendor(part, at);
  }
}

export function encodeResult(part: ToolResultPart, id: string, at: string, context: EncodeContext): Block {
  const block: Block = { type: "tool_result", tool_use_id: id };
  const content = encodeResultContent(part, at, context);
  if (content.length > 0) block.content = collapse(content);
  if (part.isError) {
    block.is_error = true;
    // "content cannot be empty if `is_error` is true"
    block.content ??= "(no output)";
  }
  mark(block, part.cache, at, context);
  spendExtra(block, part.extra, format, `${at}.`, context.warn);
  return block;
}

export function encodeResultContent(part: ToolResultPart, at: string, context: EncodeContext): Block[] {
  const blocks: Block[] = [];
  part.content.forEach((inner, index) => {
    const block = encodeUserPart(inner, `${at}.content[${index}]`, context);
    if (block) blocks.push(block);
  });
  return blocks;
}

/** One plain text block is written as the string that it is short for. */
export function collapse(blocks: Block[]): Block[] | string {
  const [first] = blocks;
  if (blocks.length !== 1 || first?.type !== "text" || typeof first.text !== "string") return blocks;
  return Object.keys(first).length === 2 ? first.text : blocks;
}

/** Lifetimes are `5m` and `1h` here: another vendor's hours become one, its minutes five. */
export function mark(block: Block, cache: CacheMark | undefined, at: string, context: EncodeContext): void {
  if (!cache) return;
  const ttl = cache.ttl;
  if (ttl === undefined || ttl === "5m" || ttl === "1h") {
    block.cache_control = ttl === undefined ? { type: "ephemeral" } : { type: "ephemeral", ttl };
    return;
  }
  const nearest = ttl.endsWith("h") ? "1h" : "5m";
  block.cache_control = { type: "ephemeral", ttl: nearest };
  context.warn({
    field: `${at}.cache_control.ttl`,
    action: "approximated",
    reason: `Anthropic caches for 5m or 1h: ${ttl} became ${nearest}`,
  });
}

// ── the assistant's parts ────────────────────────────────────────────────────────────────────────────────────

/** Blank text is legal in an assistant's turn; the vendor's own citations go back to it, others mean nothing to it. */
function encodeAnswerText(part: TextPart, at: string, context: EncodeContext): Block | undefined {
  if (part.text === "") return undefined;
  const block: Block = { type: "text", text: part.text };
  const citations = ownCitations(part.citations ?? []);
  if (citations.length > 0) block.citations = citations;
  if (citations.length < (part.citations?.length ?? 0)) {
    context.warn({
      field: "messages[].citations",
      action: "dropped",
      reason: "citations by another provider cannot be sent to Anthropic; the text was kept",
    });
  }
  mark(block, part.cache, at, context);
  spendExtra(block, part.extra, format, `${at}.`, context.warn);
  return block;
}

function ownCitations(citations: Citation[]): JsonObject[] {
  const raws: JsonObject[] = [];
  for (const { format: origin, raw } of citations) {
    if (origin === format && isObject(raw) && !isMinted(raw.encrypted_index)) raws.push(raw);
  }
  return raws;
}

/**
 * Only the model that made a signature accepts it ("Invalid `signature` in `thinking` block" is what another answers, on every later turn),
 * so foreign reasoning is left out. An empty thinking block with a signature is whole and stays.
 */
function encodeReasoningPart(part: ReasoningPart, at: string, context: EncodeContext): Block | undefined {
  const { state } = part;
  if (state && isOwnState(state, context.origin)) {
    if (state.kind === "signature") return { type: "thinking", thinking: part.text, signature: state.data };
    return { type: "redacted_thinking", data: state.data };
  }
  if (part.text !== "" || state) {
    const reason = state ? "its signature was made by another model" : "it carries no signature";
    context.warn({ field: at, action: "dropped", reason: `reasoning was not sent to Anthropic: ${reason}` });
  }
  return undefined;
}

/** The vendor's signatures hold across its own platforms and accounts, so the provider's name may differ; the model may not. */
function isOwnState(state: OpaqueState, target: string): boolean {
  if (state.format !== format || state.data === "") return false;
  return state.origin === undefined || modelOf(state.origin) === modelOf(target);
}

function modelOf(origin: string): string {
  return origin.slice(origin.indexOf("/") + 1);
}

function encodeCall(part: ToolCallPart, at: string, context: EncodeContext, callId: string): Block {
  const name = toWireName(part.name);
  if (name === undefined) throw unsupportedField(`${at}.name`, "Anthropic takes tool names of up to 128 characters");
  const block: Block = { type: "tool_use", id: callId, name, input: encodeInput(part, at, context) };
  mark(block, part.cache, at, context);
  spendExtra(block, part.extra, format, `${at}.`, context.warn);
  return block;
}

function encodeInput(part: ToolCallPart, at: string, context: EncodeContext): JsonObject {
  if (part.kind === "custom") return { input: part.arguments };
  const { input, mending } = toInputObject(part.arguments);
  if (mending === "wrapped") {
    context.warn({
      field: `${at}.arguments`,
      action: "repaired",
      reason: "the arguments are not a JSON object, which Anthropic requires: they were put into one",
    });
  }
  if (mending === "rounded") {
    context.warn({ field: `${at}.arguments`, action: "approximated", reason: "a number with more than 15 digits was rounded" });
  }
  return input;
}

function encodeVendor(part: VendorPart, at: string): Block {
  if (part.format === format) return { ...part.value };
  const type = typeof part.value.type === "string" ? ` \`${part.value.type}\`` : "";
  throw unsupportedField(at, `a part${type} of ${part.format} has no counterpart in Anthropic Messages`);
}

// ── media ────────────────────────────────────────────────────────────────────────────────────────────────────

function encodeImage(part: ImagePart, at: string, context: EncodeContext): Block {
  if (context.quirks.has("no-images") || !takes("image", context)) throw unsupportedField(at, "this model takes no images");
  const block: Block = { type: "image", source: imageSource(part.source, at) };
  if (part.detail !== undefined && part.detail !== "auto") {
    context.warn({ field: `${at}.detail`, action: "dropped", reason: "Anthropic has no image detail setting" });
  }
  mark(block, part.cache, at, context);
  spendExtra(block, part.extra, format, `${at}.`, context.warn);
  return block;
}

function takes(media: string, context: EncodeContext): boolean {
  return context.capabilities.input?.includes(media) ?? true;
}

function imageSource(given: MediaSource, at: string): JsonObject {
  const source = unpackDataUrl(given, at);
  switch (source.kind) {
    case "base64":
      return { type: "base64", media_type: source.mediaType === "image/jpg" ? "image/jpeg" : source.mediaType, data: source.data };
    case "url":
      return { type: "url", url: source.url };
    case "id":
      return fileSource(source, at);
    case "text":
      throw unsupportedField(at, "text cannot be sent as an image");
  }
}

function encodeFile(part: FilePart, at: string, context: EncodeContext): Block {
  const source = unpackDataUrl(part.source, at);
  if (source.kind !== "text" && source.mediaType?.startsWith("image/")) {
    const image: ImagePart = { type: "image", source, cache: part.cache, extra: part.extra };
    return encodeImage(image, at, context);
  }
  if (source.kind !== "text" && source.mediaType === "application/pdf" && !takes("pdf", context)) {
    throw unsupportedField(at, "this model takes no PDF documents");
  }
  const kept = own(part.extra);
  const result = keptSearchResult(part, kept);
  if (result) {
    mark(result, part.cache, at, context);
    return result;
  }
  const block: Block = { type: "document", source: keptChunks(part, kept) ?? documentSource(source, at) };
  if (part.filename) block.title = part.filename;
  if (part.context) block.context = part.context;
  if (part.citations !== undefined) block.citations = { enabled: part.citations };
  mark(block, part.cache, at, context);
  const { search_result: _, source: __, ...rest } = part.extra?.fields ?? {};
  if (part.extra)
    spendExtra(block, { ...part.extra, fields: part.extra.format === format ? rest : part.extra.fields }, format, `${at}.`, context.warn);
  return block;
}

/** The pocket's own shapes count only while the text is the one they were read as: a guardrail may have changed it since. */
function keptSearchResult(part: FilePart, kept: JsonObject): Block | undefined {
  const result = kept.search_result;
  if (!isObject(result) || !Array.isArray(result.content)) return undefined;
  return matches(part, result.content as unknown as WireBlock[]) ? { ...result } : undefined;
}

function keptChunks(part: FilePart, kept: JsonObject): JsonObject | undefined {
  const source = kept.source;
  if (!isObject(source)) return undefined;
  if (typeof source.content === "string") return part.source.kind === "text" && part.source.text === source.content ? source : undefined;
  return Array.isArray(source.content) && matches(part, source.content as unknown as WireBlock[]) ? source : undefined;
}

function matches(part: FilePart, blocks: WireBlock[]): boolean {
  return part.source.kind === "text" && part.source.text === joinTexts(blocks);
}

function documentSource(source: MediaSource, at: string): JsonObject {
  switch (source.kind) {
    case "text":
      return { type: "text", media_type: "text/plain", data: source.text };
    case "base64": {
      const type = source.mediaType.split(";", 1)[0] ?? "";
      if (type === "application/pdf") return { type: "base64", media_type: type, data: source.data };
      if (isTextual(type)) return { type: "text", media_type: "text/plain", data: decodeBase64Text(source.data, at) };
      throw unsupportedField(at, `Anthropic takes PDF and plain text as documents, not ${type}`);
    }
    case "url":
      if (source.mediaType !== undefined && source.mediaType !== "application/pdf") {
        throw unsupportedField(at, `Anthropic fetches PDF documents only, not ${source.mediaType}`);
      }
      return { type: "url", url: source.url };
    case "id":
      return fileSource(source, at);
  }
}

function fileSource(source: { id: string; format: string }, at: string): JsonObject {
  if (source.format === format) return { type: "file", file_id: source.id };
  throw unsupportedField(at, `the file id belongs to another provider (${source.format}): send the file's content instead`);
}

function unpackDataUrl(source: MediaSource, at: string): MediaSource {
  if (source.kind !== "url" || !/^data:/i.test(source.url)) return source;
  const match = /^data:([^;,]*)[^,]*;base64,/i.exec(source.url);
  if (!match) throw unsupportedField(at, "a data URL must be base64");
  return { kind: "base64", mediaType: match[1] || source.mediaType || "application/octet-stream", data: source.url.slice(match[0].length) };
}

function isTextual(type: string): boolean {
  return (
    type.startsWith("text/") ||
    type === "application/json" ||
    type === "application/xml" ||
    type === "application/yaml" ||
    type.endsWith("+json") ||
    type.endsWith("+xml")
  );
}

function decodeBase64Text(data: string, at: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(atob(data), (unit) => unit.charCodeAt(0)));
  } catch (cause) {
    throw new GatewayError("invalid_request", `${at}: the file's data is not base64 of UTF-8 text`, { field: at, cause });
  }
}
