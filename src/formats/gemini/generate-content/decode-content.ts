/** Gemini's contents and parts as canonical messages and parts. Works on what `check` has passed. */

import type {
  AssistantPart,
  AudioPart,
  FilePart,
  ImagePart,
  MediaPart,
  MediaSource,
  Message,
  OpaqueState,
  TextPart,
  ToolResultContent,
  ToolResultPart,
  UserPart,
  VendorPart,
} from "../../../canonical/chat.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { historyCallId, orphanId } from "./call-ids.ts";
import { format, pocket } from "./format.ts";
import { camel, given, leftover, list } from "./proto.ts";
import { decodeSignature } from "./state.ts";

/**
 * Function responses of a user turn become a `tool` message before the rest of it. Consecutive turns of the model become one message:
 * Google's own clients store a streamed answer chunk by chunk.
 */
export function decodeContents(contents: Json[]): Message[] {
  const messages: Message[] = [];
  const calls = new OpenCalls();
  contents.forEach((value, index) => {
    const content = camel(value as JsonObject);
    const parts = list(content.parts).map((part) => camel(part as JsonObject));
    if (content.role === "model") {
      const decoded = decodeModel(parts, index, calls);
      const last = messages.at(-1);
      if (last?.role === "assistant") append(last.content, decoded);
      else messages.push({ role: "assistant", content: decoded });
      return;
    }
    calls.newTurn();
    const results: ToolResultPart[] = [];
    const rest: UserPart[] = [];
    parts.forEach((part, at) => {
      if (isObject(part.functionResponse)) results.push(decodeResponse(part, index, at, calls));
      else rest.push(decodeUserPart(part));
    });
    if (results.length > 0) messages.push({ role: "tool", content: results });
    if (rest.length > 0 || results.length === 0) messages.push({ role: "user", content: rest });
  });
  return messages;
}

/** The pieces of one text or thought grow together again, save for those that carry a signature with words of their own. */
function append(content: AssistantPart[], more: AssistantPart[]): void {
  const [first, ...others] = more;
  const last = content.at(-1);
  const text = last?.type === "text" && first?.type === "text" && !last.extra && !first.extra;
  const thought = last?.type === "reasoning" && first?.type === "reasoning";
  if (!first || !last || !(text || thought) || last.state || (first.state && first.text !== "")) {
    content.push(...more);
    return;
  }
  last.text += first.text;
  if (first.state) last.state = first.state;
  content.push(...others);
}

// ── calls and their results ──────────────────────────────────────────────────────────────────────────────────

/** Calls that have no result yet: up to 2.5 they carry no ids, so a result belongs to the first open call of its name. */
class OpenCalls {
  #open: { id: string; name: string; turn: number }[] = [];
  #turn = 0;

  newTurn(): void {
    this.#turn += 1;
  }

  add(id: string, name: string): void {
    this.#open.push({ id, name, turn: this.#turn });
  }

  /** The id of the call that is answered: by id, else by name and order, the latest turn first. */
  take(id: string | undefined, name: string): string | undefined {
    const byId = id === undefined ? -1 : this.#open.findLastIndex((call) => call.id === id);
    const latest = this.#open.findLast((call) => call.name === name)?.turn;
    const index = byId >= 0 ? byId : this.#open.findIndex((call) => call.name === name && call.turn === latest);
    return index < 0 ? undefined : this.#open.splice(index, 1)[0]?.id;
  }
}

/** The signature of a streamed text or thought comes on an empty part behind it, also where a client has joined the chunks. */
function signsBefore(part: AssistantPart, before: AssistantPart | undefined): boolean {
  if ((part.type !== "text" && part.type !== "reasoning") || part.text !== "" || before?.type !== part.type || before.state) return false;
  before.state = part.state;
  return true;
}

function decodeModel(parts: JsonObject[], content: number, calls: OpenCalls): AssistantPart[] {
  const decoded: AssistantPart[] = [];
  parts.forEach((part, at) => {
    const call = isObject(part.functionCall) ? part.functionCall : undefined;
    if (!call) {
      const inner = decodeModelPart(part);
      if (inner && !signsBefore(inner, decoded.at(-1))) decoded.push(inner);
      return;
    }
    const name = asString(call.name) ?? "";
    const id = asString(call.id) || historyCallId(content, at);
    calls.add(id, name);
    decoded.push({
      type: "tool-call",
      id,
      name,
      kind: "function",
      arguments: JSON.stringify(call.args ?? {}),
      state: stateOf(part),
      extra: pocket(leftover(part, ["functionCall", "thoughtSignature"])),
    });
  });
  return decoded;
}

function decodeResponse(part: JsonObject, content: number, at: number, calls: OpenCalls): ToolResultPart {
  const response = camel(part.functionResponse as JsonObject);
  const name = asString(response.name) ?? "";
  const id = asString(response.id) || undefined;
  const { texts, isError } = decodeOutput(response.response);
  const media = list(response.parts)
    .filter(isObject)
    .map((inner): ToolResultContent => decodeResultMedia(camel(inner)));
  const beside = leftover(part, ["functionResponse"]);
  return {
    type: "tool-result",
    callId: calls.take(id, name) ?? id ?? orphanId(content, at),
    name,
    kind: "function",
    content: [...texts, ...media],
    isError,
    extra: pocket({ ...leftover(response, ["id", "name", "response", "parts"]), ...(Object.keys(beside).length > 0 && { part: beside }) }),
  };
}

/** `{"output": text}` and `{"error": …}` are how a result that is no object is wrapped; any other object is the result itself. */
function decodeOutput(response: Json | undefined): { texts: TextPart[]; isError: boolean | undefined } {
  if (!isObject(response) || Object.keys(response).length === 0) return { texts: [], isError: undefined };
  const { output, error } = response;
  const single = Object.keys(response).length === 1;
  if (single && given(error) && error !== false && error !== "") {
    return { texts: [{ type: "text", text: typeof error === "string" ? error : JSON.stringify(error) }], isError: true };
  }
  if (single && typeof output === "string" && !isObject(parseJson(output))) {
    return { texts: output === "" ? [] : [{ type: "text", text: output }], isError: undefined };
  }
  return { texts: [{ type: "text", text: JSON.stringify(response) }], isError: undefined };
}

function decodeResultMedia(part: JsonObject): ToolResultContent {
  const decoded = decodeUserPart(part);
  if (decoded.type !== "audio") return decoded;
  return { type: "file", source: decoded.source, extra: decoded.extra };
}

// ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────

export function decodeUserPart(part: JsonObject): UserPart {
  if (typeof part.text === "string")
    return { type: "text", text: part.text, extra: pocket(leftover(part, ["text", "thought", "thoughtSignature"])) };
  const media = readMedia(part);
  if (!media) return vendorPart(part);
  const { source, mediaType = "", filename, extra } = media;
  if (mediaType.startsWith("image/"))
    return {
      type: "image",
      source,
      extra: pocket({ ...extra, ...(filename !== undefined && { displayName: filename }) }),
    } satisfies ImagePart;
  if (mediaType.startsWith("audio/"))
    return {
      type: "audio",
      source,
      extra: pocket({ ...extra, ...(filename !== undefined && { displayName: filename }) }),
    } satisfies AudioPart;
  return { type: "file", source, filename, extra: pocket(extra) } satisfies FilePart;
}

/** Undefined for an empty text that says nothing. */
function decodeModelPart(part: JsonObject): AssistantPart | undefined {
  const { state, text: hidden = "" } = decodeSignature(asString(part.thoughtSignature));
  if (typeof part.text === "string") {
    if (part.thought === true) return part.text === "" && !state ? undefined : { type: "reasoning", text: part.text || hidden, state };
    const extra = pocket(leftover(part, ["text", "thought", "thoughtSignature"]));
    return part.text === "" && !state && !extra ? undefined : { type: "text", text: part.text, state, extra };
  }
  return readModelMedia(part, state) ?? vendorPart(part);
}

/** Media that the model made; undefined when there are none, or when they hold more than the canonical part can. */
export function readModelMedia(part: JsonObject, state: OpaqueState | undefined): MediaPart | undefined {
  const media = readMedia(part);
  if (!media || media.filename !== undefined || Object.keys(media.extra).length > 0) return undefined;
  return { type: "media", source: media.source, state };
}

interface Media {
  source: MediaSource;
  mediaType: string | undefined;
  filename: string | undefined;
  extra: JsonObject;
}

function readMedia(part: JsonObject): Media | undefined {
  if (isObject(part.inlineData)) {
    const blob = camel(part.inlineData);
    const mediaType = asString(blob.mimeType) ?? "application/octet-stream";
    return {
      source: { kind: "base64", mediaType, data: asString(blob.data) ?? "" },
      mediaType,
      filename: asString(blob.displayName),
      extra: leftover(part, ["inlineData", "thoughtSignature"]),
    };
  }
  if (!isObject(part.fileData)) return undefined;
  const file = camel(part.fileData);
  const mediaType = asString(file.mimeType);
  return {
    source: fileSource(asString(file.fileUri) ?? "", mediaType),
    mediaType,
    filename: asString(file.displayName),
    extra: leftover(part, ["fileData", "thoughtSignature"]),
  };
}

/** Uploads and buckets are within Google's reach alone; any other address is everybody's. */
function fileSource(uri: string, mediaType: string | undefined): MediaSource {
  if (/^https?:\/\//i.test(uri) && !isUpload(uri)) return { kind: "url", url: uri, mediaType };
  return { kind: "id", id: uri, format, mediaType };
}

/** An address that the Files API gives out: `https://generativelanguage.googleapis.com/v1beta/files/abc`. */
function isUpload(url: string): boolean {
  return /^https:\/\/generativelanguage\.googleapis\.com\//i.test(url);
}

export function stateOf(part: JsonObject): OpaqueState | undefined {
  return decodeSignature(asString(part.thoughtSignature)).state;
}

export function vendorPart(value: JsonObject): VendorPart {
  return { type: "vendor", format, value };
}
