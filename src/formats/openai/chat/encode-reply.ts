/** A whole reply for a client that speaks this format. */

import type { AssistantPart, ChatReply, Choice, MediaPart, ReasoningPart, TextPart } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { ReplyContext } from "../../codec.ts";
import { writeCitation } from "./citations.ts";
import { speaksOfFunctions, writeCall } from "./client-calls.ts";
import { writeFinish } from "./finish.ts";
import { format, own } from "./format.ts";
import { dataUrl } from "./media.ts";
import { writeTextState, writeVendorBlock } from "./message-extension.ts";
import type { BlockPlace } from "./message-extension.ts";
import type { Place } from "./placement.ts";
import { writeDetail } from "./state.ts";
import { writeUsage } from "./usage.ts";

export function encodeReply(reply: ChatReply, context: ReplyContext): JsonObject {
  const body: JsonObject = {
    id: reply.id ?? `chatcmpl-${context.callId}`,
    object: "chat.completion",
    created: reply.created ?? context.created,
    model: reply.model ?? context.model,
    choices: reply.choices.map((choice, index) => encodeChoice(choice, index, context)),
  };
  if (reply.usage) body["usage"] = writeUsage(reply.usage);
  if (reply.usage?.serviceTier !== undefined) body["service_tier"] = reply.usage.serviceTier;
  if (reply.extra?.format === format) return { ...reply.extra.fields, ...body };
  return body;
}

function encodeChoice(choice: Choice, index: number, context: ReplyContext): JsonObject {
  const message = new MessageWriter(context);
  for (const part of choice.content) message.add(part);
  const { word, exact } = writeFinish(choice.finish, { calls: message.calls.length > 0, refusal: message.refusal !== "" });
  const encoded: JsonObject = { index, message: message.done(), logprobs: choice.logprobs ?? null, finish_reason: word };
  if (word === "tool_calls" && speaksOfFunctions(context)) encoded["finish_reason"] = "function_call";
  if (exact) encoded[own] = { finish: exact };
  return encoded;
}

class MessageWriter {
  readonly calls: JsonObject[] = [];
  refusal = "";
  readonly #context: ReplyContext;
  readonly #origin: string;
  #text = "";
  readonly #reasoning: { part: ReasoningPart; place: Place }[] = [];
  readonly #annotations: JsonObject[] = [];
  readonly #citations: JsonObject[] = [];
  readonly #blocks: JsonObject[] = [];
  readonly #images: JsonObject[] = [];
  #audio: JsonObject | undefined;
  #said = false;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#origin = context.origin;
  }

  add(part: AssistantPart): void {
    switch (part.type) {
      case "text":
        this.#addText(part);
        return;
      case "refusal":
        this.refusal += part.text;
        return;
      case "reasoning":
        if (part.text !== "" || part.state) this.#reasoning.push({ part, place: this.#place() });
        return;
      case "tool-call":
        this.calls.push(writeCall(part, this.#context));
        return;
      case "media":
        this.#addMedia(part);
        return;
      case "vendor":
        this.#blocks.push(writeVendorBlock(part, this.#blockPlace()));
    }
  }

  #place(): Place {
    return { text: this.#text.length, calls: this.calls.length };
  }

  #blockPlace(): BlockPlace {
    return { ...this.#place(), index: this.#blocks.length, details: this.#reasoning.length };
  }

  #addText(part: TextPart): void {
    this.#said = true;
    this.#text += part.text;
    for (const citation of part.citations ?? []) {
      const { list, entry } = writeCitation(citation);
      (list === "annotations" ? this.#annotations : this.#citations).push(entry);
    }
    if (part.state) this.#blocks.push(writeTextState(part.state, this.#blockPlace(), this.#origin));
  }

  #addMedia(part: MediaPart): void {
    const media = writeMedia(part);
    if (media.audio) this.#audio = media.audio;
    else this.#images.push(media.image);
  }

  done(): JsonObject {
    const refused = this.refusal !== "";
    const silent = !this.#said && (this.calls.length > 0 || refused || this.#audio !== undefined);
    const message: JsonObject = { role: "assistant", content: silent ? null : this.#text, refusal: refused ? this.refusal : null };
    this.#addReasoning(message);
    const legacy = speaksOfFunctions(this.#context) ? this.calls[0]?.["function"] : undefined;
    if (legacy) message["function_call"] = legacy;
    const calls = legacy ? this.calls.slice(1) : this.calls;
    if (calls.length > 0) message["tool_calls"] = calls;
    if (this.#annotations.length > 0) message["annotations"] = this.#annotations;
    if (this.#audio) message["audio"] = this.#audio;
    if (this.#images.length > 0) message["images"] = this.#images;
    if (this.#blocks.length > 0 || this.#citations.length > 0) {
      message[own] = {
        ...(this.#blocks.length > 0 && { blocks: this.#blocks }),
        ...(this.#citations.length > 0 && { citations: this.#citations }),
      };
    }
    return message;
  }

  /** The words for everybody; the entries where something would be lost without: state, a second block, another place. */
  #addReasoning(message: JsonObject): void {
    const text = this.#reasoning.map(({ part }) => part.text).join("");
    if (text !== "") message["reasoning_content"] = text;
    const plain =
      this.#reasoning.length < 2 && this.#reasoning.every(({ part, place }) => !part.state && place.text === 0 && place.calls === 0);
    if (!plain)
      message["reasoning_details"] = this.#reasoning.map(({ part, place }, index) => writeDetail(part, index, place, this.#origin));
  }
}

/** Sound has a field of its own; images stand where OpenRouter's clients look for them. */
export function writeMedia(part: MediaPart): { audio: JsonObject; image?: undefined } | { audio?: undefined; image: JsonObject } {
  const { source } = part;
  const isSound = source.kind === "base64" ? source.mediaType.startsWith("audio/") : part.transcript !== undefined;
  if (isSound) {
    const audio: JsonObject = {};
    if (part.id !== undefined) audio["id"] = part.id;
    if (source.kind === "base64") audio["data"] = source.data;
    audio["transcript"] = part.transcript ?? "";
    return { audio };
  }
  if (source.kind === "base64") return { image: { type: "image_url", image_url: { url: dataUrl(source) } } };
  if (source.kind === "url") return { image: { type: "image_url", image_url: { url: source.url } } };
  return { image: { type: "file", file: source.kind === "id" ? { file_id: source.id } : { text: source.text } } };
}
