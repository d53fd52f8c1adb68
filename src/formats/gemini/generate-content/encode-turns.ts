/**
 * A canonical conversation as Gemini's contents. The vendor's grammar: user and model in turn, the responses to all calls of a turn
 * together right after it, as many as there were calls. Histories of other formats break each of these rules.
 */

import type {
  AssistantMessage,
  FilePart,
  ImagePart,
  Message,
  SystemMessage,
  ToolCallPart,
  ToolMessage,
  ToolResultPart,
  UserMessage,
} from "../../../canonical/chat.ts";
import { isObject, parseJson } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { encodeAssistantPart, encodeText, encodeUserPart, encodeVendor, noteCache, takesId, wireName } from "./encode-content.ts";
import type { Part } from "./encode-content.ts";
import { format, own } from "./format.ts";
import { sentinel } from "./state.ts";

export interface Content {
  role: "user" | "model";
  parts: Part[];
}

export interface Conversation {
  system: Part[];
  contents: Content[];
}

export function encodeConversation(messages: readonly Message[], context: EncodeContext): Conversation {
  const head = messages.findIndex((message) => message.role !== "system" && message.role !== "developer");
  const start = head < 0 ? messages.length : head;
  const system: Part[] = [];
  for (let index = 0; index < start; index++) system.push(...encodeSystem(messages[index] as SystemMessage, index, context));
  const builder = new ContentBuilder(pairCalls(messages, context), context);
  for (let index = start; index < messages.length; index++) builder.add(messages[index] as Message, index);
  return { system, contents: builder.finish() };
}

// ── calls and their results ──────────────────────────────────────────────────────────────────────────────────

interface Call {
  part: ToolCallPart;
  /** The index of the assistant message that made it. */
  turn: number;
  result?: { part: ToolResultPart; at: string } | undefined;
}

interface Pairing {
  calls: Map<ToolCallPart, Call>;
  /** Results that answer no call of the conversation. */
  orphans: Set<ToolResultPart>;
}

/** Every result finds the call it answers: the latest one of that id that is still open (some vendors count from `call_0` anew each turn). */
function pairCalls(messages: readonly Message[], context: EncodeContext): Pairing {
  const calls = new Map<ToolCallPart, Call>();
  const orphans = new Set<ToolResultPart>();
  const open = new Map<string, Call[]>();
  messages.forEach((message, turn) => {
    if (message.role === "assistant") {
      for (const part of message.content) {
        if (part.type !== "tool-call" || part.name === "") continue;
        const call: Call = { part, turn };
        calls.set(part, call);
        const same = open.get(part.id);
        if (same) same.push(call);
        else open.set(part.id, [call]);
      }
    } else if (message.role === "tool") {
      message.content.forEach((part, index) => {
        const at = `messages[${turn}].content[${index}]`;
        const call = takeCall(open.get(part.callId));
        if (call) call.result = { part, at };
        else {
          orphans.add(part);
          context.warn({ field: at, action: "repaired", reason: "no open tool call has this result's id: it was sent as text" });
        }
      });
    }
  });
  return { calls, orphans };
}

function takeCall(candidates: Call[] | undefined): Call | undefined {
  const latest = candidates?.at(-1)?.turn;
  const index = candidates?.findIndex((call) => call.turn === latest) ?? -1;
  return index < 0 ? undefined : candidates?.splice(index, 1)[0];
}

// ── contents ─────────────────────────────────────────────────────────────────────────────────────────────────

class ContentBuilder {
  readonly #contents: Content[] = [];
  readonly #pairing: Pairing;
  readonly #context: EncodeContext;
  /** Calls of the last model turn, whose results have not been written yet. */
  #unanswered: Call[] = [];

  constructor(pairing: Pairing, context: EncodeContext) {
    this.#pairing = pairing;
    this.#context = context;
  }

  add(message: Message, index: number): void {
    switch (message.role) {
      case "system":
      case "developer":
        this.#answer();
        this.#emulateSystem(message, index);
        return;
      case "user":
        this.#addUser(message, index);
        return;
      case "assistant":
        this.#addModel(message, index);
        return;
      case "tool":
        this.#answer();
        this.#addOrphans(message, index);
        return;
    }
  }

  finish(): Content[] {
    // Calls at the very end wait for their results in a later request; with some results here, the missing ones must be named.
    if (this.#unanswered.some((call) => call.result)) this.#answer();
    this.#beginWithUser();
    this.#vouchForCalls();
    return this.#contents;
  }

  #addUser(message: UserMessage, index: number): void {
    this.#answer();
    const parts = message.content.flatMap((part, at) => encodeUserPart(part, `messages[${index}].content[${at}]`, this.#context));
    this.#warnName(message.name, index);
    spendExtra({}, message.extra, format, `messages[${index}].`, this.#context.warn);
    // Dropping an empty turn between two answers would make one answer of them.
    if (parts.length === 0 && this.#contents.at(-1)?.role !== "user") {
      parts.push({ text: "(empty message)" });
      const reason = "Gemini refuses an empty user message: a placeholder was sent";
      this.#context.warn({ field: `messages[${index}].content`, action: "repaired", reason });
    }
    this.#append("user", parts);
  }

  #addModel(message: AssistantMessage, index: number): void {
    const parts: Part[] = [];
    const calls: Call[] = [];
    message.content.forEach((part, at) => {
      const path = `messages[${index}].content[${at}]`;
      const call = part.type === "tool-call" ? this.#pairing.calls.get(part) : undefined;
      if (part.type === "tool-call" && !call) {
        this.#context.warn({ field: `${path}.name`, action: "repaired", reason: "a tool call without a name was left out" });
        return;
      }
      const wire = encodeAssistantPart(part, path, this.#context);
      if (wire) parts.push(wire);
      if (call) calls.push(call);
    });
    // Two assistant messages in a row make one turn; a call of the first that has its result already ends that turn before.
    if (this.#unanswered.some((call) => call.result) && !calls.some((call) => call.result)) this.#answer();
    this.#unanswered.push(...calls);
    this.#warnName(message.name, index);
    spendExtra({}, message.extra, format, `messages[${index}].`, this.#context.warn);
    this.#append("model", parts);
  }

  #addOrphans(message: ToolMessage, index: number): void {
    message.content.forEach((part, at) => {
      if (!this.#pairing.orphans.has(part)) return;
      const path = `messages[${index}].content[${at}]`;
      const named = part.name ? ` of ${part.name}` : "";
      const parts = part.content.flatMap((inner, place) => encodeUserPart(inner, `${path}.content[${place}]`, this.#context));
      this.#append("user", [{ text: `Result${named} (call ${part.callId}):` }, ...parts]);
    });
  }

  /** Hoisting it to the head would change the order and lose the prompt cache, so it stays where it is, in the user's voice and marked. */
  #emulateSystem(message: SystemMessage, index: number): void {
    const parts = encodeSystem(message, index, this.#context).map((part) => ({
      ...part,
      text: `<system>\n${String(part.text)}\n</system>`,
    }));
    if (parts.length === 0) return;
    this.#append("user", parts);
    this.#context.warn({
      field: `messages[${index}]`,
      action: "emulated",
      reason: "Gemini takes system messages at the head only: its text was sent in a user turn, marked <system>",
    });
  }

  /** The responses to all calls of the last model turn, together; what they cannot hold follows them. */
  #answer(): void {
    if (this.#unanswered.length === 0) return;
    const responses: Part[] = [];
    const after: Part[] = [];
    for (const call of this.#unanswered) {
      if (call.result) encodeResponse(call.part, call.result, responses, after, this.#context);
      else {
        responses.push(functionResponse(call.part, { error: "No result of this call was recorded." }, this.#context));
        const reason = "a tool call without a result, which Gemini refuses, was answered with an error";
        this.#context.warn({ field: `messages[${call.turn}]`, action: "repaired", reason });
      }
    }
    this.#unanswered = [];
    this.#append("user", [...responses, ...after]);
  }

  #append(role: Content["role"], parts: Part[]): void {
    const last = this.#contents.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else if (parts.length > 0) this.#contents.push({ role, parts });
  }

  /** "Please ensure that function call turn comes immediately after a user turn or after a function response turn." */
  #beginWithUser(): void {
    const first = this.#contents[0];
    if (first && !(first.role === "model" && first.parts.some((part) => part.functionCall))) return;
    this.#contents.unshift({ role: "user", parts: [{ text: "(start of the conversation)" }] });
    this.#context.warn({ field: "messages", action: "repaired", reason: "Gemini needs a user turn first: a placeholder was sent" });
  }

  /**
   * Gemini refuses the current turn when the first call of one of its steps has no signature. Calls that another model made, or whose
   * client lost the signature, get the placeholder that Google documents for them. Earlier turns are not looked at.
   */
  #vouchForCalls(): void {
    if (this.#context.capabilities.reasoning === false) return;
    const start = this.#contents.findLastIndex(({ role, parts }) => role === "user" && !parts.some((part) => part.functionResponse));
    for (const { role, parts } of this.#contents.slice(start + 1)) {
      const first = role === "model" ? parts.find((part) => part.functionCall) : undefined;
      if (!first || first.thoughtSignature !== undefined) continue;
      first.thoughtSignature = sentinel;
      this.#context.warn({
        field: "messages[].content",
        action: "emulated",
        reason: "a tool call that Gemini has not signed was sent with the placeholder that Google documents for it",
      });
    }
  }

  #warnName(name: string | undefined, index: number): void {
    if (name === undefined) return;
    this.#context.warn({ field: `messages[${index}].name`, action: "dropped", reason: "Gemini's contents carry no participant name" });
  }
}

function encodeSystem(message: SystemMessage, index: number, context: EncodeContext): Part[] {
  if (message.name !== undefined) {
    context.warn({ field: `messages[${index}].name`, action: "dropped", reason: "Gemini's contents carry no participant name" });
  }
  spendExtra({}, message.extra, format, `messages[${index}].`, context.warn);
  return message.content
    .map((part, at) => encodeText(part, `messages[${index}].content[${at}]`, context))
    .filter((part) => part !== undefined);
}

// ── function responses ───────────────────────────────────────────────────────────────────────────────────────

function encodeResponse(
  call: ToolCallPart,
  { part, at }: { part: ToolResultPart; at: string },
  responses: Part[],
  after: Part[],
  context: EncodeContext,
): void {
  noteCache(part.cache, context);
  const texts: string[] = [];
  const media: (ImagePart | FilePart)[] = [];
  const inner: Part[] = [];
  part.content.forEach((content, index) => {
    if (content.type === "text") {
      noteCache(content.cache, context);
      texts.push(content.text);
    } else if (content.type === "vendor") inner.push(encodeVendor(content, `${at}.content[${index}]`));
    else if (content.type === "file" && content.source.kind === "text") texts.push(content.source.text);
    else media.push(content);
  });
  const wire = functionResponse(call, responseObject(texts.join("\n"), part.isError ?? false), context);
  const response = wire.functionResponse as JsonObject;
  const encoded = media.flatMap((content) => encodeUserPart(content, `${at}.content[${part.content.indexOf(content)}]`, context));
  if (context.capabilities.toolMedia === true) inner.push(...encoded);
  else if (encoded.length > 0) {
    after.push({ text: `Media in the result of ${call.name}:` }, ...encoded);
    context.warn({ field: at, action: "emulated", reason: "media in a tool result were sent as parts of the user's turn after it" });
  }
  if (inner.length > 0) response.parts = inner;
  const { part: beside, ...fields } = own(part.extra);
  spendExtra(response, part.extra?.format === format ? { format, fields } : part.extra, format, `${at}.`, context.warn);
  responses.push(isObject(beside) ? { ...beside, ...wire } : wire);
}

function functionResponse(call: ToolCallPart, response: JsonObject, context: EncodeContext): Part {
  const fields: JsonObject = { name: wireName(call.name, "tools"), response };
  if (takesId(call.id, context)) fields.id = call.id;
  return { functionResponse: fields };
}

/** The field takes an object and nothing else: 'Use "output" key to specify function output and "error" key to specify error details'. */
function responseObject(text: string, isError: boolean): JsonObject {
  const parsed = text.trimStart().startsWith("{") ? parseJson(text) : undefined;
  if (isError) return { error: isObject(parsed) ? parsed : text || "(no output)" };
  return isObject(parsed) ? parsed : { output: text };
}
