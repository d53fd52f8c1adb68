/** What a mock model does with a call: an answer told step by step, or one of the ways in which a provider fails. */

import type { BlockStart, ChatEvent, ChatRequest, Citation, FinishReason, OpaqueState } from "../canonical/chat.ts";
import type { GatewayError } from "../canonical/errors.ts";
import type { InputCount } from "./count.ts";
import { tokensIn } from "./count.ts";

/** What a mock model is given to work with. */
export interface Scene {
  request: ChatRequest;
  /** The format that the call came in. */
  format: string;
  /** Which call of this model it is, from 1. */
  ordinal: number;
  input: InputCount;
}

/** Wait, then say the event. */
export interface Step {
  afterMs: number;
  event: ChatEvent;
}

export type Act =
  | { kind: "answer"; beforeMs?: number; steps: Iterable<Step>; ending?: Ending }
  | { kind: "error"; error: GatewayError }
  | { kind: "redirect" }
  | { kind: "garbage" }
  /** Never answers. */
  | { kind: "silence" };

/** How an answer goes wrong after so many deltas. `cut`: the body is over. `silence`: it stays open, nothing more comes. */
export type Ending = { afterDeltas: number; kind: "cut" | "silence" } | { afterDeltas: number; kind: "error"; error: GatewayError };

export interface Block {
  content: BlockStart;
  /** The deltas, one each; asked for once a choice. */
  pieces(): Iterable<string>;
  citations?: Citation[];
  state?: OpaqueState;
}

export interface Speech {
  blocks: Block[];
  finish?: FinishReason;
  stopSequence?: string | undefined;
  /** Before each delta. */
  paceMs?: number;
  /** False: says nothing about usage. */
  usage?: boolean;
}

/** The steps of an answer, with as many choices as were asked for and the usage counted on the way. */
export function* speak(scene: Scene, speech: Speech): Generator<Step> {
  const { request, input } = scene;
  let output = 0;
  let reasoning = 0;
  yield now({ type: "start", model: request.model });
  // Some formats tell the input at the start: a stream that breaks off has then told at least that.
  if (speech.usage !== false) yield now({ type: "usage", usage: { ...input, output: 0 } });
  for (let choice = 0; choice < (request.choices ?? 1); choice++) {
    for (const [block, { content, pieces, citations, state }] of speech.blocks.entries()) {
      const at = { choice, block };
      let length = 0;
      yield now({ type: "block-start", ...at, content });
      for (const text of pieces()) {
        length += text.length;
        yield { afterMs: speech.paceMs ?? 0, event: { type: deltaType(content), ...at, text } };
      }
      for (const citation of citations ?? []) yield now({ type: "citation", ...at, citation });
      yield now({ type: "block-end", ...at, state });
      output += tokensIn(length);
      if (content.kind === "reasoning") reasoning += tokensIn(length);
    }
    yield now({ type: "finish", choice, finish: { reason: speech.finish ?? "stop", stopSequence: speech.stopSequence } });
  }
  if (speech.usage !== false) {
    yield now({ type: "usage", usage: { ...input, output, ...(reasoning > 0 ? { reasoning } : {}) } });
  }
  yield now({ type: "end" });
}

function now(event: ChatEvent): Step {
  return { afterMs: 0, event };
}

/** Mock blocks are of the kinds that come in pieces; media and vendor blocks are never made here. */
function deltaType(content: BlockStart): "text-delta" | "reasoning-delta" | "refusal-delta" | "arguments-delta" {
  switch (content.kind) {
    case "reasoning":
      return "reasoning-delta";
    case "refusal":
      return "refusal-delta";
    case "tool-call":
      return "arguments-delta";
    default:
      return "text-delta";
  }
}

export function textBlock(pieces: Block["pieces"]): Block {
  return { content: { kind: "text" }, pieces };
}
