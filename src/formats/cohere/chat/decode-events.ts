/** Cohere's stream as events: one decoder for streams and whole replies alike. */

import type { ChatEvent } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { asNumber, asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Decoder, Frame } from "../../codec.ts";
import { readCitations } from "./citations.ts";
import { decodeErrorPayload, isErrorPayload } from "./errors.ts";
import { readFailure, readFinish } from "./finish.ts";
import { format } from "./format.ts";
import { readUsage } from "./usage.ts";

export function decodeReply(body: JsonObject): ChatEvent[] {
  return new ChatDecoder().whole(body);
}

/** The text or the thoughts that are being written. */
interface Open {
  block: number;
  kind: "text" | "reasoning";
  /** What it is to the vendor: a numbered piece of the content, or the plan. */
  index: number | "plan";
}

interface Call {
  index: number | undefined;
  id: string;
  name: string;
  block: number;
  arguments: string;
  /** How much of the arguments has been told. */
  told: number;
}

export class ChatDecoder implements Decoder {
  #started = false;
  #over = false;
  #id = "";
  #next = 0;
  #open: Open | undefined;
  #call: Call | undefined;
  #calls = 0;
  /** A call without a name was left out. */
  #ghost = false;
  /** Citations of what carries none in the house's language: the thoughts, and text that is over. */
  readonly #loose: JsonObject[] = [];

  push(frame: Frame): ChatEvent[] {
    if (this.#over) return [];
    // The vendor's SDK expects it at the end; a stream that has not said how it ended was cut all the same.
    if (frame.data.trim() === "[DONE]") return [];
    const event = parseJson(frame.data);
    if (!isObject(event)) return this.#unreadable(frame.data);
    if (frame.event === "error" || isErrorPayload(event)) return this.#fail(decodeErrorPayload(event));
    const events: ChatEvent[] = [];
    this.#event(asString(event["type"]) ?? frame.event, event, events);
    return events;
  }

  end(): ChatEvent[] {
    if (this.#over) return [];
    return this.#fail(new GatewayError("provider_stream_cut", "The provider ended its answer before it was complete."));
  }

  /** Throws where a stream would tell an error. */
  whole(body: JsonObject): ChatEvent[] {
    const { message } = body;
    if (isErrorPayload(body)) throw decodeErrorPayload(body);
    if (!isObject(message)) throw new GatewayError("provider_bad_response", `The provider's reply is not one of ${format}.`);
    const events: ChatEvent[] = [];
    this.#start(body, events);
    this.#message(message, events);
    if (Array.isArray(body["logprobs"])) for (const item of body["logprobs"]) this.#logprobs(item, events);
    this.#finish(body, events);
    for (const event of events) if (event.type === "error") throw event.error;
    return events;
  }

  // ── one event ──────────────────────────────────────────────────────────────────────────────────────────────

  #event(type: string, event: JsonObject, events: ChatEvent[]): void {
    const delta = isObject(event["delta"]) ? event["delta"] : {};
    const message = isObject(delta["message"]) ? delta["message"] : {};
    const index = asNumber(event["index"]);
    if (!this.#started) this.#start(event, events);
    switch (type) {
      case "content-start":
      case "content-delta":
        this.#content(index ?? 0, message["content"], type === "content-start", events);
        this.#logprobs(event["logprobs"], events);
        return;
      case "tool-plan-delta":
        this.#say("text", "plan", asString(message["tool_plan"]) ?? "", events);
        return;
      case "tool-call-start":
        this.#startCall(index, message["tool_calls"], events);
        return;
      case "tool-call-delta":
        this.#continueCall(index, message["tool_calls"], events);
        return;
      case "tool-call-end":
        this.#endCall(events);
        return;
      case "citation-start":
        this.#citations(message["citations"], events);
        return;
      case "message-end":
        this.#finish(delta, events);
        return;
      // The end of a content is told when something else begins: its citations may come after it. Ends of citations say nothing, and what is new
      // to us is none of ours.
      default:
    }
  }

  #start(event: JsonObject, events: ChatEvent[]): void {
    this.#started = true;
    this.#id = asString(event["id"]) ?? "";
    events.push(this.#id === "" ? { type: "start" } : { type: "start", id: this.#id });
  }

  /** In the order in which a model works: thoughts, plan, text, calls. */
  #message(message: JsonObject, events: ChatEvent[]): void {
    const { content, tool_plan: plan, tool_calls: calls, citations } = message;
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : Array.isArray(content) ? content.filter(isObject) : [];
    let cited = Array.isArray(citations) ? citations.filter(isObject) : [];
    const write = (kind: "thinking" | "text"): void => {
      for (const [index, block] of blocks.entries()) {
        if ((block["type"] === "thinking") !== (kind === "thinking")) continue;
        this.#content(index, block, true, events);
        cited = cited.filter((citation) => !this.#cite(citation, events));
      }
    };
    write("thinking");
    if (typeof plan === "string") {
      this.#say("text", "plan", plan, events);
      cited = cited.filter((citation) => !this.#cite(citation, events));
    }
    write("text");
    this.#loose.push(...cited);
    for (const call of Array.isArray(calls) ? calls : []) {
      this.#startCall(undefined, call, events);
      this.#endCall(events);
    }
  }

  // ── text, thoughts, plan ───────────────────────────────────────────────────────────────────────────────────

  #content(index: number, content: Json | undefined, begins: boolean, events: ChatEvent[]): void {
    if (!isObject(content)) return;
    if (begins && this.#open?.index === index) this.#close(events);
    const thinking = asString(content["thinking"]);
    if (thinking !== undefined) this.#say("reasoning", index, thinking, events);
    else this.#say("text", index, asString(content["text"]) ?? "", events);
  }

  #say(kind: Open["kind"], index: Open["index"], text: string, events: ChatEvent[]): void {
    if (text === "") return;
    if (this.#open?.index !== index || this.#open.kind !== kind) {
      this.#endCall(events);
      this.#close(events);
      this.#open = { block: this.#next++, kind, index };
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

  // ── citations ──────────────────────────────────────────────────────────────────────────────────────────────

  #citations(given: Json | undefined, events: ChatEvent[]): void {
    for (const citation of Array.isArray(given) ? given : [given]) {
      if (isObject(citation) && !this.#cite(citation, events)) this.#loose.push(citation);
    }
  }

  /** False for a citation that belongs to something else than the text that is being written. */
  #cite(raw: JsonObject, events: ChatEvent[]): boolean {
    const open = this.#open;
    if (open?.kind !== "text" || !isAbout(raw, open.index)) return false;
    for (const citation of readCitations(raw)) events.push({ type: "citation", choice: 0, block: open.block, citation });
    return true;
  }

  // ── tool calls ─────────────────────────────────────────────────────────────────────────────────────────────

  #startCall(index: number | undefined, given: Json | undefined, events: ChatEvent[]): void {
    this.#endCall(events);
    const call = Array.isArray(given) ? given[0] : given;
    if (!isObject(call)) return;
    const { name, arguments: text } = isObject(call["function"]) ? call["function"] : {};
    if (typeof name !== "string" || name === "") {
      // A call without a name cannot be made, and kept in a history it would spoil every later turn.
      this.#ghost = true;
      return;
    }
    this.#close(events);
    const id = asString(call["id"]) || `call_${this.#id.replace(/[^\w-]/g, "").slice(0, 36)}_${this.#calls}`;
    this.#calls += 1;
    this.#call = { index, id, name, block: this.#next++, arguments: "", told: 0 };
    events.push({ type: "block-start", choice: 0, block: this.#call.block, content: { kind: "tool-call", id, name, call: "function" } });
    this.#argue(text, events);
  }

  /** A piece for a call that is over, or that was left out, is for none. */
  #continueCall(index: number | undefined, given: Json | undefined, events: ChatEvent[]): void {
    const call = Array.isArray(given) ? given[0] : given;
    if (!this.#call || !isObject(call) || (index !== undefined && this.#call.index !== undefined && index !== this.#call.index)) return;
    this.#argue(isObject(call["function"]) ? call["function"]["arguments"] : undefined, events);
  }

  #argue(text: Json | undefined, events: ChatEvent[]): void {
    const call = this.#call;
    if (!call) return;
    call.arguments += isObject(text) ? JSON.stringify(text) : (asString(text) ?? "");
    // For a tool without parameters the vendor writes "null", or nothing at all: it must not be told before it is known to be all.
    if ("null".startsWith(call.arguments.trim()) || call.arguments.length === call.told) return;
    events.push({ type: "arguments-delta", choice: 0, block: call.block, text: call.arguments.slice(call.told) });
    call.told = call.arguments.length;
  }

  #endCall(events: ChatEvent[]): void {
    const call = this.#call;
    if (!call) return;
    this.#call = undefined;
    const left = call.arguments.trim();
    const untold = left === "" || left === "null" ? "{}" : call.arguments;
    if (call.told === 0) events.push({ type: "arguments-delta", choice: 0, block: call.block, text: untold });
    events.push({ type: "block-end", choice: 0, block: call.block });
  }

  // ── log probabilities ──────────────────────────────────────────────────────────────────────────────────────

  /** A chunk of text with its tokens' numbers. The tokens' own texts are not told, so that the chunk is one entry: its probability is their product. */
  #logprobs(item: Json | undefined, events: ChatEvent[]): void {
    if (!isObject(item) || !Array.isArray(item["logprobs"])) return;
    const logprob = item["logprobs"].reduce<number>((sum, one) => sum + (asNumber(one) ?? 0), 0);
    const entry: JsonObject = { token: asString(item["text"]) ?? "", logprob, bytes: null, top_logprobs: [] };
    if (Array.isArray(item["token_ids"])) entry["token_ids"] = item["token_ids"];
    events.push({ type: "logprobs", choice: 0, logprobs: { content: [entry] } });
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────

  #finish(ending: JsonObject, events: ChatEvent[]): void {
    const raw = asString(ending["finish_reason"]);
    const usage = isObject(ending["usage"]) ? readUsage(ending["usage"]) : undefined;
    const failure = readFailure(raw, asString(ending["error"]));
    this.#over = true;
    if (failure) {
      // What was counted before the failure is told first: it has to be paid for.
      if (usage) events.push({ type: "usage", usage });
      events.push({ type: "error", error: failure });
      return;
    }
    this.#endCall(events);
    this.#close(events);
    if (this.#loose.length > 0) events.push({ type: "extra", extra: { format, fields: { citations: this.#loose } } });
    events.push({ type: "finish", choice: 0, finish: readFinish(raw, { calls: this.#calls > 0, ghost: this.#ghost }) });
    if (usage) events.push({ type: "usage", usage });
    events.push({ type: "end" });
  }

  #fail(error: GatewayError): ChatEvent[] {
    this.#over = true;
    return [{ type: "error", error }];
  }

  #unreadable(data: string): ChatEvent[] {
    if (data.trim() === "" || data.startsWith(":")) return [];
    return this.#fail(
      data.startsWith("{")
        ? new GatewayError("provider_stream_cut", "The provider's answer broke off inside of an event.")
        : new GatewayError("provider_bad_response", "The provider sent an event that is not JSON."),
    );
  }
}

/** Citations say what they are about: the plan, the thoughts, or a content by its number, which may be left out where there is one only. */
function isAbout(citation: JsonObject, index: Open["index"]): boolean {
  if (citation["type"] === "PLAN" || citation["type"] === "THINKING_CONTENT") return citation["type"] === "PLAN" && index === "plan";
  return index !== "plan" && (citation["content_index"] ?? index) === index;
}
