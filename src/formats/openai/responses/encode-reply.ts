/** A whole reply for a client that speaks this format. */

import type { AssistantPart, ChatReply, Choice, TextPart } from "../../../canonical/chat.ts";
import { GatewayError } from "../../../canonical/errors.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { ReplyContext } from "../../codec.ts";
import { writeFinish } from "./finish.ts";
import { format, itemId } from "./format.ts";
import type { ItemPrefix } from "./format.ts";
import {
  callHead,
  callItem,
  carriedBy,
  carriedVendor,
  carrierItem,
  cite,
  emptyText,
  finalArguments,
  imageItem,
  mediaText,
  messageItem,
  phaseOf,
  reasoningItem,
  withId,
} from "./items.ts";
import type { Content, TextContent } from "./items.ts";
import { conclude, ownFields, responseHead, settings } from "./response.ts";
import type { Carried } from "./state.ts";

export function encodeReply(reply: ChatReply, context: ReplyContext): JsonObject {
  const choice = reply.choices[0];
  if (!choice) throw new GatewayError("provider_bad_response", "The provider's reply holds no answer.");
  if (choice.finish.reason === "malformed-call") throw malformedCall();
  const writer = new OutputWriter(choice, context);
  const response = { ...responseHead(reply, "completed", context), ...settings(context.body, ownFields(reply.extra)) };
  return conclude(response, { finish: choice.finish, output: writer.finish(), usage: reply.usage, seen: writer.seen });
}

/** "completed" would have the client take a broken call for an answer, and there is no other word for it. */
export function malformedCall(): GatewayError {
  return new GatewayError("provider_bad_response", "The model made a malformed tool call.");
}

class OutputWriter {
  readonly seen = { calls: false, refusal: false };
  readonly #context: ReplyContext;
  readonly #choice: Choice;
  readonly #output: JsonObject[] = [];
  /** The message that neighbouring texts are still added to. */
  #speech: Content[] = [];
  #logprobs: Json[];

  constructor(choice: Choice, context: ReplyContext) {
    this.#context = context;
    this.#choice = choice;
    this.#logprobs = Array.isArray(choice.logprobs?.content) ? choice.logprobs.content : [];
  }

  finish(): JsonObject[] {
    for (const part of this.#choice.content) this.#add(part);
    const { status } = writeFinish(this.#choice.finish, this.seen);
    this.#endSpeech(status === "incomplete" ? "incomplete" : "completed");
    return this.#output;
  }

  #id(prefix: ItemPrefix): string {
    return itemId(prefix, this.#context.callId, this.#output.length);
  }

  #add(part: AssistantPart): void {
    if (part.type === "text") {
      this.#text(part);
      return;
    }
    if (part.type === "refusal") {
      this.seen.refusal = true;
      this.#speech.push({ kind: "refusal", text: part.text });
      return;
    }
    this.#endSpeech();
    switch (part.type) {
      case "reasoning":
        if (part.text !== "" || part.state)
          this.#output.push(reasoningItem(this.#id("rs"), part.text === "" ? [] : [part.text], part.state, this.#context));
        return;
      case "tool-call": {
        this.seen.calls = true;
        const head = callHead(
          this.#id(part.kind === "custom" || this.#context.customTools.has(part.name) ? "ctc" : "fc"),
          part,
          this.#context,
        );
        this.#output.push(callItem(head, "completed", finalArguments(head, part.arguments)));
        this.#carry(carriedBy("tool-call", part, this.#context));
        return;
      }
      case "media": {
        const item = imageItem(this.#id("ig"), part);
        if (item) this.#output.push(item);
        else this.#text({ type: "text", text: mediaText(part) });
        return;
      }
      case "vendor":
        if (part.format === format) this.#output.push(withId(part.value, this.#id("it")));
        else this.#carry(carriedVendor(part));
    }
  }

  #carry(carried: Carried | undefined): void {
    if (carried) this.#output.push(carrierItem(this.#id("rs"), carried));
  }

  /** Clients take the last text for the answer, so one that a vendor gave in pieces (cited and not cited) is one text. */
  #text(part: TextPart): void {
    const last = this.#speech.at(-1);
    const content: TextContent = last?.kind === "output_text" ? last : emptyText();
    const start = content.text.length;
    content.text += part.text;
    for (const citation of part.citations ?? []) cite(content, citation, { start, end: content.text.length });
    content.logprobs.push(...this.#logprobs);
    this.#logprobs = [];
    const silent = content.text === "" && content.annotations.length + content.citations.length === 0;
    if (content !== last && !silent) this.#speech.push(content);
    if (!part.state) return;
    const phase = phaseOf(part.state);
    this.#endSpeech("completed", phase);
    if (phase === undefined) this.#carry(carriedBy("text", part, this.#context));
  }

  #endSpeech(status = "completed", phase?: string): void {
    if (this.#speech.length === 0) return;
    this.#output.push(messageItem(this.#id("msg"), status, this.#speech, phase));
    this.#speech = [];
  }
}
