/** Parts of content for a vendor that speaks this format. */

import type { CacheMark, Extra, FilePart, ImagePart, TextPart, ToolResultContent, UserPart, VendorPart } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { writeCacheMark } from "../chat/cache-marks.ts";
import { audioFormat, dataUrl } from "../chat/media.ts";
import { format } from "./format.ts";

/** A string where the content is one plain text: all that some servers take, and what every one of them takes. */
export function collapse(parts: readonly JsonObject[]): Json {
  const [first] = parts;
  if (!first) return "";
  return parts.length === 1 && isPlainText(first) ? (first.text as string) : [...parts];
}

export function isPlainText(part: JsonObject): boolean {
  return part.type === "input_text" && Object.keys(part).length === 2;
}

/** Mostly one part; a document's words may need one of their own. */
export function encodeUserPart(part: UserPart | ToolResultContent, at: string, context: EncodeContext): JsonObject[] {
  switch (part.type) {
    case "text":
      return [encodeText(part, at, context)];
    case "image":
      return [encodeImage(part, at, context)];
    case "file":
      return encodeFile(part, at, context);
    case "audio": {
      // Absent from the format's documents: only for a model that is known to listen.
      if (!context.capabilities.input?.includes("audio")) throw unsupportedField(at, `${format} takes no sound.`);
      if (part.source.kind !== "base64") throw unsupportedField(at, "sound can be sent as base64 only.");
      return [
        finish(
          { type: "input_audio", input_audio: { data: part.source.data, format: audioFormat(part.source.mediaType) } },
          part,
          at,
          context,
        ),
      ];
    }
    case "vendor":
      return [encodeVendorPart(part, at)];
  }
}

export function encodeText(part: TextPart, at: string, context: EncodeContext): JsonObject {
  return finish({ type: "input_text", text: part.text }, part, at, context);
}

export function encodeVendorPart(part: VendorPart, at: string): JsonObject {
  if (part.format === format) return part.value;
  throw unsupportedField(at, `a ${String(part.value.type ?? "vendor")} block is known to ${part.format} only.`);
}

function finish(
  encoded: JsonObject,
  part: { cache?: CacheMark | undefined; extra?: Extra | undefined },
  at: string,
  context: EncodeContext,
): JsonObject {
  if (!writeCacheMark(encoded, part.cache, context.quirks)) {
    context.warn({ field: `${at}.cache_control`, action: "dropped", reason: "the provider decides by itself what it caches" });
  }
  spendExtra(encoded, part.extra, format, `${at}.`, context.warn);
  return encoded;
}

function accepts(kind: "image" | "pdf", at: string, { quirks, capabilities }: EncodeContext): void {
  if (kind === "image" && quirks.has("no-images")) throw unsupportedField(at, "the provider takes no images.");
  if (capabilities.input && !capabilities.input.includes(kind)) throw unsupportedField(at, `the model takes no ${kind} input.`);
}

export function encodeImage(part: ImagePart, at: string, context: EncodeContext): JsonObject {
  accepts("image", at, context);
  const { source } = part;
  // The field is required by the format's types, and `auto` its default.
  const encoded: JsonObject = { type: "input_image", detail: part.detail ?? "auto" };
  switch (source.kind) {
    case "base64":
      encoded.image_url = dataUrl(source);
      break;
    case "url":
      encoded.image_url = source.url;
      break;
    case "id":
      encoded.file_id = ownFile(source, at);
      break;
    case "text":
      throw unsupportedField(at, "text is not an image.");
  }
  return finish(encoded, part, at, context);
}

/** One account at OpenAI has one set of files, whichever of its formats named it. */
function ownFile(source: { id: string; format: string }, at: string): string {
  if (source.format.startsWith("openai/")) return source.id;
  throw unsupportedField(at, `the file ${source.id.slice(0, 60)} lives at a provider that speaks ${source.format}.`);
}

function encodeFile(part: FilePart, at: string, context: EncodeContext): JsonObject[] {
  const { warn } = context;
  const { source } = part;
  if (part.citations) warn({ field: `${at}.citations`, action: "dropped", reason: `${format} does not cite from documents in the prompt` });
  if (source.kind !== "text" && source.mediaType?.startsWith("image/")) {
    return [encodeImage({ type: "image", source, cache: part.cache, extra: part.extra }, at, context)];
  }
  if (source.kind === "text") {
    warn({ field: at, action: "emulated", reason: "the document's text is sent as text" });
    const words = [part.filename, part.context, source.text].filter(Boolean).join("\n\n");
    return [encodeText({ type: "text", text: words, cache: part.cache, extra: part.extra }, at, context)];
  }
  const encoded: JsonObject = { type: "input_file" };
  if (source.kind === "base64") {
    if (source.mediaType === "application/pdf") accepts("pdf", at, context);
    encoded.filename = part.filename ?? (source.mediaType === "application/pdf" ? "document.pdf" : "document");
    encoded.file_data = dataUrl(source);
  } else {
    if (source.kind === "url") encoded.file_url = source.url;
    else encoded.file_id = ownFile(source, at);
    if (part.filename !== undefined) encoded.filename = part.filename;
  }
  finish(encoded, part, at, context);
  if (part.context === undefined) return [encoded];
  warn({ field: `${at}.context`, action: "emulated", reason: "the words about the document are sent as text before it" });
  return [{ type: "input_text", text: part.context }, encoded];
}
