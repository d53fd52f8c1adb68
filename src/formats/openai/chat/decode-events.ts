/** A vendor's stream as events: one decoder for streams and whole replies alike, tolerant of everything vendors have been seen to send. */

import type { ChatEvent } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { asNumber, asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { Decoder, Frame } from "../../codec.ts";
import { ChoiceDecoder } from "./decode-choice.ts";
import { decodeErrorPayload, isErrorPayload } from "./errors.ts";
import { format } from "./format.ts";
import { readUsage } from "./usage.ts";

const none: ReadonlySet<Quirk> = new Set();

/** More would be a vendor gone mad, and costs memory by its number alone. */
const MAX_CHOICES = 128;

/** Top-level fields that are told in other ways, or mean nothing. */
const known: ReadonlySet<string> = new Set(["id", "object", "created", "model", "choices", "usage", "obfuscation", "error", "__proto__"]);

export class ChatDecoder implements Decoder {
  readonly #quirks: ReadonlySet<Quirk>;
  readonly #choices = new Map<number, ChoiceDecoder>();
  #started = false;
  #over = false;
  #seed = "";
  #usage: JsonObject | undefined;
  #tier: string | undefined;
  /** What only this format knows, as last seen, and what of it the `start` event has told. */
  readonly #extras: JsonObject = {};
  #told: JsonObject = {};

  constructor(quirks: ReadonlySet<Quirk> = none) {
    this.#quirks = quirks;
  }

  push(frame: Frame): ChatEvent[] {
    if (this.#over) return [];
    const { data } = frame;
    if (data === "[DONE]" || data.trim() === "[DONE]") return this.#done();
    const parsed = parseJson(data);
    // Google's compatibility layer wraps its errors in a list of one.
    const chunk = Array.isArray(parsed) ? parsed[0] : parsed;
    if (!isObject(chunk)) return this.#unreadable(data);
    const events: ChatEvent[] = [];
    if (frame.event === "error" || isErrorPayload(chunk)) this.#fail(events, decodeErrorPayload(chunk));
    else this.#chunk(chunk, events);
    return events;
  }

  end(): ChatEvent[] {
    if (this.#over) return [];
    // A finish without [DONE] is complete: some vendors just close.
    if (this.#choices.size > 0 && this.#finished()) return this.#done();
    const events: ChatEvent[] = [];
    this.#fail(events, new GatewayError("provider_stream_cut", "The provider ended its answer before it was complete."));
    return events;
  }

  /** A whole reply: one chunk that holds everything. Throws where a stream would tell an error. */
  whole(body: JsonObject): ChatEvent[] {
    if (isErrorPayload(body)) throw decodeErrorPayload(body);
    const { choices } = body;
    if (!Array.isArray(choices) || choices.length === 0) {
      throw new GatewayError(
        "provider_bad_response",
        Array.isArray(choices) ? "The provider's reply holds no answer." : `The provider's reply is not one of ${format}.`,
      );
    }
    const events: ChatEvent[] = [];
    this.#chunk(body, events);
    events.push(...this.#done());
    for (const event of events) if (event.type === "error") throw event.error;
    return events;
  }

  // ── one chunk ──────────────────────────────────────────────────────────────────────────────────────────────

  #chunk(chunk: JsonObject, events: ChatEvent[]): void {
    const { choices, usage } = chunk;
    // `usage: null` stands on every chunk but the last, and counts that came before it stay true.
    if (isObject(usage)) this.#usage = usage;
    const groq = chunk["x_groq"];
    if (isObject(groq)) {
      if (isObject(groq["usage"])) this.#usage = groq["usage"];
      if (isErrorPayload(groq)) return this.#fail(events, decodeErrorPayload(groq));
    }
    if (typeof chunk["service_tier"] === "string") this.#tier = chunk["service_tier"];
    const list = Array.isArray(choices) ? choices : [];
    // Azure's first chunk has no choice, no id and no model: the start waits for one that has.
    if (list.length === 0) return this.#noteExtras(chunk);
    if (!this.#started) {
      this.#noteExtras(chunk);
      this.#start(chunk, events);
    }
    for (let position = 0; position < list.length; position++) {
      const choice = list[position];
      if (!isObject(choice)) continue;
      if (this.#choice(choice, position, events)) this.#noteExtras(chunk);
      if (this.#over) return;
    }
  }

  /** True when the choice said that it is finished. */
  #choice(choice: JsonObject, position: number, events: ChatEvent[]): boolean {
    const index = asNumber(choice["index"]) ?? position;
    let decoder = this.#choices.get(index);
    if (!decoder) {
      if (!Number.isInteger(index) || index < 0 || index >= MAX_CHOICES) {
        this.#fail(events, new GatewayError("provider_bad_response", "The provider sent a choice with an impossible index."));
        return false;
      }
      decoder = new ChoiceDecoder({ index, seed: this.#seed, thinkTags: this.#quirks.has("think-tags") });
      this.#choices.set(index, decoder);
    }
    const { delta, message } = choice;
    if (isObject(delta)) decoder.delta(delta, events);
    else if (isObject(message)) decoder.message(message, events);
    else if (typeof choice["text"] === "string") decoder.delta({ content: choice["text"] }, events);
    if (isObject(choice["logprobs"])) decoder.logprobs(choice["logprobs"], events);
    const raw = asString(choice["finish_reason"]);
    if (!raw) return false;
    const failure = decoder.finishing(raw, choice);
    if (failure) this.#fail(events, failure);
    return true;
  }

  #start(chunk: JsonObject, events: ChatEvent[]): void {
    this.#started = true;
    const start: ChatEvent = { type: "start" };
    const id = asString(chunk["id"]);
    const model = asString(chunk["model"]);
    const created = asNumber(chunk["created"]);
    if (id) start.id = id;
    if (model) start.model = model;
    if (created) start.created = Math.floor(created);
    if (Object.keys(this.#extras).length > 0) {
      this.#told = { ...this.#extras };
      start.extra = { format, fields: this.#told };
    }
    // Ids that have to be made up hang on the reply's own, so that reading it twice gives the same ones.
    this.#seed = id || String(created ?? "");
    events.push(start);
  }

  /** Not on every chunk: the first, the finishing ones and those without a choice hold all there is. */
  #noteExtras(chunk: JsonObject): void {
    for (const field in chunk) {
      const value = chunk[field];
      if (value !== null && value !== undefined && !known.has(field)) this.#extras[field] = value;
    }
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────

  #finished(): boolean {
    for (const choice of this.#choices.values()) if (!choice.finished) return false;
    return true;
  }

  #done(): ChatEvent[] {
    const events: ChatEvent[] = [];
    if (this.#choices.size === 0) {
      this.#fail(events, new GatewayError("provider_bad_response", "The provider's stream holds no answer."));
      return events;
    }
    this.#over = true;
    const sources = perplexitySources(this.#extras);
    for (const choice of this.#choices.values()) choice.close(events, sources);
    const extras = this.#untold();
    if (extras) events.push({ type: "extra", extra: { format, fields: extras } });
    for (const choice of this.#choices.values()) events.push(choice.finish());
    this.#tellUsage(events);
    events.push({ type: "end" });
    return events;
  }

  #tellUsage(events: ChatEvent[]): void {
    const usage = this.#usage && readUsage(this.#usage, this.#quirks.has("usage-omits-reasoning"));
    if (!usage) return;
    if (this.#tier !== undefined) usage.serviceTier ??= this.#tier;
    events.push({ type: "usage", usage });
  }

  #untold(): JsonObject | undefined {
    let fields: JsonObject | undefined;
    for (const [field, value] of Object.entries(this.#extras)) {
      if (!same(value, this.#told[field])) (fields ??= {})[field] = value;
    }
    return fields;
  }

  /** What was counted before the failure is told first: it has to be paid for. */
  #fail(events: ChatEvent[], error: GatewayError): void {
    this.#over = true;
    this.#tellUsage(events);
    events.push({ type: "error", error });
  }

  #unreadable(data: string): ChatEvent[] {
    // A comment that a gateway on the way has wrapped by mistake.
    if (data.startsWith(":") || data.trim() === "") return [];
    // A stream cut inside its last event, after everything that matters.
    if (this.#choices.size > 0 && this.#finished()) return this.#done();
    const events: ChatEvent[] = [];
    const cut = data.startsWith("{") || data.startsWith("[");
    this.#fail(
      events,
      cut
        ? new GatewayError("provider_stream_cut", "The provider's answer broke off inside of an event.")
        : new GatewayError("provider_bad_response", "The provider sent an event that is not JSON."),
    );
    return events;
  }
}

function same(one: Json | undefined, other: Json | undefined): boolean {
  return one === other || (typeof one === "object" && JSON.stringify(one) === JSON.stringify(other));
}

/** Perplexity names its sources beside the answer, not inside of it. */
function perplexitySources(extras: JsonObject): { url: string; title?: string | undefined; raw: Json }[] {
  const { citations, search_results: results } = extras;
  if (Array.isArray(results)) {
    const found = results.filter(isObject).filter((result) => typeof result["url"] === "string");
    if (found.length > 0) return found.map((result) => ({ url: result["url"] as string, title: asString(result["title"]), raw: result }));
  }
  if (!Array.isArray(citations)) return [];
  return citations.filter((url) => typeof url === "string").map((url) => ({ url, raw: url }));
}
