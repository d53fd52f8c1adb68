/** Parts of content, as this format's clients and vendors write them, in the house's words. Works on what `check-request.ts` has passed. */

import type {
  AssistantPart,
  CacheMark,
  Extra,
  FilePart,
  ImagePart,
  MediaSource,
  TextPart,
  ToolResultContent,
  UserPart,
} from "../../../canonical/chat.ts";
import { invalidField } from "../../../canonical/errors.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { readCacheMark } from "../chat/cache-marks.ts";
import { audioMediaType, parseDataUrl } from "../chat/media.ts";
import { readCitation } from "./citations.ts";
import { format } from "./format.ts";

/** An empty string is no part at all. */
function list<Part>(content: Json | undefined, at: string, decode: (part: JsonObject, at: string) => Part): (Part | TextPart)[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return ((content ?? []) as JsonObject[]).map((part, index) => decode(part, `${at}[${index}]`));
}

export function decodeUserContent(content: Json | undefined, at: string): UserPart[] {
  return list(content, at, userPart);
}

export function decodeSystemContent(content: Json | undefined, at: string): TextPart[] {
  return list(content, at, (part, where) => {
    if (!isText(part)) throw invalidField(`${where}.type`, "must be input_text in this role.");
    return textPart(part);
  });
}

export function decodeAssistantContent(content: Json | undefined, at: string): AssistantPart[] {
  return list<AssistantPart>(content, at, (part) => {
    if (isText(part)) return answerText(part);
    if (part.type === "refusal") return { type: "refusal", text: part.refusal as string };
    return { type: "vendor", format, value: part };
  });
}

export function decodeResultContent(content: Json | undefined, at: string): ToolResultContent[] {
  return list<ToolResultContent>(content, at, (part, where) => {
    const decoded = userPart(part, where);
    if (decoded.type === "audio") throw invalidField(`${where}.type`, "must be input_text, input_image or input_file in a result.");
    return decoded;
  });
}

function isText({ type }: JsonObject): boolean {
  return type === "input_text" || type === "output_text" || type === "text";
}

function userPart(part: JsonObject, at: string): UserPart {
  if (isText(part)) return textPart(part);
  switch (part.type) {
    case "input_image":
      return imagePart(part, at);
    case "input_file":
      return filePart(part, at);
    case "input_audio": {
      const { data, format: word } = part.input_audio as JsonObject;
      const source = { kind: "base64", mediaType: audioMediaType(word as string), data: data as string } as const;
      return { type: "audio", source, ...around(part, ["input_audio"]) };
    }
    default:
      // A kind of part that only one vendor knows: whole to that vendor, refused by name elsewhere.
      return { type: "vendor", format, value: part };
  }
}

function textPart(part: JsonObject): TextPart {
  return { type: "text", text: part.text as string, ...around(part, ["text", "annotations", "logprobs"]) };
}

/** What an answer's text carries besides: citations. Its log probabilities say nothing to anybody in a history. */
export function answerText(part: JsonObject): TextPart {
  const decoded = textPart(part);
  const citations = Array.isArray(part.annotations) ? part.annotations.map(readCitation).filter((citation) => citation !== undefined) : [];
  const ours = isObject(part.headgate) && Array.isArray(part.headgate.citations) ? part.headgate.citations : [];
  for (const entry of ours) {
    const citation = readCitation(entry);
    if (citation) citations.push(citation);
  }
  if (citations.length > 0) decoded.citations = citations;
  return decoded;
}

function imagePart(part: JsonObject, at: string): ImagePart {
  const url = asString(part.image_url) || undefined;
  const decoded: ImagePart = {
    type: "image",
    source: url === undefined ? { kind: "id", id: part.file_id as string, format } : urlSource(url, `${at}.image_url`),
    ...around(part, ["image_url", "file_id", "detail"]),
  };
  // The default, which the official types make clients send.
  if (typeof part.detail === "string" && part.detail !== "auto") decoded.detail = part.detail;
  return decoded;
}

function filePart(part: JsonObject, at: string): FilePart {
  const { file_data: data, file_url: url, file_id: id, filename } = part;
  const decoded: FilePart = {
    type: "file",
    source: fileSource(asString(data) || undefined, asString(url) || undefined, asString(id) || undefined, asString(filename), at),
    ...around(part, ["file_data", "file_url", "file_id", "filename"]),
  };
  if (typeof filename === "string") decoded.filename = filename;
  return decoded;
}

function fileSource(
  data: string | undefined,
  url: string | undefined,
  id: string | undefined,
  filename: string | undefined,
  at: string,
): MediaSource {
  if (data !== undefined) {
    const parsed = parseDataUrl(data);
    if (parsed) return parsed.mediaType === "" ? { ...parsed, mediaType: mediaTypeOf(filename) } : parsed;
    if (/^[\w.+-]+:/.test(data.slice(0, 100))) throw invalidField(`${at}.file_data`, "must be base64, or a base64 data: URL.");
    return { kind: "base64", mediaType: mediaTypeOf(filename), data };
  }
  if (url !== undefined) return urlSource(url, `${at}.file_url`);
  return { kind: "id", id: id as string, format };
}

function urlSource(url: string, at: string): MediaSource {
  const data = parseDataUrl(url);
  if (data) return data;
  if (url.slice(0, 5).toLowerCase() === "data:") throw invalidField(at, "must be an https: URL or a base64 data: URL.");
  return { kind: "url", url };
}

function mediaTypeOf(filename: string | undefined): string {
  return filename === undefined || /\.pdf$/i.test(filename) ? "application/pdf" : "application/octet-stream";
}

/** Cache mark, and what only this format knows of a part. */
function around(part: JsonObject, known: readonly string[]): { cache?: CacheMark; extra?: Extra } {
  const found: { cache?: CacheMark; extra?: Extra } = {};
  const cache = readCacheMark(part);
  if (cache) found.cache = cache;
  const extra = leftover(part, [...known, "type", "prompt_cache_breakpoint", "cache_control", "headgate"]);
  if (extra) found.extra = extra;
  return found;
}

/** The fields that have no word in the house. */
export function leftover(value: JsonObject, known: readonly string[]): Extra | undefined {
  let fields: JsonObject | undefined;
  for (const [field, given] of Object.entries(value)) {
    if (given === null || given === undefined || known.includes(field) || field === "__proto__") continue;
    (fields ??= {})[field] = given;
  }
  return fields && { format, fields };
}
