/** Anthropic's stream as events: whatever the stream does, blocks come out dense, each started once and ended once. */

import type { BlockStart, ChatEvent } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Decoder, Frame } from "../../codec.ts";
import { callExtra, decodeCitation, decodeSignature, vendorPart } from "./decode-content.ts";
import { decodeReplyBlock, startEvent } from "./decode-reply.ts";
import { decodeStreamError } from "./errors.ts";
import { decodeFinish } from "./finish.ts";
import { format, pocket } from "./format.ts";
import { fromWireId, fromWireName } from "./names.ts";
import { decodeUsage, mergeUsage } from "./usage.ts";

export function decodeEvents(): Decoder {
  return new MessagesDecoder();
}

/** A block that the vendor has started and not stopped. */
type Open =
  | { kind: "text" | "reasoning"; block: number; signature: string }
  | { kind: "redacted"; data: string }
  | { kind: "tool-call"; block: number; start: JsonObject; input: string }
  /** Held until it is whole: a vendor part is one piece in the canonical language. */
  | { kind: "vendor"; value: JsonObject; input: string };

class MessagesDecoder implements Decoder {
  readonly #open = new Map<unknown, Open>();
  #started = false;
  #id: string | undefined;
  #over = false;
  #nextBlock = 0;
  #calledTool = false;
  #usage: JsonObject | undefined;
  #stop: JsonObject | undefined;

  push(frame: Frame): ChatEvent[] {
    if (this.#over) return [];
    const data = parseJson(frame.data);
    if (!isObject(data)) {
      // Some proxies end this format's streams in another's manner.
      if (frame.data.trim() === "[DONE]") return [];
      return this.#fail(new GatewayError("provider_bad_response", "The provider sent an event that is not a JSON object."));
    }
    switch (data.type ?? frame.event) {
      case "content_block_delta":
        return this.#delta(data.index, isObject(data.delta) ? data.delta : {});
      case "content_block_start":
        return this.#startBlock(data.index, isObject(data.content_block) ? data.content_block : {});
      case "content_block_stop":
        return this.#stopBlock(data.index);
      case "message_start":
        return this.#start(isObject(data.message) ? data.message : {});
      case "message_delta":
        return this.#messageDelta(data);
      case "message_stop":
        return this.#finish();
      case "ping":
        return [{ type: "ping" }];
      case "error":
        return this.#fail(decodeStreamError(data));
      default:
        // A bare `{"error": …}` is an error whatever it calls itself; any other event is new to us.
        return isObject(data.error) ? this.#fail(decodeStreamError(data)) : [];
    }
  }

  end(): ChatEvent[] {
    if (this.#over) return [];
    // Some gateways in front of the vendor never send message_stop: the stop reason has said that the answer is whole.
    if (asString(this.#stop?.stop_reason) !== undefined) return this.#finish();
    return this.#fail(new GatewayError("provider_stream_cut", "The provider's stream ended before the answer was complete."));
  }

  // ── the message ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Recorded: proxies repeat message_start, or splice a second answer behind a first that broke off. A repetition is nothing new.
   * Half an answer cannot be taken back, and half a tool call must not be run, so a second answer is an error, unless the first
   * has said why it stopped: then it is the answer.
   */
  #start(message: JsonObject): ChatEvent[] {
    const id = asString(message.id);
    if (this.#started && id !== this.#id && this.#nextBlock > 0) {
      if (this.#stop) return this.#finish();
      return this.#fail(new GatewayError("provider_stream_cut", "The provider broke off its answer and started another one."));
    }
    const events: ChatEvent[] = this.#started ? [] : [startEvent(message)];
    this.#started = true;
    this.#id = id;
    if (isObject(message.usage)) events.push(this.#countUsage(message.usage));
    // Deferred results of programmatic tool calls stand in the message itself.
    if (Array.isArray(message.content) && this.#nextBlock === 0) {
      message.content.forEach((block, index) => {
        if (isObject(block)) events.push(...this.#startBlock(index, block), ...this.#stopBlock(index));
      });
    }
    return events;
  }

  #messageDelta(data: JsonObject): ChatEvent[] {
    const events: ChatEvent[] = this.#begin();
    const { stop_reason, stop_sequence, stop_details, ...more } = isObject(data.delta) ? data.delta : {};
    if (asString(stop_reason) !== undefined) this.#stop = { stop_reason, stop_sequence, stop_details };
    const fields: JsonObject = {};
    for (const [field, value] of Object.entries({ ...more, context_management: data.context_management })) {
      if (value !== null && value !== undefined) fields[field] = value;
    }
    const extra = pocket(fields);
    if (extra) events.push({ type: "extra", extra });
    if (isObject(data.usage)) events.push(this.#countUsage(data.usage));
    return events;
  }

  #finish(): ChatEvent[] {
    const events = this.#begin();
    this.#closeAll(events);
    events.push({ type: "finish", choice: 0, finish: decodeFinish(this.#stop ?? {}, this.#calledTool) }, { type: "end" });
    this.#over = true;
    return events;
  }

  #fail(error: GatewayError): ChatEvent[] {
    const events: ChatEvent[] = [];
    this.#closeAll(events);
    events.push({ type: "error", error });
    this.#over = true;
    return events;
  }

  #begin(): ChatEvent[] {
    if (this.#started) return [];
    this.#started = true;
    return [{ type: "start" }];
  }

  #countUsage(raw: JsonObject): ChatEvent {
    this.#usage = mergeUsage(this.#usage, raw);
    return { type: "usage", usage: decodeUsage(this.#usage) };
  }

  // ── its blocks ─────────────────────────────────────────────────────────────────────────────────────────────

  #startBlock(index: unknown, content: JsonObject): ChatEvent[] {
    const events = this.#begin();
    this.#close(index, events);
    switch (content.type) {
      case "text": {
        const block = this.#emitStart(events, { kind: "text" });
        this.#open.set(index, { kind: "text", block, signature: "" });
        const text = asString(content.text);
        if (text) events.push({ type: "text-delta", choice: 0, block, text });
        for (const raw of Array.isArray(content.citations) ? content.citations : []) {
          if (isObject(raw)) events.push({ type: "citation", choice: 0, block, citation: decodeCitation(raw) });
        }
        break;
      }
      case "thinking": {
        const block = this.#emitStart(events, { kind: "reasoning" });
        this.#open.set(index, { kind: "reasoning", block, signature: asString(content.signature) ?? "" });
        const text = asString(content.thinking);
        if (text) events.push({ type: "reasoning-delta", choice: 0, block, text });
        break;
      }
      case "redacted_thinking":
        this.#open.set(index, { kind: "redacted", data: asString(content.data) ?? "" });
        break;
      case "tool_use": {
        const extra = callExtra(content);
        const id = fromWireId(asString(content.id) ?? "");
        const name = fromWireName(asString(content.name) ?? "");
        const block = this.#emitStart(events, { kind: "tool-call", id, name, call: "function", ...(extra && { extra }) });
        this.#open.set(index, { kind: "tool-call", block, start: content, input: "" });
        this.#calledTool = true;
        break;
      }
      default:
        this.#open.set(index, { kind: "vendor", value: content, input: "" });
    }
    return events;
  }

  #delta(index: unknown, delta: JsonObject): ChatEvent[] {
    const open = this.#open.get(index);
    switch (delta.type) {
      case "text_delta":
        return this.#text("text", index, open, asString(delta.text) ?? "");
      case "thinking_delta":
        return this.#text("reasoning", index, open, asString(delta.thinking) ?? "");
      case "input_json_delta": {
        const text = asString(delta.partial_json) ?? "";
        if (text === "" || (open?.kind !== "tool-call" && open?.kind !== "vendor")) return [];
        open.input += text;
        return open.kind === "vendor" ? [] : [{ type: "arguments-delta", choice: 0, block: open.block, text }];
      }
      case "signature_delta":
        // Several pieces make one signature (#534 at pensarai/apex lost all but the last).
        if (open?.kind === "reasoning") open.signature += asString(delta.signature) ?? "";
        return [];
      case "citations_delta":
        if (open?.kind !== "text" || !isObject(delta.citation)) return [];
        return [{ type: "citation", choice: 0, block: open.block, citation: decodeCitation(delta.citation) }];
      default: {
        // `compaction_delta`, and what is to come: the delta brings the block's fields in their final value.
        const { type: _, ...fields } = delta;
        if (open?.kind === "vendor") open.value = { ...open.value, ...fields };
        return [];
      }
    }
  }

  /** Text for a block that is missing or of another kind (seen from servers that imitate the format) starts a block of its own. */
  #text(kind: "text" | "reasoning", index: unknown, open: Open | undefined, text: string): ChatEvent[] {
    if (text === "") return [];
    const type = kind === "text" ? "text-delta" : "reasoning-delta";
    if (open?.kind === kind) return [{ type, choice: 0, block: open.block, text }];
    const events = this.#begin();
    this.#close(index, events);
    const block = this.#emitStart(events, { kind });
    this.#open.set(index, { kind, block, signature: "" });
    events.push({ type, choice: 0, block, text });
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
        const state = decodeSignature(open.signature);
        events.push({ type: "block-end", choice: 0, block: open.block, ...(state && { state }) });
        return;
      }
      case "redacted": {
        const block = this.#emitStart(events, { kind: "reasoning" });
        events.push({ type: "block-end", choice: 0, block, state: { format, kind: "redacted", data: open.data } });
        return;
      }
      case "tool-call": {
        // `input` in the start is a placeholder, save from servers that send it whole there and no deltas.
        if (open.input === "") {
          const part = decodeReplyBlock(open.start);
          if (part.type === "tool-call") events.push({ type: "arguments-delta", choice: 0, block: open.block, text: part.arguments });
        }
        events.push({ type: "block-end", choice: 0, block: open.block });
        return;
      }
      case "vendor": {
        const input = open.input === "" ? undefined : parseJson(open.input);
        const value = input === undefined ? open.value : { ...open.value, input };
        const block = this.#emitStart(events, { kind: "vendor", part: vendorPart(value) });
        events.push({ type: "block-end", choice: 0, block });
      }
    }
  }

  #emitStart(events: ChatEvent[], content: BlockStart): number {
    const block = this.#nextBlock;
    this.#nextBlock += 1;
    events.push({ type: "block-start", choice: 0, block, content });
    return block;
  }
}
