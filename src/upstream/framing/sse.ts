/** Server-sent events, read by the letter of the WHATWG standard and with the tolerance that real vendors need. */

import { GatewayError } from "../../canonical/errors.ts";

/** One event: its name (empty when no `event:` line stood in it) and its data lines joined by newlines. */
export interface SseFrame {
  event: string;
  data: string;
}

/**
 * Cuts a byte stream into whole events. Feed it any slices; it keeps what is incomplete, across UTF-8 and CR/LF boundaries.
 * Comments, `id:`, `retry:` and unknown fields are skipped; events without data are skipped.
 */
export class SseReader {
  readonly #decoder = new TextDecoder("utf-8");
  readonly #boundaries = new Boundaries();
  #pending: string[] = [];
  #size = 0;

  push(bytes: Uint8Array): SseFrame[] {
    const text = this.#decoder.decode(bytes, { stream: true });
    const cut = this.#boundaries.last(text);
    if (cut < 0) {
      this.#keep(text);
      return [];
    }
    const whole = this.#take() + text.slice(0, cut);
    this.#keep(text.slice(cut));
    return framesOf(whole);
  }

  /** The stream is over: the last event may lack its blank line. */
  end(): SseFrame[] {
    return framesOf(this.#take() + this.#decoder.decode());
  }

  #keep(text: string): void {
    if (text === "") return;
    this.#pending.push(text);
    this.#size += text.length;
    if (this.#size > MAX_EVENT_SIZE) throw tooLong();
  }

  #take(): string {
    const text = this.#pending.length === 1 ? (this.#pending[0] as string) : this.#pending.join("");
    this.#pending = [];
    this.#size = 0;
    return text;
  }
}

/** An event longer than this without its blank line is not an event. Images travel in events of several megabytes. */
export const MAX_EVENT_SIZE = 16 << 20;

export function tooLong(): GatewayError {
  return new GatewayError("provider_bad_response", `The provider sent an event of more than ${MAX_EVENT_SIZE} bytes.`);
}

/** The frames of whole events, the last of which may lack its blank line. */
function framesOf(text: string): SseFrame[] {
  const frames: SseFrame[] = [];
  for (let rest = text; rest !== "";) {
    const length = eventBoundary(rest) || rest.length;
    const frame = parseEvent(rest.slice(0, length));
    if (frame) frames.push(frame);
    rest = rest.slice(length);
  }
  return frames;
}

/**
 * Where events end in a text that comes in pieces. Each piece is looked at once: looking again at all that is pending took 6 s of CPU
 * for an event of 16 MB that came in pieces of 16 kB.
 */
export class Boundaries {
  /** Nothing stands in the current line yet. */
  #blank = true;
  /** The last character was a CR, to which a LF may still belong; it ended a line, or a blank one. */
  #return: "line" | "blank" | undefined;

  /** Just behind the last event that ends in this piece; 0 when it turns out to have ended with the piece before, -1 when none ends. */
  last(text: string): number {
    if (text === "") return -1;
    if (this.#return !== undefined || text.includes("\r")) return this.#walk(text);
    const at = text.lastIndexOf("\n\n");
    const opening = this.#blank && text.startsWith("\n");
    this.#blank = text.endsWith("\n");
    if (at >= 0) return at + 2;
    return opening ? 1 : -1;
  }

  #walk(text: string): number {
    let end = -1;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const before = this.#return;
      this.#return = undefined;
      if (code === 10 && before !== undefined) {
        if (before === "blank") end = at + 1;
        continue;
      }
      if (before === "blank") end = at;
      if (code === 13) this.#return = this.#blank ? "blank" : "line";
      else if (code === 10 && this.#blank) end = at + 1;
      this.#blank = code === 10 || code === 13;
    }
    return end;
  }
}

/**
 * The length of the first whole event in the text, its blank line included; 0 when there is none yet.
 * A blank line is any of LF LF, CR CR, CR LF CR LF, mixed; a CR at the very end may still be half of a CR LF, so it waits.
 */
export function eventBoundary(text: string): number {
  if (!text.includes("\r")) {
    const at = text.indexOf("\n\n");
    return at < 0 ? 0 : at + 2;
  }
  let lineStart = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== 10 && code !== 13) continue;
    const blank = at === lineStart;
    if (code === 13) {
      if (at + 1 === text.length) return 0;
      if (text.charCodeAt(at + 1) === 10) at += 1;
    }
    if (blank) return at + 1;
    lineStart = at + 1;
  }
  return 0;
}

/** The text of one event as a frame; undefined when it holds no data. */
export function parseEvent(text: string): SseFrame | undefined {
  // The shape nearly every event has: `data: {...}\n\n`.
  if (text.startsWith("data: {") && text.indexOf("\n") === text.length - 2 && text.endsWith("\n\n") && !text.includes("\r")) {
    return { event: "", data: text.slice(6, -2) };
  }
  let event = "";
  let data: string | undefined;
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    if (line === "" || line.startsWith(":")) continue;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") event = value;
    else if (field === "data") data = data === undefined ? value : `${data}\n${value}`;
  }
  // `data: : keepalive` is a comment that some gateways in front of vendors wrap by mistake.
  if (data === undefined || data === "" || data.startsWith(":")) return undefined;
  return { event, data };
}
