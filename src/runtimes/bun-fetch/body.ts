/** A response's body between the socket and its reader: kept in pieces, bounded, given out as fast as it is asked for. */

/** Beyond so much unread the socket is not read either; TCP then holds the sender. */
const FULL_BYTES = 256 * 1024;
/** And a piece has a price of its own, about 100 bytes. */
const FULL_PIECES = 1024;

export type Piece = { value: Uint8Array<ArrayBuffer>; done: false } | { value: undefined; done: true };

/** The socket, as the body sees it. */
export interface Tap {
  pause(): void;
  resume(): void;
  /** Nobody wants the rest. */
  cancel(): void;
}

interface Waiter {
  resolve(piece: Piece): void;
  reject(cause: unknown): void;
}

export class Body {
  readonly #tap: Tap;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #paused = false;
  #ended = false;
  #failed = false;
  #cause: unknown;
  #waiter: Waiter | undefined;
  #moreWaiters: Waiter[] | undefined;
  #whole: { resolve(bytes: Buffer): void; reject(cause: unknown): void } | undefined;

  constructor(tap: Tap) {
    this.#tap = tap;
  }

  // ── from the socket ────────────────────────────────────────────────────────────────────────────────────────

  push(bytes: Buffer, start: number, end: number): void {
    const piece = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
    const waiter = this.#nextWaiter();
    if (waiter) {
      waiter.resolve({ value: piece as Uint8Array<ArrayBuffer>, done: false });
      return;
    }
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (!this.#paused && !this.#whole && (this.#bytes >= FULL_BYTES || this.#pieces.length >= FULL_PIECES)) {
      this.#paused = true;
      this.#tap.pause();
    }
  }

  end(): void {
    this.#ended = true;
    if (this.#whole) this.#whole.resolve(this.#join());
    for (let waiter = this.#nextWaiter(); waiter; waiter = this.#nextWaiter()) waiter.resolve({ value: undefined, done: true });
  }

  fail(cause: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failed = true;
    this.#cause = cause;
    this.#pieces = [];
    if (this.#whole) this.#whole.reject(cause);
    for (let waiter = this.#nextWaiter(); waiter; waiter = this.#nextWaiter()) waiter.reject(cause);
  }

  // ── to the reader ──────────────────────────────────────────────────────────────────────────────────────────

  read(): Promise<Piece> {
    const piece = this.#pieces.shift();
    if (piece) {
      this.#bytes -= piece.length;
      // At half, not at the first gap: each turn of the tap costs a system call.
      if (this.#paused && this.#bytes < FULL_BYTES / 2) {
        this.#paused = false;
        this.#tap.resume();
      }
      return Promise.resolve({ value: piece as Uint8Array<ArrayBuffer>, done: false });
    }
    if (this.#failed) return Promise.reject(this.#cause);
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      if (this.#waiter) (this.#moreWaiters ??= []).push(waiter);
      else this.#waiter = waiter;
    });
  }

  /** All of it, in one piece. */
  all(): Promise<Buffer> {
    if (this.#failed) return Promise.reject(this.#cause);
    if (this.#ended) return Promise.resolve(this.#join());
    if (this.#paused) {
      this.#paused = false;
      this.#tap.resume();
    }
    return new Promise((resolve, reject) => {
      this.#whole = { resolve, reject };
    });
  }

  /** All of it as text, when it is here already. */
  get here(): Buffer | undefined {
    return this.#ended && !this.#failed ? this.#join() : undefined;
  }

  cancel(): void {
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#ended) return;
    this.end();
    this.#tap.cancel();
  }

  #nextWaiter(): Waiter | undefined {
    const waiter = this.#waiter;
    if (waiter) this.#waiter = this.#moreWaiters?.shift();
    return waiter;
  }

  #join(): Buffer {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }
}

/** A true stream for whoever needs one (`new Response(body)`, `pipeThrough`), with a reader that goes past its machinery. */
export class BodyStream extends ReadableStream<Uint8Array<ArrayBuffer>> {
  readonly #body: Body;
  readonly #used: () => void;
  #taken = false;

  constructor(body: Body, used: () => void) {
    super(
      {
        async pull(controller) {
          used();
          const { value, done } = await body.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => body.cancel(),
      },
      { highWaterMark: 0 },
    );
    this.#body = body;
    this.#used = used;
  }

  override get locked(): boolean {
    return this.#taken || super.locked;
  }

  override getReader(options?: { mode?: "byob" }): never {
    if (options?.mode !== undefined) throw new TypeError("This body has no byte reader.");
    if (this.locked) throw new TypeError("The body is being read already.");
    this.#taken = true;
    return new BodyReader(this.#body, this.#used, () => void (this.#taken = false)) as never;
  }

  override async cancel(): Promise<void> {
    if (this.locked) throw new TypeError("The body is being read already.");
    this.#used();
    this.#body.cancel();
  }
}

/** What `getReader()` gives. A read of bytes that are here is one resolved promise. */
class BodyReader {
  readonly #body: Body;
  readonly #used: () => void;
  readonly #release: () => void;
  #released = false;

  constructor(body: Body, used: () => void, release: () => void) {
    this.#body = body;
    this.#used = used;
    this.#release = release;
  }

  read(): Promise<Piece> {
    if (this.#released) return Promise.reject(new TypeError("The reader has been released."));
    this.#used();
    return this.#body.read();
  }

  async cancel(): Promise<void> {
    if (this.#released) throw new TypeError("The reader has been released.");
    this.#used();
    this.#body.cancel();
  }

  releaseLock(): void {
    if (this.#released) return;
    this.#released = true;
    this.#release();
  }
}
