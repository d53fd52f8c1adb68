/** One candidate of a reply, chunk after chunk, as the events of one choice. */

import type { BlockStart, ChatEvent, Finish, OpaqueState } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { replyCallId } from "./call-ids.ts";
import { decodeCitations } from "./citations.ts";
import { readModelMedia, stateOf, vendorPart } from "./decode-content.ts";
import { decodeFinish } from "./finish.ts";
import { decodeLogprobs } from "./logprobs.ts";
import { fromWireName } from "./names.ts";
import { PartialArguments } from "./partial-args.ts";
import { leftover } from "./proto.ts";

/** A block that has begun and not ended. */
type Open =
  /** `signed`: its signature has come, so it is complete. It ends only with what follows, because citations still belong to it. */
  | { kind: "text" | "reasoning"; block: number; signed: boolean; state: OpaqueState | undefined }
  | { kind: "tool-call"; block: number; state: OpaqueState | undefined; args: PartialArguments };

export class CandidateDecoder {
  readonly #choice: number;
  readonly #seed: string;
  #open: Open | undefined;
  #nextBlock = 0;
  #calls = 0;
  /** The visible text so far: citations count in it. */
  #text = "";
  #reason: string | undefined;
  #fields: JsonObject = {};

  constructor(choice: number, seed: string) {
    this.#choice = choice;
    this.#seed = seed;
  }

  /** What only this format says of the candidate. */
  get fields(): JsonObject {
    return this.#fields;
  }

  get searches(): number {
    const grounding = this.#fields.groundingMetadata;
    return isObject(grounding) && Array.isArray(grounding.webSearchQueries) ? grounding.webSearchQueries.length : 0;
  }

  get finished(): boolean {
    return this.#reason !== undefined;
  }

  read(candidate: JsonObject): ChatEvent[] {
    const events: ChatEvent[] = [];
    const content = isObject(candidate.content) ? candidate.content : {};
    // Thinking that used up the limit leaves a content without parts, a refusal leaves none at all.
    for (const part of Array.isArray(content.parts) ? content.parts : []) if (isObject(part)) this.#part(part, events);
    if (isObject(candidate.logprobsResult)) {
      const logprobs = decodeLogprobs(candidate.logprobsResult);
      if (logprobs) events.push({ type: "logprobs", choice: this.#choice, logprobs });
    }
    this.#reason = asString(candidate.finishReason) ?? this.#reason;
    this.#note(leftover(candidate, ["content", "finishReason", "index", "logprobsResult"]));
    return events;
  }

  /** Closes what is open and says how it ended. Whole replies of imitators may leave the reason out. */
  finish(): ChatEvent[] {
    const events: ChatEvent[] = [];
    if (this.#open?.kind === "text") {
      const { block } = this.#open;
      for (const citation of decodeCitations(this.#fields.groundingMetadata, this.#fields.citationMetadata, this.#text)) {
        events.push({ type: "citation", choice: this.#choice, block, citation });
      }
    }
    this.#close(events);
    const finish: Finish = decodeFinish(this.#reason, this.#calls > 0, this.#fields);
    events.push({ type: "finish", choice: this.#choice, finish });
    return events;
  }

  /** Later chunks restate these fields; citations alone are told piece by piece. */
  #note(fields: JsonObject): void {
    const before = this.#fields.citationMetadata;
    const after = fields.citationMetadata;
    if (isObject(before) && isObject(after)) {
      for (const name of ["citations", "citationSources"]) {
        const known = before[name];
        const more = after[name];
        if (Array.isArray(known) && Array.isArray(more)) fields.citationMetadata = { ...after, [name]: [...known, ...more] };
      }
    }
    Object.assign(this.#fields, fields);
  }

  // ── parts ──────────────────────────────────────────────────────────────────────────────────────────────────

  #part(part: JsonObject, events: ChatEvent[]): void {
    if (isObject(part.functionCall)) {
      this.#call(part.functionCall, part, events);
      return;
    }
    if (typeof part.text === "string") {
      this.#say(part.thought === true ? "reasoning" : "text", part.text, part, events);
      return;
    }
    this.#close(events);
    // Pictures among the thoughts are not part of the answer.
    const media = part.thought === true ? undefined : readModelMedia(part, stateOf(part));
    const block = this.#begin(media ? { kind: "media", part: media } : { kind: "vendor", part: vendorPart(part) }, events);
    events.push({ type: "block-end", choice: this.#choice, block, ...(media?.state && { state: media.state }) });
  }

  /**
   * A signature on an empty text at the stream's end belongs to the text before it: in one piece, both stand on one part. A signed text
   * with words is a part of its own.
   */
  #say(kind: "text" | "reasoning", text: string, part: JsonObject, events: ChatEvent[]): void {
    const signature = asString(part.thoughtSignature);
    if (text === "" && !signature) return;
    let open = this.#open;
    if (open?.kind !== kind || open.signed || (signature && text !== "")) {
      this.#close(events);
      open = { kind, block: this.#begin({ kind }, events), signed: false, state: undefined };
      this.#open = open;
    }
    if (text !== "")
      events.push({ type: kind === "text" ? "text-delta" : "reasoning-delta", choice: this.#choice, block: open.block, text });
    if (kind === "text") this.#text += text;
    if (signature) {
      open.signed = true;
      open.state = stateOf(part);
    }
  }

  /**
   * Most calls come whole. Vertex may stream one: its name first, then values by path, then an empty call to end it, or none: an array
   * as the last argument simply stops (vercel/ai#14358).
   */
  #call(call: JsonObject, part: JsonObject, events: ChatEvent[]): void {
    const name = asString(call.name);
    if (name) this.#beginCall(name, call, part, events);
    const open = this.#open;
    // A call without a name that goes on nothing is a ghost: it would break every later turn of the history (earendil-works/pi#4854).
    if (open?.kind !== "tool-call") return;
    open.state = stateOf(part) ?? open.state;
    const partial = Array.isArray(call.partialArgs) ? call.partialArgs.filter(isObject) : [];
    for (const value of partial) open.args.add(value);
    if (isObject(call.args)) open.args.set(call.args);
    const more = call.willContinue === true || partial.some((value) => value.willContinue === true);
    if (!more) this.#close(events);
  }

  #beginCall(wire: string, call: JsonObject, part: JsonObject, events: ChatEvent[]): void {
    this.#close(events);
    const id = asString(call.id) || replyCallId(this.#seed || wire, this.#choice, this.#calls);
    this.#calls += 1;
    const block = this.#begin({ kind: "tool-call", id, name: fromWireName(wire), call: "function" }, events);
    this.#open = { kind: "tool-call", block, state: stateOf(part), args: new PartialArguments() };
  }

  #begin(content: BlockStart, events: ChatEvent[]): number {
    const block = this.#nextBlock;
    this.#nextBlock += 1;
    events.push({ type: "block-start", choice: this.#choice, block, content });
    return block;
  }

  #close(events: ChatEvent[]): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    const at = { choice: this.#choice, block: open.block };
    if (open.kind === "tool-call") events.push({ type: "arguments-delta", ...at, text: open.args.text() });
    events.push({ type: "block-end", ...at, ...(open.state && { state: open.state }) });
  }
}
