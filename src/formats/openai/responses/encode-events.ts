/**
 * Events as the stream of this format. Clients are state machines over it: Codex shows nothing of an item that was not added,
 * the official client refuses a delta of a part that was not, and both wait for exactly one of three endings.
 */

import type { BlockStart, ChatEvent, Citation, Finish, OpaqueState } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Usage } from "../../../canonical/usage.ts";
import type { Encoder, ReplyContext } from "../../codec.ts";
import { malformedCall } from "./encode-reply.ts";
import { errorEvent, responseFailure } from "./errors.ts";
import { writeFinish } from "./finish.ts";
import { format, itemId } from "./format.ts";
import type { ItemPrefix } from "./format.ts";
import {
  callHead,
  callItem,
  carriedBy,
  carriedVendor,
  carrierItem,
  cite,
  contentPart,
  emptyText,
  finalArguments,
  imageItem,
  mediaText,
  messageItem,
  phaseOf,
  reasoningItem,
  withId,
} from "./items.ts";
import type { CallHead, Content } from "./items.ts";
import { conclude, ownFields, responseHead, settings } from "./response.ts";
import type { Head } from "./response.ts";
import { paragraph } from "./state.ts";
import type { Carried } from "./state.ts";

/** The message that neighbouring texts are added to. It is ended by whatever comes next, so that its status may tell of the answer's end. */
interface Speech {
  id: string;
  index: number;
  content: Content[];
}

type Block =
  | { kind: "text"; start: number; citations: Citation[] }
  | { kind: "refusal" }
  | { kind: "reasoning"; id: string; index: number; summary: string[] }
  | { kind: "tool-call"; head: CallHead; index: number; arguments: string }
  | { kind: "other" };

export class ResponsesEncoder implements Encoder {
  readonly #context: ReplyContext;
  readonly #blocks = new Map<number, Block>();
  /** Finished items by their place; `undefined` while they are open. */
  readonly #output: (JsonObject | undefined)[] = [];
  readonly #seen = { calls: false, refusal: false };
  readonly #head: Head = {};
  readonly #extras: JsonObject = {};
  #settings: JsonObject | undefined;
  #begun = false;
  #over = false;
  #sequence = 0;
  #speech: Speech | undefined;
  #logprobs: Json[] = [];
  #usage: Usage | undefined;
  #finish: Finish | undefined;

  constructor(context: ReplyContext) {
    this.#context = context;
  }

  push(event: ChatEvent): string {
    if (this.#over) return "";
    switch (event.type) {
      case "start":
        this.#head.id ??= event.id;
        this.#head.model ??= event.model;
        this.#head.created ??= event.created;
        Object.assign(this.#extras, ownFields(event.extra));
        return this.#begin();
      case "extra":
        Object.assign(this.#extras, ownFields(event.extra));
        this.#settings = undefined;
        return "";
      case "usage":
        this.#usage = event.usage;
        return "";
      case "ping":
        // One newline: a comment and a blank line make old clients dispatch an empty event (theopenco/llmgateway#2334).
        return ": ping\n";
      case "error":
        return this.#fail(event.error);
      case "end":
        return this.#begin() + this.#end();
      case "block-start":
      case "text-delta":
      case "reasoning-delta":
      case "refusal-delta":
      case "arguments-delta":
      case "citation":
      case "logprobs":
      case "block-end":
      case "finish":
        // The format has room for one answer.
        return event.choice === 0 ? this.#begin() + this.#answer(event) : "";
    }
  }

  #answer(event: Exclude<ChatEvent, { type: "start" | "extra" | "usage" | "ping" | "error" | "end" }>): string {
    switch (event.type) {
      case "text-delta":
        return this.#text(event.block, event.text);
      case "reasoning-delta":
        return this.#reasoning(event.block, event.text);
      case "arguments-delta":
        return this.#arguments(event.block, event.text);
      case "refusal-delta":
        return this.#refusal(event.text);
      case "block-start":
        return this.#blockStart(event.block, event.content);
      case "citation": {
        const block = this.#blocks.get(event.block);
        if (block?.kind === "text") block.citations.push(event.citation);
        return "";
      }
      case "logprobs":
        if (Array.isArray(event.logprobs.content)) this.#logprobs.push(...event.logprobs.content);
        return "";
      case "block-end":
        return this.#blockEnd(event.block, event.state);
      case "finish":
        this.#finish = event.finish;
        return "";
    }
  }

  // ── the response ───────────────────────────────────────────────────────────────────────────────────────────

  #begin(): string {
    if (this.#begun) return "";
    this.#begun = true;
    return (
      this.#tell("response.created", { response: this.#response("in_progress") }) +
      this.#tell("response.in_progress", { response: this.#response("in_progress") })
    );
  }

  /** A request may hold tens of kilobytes of instructions and tools, and three events repeat them. */
  #response(status: string): JsonObject {
    this.#settings ??= settings(this.#context.body, this.#extras);
    return { ...responseHead(this.#head, status, this.#context), ...this.#settings };
  }

  #end(): string {
    if (!this.#finish) return this.#fail(new GatewayError("provider_stream_cut", "The provider's answer ended before it was complete."));
    const { status } = writeFinish(this.#finish, this.#seen);
    const rest = this.#endAll(status === "incomplete" ? "incomplete" : "completed");
    if (this.#finish.reason === "malformed-call") return rest + this.#fail(malformedCall());
    this.#over = true;
    const output = this.#output.filter((item) => item !== undefined);
    const response = conclude(this.#response(status), { finish: this.#finish, output, usage: this.#usage, seen: this.#seen });
    return rest + this.#tell(status === "incomplete" ? "response.incomplete" : "response.completed", { response });
  }

  /** `error` for the SDKs, which throw at it, and `response.failed` for Codex, which does not know the other (zyycn/codex-proxy-rs#90). */
  #fail(error: GatewayError): string {
    const begun = this.#begin();
    this.#over = true;
    const { callId } = this.#context;
    const event = write("error", errorEvent(error, callId, this.#sequence++));
    const output = this.#output.filter((item) => item !== undefined);
    const response: JsonObject = { ...this.#response("failed"), error: responseFailure(error, callId), output };
    return begun + event + this.#tell("response.failed", { response });
  }

  #tell(type: string, members: JsonObject): string {
    return write(type, { type, sequence_number: this.#sequence++, ...members });
  }

  /** The hot path: one string, no object. */
  #delta(type: string, place: string, text: string, more = ""): string {
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#sequence++},${place},"delta":${JSON.stringify(text)}${more}}\n\n`;
  }

  // ── items ──────────────────────────────────────────────────────────────────────────────────────────────────

  #id(prefix: ItemPrefix): string {
    return itemId(prefix, this.#context.callId, this.#output.length);
  }

  #add(item: JsonObject): { index: number; out: string } {
    const index = this.#output.length;
    this.#output.push(undefined);
    return { index, out: this.#tell("response.output_item.added", { output_index: index, item }) };
  }

  #done(index: number, item: JsonObject): string {
    this.#output[index] = item;
    return this.#tell("response.output_item.done", { output_index: index, item });
  }

  #whole(item: JsonObject): string {
    const { index, out } = this.#add(item);
    return out + this.#done(index, item);
  }

  #carry(carried: Carried | undefined): string {
    return carried ? this.#whole(carrierItem(this.#id("rs"), carried)) : "";
  }

  #blockStart(block: number, content: BlockStart): string {
    if (content.kind === "text") {
      const last = this.#speech?.content.at(-1);
      this.#blocks.set(block, { kind: "text", start: last?.kind === "output_text" ? last.text.length : 0, citations: [] });
      return "";
    }
    if (content.kind === "refusal") {
      this.#seen.refusal = true;
      this.#blocks.set(block, { kind: "refusal" });
      return "";
    }
    const before = this.#endSpeech();
    switch (content.kind) {
      case "reasoning": {
        const id = this.#id("rs");
        const { index, out } = this.#add({ id, type: "reasoning", summary: [] });
        this.#blocks.set(block, { kind: "reasoning", id, index, summary: [] });
        return before + out;
      }
      case "tool-call": {
        this.#seen.calls = true;
        const custom = content.call === "custom" || this.#context.customTools.has(content.name);
        const head = callHead(
          this.#id(custom ? "ctc" : "fc"),
          { id: content.id, name: content.name, kind: content.call, extra: content.extra },
          this.#context,
        );
        const { index, out } = this.#add(callItem(head, "in_progress", ""));
        this.#blocks.set(block, { kind: "tool-call", head, index, arguments: "" });
        return before + out;
      }
      case "media": {
        this.#blocks.set(block, { kind: "other" });
        const item = imageItem(this.#id("ig"), content.part);
        return before + (item ? this.#whole(item) : this.#speak(mediaText(content.part)));
      }
      case "vendor":
        this.#blocks.set(block, { kind: "other" });
        return (
          before +
          (content.part.format === format
            ? this.#whole(withId(content.part.value, this.#id("it")))
            : this.#carry(carriedVendor(content.part)))
        );
    }
  }

  #blockEnd(number: number, state: OpaqueState | undefined): string {
    const block = this.#blocks.get(number);
    this.#blocks.delete(number);
    switch (block?.kind) {
      case "text":
        return this.#endText(block, state);
      case "reasoning":
        return this.#endReasoning(block, state);
      case "tool-call":
        return this.#endCall(block, state);
      case "refusal":
      case "other":
      case undefined:
        return "";
    }
  }

  /** What an answer that broke off has left open. */
  #endAll(status: string): string {
    let out = "";
    for (const number of this.#blocks.keys()) out += this.#blockEnd(number, undefined);
    return out + this.#endSpeech(status);
  }

  // ── text ───────────────────────────────────────────────────────────────────────────────────────────────────

  #text(number: number, text: string): string {
    const block = this.#blocks.get(number);
    if (block?.kind !== "text" || text === "") return "";
    return this.#speak(text);
  }

  #speak(text: string): string {
    const { speech, out } = this.#content("output_text");
    const content = speech.content.at(-1) as Content;
    content.text += text;
    return out + this.#delta("response.output_text.delta", place(speech), text, ',"logprobs":[]');
  }

  #refusal(text: string): string {
    const { speech, out } = this.#content("refusal");
    const content = speech.content.at(-1) as Content;
    content.text += text;
    return out + this.#delta("response.refusal.delta", place(speech), text);
  }

  /** The open part of this kind; what stands before it is ended, and what is missing is begun. */
  #content(kind: Content["kind"]): { speech: Speech; out: string } {
    let out = "";
    let speech = this.#speech;
    if (!speech) {
      const id = this.#id("msg");
      const added = this.#add({ id, type: "message", role: "assistant", status: "in_progress", content: [] });
      speech = { id, index: added.index, content: [] };
      this.#speech = speech;
      out = added.out;
    }
    if (speech.content.at(-1)?.kind === kind) return { speech, out };
    out += this.#endPart(speech);
    const content: Content = kind === "refusal" ? { kind, text: "" } : emptyText();
    speech.content.push(content);
    return { speech, out: out + this.#tell("response.content_part.added", { ...where(speech), part: contentPart(content) }) };
  }

  #endText(block: Extract<Block, { kind: "text" }>, state: OpaqueState | undefined): string {
    let out = "";
    if (block.citations.length > 0) {
      const opened = this.#content("output_text");
      out = opened.out;
      const content = opened.speech.content.at(-1);
      if (content?.kind === "output_text") {
        for (const citation of block.citations) {
          const index = content.annotations.length;
          const annotation = cite(content, citation, { start: Math.min(block.start, content.text.length), end: content.text.length });
          if (annotation)
            out += this.#tell("response.output_text.annotation.added", { ...where(opened.speech), annotation_index: index, annotation });
        }
      }
    }
    if (!state) return out;
    const phase = phaseOf(state);
    out += this.#endSpeech("completed", phase);
    return phase === undefined ? out + this.#carry(carriedBy("text", { state }, this.#context)) : out;
  }

  #endPart(speech: Speech): string {
    const content = speech.content.at(-1);
    if (!content) return "";
    const at = where(speech);
    if (content.kind === "refusal") {
      return (
        this.#tell("response.refusal.done", { ...at, refusal: content.text }) +
        this.#tell("response.content_part.done", { ...at, part: contentPart(content) })
      );
    }
    content.logprobs.push(...this.#logprobs);
    this.#logprobs = [];
    return (
      this.#tell("response.output_text.done", { ...at, text: content.text, logprobs: content.logprobs }) +
      this.#tell("response.content_part.done", { ...at, part: contentPart(content) })
    );
  }

  #endSpeech(status = "completed", phase?: string): string {
    const speech = this.#speech;
    if (!speech) return "";
    this.#speech = undefined;
    return this.#endPart(speech) + this.#done(speech.index, messageItem(speech.id, status, speech.content, phase));
  }

  // ── reasoning ──────────────────────────────────────────────────────────────────────────────────────────────

  #reasoning(number: number, text: string): string {
    const block = this.#blocks.get(number);
    if (block?.kind !== "reasoning" || text === "") return "";
    let out = "";
    if (text === paragraph && block.summary.length > 0) {
      out = this.#endSummary(block);
      block.summary.push("");
      return out + this.#beginSummary(block);
    }
    if (block.summary.length === 0) {
      block.summary.push("");
      out = this.#beginSummary(block);
    }
    block.summary[block.summary.length - 1] += text;
    return (
      out +
      this.#delta(
        "response.reasoning_summary_text.delta",
        `"item_id":"${block.id}","output_index":${block.index},"summary_index":${block.summary.length - 1}`,
        text,
      )
    );
  }

  #beginSummary(block: Extract<Block, { kind: "reasoning" }>): string {
    return this.#tell("response.reasoning_summary_part.added", { ...summaryPlace(block), part: { type: "summary_text", text: "" } });
  }

  #endSummary(block: Extract<Block, { kind: "reasoning" }>): string {
    const text = block.summary.at(-1);
    if (text === undefined) return "";
    return (
      this.#tell("response.reasoning_summary_text.done", { ...summaryPlace(block), text }) +
      this.#tell("response.reasoning_summary_part.done", { ...summaryPlace(block), part: { type: "summary_text", text } })
    );
  }

  #endReasoning(block: Extract<Block, { kind: "reasoning" }>, state: OpaqueState | undefined): string {
    return this.#endSummary(block) + this.#done(block.index, reasoningItem(block.id, block.summary, state, this.#context));
  }

  // ── calls ──────────────────────────────────────────────────────────────────────────────────────────────────

  #arguments(number: number, text: string): string {
    const block = this.#blocks.get(number);
    if (block?.kind !== "tool-call" || text === "") return "";
    const { head, arguments: before } = block;
    block.arguments += text;
    // Only the end tells what stands inside of the wrapping, and whether blanks are all there is.
    if (head.wrapped || (!head.custom && block.arguments.trim() === "")) return "";
    return this.#argumentsDelta(block, !head.custom && before.trim() === "" ? block.arguments : text);
  }

  #argumentsDelta({ head, index }: Extract<Block, { kind: "tool-call" }>, text: string): string {
    const type = head.custom ? "response.custom_tool_call_input.delta" : "response.function_call_arguments.delta";
    return this.#delta(type, `"item_id":"${head.id}","output_index":${index}`, text);
  }

  #endCall(block: Extract<Block, { kind: "tool-call" }>, state: OpaqueState | undefined): string {
    const { head, index } = block;
    const text = finalArguments(head, block.arguments);
    const untold = head.wrapped || (!head.custom && block.arguments.trim() === "");
    let out = untold && text !== "" ? this.#argumentsDelta(block, text) : "";
    const at = { item_id: head.id, output_index: index };
    out += head.custom
      ? this.#tell("response.custom_tool_call_input.done", { ...at, input: text })
      : this.#tell("response.function_call_arguments.done", { ...at, name: head.name, arguments: text });
    out += this.#done(index, callItem(head, "completed", text));
    return out + this.#carry(carriedBy("tool-call", { state, extra: head.foreign }, this.#context));
  }
}

function write(type: string, data: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function where(speech: Speech): JsonObject {
  return { item_id: speech.id, output_index: speech.index, content_index: speech.content.length - 1 };
}

function place(speech: Speech): string {
  return `"item_id":"${speech.id}","output_index":${speech.index},"content_index":${speech.content.length - 1}`;
}

function summaryPlace(block: Extract<Block, { kind: "reasoning" }>): JsonObject {
  return { item_id: block.id, output_index: block.index, summary_index: block.summary.length - 1 };
}
