/** Reads HTTP/1.1 responses from a socket's bytes: strict where leniency has been a hole, bounded everywhere. */

/** What the other side sent is not HTTP as we accept it. */
export class ProtocolError extends Error {
  readonly code = "EPROTO";
  override name = "ProtocolError";
}

export interface Head {
  status: number;
  statusText: string;
  /** Lower-case, in the order they came. */
  names: string[];
  values: string[];
  /** No body follows, whatever the headers say. */
  bodyless: boolean;
  /** How many bytes follow; -1: not known beforehand. */
  length: number;
  /** `gzip` and the like; empty when the bytes are as they are. */
  encoding: string;
}

export interface Sink {
  head(head: Head): void;
  /** The bytes from `start` to `end` are the sink's to keep: nobody writes to them any more. */
  body(bytes: Buffer, start: number, end: number): void;
  /** The response is over. Called once, last. */
  end(): void;
}

/** As Node's and larger than Bun's own 16 KiB: some vendors send several KiB of policy headers. */
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_HEADERS = 200;
const MAX_INFORMATIONAL = 10;
/** A chunk-size line with its extensions, and the whole trailer. */
const MAX_CHUNK_LINE = 256;
const MAX_TRAILER_BYTES = 8 * 1024;
/** 4 GiB in one chunk is a lie; it also keeps the sum exact. */
const MAX_CHUNK_DIGITS = 8;

const HEAD = 0;
const LENGTH = 1;
const CHUNK_SIZE = 2;
const CHUNK_DATA = 3;
const CHUNK_END = 4;
const TRAILER = 5;
const UNTIL_CLOSE = 6;
const OVER = 7;

/** RFC 9110 section 5.6.2: what a header's name may consist of. */
const isToken = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") isToken[char.charCodeAt(0)] = 1;

/** One per connection: `start` for each request. */
export class ResponseParser {
  #sink: Sink | undefined;
  #method = "GET";
  #state = OVER;
  #carry: Buffer | undefined;
  #informational = 0;
  /** Bytes left of the body, or of the chunk. */
  #left = 0;
  #digits = 0;
  #lineLength = 0;
  #trailerBytes = 0;
  #sawReturn = false;
  #inExtension = false;
  /** The connection may take another request after this one. */
  reusable = false;
  /** Milliseconds that the server says it keeps an idle connection. */
  keepAliveMs = Number.POSITIVE_INFINITY;

  start(method: string, sink: Sink): void {
    this.#sink = sink;
    this.#method = method;
    this.#state = HEAD;
    this.#carry = undefined;
    this.#informational = 0;
    this.reusable = false;
    this.keepAliveMs = Number.POSITIVE_INFINITY;
  }

  get over(): boolean {
    return this.#state === OVER;
  }

  /** The connection was closed in order. Returns whether that was the proper end of the response. */
  close(): boolean {
    if (this.#state !== UNTIL_CLOSE) return this.#state === OVER;
    this.#finish();
    return true;
  }

  /** Throws a ProtocolError. Bytes behind the response's end make the connection unusable: ask `over` and `reusable` afterwards. */
  push(input: Buffer): void {
    let bytes = input;
    let at = 0;
    while (this.#state === HEAD) {
      if (this.#carry) {
        bytes = Buffer.concat([this.#carry, input]);
        this.#carry = undefined;
      }
      const end = bytes.indexOf("\r\n\r\n", at, "latin1");
      if (end === -1) {
        const rest = at === 0 ? bytes : bytes.subarray(at);
        checkBeginning(rest);
        if (rest.length > MAX_HEAD_BYTES) throw new ProtocolError(`The headers take more than ${MAX_HEAD_BYTES} bytes.`);
        this.#carry = rest;
        return;
      }
      if (end - at > MAX_HEAD_BYTES) throw new ProtocolError(`The headers take more than ${MAX_HEAD_BYTES} bytes.`);
      this.#readHead(bytes.toString("latin1", at, end + 2));
      at = end + 4;
      if (at === bytes.length) break;
    }
    if (this.#state === LENGTH) {
      const end = Math.min(bytes.length, at + this.#left);
      if (end > at) {
        this.#left -= end - at;
        (this.#sink as Sink).body(bytes, at, end);
      }
      at = end;
      if (this.#left === 0) this.#finish();
    } else if (this.#state === UNTIL_CLOSE) {
      if (bytes.length > at) (this.#sink as Sink).body(bytes, at, bytes.length);
      return;
    } else if (this.#state !== HEAD && this.#state !== OVER) {
      at = this.#readChunks(bytes, at);
    }
    if (at < bytes.length) this.reusable = false;
  }

  #finish(): void {
    this.#state = OVER;
    const sink = this.#sink as Sink;
    this.#sink = undefined;
    sink.end();
  }

  /** The head with the CRLF of its last line. */
  #readHead(text: string): void {
    if (!text.startsWith("HTTP/1.1 ") && !text.startsWith("HTTP/1.0 ")) throw new ProtocolError("The answer is not HTTP/1.1.");
    const old = text.charCodeAt(7) === 48;
    let lineEnd = text.indexOf("\r\n");
    const status = (text.charCodeAt(9) - 48) * 100 + (text.charCodeAt(10) - 48) * 10 + (text.charCodeAt(11) - 48);
    // The digits one by one, since 1 * 100 + 17 * 10 would also make a number.
    if (lineEnd < 12 || !/^[1-5][0-9][0-9]$/.test(text.slice(9, 12)) || (lineEnd > 12 && text.charCodeAt(12) !== 32)) {
      throw new ProtocolError("The answer has no proper status.");
    }
    const statusText = lineEnd > 13 ? text.slice(13, lineEnd) : "";
    if (isBroken(statusText)) throw new ProtocolError("The status line has a control character.");

    const names: string[] = [];
    const values: string[] = [];
    let length = -1;
    let chunked = false;
    let encoding = "";
    let connection = "";
    let keepAlive = "";
    let lineStart = lineEnd + 2;
    while (lineStart < text.length) {
      lineEnd = text.indexOf("\r\n", lineStart);
      if (names.length === MAX_HEADERS) throw new ProtocolError(`The answer has more than ${MAX_HEADERS} headers.`);
      // Also refuses a folded line: it begins with a space, and a name does not.
      let colon = lineStart;
      while (isToken[text.charCodeAt(colon)] === 1) colon++;
      if (colon === lineStart || text.charCodeAt(colon) !== 58) throw new ProtocolError("The answer has a broken header line.");
      const name = text.slice(lineStart, colon).toLowerCase();
      let from = colon + 1;
      let to = lineEnd;
      while (from < to && isBlank(text.charCodeAt(from))) from++;
      while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
      const value = text.slice(from, to);
      if (isBroken(value)) throw new ProtocolError(`The header ${name} has a control character.`);
      names.push(name);
      values.push(value);
      if (name === "content-length") {
        // Two of them, equal or not, are how one answer is made to look like two.
        if (length !== -1 || !/^[0-9]{1,15}$/.test(value)) throw new ProtocolError("The answer has a broken content-length.");
        length = Number(value);
      } else if (name === "transfer-encoding") {
        if (chunked || old || value.toLowerCase() !== "chunked") throw new ProtocolError("The answer has a transfer-encoding other than chunked.");
        chunked = true;
      } else if (name === "content-encoding") encoding = encoding === "" ? value.toLowerCase() : `${encoding}, ${value.toLowerCase()}`;
      else if (name === "connection") connection += `,${value.toLowerCase()}`;
      else if (name === "keep-alive") keepAlive = value;
      lineStart = lineEnd + 2;
    }
    if (chunked && length !== -1) throw new ProtocolError("The answer has both a content-length and a transfer-encoding.");

    if (status < 200) {
      if (status === 101) throw new ProtocolError("The answer changes the protocol, which nobody asked for.");
      if (++this.#informational > MAX_INFORMATIONAL) throw new ProtocolError(`More than ${MAX_INFORMATIONAL} informational answers came.`);
      return;
    }
    this.reusable = !old && (connection === "" || !/(?:^|[,\s])close(?:$|[,\s])/.test(connection));
    if (keepAlive !== "") {
      const seconds = /timeout=([0-9]{1,6})/i.exec(keepAlive)?.[1];
      if (seconds !== undefined) this.keepAliveMs = Number(seconds) * 1000;
    }
    const bodyless = this.#method === "HEAD" || status === 204 || status === 304;
    (this.#sink as Sink).head({
      status,
      statusText,
      names,
      values,
      bodyless,
      length: chunked ? -1 : length,
      encoding: bodyless || encoding === "identity" ? "" : encoding,
    });
    if (bodyless || length === 0) this.#finish();
    else if (chunked) {
      this.#state = CHUNK_SIZE;
      this.#startChunk();
    } else if (length > 0) {
      this.#state = LENGTH;
      this.#left = length;
    } else {
      this.#state = UNTIL_CLOSE;
      this.reusable = false;
    }
  }

  #startChunk(): void {
    this.#left = 0;
    this.#digits = 0;
    this.#lineLength = 0;
    this.#sawReturn = false;
    this.#inExtension = false;
  }

  /** Returns where it stopped: behind the response's end, or behind the last byte. */
  #readChunks(bytes: Buffer, from: number): number {
    let at = from;
    // All data of one read becomes one piece: later chunks are moved up to the first, over the framing between them. A model that
    // streams fast puts a dozen 200-byte chunks into one read, and each piece costs its reader a turn.
    let start = -1;
    let end = -1;
    let over = false;
    while (at < bytes.length && !over) {
      switch (this.#state) {
        case CHUNK_SIZE:
          at = this.#readSize(bytes, at);
          break;
        case CHUNK_DATA: {
          const size = Math.min(this.#left, bytes.length - at);
          if (start === -1) {
            start = at;
            end = at + size;
          } else {
            bytes.copyWithin(end, at, at + size);
            end += size;
          }
          at += size;
          this.#left -= size;
          if (this.#left === 0) {
            this.#state = CHUNK_END;
            this.#sawReturn = false;
          }
          break;
        }
        case CHUNK_END: {
          if (bytes[at++] !== (this.#sawReturn ? 10 : 13)) throw new ProtocolError("A chunk does not end where it said.");
          if (this.#sawReturn) {
            this.#state = CHUNK_SIZE;
            this.#startChunk();
          } else this.#sawReturn = true;
          break;
        }
        default: {
          at = this.#readTrailer(bytes, at);
          over = this.#state === OVER;
        }
      }
    }
    if (start !== -1) (this.#sink as Sink).body(bytes, start, end);
    if (over) this.#finish();
    return at;
  }

  #readSize(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const byte = bytes[at++] as number;
      if (this.#sawReturn) {
        if (byte !== 10) throw new ProtocolError("A chunk has a broken size.");
        if (this.#left > 0) this.#state = CHUNK_DATA;
        else {
          this.#state = TRAILER;
          this.#trailerBytes = 0;
          this.#lineLength = 0;
          this.#sawReturn = false;
        }
        return at;
      }
      if (++this.#lineLength > MAX_CHUNK_LINE) throw new ProtocolError("A chunk's size line is too long.");
      if (byte === 13) {
        if (this.#digits === 0) throw new ProtocolError("A chunk has no size.");
        this.#sawReturn = true;
      } else if (this.#inExtension) {
        if (byte < 32 && byte !== 9) throw new ProtocolError("A chunk's extension has a control character.");
      } else {
        const digit = hexDigit(byte);
        if (digit !== -1) {
          if (++this.#digits > MAX_CHUNK_DIGITS) throw new ProtocolError("A chunk is too large.");
          this.#left = this.#left * 16 + digit;
        } else if (byte === 59 && this.#digits > 0) this.#inExtension = true;
        else throw new ProtocolError("A chunk has a broken size.");
      }
    }
    return at;
  }

  #readTrailer(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const byte = bytes[at++] as number;
      if (++this.#trailerBytes > MAX_TRAILER_BYTES) throw new ProtocolError("The trailer is too long.");
      if (this.#sawReturn) {
        if (byte !== 10) throw new ProtocolError("The trailer has a broken line.");
        if (this.#lineLength === 0) {
          this.#state = OVER;
          return at;
        }
        this.#lineLength = 0;
        this.#sawReturn = false;
      } else if (byte === 13) this.#sawReturn = true;
      else if (byte === 10 || byte === 0) throw new ProtocolError("The trailer has a broken line.");
      else this.#lineLength++;
    }
    return at;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Bare CR, LF and NUL: where two readers of the same bytes come to see two different answers. */
function isBroken(text: string): boolean {
  return /[\0\r\n]/.test(text);
}

/** Says at once that it is not HTTP/1: a server that speaks HTTP/2 first would else be waited for until the timeout. */
function checkBeginning(bytes: Buffer): void {
  const beginning = bytes.toString("latin1", 0, Math.min(9, bytes.length));
  if (!"HTTP/1.1 ".startsWith(beginning) && !"HTTP/1.0 ".startsWith(beginning)) throw new ProtocolError("The answer is not HTTP/1.1.");
}
