/** One keep-alive HTTP/1.1 connection on a bare socket: a load generator must cost less than what it measures, and see each read when it arrives. */

import type { Socket } from "bun";

export interface Target {
  url: string;
  headers: Record<string, string>;
}

export interface Listener {
  /** A piece of the body, with any chunked framing taken off. */
  onBody(piece: Buffer, now: number): void;
  onEnd(status: number, now: number): void;
  /** The connection broke before the answer was whole. */
  onBroken(reason: string): void;
}

export function requestBytes(target: Target, body: string): Buffer {
  const { host, pathname, search } = new URL(target.url);
  const lines = [`POST ${pathname}${search} HTTP/1.1`, `host: ${host}`];
  for (const [name, value] of Object.entries(target.headers)) lines.push(`${name}: ${value}`);
  const bytes = Buffer.from(body);
  lines.push(`content-length: ${bytes.length}`, "", "");
  return Buffer.concat([Buffer.from(lines.join("\r\n")), bytes]);
}

type State = "head" | "fixed" | "until-close" | "chunk-size" | "chunk-data" | "chunk-end" | "trailer";

const BLANK_LINE = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const EMPTY = Buffer.alloc(0);

export class HttpConnection {
  #socket: Socket | undefined;
  #listener: Listener | undefined;
  #unsent: Buffer = EMPTY;
  #state: State = "head";
  /** Bytes of a head or a chunk-size line that have not arrived whole. */
  #held: Buffer = EMPTY;
  #left = 0;
  #status = 0;
  #closeAfter = false;
  readonly #host: string;
  readonly #port: number;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  async connect(): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: this.#host,
      port: this.#port,
      socket: {
        data: (_, piece) => this.#read(piece),
        drain: () => this.#write(),
        close: () => this.#closed("closed"),
        error: (_, error) => this.#closed(error.message),
      },
    });
    this.#socket.setNoDelay(true);
  }

  /** Sends one request; the listener hears its answer. One at a time. */
  async send(request: Buffer, listener: Listener): Promise<void> {
    if (this.#socket === undefined) await this.connect();
    this.#listener = listener;
    this.#state = "head";
    this.#held = EMPTY;
    this.#unsent = request;
    this.#write();
  }

  /** Leaves without a word, in the middle of an answer if need be. */
  drop(): void {
    this.#listener = undefined;
    this.#socket?.terminate();
    this.#socket = undefined;
  }

  #write(): void {
    if (this.#unsent.length === 0) return;
    const sent = this.#socket?.write(this.#unsent) ?? 0;
    if (sent > 0) this.#unsent = this.#unsent.subarray(sent);
  }

  #closed(reason: string): void {
    this.#socket = undefined;
    const listener = this.#listener;
    this.#listener = undefined;
    if (listener === undefined) return;
    if (this.#state === "until-close") listener.onEnd(this.#status, performance.now());
    else listener.onBroken(reason);
  }

  #end(now: number): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#state = "head";
    if (this.#closeAfter) {
      this.#socket?.end();
      this.#socket = undefined;
    }
    listener?.onEnd(this.#status, now);
  }

  #read(piece: Buffer): void {
    const now = performance.now();
    let bytes = this.#held.length > 0 ? Buffer.concat([this.#held, piece]) : piece;
    this.#held = EMPTY;
    while (bytes.length > 0) {
      // Read through a local: each branch below may move the machine on.
      const state = this.#state;
      if (state === "head") {
        const end = bytes.indexOf(BLANK_LINE);
        if (end === -1) {
          this.#held = bytes;
          return;
        }
        this.#readHead(bytes.toString("latin1", 0, end));
        bytes = bytes.subarray(end + 4);
        if (this.#state === "fixed" && this.#left === 0) return this.#end(now);
      } else if (state === "fixed" || state === "chunk-data") {
        const taken = Math.min(this.#left, bytes.length);
        this.#listener?.onBody(bytes.subarray(0, taken), now);
        this.#left -= taken;
        bytes = bytes.subarray(taken);
        if (this.#left > 0) return;
        if (state === "fixed") return this.#end(now);
        this.#state = "chunk-end";
      } else if (state === "until-close") {
        this.#listener?.onBody(bytes, now);
        return;
      } else {
        const end = bytes.indexOf(LINE_END);
        if (end === -1) {
          this.#held = bytes;
          return;
        }
        const line = bytes.toString("latin1", 0, end);
        bytes = bytes.subarray(end + 2);
        if (state === "chunk-end") this.#state = "chunk-size";
        else if (state === "chunk-size") {
          this.#left = Number.parseInt(line, 16);
          this.#state = this.#left === 0 ? "trailer" : "chunk-data";
        } else if (line === "") return this.#end(now);
      }
    }
  }

  #readHead(head: string): void {
    this.#status = Number(head.slice(9, 12));
    const lower = head.toLowerCase();
    this.#closeAfter = lower.includes("\r\nconnection: close");
    const length = /\r\ncontent-length: *(\d+)/.exec(lower);
    if (/\r\ntransfer-encoding: *chunked/.test(lower)) this.#state = "chunk-size";
    else if (length) {
      this.#left = Number(length[1]);
      this.#state = "fixed";
    } else this.#state = "until-close";
  }
}
