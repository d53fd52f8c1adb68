/** One exchange with a provider, for whatever operation: sent with the key, timed, ended by whoever ends first. */

import { GatewayError } from "../canonical/errors.ts";
import { parseJson } from "../canonical/json.ts";
import type { Json } from "../canonical/json.ts";
import type { Deadline } from "../resilience/deadlines.ts";
import { brokenExchange, readText, send } from "../upstream/send.ts";
import type { Base, Call, Route, StreamSource, Target } from "./call.ts";

/** One exchange with a provider: its abort, its clock, its end. */
export class Exchange {
  readonly signal: AbortSignal;
  readonly #call: Call;
  readonly #target: Target;
  readonly #controller = new AbortController();
  #sentAt = 0;
  /** Until the first event, or until a whole answer is here; then, in a stream, from one chunk to the next. */
  #patience: Deadline | undefined;
  /** The end of all patience, in a stream. */
  #total: Deadline | undefined;
  #closed = false;

  constructor(call: Call, target: Target) {
    this.#call = call;
    this.#target = target;
    this.signal = this.#controller.signal;
    if (call.signal.aborted) this.#leave();
    call.signal.addEventListener("abort", this.#leave, { once: true });
  }

  /** Resolves when the response's headers are here. `at` shows the key. */
  send(
    method: string,
    url: string,
    headers: Record<string, string>,
    body: string | Uint8Array<ArrayBuffer> | undefined,
    at: Base,
  ): Promise<Response> {
    const { key } = this.#call;
    // A signer sees text only: bytes are what no vendor of signed requests takes.
    const credential = key ? at.credential(key, { url, headers, body: typeof body === "string" ? body : "" }) : {};
    if (credential instanceof Promise) return credential.then((signed) => this.#go(method, url, Object.assign(headers, signed), body));
    return this.#go(method, url, Object.assign(headers, credential), body);
  }

  #go(method: string, url: string, headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer> | undefined): Promise<Response> {
    const call = this.#call;
    const { provider, patience } = this.#target;
    this.#sentAt = call.house.clock.monotonic();
    const patienceMs = call.stream ? patience.firstByteMs : patience.wholeMs;
    const leftMs = totalMs(call) - (this.#sentAt - call.startedMono);
    this.#patience =
      leftMs <= patienceMs
        ? call.house.deadlines.arm(leftMs, () => this.#outOfTime())
        : call.house.deadlines.arm(patienceMs, () => this.#timedOut(`${provider.name} sent nothing for ${patienceMs} ms.`));
    return send({ fetch: provider.fetch, method, url, headers, body, signal: this.signal, provider: provider.name });
  }

  /** The first event of a stream is here: from now on silence between two chunks counts, and the whole. */
  begun(): void {
    const call = this.#call;
    const now = this.#waited();
    this.#patience?.clear();
    const { idleMs } = this.#target.patience;
    this.#patience = call.house.deadlines.arm(idleMs, () =>
      this.#timedOut(`${this.#target.provider.name} fell silent for ${idleMs} ms in the middle of its answer.`),
    );
    this.#total = call.house.deadlines.arm(totalMs(call) - (now - call.startedMono), () => this.#outOfTime());
  }

  heard(): void {
    this.#patience?.restart();
  }

  /** A whole answer is here. Returns the time. */
  complete(): number {
    this.done();
    return this.#waited();
  }

  /** The answer is over: timers end, the connection stays usable. */
  done(): void {
    this.#patience?.clear();
    this.#total?.clear();
    this.#call.signal.removeEventListener("abort", this.#leave);
  }

  /** Ends it, whatever state it is in. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.done();
    this.#controller.abort(new GatewayError("client_closed", "The exchange was ended."));
  }

  /** It has failed before anything could be shown. */
  failed(): void {
    if (this.#sentAt > 0) this.#waited();
    this.close();
  }

  /** What was spent waiting for the provider is not the gateway's own time. */
  #waited(): number {
    const now = this.#call.house.clock.monotonic();
    this.#call.upstreamMs += now - this.#sentAt;
    return now;
  }

  readonly #leave = (): void => {
    this.#controller.abort(new GatewayError("client_closed", "The client closed the connection."));
  };

  #outOfTime(): void {
    this.#timedOut(`The call took longer than ${totalMs(this.#call)} ms in all.`);
  }

  #timedOut(message: string): void {
    this.#controller.abort(new GatewayError("provider_timeout", message));
  }
}

/** Milliseconds that the call may take, over all attempts. */
function totalMs(call: Call): number {
  return Math.min((call.chosen as Route).totalMs, call.timeoutMs ?? Number.POSITIVE_INFINITY);
}

// ── what comes back ──────────────────────────────────────────────────────────────────────────────────────────

export const MAX_ERROR_BYTES = 1 << 20;

/** Whoever can read a provider's errors. */
export interface ErrorReader {
  decodeError(status: number, body: Json, headers: Headers): GatewayError;
}

/** The format takes out what looks like a credential; the one that was sent is known, however it looks. */
export async function readError(
  response: Response,
  face: ErrorReader,
  exchange: Exchange,
  credential: string | undefined,
): Promise<GatewayError> {
  const said = await readText(response, MAX_ERROR_BYTES, exchange.signal, "The provider");
  const text = credential !== undefined && credential.length >= 8 ? said.replaceAll(credential, "[redacted]") : said;
  return face.decodeError(response.status, parseJson(text) ?? text, response.headers);
}

export type Reader = { read(): Promise<{ value?: Uint8Array | undefined; done: boolean }>; cancel(reason?: unknown): Promise<void> };

export async function readChunk(reader: Reader, exchange: Exchange, target: Target): Promise<Uint8Array | undefined> {
  try {
    const { value, done } = await reader.read();
    return done ? undefined : value;
  } catch (cause) {
    const broken = brokenExchange(cause, exchange.signal, target.provider.name);
    if (exchange.signal.aborted) throw broken;
    throw new GatewayError("provider_stream_cut", `${target.provider.name} broke off in the middle of its answer.`, { cause });
  }
}

export function streamSource(held: Uint8Array[], reader: Reader, exchange: Exchange, target: Target): StreamSource {
  let ended = false;
  return {
    async read() {
      const first = held.shift();
      if (first) return first;
      if (ended) return undefined;
      const chunk = await readChunk(reader, exchange, target);
      if (chunk === undefined) {
        ended = true;
        exchange.done();
      } else exchange.heard();
      return chunk;
    },
    close() {
      if (ended) return;
      ended = true;
      exchange.close();
      void reader.cancel().catch(() => {});
    },
  };
}
