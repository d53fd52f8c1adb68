/**
 * A canonical conversation as the vendor's turns. Its grammar is strict: the user first, then user and assistant in turn, every tool call answered
 * in the user turn right after it, all answers together. Histories of other formats break each of these rules.
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
import { spendExtra } from "../../codec.ts";
import { encodeResultContent, pushAssistantPart, pushResult, pushText, pushUserPart } from "./encode-content.ts";
import type { Encoding } from "./encode-media.ts";
import { format } from "./format.ts";
import type { Block } from "./format.ts";
import { toShortId, toWireId } from "./names.ts";

export interface Turn {
  role: "user" | "assistant" | "system";
  content: Block[];
}

export interface Conversation {
  system: Block[];
  turns: Turn[];
}

export function encodeConversation(messages: Message[], context: Encoding): Conversation {
  const head = messages.findIndex((message) => message.role !== "system" && message.role !== "developer");
  const start = head < 0 ? messages.length : head;
  const system: Block[] = [];
  for (let index = 0; index < start; index++) pushSystem(system, messages[index] as SystemMessage, index, context);

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
function pairCalls(messages: Message[], context: Encoding): Pairing {
  const calls = new Map<ToolCallPart, Call>();
  const orphans = new Set<ToolResultPart>();
  const open = new Map<string, Call[]>();
  const taken = new Set<string>();
  messages.forEach((message, turn) => {
    if (message.role === "assistant") {
      for (const part of message.content) {
        if (part.type !== "tool-call" || part.name === "") continue;
        const call: Call = { wireId: freeId(part.id, taken, context), turn };
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

function freeId(id: string, taken: Set<string>, context: Encoding): string {
  const wire = context.quirks.has("short-tool-ids") ? toShortId : toWireId;
  let free = wire(id);
  for (let copy = 2; taken.has(free); copy++) free = wire(`${id}_${copy}`);
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
  readonly #context: Encoding;
  /** Calls of the last assistant turn, whose results have not been written yet. */
  #unanswered: Call[] = [];
  /** System messages since the last assistant turn: legal only as one message, between a user turn and the answer to it. */
  #waiting: { message: SystemMessage; index: number }[] = [];

  constructor(pairing: Pairing, context: Encoding) {
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
    const [first] = this.#turns;
    if (first?.role === "assistant") {
      this.#turns.unshift({ role: "user", content: [{ text: "(start of the conversation)" }] });
      this.#context.warn({
        field: "messages",
        action: "repaired",
        reason: "a conversation at Bedrock begins with the user: a placeholder was sent",
      });
    }
    for (const turn of this.#turns) this.#describeDocuments(turn);
    return this.#turns;
  }

  #addUser(message: UserMessage, index: number): void {
    this.#answer();
    const blocks: Block[] = [];
    message.content.forEach((part, at) => pushUserPart(blocks, part, `messages[${index}].content[${at}]`, this.#context));
    this.#warnAside(message, index);
    // Dropping an empty turn between two answers would make one answer of them.
    if (blocks.length === 0 && this.#turns.at(-1)?.role !== "user") {
      blocks.push({ text: "(empty message)" });
      this.#context.warn({
        field: `messages[${index}].content`,
        action: "repaired",
        reason: "Bedrock refuses an empty user message: a placeholder was sent",
      });
    }
    this.#append("user", blocks);
    for (const waiting of this.#waiting) {
      this.#context.warn({
        field: `messages[${waiting.index}]`,
        action: "approximated",
        reason: "a system message stands only right before the assistant's turn here: it was moved behind the user's next message",
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
      pushAssistantPart(blocks, part, path, this.#context, call?.wireId ?? "");
      if (call) this.#unanswered.push(call);
    });
    this.#warnAside(message, index);
    this.#append("assistant", blocks);
  }

  #addResults(message: ToolMessage, index: number): void {
    this.#answer();
    message.content.forEach((part, at) => {
      if (!this.#pairing.orphans.has(part)) return;
      const path = `messages[${index}].content[${at}]`;
      const named = part.name ? ` of ${part.name}` : "";
      const blocks: Block[] = [{ text: `Result${named} (call ${part.callId}):` }];
      for (const block of encodeResultContent(part, path, this.#context)) {
        if (typeof block.text !== "string" || block.text.trim() !== "") blocks.push(block);
      }
      this.#append("user", blocks);
    });
  }

  #addSystem(message: SystemMessage, index: number): void {
    this.#answer();
    const inPlace = this.#context.capabilities.midSystem === true && !this.#context.quirks.has("system-first");
    if (inPlace) this.#waiting.push({ message, index });
    else this.#emulate(message, index);
  }

  /** Right after a user turn, right before an assistant turn or last, never two in a row; where no user turn precedes, the user's voice remains. */
  #placeWaiting(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#turns.at(-1)?.role !== "user") {
      for (const { message, index } of waiting) this.#emulate(message, index);
      return;
    }
    const blocks: Block[] = [];
    for (const { message, index } of waiting) pushSystem(blocks, message, index, this.#context);
    this.#append("system", blocks);
  }

  /** Hoisting it to the head would change the order and lose the prompt cache (litellm#41043), so it stays where it is, in the user's voice and marked. */
  #emulate(message: SystemMessage, index: number): void {
    const blocks: Block[] = [];
    pushSystem(blocks, message, index, this.#context);
    if (blocks.length === 0) return;
    this.#append(
      "user",
      blocks.map((block) => (typeof block.text === "string" ? { ...block, text: `<system>\n${block.text}\n</system>` } : block)),
    );
    this.#context.warn({
      field: `messages[${index}]`,
      action: "emulated",
      reason: "this model takes no system message here: its text was sent in a user turn, marked <system>",
    });
  }

  /** All results of the last assistant turn, together, at the head of the user turn that follows it. */
  #answer(): void {
    if (this.#unanswered.length === 0) return;
    const blocks: Block[] = [];
    for (const { wireId, result, turn } of this.#unanswered) {
      if (result) pushResult(blocks, result.part, wireId, result.at, this.#context);
      else {
        const absent: ToolResultPart = {
          type: "tool-result",
          callId: wireId,
          content: [{ type: "text", text: "No result of this call was recorded." }],
          isError: true,
        };
        pushResult(blocks, absent, wireId, `messages[${turn}]`, this.#context);
        this.#context.warn({
          field: `messages[${turn}]`,
          action: "repaired",
          reason: "a tool call without a result, which Bedrock refuses, was answered with an error",
        });
      }
    }
    this.#unanswered = [];
    this.#append("user", blocks);
  }

  #append(role: Turn["role"], content: Block[]): void {
    if (content.length === 0) return;
    const last = this.#turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else this.#turns.push({ role, content });
  }

  /** "If you include a ContentBlock with a document field, you must also include a ContentBlock with a text field" (API reference, Message). */
  #describeDocuments(turn: Turn): void {
    const first = turn.content.findIndex((block) => block.document !== undefined);
    if (first < 0 || turn.content.some((block) => block.text !== undefined)) return;
    turn.content.splice(first, 0, { text: "(see the attached document)" });
    this.#context.warn({
      field: "messages",
      action: "repaired",
      reason: "Bedrock takes a document only beside a text: a short one was added",
    });
  }

  #warnAside(message: UserMessage | AssistantMessage, index: number): void {
    if (message.name !== undefined) {
      this.#context.warn({ field: `messages[${index}].name`, action: "dropped", reason: "Bedrock messages carry no participant name" });
    }
    spendExtra({}, message.extra, format, `messages[${index}].`, this.#context.warn);
  }
}

function pushSystem(blocks: Block[], message: SystemMessage, index: number, context: Encoding): void {
  message.content.forEach((part, at) => pushText(blocks, part, `messages[${index}].content[${at}]`, context));
  if (message.name !== undefined) {
    context.warn({ field: `messages[${index}].name`, action: "dropped", reason: "Bedrock messages carry no participant name" });
  }
  spendExtra({}, message.extra, format, `messages[${index}].`, context.warn);
}

/** Budgeted thinking must lead the assistant turn of a running tool loop; clients of other formats do not hand it back. */
export function lacksThinking(turns: Turn[]): boolean {
  const answer = turns.findLast(({ role }) => role === "assistant");
  return answer !== undefined && answer.content.some((block) => block.toolUse) && !answer.content[0]?.reasoningContent;
}
