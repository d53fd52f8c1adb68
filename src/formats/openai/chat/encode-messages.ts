/** The house's messages for a vendor that speaks this format. */

import type {
  AssistantMessage,
  AssistantPart,
  CacheMark,
  FilePart,
  ImagePart,
  Message,
  OpaqueState,
  ReasoningPart,
  SystemMessage,
  TextPart,
  ToolCallPart,
  ToolMessage,
  ToolResultPart,
  UserPart,
  VendorPart,
} from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { asString } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { writeCacheMark } from "./cache-marks.ts";
import { format } from "./format.ts";
import { audioFormat, dataUrl, decodeText } from "./media.ts";
import { ShortIds } from "./tool-ids.ts";

export interface ChatContext extends EncodeContext {
  /** A cache mark could not be put on: said once for a whole request. */
  dropCacheMark(field: string): void;
}

export function encodeMessages(messages: readonly Message[], context: ChatContext): JsonObject[] {
  const encoder = new MessageEncoder(context);
  const ordered = regroupResults(messages, context);
  for (const { message, at } of context.quirks.has("system-first") ? joinHead(ordered) : ordered) encoder.add(message, at);
  const encoded = encoder.finish();
  const last = encoded.at(-1);
  // "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant" is Mistral's answer otherwise.
  if (context.quirks.has("prefix-mark") && last?.["role"] === "assistant" && last["tool_calls"] === undefined) last["prefix"] ??= true;
  return encoded;
}

interface Placed {
  message: Message;
  /** Its place in the request, for complaints. */
  at: string;
}

/**
 * Every call must be answered directly after its assistant message. Clients of other formats may spread results over several
 * turns with text between (Claude Code does), so they are brought home.
 */
function regroupResults(messages: readonly Message[], { warn }: EncodeContext): Placed[] {
  const placed: Placed[] = [];
  /** The message of results that later ones can still join, with the ids that it waits for. */
  let open: { results: ToolMessage; waiting: Set<string>; index: number } | undefined;
  messages.forEach((message, index) => {
    const at = `messages[${index}]`;
    if (message.role === "assistant") {
      const waiting = new Set(message.content.filter((part) => part.type === "tool-call").map((part) => part.id));
      open = waiting.size > 0 ? { results: { role: "tool", content: [] }, waiting, index: placed.length + 1 } : undefined;
      placed.push({ message, at });
      return;
    }
    if (message.role !== "tool" || !open) {
      placed.push({ message, at });
      return;
    }
    const { results, waiting } = open;
    const home = message.content.filter((part) => waiting.has(part.callId));
    const others = message.content.filter((part) => !waiting.has(part.callId));
    if (home.length > 0) {
      const begun = results.content.length > 0;
      if (placed.length > open.index + (begun ? 1 : 0))
        warn({ field: at, action: "repaired", reason: "the results were moved to directly after their calls" });
      if (!begun) placed.splice(open.index, 0, { message: results, at });
      results.content.push(...home);
      for (const part of home) waiting.delete(part.callId);
    }
    if (others.length > 0) placed.push({ message: { role: "tool", content: others }, at });
  });
  return placed;
}

/** Templates that take one system message at the head take exactly one. */
function joinHead(placed: Placed[]): Placed[] {
  const head = placed.findIndex(({ message }) => !isSystem(message));
  const count = head < 0 ? placed.length : head;
  if (count < 2) return placed;
  const first = placed[0] as Placed;
  const content = placed.slice(0, count).flatMap(({ message }) => (isSystem(message) ? message.content : []));
  return [{ message: { ...(first.message as SystemMessage), content }, at: first.at }, ...placed.slice(count)];
}

function isSystem(message: Message): message is SystemMessage {
  return message.role === "system" || message.role === "developer";
}

class MessageEncoder {
  readonly #context: ChatContext;
  readonly #out: JsonObject[] = [];
  readonly #ids: ShortIds | undefined;
  readonly #told = new Set<string>();
  /** Images and documents that stand where the format takes text alone: they follow in a user message of their own. */
  #moved: JsonObject[] = [];

  constructor(context: ChatContext) {
    this.#context = context;
    this.#ids = context.quirks.has("short-tool-ids") ? new ShortIds() : undefined;
  }

  add(message: Message, at: string): void {
    if (message.role !== "tool") this.#flushMoved();
    switch (message.role) {
      case "system":
      case "developer":
        this.#system(message, at);
        return;
      case "user":
        this.#push(
          {
            role: "user",
            content: this.#content(
              message.content.flatMap((part, index) => this.#userPart(part, `${at}.content[${index}]`)),
              at,
              "\n\n",
            ),
          },
          message,
          at,
        );
        return;
      case "assistant":
        this.#assistant(message, at);
        return;
      case "tool":
        message.content.forEach((part, index) => this.#toolResult(part, `${at}.content[${index}]`));
    }
  }

  finish(): JsonObject[] {
    this.#flushMoved();
    return this.#out;
  }

  #push(encoded: JsonObject, message: Exclude<Message, ToolMessage>, at: string): void {
    if (message.name !== undefined) {
      if (this.#context.quirks.has("no-name")) this.#once("name", `${at}.name`, "the provider takes no names on messages");
      else encoded["name"] = message.name;
    }
    spendExtra(encoded, message.extra, format, `${at}.`, this.#context.warn);
    this.#out.push(encoded);
  }

  /** One warning for many places. */
  #once(what: string, field: string, reason: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#context.warn({ field, action: "dropped", reason });
  }

  #flushMoved(): void {
    if (this.#moved.length === 0) return;
    this.#out.push({ role: "user", content: this.#moved });
    this.#moved = [];
  }

  // ── system and user ────────────────────────────────────────────────────────────────────────────────────────

  #system(message: SystemMessage, at: string): void {
    const { quirks, capabilities, warn } = this.#context;
    const parts = message.content.map((part, index) => this.#text(part, `${at}.content[${index}]`));
    const late = this.#out.some((earlier) => earlier["role"] !== "system" && earlier["role"] !== "developer");
    if (late && (quirks.has("system-first") || capabilities.midSystem === false)) {
      // Never to the head: that would break the order the caller chose and the provider's prompt cache.
      warn({
        field: at,
        action: "emulated",
        reason: "system messages are taken at the head only: it stands in its place as a marked user message",
      });
      this.#push({ role: "user", content: `<system>\n${joined(parts, "\n\n")}\n</system>` }, message, at);
      return;
    }
    const role = message.role === "developer" && quirks.has("no-developer-role") ? "system" : message.role;
    this.#push({ role, content: this.#content(parts, at, "\n\n") }, message, at);
  }

  /** A string where the parts are no more than one, or the vendor takes nothing else. */
  #content(parts: JsonObject[], at: string, separator: string): Json {
    if (parts.length === 0) return "";
    const [first] = parts as [JsonObject];
    if (parts.length === 1 && isPlainText(first)) return first["text"] as string;
    if (!this.#context.quirks.has("string-content")) return parts;
    const other = parts.find((part) => part["type"] !== "text");
    if (other) throw unsupportedField(at, `the provider takes text only, not ${asString(other["type"]) ?? "other parts"}.`);
    return joined(parts, separator);
  }

  #text(part: TextPart, at: string): JsonObject {
    const encoded: JsonObject = { type: "text", text: part.text };
    this.#finishPart(encoded, part, at);
    return encoded;
  }

  #finishPart(encoded: JsonObject, part: { cache?: CacheMark | undefined; extra?: TextPart["extra"] }, at: string): void {
    this.#cache(encoded, part.cache, at);
    spendExtra(encoded, part.extra, format, `${at}.`, this.#context.warn);
  }

  #cache(into: JsonObject, mark: CacheMark | undefined, at: string): void {
    if (!writeCacheMark(into, mark, this.#context.quirks)) this.#context.dropCacheMark(`${at}.cache_control`);
  }

  /** Mostly one part; a document's words may need one of their own. */
  #userPart(part: UserPart, at: string): JsonObject[] {
    switch (part.type) {
      case "text":
        return [this.#text(part, at)];
      case "image":
        return [this.#image(part, at)];
      case "file":
        return this.#file(part, at);
      case "audio": {
        this.#accepts("audio", at);
        if (part.source.kind !== "base64") throw unsupportedField(at, "sound can be sent as base64 only.");
        const encoded: JsonObject = {
          type: "input_audio",
          input_audio: { data: part.source.data, format: audioFormat(part.source.mediaType) },
        };
        this.#finishPart(encoded, part, at);
        return [encoded];
      }
      case "vendor":
        return [this.#vendor(part, at)];
    }
  }

  #accepts(kind: "image" | "pdf" | "audio", at: string): void {
    const { quirks, capabilities } = this.#context;
    if (kind === "image" && quirks.has("no-images")) throw unsupportedField(at, "the provider takes no images.");
    if (capabilities.input && !capabilities.input.includes(kind)) throw unsupportedField(at, `the model takes no ${kind} input.`);
  }

  #image(part: ImagePart, at: string): JsonObject {
    this.#accepts("image", at);
    const { source } = part;
    if (source.kind === "id")
      throw unsupportedField(at, `the file ${source.id.slice(0, 60)} lives at a provider that speaks ${source.format}.`);
    if (source.kind === "text") throw unsupportedField(at, "text is not an image.");
    const image: JsonObject = { url: source.kind === "url" ? source.url : dataUrl(source) };
    if (part.detail !== undefined) image["detail"] = part.detail;
    const encoded: JsonObject = { type: "image_url", image_url: image };
    this.#finishPart(encoded, part, at);
    return encoded;
  }

  #file(part: FilePart, at: string): JsonObject[] {
    const { warn } = this.#context;
    if (part.citations) warn({ field: `${at}.citations`, action: "dropped", reason: `${format} does not cite from documents` });
    const text = documentText(part);
    if (text !== undefined) {
      warn({ field: at, action: "emulated", reason: "documents here are PDF only: the text is sent as text" });
      return [
        this.#text(
          { type: "text", text: [part.filename, part.context, text].filter(Boolean).join("\n\n"), cache: part.cache, extra: part.extra },
          at,
        ),
      ];
    }
    const encoded: JsonObject = { type: "file", file: this.#fileSource(part, at) };
    this.#finishPart(encoded, part, at);
    if (part.context === undefined) return [encoded];
    warn({ field: `${at}.context`, action: "emulated", reason: "the words about the document are sent as text before it" });
    return [{ type: "text", text: part.context }, encoded];
  }

  #fileSource({ source, filename }: FilePart, at: string): JsonObject {
    switch (source.kind) {
      case "base64":
        if (source.mediaType === "application/pdf") this.#accepts("pdf", at);
        return { filename: filename ?? (source.mediaType === "application/pdf" ? "document.pdf" : "document"), file_data: dataUrl(source) };
      case "id":
        // One account at OpenAI has one set of files, whichever of its formats named it.
        if (source.format.startsWith("openai/")) return filename === undefined ? { file_id: source.id } : { file_id: source.id, filename };
        throw unsupportedField(at, `the file ${source.id.slice(0, 60)} lives at a provider that speaks ${source.format}.`);
      case "url":
        throw unsupportedField(at, "documents cannot be sent by URL here: send the document itself as base64.");
      case "text":
        throw unsupportedField(at, "the document is empty.");
    }
  }

  #vendor(part: VendorPart, at: string): JsonObject {
    if (part.format === format) return part.value;
    throw unsupportedField(at, `a ${asString(part.value["type"]) ?? "vendor"} block is known to ${part.format} only.`);
  }

  // ── assistant ──────────────────────────────────────────────────────────────────────────────────────────────

  #assistant(message: AssistantMessage, at: string): void {
    const texts: JsonObject[] = [];
    const reasoning: ReasoningPart[] = [];
    const calls: JsonObject[] = [];
    const encoded: JsonObject = { role: "assistant", content: null };
    message.content.forEach((part, index) => {
      const where = `${at}.content[${index}]`;
      switch (part.type) {
        case "text":
          // Citations are what the answer came with; no model reads them, so nothing is lost. Empty text is refused by many.
          if (part.text !== "") texts.push(this.#text(part, where));
          return;
        case "refusal":
          encoded["refusal"] = typeof encoded["refusal"] === "string" ? encoded["refusal"] + part.text : part.text;
          return;
        case "reasoning":
          if (this.#isThinkingChunk(part)) texts.push(thinkingChunk(part));
          else reasoning.push(part);
          return;
        case "tool-call":
          calls.push(this.#call(part, where));
          return;
        case "media":
          this.#media(part, encoded, texts, where);
          return;
        case "vendor":
          texts.push(this.#vendor(part, where));
      }
    });
    if (texts.length > 0) encoded["content"] = texts.every(isPlainText) ? joined(texts, "") : this.#content(texts, at, "");
    // With nothing else to show, null alone is refused.
    else if (calls.length === 0 && encoded["refusal"] === undefined && encoded["audio"] === undefined) encoded["content"] = "";
    if (calls.length > 0) encoded["tool_calls"] = calls;
    this.#reasoning(encoded, reasoning, calls.length > 0, at);
    this.#push(encoded, message, at);
  }

  #reasoning(encoded: JsonObject, parts: ReasoningPart[], calls: boolean, at: string): void {
    const { quirks } = this.#context;
    const text = parts.map((part) => part.text).join("");
    const details = quirks.has("reasoning-details") ? parts.map((part) => this.#detail(part)) : [];
    const unreadable = parts.find((part, index) => part.text === "" && part.state && !details[index]);
    if (unreadable) this.#once("reasoning state", `${at}.reasoning_details`, "hidden reasoning is of use to the model that made it only");
    if (quirks.has("reasoning-details")) {
      if (details.some((detail) => detail !== undefined)) {
        const plain = (part: ReasoningPart): JsonObject | undefined =>
          part.text === "" ? undefined : { type: "reasoning.text", text: part.text };
        encoded["reasoning_details"] = parts.map((part, index) => details[index] ?? plain(part)).filter((detail) => detail !== undefined);
      } else if (text !== "") encoded["reasoning"] = text;
      return;
    }
    if (quirks.has("replay-reasoning")) {
      // Moonshot and DeepSeek answer 400 to a calling turn without the field (turns of another model have none); empty will do:
      // HKUDS/nanobot#2598, Lapis0x0/obsidian-yolo#243.
      if (text !== "" || calls) encoded["reasoning_content"] = text;
      return;
    }
    if (text !== "") this.#once("reasoning", `${at}.reasoning_content`, "the provider takes no reasoning of earlier turns");
  }

  /** Signed thoughts that came as a chunk of the content (Mistral): "Signature to replay some reasoning blocks across turns". */
  #isThinkingChunk({ state }: ReasoningPart): boolean {
    return state?.kind === "signature" && state.item === undefined && this.#isOwn(state);
  }

  /** A vendor's own entry, for the vendor and model that made it. */
  #detail({ state }: ReasoningPart): JsonObject | undefined {
    return state?.item && this.#isOwn(state) ? state.item : undefined;
  }

  #isOwn(state: OpaqueState): boolean {
    return state.format === format && (state.origin === undefined || state.origin === this.#context.origin);
  }

  #call(part: ToolCallPart, at: string): JsonObject {
    if (this.#context.quirks.has("no-tools")) throw unsupportedField(at, "the provider takes no tools, nor earlier calls of them.");
    const id = this.#id(part.id);
    const encoded: JsonObject =
      part.kind === "custom"
        ? { id, type: "custom", custom: { name: part.name, input: part.arguments } }
        : { id, type: "function", function: { name: part.name, arguments: part.arguments.trim() === "" ? "{}" : part.arguments } };
    if (part.state) {
      if (part.state.item && this.#isOwn(part.state)) encoded["extra_content"] = part.state.item;
      else this.#once("call state", `${at}.state`, "the signature of a tool call is of use to its own vendor only");
    }
    if (part.cache) this.#context.dropCacheMark(`${at}.cache_control`);
    spendExtra(encoded, part.extra, format, `${at}.`, this.#context.warn);
    return encoded;
  }

  #id(id: string): string {
    return this.#ids ? this.#ids.of(id) : id;
  }

  #media(part: Extract<AssistantPart, { type: "media" }>, encoded: JsonObject, texts: JsonObject[], at: string): void {
    const { warn } = this.#context;
    if (part.source.kind === "id" && part.source.format === format) {
      encoded["audio"] = { id: part.source.id };
    } else if (part.transcript !== undefined) {
      warn({ field: at, action: "approximated", reason: "what the model said is sent as its transcript" });
      texts.push({ type: "text", text: part.transcript });
    } else if (part.source.kind === "base64" && part.source.mediaType.startsWith("image/")) {
      warn({ field: at, action: "emulated", reason: "the assistant cannot show images here: it follows in a user message" });
      this.#moved.push(
        { type: "text", text: "The image that the assistant made:" },
        this.#image({ type: "image", source: part.source }, at),
      );
    } else {
      throw unsupportedField(at, "what the model made earlier cannot be sent back in this format.");
    }
  }

  // ── tool results ───────────────────────────────────────────────────────────────────────────────────────────

  #toolResult(part: ToolResultPart, at: string): void {
    const { warn } = this.#context;
    const texts: JsonObject[] = [];
    const media: JsonObject[] = [];
    part.content.forEach((content, index) => {
      const where = `${at}.content[${index}]`;
      if (content.type === "text") texts.push(this.#text(content, where));
      else for (const encoded of this.#userPart(content, where)) (encoded["type"] === "text" ? texts : media).push(encoded);
    });
    if (media.length > 0) {
      warn({ field: at, action: "emulated", reason: "tool results are text here: images and documents follow in a user message" });
      this.#moved.push(
        {
          type: "text",
          text: `What the tool${part.name === undefined ? "" : ` ${part.name}`} returned beside text (call ${this.#id(part.callId)}):`,
        },
        ...media,
      );
      if (texts.length === 0) texts.push({ type: "text", text: "See the next user message." });
    }
    const last = texts.at(-1);
    if (part.cache && last) this.#cache(last, part.cache, at);
    // Many vendors take a string only, so parts are joined wherever no mark would be lost.
    let content: Json = texts.every(isPlainText) ? joined(texts, "\n") : this.#content(texts, at, "\n");
    if (part.isError) {
      warn({ field: `${at}.is_error`, action: "emulated", reason: `${format} cannot mark a result as failed: its text says so` });
      content = typeof content === "string" ? failed(content) : [{ type: "text", text: "Error:" }, ...(content as JsonObject[])];
    }
    const encoded: JsonObject = { role: "tool", tool_call_id: this.#id(part.callId), content };
    spendExtra(encoded, part.extra, format, `${at}.`, warn);
    this.#out.push(encoded);
  }
}

function failed(text: string): string {
  return /^\W*error/i.test(text) ? text : `Error: ${text}`;
}

function thinkingChunk({ text, state }: ReasoningPart): JsonObject {
  return { type: "thinking", thinking: [{ type: "text", text }], signature: state?.data };
}

function isPlainText(part: JsonObject): boolean {
  return part["type"] === "text" && Object.keys(part).length === 2;
}

function joined(parts: readonly JsonObject[], separator: string): string {
  return parts.map((part) => asString(part["text"]) ?? "").join(separator);
}

/** The text of a text document; undefined for all others. */
function documentText({ source }: FilePart): string | undefined {
  if (source.kind === "text") return source.text;
  if (source.kind !== "base64" || !(source.mediaType.startsWith("text/") || source.mediaType === "application/json")) return undefined;
  return decodeText(source.data);
}
