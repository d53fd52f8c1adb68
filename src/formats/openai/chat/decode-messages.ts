/** A client's messages in the house's words. Types have been checked. */

import type {
  AssistantMessage,
  AssistantPart,
  Message,
  ReasoningPart,
  RefusalPart,
  SystemMessage,
  TextPart,
  ToolCallPart,
  ToolMessage,
  ToolResultContent,
  ToolResultPart,
  UserMessage,
  UserPart,
  VendorPart,
} from "../../../canonical/chat.ts";
import { invalidField } from "../../../canonical/errors.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { readCacheMark } from "./cache-marks.ts";
import { readCitation } from "./citations.ts";
import { format, own } from "./format.ts";
import { audioMediaType, parseDataUrl } from "./media.ts";
import { inOrder, readBlock } from "./message-extension.ts";
import { deal } from "./placement.ts";
import type { Place } from "./placement.ts";
import { readDetail, readExtraContent } from "./state.ts";

/** Fields of any message that the table below reads; what is left goes into the message's `extra` pocket. */
const known: ReadonlySet<string> = new Set([
  "role",
  "content",
  "name",
  "cache_control",
  "tool_calls",
  "function_call",
  "tool_call_id",
  "refusal",
  "audio",
  "annotations",
  "reasoning_content",
  "reasoning",
  "reasoning_details",
  own,
]);

export function decodeMessages(values: readonly JsonObject[]): Message[] {
  const messages: Message[] = [];
  const calls = new Calls();
  for (const [index, value] of values.entries()) {
    const at = `messages[${index}]`;
    const role = value["role"] as string;
    switch (role) {
      case "system":
      case "developer":
        messages.push(named(system(value, role, at), value));
        break;
      case "user":
        messages.push(named(user(value, at), value));
        break;
      case "assistant":
        messages.push(named(assistant(value, at, calls, index), value));
        break;
      case "tool":
        addResult(messages, toolResult(value, at, calls));
        break;
      case "function":
        addResult(messages, functionResult(value, at, calls));
        break;
      default:
        throw invalidField(`${at}.role`, "must be system, developer, user, assistant or tool.");
    }
  }
  return messages;
}

/** What the calls so far are called, so that a result can be told which kind of call it answers. */
class Calls {
  readonly byId = new Map<string, ToolCallPart>();
  /** Calls that came with an empty id, in order, until their results have come. */
  readonly unnamed: ToolCallPart[] = [];
  /** The last call of the deprecated kind: its result has no id. */
  legacy: ToolCallPart | undefined;
}

function named<Owner extends SystemMessage | UserMessage | AssistantMessage>(message: Owner, value: JsonObject): Owner {
  if (typeof value["name"] === "string") message.name = value["name"];
  const extra = leftover(value);
  if (extra) message.extra = { format, fields: extra };
  return message;
}

function leftover(value: JsonObject): JsonObject | undefined {
  let rest: JsonObject | undefined;
  for (const [field, given] of Object.entries(value)) {
    if (known.has(field) || given === null || given === undefined || field === "__proto__") continue;
    (rest ??= {})[field] = given;
  }
  return rest;
}

/** Results of parallel calls stand together. */
function addResult(messages: Message[], part: ToolResultPart): void {
  const last = messages.at(-1);
  if (last?.role === "tool") last.content.push(part);
  else messages.push({ role: "tool", content: [part] } satisfies ToolMessage);
}

// ── system and user ──────────────────────────────────────────────────────────────────────────────────────────

function system(value: JsonObject, role: "system" | "developer", at: string): SystemMessage {
  return { role, content: marked(texts(value["content"], at), value) };
}

/** Text alone, where the format takes nothing else. An empty string is no part at all. */
function texts(content: Json | undefined, at: string): TextPart[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return ((content ?? []) as JsonObject[]).map((value, index) => {
    if (value["type"] !== "text") throw invalidField(`${at}.content[${index}].type`, "must be text in this role.");
    return textPart(value);
  });
}

function user(value: JsonObject, at: string): UserMessage {
  const { content } = value;
  if (typeof content === "string") return { role: "user", content: marked(texts(content, at), value) };
  return {
    role: "user",
    content: marked(
      (content as JsonObject[]).map((part, index) => userPart(part, `${at}.content[${index}]`)),
      value,
    ),
  };
}

/** Some clients mark a message as a whole: the mark belongs to its last part. */
function marked<Part extends UserPart | ToolResultContent>(parts: Part[], value: JsonObject): Part[] {
  const cache = value["cache_control"] === undefined ? undefined : readCacheMark({ cache_control: value["cache_control"] });
  const last = parts.at(-1);
  if (cache && last && last.type !== "vendor") last.cache ??= cache;
  return parts;
}

function textPart(value: JsonObject): TextPart {
  return withRest({ type: "text", text: value["text"] as string }, value, "text");
}

function userPart(value: JsonObject, at: string): UserPart {
  switch (value["type"] as string) {
    case "text":
      return textPart(value);
    case "image_url":
      return imagePart(value, at);
    case "input_audio": {
      const { data, format: word } = value["input_audio"] as JsonObject;
      const source = { kind: "base64", mediaType: audioMediaType(word as string), data: data as string } as const;
      return withRest({ type: "audio", source }, value, "input_audio");
    }
    case "file":
      return filePart(value, at);
    default:
      // A kind of part that only one vendor knows (`video_url`, say): whole to that vendor, refused by name elsewhere.
      return { type: "vendor", format, value };
  }
}

function imagePart(value: JsonObject, at: string): Extract<UserPart, { type: "image" }> {
  const image = value["image_url"];
  const url = (isObject(image) ? image["url"] : image) as string;
  const data = parseDataUrl(url);
  if (!data && url.slice(0, 5).toLowerCase() === "data:")
    throw invalidField(`${at}.image_url.url`, "must be an https: URL or a base64 data: URL.");
  const part = withRest({ type: "image", source: data ?? { kind: "url", url } }, value, "image_url") as Extract<
    UserPart,
    { type: "image" }
  >;
  if (isObject(image) && typeof image["detail"] === "string") part.detail = image["detail"];
  return part;
}

function filePart(value: JsonObject, at: string): Extract<UserPart, { type: "file" }> {
  const { file_data: data, file_id: id, filename } = value["file"] as JsonObject;
  const part = withRest(
    { type: "file", source: fileSource(asString(data), asString(id), asString(filename), at) },
    value,
    "file",
  ) as Extract<UserPart, { type: "file" }>;
  if (typeof filename === "string") part.filename = filename;
  return part;
}

function fileSource(
  data: string | undefined,
  id: string | undefined,
  filename: string | undefined,
  at: string,
): Extract<UserPart, { type: "file" }>["source"] {
  if (data !== undefined && data !== "") {
    // OpenRouter's clients put a URL here.
    if (/^https?:\/\//i.test(data)) return { kind: "url", url: data };
    const parsed = parseDataUrl(data);
    if (parsed) return parsed.mediaType === "" ? { ...parsed, mediaType: mediaTypeOf(filename) } : parsed;
    if (/^[\w.+-]+:/.test(data.slice(0, 100))) throw invalidField(`${at}.file.file_data`, "must be a base64 data: URL.");
    return { kind: "base64", mediaType: mediaTypeOf(filename), data };
  }
  if (id !== undefined && id !== "") return { kind: "id", id, format };
  throw invalidField(`${at}.file`, "needs file_data or file_id.");
}

function mediaTypeOf(filename: string | undefined): string {
  return filename === undefined || /\.pdf$/i.test(filename) ? "application/pdf" : "application/octet-stream";
}

/** The part with its cache mark, and with fields beside its content that only this format knows. */
function withRest<Part extends TextPart | Exclude<UserPart, TextPart | VendorPart>>(part: Part, value: JsonObject, content: string): Part {
  let rest: JsonObject | undefined;
  for (const field in value) {
    if (field === "type" || field === content || field === "prompt_cache_breakpoint" || field === "cache_control" || field === "__proto__")
      continue;
    const given = value[field];
    if (given !== null && given !== undefined) (rest ??= {})[field] = given;
  }
  const cache = readCacheMark(value);
  if (cache) part.cache = cache;
  if (rest) part.extra = { format, fields: rest };
  return part;
}

// ── assistant ────────────────────────────────────────────────────────────────────────────────────────────────

function assistant(value: JsonObject, at: string, calls: Calls, index: number): AssistantMessage {
  const spoken = assistantTexts(value, at);
  const marks = assistantMarks(value);
  const made = toolCalls(value, at, calls, index);
  const content: AssistantPart[] = [...spoken.thoughts];
  for (const dealt of deal(spoken.texts, made.length, marks)) {
    if (dealt.kind === "text") content.push(dealt.text);
    else if (dealt.kind === "mark") applyMark(content, dealt.mark);
    else content.push(...beforeCalls(dealt.index === 0, spoken.refusals, value), made[dealt.index] as ToolCallPart);
  }
  if (made.length === 0) content.push(...beforeCalls(true, spoken.refusals, value));
  return { role: "assistant", content };
}

/** Refusal and sound have one place each in the format: after the text, before the calls. */
function beforeCalls(first: boolean, refusals: RefusalPart[], value: JsonObject): AssistantPart[] {
  if (!first) return [];
  const { audio } = value;
  if (!isObject(audio) || typeof audio["id"] !== "string") return refusals;
  return [...refusals, { type: "media", source: { kind: "id", id: audio["id"], format }, id: audio["id"] }];
}

function assistantTexts(value: JsonObject, at: string): { texts: TextPart[]; refusals: RefusalPart[]; thoughts: ReasoningPart[] } {
  const { content, refusal, annotations } = value;
  const found: { texts: TextPart[]; refusals: RefusalPart[]; thoughts: ReasoningPart[] } = { texts: [], refusals: [], thoughts: [] };
  if (typeof content === "string") {
    if (content !== "") found.texts.push({ type: "text", text: content });
  } else {
    for (const [index, part] of ((content ?? []) as JsonObject[]).entries()) {
      if (part["type"] === "text") found.texts.push(textPart(part));
      else if (part["type"] === "refusal") found.refusals.push({ type: "refusal", text: part["refusal"] as string });
      // Mistral's own history.
      else if (part["type"] === "thinking") found.thoughts.push({ type: "reasoning", text: thinkingText(part) });
      else throw invalidField(`${at}.content[${index}].type`, "must be text or refusal in this role.");
    }
  }
  if (typeof refusal === "string" && refusal !== "") found.refusals.push({ type: "refusal", text: refusal });
  const last = found.texts.at(-1);
  if (last) {
    if (value["cache_control"] !== undefined) last.cache ??= readCacheMark({ cache_control: value["cache_control"] });
    if (Array.isArray(annotations)) {
      const citations = annotations.map(readCitation).filter((citation) => citation !== undefined);
      if (citations.length > 0) last.citations = citations;
    }
  }
  return found;
}

export function thinkingText(part: JsonObject): string {
  const { thinking } = part;
  if (typeof thinking === "string") return thinking;
  if (!Array.isArray(thinking)) return "";
  return thinking.map((piece) => (isObject(piece) ? (asString(piece["text"]) ?? "") : "")).join("");
}

/** What an assistant's message carries beside text and calls, with its place among them. */
type Mark = { kind: "part"; part: ReasoningPart | VendorPart } | { kind: "text-state"; state: NonNullable<TextPart["state"]> };

function assistantMarks(value: JsonObject): { place: Place; mark: Mark }[] {
  const thoughts = reasoningOf(value).map(({ part, place }) => ({ place, mark: { kind: "part", part } as Mark }));
  const list = isObject(value[own]) ? value[own]["blocks"] : undefined;
  if (!Array.isArray(list)) return thoughts;
  const blocks = list.map(readBlock).filter((block) => block !== undefined);
  return inOrder(
    thoughts,
    blocks.map(({ place, details, mark }) => ({
      details,
      entry: { place, mark: mark.kind === "vendor" ? { kind: "part", part: mark.part } : mark },
    })),
  );
}

function applyMark(content: AssistantPart[], mark: Mark): void {
  if (mark.kind === "part") {
    content.push(mark.part);
    return;
  }
  const text = content.findLast((part) => part.type === "text");
  if (text) text.state = mark.state;
}

/**
 * Compatible vendors tell the same reasoning under up to three names at once (OpenRouter two of them): it is taken once, from
 * the list with the state where there is one.
 */
function reasoningOf(value: JsonObject): { part: ReasoningPart; place: Place }[] {
  const details = Array.isArray(value["reasoning_details"])
    ? value["reasoning_details"].map(readDetail).filter((detail) => detail !== undefined)
    : [];
  const text = asString(value["reasoning_content"]) || asString(value["reasoning"]) || "";
  if (text === "" || details.some(({ part }) => part.text !== "")) return details;
  return [{ part: { type: "reasoning", text }, place: { text: 0, calls: 0 } }, ...details];
}

// ── tool calls and their results ─────────────────────────────────────────────────────────────────────────────

function toolCalls(value: JsonObject, at: string, calls: Calls, index: number): ToolCallPart[] {
  const made = ((value["tool_calls"] ?? []) as JsonObject[]).map((call, position) => {
    const part = toolCall(call, `${at}.tool_calls[${position}]`);
    if (part.id === "") {
      // LM Studio and its kin leave ids empty, and clients keep what they got: the same id again on every turn of the session.
      part.id = `call_${index}_${position}`;
      calls.unnamed.push(part);
    }
    calls.byId.set(part.id, part);
    return part;
  });
  const legacy = value["function_call"];
  if (isObject(legacy)) {
    const name = asString(legacy["name"]);
    if (name === undefined || name === "") throw invalidField(`${at}.function_call.name`, "must be a non-empty string.");
    const part: ToolCallPart = {
      type: "tool-call",
      id: `call_${index}_0`,
      name,
      kind: "function",
      arguments: argumentsText(legacy["arguments"], `${at}.function_call.arguments`),
    };
    calls.byId.set(part.id, part);
    calls.legacy = part;
    made.push(part);
  }
  return made;
}

function toolCall(value: JsonObject, at: string): ToolCallPart {
  const custom = value["type"] === "custom";
  const { name, arguments: given, input } = value[custom ? "custom" : "function"] as JsonObject;
  const inner = custom ? "custom" : "function";
  if (typeof name !== "string" || name === "") throw invalidField(`${at}.${inner}.name`, "must be a non-empty string.");
  if (custom && typeof input !== "string") throw invalidField(`${at}.custom.input`, "must be a string.");
  const part: ToolCallPart = {
    type: "tool-call",
    id: value["id"] as string,
    name,
    kind: custom ? "custom" : "function",
    arguments: custom ? (input as string) : argumentsText(given, `${at}.function.arguments`),
  };
  const { state, extra } = readExtraContent(value["extra_content"]);
  if (state) part.state = state;
  if (extra) part.extra = extra;
  const cache = readCacheMark(value);
  if (cache) part.cache = cache;
  return part;
}

/** JSON text. Histories hold "", null and objects in its place; Anthropic and Bedrock refuse all of them but `{}`. */
export function argumentsText(value: Json | undefined, at: string): string {
  if (typeof value === "string") return value.trim() === "" || value.trim() === "null" ? "{}" : value;
  if (value === null || value === undefined) return "{}";
  if (isObject(value)) return JSON.stringify(value);
  throw invalidField(at, "must be a string of JSON.");
}

function toolResult(value: JsonObject, at: string, calls: Calls): ToolResultPart {
  const given = value["tool_call_id"] as string;
  const call = given === "" ? calls.unnamed.shift() : calls.byId.get(given);
  if (given === "" && !call) throw invalidField(`${at}.tool_call_id`, "must be the id of a tool call.");
  return result(call, call?.id ?? given, value, at);
}

function functionResult(value: JsonObject, at: string, calls: Calls): ToolResultPart {
  const call = calls.legacy;
  calls.legacy = undefined;
  if (!call) throw invalidField(at, "a function message must follow a function_call.");
  return result(call, call.id, value, at);
}

function result(call: ToolCallPart | undefined, callId: string, value: JsonObject, at: string): ToolResultPart {
  const part: ToolResultPart = { type: "tool-result", callId, content: resultContent(value["content"], at) };
  const name = call?.name ?? asString(value["name"]);
  if (name !== undefined) part.name = name;
  if (call?.kind === "custom") part.kind = "custom";
  const cache = value["cache_control"] === undefined ? undefined : readCacheMark({ cache_control: value["cache_control"] });
  if (cache) part.cache = cache;
  const extra = leftover(value);
  if (extra) part.extra = { format, fields: extra };
  return part;
}

/** OpenAI takes text only; several vendors, and clients written for them, put images here too. */
function resultContent(content: Json | undefined, at: string): ToolResultContent[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return ((content ?? []) as JsonObject[]).map((value, index) => {
    const part = userPart(value, `${at}.content[${index}]`);
    if (part.type === "audio") throw invalidField(`${at}.content[${index}].type`, "must be text in this role.");
    return part;
  });
}
