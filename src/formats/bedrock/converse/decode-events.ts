/** The stream as events: whatever the stream does, blocks come out dense, each started once and ended once. */

import type { BlockStart, ChatEvent } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Decoder, Frame } from "../../codec.ts";
import { callId, decodeBlock, decodeCitation, isCall } from "./decode-content.ts";
import { decodeStreamError } from "./errors.ts";
import { decodeFinish } from "./finish.ts";
import type { Seen } from "./finish.ts";
import { format, pocket } from "./format.ts";
import { answerTool, fromWireName } from "./names.ts";
import { decodeUsage } from "./usage.ts";

export function decodeEvents(): Decoder {
  return new ConverseDecoder();
}

/** A block that has begun and not stopped. */
type Open =
  | { kind: "text"; block: number }
  | { kind: "reasoning"; block: number; signature: string }
  | { kind: "redacted"; data: string }
  /** `answer`: the call that stands for a schema; it is told as text. */
  | { kind: "tool-call"; block: number; answer: boolean; empty: boolean }
  /** Held until it is whole: it is one piece in the canonical language. */
  | { kind: "whole"; value: JsonObject };

class ConverseDecoder implements Decoder {
  readonly #open = new Map<unknown, Open>();
  readonly #seen: Seen = { call: false, answer: false };
  #started = false;
  #over = false;
  #nextBlock = 0;
  #stop: JsonObject | undefined;
  #metadata = false;

  push(frame: Frame): ChatEvent[] {
    if (this.#over) return [];
    const trouble = /^(?:exception|error):(.*)$/s.exec(frame.event);
    if (trouble) return this.#fail(decodeStreamError(trouble[1] ?? "", frame.data));
    const data = parseJson(frame.data);
    if (!isObject(data))
      return this.#fail(new GatewayError("provider_bad_response", "The provider sent an event that is not a JSON object."));
    const { contentBlockIndex: index } = data;
    switch (frame.event) {
      case "contentBlockDelta":
        return this.#delta(index, isObject(data.delta) ? data.delta : {});
      case "contentBlockStart":
        return this.#startBlock(index, isObject(data.start) ? data.start : {});
      case "contentBlockStop":
        return this.#stopBlock(index);
      case "messageStart":
        return this.#begin();
      case "messageStop":
        return this.#messageStop(data);
      case "metadata":
        return this.#readMetadata(data);
      default:
        // Gateways that imitate the format send its exceptions as events; any other event is new to us.
        return /exception$/i.test(frame.event) ? this.#fail(decodeStreamError(frame.event, frame.data)) : [];
    }
  }

  /** `metadata` comes before `messageStop` or after it, and may be missing: only the stop reason says that the answer is whole. */
  end(): ChatEvent[] {
    if (this.#over) return [];
    if (this.#stop) return this.#finish();
    return this.#fail(new GatewayError("provider_stream_cut", "The provider's stream ended before the answer was complete."));
  }

  // ── the message ────────────────────────────────────────────────────────────────────────────────────────────

  #begin(): ChatEvent[] {
    if (this.#started) return [];
    this.#started = true;
    return [{ type: "start" }];
  }

  #messageStop(data: JsonObject): ChatEvent[] {
    const events = this.#begin();
    this.#closeAll(events);
    this.#stop = data;
    this.#note(events, { additionalModelResponseFields: data.additionalModelResponseFields });
    return this.#metadata ? [...events, ...this.#finish()] : events;
  }

  #readMetadata(data: JsonObject): ChatEvent[] {
    const events = this.#begin();
    const { usage, trace, performanceConfig, serviceTier, metrics } = data;
    this.#note(events, { trace, performanceConfig, serviceTier, metrics });
    if (isObject(usage)) events.push({ type: "usage", usage: decodeUsage(usage, serviceTier) });
    this.#metadata = true;
    return this.#stop ? [...events, ...this.#finish()] : events;
  }

  #note(events: ChatEvent[], given: Record<string, Json | undefined>): void {
    const fields: JsonObject = {};
    for (const [field, value] of Object.entries(given)) if (value !== undefined && value !== null) fields[field] = value;
    const extra = pocket(fields);
    if (extra) events.push({ type: "extra", extra });
  }

  #finish(): ChatEvent[] {
    this.#over = true;
    const stop = this.#stop ?? {};
    return [
      { type: "finish", choice: 0, finish: decodeFinish(stop.stopReason, stop.additionalModelResponseFields, this.#seen) },
      { type: "end" },
    ];
  }

  #fail(error: GatewayError): ChatEvent[] {
    const events: ChatEvent[] = [];
    this.#closeAll(events);
    events.push({ type: "error", error });
    this.#over = true;
    return events;
  }

  // ── its blocks ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Most models announce calls only; an empty start says nothing about the kind, so the first delta decides. */
  #startBlock(index: unknown, start: JsonObject): ChatEvent[] {
    const events = this.#begin();
    this.#close(index, events);
    const { toolUse } = start;
    if (isObject(toolUse) && isCall(toolUse)) {
      const answer = toolUse.name === answerTool;
      const id = callId(toolUse.toolUseId, this.#nextBlock);
      const block = this.#emitStart(
        events,
        answer ? { kind: "text" } : { kind: "tool-call", id, name: fromWireName(asString(toolUse.name) ?? ""), call: "function" },
      );
      this.#open.set(index, { kind: "tool-call", block, answer, empty: true });
      this.#seen[answer ? "answer" : "call"] = true;
    } else if (Object.keys(start).length > 0) this.#open.set(index, { kind: "whole", value: start });
    return events;
  }

  #delta(index: unknown, delta: JsonObject): ChatEvent[] {
    const open = this.#open.get(index);
    if (typeof delta.text === "string") return this.#text(index, open, delta.text);
    if (isObject(delta.toolUse)) return this.#arguments(open, asString(delta.toolUse.input) ?? "");
    if (isObject(delta.reasoningContent)) return this.#reasoning(index, open, delta.reasoningContent);
    if (isObject(delta.citation)) {
      const events: ChatEvent[] = [];
      const block = open?.kind === "text" ? open.block : this.#openText(index, events);
      events.push({ type: "citation", choice: 0, block, citation: decodeCitation(delta.citation) });
      return events;
    }
    return this.#gather(index, open, delta);
  }

  #text(index: unknown, open: Open | undefined, text: string): ChatEvent[] {
    if (text === "") return [];
    if (open?.kind === "text") return [{ type: "text-delta", choice: 0, block: open.block, text }];
    const events: ChatEvent[] = [];
    events.push({ type: "text-delta", choice: 0, block: this.#openText(index, events), text });
    return events;
  }

  #openText(index: unknown, events: ChatEvent[]): number {
    events.push(...this.#begin());
    this.#close(index, events);
    const block = this.#emitStart(events, { kind: "text" });
    this.#open.set(index, { kind: "text", block });
    return block;
  }

  #arguments(open: Open | undefined, text: string): ChatEvent[] {
    if (open?.kind === "whole") {
      const call = isObject(open.value.toolUse) ? open.value.toolUse : {};
      open.value = { toolUse: { ...call, input: (asString(call.input) ?? "") + text } };
      return [];
    }
    if (text === "") return [];
    // Arguments without a name belong to nothing that could be run.
    if (open?.kind !== "tool-call")
      return this.#fail(new GatewayError("provider_bad_response", "The provider sent the arguments of a tool call that had not begun."));
    open.empty = false;
    return [{ type: open.answer ? "text-delta" : "arguments-delta", choice: 0, block: open.block, text }];
  }

  /** Text, then the signature, which may come in pieces, and also without any text; redacted reasoning is a block by itself. */
  #reasoning(index: unknown, open: Open | undefined, content: JsonObject): ChatEvent[] {
    const events: ChatEvent[] = [];
    const redacted = asString(content.redactedContent);
    if (redacted !== undefined) {
      if (open?.kind === "redacted") open.data = joinBase64(open.data, redacted);
      else {
        events.push(...this.#begin());
        this.#close(index, events);
        this.#open.set(index, { kind: "redacted", data: redacted });
      }
      return events;
    }
    const text = asString(content.text) ?? "";
    const signature = asString(content.signature) ?? "";
    if (text === "" && signature === "") return events;
    let state = open;
    if (state?.kind !== "reasoning") {
      events.push(...this.#begin());
      this.#close(index, events);
      state = { kind: "reasoning", block: this.#emitStart(events, { kind: "reasoning" }), signature: "" };
      this.#open.set(index, state);
    }
    state.signature += signature;
    if (text !== "") events.push({ type: "reasoning-delta", choice: 0, block: state.block, text });
    return events;
  }

  /** Images, results of the vendor's own tools, and what is to come: pieces of one block. */
  #gather(index: unknown, open: Open | undefined, delta: JsonObject): ChatEvent[] {
    const events: ChatEvent[] = [];
    if (Object.keys(delta).length === 0) return events;
    let state = open;
    if (state?.kind !== "whole") {
      events.push(...this.#begin());
      this.#close(index, events);
      state = { kind: "whole", value: {} };
      this.#open.set(index, state);
    }
    state.value = merged(state.value, delta);
    return events;
  }

  #stopBlock(index: unknown): ChatEvent[] {
    const events: ChatEvent[] = [];
    this.#close(index, events);
    return events;
  }

  #closeAll(events: ChatEvent[]): void {
    for (const index of this.#open.keys()) this.#close(index, events);
  }

  #close(index: unknown, events: ChatEvent[]): void {
    const open = this.#open.get(index);
    if (!open) return;
    this.#open.delete(index);
    switch (open.kind) {
      case "text":
        events.push({ type: "block-end", choice: 0, block: open.block });
        return;
      case "reasoning": {
        const state = open.signature === "" ? undefined : ({ format, kind: "signature", data: open.signature } as const);
        events.push({ type: "block-end", choice: 0, block: open.block, ...(state && { state }) });
        return;
      }
      case "redacted": {
        const block = this.#emitStart(events, { kind: "reasoning" });
        events.push({ type: "block-end", choice: 0, block, state: { format, kind: "redacted", data: open.data } });
        return;
      }
      case "tool-call":
        // A tool without parameters is called with no delta, or with an empty one.
        if (open.empty) events.push({ type: open.answer ? "text-delta" : "arguments-delta", choice: 0, block: open.block, text: "{}" });
        events.push({ type: "block-end", choice: 0, block: open.block });
        return;
      case "whole": {
        const value = withInput(open.value);
        const part = decodeBlock(value, this.#nextBlock);
        const content: BlockStart =
          part.type === "media" ? { kind: "media", part } : { kind: "vendor", part: { type: "vendor", format, value } };
        const block = this.#emitStart(events, content);
        events.push({ type: "block-end", choice: 0, block });
      }
    }
  }

  /** The vendor sends one block after the other and does not always say that a text is over: the next block says it. */
  #emitStart(events: ChatEvent[], content: BlockStart): number {
    for (const [index, open] of this.#open) if (open.kind === "text") this.#close(index, events);
    const block = this.#nextBlock;
    this.#nextBlock += 1;
    events.push({ type: "block-start", choice: 0, block, content });
    return block;
  }
}

/** The arguments of the vendor's own tool, streamed as text, are an object in a whole block, and must be one when it goes back. */
function withInput(value: JsonObject): JsonObject {
  const { toolUse } = value;
  if (!isObject(toolUse)) return value;
  const input = typeof toolUse.input === "string" ? parseJson(toolUse.input) : toolUse.input;
  return { ...value, toolUse: { ...toolUse, input: input ?? {} } };
}

/** A later piece adds to an earlier one: lists grow, objects merge, bytes and texts go on; a new word for a thing replaces the old one. */
function merged(before: JsonObject, after: JsonObject): JsonObject {
  const result: JsonObject = { ...before };
  for (const [field, value] of Object.entries(after)) {
    const known = result[field];
    // A result's start tells of it as an object, its deltas are the list of its content.
    if (isObject(known) && Array.isArray(value))
      result[field] = { ...known, content: [...(Array.isArray(known.content) ? known.content : []), ...value] };
    else if (Array.isArray(value)) result[field] = Array.isArray(known) ? [...known, ...value] : { content: value };
    else if (isObject(known) && isObject(value)) result[field] = merged(known, value);
    else if (field === "bytes" && typeof known === "string" && typeof value === "string") result[field] = joinBase64(known, value);
    else result[field] = value;
  }
  return result;
}

/** Each piece of bytes is base64 by itself: only whole groups without padding may be put together as text. */
function joinBase64(one: string, other: string): string {
  if (one.length % 4 === 0 && !one.endsWith("=")) return one + other;
  try {
    return btoa(atob(one) + atob(other));
  } catch {
    return one + other;
  }
}
