/** The house's conversation as Cohere's messages, and the documents that stand beside it. */

import type {
  AssistantMessage,
  CacheMark,
  Extra,
  FilePart,
  ImagePart,
  Message,
  SystemMessage,
  TextPart,
  ToolCallPart,
  ToolResultContent,
  UserMessage,
  UserPart,
} from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { arrange } from "./arrange.ts";
import type { PlacedResult } from "./arrange.ts";
import { format } from "./format.ts";

export interface Conversation {
  messages: JsonObject[];
  /** What the model may cite from; it belongs to the request, not to a message. */
  documents: JsonObject[];
}

export function encodeConversation(messages: readonly Message[], context: EncodeContext): Conversation {
  const encoder = new MessageEncoder(context);
  for (const step of arrange(messages, context.warn)) {
    if (!("results" in step)) encoder.message(step.message, step.at);
    else if (step.orphan) encoder.orphans(step.results);
    else encoder.results(step.results);
  }
  return encoder.done();
}

class MessageEncoder {
  readonly #context: EncodeContext;
  readonly #messages: JsonObject[] = [];
  readonly #documents: JsonObject[] = [];
  /** The system messages at the head: the vendor takes one, and takes it first. */
  readonly #head: string[] = [];

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  done(): Conversation {
    if (this.#head.length > 0) this.#messages.unshift({ role: "system", content: this.#head.join("\n\n") });
    return { messages: this.#messages, documents: this.#documents };
  }

  message(message: SystemMessage | UserMessage | AssistantMessage, at: string): void {
    const { warn } = this.#context;
    if (message.name !== undefined) warn({ field: `${at}.name`, action: "dropped", reason: "Cohere's messages carry no name" });
    const encoded = this.#encode(message, at);
    spendExtra(encoded ?? {}, message.extra, format, `${at}.`, warn);
    if (encoded) this.#messages.push(encoded);
  }

  #encode(message: SystemMessage | UserMessage | AssistantMessage, at: string): JsonObject | undefined {
    switch (message.role) {
      case "system":
      case "developer":
        return this.#system(message, at);
      case "user":
        return this.#user(message, at);
      case "assistant":
        return this.#assistant(message, at);
    }
  }

  // ── system and user ────────────────────────────────────────────────────────────────────────────────────────

  /** "system turn must be the first in the list" is what the vendor answers otherwise. */
  #system(message: SystemMessage, at: string): JsonObject | undefined {
    const { capabilities, warn } = this.#context;
    message.content.forEach((part, index) => this.#beside(part, `${at}.content[${index}]`));
    const content = message.content.map(({ text }) => text).join("\n\n");
    if (content === "") return undefined;
    if (this.#messages.length === 0) {
      this.#head.push(content);
      return undefined;
    }
    if (capabilities.midSystem === true) return { role: "system", content };
    // Never to the head: that would break the order the caller chose and the cache of the conversation's beginning.
    warn({
      field: at,
      action: "emulated",
      reason: "Cohere takes a system message at the head only: it stands in its place as a marked user message",
    });
    return { role: "user", content: `<system>\n${content}\n</system>` };
  }

  #user(message: UserMessage, at: string): JsonObject {
    const blocks = message.content.flatMap((part, index) => this.#userPart(part, `${at}.content[${index}]`));
    if (blocks.length > 0) return { role: "user", content: collapse(blocks) };
    this.#context.warn({ field: `${at}.content`, action: "repaired", reason: "Cohere refuses an empty message: a placeholder was sent" });
    return { role: "user", content: "(empty message)" };
  }

  #userPart(part: UserPart, at: string): JsonObject[] {
    switch (part.type) {
      case "text":
        return this.#text(part, at);
      case "image":
        return [this.#image(part, at)];
      case "file":
        return this.#file(part, at);
      case "audio":
        throw unsupportedField(at, "Cohere takes no sound.");
      case "vendor":
        throw unsupportedField(at, `a ${String(part.value["type"] ?? "vendor")} block is known to ${part.format} only.`);
    }
  }

  #text(part: TextPart, at: string): JsonObject[] {
    this.#beside(part, at);
    return part.text === "" ? [] : [{ type: "text", text: part.text }];
  }

  /** What stands beside a part and has no place here. */
  #beside(part: { cache?: CacheMark | undefined; extra?: Extra | undefined }, at: string): void {
    if (part.cache)
      this.#context.warn({ field: `${at}.cache_control`, action: "dropped", reason: "Cohere decides by itself what it caches" });
    spendExtra({}, part.extra, format, `${at}.`, this.#context.warn);
  }

  #image(part: ImagePart, at: string): JsonObject {
    const { quirks, capabilities, warn } = this.#context;
    if (quirks.has("no-images") || (capabilities.input && !capabilities.input.includes("image")))
      throw unsupportedField(at, "the model takes no images.");
    this.#beside(part, at);
    const { source, detail } = part;
    if (source.kind === "id")
      throw unsupportedField(at, `the file ${source.id.slice(0, 60)} lives at a provider that speaks ${source.format}.`);
    if (source.kind === "text") throw unsupportedField(at, "text is not an image.");
    const image: JsonObject = { url: source.kind === "url" ? source.url : `data:${source.mediaType};base64,${source.data}` };
    if (detail === "auto" || detail === "low" || detail === "high") image["detail"] = detail;
    else if (detail !== undefined)
      warn({ field: `${at}.detail`, action: "dropped", reason: `Cohere knows auto, low and high, not ${detail}` });
    return { type: "image_url", image_url: image };
  }

  /** A text that shall be cited from is a document; any other is told as text. */
  #file(part: FilePart, at: string): JsonObject[] {
    const { warn } = this.#context;
    const { source, filename, context } = part;
    if (source.kind === "base64" && source.mediaType.startsWith("image/")) {
      return [this.#image({ type: "image", source, cache: part.cache, extra: part.extra }, at)];
    }
    const text = textOf(part);
    if (text === undefined) throw unsupportedField(at, "Cohere takes text and images, no other documents.");
    this.#beside(part, at);
    if (part.citations) {
      warn({ field: at, action: "approximated", reason: "the document stands beside the conversation, where Cohere can cite from it" });
      this.#documents.push(document(part, text));
      return [];
    }
    warn({ field: at, action: "emulated", reason: "the document's text was sent as text of the message" });
    return [{ type: "text", text: [filename, context, text].filter(Boolean).join("\n\n") }];
  }

  // ── assistant ──────────────────────────────────────────────────────────────────────────────────────────────

  #assistant(message: AssistantMessage, at: string): JsonObject | undefined {
    const { warn } = this.#context;
    let text = "";
    const thoughts: JsonObject[] = [];
    const calls: JsonObject[] = [];
    message.content.forEach((part, index) => {
      const where = `${at}.content[${index}]`;
      switch (part.type) {
        case "text":
          // Citations are what the answer came with; no model reads them, so nothing is lost.
          this.#beside(part, where);
          text += part.text;
          return;
        case "refusal":
          text += part.text;
          return;
        case "reasoning":
          if (part.text !== "") thoughts.push({ type: "thinking", thinking: part.text });
          else if (part.state)
            warn({ field: where, action: "dropped", reason: "hidden reasoning is of use to the model that made it only" });
          return;
        case "tool-call":
          if (part.name === "") warn({ field: `${where}.name`, action: "repaired", reason: "a tool call without a name was left out" });
          else calls.push(this.#call(part, where));
          return;
        case "media":
          if (part.transcript === undefined) throw unsupportedField(where, "what the model made earlier cannot be sent back to Cohere.");
          warn({ field: where, action: "approximated", reason: "only the transcript of the answer's media was sent" });
          text += part.transcript;
          return;
        case "vendor":
          throw unsupportedField(where, `a ${String(part.value["type"] ?? "vendor")} block is known to ${part.format} only.`);
      }
    });
    return this.#answer({ text, thoughts: this.#thinks(thoughts, at), calls }, at);
  }

  /** The words before a call are the plan: a message with calls has its text there. */
  #answer({ text, thoughts, calls }: { text: string; thoughts: JsonObject[]; calls: JsonObject[] }, at: string): JsonObject | undefined {
    const encoded: JsonObject = { role: "assistant" };
    const content = calls.length > 0 || text === "" ? thoughts : [...thoughts, { type: "text", text }];
    if (content.length > 0) encoded["content"] = collapse(content);
    if (calls.length > 0) {
      if (text !== "") encoded["tool_plan"] = text;
      encoded["tool_calls"] = calls;
    } else if (content.length === 0) {
      this.#context.warn({ field: at, action: "repaired", reason: "Cohere refuses an empty message: it was left out" });
      return undefined;
    }
    return encoded;
  }

  #thinks(thoughts: JsonObject[], at: string): JsonObject[] {
    const { capabilities, warn } = this.#context;
    if (thoughts.length === 0 || capabilities.reasoning !== false) return thoughts;
    warn({ field: `${at}.thinking`, action: "dropped", reason: "the model does not reason: earlier reasoning was not sent" });
    return [];
  }

  #call(part: ToolCallPart, at: string): JsonObject {
    this.#beside(part, at);
    return { id: part.id, type: "function", function: { name: part.name, arguments: this.#arguments(part, at) } };
  }

  /** The text of an object; it is not written anew, so that its numbers keep their digits. */
  #arguments({ kind, arguments: text }: ToolCallPart, at: string): string {
    if (kind === "custom") return JSON.stringify({ input: text });
    const trimmed = text.trim();
    if (trimmed === "" || trimmed === "null") return "{}";
    const parsed = parseJson(trimmed);
    if (isObject(parsed)) return text;
    const { warn } = this.#context;
    warn({
      field: `${at}.arguments`,
      action: "repaired",
      reason: "the arguments are not a JSON object, which Cohere requires: they were put into one",
    });
    const inner = typeof parsed === "string" ? parseJson(parsed) : undefined;
    if (isObject(inner)) return parsed as string;
    return JSON.stringify(parsed === undefined ? { text } : { value: parsed });
  }

  // ── tool results ───────────────────────────────────────────────────────────────────────────────────────────

  results(results: readonly PlacedResult[]): void {
    const { warn } = this.#context;
    const moved: JsonObject[] = [];
    for (const { part, at, name } of results) {
      const { blocks, images } = this.#resultContent(part.content, at);
      if (images.length > 0) {
        warn({ field: at, action: "emulated", reason: "tool results are text and documents here: their images follow in a user message" });
        moved.push(
          { type: "text", text: `What the tool${name === undefined ? "" : ` ${name}`} returned beside text (call ${part.callId}):` },
          ...images,
        );
        if (blocks.length === 0) blocks.push({ type: "text", text: "See the next user message." });
      }
      if (part.isError) {
        warn({ field: `${at}.is_error`, action: "emulated", reason: "Cohere cannot mark a result as failed: its text says so" });
        fail(blocks);
      }
      if (blocks.length === 0) {
        warn({ field: at, action: "repaired", reason: "Cohere refuses an empty message: a placeholder was sent" });
        blocks.push({ type: "text", text: "(no output)" });
      }
      const encoded: JsonObject = { role: "tool", tool_call_id: part.callId, content: collapse(joined(blocks)) };
      this.#beside({ cache: part.cache }, at);
      spendExtra(encoded, part.extra, format, `${at}.`, warn);
      this.#messages.push(encoded);
    }
    if (moved.length > 0) this.#messages.push({ role: "user", content: moved });
  }

  /** Results that answer no call of the conversation are refused as such. */
  orphans(results: readonly PlacedResult[]): void {
    for (const { part, at, name } of results) {
      const { blocks, images } = this.#resultContent(part.content, at);
      const text = blocks
        .map((block) => (typeof block["text"] === "string" ? block["text"] : JSON.stringify(block["document"])))
        .join("\n");
      this.#context.warn({ field: at, action: "repaired", reason: "no tool call has this result's id: it was sent as text" });
      const told: JsonObject = { type: "text", text: `Result${name === undefined ? "" : ` of ${name}`} (call ${part.callId}):\n${text}` };
      this.#messages.push({ role: "user", content: collapse([told, ...images]) });
    }
  }

  #resultContent(content: readonly ToolResultContent[], at: string): { blocks: JsonObject[]; images: JsonObject[] } {
    const blocks: JsonObject[] = [];
    const images: JsonObject[] = [];
    content.forEach((part, index) => {
      const where = `${at}.content[${index}]`;
      const text = part.type === "file" ? textOf(part) : undefined;
      if (part.type === "file" && text !== undefined) {
        this.#beside(part, where);
        blocks.push({ type: "document", document: document(part, text) });
        return;
      }
      for (const block of this.#userPart(part, where)) (block["type"] === "text" ? blocks : images).push(block);
    });
    return { blocks, images };
  }
}

function document({ filename, context }: FilePart, text: string): JsonObject {
  const data: JsonObject = { text };
  if (filename !== undefined) data["title"] = filename;
  if (context !== undefined) data["context"] = context;
  return { data };
}

/** One plain text is written as the string that it is short for. */
function collapse(blocks: JsonObject[]): Json {
  const [first] = blocks;
  return blocks.length === 1 && first?.["type"] === "text" ? (first["text"] as string) : blocks;
}

/** Texts alone are one text; beside documents they stay apart. */
function joined(blocks: JsonObject[]): JsonObject[] {
  if (blocks.length < 2 || blocks.some(({ type }) => type !== "text")) return blocks;
  return [{ type: "text", text: blocks.map(({ text }) => text).join("\n") }];
}

function fail(blocks: JsonObject[]): void {
  const [first] = blocks;
  const text = first?.["type"] === "text" ? String(first["text"]) : "";
  if (/^\W*error/i.test(text)) return;
  if (first?.["type"] === "text") blocks[0] = { type: "text", text: `Error: ${text}` };
  else blocks.unshift({ type: "text", text: "Error:" });
}

/** The text of a text document; undefined for all others. */
function textOf({ source }: FilePart): string | undefined {
  if (source.kind === "text") return source.text;
  if (source.kind !== "base64" || !/^(?:text\/|application\/(?:json|xml|yaml)|[^;]*\+(?:json|xml))/i.test(source.mediaType))
    return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(atob(source.data), (unit) => unit.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
