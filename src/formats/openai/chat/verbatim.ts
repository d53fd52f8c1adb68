/** Bodies and streams that pass through as they are: the few fields that must change, and what the record reads in passing. */

import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Frame, Reading, VerbatimTarget, Watcher } from "../../codec.ts";
import { renames } from "./encode-request.ts";
import { decodeErrorPayload, isErrorPayload } from "./errors.ts";
import { readFinish } from "./finish.ts";
import { own } from "./format.ts";
import { policyEdits } from "./policy.ts";
import { readUsage } from "./usage.ts";

export function edits(body: JsonObject, { model, quirks, warn }: VerbatimTarget): Record<string, Json | undefined> {
  const changed: Record<string, Json | undefined> = { model };
  if (own in body) changed[own] = undefined;
  if (body["stream"] === true && !quirks.has("no-stream-options")) {
    const options = isObject(body["stream_options"]) ? body["stream_options"] : {};
    // Without usage a stream cannot be accounted for; what the client did not ask for is left out again on the way back.
    if (options["include_usage"] !== true) changed["stream_options"] = { ...options, include_usage: true };
  }
  const messages = withoutOwn(body["messages"]);
  if (messages) changed["messages"] = messages;
  if (quirks.size === 0) return changed;
  Object.assign(changed, policyEdits(body, quirks, warn));
  for (const [quirk, from, to] of renames) {
    if (!quirks.has(quirk) || body[from] === undefined || from in changed) continue;
    changed[from] = undefined;
    changed[to] ??= body[from];
  }
  if (quirks.has("no-developer-role")) {
    const renamed = withSystemRole(messages ?? body["messages"]);
    if (renamed) changed["messages"] = renamed;
  }
  return changed;
}

/** Without what this gateway added to answers of other formats; undefined, and no copy, when there is none. */
function withoutOwn(messages: Json | undefined): Json[] | undefined {
  if (!Array.isArray(messages) || !messages.some(holdsOwn)) return undefined;
  return messages.map((message) => {
    if (!isObject(message) || !holdsOwn(message)) return message;
    const { [own]: _, reasoning_details: _details, reasoning_content: _text, ...rest } = message;
    return rest;
  });
}

function holdsOwn(message: Json): boolean {
  if (!isObject(message) || message["role"] !== "assistant") return false;
  const details = message["reasoning_details"];
  return own in message || (Array.isArray(details) && details.some((entry) => isObject(entry) && own in entry));
}

/** `developer` renamed to `system`; undefined when there is none. */
function withSystemRole(messages: Json | undefined): Json[] | undefined {
  if (!Array.isArray(messages) || !messages.some((message) => isObject(message) && message["role"] === "developer")) return undefined;
  return messages.map((message) => (isObject(message) && message["role"] === "developer" ? { ...message, role: "system" } : message));
}

export function readReply(body: JsonObject): Reading {
  const reading: Reading = {};
  if (isErrorPayload(body)) {
    reading.error = decodeErrorPayload(body);
    return reading;
  }
  note(reading, body);
  return reading;
}

function note(reading: Reading, payload: JsonObject): void {
  const model = asString(payload["model"]);
  if (model) reading.model ??= model;
  const groq = payload["x_groq"];
  const raw = isObject(payload["usage"]) ? payload["usage"] : isObject(groq) ? groq["usage"] : undefined;
  const usage = isObject(raw) ? readUsage(raw) : undefined;
  if (usage) {
    const tier = asString(payload["service_tier"]);
    if (tier !== undefined) usage.serviceTier ??= tier;
    reading.usage = usage;
  }
  const choices = payload["choices"];
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (!isObject(choice)) return;
  const word = asString(choice["finish_reason"]);
  if (!word) return;
  const message = isObject(choice["message"]) ? choice["message"] : isObject(choice["delta"]) ? choice["delta"] : {};
  // Of a stream only its last chunk is read, so the vendor's own word for a call has to do.
  const calls = Array.isArray(message["tool_calls"]) || word === "tool_calls" || word === "function_call";
  reading.finish ??= readFinish(word, { calls, ghost: false, refusal: asString(message["refusal"]) !== undefined }, choice);
}

/** Usage that is not null, the end, an error, a finish. Within a string every quote is escaped, so text never looks like these. */
const concern = /"usage"\s*:\s*\{|\[DONE\]|"error"\s*:\s*[{"]|"finish_reason"\s*:\s*"|^event: ?error/m;

class ChatWatcher implements Watcher {
  readonly reading: Reading = {};
  readonly #includeUsage: boolean;
  #ended = false;
  /** The first events are read for the model's name. */
  #unread = 2;

  constructor(includeUsage: boolean) {
    this.#includeUsage = includeUsage;
  }

  get ended(): boolean {
    return this.#ended;
  }

  concerns(text: string): boolean {
    return this.#unread > 0 || concern.test(text);
  }

  look(frame: Frame): "pass" | "drop" | "last" {
    const { data } = frame;
    if (data === "[DONE]" || data.trim() === "[DONE]") {
      this.#ended = true;
      return "last";
    }
    if (this.#unread > 0) this.#unread -= 1;
    const parsed = parseJson(data);
    const payload = Array.isArray(parsed) ? parsed[0] : parsed;
    if (!isObject(payload)) return "pass";
    if (frame.event === "error" || isErrorPayload(payload)) {
      this.reading.error ??= decodeErrorPayload(payload);
      return "pass";
    }
    note(this.reading, payload);
    if (this.reading.model !== undefined) this.#unread = 0;
    const { choices } = payload;
    const bare = Array.isArray(choices) && choices.length === 0 && isObject(payload["usage"]);
    return bare && !this.#includeUsage ? "drop" : "pass";
  }
}

export function watch({ includeUsage }: { includeUsage: boolean }): Watcher {
  return new ChatWatcher(includeUsage);
}
