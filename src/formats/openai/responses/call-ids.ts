/** Which result answers which call, and the ids by which the vendor is to know it. */

import type { Message, ToolCallPart, ToolResultPart } from "../../../canonical/chat.ts";

export interface PairedCall {
  wireId: string;
  part: ToolCallPart;
  answered: boolean;
}

export interface Pairing {
  calls: ReadonlyMap<ToolCallPart, PairedCall>;
  /** The call of each result; results that are absent here answer no call of the conversation. */
  results: ReadonlyMap<ToolResultPart, PairedCall>;
}

/**
 * Ids are unique in the request (some vendors count from `call_0` anew each turn), and have at most 64 characters, or OpenAI
 * answers 400 on this turn and every later one (NousResearch/hermes-agent#73492: ids of MCP bridges have up to 94). The same
 * history always gives the same ids, or the prompt cache would miss.
 */
export function pairCalls(messages: readonly Message[]): Pairing {
  const calls = new Map<ToolCallPart, PairedCall>();
  const results = new Map<ToolResultPart, PairedCall>();
  const open = new Map<string, PairedCall[]>();
  const taken = new Set<string>();
  for (const message of messages) {
    if (message.role === "assistant") {
      for (const part of message.content) {
        if (part.type !== "tool-call") continue;
        const call: PairedCall = { wireId: freeId(part.id, taken), part, answered: false };
        calls.set(part, call);
        const same = open.get(part.id);
        if (same) same.push(call);
        else open.set(part.id, [call]);
      }
    } else if (message.role === "tool") {
      for (const part of message.content) {
        // Of several open calls with one id the latest is meant.
        const call = open.get(part.callId)?.pop();
        if (!call) continue;
        call.answered = true;
        results.set(part, call);
      }
    }
  }
  return { calls, results };
}

function freeId(id: string, taken: Set<string>): string {
  const short = shortId(id);
  let free = short;
  for (let copy = 2; taken.has(free); copy++) free = `${short.slice(0, 58)}_${copy}`;
  taken.add(free);
  return free;
}

const longest = 64;

/** A long id keeps its beginning for the reader and ends in a digest of the whole. */
export function shortId(id: string): string {
  if (id === "") return "call_0";
  return id.length <= longest ? id : `${id.slice(0, 45)}_${digest(id)}`;
}

/** FNV-1a over two lanes of 64 bits together: enough to tell the calls of a conversation apart. */
function digest(text: string): string {
  const mask = (1n << 64n) - 1n;
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at++) hash = ((hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n) & mask;
  return hash.toString(16).padStart(16, "0");
}
