/** Ollama's lines as events: one decoder for streams and whole replies, as a whole reply is a stream of one line. */

import type { ChatEvent, Finish, FinishReason } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { asNumber, asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import { asCount } from "../../../canonical/usage.ts";
import type { Usage } from "../../../canonical/usage.ts";
import type { Decoder, Frame } from "../../codec.ts";
import { fromArguments, parseExactly } from "./digits.ts";
import { decodeErrorPayload, isErrorPayload } from "./errors.ts";
import { format } from "./format.ts";

/** `text`: the same body unparsed, in which long numbers have all their digits. */
export function decodeReply(body: JsonObject, _quirks?: ReadonlySet<Quirk>, text?: string): ChatEvent[] {
  return new ChatDecoder().whole(body, text);
}

export class ChatDecoder implements Decoder {
  #started = false;
  #over = false;
  /** The block that is being written; calls come whole and are never open. */
  #open: { block: number; kind: "text" | "reasoning" } | undefined;
  #next = 0;
  #calls = 0;
  /** A call without a name was left out. */
  #ghost = false;
  #seed = "";

  push(frame: Frame): ChatEvent[] {
    if (this.#over) return [];
    const line = parseJson(frame.data);
    if (!isObject(line)) return this.#fail(unreadable(frame.data));
    if (isErrorPayload(line)) return this.#fail(decodeErrorPayload(line), line);
    const events: ChatEvent[] = [];
    this.#line(line, frame.data, events);
    return events;
  }

  end(): ChatEvent[] {
    if (this.#over) return [];
    return this.#fail(new GatewayError("provider_stream_cut", "The provider ended its answer before it was complete."));
  }

  /** Throws where a stream would tell an error. */
  whole(body: JsonObject, text?: string): ChatEvent[] {
    if (isErrorPayload(body)) throw decodeErrorPayload(body);
    if (!isObject(body["message"]) && body["done"] === undefined) {
      throw new GatewayError("provider_bad_response", `The provider's reply is not one of ${format}.`);
    }
    const events: ChatEvent[] = [];
    this.#line(body, text, events);
    events.push(...this.end());
    for (const event of events) if (event.type === "error") throw event.error;
    return events;
  }

  // ── one line ───────────────────────────────────────────────────────────────────────────────────────────────

  #line(line: JsonObject, text: string | undefined, events: ChatEvent[]): void {
    if (!this.#started) this.#start(line, events);
    const message = isObject(line["message"]) ? line["message"] : {};
    this.#say("reasoning", asString(message["thinking"]), events);
    this.#say("text", asString(message["content"]), events);
    for (const call of callsOf(message, text)) this.#call(call, events);
    if (Array.isArray(line["logprobs"]) && line["logprobs"].length > 0) {
      events.push({ type: "logprobs", choice: 0, logprobs: { content: line["logprobs"].filter(isObject).map(readLogprob) } });
    }
    if (line["done"] === true) this.#finish(line, events);
  }

  #start(line: JsonObject, events: ChatEvent[]): void {
    this.#started = true;
    const start: ChatEvent = { type: "start" };
    const model = asString(line["model"]);
    const createdAt = asString(line["created_at"]) ?? "";
    const created = Date.parse(createdAt);
    if (model) start.model = model;
    if (created > 0) start.created = Math.floor(created / 1000);
    this.#seed = seedOf(createdAt);
    events.push(start);
  }

  #say(kind: "text" | "reasoning", text: string | undefined, events: ChatEvent[]): void {
    if (!text) return;
    if (this.#open?.kind !== kind) {
      this.#close(events);
      this.#open = { block: this.#next++, kind };
      events.push({ type: "block-start", choice: 0, block: this.#open.block, content: { kind } });
    }
    const { block } = this.#open;
    events.push(kind === "text" ? { type: "text-delta", choice: 0, block, text } : { type: "reasoning-delta", choice: 0, block, text });
  }

  #close(events: ChatEvent[]): void {
    if (!this.#open) return;
    events.push({ type: "block-end", choice: 0, block: this.#open.block });
    this.#open = undefined;
  }

  /** Every call is a block of its own, in the order of arrival, whatever number it is given: BerriAI/litellm#33678 put them all on 0. */
  #call(call: JsonObject, events: ChatEvent[]): void {
    const { name, arguments: given } = isObject(call["function"]) ? call["function"] : {};
    if (typeof name !== "string" || name === "") {
      // A call without a name cannot be made, and kept in a history it would spoil every later turn.
      this.#ghost = true;
      return;
    }
    this.#close(events);
    const at = { choice: 0, block: this.#next++ };
    // Made up before 0.12.10; from the time of the reply, so that reading it twice gives the same ones and turns do not collide.
    const id = asString(call["id"]) || `call_${this.#seed}_${this.#calls}`;
    this.#calls += 1;
    events.push(
      { type: "block-start", ...at, content: { kind: "tool-call", id, name, call: "function" } },
      { type: "arguments-delta", ...at, text: fromArguments(given) },
      { type: "block-end", ...at },
    );
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────

  #finish(line: JsonObject, events: ChatEvent[]): void {
    const raw = asString(line["done_reason"]);
    if (raw === "load" || raw === "unload") {
      events.push(
        ...this.#fail(new GatewayError("provider_bad_response", `The provider gave no answer: it only did "${raw}" the model.`), line),
      );
      return;
    }
    this.#over = true;
    this.#close(events);
    const finish: Finish = { reason: this.#reason(raw) };
    if (raw !== undefined) finish.raw = raw;
    events.push({ type: "finish", choice: 0, finish });
    const usage = readUsage(line);
    if (usage) events.push({ type: "usage", usage });
    events.push({ type: "end" });
  }

  /** A stop is what a call ends with too; a length stays one. Without a word (before 0.1.39) nothing is known. */
  #reason(raw: string | undefined): FinishReason {
    if (raw === "length") return "length";
    if (raw !== undefined && raw !== "stop" && raw !== "tool_calls") return "unknown";
    if (this.#calls > 0) return "tool-calls";
    if (this.#ghost) return "malformed-call";
    return raw === "stop" ? "stop" : "unknown";
  }

  /** What was counted before the failure is told first. */
  #fail(error: GatewayError, line?: JsonObject): ChatEvent[] {
    this.#over = true;
    const usage = line && readUsage(line);
    return usage
      ? [
          { type: "usage", usage },
          { type: "error", error },
        ]
      : [{ type: "error", error }];
  }
}

/** Read once more from the text where there is one: the arguments are objects, and their long numbers have been rounded. */
function callsOf(message: JsonObject, text: string | undefined): JsonObject[] {
  if (!Array.isArray(message["tool_calls"])) return [];
  const exact = text === undefined ? undefined : parseExactly(text);
  const calls = isObject(exact) && isObject(exact["message"]) ? exact["message"]["tool_calls"] : message["tool_calls"];
  return Array.isArray(calls) ? calls.filter(isObject) : [];
}

function unreadable(data: string): GatewayError {
  if (data.startsWith("{")) return new GatewayError("provider_stream_cut", "The provider's answer broke off inside of a line.");
  return new GatewayError("provider_bad_response", "The provider sent a line that is not JSON.");
}

/** `2025-10-26T17:15:24.097767Z` in fewer letters; the nanoseconds are what tells two replies apart. */
function seedOf(createdAt: string): string {
  const digits = createdAt.replace(/\D/g, "").slice(0, 23);
  return digits === "" ? "0" : BigInt(digits).toString(36);
}

const counters = ["total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"];

/** The prompt's count is left out when the whole prompt was in the cache: then nothing of it was evaluated. Undefined when nothing was counted. */
function readUsage(line: JsonObject): Usage | undefined {
  const input = asCount(line["prompt_eval_count"]);
  const output = asCount(line["eval_count"]);
  if (input === undefined && output === undefined) return undefined;
  const raw: JsonObject = {};
  for (const counter of counters) if (line[counter] !== undefined) raw[counter] = line[counter];
  return { input: input ?? 0, output: output ?? 0, raw, rawFormat: format };
}

/** In the shape that clients of OpenAI's formats know, which differs by the bytes alone. */
function readLogprob(entry: JsonObject): Json {
  const top = Array.isArray(entry["top_logprobs"]) ? entry["top_logprobs"].filter(isObject) : [];
  return { ...tokenOf(entry), top_logprobs: top.map(tokenOf) };
}

function tokenOf(entry: JsonObject): JsonObject {
  return {
    token: asString(entry["token"]) ?? "",
    logprob: asNumber(entry["logprob"]) ?? 0,
    bytes: Array.isArray(entry["bytes"]) ? entry["bytes"] : null,
  };
}
