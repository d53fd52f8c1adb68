/** A chat's answer as continued text, whole and streamed: its words alone, as the format has no place for anything else. */

import type { AssistantPart, ChatEvent, ChatReply, Finish } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import type { Usage } from "../../../canonical/usage.ts";
import type { Encoder, ReplyContext } from "../../codec.ts";
import { encodeStreamError } from "../chat/errors.ts";
import { writeFinish } from "../chat/finish.ts";
import { writeUsage } from "../chat/usage.ts";
import { isEchoedHere, promptTexts } from "./decode-request.ts";
import { writeLogprobs } from "./logprobs.ts";

export function encodeReply(reply: ChatReply, context: ReplyContext): JsonObject {
  const body: JsonObject = {
    ...head(reply, context),
    choices: reply.choices.map(({ content, finish, logprobs }, index) => ({
      text: echoed(index, context) + content.map(textOf).join(""),
      index,
      logprobs: writeLogprobs(logprobs),
      finish_reason: finishWord(finish),
    })),
  };
  if (reply.usage) body.usage = writeUsage(reply.usage);
  return body;
}

function head({ id, created, model }: Pick<ChatReply, "id" | "created" | "model">, context: ReplyContext): JsonObject {
  return {
    id: id?.startsWith("cmpl-") ? id : `cmpl-${context.callId}`,
    object: "text_completion",
    created: created ?? context.created,
    model: model ?? context.model,
  };
}

/** Reasoning has no place here, and calls cannot come of a request that has no tools. */
function textOf(part: AssistantPart): string {
  return part.type === "text" || part.type === "refusal" ? part.text : "";
}

/** The format's three words; a broken or unwanted call must not look like a finished text. */
function finishWord(finish: Finish): string {
  const { word } = writeFinish(finish, { calls: false, refusal: false });
  return word === "tool_calls" ? "content_filter" : word;
}

/** `echo`: the prompt stands before the text that continues it. Several prompts have `n` answers each, in their order. */
function echoed(choice: number, { body }: ReplyContext): string {
  if (!isEchoedHere(body)) return "";
  return promptTexts(body?.prompt)[Math.floor(choice / (asCount(body?.n) || 1))] ?? "";
}

export class CompletionsEncoder implements Encoder {
  readonly #context: ReplyContext;
  #start: Pick<ChatReply, "id" | "created" | "model"> = {};
  /** Choices that have been begun, with the length of their text so far. */
  readonly #lengths = new Map<number, number>();
  #usage: Usage | undefined;
  #over = false;

  constructor(context: ReplyContext) {
    this.#context = context;
  }

  push(event: ChatEvent): string {
    if (this.#over) return "";
    switch (event.type) {
      case "start":
        this.#start = event;
        return "";
      case "text-delta":
      case "refusal-delta":
        return this.#text(event.choice, event.text);
      case "logprobs":
        return this.#chunk({
          text: "",
          index: event.choice,
          logprobs: writeLogprobs(event.logprobs, this.#lengths.get(event.choice)),
          finish_reason: null,
        });
      case "finish":
        // A choice without a word is told all the same.
        return (
          this.#echo(event.choice) + this.#chunk({ text: "", index: event.choice, logprobs: null, finish_reason: finishWord(event.finish) })
        );
      case "usage":
        this.#usage = event.usage;
        return "";
      case "ping":
        return ": ping\n";
      case "error":
        this.#over = true;
        return encodeStreamError(event.error, this.#context.callId);
      case "end":
        this.#over = true;
        return `${this.#usageChunk()}data: [DONE]\n\n`;
      case "block-start":
      case "block-end":
      case "reasoning-delta":
      case "arguments-delta":
      case "citation":
      case "extra":
        return "";
    }
  }

  #text(choice: number, text: string): string {
    const echo = this.#echo(choice);
    this.#lengths.set(choice, (this.#lengths.get(choice) ?? 0) + text.length);
    return echo + this.#chunk({ text, index: choice, logprobs: null, finish_reason: null });
  }

  #echo(choice: number): string {
    if (this.#lengths.has(choice)) return "";
    const prompt = echoed(choice, this.#context);
    this.#lengths.set(choice, prompt.length);
    return prompt === "" ? "" : this.#chunk({ text: prompt, index: choice, logprobs: null, finish_reason: null });
  }

  #chunk(choice: JsonObject): string {
    const usage = this.#context.includeUsage ? { usage: null } : {};
    return `data: ${JSON.stringify({ ...head(this.#start, this.#context), choices: [choice], ...usage })}\n\n`;
  }

  #usageChunk(): string {
    if (!this.#usage || !this.#context.includeUsage) return "";
    return `data: ${JSON.stringify({ ...head(this.#start, this.#context), choices: [], usage: writeUsage(this.#usage) })}\n\n`;
  }
}
