/**
 * Where reasoning and foreign blocks stood among text and tool calls. A chat message keeps text in one string, calls in one
 * list and reasoning in another, so the order of an answer that thought twice would be lost, and with it the right to replay
 * it (signatures are bound to the order). Our own entries therefore say how much text and how many calls came before them.
 */

import { asCount } from "../../../canonical/usage.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";

export interface Place {
  /** UTF-16 units of text before it. */
  text: number;
  calls: number;
}

/** Undefined for the head of the message, where nothing needs to be said. */
export function writePlace(place: Place): JsonObject | undefined {
  if (place.text === 0 && place.calls === 0) return undefined;
  return { text: place.text, calls: place.calls };
}

export function readPlace(value: unknown): Place {
  if (!isObject(value)) return { text: 0, calls: 0 };
  return { text: asCount(value["text"]) ?? 0, calls: asCount(value["calls"]) ?? 0 };
}

/** One thing of a message, in its turn. */
export type Dealt<Text, Mark> = { kind: "text"; text: Text } | { kind: "call"; index: number } | { kind: "mark"; mark: Mark };

/**
 * The message in the order in which the model made it. Texts are cut where a mark stood inside of them; a mark that points
 * beyond the end (the client has trimmed the text) stands at the end.
 */
export function deal<Text extends { text: string }, Mark>(
  texts: readonly Text[],
  calls: number,
  marks: readonly { place: Place; mark: Mark }[],
): Dealt<Text, Mark>[] {
  const dealt: Dealt<Text, Mark>[] = [];
  let segment = 0;
  let offset = 0;
  let consumed = 0;
  let call = 0;
  const takeText = (upTo: number): void => {
    for (let text = texts[segment]; text && consumed < upTo; text = texts[segment]) {
      const left = text.text.length - offset;
      if (consumed + left <= upTo) {
        dealt.push({ kind: "text", text: offset === 0 ? text : { ...text, text: text.text.slice(offset) } });
        consumed += left;
        segment += 1;
        offset = 0;
      } else {
        const end = offset + upTo - consumed;
        dealt.push({ kind: "text", text: { ...text, text: text.text.slice(offset, end) } });
        consumed = upTo;
        offset = end;
      }
    }
  };
  const takeCalls = (upTo: number): void => {
    for (; call < Math.min(upTo, calls); call++) dealt.push({ kind: "call", index: call });
  };
  for (const { place, mark } of marks) {
    takeText(place.text);
    takeCalls(place.calls);
    dealt.push({ kind: "mark", mark });
  }
  takeText(Number.POSITIVE_INFINITY);
  takeCalls(Number.POSITIVE_INFINITY);
  return dealt;
}
