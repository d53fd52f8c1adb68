/** A streamed answer on its way to the client: pulled chunk by chunk, so that the client's pace is the provider's. */

import type { ChatEvent } from "../canonical/chat.ts";
import { GatewayError, toGatewayError } from "../canonical/errors.ts";
import { isObject } from "../canonical/json.ts";
import type { Decoder, Encoder, ReplyContext, Watcher } from "../formats/codec.ts";
import type { ChatCall, Outcome, StreamReply } from "../stages/call.ts";
import { frameReader } from "../upstream/framing/framing.ts";
import type { FrameReader } from "../upstream/framing/framing.ts";
import { Boundaries, eventBoundary, MAX_EVENT_SIZE, parseEvent, tooLong } from "../upstream/framing/sse.ts";

/** What a runtime turns into a response body. */
export interface Outflow {
  /** The next bytes; undefined at the end. Rejects when the answer must not read as complete: its connection is then broken off. */
  next(): Promise<Uint8Array | string | undefined>;
  /** The client has gone. */
  cancel(): void;
}

/** Only for finding ASCII words in a chunk; what needs reading is decoded as UTF-8. */
const latin1 = new TextDecoder("latin1");
const utf8 = new TextDecoder();

abstract class Flow implements Outflow {
  protected readonly call: ChatCall;
  protected readonly reply: StreamReply;
  readonly outcome: Outcome = {};
  #settled = false;
  #over = false;
  /** What must wait until the record is durable. */
  #last: Uint8Array | string | undefined;

  constructor(call: ChatCall, reply: StreamReply) {
    this.call = call;
    this.reply = reply;
  }

  async next(): Promise<Uint8Array | string | undefined> {
    if (this.#last !== undefined) return this.#finish();
    if (this.#over) return undefined;
    try {
      for (;;) {
        const bytes = await this.reply.source.read();
        const piece = bytes ? this.take(bytes) : this.ended();
        if (this.#last !== undefined && piece === undefined) return await this.#finish();
        if (piece !== undefined) return piece;
        if (!bytes) {
          await this.#settle();
          this.#over = true;
          return undefined;
        }
      }
    } catch (thrown) {
      return this.#broken(toGatewayError(thrown));
    }
  }

  cancel(): void {
    this.outcome.aborted = true;
    this.#over = true;
    void this.#settle();
    this.reply.source.close();
  }

  /** Bytes from the provider; what may go out of them now, undefined for nothing yet. Calls `hold` for the last bytes. */
  protected abstract take(bytes: Uint8Array): Uint8Array | string | undefined;
  /** The provider has closed the stream. */
  protected abstract ended(): Uint8Array | string | undefined;

  /** The failure in the client's own words, as the last thing of a stream that has begun. */
  protected abstract tell(error: GatewayError): string;

  protected hold(last: Uint8Array | string): void {
    this.#last = last;
  }

  async #finish(): Promise<Uint8Array | string | undefined> {
    const last = this.#last;
    this.#last = undefined;
    this.#over = true;
    await this.#settle();
    this.#drain();
    return last;
  }

  async #broken(error: GatewayError): Promise<string | undefined> {
    this.#over = true;
    this.reply.source.close();
    if (error.code === "client_closed") this.outcome.aborted = true;
    else this.outcome.error = error;
    await this.#settle();
    return this.outcome.aborted ? undefined : this.tell(error);
  }

  /** Adds to the outcome what has been read so far: also of an answer that is broken off, since its tokens are billed. */
  protected abstract note(): void;

  async #settle(): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    this.note();
    try {
      await this.reply.settle(this.outcome);
    } catch {
      // Keeping records reports its own failures; an answer is never lost to them.
    }
  }

  /** After the last event only the end of the body is to come: read it, so that the connection can serve again. */
  #drain(): void {
    const { source } = this.reply;
    const patience = this.call.house.deadlines.arm(1000, () => source.close());
    const stop = (): void => patience.clear();
    void source
      .read()
      .then(
        (more) => (more ? source.close() : undefined),
        () => source.close(),
      )
      .then(stop, stop);
  }
}

/** Same format on both sides: whole events pass as the bytes they came in, read in passing. */
export class VerbatimFlow extends Flow {
  readonly #watcher: Watcher;
  readonly #boundaries = new Boundaries();
  /** The beginning of an event whose end has not come. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(call: ChatCall, reply: StreamReply) {
    super(call, reply);
    this.#watcher = call.codec.verbatim.watch({ includeUsage: asksForUsage(call) });
  }

  protected take(chunk: Uint8Array): Uint8Array | undefined {
    const text = latin1.decode(chunk);
    const cut = this.#boundaries.last(text);
    if (cut === chunk.byteLength && this.#pending.length === 0) return this.#pass(chunk, text);
    if (cut < 0) {
      this.#keep(chunk);
      return undefined;
    }
    const whole = joined([...this.#takePending(), chunk.subarray(0, cut)]);
    if (cut < chunk.byteLength) this.#keep(chunk.subarray(cut));
    return this.#pass(whole, latin1.decode(whole));
  }

  #pass(whole: Uint8Array, text: string): Uint8Array | undefined {
    return this.#watcher.concerns(text) ? this.#look(whole, text) : whole;
  }

  #keep(piece: Uint8Array): void {
    this.#pending.push(piece);
    this.#pendingBytes += piece.byteLength;
    if (this.#pendingBytes > MAX_EVENT_SIZE) throw tooLong();
  }

  #takePending(): Uint8Array[] {
    const pieces = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    return pieces;
  }

  protected ended(): Uint8Array | undefined {
    const rest = this.#takePending();
    // The last event may lack its blank line.
    const piece = rest.length > 0 ? this.#look(joined([...rest, new Uint8Array([10, 10])])) : undefined;
    const { reading, ended } = this.#watcher;
    if (!ended && !reading.finish && !reading.error) {
      throw new GatewayError("provider_stream_cut", `${this.reply.target.provider.name} ended its answer before it was complete.`);
    }
    return piece;
  }

  /** Event by event: notes what the record needs, leaves out what the client did not ask for, stops at the last one. */
  #look(bytes: Uint8Array, text = latin1.decode(bytes)): Uint8Array | undefined {
    const kept: Uint8Array[] = [];
    let from = 0;
    let at = 0;
    while (at < bytes.byteLength) {
      const length = eventBoundary(text.slice(at)) || bytes.byteLength - at;
      const frame = parseEvent(utf8.decode(bytes.subarray(at, at + length)));
      const word = frame ? this.#watcher.look(frame) : "pass";
      if (word === "last") {
        if (at > from) kept.push(bytes.subarray(from, at));
        this.hold(bytes.subarray(at, at + length));
        from = bytes.byteLength;
        break;
      }
      if (word === "drop") {
        if (at > from) kept.push(bytes.subarray(from, at));
        from = at + length;
      }
      at += length;
    }
    if (from < bytes.byteLength) kept.push(bytes.subarray(from));
    if (kept.length === 0) return undefined;
    return kept.length === 1 ? kept[0] : joined(kept);
  }

  protected tell(error: GatewayError): string {
    return this.call.codec.client.encodeStreamError(error, this.call.id);
  }

  protected note(): void {
    const { usage, finish, model, error } = this.#watcher.reading;
    Object.assign(this.outcome, { usage, finish, servedModel: model, error: this.outcome.error ?? error });
  }
}

/** Two formats: frames become events, events become frames. */
export class TranslatedFlow extends Flow {
  readonly #frames: FrameReader;
  readonly #decoder: Decoder;
  readonly #encoder: Encoder;

  constructor(call: ChatCall, reply: StreamReply, context: ReplyContext) {
    super(call, reply);
    this.#frames = frameReader(reply.spoken.codec.framing);
    this.#decoder = reply.spoken.codec.provider.decodeEvents(reply.spoken.quirks);
    this.#encoder = call.codec.client.encodeEvents(context);
  }

  protected take(bytes: Uint8Array): string | undefined {
    let out = "";
    for (const frame of this.#frames.push(bytes)) {
      out += this.#encode(this.#decoder.push(frame));
    }
    return out === "" ? undefined : out;
  }

  protected ended(): string | undefined {
    let out = "";
    for (const frame of this.#frames.end()) out += this.#encode(this.#decoder.push(frame));
    out += this.#encode(this.#decoder.end());
    return out === "" ? undefined : out;
  }

  protected tell(error: GatewayError): string {
    return this.#encoder.push({ type: "error", error });
  }

  /** Noted event by event. */
  protected note(): void {}

  #encode(events: ChatEvent[]): string {
    let out = "";
    for (const event of events) {
      switch (event.type) {
        case "start":
          this.outcome.servedModel ??= event.model;
          break;
        case "usage":
          this.outcome.usage = event.usage;
          break;
        case "finish":
          this.outcome.finish ??= event.finish;
          break;
        case "error":
          this.outcome.error = event.error;
          this.hold(this.#encoder.push(event));
          return out;
        case "end":
          this.hold(this.#encoder.push(event));
          continue;
        default:
      }
      out += this.#encoder.push(event);
    }
    return out;
  }
}

function asksForUsage(call: ChatCall): boolean {
  const options = call.body["stream_options"];
  return isObject(options) && options["include_usage"] === true;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  let size = 0;
  for (const piece of pieces) size += piece.byteLength;
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
}
