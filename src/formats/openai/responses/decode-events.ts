/** A vendor's stream as events: one decoder for streams and whole replies alike. */

import type { ChatEvent } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import { asNumber, asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Decoder, Frame } from "../../codec.ts";
import { decodeErrorPayload, isErrorPayload } from "../chat/errors.ts";
import { ItemsDecoder } from "./decode-items.ts";
import { decodeErrorEvent, decodeResponseFailure } from "./errors.ts";
import { readFinish } from "./finish.ts";
import { format } from "./format.ts";
import { responseExtras } from "./response.ts";
import { readUsage } from "./usage.ts";

export function decodeReply(body: JsonObject): ChatEvent[] {
  return new ResponsesDecoder().whole(body);
}

export class ResponsesDecoder implements Decoder {
  readonly #events: ChatEvent[] = [];
  readonly #items = new ItemsDecoder(this.#events, () => this.#seed);
  #head: JsonObject = {};
  #started = false;
  #over = false;
  /** Ids that have to be made up hang on the response's own, so that reading it twice gives the same ones. */
  #seed = "";

  push(frame: Frame): ChatEvent[] {
    if (this.#over) return [];
    const { data } = frame;
    if (data === "[DONE]" || data.trim() === "[DONE]") return this.end();
    const event = parseJson(data);
    if (!isObject(event)) return this.#unreadable(data);
    this.#event(asString(event.type) ?? frame.event, event);
    return this.#take();
  }

  end(): ChatEvent[] {
    if (this.#over) return [];
    this.#fail(new GatewayError("provider_stream_cut", "The provider ended its answer before it was complete."));
    return this.#take();
  }

  /** Throws where a stream would tell an error. */
  whole(body: JsonObject): ChatEvent[] {
    if (!Array.isArray(body.output)) {
      if (isErrorPayload(body)) throw decodeErrorPayload(body);
      throw new GatewayError("provider_bad_response", `The provider's reply is not one of ${format}: it has no \`output\` list.`);
    }
    this.#head = body;
    this.#end(body);
    const events = this.#take();
    for (const event of events) if (event.type === "error") throw event.error;
    return events;
  }

  #take(): ChatEvent[] {
    const events = this.#events.splice(0);
    if (this.#started || !events.some(({ type }) => type !== "ping" && type !== "error")) return events;
    // The start waits for something to start with, so that an error in place of it can still go to another target.
    this.#started = true;
    return [this.#start(), ...events];
  }

  #event(type: string, event: JsonObject): void {
    const items = this.#items;
    switch (type) {
      case "response.created":
      case "response.queued":
      case "response.in_progress":
        this.#note(event.response);
        return;
      case "response.output_item.added":
        items.added(event);
        return;
      case "response.output_item.done":
        items.done(event);
        return;
      case "response.content_part.added":
        items.partAdded(event);
        return;
      case "response.output_text.delta":
        items.spoken(event, "text", event.delta, false);
        return;
      case "response.output_text.done":
        items.spoken(event, "text", event.text, true);
        return;
      case "response.refusal.delta":
        items.spoken(event, "refusal", event.delta, false);
        return;
      case "response.refusal.done":
        items.spoken(event, "refusal", event.refusal, true);
        return;
      case "response.output_text.annotation.added":
        items.annotated(event);
        return;
      case "response.reasoning_summary_text.delta":
        items.thought(event, "summary", event.delta, false);
        return;
      case "response.reasoning_summary_text.done":
        items.thought(event, "summary", event.text, true);
        return;
      case "response.reasoning_text.delta":
        items.thought(event, "content", event.delta, false);
        return;
      case "response.reasoning_text.done":
        items.thought(event, "content", event.text, true);
        return;
      case "response.function_call_arguments.delta":
        items.argued(event, false, event.delta, false);
        return;
      case "response.function_call_arguments.done":
        items.argued(event, false, event.arguments, true);
        return;
      case "response.custom_tool_call_input.delta":
        items.argued(event, true, event.delta, false);
        return;
      case "response.custom_tool_call_input.done":
        items.argued(event, true, event.input, true);
        return;
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
      case "response.cancelled":
        this.#end(isObject(event.response) ? event.response : {}, type.slice("response.".length));
        return;
      case "error":
        this.#fail(decodeErrorEvent(event));
        return;
      case "keepalive":
        this.#events.push({ type: "ping" });
        return;
      default:
        // Progress of a vendor's own tools; their items tell it all when they are done.
        if (!type.startsWith("response.") && isErrorPayload(event)) this.#fail(decodeErrorPayload(event));
    }
  }

  #note(response: unknown): void {
    if (!isObject(response)) return;
    this.#head = { ...this.#head, ...response };
    this.#seed ||= asString(response.id) ?? "";
  }

  #start(): ChatEvent {
    const start: Extract<ChatEvent, { type: "start" }> = { type: "start" };
    const id = asString(this.#head.id);
    const model = asString(this.#head.model);
    const created = asNumber(this.#head.created_at);
    if (id) start.id = id;
    if (model) start.model = model;
    if (created) start.created = Math.floor(created);
    const fields = responseExtras(this.#head);
    if (fields) start.extra = { format, fields };
    return start;
  }

  /** `word`: the event's own, where the response does not say how it ended. */
  #end(response: JsonObject, word = "completed"): void {
    this.#note(response);
    const status = asString(response.status) ?? word;
    if (status === "failed" || status === "cancelled" || word === "failed" || isObject(response.error)) {
      this.#tellUsage(response);
      this.#fail(decodeResponseFailure(response));
      return;
    }
    this.#over = true;
    this.#items.finish(response.output);
    const fields = this.#started ? responseExtras(response) : undefined;
    if (fields) this.#events.push({ type: "extra", extra: { format, fields } });
    this.#events.push({ type: "finish", choice: 0, finish: readFinish({ ...response, status }, this.#items.seen) });
    this.#tellUsage(response);
    this.#events.push({ type: "end" });
  }

  #tellUsage(response: JsonObject): void {
    const usage = readUsage(response);
    if (usage) this.#events.push({ type: "usage", usage });
  }

  #fail(error: GatewayError): void {
    this.#over = true;
    this.#items.settle();
    this.#events.push({ type: "error", error });
  }

  #unreadable(data: string): ChatEvent[] {
    // A comment that a gateway on the way has wrapped by mistake.
    if (data.startsWith(":") || data.trim() === "") return [];
    const cut = data.startsWith("{");
    this.#fail(
      cut
        ? new GatewayError("provider_stream_cut", "The provider's answer broke off inside of an event.")
        : new GatewayError("provider_bad_response", "The provider sent an event that is not JSON."),
    );
    return this.#take();
  }
}
