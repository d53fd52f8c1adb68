/**
 * A canonical conversation as Anthropic's turns. The vendor's grammar is strict: user and assistant in turn, every tool call answered
 * in the user turn right after it, all answers together and first. Histories of other formats break each of these rules.
 */

import type {
  AssistantMessage,
  Message,
  SystemMessage,
  ToolCallPart,
  ToolMessage,
  ToolResultPart,
  UserMessage,
} from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { encodeAssistantPart, encodeResult, encodeResultContent, encodeText, encodeUserPart } from "./encode-content.ts";
import type { Block } from "./encode-content.ts";
import { format, own } from "./format.ts";
import { toWireId } from "./names.ts";

export interface Turn {
  role: "user" | "assistant" | "system";
  content: Block[];
  /** Fields beside the content that only this format has. */
  fields: Block;
}

export interface Conversation {
  system: Block[];
  turns: Turn[];
}

export function encodeConversation(messages: Message[], context: EncodeContext): Conversation {
  const head = messages.findIndex((message) => message.role !== "system" && message.role !== "developer");
  const start = head < 0 ? messages.length : head;
  const system: Block[] = [];
  for (let index = 0; index < start; index++) {
    const message = messages[index] as SystemMessage;
    system.push(...encodeSystem(message, index, context));
    // The head of the conversation is a list of texts here: there is no place for more, and foreign fields are named.
    spendExtra({}, message.extra, format, `messages[${index}].`, context.warn);
  }

  const builder = new TurnBuilder(pairCalls(messages, context), context);
  for (let index = start; index < messages.length; index++) builder.add(messages[index] as Message, index);
  return { system, turns: builder.finish() };
}

// ── calls and their results ──────────────────────────────────────────────────────────────────────────────────

interface Call {
  wireId: string;
  /** The index of the assistant message that made it. */
  turn: number;
  result?: { part: ToolResultPart; at: string } | undefined;
}

interface Pairing {
  calls: Map<ToolCallPart, Call>;
  /** Results that answer no call of the conversation. */
  orphans: Set<ToolResultPart>;
}

/**
 * Every call gets an id in the vendor's alphabet that is unique in the request (some vendors count from `call_0` anew each turn), every result the
 * call it answers: the latest one of that id that is still open. The same history always gives the same ids, or the prompt cache would miss.
 */
function pairCalls(messages: Message[], context: EncodeContext): Pairing {
  const calls = new Map<ToolCallPart, Call>();
  const orphans = new Set<ToolResultPart>();
  const open = new Map<string, Call[]>();
  const taken = new Set<string>();
  messages.forEach((message, turn) => {
    if (message.role === "assistant") {
      for (const part of message.content) {
        if (part.type !== "tool-call" || part.name === "") continue;
        const call: Call = { wireId: freeId(toWireId(part.id), taken), turn };
        calls.set(part, call);
        const same = open.get(part.id);
        if (same) same.push(call);
        else open.set(part.id, [call]);
      }
    } else if (message.role === "tool") {
      message.content.forEach((part, index) => {
        const call = takeCall(open.get(part.callId));
        const at = `messages[${turn}].content[${index}]`;
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

function freeId(id: string, taken: Set<string>): string {
  let free = id;
  for (let copy = 2; taken.has(free); copy++) free = `${id}_${copy}`;
  taken.add(free);
  return free;
}

function takeCall(candidates: Call[] | undefined): Call | undefined {
  const latest = candidates?.at(-1)?.turn;
  const index = candidates?.findIndex((call) => call.turn === latest) ?? -1;
  return index < 0 ? undefined : candidates?.splice(index, 1)[0];
}

// ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────

class TurnBuilder {
  readonly #turns: Turn[] = [];
  readonly #pairing: Pairing;
  readonly #context: EncodeContext;
  /** Calls of the last assistant turn, whose results have not been written yet. */
  #unanswered: Call[] = [];
  /** System messages since the last assistant turn: legal only as one message, between a user turn and the answer to it. */
  #waiting: { message: SystemMessage; index: number }[] = [];

  constructor(pairing: Pairing, context: EncodeContext) {
    this.#pairing = pairing;
    this.#context = context;
  }

  add(message: Message, index: number): void {
    switch (message.role) {
      case "system":
      case "developer":
        this.#addSystem(message, index);
        return;
      case "user":
        this.#addUser(message, index);
        return;
      case "assistant":
        this.#addAssistant(message, index);
        return;
      case "tool":
        this.#addResults(message, index);
        return;
    }
  }

  finish(): Turn[] {
    // Calls at the very end wait for their results in a later request; with some results here, the missing ones must be named.
    if (this.#unanswered.some((call) => call.result)) this.#answer();
    this.#placeWaiting();
    return this.#turns;
  }

  #addUser(message: UserMessage, index: number): void {
    this.#answer();
    const blocks: Block[] = [];
    message.content.forEach((part, at) => {
      const block = encodeUserPart(part, `messages[${index}].content[${at}]`, this.#context);
      if (block) blocks.push(block);
    });
    this.#warnName(message.name, index);
    // Dropping an empty turn between two answers would make one answer of them.
    if (blocks.length === 0 && this.#turns.at(-1)?.role !== "user") {
      blocks.push({ type: "text", text: "(empty message)" });
      this.#context.warn({
        field: `messages[${index}].content`,
        action: "repaired",
        reason: "Anthropic refuses an empty user message: a placeholder was sent",
      });
    }
    const fields: Block = {};
    spendExtra(fields, message.extra, format, `messages[${index}].`, this.#context.warn);
    this.#append("user", blocks, fields);
    for (const waiting of this.#waiting) {
      this.#context.warn({
        field: `messages[${waiting.index}]`,
        action: "approximated",
        reason: "Anthropic takes a system message only right before the assistant's turn: it was moved behind the user's next message",
      });
    }
  }

  #addAssistant(message: AssistantMessage, index: number): void {
    this.#placeWaiting();
    const blocks: Block[] = [];
    message.content.forEach((part, at) => {
      const path = `messages[${index}].content[${at}]`;
      const call = part.type === "tool-call" ? this.#pairing.calls.get(part) : undefined;
      if (part.type === "tool-call" && !call) {
        this.#context.warn({ field: `${path}.name`, action: "repaired", reason: "a tool call without a name was left out" });
        return;
      }
      const block = encodeAssistantPart(part, path, this.#context, call?.wireId ?? "");
      if (block) blocks.push(block);
      if (call) this.#unanswered.push(call);
    });
    this.#warnName(message.name, index);
    const fields: Block = {};
    spendExtra(fields, message.extra, format, `messages[${index}].`, this.#context.warn);
    if (blocks.length > 0) this.#append("assistant", blocks, fields);
  }

  #addResults(message: ToolMessage, index: number): void {
    this.#answer();
    message.content.forEach((part, at) => {
      if (!this.#pairing.orphans.has(part)) return;
      const path = `messages[${index}].content[${at}]`;
      const blocks = encodeResultContent(part, path, this.#context);
      const named = part.name ? ` of ${part.name}` : "";
      this.#append("user", [{ type: "text", text: `Result${named} (call ${part.callId}):` }, ...blocks], {});
    });
  }

  #addSystem(message: SystemMessage, index: number): void {
    this.#answer();
    if (this.#takesMidSystem()) this.#waiting.push({ message, index });
    else this.#emulate(message, index);
  }

  #takesMidSystem(): boolean {
    return this.#context.capabilities.midSystem === true && !this.#context.quirks.has("system-first");
  }

  /**
   * The vendor's rules: right after a user turn (or one that ends in a server tool's call), right before an assistant turn or last,
   * never two in a row. Where no user turn precedes, the user's voice remains.
   */
  #placeWaiting(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    const last = this.#turns.at(-1);
    if (last?.role !== "user" && last?.content.at(-1)?.type !== "server_tool_use") {
      for (const { message, index } of waiting) this.#emulate(message, index);
      return;
    }
    const turn: Turn = { role: "system", content: [], fields: {} };
    for (const { message, index } of waiting) {
      spendExtra(turn.fields, message.extra, format, `messages[${index}].`, this.#context.warn);
      const { content: whole, ...rest } = turn.fields;
      turn.fields = rest;
      const blocks = Array.isArray(whole) ? (whole as Block[]).map((block) => ({ ...block })) : encodeSystem(message, index, this.#context);
      turn.content.push(...blocks);
    }
    this.#append("system", turn.content, turn.fields);
  }

  /** Hoisting it to the head would change the order and lose the prompt cache, so it stays where it is, in the user's voice and marked. */
  #emulate(message: SystemMessage, index: number): void {
    if (own(message.extra).content !== undefined) {
      throw unsupportedField(`messages[${index}].content`, "this model takes no changes of its tools within the conversation");
    }
    spendExtra({}, message.extra, format, `messages[${index}].`, this.#context.warn);
    const blocks = encodeSystem(message, index, this.#context).map((block) => ({
      ...block,
      text: `<system>\n${String(block.text)}\n</system>`,
    }));
    if (blocks.length === 0) return;
    this.#append("user", blocks, {});
    this.#context.warn({
      field: `messages[${index}]`,
      action: "emulated",
      reason: "this model takes no system message here: its text was sent in a user turn, marked <system>",
    });
  }

  /** All results of the last assistant turn, together, at the head of the user turn that follows it. */
  #answer(): void {
    if (this.#unanswered.length === 0) return;
    const results: Block[] = [];
    for (const { wireId, result, turn } of this.#unanswered) {
      if (result) results.push(encodeResult(result.part, wireId, result.at, this.#context));
      else {
        results.push({ type: "tool_result", tool_use_id: wireId, content: "No result of this call was recorded.", is_error: true });
        this.#context.warn({
          field: `messages[${turn}]`,
          action: "repaired",
          reason: "a tool call without a result, which Anthropic refuses, was answered with an error",
        });
      }
    }
    this.#unanswered = [];
    this.#append("user", results, {});
  }

  #append(role: Turn["role"], content: Block[], fields: Block): void {
    const last = this.#turns.at(-1);
    const plain = Object.keys(fields).length === 0;
    if (last?.role === role && plain && Object.keys(last.fields).length === 0) last.content.push(...content);
    else if (content.length > 0 || !plain) this.#turns.push({ role, content, fields });
  }

  #warnName(name: string | undefined, index: number): void {
    if (name === undefined) return;
    this.#context.warn({ field: `messages[${index}].name`, action: "dropped", reason: "Anthropic messages carry no participant name" });
  }
}

function encodeSystem(message: SystemMessage, index: number, context: EncodeContext): Block[] {
  const blocks: Block[] = [];
  message.content.forEach((part, at) => {
    const block = encodeText(part, `messages[${index}].content[${at}]`, context);
    if (block) blocks.push(block);
  });
  if (message.name !== undefined) {
    context.warn({ field: `messages[${index}].name`, action: "dropped", reason: "Anthropic messages carry no participant name" });
  }
  return blocks;
}

/** Manual thinking must lead the assistant turn of a running tool loop; clients of other formats do not hand it back. */
export function lacksThinking(turns: Turn[]): boolean {
  let last = turns.length - 1;
  while (last >= 0 && turns[last]?.role !== "assistant") last--;
  const answer = turns[last];
  if (!answer || !answer.content.some((block) => block.type === "tool_use")) return false;
  const first = answer.content[0]?.type;
  return first !== "thinking" && first !== "redacted_thinking";
}
