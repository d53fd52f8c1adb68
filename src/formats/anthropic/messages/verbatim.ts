/** Anthropic on both sides: the few edits that a passing request needs, and what the record reads from a passing reply. */

import { GatewayError } from "../../../canonical/errors.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Frame, Reading, VerbatimTarget, Watcher } from "../../codec.ts";
import { decodeStreamError } from "./errors.ts";
import { decodeFinish } from "./finish.ts";
import { isMinted } from "./state.ts";
import { decodeUsage, mergeUsage } from "./usage.ts";

export const requestHeaders = ["anthropic-version", "anthropic-beta", "anthropic-dangerous-direct-browser-access"] as const;

export function edits(body: JsonObject, target: VerbatimTarget): Record<string, Json | undefined> {
  const changed: Record<string, Json | undefined> = {};
  if (body.model !== target.model) changed.model = target.model;
  if (body.headgate !== undefined) changed.headgate = undefined;
  const messages = Array.isArray(body.messages) ? withoutMinted(body.messages) : undefined;
  if (messages) {
    changed.messages = messages;
    target.warn?.({ field: "messages[].content", action: "dropped", reason: "reasoning by another provider was not sent to Anthropic" });
    if (isObject(body.thinking) && body.thinking.type === "enabled" && loopLacksThinking(messages)) {
      changed.thinking = undefined;
      target.warn?.({
        field: "thinking",
        action: "dropped",
        reason: "a running tool loop without its thinking blocks cannot go on thinking",
      });
    }
  }
  if (target.warn && body.service_tier !== undefined && target.quirks.has("no-service-tier")) {
    changed.service_tier = undefined;
    target.warn({ field: "service_tier", action: "dropped", reason: "this provider refuses it" });
  }
  return changed;
}

/**
 * A conversation that another vendor has answered in the meantime carries signatures that this gateway made. Anthropic would refuse them,
 * on this turn and on every later one. Undefined, and no copy, when there are none.
 */
function withoutMinted(messages: Json[]): Json[] | undefined {
  let changed: Json[] | undefined;
  messages.forEach((message, index) => {
    if (!isObject(message) || message.role !== "assistant" || !Array.isArray(message.content)) return;
    if (!message.content.some(holdsMinted)) return;
    const content = message.content.filter((block) => !isObject(block) || !isMinted(block.signature)).map(withoutMintedCitations);
    changed ??= [...messages];
    changed[index] = { ...message, content };
  });
  return changed;
}

function holdsMinted(block: Json): boolean {
  return isObject(block) && (isMinted(block.signature) || (Array.isArray(block.citations) && block.citations.some(isMintedCitation)));
}

function isMintedCitation(citation: Json): boolean {
  return isObject(citation) && isMinted(citation.encrypted_index);
}

function withoutMintedCitations(block: Json): Json {
  if (!isObject(block) || !Array.isArray(block.citations)) return block;
  return { ...block, citations: block.citations.filter((citation) => !isMintedCitation(citation)) };
}

/** Manual thinking requires the last answer of a tool loop to begin with its thinking. */
function loopLacksThinking(messages: Json[]): boolean {
  const last = messages.filter(isObject).findLast((message) => message.role === "assistant");
  if (!last || !Array.isArray(last.content)) return false;
  const blocks = last.content.filter(isObject);
  const first = blocks[0]?.type;
  return blocks.some((block) => block.type === "tool_use") && first !== "thinking" && first !== "redacted_thinking";
}

export function readReply(body: JsonObject): Reading {
  if (isObject(body.error)) return { error: decodeStreamError(body) };
  if (!Array.isArray(body.content)) {
    return {
      error: new GatewayError("provider_bad_response", "The provider's reply is not an Anthropic message: it has no `content` list."),
    };
  }
  const calledTool = body.content.some((block) => isObject(block) && block.type === "tool_use");
  return {
    model: asString(body.model),
    usage: isObject(body.usage) ? decodeUsage(body.usage) : undefined,
    finish: decodeFinish(body, calledTool),
  };
}

export function watch(): Watcher {
  return new MessagesWatcher();
}

class MessagesWatcher implements Watcher {
  readonly reading: Reading = {};
  ended = false;
  #usage: JsonObject | undefined;
  #calledTool = false;

  /** The bulk of a stream is content_block_delta, which holds neither word unless the model writes it. */
  concerns(text: string): boolean {
    return text.includes("message_") || text.includes("error") || text.includes("tool_use");
  }

  look(frame: Frame): "pass" | "last" {
    if (frame.event === "content_block_delta" || frame.event === "content_block_stop" || frame.event === "ping") return "pass";
    const data = parseJson(frame.data);
    if (!isObject(data)) return "pass";
    switch (data.type ?? frame.event) {
      case "message_start":
        if (isObject(data.message)) {
          const model = asString(data.message.model);
          if (model !== undefined) this.reading.model = model;
          this.#count(data.message.usage);
        }
        return "pass";
      case "content_block_start":
        this.#calledTool ||= isObject(data.content_block) && data.content_block.type === "tool_use";
        return "pass";
      case "message_delta":
        if (isObject(data.delta) && asString(data.delta.stop_reason) !== undefined) {
          this.reading.finish = decodeFinish(data.delta, this.#calledTool);
        }
        this.#count(data.usage);
        return "pass";
      case "message_stop":
        this.ended = true;
        return "last";
      case "error":
        this.reading.error = decodeStreamError(data);
        this.ended = true;
        return "last";
      default:
        return "pass";
    }
  }

  #count(raw: Json | undefined): void {
    if (!isObject(raw)) return;
    this.#usage = mergeUsage(this.#usage, raw);
    this.reading.usage = decodeUsage(this.#usage);
  }
}
