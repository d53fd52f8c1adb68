/** A vendor's continued text as events: the chunks are those of Chat Completions, save for where the text and its probabilities stand. */

import type { ChatEvent } from "../../../canonical/chat.ts";
import { isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { Decoder, Frame } from "../../codec.ts";
import { ChatDecoder } from "../chat/decode-events.ts";
import { readLogprobs } from "./logprobs.ts";

export function decodeReply(body: JsonObject, quirks?: ReadonlySet<Quirk>): ChatEvent[] {
  return new ChatDecoder(quirks).whole(withChatLogprobs(body));
}

export class CompletionsDecoder implements Decoder {
  readonly #chat: ChatDecoder;

  constructor(quirks?: ReadonlySet<Quirk>) {
    this.#chat = new ChatDecoder(quirks);
  }

  push(frame: Frame): ChatEvent[] {
    // Few ask for probabilities: only then is a chunk taken apart twice.
    if (!frame.data.includes('"tokens"')) return this.#chat.push(frame);
    const chunk = parseJson(frame.data);
    return this.#chat.push(isObject(chunk) ? { event: frame.event, data: JSON.stringify(withChatLogprobs(chunk)) } : frame);
  }

  end(): ChatEvent[] {
    return this.#chat.end();
  }
}

function withChatLogprobs(body: JsonObject): JsonObject {
  const { choices } = body;
  if (!Array.isArray(choices)) return body;
  return {
    ...body,
    choices: choices.map((choice): Json =>
      isObject(choice) && isObject(choice.logprobs) ? { ...choice, logprobs: readLogprobs(choice.logprobs) } : choice,
    ),
  };
}
