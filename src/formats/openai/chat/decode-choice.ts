/** One choice of a vendor's answer: deltas in, blocks out. Blocks are dense from 0, each begins and ends once. */

import type { ChatEvent, Citation, MediaPart, OpaqueState, VendorPart } from "../../../canonical/chat.ts";
import type { GatewayError } from "../../../canonical/errors.ts";
import { asNumber, asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { readCitation } from "./citations.ts";
import { thinkingText } from "./decode-messages.ts";
import { readFailure, readFinish } from "./finish.ts";
import { format, own } from "./format.ts";
import { joinBase64, parseDataUrl, sniffAudio } from "./media.ts";
import { inOrder, readBlock } from "./message-extension.ts";
import { deal } from "./placement.ts";
import type { Place } from "./placement.ts";
import { detailText, readDetail, readExtraContent, vendorState } from "./state.ts";
import { ThinkTags } from "./think-tags.ts";
import { syntheticId } from "./tool-ids.ts";

/** The block that is being written, unless it is a tool call. */
interface Open {
  block: number;
  kind: "text" | "reasoning" | "refusal";
  /** Complete: more of the same kind begins a new block. */
  sealed: boolean;
  state?: OpaqueState | undefined;
  /** A vendor's `reasoning_details` entry, gathered from its pieces, and what tells it from the next one. */
  detail?: JsonObject | undefined;
  key?: string | undefined;
}

interface Call {
  /** The vendor's number for it; undefined when it gives none. */
  index: number | undefined;
  id: string;
  /** The id is the vendor's own. */
  given: boolean;
  name: string;
  kind: "function" | "custom";
  /** -1 until it has a name: a call cannot begin without one. */
  block: number;
  ended: boolean;
  arguments: string;
  told: number;
  extraContent: JsonObject | undefined;
}

export class ChoiceDecoder {
  readonly #index: number;
  readonly #seed: string;
  readonly #think: ThinkTags | undefined;
  #next = 0;
  #open: Open | undefined;
  #reasonings = 0;
  readonly #calls: Call[] = [];
  /** The call that the last delta belonged to. */
  #current: Call | undefined;
  #refused = false;
  #ghost = false;
  #cited = false;
  #audio: { id?: string | undefined; pieces: string[]; transcript: string } | undefined;
  #raw: string | undefined;
  #ending: JsonObject = {};

  constructor(options: { index: number; seed: string; thinkTags: boolean }) {
    this.#index = options.index;
    this.#seed = options.seed;
    this.#think = options.thinkTags ? new ThinkTags() : undefined;
  }

  get finished(): boolean {
    return this.#raw !== undefined;
  }

  /** The vendor's last word. A finish chunk may still hold content, and some say a plain stop before they know better. */
  finishing(raw: string, choice: JsonObject): GatewayError | undefined {
    this.#raw = raw;
    this.#ending = choice;
    return readFailure(raw);
  }

  /** In the order in which a model works, whatever the order of the fields. */
  delta(delta: JsonObject, events: ChatEvent[]): void {
    const { content } = delta;
    const marks = delta[own];
    if (isObject(marks) && (marks["now"] !== undefined || marks["whole"] === true)) return this.#carried(marks["now"], events);
    const open = this.#open;
    if (open?.kind === "text" && typeof content === "string" && content !== "" && !open.sealed && !this.#think && !thinks(delta)) {
      // The shape of nearly every chunk.
      events.push({ type: "text-delta", choice: this.#index, block: open.block, text: content });
    } else {
      this.#reasoning(delta, events);
      if (typeof content === "string") this.#content(content, events);
      else if (Array.isArray(content)) this.#parts(content, events);
    }
    const { annotations, refusal, images, audio, tool_calls: calls, function_call: legacy, [own]: ours } = delta;
    if (Array.isArray(annotations)) this.#citations(annotations, events);
    if (isObject(ours)) this.#ours(ours, events);
    if (typeof refusal === "string") this.#refusal(refusal, events);
    if (Array.isArray(images)) for (const image of images) this.#image(image, events);
    if (isObject(audio)) this.#sound(audio);
    if (Array.isArray(calls)) for (const call of calls) if (isObject(call)) this.#toolCall(call, events);
    // The forerunner of tool calls: one, without an id.
    if (isObject(legacy)) this.#toolCall({ index: 0, function: legacy }, events);
  }

  /** What a stream of ours says of an entry in its place; the whole lists at its end repeat it for the history. */
  #carried(now: Json | undefined, events: ChatEvent[]): void {
    if (!isObject(now)) return;
    const { reasoning_details: details, annotations, citations, blocks } = now;
    this.delta({ reasoning_details: details, annotations, [own]: { citations, blocks } }, events);
  }

  /** A message that is here in whole: told in the order in which our own marks say it was made. */
  message(message: JsonObject, events: ChatEvent[]): void {
    const { content, tool_calls: calls, reasoning_details: details, [own]: ours } = message;
    const blocks = isObject(ours) && Array.isArray(ours["blocks"]) ? ours["blocks"] : [];
    const marks = inOrder(placedDetails(details), placedBlocks(blocks));
    const moved = blocks.length > 0 || marks.some(({ place }) => place.text > 0 || place.calls > 0);
    if (!moved || Array.isArray(content)) return this.delta(message, events);
    const list = Array.isArray(calls) ? calls : [];
    const dealt = deal([{ text: asString(content) ?? "" }], list.length, marks);
    const deltas: JsonObject[] = dealt.map((one) => {
      if (one.kind === "text") return { content: one.text.text };
      return one.kind === "call" ? { tool_calls: [list[one.index] ?? null] } : one.mark;
    });
    // Citations belong to text, and everything else goes with them.
    const {
      content: _content,
      tool_calls: _calls,
      reasoning_details: _details,
      reasoning_content: _plain,
      reasoning: _text,
      ...rest
    } = message;
    rest[own] = isObject(ours) ? { citations: ours["citations"] } : undefined;
    const last = dealt.findLastIndex((one) => one.kind === "text");
    deltas.splice(last + 1, 0, rest);
    for (const delta of deltas) this.delta(delta, events);
  }

  logprobs(logprobs: JsonObject, events: ChatEvent[]): void {
    if (Object.values(logprobs).some((list) => list !== null)) events.push({ type: "logprobs", choice: this.#index, logprobs });
  }

  /** Ends what is open. `sources`: pages that stand beside the answer. */
  close(events: ChatEvent[], sources: readonly { url: string; title?: string | undefined; raw: Json }[]): void {
    this.#think?.end((kind, text) => (kind === "text" ? this.#text(text, events) : this.#reasoningText(text, events)));
    if (!this.#cited && this.#open?.kind === "text") {
      for (const { url, title, raw } of sources) {
        const citation: Citation = { url, raw, format };
        if (title !== undefined) citation.title = title;
        events.push({ type: "citation", choice: this.#index, block: this.#open.block, citation });
      }
    }
    this.#closeOpen(events);
    this.#closeAudio(events);
    for (const call of this.#calls) this.#closeCall(call, events);
  }

  finish(): ChatEvent {
    const seen = { calls: this.#calls.some((call) => call.block >= 0), ghost: this.#ghost, refusal: this.#refused };
    return { type: "finish", choice: this.#index, finish: readFinish(this.#raw, seen, this.#ending) };
  }

  // ── text, refusal, citations ───────────────────────────────────────────────────────────────────────────────

  #content(text: string, events: ChatEvent[]): void {
    if (text === "") return;
    if (this.#think)
      this.#think.push(text, (kind, piece) => (kind === "text" ? this.#text(piece, events) : this.#reasoningText(piece, events)));
    else this.#text(text, events);
  }

  #text(text: string, events: ChatEvent[]): void {
    const open = this.#openBlock("text", events);
    events.push({ type: "text-delta", choice: this.#index, block: open.block, text });
  }

  /** Mistral's content as a list: text, thinking, and kinds that only it knows. */
  #parts(parts: Json[], events: ChatEvent[]): void {
    for (const part of parts) {
      if (!isObject(part)) continue;
      if (part["type"] === "text") this.#content(asString(part["text"]) ?? "", events);
      else if (part["type"] === "thinking") this.#thinking(part, events);
      else if (part["type"] === "refusal") this.#refusal(asString(part["refusal"]) ?? "", events);
      else if (part["type"] === "image_url") this.#image(part, events);
      else this.#vendor({ type: "vendor", format, value: part }, events);
    }
  }

  #thinking(part: JsonObject, events: ChatEvent[]): void {
    this.#reasoningText(thinkingText(part), events);
    const signature = asString(part["signature"]);
    const open = this.#open;
    if (!signature || open?.kind !== "reasoning") return;
    open.state = { format, kind: "signature", data: signature };
    open.sealed = true;
  }

  #refusal(text: string, events: ChatEvent[]): void {
    if (text === "") return;
    this.#refused = true;
    const open = this.#openBlock("refusal", events);
    events.push({ type: "refusal-delta", choice: this.#index, block: open.block, text });
  }

  #citations(annotations: Json[], events: ChatEvent[]): void {
    for (const annotation of annotations) {
      const citation = readCitation(annotation);
      if (!citation) continue;
      this.#cited = true;
      // It may come after the text block is over, but it belongs to no other kind.
      const open = this.#open?.kind === "text" ? this.#open : this.#openBlock("text", events);
      events.push({ type: "citation", choice: this.#index, block: open.block, citation });
    }
  }

  /** The block of this kind that is open, or a new one after closing what is open of another kind. */
  #openBlock(kind: Open["kind"], events: ChatEvent[]): Open {
    if (this.#open?.kind === kind && !this.#open.sealed) return this.#open;
    this.#closeOpen(events);
    this.#closeCompleteCalls(events);
    const open: Open = { block: this.#next++, kind, sealed: false };
    events.push({ type: "block-start", choice: this.#index, block: open.block, content: { kind } });
    this.#open = open;
    if (kind === "reasoning") this.#reasonings += 1;
    return open;
  }

  #closeOpen(events: ChatEvent[]): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    const state = open.state ?? (open.detail && vendorState(open.detail));
    events.push(
      state
        ? { type: "block-end", choice: this.#index, block: open.block, state }
        : { type: "block-end", choice: this.#index, block: open.block },
    );
  }

  // ── reasoning: told once, under whichever names it comes ───────────────────────────────────────────────────

  #reasoning(delta: JsonObject, events: ChatEvent[]): void {
    const { reasoning_details: details } = delta;
    const text = asString(delta["reasoning_content"]) || asString(delta["reasoning"]) || "";
    if (!Array.isArray(details) || details.length === 0) {
      if (text !== "") this.#reasoningText(text, events);
      return;
    }
    // OpenRouter tells the same words under both names.
    const told = details.some((entry) => isObject(entry) && detailText(entry) !== "");
    if (text !== "" && !told) this.#reasoningText(text, events);
    for (const entry of details) {
      if (!isObject(entry)) continue;
      if (isObject(entry[own])) this.#ownDetail(entry, events);
      else this.#vendorDetail(entry, events);
    }
  }

  #reasoningText(text: string, events: ChatEvent[]): void {
    if (text === "") return;
    const open = this.#openBlock("reasoning", events);
    events.push({ type: "reasoning-delta", choice: this.#index, block: open.block, text });
  }

  /** A piece of a vendor's entry. Pieces of one entry have the same type and index; the signature comes last. */
  #vendorDetail(entry: JsonObject, events: ChatEvent[]): void {
    const key = `${asString(entry["type"])}:${asNumber(entry["index"]) ?? 0}`;
    let open = this.#open;
    if (open?.kind !== "reasoning" || (open.key !== undefined && open.key !== key) || (open.key === undefined && open.sealed)) {
      if (open?.kind === "reasoning") open.sealed = true;
      open = this.#openBlock("reasoning", events);
    }
    open.key = key;
    open.detail = merged(open.detail, entry);
    const text = detailText(entry);
    if (text !== "") events.push({ type: "reasoning-delta", choice: this.#index, block: open.block, text });
  }

  /** Our own entry closes a block whose text has been streamed; in a whole message it is the block. */
  #ownDetail(entry: JsonObject, events: ChatEvent[]): void {
    const detail = readDetail(entry);
    if (!detail) return;
    const ordinal = asNumber(entry["index"]) ?? this.#reasonings;
    if (ordinal < this.#reasonings - 1) return;
    let open = this.#open;
    const streamed = ordinal === this.#reasonings - 1;
    if (!streamed || open?.kind !== "reasoning") {
      if (streamed) return;
      if (open?.kind === "reasoning") open.sealed = true;
      open = this.#openBlock("reasoning", events);
      if (detail.part.text !== "") events.push({ type: "reasoning-delta", choice: this.#index, block: open.block, text: detail.part.text });
    }
    open.state = detail.part.state;
    open.sealed = true;
  }

  // ── sound, images, blocks of other formats ─────────────────────────────────────────────────────────────────

  #image(value: Json, events: ChatEvent[]): void {
    if (!isObject(value)) return;
    const image = value["image_url"];
    const url = isObject(image) ? asString(image["url"]) : asString(image);
    if (!url) return;
    this.#whole({ kind: "media", part: { type: "media", source: parseDataUrl(url) ?? { kind: "url", url } } }, events);
  }

  #sound(value: JsonObject): void {
    const audio = (this.#audio ??= { pieces: [], transcript: "" });
    audio.id ??= asString(value["id"]);
    const data = asString(value["data"]);
    if (data) audio.pieces.push(data);
    audio.transcript += asString(value["transcript"]) ?? "";
  }

  #closeAudio(events: ChatEvent[]): void {
    const audio = this.#audio;
    if (!audio) return;
    const data = joinBase64(audio.pieces);
    const part: MediaPart = { type: "media", source: { kind: "base64", mediaType: sniffAudio(data), data } };
    if (audio.id !== undefined) part.id = audio.id;
    if (audio.transcript !== "") part.transcript = audio.transcript;
    this.#whole({ kind: "media", part }, events);
  }

  #vendor(part: VendorPart, events: ChatEvent[]): void {
    this.#whole({ kind: "vendor", part }, events);
  }

  #whole(content: { kind: "media"; part: MediaPart } | { kind: "vendor"; part: VendorPart }, events: ChatEvent[]): void {
    this.#closeOpen(events);
    this.#closeCompleteCalls(events);
    const at = { choice: this.#index, block: this.#next++ };
    events.push({ type: "block-start", ...at, content }, { type: "block-end", ...at });
  }

  #ours(value: JsonObject, events: ChatEvent[]): void {
    if (Array.isArray(value["blocks"])) {
      for (const entry of value["blocks"]) {
        const mark = readBlock(entry)?.mark;
        if (mark?.kind === "vendor") this.#vendor(mark.part, events);
        else if (mark?.kind === "text-state" && this.#open?.kind === "text") {
          this.#open.state = mark.state;
          this.#open.sealed = true;
        }
      }
    }
    if (Array.isArray(value["citations"])) this.#citations(value["citations"], events);
  }

  // ── tool calls ─────────────────────────────────────────────────────────────────────────────────────────────

  #toolCall(delta: JsonObject, events: ChatEvent[]): void {
    const custom = isObject(delta["custom"]);
    const inner = custom ? (delta["custom"] as JsonObject) : isObject(delta["function"]) ? delta["function"] : {};
    const name = asString(inner["name"]) ?? "";
    const id = asString(delta["id"]) ?? "";
    const piece = custom ? (asString(inner["input"]) ?? "") : fragment(inner["arguments"]);
    const call =
      this.#callOf({ index: asNumber(delta["index"]), id, name, piece }) ?? this.#newCall(delta, custom || delta["type"] === "custom");
    this.#current = call;
    if (call.block < 0) {
      if (id !== "") {
        call.id = id;
        call.given = true;
      }
      if (name !== "") call.name = name;
    }
    if (isObject(delta["extra_content"])) call.extraContent = { ...call.extraContent, ...delta["extra_content"] };
    call.arguments += piece;
    if (call.ended) return;
    if (call.block < 0 && call.name !== "") this.#begin(call, events);
    if (call.block >= 0) this.#tell(call, events, false);
  }

  /**
   * The call that a delta continues; undefined for a new one. By index where the vendor counts; but some give 0 to every
   * call, repeat the id on every piece, or leave out both, so a new id with a name, or a name after complete arguments, is a
   * new call whatever the index says.
   */
  #callOf(delta: { index: number | undefined; id: string; name: string; piece: string }): Call | undefined {
    const { index, id, name, piece } = delta;
    const counted = index === undefined ? undefined : this.#calls.findLast((call) => call.index === index);
    const candidate = counted ?? (index === undefined ? this.#byIdOrLast(id, name) : undefined);
    if (!candidate) return undefined;
    if (name === "") return candidate;
    if (id !== "" && candidate.given && id !== candidate.id) return undefined;
    const restarted = id === "" && piece !== "" && candidate.arguments !== "" && isComplete(candidate.arguments);
    return restarted ? undefined : candidate;
  }

  #byIdOrLast(id: string, name: string): Call | undefined {
    if (id !== "") return this.#calls.find((call) => call.id === id);
    const last = this.#current;
    if (name === "" || !last) return last;
    // A named delta without index and id: the rest of a call that is not complete yet, or else the next one.
    return last.name === "" || (last.arguments !== "" && !isComplete(last.arguments)) ? last : undefined;
  }

  #newCall(delta: JsonObject, custom: boolean): Call {
    const call: Call = {
      index: asNumber(delta["index"]),
      id: "",
      given: false,
      name: "",
      kind: custom ? "custom" : "function",
      block: -1,
      ended: false,
      arguments: "",
      told: 0,
      extraContent: undefined,
    };
    this.#calls.push(call);
    return call;
  }

  #begin(call: Call, events: ChatEvent[]): void {
    this.#closeOpen(events);
    this.#closeCompleteCalls(events);
    if (call.id === "") call.id = syntheticId(this.#seed, this.#index, this.#calls.indexOf(call));
    call.block = this.#next++;
    const { extra } = readExtraContent(call.extraContent);
    const content = { kind: "tool-call", id: call.id, name: call.name, call: call.kind } as const;
    events.push({ type: "block-start", choice: this.#index, block: call.block, content: extra ? { ...content, extra } : content });
  }

  #tell(call: Call, events: ChatEvent[], last: boolean): void {
    const { arguments: text } = call;
    if (call.kind === "function") {
      const trimmed = text.trim();
      // No arguments are written "", " " or "null"; all mean {}, and "null" must not be told before it is known to be all.
      if (trimmed === "" || "null".startsWith(trimmed)) {
        if (last && call.told === 0)
          events.push({
            type: "arguments-delta",
            choice: this.#index,
            block: call.block,
            text: trimmed === "" || trimmed === "null" ? "{}" : text,
          });
        return;
      }
    }
    if (text.length === call.told) return;
    events.push({ type: "arguments-delta", choice: this.#index, block: call.block, text: call.told === 0 ? text : text.slice(call.told) });
    call.told = text.length;
  }

  /** When something else begins: a call whose arguments are whole is over. One that is not may be interleaved with the next. */
  #closeCompleteCalls(events: ChatEvent[]): void {
    for (const call of this.#calls) {
      if (call.block >= 0 && !call.ended && (call.kind === "custom" || isComplete(call.arguments))) this.#closeCall(call, events);
    }
  }

  #closeCall(call: Call, events: ChatEvent[]): void {
    if (call.ended) return;
    call.ended = true;
    if (call.block < 0) {
      // A call without a name cannot be made, and kept in a history it would spoil every later turn.
      this.#ghost = true;
      return;
    }
    this.#tell(call, events, true);
    const { state } = readExtraContent(call.extraContent);
    events.push(
      state
        ? { type: "block-end", choice: this.#index, block: call.block, state }
        : { type: "block-end", choice: this.#index, block: call.block },
    );
  }
}

/** A piece of arguments: text, or the whole as an object. */
function fragment(value: Json | undefined): string {
  if (typeof value === "string") return value;
  return isObject(value) || Array.isArray(value) ? JSON.stringify(value) : "";
}

/** True for JSON text that is over. Only asked when something else begins, not for every piece. */
function isComplete(text: string): boolean {
  return text.trimEnd().endsWith("}") && parseJson(text) !== undefined;
}

/** The pieces of one entry: texts grow, everything else is as last said. */
function merged(known: JsonObject | undefined, entry: JsonObject): JsonObject {
  if (!known) return { ...entry };
  for (const [field, value] of Object.entries(entry)) {
    if (value === null || value === undefined) continue;
    const before = known[field];
    const grows = field === "text" || field === "summary" || field === "data";
    known[field] = grows && typeof before === "string" && typeof value === "string" ? before + value : value;
  }
  return known;
}

function thinks(delta: JsonObject): boolean {
  return Boolean(delta["reasoning_content"] || delta["reasoning"] || delta["reasoning_details"]);
}

/** Entries of our lists, each as a delta of its own, with the place it gives. */
function placedDetails(details: unknown): { place: Place; mark: JsonObject }[] {
  if (!Array.isArray(details)) return [];
  return details.map((entry: Json) => ({ place: readDetail(entry)?.place ?? head, mark: { reasoning_details: [entry] } }));
}

function placedBlocks(blocks: readonly Json[]): { details: number; entry: { place: Place; mark: JsonObject } }[] {
  return blocks.map((entry) => {
    const block = readBlock(entry);
    return { details: block?.details ?? 0, entry: { place: block?.place ?? head, mark: { [own]: { blocks: [entry] } } } };
  });
}

const head: Place = { text: 0, calls: 0 };
