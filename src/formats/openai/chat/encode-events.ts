/** Events as the stream of this format: one id, one role a choice, dense tool indexes, usage when asked, `[DONE]` once and last. */

import type { ChatEvent, Citation, OpaqueState, ReasoningPart, ToolCallPart } from "../../../canonical/chat.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Usage } from "../../../canonical/usage.ts";
import type { Encoder, ReplyContext } from "../../codec.ts";
import { writeCitation } from "./citations.ts";
import { isFreeForm, speaksOfFunctions, unwrapInput } from "./client-calls.ts";
import { writeMedia } from "./encode-reply.ts";
import { encodeStreamError } from "./errors.ts";
import { writeFinish } from "./finish.ts";
import { format, own } from "./format.ts";
import { writeTextState, writeVendorBlock } from "./message-extension.ts";
import type { BlockPlace } from "./message-extension.ts";
import type { Place } from "./placement.ts";
import { writeDetail, writeExtraContent } from "./state.ts";
import { writeUsage } from "./usage.ts";

type Block =
  | { kind: "text"; citations: Citation[] }
  | { kind: "reasoning"; part: ReasoningPart; place: Place }
  | { kind: "tool-call"; part: ToolCallPart; index: number; as: "function" | "custom" | "legacy"; told: boolean }
  | { kind: "other" };

/** What has been told of one choice. */
type List = "reasoning_details" | "annotations" | "citations" | "blocks";

class ChoiceState {
  readonly blocks = new Map<number, Block>();
  text = 0;
  calls = 0;
  refused = false;
  /** Reasoning blocks whose entry has not been sent: it is only when something would be lost without. */
  pending: { part: ReasoningPart; place: Place }[] = [];
  details = 0;
  /** What has been carried, list by list: sent whole with the finish. */
  readonly lists: Record<List, Json[]> = { reasoning_details: [], annotations: [], citations: [], blocks: [] };
  images = 0;
  finished = false;

  place(): Place {
    return { text: this.text, calls: this.calls };
  }

  blockPlace(): BlockPlace {
    return { ...this.place(), index: this.lists.blocks.length, details: this.details + this.pending.length };
  }
}

export class ChatEncoder implements Encoder {
  readonly #context: ReplyContext;
  readonly #choices = new Map<number, ChoiceState>();
  #id: string | undefined;
  #model: string | undefined;
  #created: number | undefined;
  /** Fields for every chunk (scalars), and for the last one only. */
  readonly #extras: JsonObject = {};
  #usage: Usage | undefined;
  /** Everything in a chunk before its choices, made once. */
  #head = "";
  readonly #tail: string;
  readonly #legacy: boolean;
  #over = false;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#legacy = speaksOfFunctions(context);
    // OpenAI sends `usage: null` on all chunks but the last when usage was asked for.
    this.#tail = context.includeUsage ? '],"usage":null}\n\n' : "]}\n\n";
  }

  push(event: ChatEvent): string {
    if (this.#over) return "";
    switch (event.type) {
      case "text-delta":
        return this.#text(event.choice, event.text);
      case "reasoning-delta":
        return this.#reasoning(event.choice, event.block, event.text);
      case "arguments-delta":
        return this.#arguments(event.choice, event.block, event.text);
      case "start":
        this.#start(event);
        return "";
      case "block-start":
        return this.#blockStart(event);
      case "refusal-delta":
        this.#choice(event.choice).refused = true;
        return this.#delta(event.choice, `"refusal":${JSON.stringify(event.text)}`);
      case "citation": {
        const block = this.#choice(event.choice).blocks.get(event.block);
        if (block?.kind === "text") block.citations.push(event.citation);
        return "";
      }
      case "logprobs":
        return this.#chunk(`{"index":${event.choice},"delta":{},"logprobs":${JSON.stringify(event.logprobs)},"finish_reason":null}`);
      case "block-end":
        return this.#blockEnd(event.choice, event.block, event.state);
      case "finish":
        return this.#finish(event);
      case "usage":
        this.#usage = event.usage;
        return "";
      case "extra":
        this.#addExtras(event.extra.format, event.extra.fields);
        return "";
      case "ping":
        // One newline: a comment and a blank line make old clients dispatch an empty event (theopenco/llmgateway#2334).
        return ": ping\n";
      case "error":
        this.#over = true;
        return encodeStreamError(event.error, this.#context.callId);
      case "end":
        this.#over = true;
        return `${this.#usageChunk()}data: [DONE]\n\n`;
    }
  }

  // ── the common shape of chunks ─────────────────────────────────────────────────────────────────────────────

  #start(event: Extract<ChatEvent, { type: "start" }>): void {
    this.#id ??= event.id;
    this.#model ??= event.model;
    this.#created ??= event.created;
    if (event.extra) this.#addExtras(event.extra.format, event.extra.fields);
  }

  #addExtras(from: string, fields: JsonObject): void {
    if (from !== format) return;
    Object.assign(this.#extras, fields);
    this.#head = "";
  }

  #common(extras: JsonObject): JsonObject {
    const common = {
      id: this.#id ?? `chatcmpl-${this.#context.callId}`,
      object: "chat.completion.chunk",
      created: this.#created ?? this.#context.created,
      model: this.#model ?? this.#context.model,
    };
    return { ...common, ...extras, ...common };
  }

  #makeHead(): string {
    const head = JSON.stringify(this.#common(this.#scalars()));
    return `data: ${head.slice(0, -1)},"choices":[`;
  }

  /** A list of sources may be as long as the answer: it is told once, with the finish. */
  #scalars(): JsonObject {
    return Object.fromEntries(Object.entries(this.#extras).filter(([, value]) => typeof value !== "object"));
  }

  #chunk(choice: string): string {
    this.#head ||= this.#makeHead();
    return this.#head + choice + this.#tail;
  }

  /** A chunk with these members in its delta; the first of a choice comes after one with its role. */
  #delta(choice: number, members: string): string {
    return `${this.#role(choice)}${this.#chunk(`{"index":${choice},"delta":{${members}},"logprobs":null,"finish_reason":null}`)}`;
  }

  #members(choice: number, members: JsonObject): string {
    return this.#delta(choice, JSON.stringify(members).slice(1, -1));
  }

  #role(choice: number): string {
    if (this.#choices.has(choice)) return "";
    this.#choice(choice);
    return this.#chunk(`{"index":${choice},"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}`);
  }

  #choice(index: number): ChoiceState {
    let state = this.#choices.get(index);
    if (!state) this.#choices.set(index, (state = new ChoiceState()));
    return state;
  }

  // ── deltas ─────────────────────────────────────────────────────────────────────────────────────────────────

  #text(choice: number, text: string): string {
    const role = this.#role(choice);
    this.#choice(choice).text += text.length;
    return role + this.#delta(choice, `"content":${JSON.stringify(text)}`);
  }

  #reasoning(choice: number, block: number, text: string): string {
    const state = this.#choice(choice).blocks.get(block);
    if (state?.kind === "reasoning") state.part.text += text;
    return this.#delta(choice, `"reasoning_content":${JSON.stringify(text)}`);
  }

  #arguments(choice: number, block: number, text: string): string {
    const state = this.#choice(choice).blocks.get(block);
    if (state?.kind !== "tool-call" || text === "") return "";
    // What another vendor wrapped into JSON can be unwrapped when it is whole.
    if (state.as === "custom" && state.part.kind === "function") {
      state.part.arguments += text;
      return "";
    }
    state.told = true;
    return this.#delta(choice, argumentsOf(state, text));
  }

  // ── blocks ─────────────────────────────────────────────────────────────────────────────────────────────────

  #blockStart({ choice, block, content }: Extract<ChatEvent, { type: "block-start" }>): string {
    const role = this.#role(choice);
    const state = this.#choice(choice);
    switch (content.kind) {
      case "text":
        state.blocks.set(block, { kind: "text", citations: [] });
        return role;
      case "reasoning":
        state.blocks.set(block, { kind: "reasoning", part: { type: "reasoning", text: "" }, place: state.place() });
        // A second block right after the first would run into it: the entry marks where the first one ends.
        return role + this.#tellDetails(choice, state);
      case "tool-call": {
        const { id, name, call: kind, extra } = content;
        const part: ToolCallPart = { type: "tool-call", id, name, kind, arguments: "" };
        if (extra) part.extra = extra;
        const as = this.#shapeOf(part, state);
        const index = this.#legacy ? state.calls - 1 : state.calls;
        state.calls += 1;
        state.blocks.set(block, { kind: "tool-call", part, index, as, told: false });
        if (as === "legacy") return role + this.#members(choice, { function_call: { name, arguments: "" } });
        const inner: JsonObject = as === "custom" ? { custom: { name, input: "" } } : { function: { name, arguments: "" } };
        return role + this.#members(choice, { tool_calls: [{ index, id, type: as, ...inner }] });
      }
      case "media": {
        const media = writeMedia(content.part);
        return role + this.#members(choice, media.audio ? { audio: media.audio } : { images: [{ index: state.images++, ...media.image }] });
      }
      case "vendor":
        return role + this.#carry(choice, state, "blocks", [writeVendorBlock(content.part, state.blockPlace())]);
      case "refusal":
        state.blocks.set(block, { kind: "other" });
        return role;
    }
  }

  #shapeOf(part: ToolCallPart, state: ChoiceState): "function" | "custom" | "legacy" {
    if (isFreeForm(part, this.#context)) return "custom";
    return this.#legacy && state.calls === 0 ? "legacy" : "function";
  }

  #blockEnd(choice: number, block: number, opaque: OpaqueState | undefined): string {
    const state = this.#choice(choice);
    const ended = state.blocks.get(block);
    state.blocks.delete(block);
    switch (ended?.kind) {
      case "text":
        return this.#textEnd(choice, state, ended.citations, opaque);
      case "reasoning":
        return this.#reasoningEnd(choice, state, ended, opaque);
      case "tool-call":
        return this.#callEnd(choice, ended, opaque);
      case "other":
      case undefined:
        return "";
    }
  }

  #textEnd(choice: number, state: ChoiceState, citations: readonly Citation[], opaque: OpaqueState | undefined): string {
    const annotations: Json[] = [];
    const others: Json[] = [];
    for (const citation of citations) {
      const { list, entry } = writeCitation(citation);
      const into = list === "annotations" ? annotations : others;
      // The official Python client merges streamed lists by `index`, and fails without.
      into.push({ ...entry, index: state.lists[list === "annotations" ? list : "citations"].length + into.length });
    }
    let out = this.#carry(choice, state, "annotations", annotations) + this.#carry(choice, state, "citations", others);
    if (opaque) out += this.#carry(choice, state, "blocks", [writeTextState(opaque, state.blockPlace(), this.#context.origin)]);
    return out;
  }

  #reasoningEnd(choice: number, state: ChoiceState, ended: Extract<Block, { kind: "reasoning" }>, opaque: OpaqueState | undefined): string {
    const { part, place } = ended;
    if (part.text === "" && !opaque) return "";
    if (opaque) part.state = opaque;
    state.pending.push({ part, place });
    const plain = !opaque && state.details === 0 && place.text === 0 && place.calls === 0;
    return plain ? "" : this.#tellDetails(choice, state);
  }

  #tellDetails(choice: number, state: ChoiceState): string {
    if (state.pending.length === 0) return "";
    const entries = state.pending.map(({ part, place }) => writeDetail(part, state.details++, place, this.#context.origin));
    state.pending = [];
    return this.#carry(choice, state, "reasoning_details", entries);
  }

  #callEnd(choice: number, ended: Extract<Block, { kind: "tool-call" }>, opaque: OpaqueState | undefined): string {
    const { part, index, as, told } = ended;
    let out = "";
    // Arguments must be JSON: a call without any has an empty object.
    if (!told && as !== "custom") out += this.#delta(choice, argumentsOf(ended, "{}"));
    if (as === "custom" && part.kind === "function") out += this.#delta(choice, argumentsOf(ended, unwrapInput(part.arguments)));
    if (as === "legacy") return out;
    if (opaque) part.state = opaque;
    const carried = writeExtraContent(part, this.#context.origin);
    if (carried) out += this.#members(choice, { tool_calls: [{ index, extra_content: carried }] });
    return out;
  }

  /**
   * Entries of a list that goes along with the answer. The official JavaScript helper keeps only the latest piece of a list it
   * does not know, and the Python one joins pieces by `index`: so the list goes out in one piece, with the finish. A reader of our
   * own learns each entry in its place under `headgate.now`, which no history keeps.
   */
  #carry(choice: number, state: ChoiceState, list: List, entries: Json[]): string {
    if (entries.length === 0) return "";
    state.lists[list].push(...entries);
    return this.#members(choice, { [own]: { now: { [list]: entries } } });
  }

  #tellLists(choice: number, state: ChoiceState): string {
    const { reasoning_details: details, annotations, citations, blocks } = state.lists;
    if (details.length + annotations.length + citations.length + blocks.length === 0) return "";
    const carried: JsonObject = { whole: true };
    if (citations.length > 0) carried["citations"] = citations;
    if (blocks.length > 0) carried["blocks"] = blocks;
    const members: JsonObject = { [own]: carried };
    if (details.length > 0) members["reasoning_details"] = details;
    if (annotations.length > 0) members["annotations"] = annotations;
    return this.#members(choice, members);
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────

  #finish({ choice, finish }: Extract<ChatEvent, { type: "finish" }>): string {
    const role = this.#role(choice);
    const state = this.#choice(choice);
    if (state.finished) return "";
    state.finished = true;
    const lists = this.#tellLists(choice, state);
    const { word, exact } = writeFinish(finish, { calls: state.calls > 0, refusal: state.refused });
    const ended: JsonObject = {
      index: choice,
      delta: {},
      logprobs: null,
      finish_reason: this.#legacy && word === "tool_calls" ? "function_call" : word,
    };
    if (exact) ended[own] = { finish: exact };
    const chunk: JsonObject = { ...this.#common(this.#extras), choices: [ended] };
    if (this.#context.includeUsage) chunk["usage"] = null;
    return `${role}${lists}data: ${JSON.stringify(chunk)}\n\n`;
  }

  #usageChunk(): string {
    if (!this.#context.includeUsage || !this.#usage) return "";
    const chunk: JsonObject = { ...this.#common(this.#scalars()), choices: [], usage: writeUsage(this.#usage) };
    if (this.#usage.serviceTier !== undefined) chunk["service_tier"] = this.#usage.serviceTier;
    return `data: ${JSON.stringify(chunk)}\n\n`;
  }
}

/** A piece of a call's arguments, as the members of a delta. */
function argumentsOf({ as, index }: Extract<Block, { kind: "tool-call" }>, text: string): string {
  const piece = JSON.stringify(text);
  if (as === "legacy") return `"function_call":{"arguments":${piece}}`;
  return `"tool_calls":[{"index":${index},${as === "custom" ? `"custom":{"input":${piece}}` : `"function":{"arguments":${piece}}`}}]`;
}
