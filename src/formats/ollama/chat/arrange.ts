/**
 * The conversation with every tool result directly after the message that made the call, in the order of the calls: a result is known here by
 * its place and its tool's name. Clients of other formats may spread results over several turns, with text between (Claude Code does).
 */

import type { Message, ToolMessage, ToolResultPart } from "../../../canonical/chat.ts";
import type { EncodeContext } from "../../codec.ts";

export interface PlacedResult {
  part: ToolResultPart;
  /** Its place in the request, for complaints. */
  at: string;
  /** The tool's name, by the call that it answers. */
  name: string | undefined;
}

/** One step of the conversation, with its place in the request; `orphan` results answer no call of it. */
type Step = { message: Exclude<Message, ToolMessage>; at: string } | { results: PlacedResult[]; orphan: boolean };

interface Slot {
  id: string;
  name: string;
  /** The position of the message that made the call. */
  step: number;
  result?: PlacedResult;
}

export function arrange(messages: readonly Message[], warn: EncodeContext["warn"]): Step[] {
  const steps: Step[] = [];
  const slots: Slot[] = [];
  messages.forEach((message, index) => {
    const at = `messages[${index}]`;
    if (message.role !== "tool") {
      for (const part of message.role === "assistant" ? message.content : []) {
        // One without a name is left out, and its result answers nothing.
        if (part.type === "tool-call" && part.name !== "") slots.push({ id: part.id, name: part.name, step: steps.length });
      }
      steps.push({ message, at });
      return;
    }
    const orphans: PlacedResult[] = [];
    let moved = false;
    message.content.forEach((part, position) => {
      const placed: PlacedResult = { part, at: `${at}.content[${position}]`, name: part.name };
      const slot = slotOf(part.callId, slots);
      if (!slot) {
        orphans.push(placed);
        return;
      }
      slot.result = { ...placed, name: part.name ?? slot.name };
      moved ||= steps.slice(slot.step + 1).some((step) => "message" in step);
    });
    if (moved) warn({ field: at, action: "repaired", reason: "tool results were moved to directly after their calls" });
    if (orphans.length > 0) steps.push({ results: orphans, orphan: true });
  });
  const home = new Map<number, PlacedResult[]>();
  for (const { step, result } of slots) {
    if (!result) continue;
    const here = home.get(step);
    if (here) here.push(result);
    else home.set(step, [result]);
  }
  return steps.flatMap((step, position) => {
    const results = home.get(position);
    return results ? [step, { results, orphan: false }] : [step];
  });
}

/** Of the latest message that made a call of this id, the first call that has no result yet: vendors count from `call_0` anew each turn. */
function slotOf(id: string, slots: readonly Slot[]): Slot | undefined {
  const open = (slot: Slot): boolean => slot.id === id && !slot.result;
  const latest = slots.findLast(open)?.step;
  return slots.find((slot) => slot.step === latest && open(slot));
}
