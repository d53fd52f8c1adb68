/** Reads HTTP/1.1 requests from a socket, one after the other, bodies by length or in chunks. It trusts its caller, which is under test. */

import type { Socket } from "node:net";

export interface RawRequest {
  method: string;
  path: string;
  headers: readonly (readonly [string, string])[];
  body: string;
}

export class RequestReader {
  /** Joined only when there is enough to take: a large body comes in thousands of pieces. */
  #pieces: Buffer[] = [];
  #size = 0;
  #over = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    socket.on("data", (bytes: Buffer) => {
      this.#pieces.push(bytes);
      this.#size += bytes.length;
      this.#wake();
    });
    const over = () => {
      this.#over = true;
      this.#wake();
    };
    socket.on("end", over);
    socket.on("close", over);
  }

  /** The next whole request; undefined when the caller has closed the connection. */
  async next(): Promise<RawRequest | undefined> {
    const head = await this.#through("\r\n\r\n");
    if (head === undefined) return undefined;
    const [first = "", ...lines] = head.toString("latin1").split("\r\n");
    const [method = "", path = ""] = first.split(" ");
    const headers = lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const);
    const value = (name: string) => headers.find(([known]) => known.toLowerCase() === name)?.[1];
    const body = value("transfer-encoding") === "chunked" ? await this.#chunks() : await this.#take(Number(value("content-length") ?? 0));
    return body && { method, path, headers, body: body.toString("utf8") };
  }

  async #chunks(): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    for (;;) {
      const size = await this.#through("\r\n");
      if (!size) return undefined;
      const length = Number.parseInt(size.toString("latin1"), 16);
      const chunk = await this.#take(length);
      if (!chunk || !(await this.#take(2))) return undefined;
      if (length === 0) return Buffer.concat(chunks);
      chunks.push(chunk);
    }
  }

  /** What stands before the mark, which is taken too. */
  async #through(mark: string): Promise<Buffer | undefined> {
    for (;;) {
      const at = this.#joined().indexOf(mark);
      if (at >= 0) return this.#cut(at + mark.length).subarray(0, at);
      if (this.#over) return undefined;
      await this.#more();
    }
  }

  async #take(length: number): Promise<Buffer | undefined> {
    while (this.#size < length) {
      if (this.#over) return undefined;
      await this.#more();
    }
    return this.#cut(length);
  }

  #joined(): Buffer {
    const whole = this.#pieces.length === 1 ? this.#pieces[0] : undefined;
    if (whole) return whole;
    const joined = Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }

  #cut(length: number): Buffer {
    const joined = this.#joined();
    this.#pieces = [joined.subarray(length)];
    this.#size = joined.length - length;
    return joined.subarray(0, length);
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
