/** Gemini's stream as events. Every frame is a whole reply in itself, of one or more candidates; nothing but its close says that it is over. */

import type { ChatEvent } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Decoder, Frame } from "../../codec.ts";
import { CandidateDecoder } from "./decode-candidate.ts";
import { decodeStreamError } from "./errors.ts";
import { decodeBlock } from "./finish.ts";
import { pocket } from "./format.ts";
import { leftover, toNumber } from "./proto.ts";
import { decodeUsage, mergeUsage } from "./usage.ts";

export function decodeEvents(): Decoder {
  return new GenerateContentDecoder(false);
}

const known = ["candidates", "usageMetadata", "modelVersion", "responseId", "promptFeedback"];

/** `whole`: the one frame is a reply that was not streamed, which is complete even where it does not say why it ended. */
export class GenerateContentDecoder implements Decoder {
  readonly #whole: boolean;
  readonly #candidates = new Map<number, CandidateDecoder>();
  #started = false;
  #over = false;
  /** Made-up call ids are derived from it. */
  #seed = "";
  #usage: JsonObject | undefined;
  #feedback: JsonObject = {};
  #fields: JsonObject = {};

  constructor(whole: boolean) {
    this.#whole = whole;
  }

  push(frame: Frame): ChatEvent[] {
    if (this.#over) return [];
    // Some proxies end this format's streams in another's manner.
    if (frame.data.trim() === "[DONE]") return [];
    return this.read(parseJson(frame.data));
  }

  /** One frame, parsed. Errors come in a list of one at times, and a stream that was not asked for as events is a list of frames. */
  read(data: Json | undefined): ChatEvent[] {
    if (Array.isArray(data)) return data.flatMap((each) => this.read(each));
    if (this.#over) return [];
    if (!isObject(data))
      return this.#fail(new GatewayError("provider_bad_response", "The provider sent an event that is not a JSON object."));
    if (isObject(data.error)) return this.#fail(decodeStreamError(data));
    return this.#response(data);
  }

  end(): ChatEvent[] {
    if (this.#over) return [];
    this.#over = true;
    const blocked = decodeBlock(this.#feedback);
    const events: ChatEvent[] = [];
    if (this.#candidates.size === 0) {
      if (!blocked) return [{ type: "error", error: this.#incomplete() }];
      events.push({ type: "finish", choice: 0, finish: blocked });
    }
    for (const candidate of this.#candidates.values()) {
      if (!this.#whole && !candidate.finished) return [...events, { type: "error", error: this.#incomplete() }];
      events.push(...candidate.finish());
    }
    const usage = this.#countUsage();
    if (usage) events.push(usage);
    const extra = pocket({ ...this.#fields, ...this.#kept() });
    if (extra) events.push({ type: "extra", extra });
    events.push({ type: "end" });
    return events;
  }

  #response(body: JsonObject): ChatEvent[] {
    const events: ChatEvent[] = [];
    if (!this.#started && known.some((field) => body[field] !== undefined)) {
      this.#started = true;
      this.#seed = asString(body.responseId) ?? asString(body.createTime) ?? "";
      events.push(startEvent(body));
    }
    if (isObject(body.promptFeedback)) this.#feedback = { ...this.#feedback, ...body.promptFeedback };
    for (const candidate of Array.isArray(body.candidates) ? body.candidates : []) {
      if (isObject(candidate)) events.push(...this.#candidate(candidate));
    }
    if (isObject(body.usageMetadata)) {
      this.#usage = mergeUsage(this.#usage, body.usageMetadata);
      const usage = this.#countUsage();
      if (usage) events.push(usage);
    }
    Object.assign(this.#fields, leftover(body, known));
    return events;
  }

  #candidate(candidate: JsonObject): ChatEvent[] {
    const index = toNumber(candidate.index) ?? 0;
    if (!Number.isInteger(index) || index < 0 || index > 64) return [];
    let decoder = this.#candidates.get(index);
    if (!decoder) {
      decoder = new CandidateDecoder(index, this.#seed);
      this.#candidates.set(index, decoder);
    }
    return decoder.read(candidate);
  }

  #countUsage(): ChatEvent | undefined {
    const usage = this.#usage && decodeUsage(this.#usage);
    if (!usage) return undefined;
    let searches = 0;
    for (const candidate of this.#candidates.values()) searches += candidate.searches;
    if (searches > 0) usage.serverTools = { google_search: searches };
    return { type: "usage", usage };
  }

  /** What only this format says, candidate by candidate, in their order. */
  #kept(): JsonObject {
    const kept: JsonObject = {};
    if (Object.keys(this.#feedback).length > 0) kept.promptFeedback = this.#feedback;
    const fields = [...this.#candidates.entries()].filter(([, candidate]) => Object.keys(candidate.fields).length > 0);
    if (fields.length > 0) kept.candidates = Object.fromEntries(fields.map(([index, candidate]) => [index, candidate.fields]));
    return kept;
  }

  #incomplete(): GatewayError {
    if (this.#whole)
      return new GatewayError("provider_bad_response", "The provider's reply is not one of Gemini's: it has no `candidates`.");
    return new GatewayError("provider_stream_cut", "The provider's stream ended before the answer was complete.");
  }

  #fail(error: GatewayError): ChatEvent[] {
    this.#over = true;
    return [{ type: "error", error }];
  }
}

function startEvent(body: JsonObject): ChatEvent {
  const time = Date.parse(asString(body.createTime) ?? "");
  return {
    type: "start",
    id: asString(body.responseId),
    model: asString(body.modelVersion),
    created: Number.isNaN(time) ? undefined : Math.floor(time / 1000),
  };
}
