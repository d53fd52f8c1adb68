/**
 * Output items on their way in, as blocks. Vendors leave out what they like: items that were never added, deltas without a
 * part, answers that come whole at the end, ids that change with every event (GitHub Copilot). So items are found by their
 * place, every text is completed from whatever says it last, and nothing is told twice.
 */

import type { ChatEvent, Extra, OpaqueState } from "../../../canonical/chat.ts";
import { unfoldPart } from "../../../canonical/fold.ts";
import { asNumber, asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { syntheticId } from "../chat/tool-ids.ts";
import { readCitation } from "./citations.ts";
import { answerText } from "./decode-content.ts";
import { argumentsText, callExtra, decodeOutputItem, decodeReasoningItem, phaseState } from "./decode-input.ts";
import type { Seen } from "./finish.ts";
import { isMinted, paragraph, reasoningText, unmint } from "./state.ts";
import type { Carried } from "./state.ts";

interface Part {
  block: number;
  kind: "text" | "refusal";
  text: string;
  /** Citations that have been told. */
  cited: number;
  logprobs: boolean;
}

type Live =
  | { type: "message"; parts: Map<number, Part>; phase: OpaqueState | undefined; ids: Set<string>; done: boolean }
  | {
      type: "reasoning";
      block: number;
      text: string;
      summary: number;
      source: "summary" | "content" | undefined;
      ids: Set<string>;
      done: boolean;
    }
  | {
      type: "call";
      block: number;
      id: string;
      name: string;
      custom: boolean;
      extra: Extra | undefined;
      text: string;
      ids: Set<string>;
      done: boolean;
    }
  | { type: "other"; ids: Set<string>; done: boolean };

type Call = Extract<Live, { type: "call" }>;
type Message = Extract<Live, { type: "message" }>;
type ReasoningItem = Extract<Live, { type: "reasoning" }>;

export class ItemsDecoder {
  readonly seen: Seen = { calls: false, ghost: false, refusal: false };
  readonly #events: ChatEvent[];
  /** Seed of made-up ids, so that reading a reply twice gives the same ones. */
  readonly #seed: () => string;
  readonly #items: Live[] = [];
  /** By `output_index`, or by `item_id` where there is none. */
  readonly #places = new Map<number | string, Live>();
  #next = 0;
  /** The end of the last text or call: what an item after it carries for it may still join. */
  #held: Extract<ChatEvent, { type: "block-end" }> | undefined;
  #heldKind: "text" | "tool-call" | undefined;

  /** Events are appended to this list, which its owner empties. */
  constructor(events: ChatEvent[], seed: () => string) {
    this.#events = events;
    this.#seed = seed;
  }

  get empty(): boolean {
    return this.#items.length === 0;
  }

  // ── events of a stream ─────────────────────────────────────────────────────────────────────────────────────

  added(event: JsonObject): void {
    const { item } = event;
    if (!isObject(item)) return;
    const before = this.#places.get(placeOf(event, item));
    // A server that counts badly gives a new item the place of one that is over, or should be.
    if (before && !before.done) this.#close(before);
    const live = this.#open(event, item);
    if (live.type === "call") this.#beginCall(live, item);
    if (live.type === "reasoning" && !isCarrier(item)) this.#beginReasoning(live);
  }

  done(event: JsonObject): void {
    const { item } = event;
    if (!isObject(item)) return;
    const live = this.#find(event, item);
    live.done = true;
    switch (live.type) {
      case "message":
        this.#endMessage(live, item);
        return;
      case "reasoning":
        this.#endReasoning(live, item);
        return;
      case "call":
        this.#endCall(live, item);
        return;
      case "other":
        // Without a name it is nothing that anybody could be given.
        if (typeof item.type !== "string") return;
        this.#flush();
        unfoldPart(this.#events, decodeOutputItem(item), 0, this.#next++);
    }
  }

  partAdded(event: JsonObject): void {
    const kind = partKind(event.part);
    if (kind) this.#part(this.#message(event), event, kind);
  }

  /** `delta` of a text or a refusal, or the whole of it when it is done. */
  spoken(event: JsonObject, kind: Part["kind"], text: unknown, whole: boolean): void {
    if (typeof text !== "string") return;
    const part = this.#part(this.#message(event), event, kind);
    this.#say(part, text, whole);
    this.#logprobs(part, event.logprobs, whole);
  }

  annotated(event: JsonObject): void {
    const part = this.#part(this.#message(event), event, "text");
    this.#cite(part, [event.annotation]);
  }

  /** A delta of a summary or of open reasoning, or the whole of one of its parts. A vendor that gives both gives the same twice. */
  thought(event: JsonObject, source: "summary" | "content", text: unknown, whole: boolean): void {
    if (typeof text !== "string") return;
    const live = this.#find(event, { type: "reasoning" });
    if (live.type !== "reasoning" || (live.source ?? source) !== source) return;
    const index = asNumber(event[source === "summary" ? "summary_index" : "content_index"]) ?? Math.max(0, live.summary);
    const begun = live.summary >= index;
    if (whole && begun) return;
    live.source = source;
    if (text === "" && !whole) return;
    this.#beginReasoning(live);
    for (; live.summary < index; live.summary++) if (live.text !== "" || live.summary >= 0) this.#think(live, paragraph);
    live.summary = index;
    this.#think(live, text);
  }

  /** `name`: some servers tell it at the end only. */
  argued(event: JsonObject, custom: boolean, text: unknown, whole: boolean): void {
    const live = this.#find(event, { type: custom ? "custom_tool_call" : "function_call" });
    if (live.type !== "call") return;
    if (live.name === "" && asString(event.name)) this.#beginCall(live, event);
    const given = isObject(text) ? JSON.stringify(text) : text;
    if (typeof given === "string") this.#argue(live, given, whole);
  }

  /** The end of the stream. `output`: the final list of items, for what was not told before. */
  finish(output: unknown): void {
    const list = Array.isArray(output) ? output.filter(isObject) : [];
    const streamed = this.#items.length > 0;
    for (const [index, item] of list.entries()) {
      const known = streamed ? this.#known(item) : undefined;
      if (known?.done) continue;
      if (known) this.done({ output_index: placeNumber(this.#places, known), item });
      // Places in the list need not be those of the stream, so only what cannot have been told is taken from it.
      else if (!streamed) this.done({ output_index: index, item });
      else if (this.#isMissing(item)) this.done({ output_index: -1 - index, item });
    }
    for (const live of this.#items) if (!live.done) this.#close(live);
    this.#flush();
  }

  // ── items ──────────────────────────────────────────────────────────────────────────────────────────────────

  #open(event: JsonObject, item: JsonObject): Live {
    const live = create(item);
    this.#items.push(live);
    this.#places.set(placeOf(event, item), live);
    note(live, event, item);
    return live;
  }

  #find(event: JsonObject, item: JsonObject): Live {
    const live = this.#places.get(placeOf(event, item));
    if (!live || live.done || live.type !== kindOf(item.type)) return this.#open(event, item);
    note(live, event, item);
    return live;
  }

  #message(event: JsonObject): Message {
    return this.#find(event, { type: "message" }) as Message;
  }

  #known(item: JsonObject): Live | undefined {
    const { id, call_id: callId } = item;
    return (
      this.#items.find((live) =>
        typeof callId === "string" && live.type === "call" ? live.id === callId : typeof id === "string" && live.ids.has(id),
      ) ?? this.#items.find((live) => !live.done && live.type === kindOf(item.type) && live.type !== "call")
    );
  }

  #isMissing(item: JsonObject): boolean {
    const kind = kindOf(item.type);
    return kind === "call" || !this.#items.some((live) => live.type === kind);
  }

  /** An item that never was done: what was told of it stands. */
  #close(live: Live): void {
    live.done = true;
    switch (live.type) {
      case "message":
        for (const part of live.parts.values()) this.#endPart(part, live.phase);
        return;
      case "reasoning":
        if (live.block >= 0) this.#end(live.block, undefined);
        return;
      case "call":
        this.#endCall(live, undefined);
        return;
      case "other":
    }
  }

  // ── blocks ─────────────────────────────────────────────────────────────────────────────────────────────────

  #begin(content: Extract<ChatEvent, { type: "block-start" }>["content"]): number {
    this.#flush();
    const block = this.#next++;
    this.#events.push({ type: "block-start", choice: 0, block, content });
    return block;
  }

  #end(block: number, state: OpaqueState | undefined): void {
    this.#events.push(state ? { type: "block-end", choice: 0, block, state } : { type: "block-end", choice: 0, block });
  }

  #hold(kind: "text" | "tool-call", block: number, state: OpaqueState | undefined): void {
    this.#flush();
    this.#heldKind = kind;
    this.#held = { type: "block-end", choice: 0, block, ...(state && { state }) };
  }

  /** Nothing more will join the last block. */
  settle(): void {
    this.#flush();
  }

  #flush(): void {
    if (!this.#held) return;
    this.#events.push(this.#held);
    this.#held = undefined;
  }

  /** Our own item that belongs to the block before it. */
  #attach({ on, state }: Carried): void {
    if (this.#held && this.#heldKind === on && state) this.#held.state = state;
    this.#flush();
  }

  // ── messages ───────────────────────────────────────────────────────────────────────────────────────────────

  #part(message: Message, event: JsonObject, kind: Part["kind"]): Part {
    const index = asNumber(event.content_index) ?? 0;
    let part = message.parts.get(index);
    if (!part || part.kind !== kind) {
      if (part) this.#endPart(part, message.phase);
      if (kind === "refusal") this.seen.refusal = true;
      part = { block: this.#begin({ kind }), kind, text: "", cited: 0, logprobs: false };
      message.parts.set(index, part);
    }
    return part;
  }

  #say(part: Part, text: string, whole: boolean): void {
    const rest = whole ? untold(part.text, text) : text;
    if (rest === "") return;
    part.text += rest;
    this.#events.push({ type: part.kind === "text" ? "text-delta" : "refusal-delta", choice: 0, block: part.block, text: rest });
  }

  #cite(part: Part, annotations: readonly unknown[]): void {
    for (const annotation of annotations) {
      const citation = readCitation(annotation);
      if (!citation) continue;
      part.cited += 1;
      this.#events.push({ type: "citation", choice: 0, block: part.block, citation });
    }
  }

  #logprobs(part: Part, list: unknown, whole: boolean): void {
    if (!Array.isArray(list) || list.length === 0 || (whole && part.logprobs)) return;
    part.logprobs = true;
    this.#events.push({ type: "logprobs", choice: 0, logprobs: { content: list as Json[] } });
  }

  #endPart(part: Part, phase: OpaqueState | undefined): void {
    if (part.kind === "text") this.#hold("text", part.block, phase);
    else this.#end(part.block, undefined);
  }

  #endMessage(message: Message, item: JsonObject): void {
    message.phase = phaseState(item) ?? message.phase;
    const content = Array.isArray(item.content) ? item.content : [];
    for (const [index, value] of content.entries()) {
      const kind = partKind(value);
      if (!kind || !isObject(value)) continue;
      const part = this.#part(message, { content_index: index }, kind);
      this.#say(part, asString(kind === "text" ? value.text : value.refusal) ?? "", true);
      if (kind === "refusal") continue;
      const citations = answerText({ text: "", ...value }).citations ?? [];
      for (const citation of citations.slice(part.cited)) this.#events.push({ type: "citation", choice: 0, block: part.block, citation });
      this.#logprobs(part, value.logprobs, true);
      message.parts.delete(index);
      this.#endPart(part, message.phase);
    }
    for (const part of message.parts.values()) this.#endPart(part, message.phase);
  }

  // ── reasoning ──────────────────────────────────────────────────────────────────────────────────────────────

  #beginReasoning(live: ReasoningItem): void {
    if (live.block < 0) live.block = this.#begin({ kind: "reasoning" });
  }

  #think(live: ReasoningItem, text: string): void {
    if (text === "") return;
    live.text += text;
    this.#events.push({ type: "reasoning-delta", choice: 0, block: live.block, text });
  }

  /** The encrypted content of the finished item is the one that counts: the one it was added with may be another (recorded). */
  #endReasoning(live: ReasoningItem, item: JsonObject): void {
    const carried = isMinted(item.encrypted_content) ? unmint(item.encrypted_content) : undefined;
    if (carried?.on) {
      this.#attach(carried);
      return;
    }
    const [decoded] = decodeReasoningItem(item, []);
    if (!decoded) return;
    if (decoded.type === "vendor") {
      this.#flush();
      unfoldPart(this.#events, decoded, 0, this.#next++);
      return;
    }
    this.#beginReasoning(live);
    this.#think(live, untold(live.text, reasoningText(item)));
    this.#end(live.block, decoded.state);
  }

  // ── calls ──────────────────────────────────────────────────────────────────────────────────────────────────

  #beginCall(call: Call, from: JsonObject): void {
    if (call.block >= 0) return;
    call.name = asString(from.name) ?? call.name;
    call.id = asString(from.call_id) || call.id;
    call.extra ??= from.type === "function_call" || from.type === "custom_tool_call" ? callExtra(from) : undefined;
    if (call.name === "") return;
    if (call.id === "") call.id = [...call.ids][0] ?? syntheticId(this.#seed(), 0, this.#items.indexOf(call));
    this.seen.calls = true;
    const { id, name, extra } = call;
    call.block = this.#begin({ kind: "tool-call", id, name, call: call.custom ? "custom" : "function", ...(extra && { extra }) });
    const text = call.text;
    call.text = "";
    if (text !== "") this.#argue(call, text, false);
  }

  #argue(call: Call, text: string, whole: boolean): void {
    const rest = whole ? untold(call.text, text) : text;
    if (rest === "") return;
    call.text += rest;
    if (call.block < 0) return;
    this.#events.push({ type: "arguments-delta", choice: 0, block: call.block, text: rest });
  }

  #endCall(call: Call, item: JsonObject | undefined): void {
    call.done = true;
    if (item) {
      this.#beginCall(call, item);
      const final = call.custom ? (asString(item.input) ?? "") : argumentsText(item.arguments);
      // `{}` stands for no arguments at all, which is no end of those that were told.
      if (call.text === "" || final !== "{}") this.#argue(call, final, true);
    }
    if (call.block < 0) {
      // A call without a name cannot be made, and kept in a history it would spoil every later turn.
      this.seen.ghost = true;
      return;
    }
    if (!call.custom && call.text === "") this.#argue(call, "{}", false);
    this.#hold("tool-call", call.block, undefined);
  }
}

function kindOf(type: Json | undefined): Live["type"] {
  switch (type) {
    case "message":
    case "reasoning":
      return type;
    case "function_call":
    case "custom_tool_call":
      return "call";
    default:
      return "other";
  }
}

function create(item: JsonObject): Live {
  const common = { ids: new Set<string>(), done: false };
  switch (kindOf(item.type)) {
    case "message":
      return { type: "message", parts: new Map(), phase: phaseState(item), ...common };
    case "reasoning":
      return { type: "reasoning", block: -1, text: "", summary: -1, source: undefined, ...common };
    case "call":
      return {
        type: "call",
        block: -1,
        id: asString(item.call_id) ?? "",
        name: "",
        custom: item.type === "custom_tool_call",
        extra: undefined,
        text: "",
        ...common,
      };
    case "other":
      return { type: "other", ...common };
  }
}

function note(live: Live, event: JsonObject, item: JsonObject): void {
  if (typeof event.item_id === "string") live.ids.add(event.item_id);
  if (typeof item.id === "string") live.ids.add(item.id);
}

function placeOf(event: JsonObject, item: JsonObject): number | string {
  return asNumber(event.output_index) ?? asString(event.item_id) ?? asString(item.id) ?? kindOf(item.type);
}

function placeNumber(places: ReadonlyMap<number | string, Live>, live: Live): Json {
  for (const [place, other] of places) if (other === live) return place;
  return null;
}

function partKind(part: unknown): Part["kind"] | undefined {
  if (!isObject(part)) return undefined;
  if (part.type === "output_text" || part.type === "text") return "text";
  return part.type === "refusal" ? "refusal" : undefined;
}

/** What of a whole text has not been told. Where the two disagree the deltas stand: they cannot be called back. */
function untold(told: string, whole: string): string {
  return whole.startsWith(told) ? whole.slice(told.length) : "";
}

/** Our own items come whole when they are added. */
function isCarrier(item: JsonObject): boolean {
  if (!isMinted(item.encrypted_content)) return false;
  const { on, vendor } = unmint(item.encrypted_content);
  return on !== undefined || vendor !== undefined;
}
