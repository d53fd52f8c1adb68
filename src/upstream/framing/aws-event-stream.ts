/** Amazon's binary event stream (`application/vnd.amazon.eventstream`): length-prefixed messages of headers and a payload, each checked twice. */

import { GatewayError } from "../../canonical/errors.ts";
import type { Frame, FrameReader } from "./framing.ts";

// The vendor's own SDK for Python takes no more than these (botocore, eventstream.py).
const MAX_PAYLOAD_BYTES = 24 << 20;
const MAX_HEADERS_BYTES = 128 << 10;

/** Total length, length of the headers, and the checksum of these two. */
const PRELUDE_BYTES = 12;
/** What a message has besides headers and payload: the prelude and the checksum of it all. */
const OVERHEAD_BYTES = PRELUDE_BYTES + 4;

/**
 * Cuts a byte stream into whole messages. Feed it any slices; it keeps what is incomplete.
 * A frame's event is an event by its name, an exception as `exception:<its type>`, an error that no model describes as `error:<its code>`.
 *
 * A checksum that does not fit means that bytes were lost or that this is no event stream at all, and nothing after it can be trusted: it throws
 * `provider_bad_response`.
 */
export class AwsEventStreamReader implements FrameReader {
  readonly #text = new TextDecoder("utf-8", { ignoreBOM: true });
  /** The beginning of a message whose rest has not come. Grows by doubling: a long message in many slices is copied twice, not once a slice. */
  #kept = new Uint8Array(0);
  #length = 0;
  /** The last message's headers and what they say: a stream is hundreds of messages of one kind, and reading headers is most of the work. */
  #lastHeaders = new Uint8Array(0);
  #lastRead: ReadonlyMap<string, string> = new Map();

  push(bytes: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    if (this.#length === 0) {
      this.#keep(bytes.subarray(this.#read(bytes, frames)));
      return frames;
    }
    this.#keep(bytes);
    const whole = this.#kept.subarray(0, this.#length);
    const used = this.#read(whole, frames);
    if (used > 0) {
      this.#kept.copyWithin(0, used, this.#length);
      this.#length -= used;
    }
    return frames;
  }

  /** Half a message is none: whether the answer was complete without it is the decoder's to say. */
  end(): Frame[] {
    this.#length = 0;
    return [];
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    const needed = this.#length + bytes.byteLength;
    if (needed > this.#kept.byteLength) {
      const grown = new Uint8Array(Math.max(needed, this.#kept.byteLength * 2, 1024));
      grown.set(this.#kept.subarray(0, this.#length));
      this.#kept = grown;
    }
    this.#kept.set(bytes, this.#length);
    this.#length = needed;
  }

  /** Appends every whole message; returns how many bytes they took. */
  #read(bytes: Uint8Array, frames: Frame[]): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (bytes.byteLength - at >= PRELUDE_BYTES) {
      const total = view.getUint32(at);
      const headers = view.getUint32(at + 4);
      if (crc32(bytes, at, at + 8) !== view.getUint32(at + 8)) throw broken("the checksum of a message's beginning is wrong");
      // Checked before the message is waited for: a length of gigabytes must not be buffered.
      if (headers > MAX_HEADERS_BYTES || total < headers + OVERHEAD_BYTES || total - headers - OVERHEAD_BYTES > MAX_PAYLOAD_BYTES) {
        throw broken(`a message of ${total} bytes with headers of ${headers} bytes is out of bounds`);
      }
      const end = at + total;
      if (end > bytes.byteLength) break;
      if (crc32(bytes, at, end - 4) !== view.getUint32(end - 4)) throw broken("the checksum of a message is wrong");
      const payload = at + PRELUDE_BYTES + headers;
      frames.push(frame(this.#headers(bytes, view, at + PRELUDE_BYTES, payload), this.#text.decode(bytes.subarray(payload, end - 4))));
      at = end;
    }
    return at;
  }

  #headers(bytes: Uint8Array, view: DataView, start: number, end: number): ReadonlyMap<string, string> {
    if (!isSame(bytes, start, end, this.#lastHeaders)) {
      this.#lastRead = this.#readHeaders(bytes, view, start, end);
      this.#lastHeaders = bytes.slice(start, end);
    }
    return this.#lastRead;
  }

  #readHeaders(bytes: Uint8Array, view: DataView, start: number, end: number): ReadonlyMap<string, string> {
    const headers = new Map<string, string>();
    let at = start;
    /** Where the next piece begins; steps over it. */
    const take = (length: number): number => {
      const from = at;
      at += length;
      if (at > end) throw broken("a header is longer than the headers are said to be");
      return from;
    };
    const text = (length: number): string => {
      const from = take(length);
      return this.#text.decode(bytes.subarray(from, from + length));
    };
    while (at < end) {
      const name = text(view.getUint8(take(1)));
      const type = view.getUint8(take(1));
      const size = sizes[type];
      if (size === undefined) throw broken(`a header of the unknown type ${type}`);
      const length = size === "prefixed" ? view.getUint16(take(2)) : size;
      if (type === STRING) headers.set(name, text(length));
      else take(length);
    }
    return headers;
  }
}

const STRING = 7;
/** Bytes of a header's value by its type: true, false, byte, short, integer, long, bytes, text, timestamp, UUID. Only text says what a message is. */
const sizes: readonly (number | "prefixed")[] = [0, 0, 1, 2, 4, 8, "prefixed", "prefixed", 8, 16];

function frame(headers: ReadonlyMap<string, string>, payload: string): Frame {
  switch (headers.get(":message-type")) {
    case "exception":
      return { event: `exception:${headers.get(":exception-type") ?? ""}`, data: payload };
    case "error": {
      // Errors that no model describes have their words in a header and no payload.
      const message = headers.get(":error-message");
      const data = payload === "" && message !== undefined ? JSON.stringify({ message }) : payload;
      return { event: `error:${headers.get(":error-code") ?? ""}`, data };
    }
    default:
      return { event: headers.get(":event-type") ?? "", data: payload };
  }
}

function isSame(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.byteLength) return false;
  for (let at = 0; at < other.byteLength; at++) if (bytes[start + at] !== other[at]) return false;
  return true;
}

function broken(what: string): GatewayError {
  return new GatewayError("provider_bad_response", `The provider's event stream is broken: ${what}.`, { upstream: { status: 200 } });
}

/** The CRC-32 of Ethernet and zip, a byte a step: 0.3 ms for 100 kB, and an event is 200 bytes. */
function crc32(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffffffff;
  for (let at = start; at < end; at++) crc = (crcTable[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const crcTable = /* @__PURE__ */ (() => {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
    table[byte] = crc;
  }
  return table;
})();
