/** Events as Gemini's stream: text as it comes, calls when they are whole, and the end of everything in one last chunk. */

import type { BlockStart, ChatEvent, Citation, Finish, OpaqueState } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Usage } from "../../../canonical/usage.ts";
import type { Encoder, ReplyContext } from "../../codec.ts";
import { encodeGrounding } from "./citations.ts";
import { asksForThoughts, emptyPart, encodeEnd, encodePart } from "./encode-parts.ts";
import { candidateFields, head, replyFields } from "./encode-reply.ts";
import { encodeError } from "./errors.ts";
import { encodeFinish } from "./finish.ts";
import { own } from "./format.ts";
import { encodeLogprobs } from "./logprobs.ts";
import { encodeUsage } from "./usage.ts";
import { asArray, asEvents } from "./writers.ts";
import type { Writer } from "./writers.ts";

export function encodeEvents(context: ReplyContext): Encoder {
  return new GenerateContentEncoder(context, asEvents());
}

/** For `streamGenerateContent` without `alt=sse`. */
export function encodeEventsAsArray(context: ReplyContext): Encoder {
  return new GenerateContentEncoder(context, asArray());
}

type StartEvent = Extract<ChatEvent, { type: "start" }>;
type BlockEvent = Extract<ChatEvent, { block: number }>;

/** A canonical block on its way out. */
interface Live {
  block: number;
  content: BlockStart;
  /** Arguments, and thoughts that are not shown: written at the end, if at all. */
  held: string;
  /** Some of its text has been written. */
  begun: boolean;
  /** What came while another block was being written. */
  queue: BlockEvent[];
}

/** One choice. Its blocks are written one after the other, in their order, however they grow. */
interface Lane {
  current: Live | undefined;
  waiting: Live[];
  text: string;
  citations: Citation[];
  logprobs: JsonObject[];
  finish: Finish | undefined;
}

class GenerateContentEncoder implements Encoder {
  readonly #context: ReplyContext;
  readonly #writer: Writer;
  readonly #showsThoughts: boolean;
  readonly #lanes: Lane[] = [];
  #start: StartEvent | undefined;
  /** What ends every chunk, as text. */
  #tail: string | undefined;
  #usage: Usage | undefined;
  #kept: JsonObject = {};
  #over = false;

  constructor(context: ReplyContext, writer: Writer) {
    this.#context = context;
    this.#writer = writer;
    this.#showsThoughts = asksForThoughts(context.body);
  }

  push(event: ChatEvent): string {
    if (this.#over) return "";
    switch (event.type) {
      case "start":
        this.#start ??= event;
        if (event.extra) Object.assign(this.#kept, own(event.extra));
        return this.#writer.open(() => this.#chunk(0, JSON.stringify(emptyPart)));
      case "usage":
        this.#usage = event.usage;
        return "";
      case "extra":
        Object.assign(this.#kept, own(event.extra));
        return "";
      case "finish":
        this.#lane(event.choice).finish = event.finish;
        return "";
      case "logprobs":
        this.#lane(event.choice).logprobs.push(event.logprobs);
        return "";
      case "ping":
        return this.#writer.idle;
      case "end":
        return this.#end();
      case "error":
        return this.#fail(event.error);
      default:
        return this.#route(this.#lane(event.choice), event);
    }
  }

  #lane(choice: number): Lane {
    while (this.#lanes.length <= choice) {
      this.#lanes.push({ current: undefined, waiting: [], text: "", citations: [], logprobs: [], finish: undefined });
    }
    return this.#lanes[choice] as Lane;
  }

  // ── blocks ─────────────────────────────────────────────────────────────────────────────────────────────────

  #route(lane: Lane, event: BlockEvent): string {
    const { current } = lane;
    if (current?.block === event.block) return this.#write(lane, current, event);
    if (event.type !== "block-start") {
      lane.waiting.find((live) => live.block === event.block)?.queue.push(event);
      return "";
    }
    const live: Live = { block: event.block, content: event.content, held: "", begun: false, queue: [] };
    if (current) lane.waiting.push(live);
    else lane.current = live;
    return "";
  }

  #write(lane: Lane, live: Live, event: BlockEvent): string {
    switch (event.type) {
      case "text-delta":
        lane.text += event.text;
        return this.#say(event.choice, live, event.text, `{"text":`, "}");
      case "refusal-delta":
        return this.#say(event.choice, live, event.text, `{"text":`, "}");
      case "reasoning-delta":
        if (this.#showsThoughts) return this.#say(event.choice, live, event.text, `{"text":`, `,"thought":true}`);
        live.held += event.text;
        return "";
      case "arguments-delta":
        live.held += event.text;
        return "";
      case "citation":
        lane.citations.push(event.citation);
        return "";
      case "block-end":
        return this.#endBlock(lane, event.choice, live, event.state);
      case "block-start":
        return "";
    }
  }

  /** The hot path: one string, no object. */
  #say(choice: number, live: Live, text: string, before: string, after: string): string {
    if (text === "") return "";
    live.begun = true;
    return this.#writer.write(this.#chunk(choice, before + JSON.stringify(text) + after));
  }

  #endBlock(lane: Lane, choice: number, live: Live, state: OpaqueState | undefined): string {
    const part = this.#ending(live, state);
    let out = part ? this.#writer.write(this.#chunk(choice, JSON.stringify(part))) : "";
    const next = lane.waiting.shift();
    lane.current = next;
    if (next) for (const event of next.queue) out += this.#write(lane, next, event);
    return out;
  }

  #ending(live: Live, state: OpaqueState | undefined): JsonObject | undefined {
    const { content } = live;
    switch (content.kind) {
      case "text":
        return encodeEnd("text", state, this.#context);
      case "refusal":
        return undefined;
      case "reasoning":
        if (live.begun) return encodeEnd("reasoning", state, this.#context);
        return encodePart({ type: "reasoning", text: live.held, state }, this.#context, this.#showsThoughts);
      case "tool-call": {
        const { id, name, call: kind, extra } = content;
        return encodePart({ type: "tool-call", id, name, kind, arguments: live.held, state, extra }, this.#context, this.#showsThoughts);
      }
      case "media":
        return encodePart({ ...content.part, state: state ?? content.part.state }, this.#context, this.#showsThoughts);
      case "vendor":
        return encodePart(content.part, this.#context, this.#showsThoughts);
    }
  }

  // ── chunks ─────────────────────────────────────────────────────────────────────────────────────────────────

  #chunk(choice: number, part: string): string {
    this.#tail ??= JSON.stringify(head(this.#start ?? {}, this.#context)).slice(1);
    return `{"candidates":[{"content":{"parts":[${part}],"role":"model"},"index":${choice}}],${this.#tail}`;
  }

  /** Reasons and counts stand in the last chunk alone, where clients look for them. */
  #end(): string {
    // Well-formed events leave nothing open here.
    let rest = "";
    this.#lanes.forEach((lane, choice) => {
      while (lane.current) rest += this.#endBlock(lane, choice, lane.current, undefined);
    });
    if (this.#lanes.length === 0 || this.#lanes.some((lane) => !lane.finish)) {
      return rest + this.#fail(new GatewayError("provider_stream_cut", "The provider's answer ended before it was complete."));
    }
    this.#over = true;
    const last: JsonObject = {
      candidates: this.#lanes.map((lane, choice) => this.#conclusion(lane, choice)),
      usageMetadata: encodeUsage(this.#usage),
      ...head(this.#start ?? {}, this.#context),
      ...replyFields(this.#kept),
    };
    return rest + this.#writer.write(JSON.stringify(last)) + this.#writer.close();
  }

  #conclusion(lane: Lane, choice: number): JsonObject {
    const candidate: JsonObject = { content: { parts: [emptyPart], role: "model" }, ...encodeFinish(lane.finish as Finish), index: choice };
    const grounding = encodeGrounding(lane.citations, lane.text);
    if (grounding) candidate.groundingMetadata = grounding;
    const logprobs = encodeLogprobs({ content: lane.logprobs.flatMap(({ content }) => (Array.isArray(content) ? content : [])) });
    if (logprobs) candidate.logprobsResult = logprobs;
    return { ...candidate, ...candidateFields(this.#kept, choice) };
  }

  #fail(error: GatewayError): string {
    this.#over = true;
    return this.#writer.write(JSON.stringify(encodeError(error, this.#context.callId))) + this.#writer.close();
  }
}
