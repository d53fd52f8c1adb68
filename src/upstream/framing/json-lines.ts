/** Newline-delimited JSON (`application/x-ndjson`): every line is one event. */

import { GatewayError } from "../../canonical/errors.ts";
import type { Frame, FrameReader } from "./framing.ts";

/** As much as an event of any other framing may hold; a line that never ends must not fill the memory. */
const MAX_LINE_LENGTH = 16 << 20;

/**
 * Cuts a byte stream into lines. Feed it any slices; it keeps what is incomplete, across UTF-8 boundaries too.
 * Lines end in LF or CR LF, blank ones are skipped, the last one may lack its end. U+2028 and its kin are legal within JSON and end nothing.
 */
export class JsonLinesReader implements FrameReader {
  readonly #decoder = new TextDecoder("utf-8");
  readonly #most: number;
  /** The beginning of a line, in the pieces it came in: joined once, so that a long line in many slices is not copied once a slice. */
  #pieces: string[] = [];
  #length = 0;

  constructor(most: number = MAX_LINE_LENGTH) {
    this.#most = most;
  }

  push(bytes: Uint8Array): Frame[] {
    return this.#read(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): Frame[] {
    const frames = this.#read(this.#decoder.decode());
    this.#take("", frames);
    return frames;
  }

  #read(text: string): Frame[] {
    const frames: Frame[] = [];
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.#take(text.slice(from, end), frames);
      from = end + 1;
    }
    if (from < text.length) this.#keep(from === 0 ? text : text.slice(from));
    return frames;
  }

  #keep(piece: string): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length > this.#most) {
      throw new GatewayError("provider_bad_response", `The provider sent a line of more than ${this.#most} characters.`);
    }
  }

  /** The rest of a line, its end taken off. */
  #take(rest: string, frames: Frame[]): void {
    let line = rest;
    if (this.#length > 0) {
      this.#keep(rest);
      line = this.#pieces.join("");
      this.#pieces = [];
      this.#length = 0;
    }
    // Takes off the CR of a CR LF too; JSON does not mind.
    line = line.trim();
    if (line !== "") frames.push({ event: "", data: line });
  }
}
