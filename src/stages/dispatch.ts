/** Sends the call to its target and brings the reply to the point where it may be shown: complete, or with a first event that is not an error. */

import type { ChatEvent } from "../canonical/chat.ts";
import { GatewayError } from "../canonical/errors.ts";
import { isObject, parseJson } from "../canonical/json.ts";
import type { Json } from "../canonical/json.ts";
import { formatWarning } from "../canonical/warnings.ts";
import type { Codec, Reading } from "../formats/codec.ts";
import type { Deadline } from "../resilience/deadlines.ts";
import { frameReader } from "../upstream/framing/framing.ts";
import { editFields } from "../upstream/json-text.ts";
import { brokenExchange, readText, send } from "../upstream/send.ts";
import type { Call, Reply, Route, SpokenFormat, Stage, StreamReply, StreamSource, Target, WholeReply } from "./call.ts";

export const dispatch: Stage = async (call) => {
  const target = call.target as Target;
  const spoken = target.speaks.find((one) => one.codec === call.codec) ?? (target.speaks[0] as SpokenFormat);
  const verbatim = spoken.codec === call.codec;
  const body = verbatim ? verbatimBody(call, target, spoken) : translatedBody(call, target, spoken);
  const exchange = new Exchange(call, target);
  try {
    const response = await exchange.send(spoken, body, verbatim);
    if (!response.ok) throw await readError(response, spoken.codec, exchange, call.key?.secret?.reveal());
    const type = response.headers.get("content-type") ?? "";
    if (call.stream && !type.startsWith("application/json")) {
      return await beginStream(call, target, spoken, verbatim, response, exchange);
    }
    return await readWhole(call, target, spoken, verbatim, response, exchange);
  } catch (thrown) {
    exchange.failed();
    throw thrown;
  }
};

// ── the way out ──────────────────────────────────────────────────────────────────────────────────────────────

/** Same format on both sides: the client's own bytes, save for the fields that must change. */
function verbatimBody(call: Call, target: Target, spoken: SpokenFormat): string {
  const edits: Record<string, Json | undefined> = call.codec.verbatim.edits(call.body, { model: target.model, quirks: spoken.quirks, warn: (warning) => call.warnings.push(warning) });
  refuseLoss(call);
  if (target.set) Object.assign(edits, target.set);
  const edited = call.outline && editFields(call.text, call.outline, edits);
  return edited ?? JSON.stringify({ ...call.body, ...edits });
}

function translatedBody(call: Call, target: Target, spoken: SpokenFormat): string {
  const request = { ...call.request(), model: target.model };
  const body = spoken.codec.provider.encodeRequest(request, {
    capabilities: target.capabilities,
    quirks: spoken.quirks,
    origin: target.name,
    warn: (warning) => call.warnings.push(warning),
  });
  refuseLoss(call);
  if (target.set) Object.assign(body, target.set);
  return JSON.stringify(body);
}

function refuseLoss(call: Call): void {
  if (!call.strict || call.warnings.length === 0) return;
  // As many as in x-headgate-warnings: the caller's own words are not echoed without bound.
  const told = call.warnings.slice(0, 10).map(formatWarning).join("; ");
  throw new GatewayError("lossy_translation", `x-headgate-strict forbids this translation: ${told}`, { field: call.warnings[0]?.field.slice(0, 200) });
}

/** One exchange with a provider: its abort, its clock, its end. */
class Exchange {
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

  /** Resolves when the response's headers are here. */
  send(spoken: SpokenFormat, body: string, verbatim: boolean): Promise<Response> {
    const call = this.#call;
    const { provider, model } = this.#target;
    const headers: Record<string, string> = {
      "content-type": "application/json",
      accept: call.stream ? "text/event-stream" : "application/json",
      // Compressed answers cost more CPU than they save on the way from a provider, and a cut gzip stream reads as complete.
      "accept-encoding": "identity",
      "user-agent": "headgate",
    };
    Object.assign(headers, spoken.codec.provider.headers(verbatim ? undefined : call.request()));
    if (verbatim) {
      for (const name of call.codec.verbatim.requestHeaders) {
        const value = call.door.headers.get(name);
        if (value !== null) headers[name] = value;
      }
    }
    Object.assign(headers, provider.headers);
    const url = spoken.baseUrl + (spoken.path ?? spoken.codec.provider.path)(model, call.stream);
    const credential = call.key ? spoken.credential(call.key, { url, headers, body }) : {};
    if (credential instanceof Promise) return credential.then((signed) => this.#go(url, Object.assign(headers, signed), body));
    return this.#go(url, Object.assign(headers, credential), body);
  }

  #go(url: string, headers: Record<string, string>, body: string): Promise<Response> {
    const call = this.#call;
    const { provider, patience } = this.#target;
    this.#sentAt = call.house.clock.monotonic();
    const patienceMs = call.stream ? patience.firstByteMs : patience.wholeMs;
    const leftMs = totalMs(call) - (this.#sentAt - call.startedMono);
    this.#patience =
      leftMs <= patienceMs
        ? call.house.deadlines.arm(leftMs, () => this.#outOfTime())
        : call.house.deadlines.arm(patienceMs, () => this.#timedOut(`${provider.name} sent nothing for ${patienceMs} ms.`));
    return send({ fetch: provider.fetch, url, headers, body, signal: this.signal, provider: provider.name });
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

// ── the way back ─────────────────────────────────────────────────────────────────────────────────────────────

const MAX_ERROR_BYTES = 1 << 20;

/** The codec takes out what looks like a credential; the one that was sent is known, however it looks. */
async function readError(response: Response, codec: Codec, exchange: Exchange, credential: string | undefined): Promise<GatewayError> {
  const said = await readText(response, MAX_ERROR_BYTES, exchange.signal, "The provider");
  const text = credential !== undefined && credential.length >= 8 ? said.replaceAll(credential, "[redacted]") : said;
  return codec.provider.decodeError(response.status, parseJson(text) ?? text, response.headers);
}

async function readWhole(call: Call, target: Target, spoken: SpokenFormat, verbatim: boolean, response: Response, exchange: Exchange): Promise<WholeReply> {
  const text = await readText(response, call.house.maxReplyBytes, exchange.signal, target.provider.name);
  const now = exchange.complete();
  const body = parseJson(text);
  if (!isObject(body)) throw notTheFormat(target, spoken);
  // A stream was asked for and a whole answer came: it has to be told as a stream.
  const asItIs = verbatim && !call.stream;
  const events = asItIs ? [] : spoken.codec.provider.decodeReply(body, spoken.quirks, text);
  const reading = asItIs ? call.codec.verbatim.readReply(body) : readEvents(events);
  if (reading.error) throw reading.error;
  return {
    kind: "whole",
    headers: response.headers,
    spoken,
    verbatim: asItIs,
    target,
    firstByteMs: now - call.startedMono,
    text,
    outcome: { usage: reading.usage, finish: reading.finish, servedModel: reading.model },
    events,
    settle: () => {},
  };
}

function readEvents(events: readonly ChatEvent[]): Reading {
  const reading: Reading = {};
  for (const event of events) {
    if (event.type === "start") reading.model ??= event.model;
    else if (event.type === "usage") reading.usage = event.usage;
    else if (event.type === "finish") reading.finish ??= event.finish;
    else if (event.type === "error") reading.error = event.error;
  }
  return reading;
}

/** Reads as far as the first event, so that an error inside a 200 can still go to another target. */
async function beginStream(call: Call, target: Target, spoken: SpokenFormat, verbatim: boolean, response: Response, exchange: Exchange): Promise<Reply> {
  if (!response.body) throw notTheFormat(target, spoken);
  const reader = response.body.getReader();
  const peek = frameReader(spoken.codec.framing);
  const decoder = spoken.codec.provider.decodeEvents(spoken.quirks);
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  for (;;) {
    const chunk = await readChunk(reader, exchange, target);
    const frames = chunk ? peek.push(chunk) : peek.end();
    if (chunk) {
      held.push(chunk);
      heldBytes += chunk.byteLength;
    }
    let sawEvent = false;
    for (const frame of frames) {
      for (const event of decoder.push(frame)) {
        if (event.type === "error") throw event.error;
        if (event.type !== "ping") sawEvent = true;
      }
    }
    if (sawEvent) break;
    if (!chunk) {
      const ending = decoder.end().find((event) => event.type === "error");
      if (ending?.type === "error" && heldBytes > 0 && frames.length > 0) throw ending.error;
      throw notTheFormat(target, spoken);
    }
    if (heldBytes > MAX_ERROR_BYTES) throw notTheFormat(target, spoken);
  }
  exchange.begun();
  return {
    kind: "stream",
    headers: response.headers,
    spoken,
    verbatim,
    target,
    firstByteMs: call.house.clock.monotonic() - call.startedMono,
    source: streamSource(held, reader, exchange, target),
    settle: () => {},
  } satisfies StreamReply;
}

type Reader = { read(): Promise<{ value?: Uint8Array | undefined; done: boolean }>; cancel(reason?: unknown): Promise<void> };

async function readChunk(reader: Reader, exchange: Exchange, target: Target): Promise<Uint8Array | undefined> {
  try {
    const { value, done } = await reader.read();
    return done ? undefined : value;
  } catch (cause) {
    const broken = brokenExchange(cause, exchange.signal, target.provider.name);
    if (exchange.signal.aborted) throw broken;
    throw new GatewayError("provider_stream_cut", `${target.provider.name} broke off in the middle of its answer.`, { cause });
  }
}

function streamSource(held: Uint8Array[], reader: Reader, exchange: Exchange, target: Target): StreamSource {
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

function notTheFormat(target: Target, spoken: SpokenFormat): GatewayError {
  return new GatewayError("provider_bad_response", `${target.provider.name} answered with something that is not ${spoken.codec.name}.`, { upstream: { status: 200 } });
}
