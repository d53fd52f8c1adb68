/** Gemini on both sides: the few edits that a passing request needs, and what the record reads from a passing reply. */

import { GatewayError } from "../../../canonical/errors.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Frame, Reading, VerbatimTarget, Watcher } from "../../codec.ts";
import { decodeStreamError } from "./errors.ts";
import { decodeBlock, decodeFinish } from "./finish.ts";
import { camel, list, toNumber } from "./proto.ts";
import { isMinted, sentinel } from "./state.ts";
import { decodeUsage, mergeUsage } from "./usage.ts";

/** The model stands in the path; in the body it could only contradict it. */
export function edits(body: JsonObject, target: VerbatimTarget): Record<string, Json | undefined> {
  const changed: Record<string, Json | undefined> = {};
  if (body.model !== undefined) changed.model = undefined;
  if (body.headgate !== undefined) changed.headgate = undefined;
  const withoutIds = target.quirks.has("no-call-ids");
  const contents = editContents(list(body.contents), withoutIds, target);
  if (contents) changed.contents = contents;
  for (const field of ["serviceTier", "service_tier"]) {
    if (!target.warn || body[field] === undefined || !target.quirks.has("no-service-tier")) continue;
    changed[field] = undefined;
    target.warn({ field, action: "dropped", reason: "this provider refuses it" });
  }
  return changed;
}

/**
 * A conversation that another vendor has answered in the meantime carries signatures that this gateway made, which Google would refuse.
 * Undefined, and no copy, when there is nothing to change.
 */
function editContents(contents: Json[], withoutIds: boolean, target: VerbatimTarget): Json[] | undefined {
  let changed = false;
  const edited = contents.flatMap((content): Json[] => {
    if (!isObject(content)) return [content];
    const parts = list(content.parts);
    if (!parts.some((part) => isObject(part) && concerns(part, withoutIds))) return [content];
    changed = true;
    const kept = editParts(parts, withoutIds, target);
    return kept.length > 0 ? [{ ...content, parts: kept }] : [];
  });
  return changed ? edited : undefined;
}

function concerns(given: JsonObject, withoutIds: boolean): boolean {
  const part = camel(given);
  return (
    isMinted(part.thoughtSignature) ||
    (withoutIds && [part.functionCall, part.functionResponse].some((call) => isObject(call) && call.id !== undefined))
  );
}

/** The first call of a step needs a signature: where a foreign model made it, the placeholder that Google documents. */
function editParts(parts: Json[], withoutIds: boolean, target: VerbatimTarget): Json[] {
  let first = true;
  return parts.flatMap((given): Json[] => {
    if (!isObject(given)) return [given];
    let part = withoutIds ? withoutId(camel(given)) : camel(given);
    const leads = first && isObject(part.functionCall);
    if (isObject(part.functionCall)) first = false;
    if (!isMinted(part.thoughtSignature)) return [part];
    const { thoughtSignature: _, ...bare } = part;
    if (part.thought === true || part.text === "") {
      target.warn?.({ field: "contents[].parts", action: "dropped", reason: "reasoning by another provider was not sent to Gemini" });
      return [];
    }
    part = leads ? { ...bare, thoughtSignature: sentinel } : bare;
    return [part];
  });
}

function withoutId(part: JsonObject): JsonObject {
  for (const name of ["functionCall", "functionResponse"]) {
    const call = part[name];
    if (!isObject(call) || call.id === undefined) continue;
    const { id: _, ...rest } = call;
    return { ...part, [name]: rest };
  }
  return part;
}

export function readReply(body: JsonObject): Reading {
  const watcher = new GenerateContentWatcher();
  watcher.read(body);
  const { reading } = watcher;
  if (!reading.error && !watcher.answered) {
    return { error: new GatewayError("provider_bad_response", "The provider's reply is not one of Gemini's: it has no `candidates`.") };
  }
  reading.finish ??= watcher.finish;
  return reading;
}

export function watch(): Watcher {
  return new GenerateContentWatcher();
}

/** No frame says that it is the last: the answer is complete when every candidate has a reason to have ended and the stream closes. */
class GenerateContentWatcher implements Watcher {
  readonly reading: Reading = {};
  #ended = false;
  #usage: JsonObject | undefined;
  readonly #candidates = new Map<number, { called: boolean; reason: string | undefined }>();

  get ended(): boolean {
    return this.#ended;
  }

  /** A whole reply: anything that is an answer. */
  get answered(): boolean {
    return this.#candidates.size > 0 || this.reading.finish !== undefined;
  }

  get finish(): Reading["finish"] {
    const first = this.#candidates.get(0) ?? this.#candidates.values().next().value;
    return first && decodeFinish(first.reason, first.called);
  }

  /** Nearly every frame counts tokens, and a stream that the client leaves is billed by the last count. */
  concerns(text: string): boolean {
    return (
      text.includes(`"usageMetadata"`) ||
      text.includes("finishReason") ||
      text.includes("functionCall") ||
      text.includes(`"error"`) ||
      text.includes("promptFeedback")
    );
  }

  look(frame: Frame): "pass" | "last" {
    this.read(parseJson(frame.data));
    return this.reading.error ? "last" : "pass";
  }

  read(data: Json | undefined): void {
    if (Array.isArray(data)) for (const each of data) this.read(each);
    if (!isObject(data)) return;
    if (isObject(data.error)) {
      this.reading.error = decodeStreamError(data);
      this.#ended = true;
      return;
    }
    const model = asString(data.modelVersion);
    if (model !== undefined) this.reading.model = model;
    for (const candidate of Array.isArray(data.candidates) ? data.candidates.filter(isObject) : []) this.#candidate(candidate);
    const blocked = isObject(data.promptFeedback) && this.#candidates.size === 0 ? decodeBlock(data.promptFeedback) : undefined;
    if (blocked) {
      this.reading.finish = blocked;
      this.#ended = true;
    }
    if (isObject(data.usageMetadata)) {
      this.#usage = mergeUsage(this.#usage, data.usageMetadata);
      const usage = decodeUsage(this.#usage);
      if (usage) this.reading.usage = usage;
    }
  }

  #candidate(candidate: JsonObject): void {
    const index = toNumber(candidate.index) ?? 0;
    const known = this.#candidates.get(index) ?? { called: false, reason: undefined };
    this.#candidates.set(index, known);
    const parts = isObject(candidate.content) && Array.isArray(candidate.content.parts) ? candidate.content.parts : [];
    known.called ||= parts.some((part) => isObject(part) && isObject(part.functionCall));
    known.reason = asString(candidate.finishReason) ?? known.reason;
    this.#ended = [...this.#candidates.values()].every(({ reason }) => reason !== undefined);
    this.reading.finish = this.#ended ? this.finish : undefined;
  }
}
