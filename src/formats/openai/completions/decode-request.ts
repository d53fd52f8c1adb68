/**
 * A prompt to be continued, as the one user message of a chat: a model that chats answers it, and one that only continues gets
 * it back as it was. What a chat cannot be asked (several prompts, tokens, text after the gap) keeps to its own format.
 */

import type { ChatRequest, Extra, TextPart } from "../../../canonical/chat.ts";
import { invalidField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Door } from "../../codec.ts";
import { checkRequest } from "./check-request.ts";
import { format } from "./format.ts";

export function decodeRequest(body: JsonObject, door: Door): ChatRequest {
  checkRequest(body);
  const prompt = body.prompt as Json;
  const extra: JsonObject = { prompt };
  const texts = promptTexts(prompt);
  const request: ChatRequest = {
    model: body.model as string,
    messages: [{ role: "user", content: texts.map((text): TextPart => ({ type: "text", text })) }],
    stream: (body.stream as boolean | null | undefined) ?? door.stream ?? false,
  };
  for (const [field, value] of Object.entries(body)) {
    if (value === null || value === undefined) continue;
    const place = fields.get(field);
    if (place) place(request, value, body, extra);
    else if (field !== "__proto__") extra[field] = value;
  }
  request.extra = { format, fields: extra, elsewhere: { ...elsewhere, prompt: promptElsewhere(prompt) } };
  return request;
}

/** The texts of a prompt; none for tokens, which only their own model can read. */
export function promptTexts(prompt: Json | undefined): string[] {
  if (typeof prompt === "string") return [prompt];
  return Array.isArray(prompt) ? prompt.filter((entry) => typeof entry === "string") : [];
}

type Elsewhere = NonNullable<Extra["elsewhere"]>;

function promptElsewhere(prompt: Json): Elsewhere[string] {
  const texts = promptTexts(prompt);
  if (texts.length === 0) return { action: "refused", reason: "tokens mean nothing to another model: send the prompt as text." };
  if (texts.length > 1) return { action: "refused", reason: "a chat answers one prompt a request: send them one by one." };
  return { action: "emulated", reason: "the prompt is sent as a user's message: a chat model answers it rather than continuing it" };
}

/** The gateway knows a prompt's text as well as the provider, so it puts it before the reply; its probabilities, or the text of tokens, it does not know. */
export function isEchoedHere(body: JsonObject | undefined): boolean {
  return body?.echo === true && typeof body.logprobs !== "number" && promptTexts(body.prompt).length > 0;
}

const elsewhere: Elsewhere = {
  echo: { action: "refused", reason: "only a provider that continues text can tell how probable the prompt was." },
  suffix: { action: "refused", reason: "a chat cannot be asked for the text in between." },
  best_of: { action: "dropped", reason: "one answer is made for each that is given" },
};

/** Puts one field where it belongs. Types have been checked; what is absent here goes into the `extra` pocket. */
type Place = (request: ChatRequest, value: Json, body: JsonObject, extra: JsonObject) => void;

const nothing: Place = () => {};

const fields: ReadonlyMap<string, Place> = new Map<string, Place>([
  ["model", nothing],
  ["prompt", nothing],
  ["stream", nothing],
  // The gateway's own, read at the door.
  ["headgate", nothing],
  [
    "echo",
    (_request, value, body, extra) => {
      if (value === true && !isEchoedHere(body)) extra.echo = value;
    },
  ],
  [
    "max_tokens",
    (request, value) => {
      request.maxOutputTokens = between(value, "max_tokens", 1);
    },
  ],
  [
    "temperature",
    (request, value) => {
      request.temperature = between(value, "temperature", 0, 2);
    },
  ],
  [
    "top_p",
    (request, value) => {
      request.topP = between(value, "top_p", 0, 1);
    },
  ],
  [
    "n",
    (request, value) => {
      request.choices = between(value, "n", 1, 128);
    },
  ],
  [
    "best_of",
    (_request, value, body, extra) => {
      if (value !== (body.n ?? 1)) extra.best_of = value;
    },
  ],
  [
    "logprobs",
    (request, value) => {
      request.logprobs = { top: between(value, "logprobs", 0, 20) };
    },
  ],
  [
    "frequency_penalty",
    (request, value) => {
      request.frequencyPenalty = between(value, "frequency_penalty", -2, 2);
    },
  ],
  [
    "presence_penalty",
    (request, value) => {
      request.presencePenalty = between(value, "presence_penalty", -2, 2);
    },
  ],
  [
    "logit_bias",
    (request, value) => {
      request.logitBias = value as JsonObject;
    },
  ],
  [
    "seed",
    (request, value) => {
      request.seed = value as number;
    },
  ],
  [
    "stop",
    (request, value) => {
      const stop = typeof value === "string" ? [value] : (value as string[]);
      if (stop.length > 0) request.stop = stop;
    },
  ],
  [
    "suffix",
    (_request, value, _body, extra) => {
      if (value !== "") extra.suffix = value;
    },
  ],
  [
    "user",
    (request, value) => {
      request.endUser = value as string;
    },
  ],
  [
    "stream_options",
    (request, value, _body, extra) => {
      if (!isObject(value)) return;
      const { include_usage: asked, ...others } = value;
      if (typeof asked === "boolean") request.includeUsage = asked;
      if (Object.keys(others).length > 0) extra.stream_options = others;
    },
  ],
]);

function between(value: Json, at: string, least: number, most = Number.POSITIVE_INFINITY): number {
  const number = value as number;
  if (number >= least && number <= most) return number;
  throw invalidField(at, most === Number.POSITIVE_INFINITY ? `must be at least ${least}.` : `must be between ${least} and ${most}.`);
}
