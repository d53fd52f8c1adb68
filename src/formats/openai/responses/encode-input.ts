/** The house's messages as items, for a vendor that speaks this format. */

import type {
  AssistantMessage,
  AssistantPart,
  MediaPart,
  Message,
  OpaqueState,
  ReasoningPart,
  SystemMessage,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserMessage,
  VendorPart,
} from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { pairCalls, shortId } from "./call-ids.ts";
import type { Pairing } from "./call-ids.ts";
import { collapse, encodeImage, encodeText, encodeUserPart, encodeVendorPart, isPlainText } from "./encode-content.ts";
import { format, isContentPart } from "./format.ts";
import { stateItem } from "./state.ts";

export interface EncodedInput {
  instructions?: string | undefined;
  input: JsonObject[];
}

export interface InputOptions {
  /** The provider keeps responses, so that an item without content of its own can be found by its id. */
  stored: boolean;
  /** Earlier turns stand at the provider: their calls are not in this request. */
  continued: boolean;
}

export function encodeInput(messages: readonly Message[], options: InputOptions, context: EncodeContext): EncodedInput {
  const encoder = new InputEncoder(pairCalls(messages), options, context);
  const [first] = messages;
  const instructions = first && messages.length > 1 ? instructionsOf(first) : undefined;
  messages.forEach((message, index) => {
    if (index > 0 || instructions === undefined) encoder.add(message, `messages[${index}]`, messages[index + 1]);
  });
  return { instructions, input: encoder.items };
}

/** A system message at the head that is one plain text: the format has a field for it, which every server of it knows. */
function instructionsOf(message: Message): string | undefined {
  if (message.role !== "system" || message.content.length !== 1 || message.name !== undefined || message.extra) return undefined;
  const [part] = message.content as [TextPart];
  return part.cache || part.extra ? undefined : part.text;
}

class InputEncoder {
  readonly items: JsonObject[] = [];
  readonly #pairing: Pairing;
  readonly #options: InputOptions;
  readonly #context: EncodeContext;
  readonly #told = new Set<string>();

  constructor(pairing: Pairing, options: InputOptions, context: EncodeContext) {
    this.#pairing = pairing;
    this.#options = options;
    this.#context = context;
  }

  add(message: Message, at: string, next: Message | undefined): void {
    switch (message.role) {
      case "system":
      case "developer":
        this.#system(message, at);
        return;
      case "user":
        this.#user(message, at);
        return;
      case "assistant":
        this.#assistant(message, at, next);
        return;
      case "tool":
        message.content.forEach((part, index) => this.#result(part, `${at}.content[${index}]`));
    }
  }

  /** One warning for many places. */
  #once(what: string, field: string, action: "dropped" | "repaired", reason: string): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#context.warn({ field, action, reason });
  }

  #name(message: Exclude<Message, { role: "tool" }>, at: string): void {
    if (message.name !== undefined) this.#once("name", `${at}.name`, "dropped", `${format} has no names on messages`);
  }

  // ── system and user ────────────────────────────────────────────────────────────────────────────────────────

  #system(message: SystemMessage, at: string): void {
    const { quirks, capabilities, warn } = this.#context;
    const content = message.content.map((part, index) => encodeText(part, `${at}.content[${index}]`, this.#context));
    const late = this.items.some((item) => item.type !== "message" || (item.role !== "system" && item.role !== "developer"));
    if (late && (quirks.has("system-first") || capabilities.midSystem === false)) {
      // Never to the head: that would break the order the caller chose and the provider's prompt cache.
      warn({
        field: at,
        action: "emulated",
        reason: "system messages are taken at the head only: it stands in its place as a marked user message",
      });
      const words = content.map(({ text }) => String(text)).join("\n\n");
      this.#push({ type: "message", role: "user", content: `<system>\n${words}\n</system>` }, message, at);
      return;
    }
    const role = message.role === "developer" && quirks.has("no-developer-role") ? "system" : message.role;
    this.#push({ type: "message", role, content: collapse(content) }, message, at);
  }

  #user(message: UserMessage, at: string): void {
    let content: JsonObject[] = [];
    const flush = (): void => {
      if (content.length > 0) this.#push({ type: "message", role: "user", content: collapse(content) }, message, at);
      content = [];
    };
    message.content.forEach((part, index) => {
      const where = `${at}.content[${index}]`;
      if (part.type === "vendor" && isItem(part)) {
        flush();
        this.items.push(encodeVendorPart(part, where));
      } else content.push(...encodeUserPart(part, where, this.#context));
    });
    if (message.content.length === 0) this.#push({ type: "message", role: "user", content: "" }, message, at);
    flush();
  }

  #push(item: JsonObject, message: SystemMessage | UserMessage, at: string): void {
    this.#name(message, at);
    spendExtra(item, message.extra, format, `${at}.`, this.#context.warn);
    this.items.push(item);
  }

  // ── assistant ──────────────────────────────────────────────────────────────────────────────────────────────

  #assistant(message: AssistantMessage, at: string, next: Message | undefined): void {
    const speech = new Speech(this.items);
    const after: JsonObject[] = [];
    const lastDeed =
      next?.role === "assistant" ? message.content.length : message.content.findLastIndex((part) => part.type !== "reasoning");
    message.content.forEach((part, index) => {
      const where = `${at}.content[${index}]`;
      if (part.type === "text") {
        if (part.text !== "" || part.citations) speech.text(part, this.#phase(part, where), this.#context, where);
        return;
      }
      if (part.type === "refusal") {
        speech.add({ type: "refusal", refusal: part.text });
        return;
      }
      if (part.type === "vendor" && !isItem(part)) {
        speech.add(encodeVendorPart(part, where));
        return;
      }
      const items = this.#deed(part, where, index > lastDeed, after);
      if (items.length > 0) speech.end();
      this.items.push(...items);
    });
    speech.end();
    this.items.push(...after);
    this.#name(message, at);
    spendExtra({}, message.extra, format, `${at}.`, this.#context.warn);
  }

  /** Everything of an answer that is an item of its own. */
  #deed(part: Exclude<AssistantPart, { type: "text" | "refusal" }>, at: string, last: boolean, after: JsonObject[]): JsonObject[] {
    switch (part.type) {
      case "reasoning": {
        const item = this.#reasoning(part, at, last);
        return item ? [item] : [];
      }
      case "tool-call":
        return this.#call(part, at);
      case "media":
        return this.#media(part, at, after);
      case "vendor":
        return [encodeVendorPart(part, at)];
    }
  }

  #phase({ state }: TextPart, at: string): string | undefined {
    if (!state) return undefined;
    if (state.format === format && state.kind === "signature") return state.data;
    this.#once("text state", at, "dropped", "the signature of a text is of use to its own vendor only");
    return undefined;
  }

  /**
   * Whole and unmodified, or not at all: a changed summary or id, or another model's content, is refused ("could not be
   * verified"), on this turn and on every later one.
   */
  #reasoning(part: ReasoningPart, at: string, last: boolean): JsonObject | undefined {
    const { state, text } = part;
    const item = state && this.#isOwn(state) ? stateItem(state, text) : undefined;
    if (item && this.#isWhole(item)) {
      if (!last) return item;
      // "reasoning was provided without its required following item": what an interrupted turn leaves behind.
      this.#once("interrupted", at, "repaired", "reasoning without an answer after it is refused by the provider: it was left out");
      return undefined;
    }
    if (text !== "" && this.#context.quirks.has("replay-reasoning")) {
      return { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text }] };
    }
    if (text !== "" || state) this.#once("reasoning", at, "dropped", "reasoning is of use to the model that made it only");
    return undefined;
  }

  #isOwn(state: OpaqueState): boolean {
    return state.format === format && (state.origin === undefined || state.origin === this.#context.origin);
  }

  /** With nothing inside, an item is only a name for what the provider may have kept. */
  #isWhole(item: JsonObject): boolean {
    const says = typeof item.encrypted_content === "string" && item.encrypted_content !== "";
    return says || (Array.isArray(item.content) && item.content.length > 0) || (this.#options.stored && typeof item.id === "string");
  }

  #call(part: ToolCallPart, at: string): JsonObject[] {
    const call = this.#pairing.calls.get(part);
    const callId = call?.wireId ?? shortId(part.id);
    const item: JsonObject =
      part.kind === "custom"
        ? { type: "custom_tool_call", call_id: callId, name: this.#toolName(part.name, at), input: part.arguments }
        : {
            type: "function_call",
            call_id: callId,
            name: this.#toolName(part.name, at),
            arguments: part.arguments.trim() === "" ? "{}" : part.arguments,
          };
    if (part.state) this.#once("call state", `${at}.state`, "dropped", "the signature of a tool call is of use to its own vendor only");
    if (part.cache) this.#once("call cache", `${at}.cache_control`, "dropped", "a tool call cannot be marked for the cache");
    spendExtra(item, part.extra, format, `${at}.`, this.#context.warn);
    if (call?.answered !== false || this.#options.continued) return [item];
    this.#once("unanswered", at, "repaired", "a call without a result is refused by the provider: it was answered with a note");
    return [item, { type: outputType(part.kind), call_id: callId, output: "No result of this call was recorded." }];
  }

  /** Names in a history may come from another vendor's rules, or from a model's fancy. */
  #toolName(name: string, at: string): string {
    const legal = name.replaceAll(/[^\w-]/g, "_").slice(0, 128) || "unnamed";
    if (legal !== name)
      this.#once(`name ${name}`, `${at}.name`, "repaired", "the provider takes letters, digits, _ and - in names of tools");
    return legal;
  }

  #media(part: MediaPart, at: string, after: JsonObject[]): JsonObject[] {
    const { source, state, transcript } = part;
    const { warn } = this.#context;
    if (state?.format === format && state.item && this.#isOwn(state)) return [state.item];
    if (transcript !== undefined && transcript !== "") {
      warn({ field: at, action: "approximated", reason: "what the model said is sent as its transcript" });
      return [{ type: "message", role: "assistant", content: transcript }];
    }
    const shown = source.kind === "url" || (source.kind === "base64" && source.mediaType.startsWith("image/"));
    if (!shown) throw unsupportedField(at, "what the model made earlier cannot be sent back in this format.");
    warn({
      field: at,
      action: "emulated",
      reason: "only its own provider takes an image back as the assistant's: it follows in a user message",
    });
    const image = encodeImage({ type: "image", source }, at, this.#context);
    after.push({ type: "message", role: "user", content: [{ type: "input_text", text: "The image that the assistant made:" }, image] });
    return [];
  }

  // ── tool results ───────────────────────────────────────────────────────────────────────────────────────────

  #result(part: ToolResultPart, at: string): void {
    const { warn } = this.#context;
    const content = part.content.flatMap((inner, index) => encodeUserPart(inner, `${at}.content[${index}]`, this.#context));
    if (part.isError)
      warn({ field: `${at}.is_error`, action: "emulated", reason: `${format} cannot mark a result as failed: its text says so` });
    const output = part.isError ? failed(content) : collapse(content);
    const call = this.#pairing.results.get(part);
    if (!call && !this.#options.continued) {
      warn({ field: at, action: "repaired", reason: "no open tool call has this result's id: it is sent as a user message" });
      const head: JsonObject = {
        type: "input_text",
        text: `Result${part.name === undefined ? "" : ` of ${part.name}`} (call ${part.callId}):`,
      };
      this.items.push({ type: "message", role: "user", content: [head, ...content] });
      return;
    }
    if (part.cache) this.#once("result cache", `${at}.cache_control`, "dropped", "a tool result cannot be marked for the cache");
    const item: JsonObject = { type: outputType(call?.part.kind ?? part.kind), call_id: call?.wireId ?? shortId(part.callId), output };
    spendExtra(item, part.extra, format, `${at}.`, warn);
    this.items.push(item);
  }
}

function outputType(kind: ToolCallPart["kind"] | undefined): string {
  return kind === "custom" ? "custom_tool_call_output" : "function_call_output";
}

function isItem(part: VendorPart): boolean {
  return !(part.format === format && isContentPart(part.value.type));
}

function failed(content: JsonObject[]): Json {
  const [first, ...others] = content;
  if (!first || !isPlainText(first)) return [{ type: "input_text", text: "Error:" }, ...content];
  const text = String(first.text);
  return collapse([{ type: "input_text", text: /^\W*error/i.test(text) ? text : `Error: ${text}` }, ...others]);
}

/** What the assistant says between its deeds: neighbouring texts are one message, as long as they are of one phase. */
class Speech {
  readonly #items: JsonObject[];
  #content: JsonObject[] = [];
  #phase: string | undefined;

  constructor(items: JsonObject[]) {
    this.#items = items;
  }

  text(part: TextPart, phase: string | undefined, context: EncodeContext, at: string): void {
    if (phase !== this.#phase) this.end();
    this.#phase = phase;
    const annotations = (part.citations ?? [])
      .filter((citation) => citation.format === format && isObject(citation.raw))
      .map(({ raw }) => raw);
    const encoded: JsonObject = { type: "output_text", text: part.text };
    if (annotations.length > 0) encoded.annotations = annotations;
    spendExtra(encoded, part.extra, format, `${at}.`, context.warn);
    this.#content.push(encoded);
  }

  add(part: JsonObject): void {
    this.#content.push(part);
  }

  end(): void {
    const [first] = this.#content;
    if (!first) return;
    // The short form is what every server takes in a history; the long one wants ids and statuses at some of them.
    const plain = this.#content.length === 1 && first.type === "output_text" && Object.keys(first).length === 2;
    const content: Json = plain
      ? (first.text as string)
      : this.#content.map((part) => (part.type === "output_text" ? { annotations: [], ...part } : part));
    this.#items.push({ type: "message", role: "assistant", content, ...(this.#phase !== undefined && { phase: this.#phase }) });
    this.#content = [];
    this.#phase = undefined;
  }
}
