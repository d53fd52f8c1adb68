/** Ids of function calls: Gemini up to 2.5 gives none, so they are made up, told apart from real ones, and never shown to Google. */

const made = /^call_hg[0-9a-z]+_\d+_\d+$/;

/** True for an id that stands for none: the part goes to the vendor without one, as it came. */
export function isMadeUp(id: string): boolean {
  return made.test(id);
}

/**
 * An id for a call of a reply. The same reply always gives the same ids, whether it is read once or twice, streamed or whole; the
 * reply's own id keeps the turns of a conversation apart.
 */
export function replyCallId(seed: string, choice: number, ordinal: number): string {
  return `call_hg${digest(seed)}_${choice}_${ordinal}`;
}

/** An id for a call in a client's history, by its place: histories only grow at their end, so it stays the same from turn to turn. */
export function historyCallId(content: number, part: number): string {
  return `call_hgh_${content}_${part}`;
}

/** An id for a result that answers no call. */
export function orphanId(content: number, part: number): string {
  return `call_hgo_${content}_${part}`;
}

/** FNV-1a in two lanes: 64 bits are plenty to tell the turns of one conversation apart. */
function digest(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ (unit + at), 0x85ebca6b);
  }
  return `${(low >>> 0).toString(36)}x${(high >>> 0).toString(36)}`;
}
