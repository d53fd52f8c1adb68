/** Server-sent events, read by the letter of the WHATWG standard and with the tolerance that real vendors need. */

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
  #pending = "";

  push(bytes: Uint8Array): SseFrame[] {
    return this.#read(this.#decoder.decode(bytes, { stream: true }), false);
  }

  /** The stream is over: the last event may lack its blank line. */
  end(): SseFrame[] {
    return this.#read(this.#decoder.decode(), true);
  }

  #read(text: string, over: boolean): SseFrame[] {
    let buffer = this.#pending === "" ? text : this.#pending + text;
    const frames: SseFrame[] = [];
    for (;;) {
      const cut = eventBoundary(buffer);
      if (cut === 0) break;
      const frame = parseEvent(buffer.slice(0, cut));
      if (frame) frames.push(frame);
      buffer = buffer.slice(cut);
    }
    if (over && buffer !== "") {
      const frame = parseEvent(buffer);
      if (frame) frames.push(frame);
      buffer = "";
    }
    this.#pending = buffer;
    return frames;
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

/** The last boundary in the text: everything before it is whole events. 0 when there is none. */
export function lastBoundary(text: string): number {
  if (!text.includes("\r")) {
    const at = text.lastIndexOf("\n\n");
    return at < 0 ? 0 : at + 2;
  }
  let end = 0;
  for (;;) {
    const cut = eventBoundary(text.slice(end));
    if (cut === 0) return end;
    end += cut;
  }
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
