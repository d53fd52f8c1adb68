/** Shared by the tests of this codec: requests and streams in few words. */

import type { Capabilities } from "../../../canonical/capabilities.ts";
import type { ChatEvent, ChatRequest, Message, Tool } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import type { EncodeContext } from "../../codec.ts";
import { decodeEvents } from "./decode-events.ts";
import { encodeRequest } from "./encode-request.ts";

export interface Target {
  capabilities?: Capabilities;
  quirks?: Quirk[];
  origin?: string;
}

export interface Encoded {
  body: JsonObject;
  warnings: Warning[];
  /** `action field`, in order. */
  told: string[];
}

/** Encodes a canonical request, with what every request needs filled in. */
export function encode(fields: Partial<ChatRequest>, target: Target = {}): Encoded {
  const warnings: Warning[] = [];
  const context: EncodeContext = {
    capabilities: target.capabilities ?? {},
    quirks: new Set(target.quirks ?? []),
    origin: target.origin ?? "bedrock/us.anthropic.claude-x",
    warn: (warning) => warnings.push(warning),
  };
  const request: ChatRequest = { model: "us.anthropic.claude-x", messages: [user("hi")], stream: false, ...fields };
  const body = encodeRequest(request, context);
  return { body, warnings, told: warnings.map(({ action, field }) => `${action} ${field}`) };
}

/** The turns of these messages on the wire, in a request that has a tool. */
export function turns(messages: Message[], target: Target = {}): JsonObject[] {
  return encode({ messages, tools: [look] }, target).body.messages as JsonObject[];
}

/** The blocks of one turn of a body; none when there is no such turn. */
export function blocksOf(body: JsonObject, turn: number): JsonObject[] {
  return ((body.messages as JsonObject[])[turn]?.content ?? []) as JsonObject[];
}

export function user(text: string): Message {
  return { role: "user", content: [{ type: "text", text }] };
}
export function assistant(text: string): Message {
  return { role: "assistant", content: [{ type: "text", text }] };
}
export function system(text: string): Message {
  return { role: "system", content: [{ type: "text", text }] };
}
export function calls(...ids: string[]): Message {
  return {
    role: "assistant",
    content: ids.map((id) => ({ type: "tool-call", id, name: "look", kind: "function", arguments: '{"at":1}' })),
  };
}
export function results(...ids: string[]): Message {
  return {
    role: "tool",
    content: ids.map((callId) => ({ type: "tool-result", callId, content: [{ type: "text", text: `seen ${callId}` }] })),
  };
}

export const look: Tool = { name: "look", description: "Looks.", kind: "function", parameters: { type: "object", properties: {} } };

/** Claude as it is known: thinks adaptively or within a budget. */
export const claude: Capabilities = { reasoning: ["adaptive", "budget"], structuredOutput: "schema", maxOutputTokens: 64_000 };

/** The events of a whole stream of `[event, payload]`, its end included. */
export function decodeStream(...stream: [event: string, payload: JsonObject][]): ChatEvent[] {
  const decoder = decodeEvents();
  return [...stream.flatMap(([event, payload]) => decoder.push({ event, data: JSON.stringify(payload) })), ...decoder.end()];
}

export function start(index: number, begin: JsonObject): [string, JsonObject] {
  return ["contentBlockStart", { contentBlockIndex: index, start: begin }];
}
export function callStart(index: number, id: string, name: string): [string, JsonObject] {
  return start(index, { toolUse: { toolUseId: id, name } });
}
export function delta(index: number, piece: JsonObject): [string, JsonObject] {
  return ["contentBlockDelta", { contentBlockIndex: index, delta: piece }];
}
export function stop(index: number): [string, JsonObject] {
  return ["contentBlockStop", { contentBlockIndex: index }];
}
export function messageStop(stopReason: string, more: JsonObject = {}): [string, JsonObject] {
  return ["messageStop", { stopReason, ...more }];
}
export function metadata(usage: JsonObject, more: JsonObject = {}): [string, JsonObject] {
  return ["metadata", { usage, metrics: { latencyMs: 1 }, ...more }];
}

/** Undefined when the events obey the rules of blocks, else what is wrong with them. */
export function brokenRule(events: readonly ChatEvent[]): string | undefined {
  const open = new Set<number>();
  let next = 0;
  let finished = 0;
  for (const [index, event] of events.entries()) {
    const last = index === events.length - 1;
    if ((event.type === "end" || event.type === "error") !== last) return `${event.type} at ${index} of ${events.length}`;
    if (event.type === "start" && index > 0) return "a start in the middle";
    if (event.type === "finish") finished += 1;
    if (event.type === "end" && finished !== 1) return `${finished} finishes`;
    if ((last || event.type === "finish") && open.size > 0) return "a block is open at the end";
    if (!("block" in event)) continue;
    if (event.type === "block-start") {
      if (event.block !== next) return `block ${event.block} where ${next} was due`;
      next += 1;
      open.add(event.block);
    } else if (!open.has(event.block)) return `${event.type} outside block ${event.block}`;
    if (event.type === "block-end") open.delete(event.block);
  }
  return undefined;
}
