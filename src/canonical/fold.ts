/** The JSON answer is the fold of its events, and a whole answer unfolds into events again: one path for streamed and not. */

import type { AssistantPart, BlockStart, ChatEvent, ChatReply, Choice, Extra, Finish, ToolCallPart } from "./chat.ts";
import { GatewayError } from "./errors.ts";
import type { JsonObject } from "./json.ts";

/** Collects events into a reply. `push` throws the error that an `error` event carries; `reply()` throws when no choice has finished. */
export class Fold {
  readonly #reply: ChatReply = { choices: [] };
  readonly #open: Map<number, AssistantPart>[] = [];
  readonly #finished: boolean[] = [];

  push(event: ChatEvent): void {
    switch (event.type) {
      case "start":
        if (event.id !== undefined) this.#reply.id ??= event.id;
        if (event.model !== undefined) this.#reply.model ??= event.model;
        if (event.created !== undefined) this.#reply.created ??= event.created;
        if (event.extra) this.#addExtra(event.extra);
        return;
      case "block-start": {
        const part = startedPart(event.content);
        this.#choice(event.choice).content.push(part);
        this.#blocks(event.choice).set(event.block, part);
        return;
      }
      case "text-delta":
      case "reasoning-delta":
      case "refusal-delta": {
        const part = this.#blocks(event.choice).get(event.block);
        if (part && "text" in part) part.text += event.text;
        return;
      }
      case "arguments-delta": {
        const part = this.#blocks(event.choice).get(event.block);
        if (part?.type === "tool-call") part.arguments += event.text;
        return;
      }
      case "citation": {
        const part = this.#blocks(event.choice).get(event.block);
        if (part?.type === "text") (part.citations ??= []).push(event.citation);
        return;
      }
      case "logprobs":
        this.#choice(event.choice).logprobs = mergeLogprobs(this.#choice(event.choice).logprobs, event.logprobs);
        return;
      case "block-end": {
        const part = this.#blocks(event.choice).get(event.block);
        if (
          part &&
          event.state &&
          (part.type === "text" || part.type === "reasoning" || part.type === "tool-call" || part.type === "media")
        ) {
          part.state = event.state;
        }
        return;
      }
      case "finish":
        this.#choice(event.choice).finish = event.finish;
        this.#finished[event.choice] = true;
        return;
      case "usage":
        this.#reply.usage = event.usage;
        return;
      case "extra":
        this.#addExtra(event.extra);
        return;
      case "error":
        throw event.error;
      case "ping":
      case "end":
        return;
    }
  }

  reply(): ChatReply {
    if (this.#reply.choices.length === 0 || this.#reply.choices.some((_, index) => !this.#finished[index])) {
      throw new GatewayError("provider_stream_cut", "The provider's answer ended before it was complete.");
    }
    return this.#reply;
  }

  #choice(index: number): Choice {
    while (this.#reply.choices.length <= index) {
      this.#reply.choices.push({ content: [], finish: { reason: "unknown" } });
    }
    return this.#reply.choices[index] as Choice;
  }

  #blocks(choice: number): Map<number, AssistantPart> {
    return (this.#open[choice] ??= new Map());
  }

  #addExtra(extra: Extra): void {
    const known = this.#reply.extra;
    if (!known) this.#reply.extra = { format: extra.format, fields: { ...extra.fields } };
    else if (known.format === extra.format) Object.assign(known.fields, extra.fields);
  }
}

/** `fold(events)`: the reply that these events tell. */
export function fold(events: Iterable<ChatEvent>): ChatReply {
  const folding = new Fold();
  for (const event of events) folding.push(event);
  return folding.reply();
}

/** The events that tell this reply: what a replayed or cached answer streams. */
export function unfold(reply: ChatReply): ChatEvent[] {
  const events: ChatEvent[] = [{ type: "start", id: reply.id, model: reply.model, created: reply.created, extra: reply.extra }];
  reply.choices.forEach((choice, index) => {
    choice.content.forEach((part, block) => unfoldPart(events, part, index, block));
    if (choice.logprobs) events.push({ type: "logprobs", choice: index, logprobs: choice.logprobs });
    events.push({ type: "finish", choice: index, finish: choice.finish });
  });
  if (reply.usage) events.push({ type: "usage", usage: reply.usage });
  events.push({ type: "end" });
  return events;
}

/** For a decoder of whole replies: the finish of one choice. */
export function finishEvent(choice: number, finish: Finish): ChatEvent {
  return { type: "finish", choice, finish };
}

/** Appends the events of one complete part. */
export function unfoldPart(events: ChatEvent[], part: AssistantPart, choice: number, block: number): void {
  const at = { choice, block };
  switch (part.type) {
    case "text":
      events.push({ type: "block-start", ...at, content: { kind: "text" } });
      if (part.text !== "") events.push({ type: "text-delta", ...at, text: part.text });
      for (const citation of part.citations ?? []) events.push({ type: "citation", ...at, citation });
      events.push({ type: "block-end", ...at, state: part.state });
      return;
    case "refusal":
      events.push({ type: "block-start", ...at, content: { kind: "refusal" } });
      if (part.text !== "") events.push({ type: "refusal-delta", ...at, text: part.text });
      events.push({ type: "block-end", ...at });
      return;
    case "reasoning":
      events.push({ type: "block-start", ...at, content: { kind: "reasoning" } });
      if (part.text !== "") events.push({ type: "reasoning-delta", ...at, text: part.text });
      events.push({ type: "block-end", ...at, state: part.state });
      return;
    case "tool-call":
      events.push({ type: "block-start", ...at, content: startedCall(part) });
      if (part.arguments !== "") events.push({ type: "arguments-delta", ...at, text: part.arguments });
      events.push({ type: "block-end", ...at, state: part.state });
      return;
    case "media":
      events.push({ type: "block-start", ...at, content: { kind: "media", part } }, { type: "block-end", ...at, state: part.state });
      return;
    case "vendor":
      events.push({ type: "block-start", ...at, content: { kind: "vendor", part } }, { type: "block-end", ...at });
      return;
  }
}

function startedCall(part: ToolCallPart): BlockStart {
  return { kind: "tool-call", id: part.id, name: part.name, call: part.kind, ...(part.extra && { extra: part.extra }) };
}

function startedPart(start: BlockStart): AssistantPart {
  switch (start.kind) {
    case "text":
      return { type: "text", text: "" };
    case "refusal":
      return { type: "refusal", text: "" };
    case "reasoning":
      return { type: "reasoning", text: "" };
    case "tool-call":
      return {
        type: "tool-call",
        id: start.id,
        name: start.name,
        kind: start.call,
        arguments: "",
        ...(start.extra && { extra: start.extra }),
      };
    case "media":
    case "vendor":
      return { ...start.part };
  }
}

/** Chat streams log probabilities piecewise as `{content: [...], refusal: [...]}`: lists are joined, other values replaced. */
function mergeLogprobs(known: JsonObject | undefined, more: JsonObject): JsonObject {
  if (!known) return { ...more };
  const merged: JsonObject = { ...known };
  for (const [key, value] of Object.entries(more)) {
    const before = merged[key];
    merged[key] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : (value ?? before);
  }
  return merged;
}
