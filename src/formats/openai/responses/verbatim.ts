/** Bodies and streams that pass through as they are: the few fields that must change, and what the record reads in passing. */

import { GatewayError } from "../../../canonical/errors.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Frame, Reading, VerbatimTarget, Watcher } from "../../codec.ts";
import { decodeErrorPayload, isErrorPayload } from "../chat/errors.ts";
import { policyEdits } from "../chat/policy.ts";
import { shortId } from "./call-ids.ts";
import { decodeErrorEvent, decodeResponseFailure } from "./errors.ts";
import { readFinish } from "./finish.ts";
import { format, isMadeUp, own } from "./format.ts";
import { isMinted, reasoningText, stateItem, unmint } from "./state.ts";
import { readUsage } from "./usage.ts";

export function edits(body: JsonObject, target: VerbatimTarget): Record<string, Json | undefined> {
  const { model, quirks, warn } = target;
  const changed: Record<string, Json | undefined> = { model };
  if (own in body) changed[own] = undefined;
  const input = mendedInput(body.input, target);
  if (input) {
    changed.input = input.items;
    if (input.dropped) warn?.({ field: "input", action: "dropped", reason: "reasoning by another provider is of no use to this one" });
  }
  if (quirks.size > 0) Object.assign(changed, policyEdits(body, quirks, warn));
  if (quirks.has("no-developer-role")) {
    const items = withSystemRole(changed.input ?? body.input);
    if (items) changed.input = items;
  }
  return changed;
}

/** `developer` renamed to `system`; undefined when there is none. */
function withSystemRole(input: Json | undefined): Json[] | undefined {
  const isDeveloper = (item: Json): item is JsonObject => isObject(item) && item.role === "developer";
  if (!Array.isArray(input) || !input.some(isDeveloper)) return undefined;
  return input.map((item) => (isDeveloper(item) ? { ...item, role: "system" } : item));
}

/**
 * A conversation that was answered by way of translation holds items of this gateway: reasoning that another provider must not
 * see goes, its own becomes what it was, ids that no provider knows go, and call ids of other vendors get a length that is
 * taken. Undefined, and no copy, when there is nothing of the kind.
 */
function mendedInput(input: Json | undefined, target: VerbatimTarget): { items: Json[]; dropped: boolean } | undefined {
  if (!Array.isArray(input) || !input.some(needsMending)) return undefined;
  let dropped = false;
  const items = input.flatMap((item): Json[] => {
    if (!isObject(item) || !needsMending(item)) return [item];
    if (isMinted(item.encrypted_content)) {
      const restored = restore(item, target);
      dropped ||= !restored;
      return restored ? [restored] : [];
    }
    const { id, call_id: callId, ...rest } = item;
    const mended: JsonObject = { ...rest };
    if (id !== undefined && !isMadeUp(id)) mended.id = id;
    if (callId !== undefined) mended.call_id = typeof callId === "string" ? shortId(callId) : callId;
    return [mended];
  });
  return { items, dropped };
}

function needsMending(item: Json): boolean {
  if (!isObject(item)) return false;
  return isMinted(item.encrypted_content) || isMadeUp(item.id) || (typeof item.call_id === "string" && item.call_id.length > 64);
}

/** The item of this format that travelled in one of ours, for the provider and model that made it. */
function restore(item: JsonObject, { model, origin }: VerbatimTarget): JsonObject | undefined {
  const { state, on } = unmint(item.encrypted_content as string);
  if (!state || on || state.origin === undefined) return undefined;
  const isOwn = origin === undefined ? state.origin.slice(state.origin.indexOf("/") + 1) === model : state.origin === origin;
  return isOwn ? stateItem(state, reasoningText(item)) : undefined;
}

export function readReply(body: JsonObject): Reading {
  if (!Array.isArray(body.output)) {
    const error = isErrorPayload(body)
      ? decodeErrorPayload(body)
      : new GatewayError("provider_bad_response", `The provider's reply is not one of ${format}: it has no \`output\` list.`);
    return { error };
  }
  const reading: Reading = {};
  note(reading, body);
  return reading;
}

function note(reading: Reading, response: JsonObject): void {
  const model = asString(response.model);
  if (model) reading.model ??= model;
  const usage = readUsage(response);
  if (usage) reading.usage = usage;
  const status = asString(response.status);
  if (status === "failed" || status === "cancelled") {
    reading.error ??= decodeResponseFailure(response);
    return;
  }
  const output = Array.isArray(response.output) ? response.output.filter(isObject) : [];
  const calls = output.some(({ type }) => type === "function_call" || type === "custom_tool_call");
  const refusal = output.some(({ content }) => Array.isArray(content) && content.some((part) => isObject(part) && part.type === "refusal"));
  reading.finish = readFinish(response, { calls, ghost: false, refusal });
}

/** The first event, the endings, an error. Within a string every quote is escaped, so text never looks like these. */
const concern = /"response\.(?:created|completed|incomplete|failed|cancelled)"|"type"\s*:\s*"error"|^event: ?error/m;

class ResponsesWatcher implements Watcher {
  readonly reading: Reading = {};
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  concerns(text: string): boolean {
    return concern.test(text);
  }

  look(frame: Frame): "pass" | "last" {
    const event = parseJson(frame.data);
    if (!isObject(event)) return "pass";
    const type = asString(event.type) ?? frame.event;
    const response = isObject(event.response) ? event.response : {};
    switch (type) {
      case "response.created": {
        const model = asString(response.model);
        if (model) this.reading.model ??= model;
        return "pass";
      }
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
      case "response.cancelled":
        note(this.reading, { status: type.slice("response.".length), ...response });
        this.#ended = true;
        return "last";
      case "error":
        // Not the last: Codex waits for the `response.failed` that OpenAI sends after it.
        this.reading.error ??= decodeErrorEvent(event);
        return "pass";
      default:
        return "pass";
    }
  }
}

export function watch(): Watcher {
  return new ResponsesWatcher();
}
