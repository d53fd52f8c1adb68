/** The house's conversation as Ollama's messages: one string of content each, images beside it, calls with their arguments as objects. */

import type {
  AssistantMessage,
  CacheMark,
  Extra,
  FilePart,
  ImagePart,
  Message,
  SystemMessage,
  ToolCallPart,
  ToolResultContent,
  UserMessage,
  UserPart,
} from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { arrange } from "./arrange.ts";
import type { PlacedResult } from "./arrange.ts";
import { toArguments } from "./digits.ts";
import { format } from "./format.ts";

export function encodeMessages(messages: readonly Message[], context: EncodeContext): JsonObject[] {
  const encoder = new MessageEncoder(context);
  for (const step of arrange(messages, context.warn)) {
    if ("results" in step) encoder.results(step.results);
    else encoder.message(step.message, step.at);
  }
  return encoder.done();
}

/** What one message says, in the two lists that the format has. */
interface Content {
  texts: string[];
  images: string[];
}

class MessageEncoder {
  readonly #context: EncodeContext;
  readonly #out: JsonObject[] = [];

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  done(): JsonObject[] {
    return this.#out;
  }

  message(message: SystemMessage | UserMessage | AssistantMessage, at: string): void {
    const { warn } = this.#context;
    if (message.name !== undefined) warn({ field: `${at}.name`, action: "dropped", reason: "Ollama's messages carry no name" });
    const encoded = this.#encode(message, at);
    spendExtra(encoded, message.extra, format, `${at}.`, warn);
    if (this.#context.quirks.has("system-first") && encoded["role"] === "system" && this.#out.length > 0) this.#join(encoded);
    else this.#out.push(encoded);
  }

  /** Templates that take one system message at the head take exactly one. */
  #join({ content, ...fields }: JsonObject): void {
    const [head] = this.#out as [JsonObject];
    Object.assign(head, fields, { content: `${String(head["content"])}\n\n${String(content)}` });
  }

  #encode(message: SystemMessage | UserMessage | AssistantMessage, at: string): JsonObject {
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

  #system(message: SystemMessage, at: string): JsonObject {
    const { quirks, capabilities, warn } = this.#context;
    message.content.forEach((part, index) => this.#beside(part, `${at}.content[${index}]`));
    const content = message.content.map(({ text }) => text).join("\n\n");
    const late = this.#out.some(({ role }) => role !== "system");
    if (!late || (!quirks.has("system-first") && capabilities.midSystem !== false)) return { role: "system", content };
    // Never to the head: that would break the order the caller chose and the cache of the conversation's beginning.
    warn({
      field: at,
      action: "emulated",
      reason: "system messages are taken at the head only: it stands in its place as a marked user message",
    });
    return { role: "user", content: `<system>\n${content}\n</system>` };
  }

  #user(message: UserMessage, at: string): JsonObject {
    const content = this.#content(message.content, at);
    const kinds = message.content.map(({ type }) => type);
    const first = kinds.indexOf("image");
    if (first >= 0 && kinds.indexOf("text") < first && kinds.lastIndexOf("text") > first) {
      this.#context.warn({
        field: `${at}.content`,
        action: "approximated",
        reason: "images stand beside the text of a message: where they stood within it is lost",
      });
    }
    return write("user", content);
  }

  #content(parts: readonly (UserPart | ToolResultContent)[], at: string): Content {
    const content: Content = { texts: [], images: [] };
    parts.forEach((part, index) => this.#add(content, part, `${at}.content[${index}]`));
    return content;
  }

  #add(content: Content, part: UserPart | ToolResultContent, at: string): void {
    switch (part.type) {
      case "text":
        this.#beside(part, at);
        if (part.text !== "") content.texts.push(part.text);
        return;
      case "image":
        content.images.push(this.#image(part, at));
        return;
      case "file":
        this.#file(content, part, at);
        return;
      case "audio":
        throw unsupportedField(at, "Ollama takes no sound.");
      case "vendor":
        throw unsupportedField(at, `a ${String(part.value["type"] ?? "vendor")} block is known to ${part.format} only.`);
    }
  }

  /** What stands beside a part and has no place here. */
  #beside(part: { cache?: CacheMark | undefined; extra?: Extra | undefined }, at: string): void {
    if (part.cache)
      this.#context.warn({ field: `${at}.cache_control`, action: "dropped", reason: "Ollama decides by itself what it caches" });
    spendExtra({}, part.extra, format, `${at}.`, this.#context.warn);
  }

  #image(part: ImagePart, at: string): string {
    const { quirks, capabilities, warn } = this.#context;
    if (quirks.has("no-images") || (capabilities.input && !capabilities.input.includes("image")))
      throw unsupportedField(at, "the model takes no images.");
    this.#beside(part, at);
    if (part.detail !== undefined && part.detail !== "auto")
      warn({ field: `${at}.detail`, action: "dropped", reason: "Ollama has no image detail setting" });
    const { source } = part;
    if (source.kind === "base64") return source.data;
    const inline = source.kind === "url" ? /^data:[^,]{0,200};\s*base64\s*,/i.exec(source.url.slice(0, 300)) : null;
    if (source.kind === "url" && inline) return source.url.slice(inline[0].length);
    if (source.kind === "url") throw unsupportedField(at, "Ollama fetches no images: send the image itself, as base64.");
    if (source.kind === "id")
      throw unsupportedField(at, `the file ${source.id.slice(0, 60)} lives at a provider that speaks ${source.format}.`);
    throw unsupportedField(at, "text is not an image.");
  }

  /** Text is told as text; there is no other kind of document. */
  #file(content: Content, part: FilePart, at: string): void {
    const { warn } = this.#context;
    const { source, filename, context } = part;
    if (source.kind === "base64" && source.mediaType.startsWith("image/")) {
      content.images.push(this.#image({ type: "image", source, cache: part.cache, extra: part.extra }, at));
      return;
    }
    const text = textOf(part);
    if (text === undefined) throw unsupportedField(at, "Ollama takes text and images, no other documents.");
    this.#beside(part, at);
    if (part.citations) warn({ field: `${at}.citations`, action: "dropped", reason: "Ollama does not cite from documents" });
    warn({ field: at, action: "emulated", reason: "the document's text was sent as text of the message" });
    content.texts.push([filename, context, text].filter(Boolean).join("\n\n"));
  }

  // ── assistant ──────────────────────────────────────────────────────────────────────────────────────────────

  #assistant(message: AssistantMessage, at: string): JsonObject {
    const { warn } = this.#context;
    let text = "";
    const thoughts: string[] = [];
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
          if (part.text !== "") thoughts.push(part.text);
          else if (part.state)
            warn({ field: where, action: "dropped", reason: "hidden reasoning is of use to the model that made it only" });
          return;
        case "tool-call":
          if (part.name === "") warn({ field: `${where}.name`, action: "repaired", reason: "a tool call without a name was left out" });
          else calls.push(this.#call(part, where));
          return;
        case "media":
          if (part.transcript === undefined) throw unsupportedField(where, "what the model made earlier cannot be sent back to Ollama.");
          warn({ field: where, action: "approximated", reason: "only the transcript of the answer's media was sent" });
          text += part.transcript;
          return;
        case "vendor":
          throw unsupportedField(where, `a ${String(part.value["type"] ?? "vendor")} block is known to ${part.format} only.`);
      }
    });
    const encoded: JsonObject = { role: "assistant", content: text };
    if (thoughts.length > 0) this.#thinking(encoded, thoughts.join("\n\n"), at);
    if (calls.length > 0) encoded["tool_calls"] = calls;
    return encoded;
  }

  /** Templates decide which turn's thoughts the model sees again; gpt-oss wants those of a running tool loop. */
  #thinking(encoded: JsonObject, text: string, at: string): void {
    const { quirks, capabilities, warn } = this.#context;
    if (!quirks.has("strip-reasoning") && capabilities.reasoning !== false) encoded["thinking"] = text;
    else warn({ field: `${at}.thinking`, action: "dropped", reason: "the model does not reason: earlier reasoning was not sent" });
  }

  #call(part: ToolCallPart, at: string): JsonObject {
    const { quirks, warn } = this.#context;
    if (quirks.has("no-tools")) throw unsupportedField(at, "the provider takes no tools, nor earlier calls of them.");
    this.#beside(part, at);
    const { value, mending } = part.kind === "custom" ? { value: { input: part.arguments }, mending: "none" } : toArguments(part.arguments);
    if (mending === "wrapped")
      warn({
        field: `${at}.arguments`,
        action: "repaired",
        reason: "the arguments are not a JSON object, which Ollama requires: they were put into one",
      });
    if (mending === "rounded")
      warn({ field: `${at}.arguments`, action: "approximated", reason: "a number with more than 15 digits was rounded" });
    // Ids are known from 0.12.10 on; before, they are passed over.
    return { id: part.id, function: { name: part.name, arguments: value } };
  }

  // ── tool results ───────────────────────────────────────────────────────────────────────────────────────────

  /** In the order of the calls: servers before 0.12.10 know no other way to tell two calls of one tool apart. */
  results(results: readonly PlacedResult[]): void {
    const { warn } = this.#context;
    const moved: Content = { texts: [], images: [] };
    for (const { part, at, name } of results) {
      const content = this.#content(part.content, at);
      if (content.images.length > 0) {
        warn({ field: at, action: "emulated", reason: "tool results are text here: their images follow in a user message" });
        moved.texts.push(`What the tool${name === undefined ? "" : ` ${name}`} returned beside text (call ${part.callId}):`);
        moved.images.push(...content.images);
        if (content.texts.length === 0) content.texts.push("See the next user message.");
      }
      let text = content.texts.join("\n");
      if (part.isError) {
        warn({ field: `${at}.is_error`, action: "emulated", reason: "Ollama cannot mark a result as failed: its text says so" });
        if (!/^\W*error/i.test(text)) text = `Error: ${text}`;
      }
      const encoded: JsonObject = { role: "tool", content: text };
      if (name !== undefined) encoded["tool_name"] = name;
      if (part.callId !== "") encoded["tool_call_id"] = part.callId;
      this.#beside({ cache: part.cache }, at);
      spendExtra(encoded, part.extra, format, `${at}.`, warn);
      this.#out.push(encoded);
    }
    if (moved.images.length > 0) this.#out.push(write("user", moved));
  }
}

function write(role: string, { texts, images }: Content): JsonObject {
  const encoded: JsonObject = { role, content: texts.join("\n\n") };
  if (images.length > 0) encoded["images"] = images;
  return encoded;
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
