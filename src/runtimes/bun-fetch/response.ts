/** A `Response` as the gateway uses one, made of parsed bytes: nothing is built that nobody asks for. */

import { BodyStream } from "./body.ts";
import type { Body } from "./body.ts";
import type { Head } from "./parser.ts";

const EMPTY = Buffer.alloc(0);

export class ReceivedResponse {
  readonly status: number;
  readonly statusText: string;
  readonly ok: boolean;
  readonly url: string;
  readonly redirected = false;
  readonly type = "default";
  readonly headers: ReceivedHeaders;
  readonly #body: Body | undefined;
  readonly #encoding: string;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #used = false;

  constructor(head: Head, body: Body, url: string) {
    this.status = head.status;
    this.statusText = head.statusText;
    this.ok = head.status < 300;
    this.url = url;
    this.headers = new ReceivedHeaders(head.names, head.values);
    this.#body = head.bodyless ? undefined : body;
    this.#encoding = head.encoding;
  }

  get bodyUsed(): boolean {
    return this.#used;
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (!this.#body) return null;
    if (!this.#stream) {
      const stream = new BodyStream(this.#body, () => void (this.#used = true));
      // Nobody asked for it packed, but some send it so. The unpacking stream says so when the packed one is cut.
      this.#stream = this.#encoding === "" ? stream : stream.pipeThrough(new DecompressionStream(this.#encoding as CompressionFormat));
    }
    return this.#stream;
  }

  text(): Promise<string> {
    // The way of nearly every call: it is all here before anyone asks.
    const here = this.#encoding === "" && !this.#used && !this.#stream ? this.#body?.here : undefined;
    if (here) {
      this.#used = true;
      return Promise.resolve(decode(here));
    }
    return this.#bytes().then(decode);
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#bytes());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(await this.#bytes()).buffer;
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.arrayBuffer()], { type: this.headers.get("content-type") ?? "" });
  }

  async formData(): Promise<FormData> {
    return await new Response(await this.arrayBuffer(), { headers: { "content-type": this.headers.get("content-type") ?? "" } }).formData();
  }

  clone(): never {
    throw new TypeError("A received response cannot be cloned: its body is kept only once.");
  }

  #bytes(): Promise<Buffer> {
    const body = this.#body;
    if (!body) return Promise.resolve(EMPTY);
    if (this.#used || this.#stream?.locked) return Promise.reject(new TypeError("The body has been read already."));
    this.#used = true;
    if (this.#encoding === "") return body.all();
    const stream = this.body as ReadableStream<Uint8Array<ArrayBuffer>>;
    this.#used = true;
    return new Response(stream).arrayBuffer().then((buffer) => Buffer.from(buffer));
  }
}

/** As `Response.text()`: what is not UTF-8 becomes U+FFFD, a byte order mark goes. */
function decode(bytes: Buffer): string {
  const marked = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return bytes.toString("utf8", marked ? 3 : 0);
}

/** Headers that came: read only, looked through as they are (a dozen short names: quicker than any table that must first be built). */
export class ReceivedHeaders {
  readonly #names: readonly string[];
  readonly #values: readonly string[];
  #real: Headers | undefined;

  constructor(names: readonly string[], values: readonly string[]) {
    this.#names = names;
    this.#values = values;
  }

  get(name: string): string | null {
    let at = this.#names.indexOf(name);
    if (at === -1) {
      const lower = name.toLowerCase();
      if (lower === name) return null;
      return this.get(lower);
    }
    const first = this.#values[at] as string;
    at = this.#names.indexOf(name, at + 1);
    return at === -1 ? first : this.#full().get(name);
  }

  has(name: string): boolean {
    return this.#names.includes(name) || this.#names.includes(name.toLowerCase());
  }

  /** In the order they came, where real `Headers` sort; what came twice comes joined, once. */
  forEach(callback: (value: string, name: string, headers: Headers) => void, self?: unknown): void {
    const names = this.#names;
    const parent = this as unknown as Headers;
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      const last = names.lastIndexOf(name);
      if (last === index && names.indexOf(name) === index) callback.call(self, this.#values[index] as string, name, parent);
      else if (name === "set-cookie") callback.call(self, this.#values[index] as string, name, parent);
      else if (names.indexOf(name) === index) callback.call(self, this.#full().get(name) as string, name, parent);
    }
  }

  getSetCookie(): string[] {
    return this.#values.filter((_, index) => this.#names[index] === "set-cookie");
  }

  keys(): IterableIterator<string> {
    return this.#full().keys();
  }

  values(): IterableIterator<string> {
    return this.#full().values();
  }

  entries(): IterableIterator<[string, string]> {
    return this.#full().entries();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#full().entries();
  }

  append(): never {
    return readOnly();
  }

  set(): never {
    return readOnly();
  }

  delete(): never {
    return readOnly();
  }

  #full(): Headers {
    if (!this.#real) {
      this.#real = new Headers();
      for (const [index, name] of this.#names.entries()) this.#real.append(name, this.#values[index] as string);
    }
    return this.#real;
  }
}

function readOnly(): never {
  throw new TypeError("The headers of a received response are read only.");
}
