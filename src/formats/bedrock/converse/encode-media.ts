/** Images, documents, sound and film as blocks. The vendor fetches nothing: it takes bytes, or what lies in its own S3. */

import type { AudioPart, FilePart, ImagePart, MediaSource } from "../../../canonical/chat.ts";
import type { GatewayError } from "../../../canonical/errors.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { format } from "./format.ts";
import type { Block } from "./format.ts";

/** What the encoding of one request knows besides its target. */
export interface Encoding extends EncodeContext {
  documents: DocumentNames;
}

export function encodeImage(part: ImagePart, at: string, context: Encoding): Block {
  if (context.quirks.has("no-images") || !takes("image", context)) throw unsupportedField(at, "this model takes no images");
  const source = unpack(part.source, at);
  const kind = imageFormats.get(bare(source)) ?? (source.kind === "url" ? imageFormats.get(`image/${extension(source.url)}`) : undefined);
  if (part.detail !== undefined && part.detail !== "auto") {
    context.warn({ field: `${at}.detail`, action: "dropped", reason: "Bedrock has no image detail setting" });
  }
  const bytes = mediaSource(source, at, "images");
  if (kind === undefined)
    throw unsupportedField(at, `Bedrock takes PNG, JPEG, GIF and WebP images, not ${bare(source) || "an image of no stated type"}`);
  const image: JsonObject = { format: kind, source: bytes };
  spendExtra(image, part.extra, format, `${at}.`, context.warn);
  return { image };
}

export function encodeFile(part: FilePart, at: string, context: Encoding): Block {
  const source = unpack(part.source, at);
  const type = bare(source);
  if (type.startsWith("image/")) return encodeImage({ type: "image", source, extra: part.extra }, at, context);
  if (type.startsWith("audio/")) return encodeAudio({ type: "audio", source, extra: part.extra }, at, context);
  if (type.startsWith("video/")) return encodeVideo(part, source, at, context);
  const { kind, bytes } = documentSource(source, part.filename, at);
  if (kind === "pdf" && !takes("pdf", context)) throw unsupportedField(at, "this model takes no PDF documents");
  const document: JsonObject = { format: kind, name: context.documents.of(part.filename, kind, at, context), source: bytes };
  if (part.context) document.context = part.context;
  if (part.citations) document.citations = { enabled: true };
  spendExtra(document, part.extra, format, `${at}.`, context.warn);
  return { document };
}

export function encodeAudio(part: AudioPart, at: string, context: Encoding): Block {
  if (!takes("audio", context)) throw unsupportedField(at, "this model takes no audio");
  const source = unpack(part.source, at);
  const kind = audioFormats.get(bare(source).replace(/^audio\/(?:x-|vnd\.)?/, ""));
  const bytes = mediaSource(source, at, "audio");
  if (kind === undefined) throw unsupportedField(at, `Bedrock does not take audio of the type ${bare(source) || "(none stated)"}`);
  const audio: JsonObject = { format: kind, source: bytes };
  spendExtra(audio, part.extra, format, `${at}.`, context.warn);
  return { audio };
}

function encodeVideo(part: FilePart, source: MediaSource, at: string, context: Encoding): Block {
  if (!takes("video", context)) throw unsupportedField(at, "this model takes no video");
  const kind = videoFormats.get(bare(source).slice("video/".length));
  const bytes = mediaSource(source, at, "video");
  if (kind === undefined) throw unsupportedField(at, `Bedrock does not take video of the type ${bare(source)}`);
  const video: JsonObject = { format: kind, source: bytes };
  spendExtra(video, part.extra, format, `${at}.`, context.warn);
  return { video };
}

function takes(media: string, context: EncodeContext): boolean {
  return context.capabilities.input?.includes(media) ?? true;
}

// ── sources ──────────────────────────────────────────────────────────────────────────────────────────────────

function mediaSource(source: MediaSource, at: string, what: string): JsonObject {
  switch (source.kind) {
    case "base64":
      return { bytes: source.data };
    case "url":
      if (/^s3:\/\//i.test(source.url)) return { s3Location: { uri: source.url } };
      throw unsupportedField(at, `Bedrock fetches no ${what} from the web: send the content itself, as base64`);
    case "id":
      throw foreignFile(source, at);
    case "text":
      throw unsupportedField(at, `text cannot be sent as ${what}`);
  }
}

function documentSource(source: MediaSource, filename: string | undefined, at: string): { kind: string; bytes: JsonObject } {
  const type = bare(source);
  switch (source.kind) {
    case "text":
      return { kind: textKind("", filename), bytes: { bytes: toBase64(new TextEncoder().encode(source.text)) } };
    case "base64": {
      const kind =
        documentFormats.get(type) ?? (isTextual(type) ? textKind(type, filename) : undefined) ?? known(extension(filename ?? ""));
      if (kind === undefined)
        throw unsupportedField(at, `Bedrock takes PDF, Word, Excel, CSV, HTML, Markdown and plain text as documents, not ${type}`);
      return { kind, bytes: { bytes: source.data } };
    }
    case "url": {
      const bytes = mediaSource(source, at, "documents");
      const kind = documentFormats.get(type) ?? known(extension(source.url)) ?? known(extension(filename ?? ""));
      if (kind === undefined) throw unsupportedField(at, "the document's type is not known: state its media type");
      return { kind, bytes };
    }
    case "id":
      throw foreignFile(source, at);
  }
}

function foreignFile(source: { format: string }, at: string): GatewayError {
  return unsupportedField(at, `the file id belongs to another provider (${source.format}): send the file's content instead`);
}

function unpack(source: MediaSource, at: string): MediaSource {
  if (source.kind !== "url" || !/^data:/i.test(source.url)) return source;
  const match = /^data:([^;,]*)[^,]*;base64,/i.exec(source.url);
  if (!match) throw unsupportedField(at, "a data URL must be base64");
  return { kind: "base64", mediaType: match[1] || source.mediaType || "application/octet-stream", data: source.url.slice(match[0].length) };
}

/** The media type without its parameters. */
function bare(source: MediaSource): string {
  const type = source.kind === "text" ? "text/plain" : (source.mediaType ?? "");
  return (type.split(";", 1)[0] ?? "").trim().toLowerCase();
}

function extension(name: string): string {
  return /\.([a-z0-9]{1,8})(?:[?#].*)?$/i.exec(name)?.[1]?.toLowerCase() ?? "";
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

// ── formats ──────────────────────────────────────────────────────────────────────────────────────────────────

const imageFormats: ReadonlyMap<string, string> = new Map([
  ["image/png", "png"],
  ["image/jpeg", "jpeg"],
  ["image/jpg", "jpeg"],
  ["image/gif", "gif"],
  ["image/webp", "webp"],
]);

const documentFormats: ReadonlyMap<string, string> = new Map([
  ["application/pdf", "pdf"],
  ["text/csv", "csv"],
  ["application/csv", "csv"],
  ["application/msword", "doc"],
  ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"],
  ["application/vnd.ms-excel", "xls"],
  ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"],
  ["text/html", "html"],
  ["text/markdown", "md"],
  ["text/x-markdown", "md"],
]);
const documentKinds: readonly string[] = ["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"];

const audioFormats: ReadonlyMap<string, string> = new Map([
  ["mpeg", "mp3"],
  ["mp3", "mp3"],
  ["wav", "wav"],
  ["wave", "wav"],
  ["flac", "flac"],
  ["ogg", "ogg"],
  ["opus", "opus"],
  ["aac", "aac"],
  ["mp4", "m4a"],
  ["m4a", "m4a"],
  ["webm", "webm"],
  ["pcm", "pcm"],
  ["l16", "pcm"],
  ["matroska", "mka"],
]);

const videoFormats: ReadonlyMap<string, string> = new Map([
  ["mp4", "mp4"],
  ["quicktime", "mov"],
  ["x-matroska", "mkv"],
  ["webm", "webm"],
  ["x-flv", "flv"],
  ["mpeg", "mpeg"],
  ["x-ms-wmv", "wmv"],
  ["3gpp", "three_gp"],
]);

function known(kind: string): string | undefined {
  return documentKinds.includes(kind) ? kind : undefined;
}

/** Source code, JSON and the like are plain text to the vendor; a Markdown file whose type says less than its name stays one. */
function textKind(type: string, filename: string | undefined): string {
  const named = extension(filename ?? "");
  return type === "" || type === "text/plain" ? (["csv", "html", "md"].find((kind) => kind === named) ?? "txt") : "txt";
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

// ── the names of documents ───────────────────────────────────────────────────────────────────────────────────

/**
 * Every document needs a name of its own in the whole request, of letters, digits, single spaces, dashes, parentheses and square brackets.
 * Given in the order of the history, so that the same history has the same names and the prompt cache holds.
 */
export class DocumentNames {
  readonly #taken = new Set<string>();

  of(filename: string | undefined, kind: string, at: string, context: EncodeContext): string {
    const stem = extension(filename ?? "") === kind ? (filename ?? "").slice(0, -kind.length - 1) : (filename ?? "");
    const clean = stem
      .replace(/[^a-zA-Z0-9\s\-()[\]]+/g, "-")
      .replace(/\s+/g, " ")
      .trim()
      .slice(0, 180);
    if (clean !== stem && stem !== "") {
      context.warn({
        field: `${at}.filename`,
        action: "approximated",
        reason: "Bedrock takes letters, digits and a few signs in a document's name: others became dashes",
      });
    }
    const name = /[a-zA-Z0-9]/.test(clean) ? clean : "document";
    let free = name;
    // Case by case: whether "A" and "a" are two names to the vendor is not documented.
    for (let copy = 2; this.#taken.has(free.toLowerCase()); copy++) free = `${name} (${copy})`;
    this.#taken.add(free.toLowerCase());
    return free;
  }
}
