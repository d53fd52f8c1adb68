/** Canonical parts as Gemini's. What cannot be said is refused by name; what may be left out is disclosed. */

import type {
  AssistantPart,
  AudioPart,
  CacheMark,
  FilePart,
  ImagePart,
  MediaPart,
  MediaSource,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  UserPart,
  VendorPart,
} from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { toInputObject } from "./arguments.ts";
import { isMadeUp } from "./call-ids.ts";
import { format, own } from "./format.ts";
import { toWireName } from "./names.ts";
import { isMinted, ownSignature } from "./state.ts";

export type Part = JsonObject;

export function encodeText(part: TextPart, at: string, context: EncodeContext): Part | undefined {
  noteCache(part.cache, context);
  if (part.text === "") return undefined;
  const wire: Part = { text: part.text };
  spendExtra(wire, part.extra, format, `${at}.`, context.warn);
  return wire;
}

/** Most become one part; a document that comes with words about itself is preceded by them. */
export function encodeUserPart(part: UserPart, at: string, context: EncodeContext): Part[] {
  switch (part.type) {
    case "text": {
      const text = encodeText(part, at, context);
      return text ? [text] : [];
    }
    case "image":
      return [encodeImage(part, at, context)];
    case "audio":
      return [encodeAudio(part, at, context)];
    case "file":
      return encodeFile(part, at, context);
    case "vendor":
      return [encodeVendor(part, at)];
  }
}

/** Google caches prompts by itself, and by `cachedContent`, which is not made of marks. */
export function noteCache(mark: CacheMark | undefined, context: EncodeContext): void {
  if (mark)
    context.warn({ field: "cache_control", action: "dropped", reason: "Gemini caches prompts by itself: cache marks were not sent" });
}

// ── the assistant's parts ────────────────────────────────────────────────────────────────────────────────────

export function encodeAssistantPart(part: AssistantPart, at: string, context: EncodeContext): Part | undefined {
  switch (part.type) {
    case "text": {
      const signature = ownSignature(part.state, context.origin);
      const wire = encodeText(part, at, context) ?? (signature === undefined ? undefined : { text: "" });
      return wire && sign(wire, signature);
    }
    case "refusal":
      return part.text === "" ? undefined : { text: part.text };
    case "reasoning":
      return encodeThought(part, at, context);
    case "tool-call":
      return encodeCall(part, at, context);
    case "media":
      return encodeMedia(part, at, context);
    case "vendor":
      return encodeVendor(part, at);
  }
}

function sign(part: Part, signature: string | undefined): Part {
  if (signature !== undefined) part.thoughtSignature = signature;
  return part;
}

/**
 * Thoughts go back with the signature that came on them, and without one as the plain words they are (Gemini's own summaries have none).
 * Another model's signed reasoning is left out: it is not what this model thought.
 */
function encodeThought(part: ReasoningPart, at: string, context: EncodeContext): Part | undefined {
  const signature = ownSignature(part.state, context.origin);
  if (part.state && signature === undefined) {
    context.warn({ field: at, action: "dropped", reason: "reasoning was not sent to Gemini: its state was made by another model" });
    return undefined;
  }
  return part.text === "" && signature === undefined ? undefined : sign({ text: part.text, thought: true }, signature);
}

function encodeCall(part: ToolCallPart, at: string, context: EncodeContext): Part {
  noteCache(part.cache, context);
  const name = wireName(part.name, `${at}.name`);
  const call: JsonObject = { name, args: encodeArguments(part, at, context) };
  if (takesId(part.id, context)) call.id = part.id;
  const wire: Part = { functionCall: call };
  spendExtra(wire, part.extra, format, `${at}.`, context.warn);
  return sign(wire, ownSignature(part.state, context.origin));
}

export function wireName(name: string, at: string): string {
  const wire = toWireName(name);
  if (wire === undefined) throw unsupportedField(at, "Gemini takes tool names of up to 128 characters");
  return wire;
}

/** A call and its result carry the same id, or neither has one. */
export function takesId(id: string, context: EncodeContext): boolean {
  return id !== "" && !isMadeUp(id) && !context.quirks.has("no-call-ids");
}

function encodeArguments(part: ToolCallPart, at: string, context: EncodeContext): JsonObject {
  if (part.kind === "custom") return { input: part.arguments };
  const { input, mending } = toInputObject(part.arguments);
  if (mending === "wrapped") {
    const reason = "the arguments are not a JSON object, which Gemini requires: they were put into one";
    context.warn({ field: `${at}.arguments`, action: "repaired", reason });
  }
  if (mending === "rounded") {
    context.warn({ field: `${at}.arguments`, action: "approximated", reason: "a number with more than 15 digits was rounded" });
  }
  return input;
}

function encodeMedia(part: MediaPart, at: string, context: EncodeContext): Part | undefined {
  const { source } = part;
  const reachable = source.kind === "base64" || (source.kind === "id" && source.format === format);
  if (reachable) return sign(encodeSource(source, undefined, at), ownSignature(part.state, context.origin));
  if (part.transcript === undefined) throw unsupportedField(at, "media in an assistant message must be base64 to be sent to Gemini");
  context.warn({ field: at, action: "approximated", reason: "only the transcript of the answer's media was sent" });
  return part.transcript === "" ? undefined : { text: part.transcript };
}

export function encodeVendor(part: VendorPart, at: string): Part {
  if (part.format === format) {
    const { thoughtSignature, ...value } = part.value;
    return isMinted(thoughtSignature) ? value : { ...part.value };
  }
  const type = typeof part.value.type === "string" ? ` \`${part.value.type}\`` : "";
  throw unsupportedField(at, `a part${type} of ${part.format} has no counterpart in Gemini`);
}

// ── media ────────────────────────────────────────────────────────────────────────────────────────────────────

function encodeImage(part: ImagePart, at: string, context: EncodeContext): Part {
  noteCache(part.cache, context);
  if (context.quirks.has("no-images")) throw unsupportedField(at, "this provider takes no images");
  const source = unpackDataUrl(part.source, at);
  requireInput("image", "images", at, context);
  if (part.detail !== undefined && part.detail !== "auto") {
    context.warn({ field: `${at}.detail`, action: "dropped", reason: "Gemini has no image detail setting like this one" });
  }
  const wire = encodeSource(source, imageType(source), at);
  spendPart(wire, part, at, context);
  return wire;
}

function encodeAudio(part: AudioPart, at: string, context: EncodeContext): Part {
  noteCache(part.cache, context);
  requireInput("audio", "audio", at, context);
  const wire = encodeSource(unpackDataUrl(part.source, at), undefined, at);
  spendPart(wire, part, at, context);
  return wire;
}

export function encodeFile(part: FilePart, at: string, context: EncodeContext): Part[] {
  noteCache(part.cache, context);
  const source = unpackDataUrl(part.source, at);
  const mediaType = source.kind === "text" ? "text/plain" : (source.mediaType ?? guessType(source));
  const [family] = (mediaType ?? "").split("/");
  if (family === "image") requireInput("image", "images", at, context);
  else if (family === "audio") requireInput("audio", "audio", at, context);
  else if (family === "video") requireInput("video", "video", at, context);
  else if (mediaType === "application/pdf") requireInput("pdf", "PDF documents", at, context);
  const wire = encodeSource(source, mediaType, at);
  if (part.filename !== undefined) name(wire, part, at, context);
  if (part.citations)
    context.warn({ field: `${at}.citations`, action: "dropped", reason: "Gemini does not cite from documents in the request" });
  spendPart(wire, part, at, context);
  return part.context ? [{ text: part.context }, wire] : [wire];
}

/** `displayName` is a word of this format, which its own clients use; other formats' file names tell the model nothing here. */
function name(wire: Part, part: FilePart, at: string, context: EncodeContext): void {
  if (part.source.kind === "id" && part.source.format === format)
    Object.assign(wire.fileData as JsonObject, { displayName: part.filename });
  else context.warn({ field: `${at}.filename`, action: "dropped", reason: "Gemini takes no file names" });
}

/** What the pocket holds belongs beside the data, save for the name, which belongs to the data. */
function spendPart(wire: Part, part: ImagePart | AudioPart | FilePart, at: string, context: EncodeContext): void {
  const { displayName, ...fields } = own(part.extra);
  if (displayName !== undefined) Object.assign((wire.inlineData ?? wire.fileData) as JsonObject, { displayName });
  spendExtra(wire, part.extra?.format === format ? { format, fields } : part.extra, format, `${at}.`, context.warn);
}

function requireInput(kind: string, words: string, at: string, context: EncodeContext): void {
  if (context.capabilities.input?.includes(kind) === false) throw unsupportedField(at, `this model takes no ${words}`);
}

/** `mediaType`: what to say where the source itself does not. */
export function encodeSource(source: MediaSource, mediaType: string | undefined, at: string): Part {
  switch (source.kind) {
    case "base64":
      return { inlineData: { mimeType: readableType(source.mediaType), data: source.data } };
    case "text":
      return { inlineData: { mimeType: "text/plain", data: encodeBase64(source.text) } };
    case "id":
      if (source.format !== format) {
        throw unsupportedField(at, `the file id belongs to another provider (${source.format}): send the file's content instead`);
      }
      return fileData(source.id, source.mediaType);
    case "url":
      return encodeUrl(source.url, source.mediaType ?? mediaType, at);
  }
}

/**
 * Since January 2026 Google fetches public and signed https addresses itself, up to 100 MB
 * (https://blog.google/innovation-and-ai/technology/developers-tools/gemini-api-new-file-limits); Vertex has long done so.
 */
function encodeUrl(url: string, mediaType: string | undefined, at: string): Part {
  if (url.startsWith("gs://") || /^https:\/\//i.test(url)) return fileData(url, mediaType);
  throw unsupportedField(at, "Gemini fetches https and gs addresses only: send the content as base64 instead");
}

function fileData(fileUri: string, mimeType: string | undefined): Part {
  return { fileData: mimeType === undefined ? { fileUri } : { mimeType, fileUri } };
}

const byExtension: Record<string, string> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  heic: "image/heic",
  heif: "image/heif",
  gif: "image/gif",
  pdf: "application/pdf",
  txt: "text/plain",
  mp4: "video/mp4",
  mp3: "audio/mp3",
  wav: "audio/wav",
};

function guessType(source: MediaSource): string | undefined {
  if (source.kind !== "url") return undefined;
  const extension = /\.([a-z0-9]{3,4})(?:[?#]|$)/i.exec(source.url)?.[1]?.toLowerCase();
  return extension === undefined ? undefined : byExtension[extension];
}

/** Vertex wants a type; pictures are told apart by their first bytes anyway. */
function imageType(source: MediaSource): string | undefined {
  return source.kind === "url" ? (guessType(source) ?? "image/jpeg") : undefined;
}

/** Text that goes by a name which Google does not know is text all the same. */
function readableType(mediaType: string): string {
  const [type = ""] = mediaType.split(";", 1);
  if (type === "image/jpg") return "image/jpeg";
  const textual =
    type === "application/json" ||
    type === "application/yaml" ||
    type === "application/xml" ||
    type.endsWith("+json") ||
    type.endsWith("+xml");
  return textual && !type.startsWith("image/") ? "text/plain" : mediaType;
}

function unpackDataUrl(source: MediaSource, at: string): MediaSource {
  if (source.kind !== "url" || !/^data:/i.test(source.url)) return source;
  const match = /^data:([^;,]*)[^,]*;base64,/i.exec(source.url.slice(0, 300));
  if (!match) throw unsupportedField(at, "a data URL must be base64");
  return { kind: "base64", mediaType: match[1] || source.mediaType || "application/octet-stream", data: source.url.slice(match[0].length) };
}

function encodeBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}
