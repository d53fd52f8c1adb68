/** What travels through the stages: a call going in, a reply coming out, and the house they live in. */

import type { Capabilities } from "../canonical/capabilities.ts";
import type { ChatEvent, ChatRequest, Finish } from "../canonical/chat.ts";
import type { GatewayError } from "../canonical/errors.ts";
import type { CallId } from "../canonical/ids.ts";
import type { Json, JsonObject } from "../canonical/json.ts";
import type { Quirk } from "../canonical/quirks.ts";
import type { Usage } from "../canonical/usage.ts";
import type { Warning } from "../canonical/warnings.ts";
import type { ClientCodec, Codec, Door } from "../formats/codec.ts";
import type { OperationFormatName } from "../formats/operation.ts";
import type { Deadlines } from "../resilience/deadlines.ts";
import type { KeyRing, RingKey } from "../resilience/key-ring.ts";
import type { RetryPolicy } from "../resilience/retry.ts";
import type { Policy } from "../routing/policy.ts";
import type { AttemptRecord, CallRecord } from "../stores/ports.ts";
import type { Outline } from "../upstream/json-text.ts";
import type { Fetch } from "../upstream/send.ts";

export type Stage = (call: Call, next: Next) => Promise<Reply>;
export type Next = (call: Call) => Promise<Reply>;

// ── the house: built from one configuration, never changed; a call keeps the one it began with ──────────────

export interface House {
  /** Counts up with every reload. */
  version: number;
  /** The route of a model name; undefined when there is none. */
  route(model: string): Route | undefined;
  clock: Clock;
  deadlines: Deadlines;
  /** Random numbers in [0, 1), for jitter. */
  random(): number;
  /** A call has begun; each is followed by exactly one `keep`. */
  began(): void;
  /** Makes a call's record durable: resolves when it is. */
  keep(record: CallRecord): Promise<void>;
  /** Bytes of a whole answer that are taken from a provider. */
  maxReplyBytes: number;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since some start; never goes back. */
  monotonic(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Route {
  name: string;
  policy: Policy;
  targets: readonly Target[];
  /** Milliseconds for the whole call, over all attempts. */
  totalMs: number;
}

/** Milliseconds. */
export interface Patience {
  /** Streamed replies: until the first event. */
  firstByteMs: number;
  /** Replies in one piece: until all of it is here. */
  wholeMs: number;
  /** Streamed replies: the longest silence between two chunks. */
  idleMs: number;
}

/** One model at one provider, as a route names it. */
export interface Target {
  /** `provider/model`. */
  name: string;
  provider: ProviderSeat;
  model: string;
  /** Formats in which the provider serves this model, best first. */
  speaks: readonly SpokenFormat[];
  weight: number;
  /** Fields set in the body that goes to the provider. */
  set: JsonObject | undefined;
  retry: RetryPolicy;
  patience: Patience;
  capabilities: Capabilities;
  /** Integer pico-USD, or undefined when the price is unknown. */
  cost(usage: Usage, atMs: number): number | undefined;
}

/** A configured provider, ready to be called. */
export interface ProviderSeat {
  name: string;
  speaks: readonly SpokenFormat[];
  /** The operations beside chat. */
  offers: readonly Offer[];
  /** Where requests of any kind are passed through to. */
  base: Base | undefined;
  keys: KeyRing;
  headers: Record<string, string>;
  fetch: Fetch;
}

/** A format as one provider speaks it. */
export interface SpokenFormat {
  codec: Codec;
  baseUrl: string;
  quirks: ReadonlySet<Quirk>;
  /** Where the vendor keeps the format elsewhere than the format's own path; appended to the base URL. */
  path?: ((model: string, stream: boolean) => string) | undefined;
  /** Fields of the body that this vendor wants set, or (undefined) left out. */
  body?: Readonly<Record<string, Json | undefined>> | undefined;
  /** The credential as headers; signers look at the whole request. */
  credential(key: RingKey, request: Unsigned): Record<string, string> | Promise<Record<string, string>>;
}

/** An address of a provider, and the way to show the key there. */
export interface Base {
  baseUrl: string;
  credential: SpokenFormat["credential"];
}

/** An operation beside chat, in a format in which one provider offers it. */
export interface Offer extends Base {
  format: OperationFormatName;
}

/** A request before its credential is added. */
export interface Unsigned {
  url: string;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** Who is calling. */
export interface Principal {
  keyId: string;
  keyName: string;
  /** True when this principal may ask for the model. */
  allows(model: string): boolean;
}

// ── the call ─────────────────────────────────────────────────────────────────────────────────────────────────

/** What kind of work a call asks for. The stages ask it, and never its name. */
export interface Operation {
  /** On the record: `chat`, `embeddings`. */
  name: string;
  /** Sends the call to its target, and brings the reply to the point where it may be shown. */
  dispatch(call: Call): Promise<Reply>;
}

export interface CallInput {
  id: CallId;
  house: House;
  operation: Operation;
  /** The client's format, on the record. */
  format: string;
  model: string;
  stream: boolean;
  strict: boolean;
  principal: Principal | undefined;
  session: string | undefined;
  tags: string[];
  /** The client's limit on the whole call, in milliseconds. */
  timeoutMs: number | undefined;
  signal: AbortSignal;
  startedAt: number;
  startedMono: number;
}

/** What the calls of all operations share. */
export class Call {
  readonly id: CallId;
  readonly house: House;
  readonly operation: Operation;
  readonly format: string;
  readonly model: string;
  /** The answer goes to the client as it comes. */
  readonly stream: boolean;
  readonly strict: boolean;
  readonly principal: Principal | undefined;
  readonly session: string | undefined;
  readonly tags: string[];
  readonly timeoutMs: number | undefined;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  readonly startedAt: number;
  readonly startedMono: number;

  /** What the chosen target could not be given as it stood: of the last attempt only. */
  warnings: Warning[] = [];
  readonly attempts: AttemptRecord[] = [];
  /** Set by `route`. */
  chosen: Route | undefined;
  candidates: readonly Target[] = [];
  /** Set by `attempt`, before `dispatch`. */
  target: Target | undefined;
  key: RingKey | undefined;
  /** Milliseconds spent waiting for providers: what is left of the duration is ours. */
  upstreamMs = 0;

  constructor(input: CallInput) {
    this.id = input.id;
    this.house = input.house;
    this.operation = input.operation;
    this.format = input.format;
    this.model = input.model;
    this.stream = input.stream;
    this.strict = input.strict;
    this.principal = input.principal;
    this.session = input.session;
    this.tags = input.tags;
    this.timeoutMs = input.timeoutMs;
    this.signal = input.signal;
    this.startedAt = input.startedAt;
    this.startedMono = input.startedMono;
  }
}

export interface ChatInput extends CallInput {
  codec: ClientCodec;
  door: Door;
  text: string;
  outline: Outline | undefined;
  body: JsonObject;
}

export class ChatCall extends Call {
  /** The client's format. */
  readonly codec: ClientCodec;
  readonly door: Door;
  /** The body as it came. */
  readonly text: string;
  readonly outline: Outline | undefined;
  readonly body: JsonObject;
  #request: ChatRequest | undefined;

  constructor(input: ChatInput) {
    super(input);
    this.codec = input.codec;
    this.door = input.door;
    this.text = input.text;
    this.outline = input.outline;
    this.body = input.body;
  }

  /** The request in the house's words, decoded on first use. */
  request(): ChatRequest {
    return (this.#request ??= this.codec.client.decodeRequest(this.body, this.door));
  }
}

// ── the reply ────────────────────────────────────────────────────────────────────────────────────────────────

/** How a reply went, known when its last byte is due. */
export interface Outcome {
  usage?: Usage | undefined;
  finish?: Finish | undefined;
  servedModel?: string | undefined;
  /** It failed after it had begun. */
  error?: GatewayError | undefined;
  /** The client went away. */
  aborted?: boolean | undefined;
}

interface ReplyBase {
  /** The provider's headers. */
  headers: Headers;
  /** The name of the format of what the provider sent. */
  format: string;
  verbatim: boolean;
  target: Target;
  /** Milliseconds from the call's start to the first event. */
  firstByteMs: number;
  /** Called once with the outcome; the last byte waits for it. Stages put themselves in front. */
  settle(outcome: Outcome): Promise<void> | void;
}

/** An answer that is here in whole. */
export interface WholeReply extends ReplyBase {
  kind: "whole";
  /** The format of what the provider sent; the client's own when `verbatim`. */
  spoken: SpokenFormat;
  /** The provider's bytes. */
  text: string;
  outcome: Outcome;
  /** What it says; empty when it is passed on verbatim. */
  events: ChatEvent[];
}

/** An answer under way: at least its first event is here, and it is not an error. */
export interface StreamReply extends ReplyBase {
  kind: "stream";
  spoken: SpokenFormat;
  source: StreamSource;
}

/** The provider's bytes, as they come. */
export interface StreamSource {
  /** Undefined at the end. Throws a GatewayError when the stream breaks, stalls or is aborted. */
  read(): Promise<Uint8Array | undefined>;
  /** Ends the exchange with the provider. Safe to call more than once. */
  close(): void;
}

/** An answer of another operation than chat: handed on as it is. */
export interface RelayReply extends ReplyBase {
  kind: "relay";
  status: number;
  contentType: string | undefined;
  /** Names, or beginnings of names, of the provider's headers that go to the client under their own names. */
  passes: readonly string[];
  /** Here in whole, or under way, or none. */
  body: string | Uint8Array<ArrayBuffer> | StreamSource | undefined;
  outcome: Outcome;
  /** Hears each chunk of a body under way, and undefined at its end: notes in the outcome what it learns. Never throws. */
  hear?: ((chunk: Uint8Array | undefined) => void) | undefined;
}

export type Reply = WholeReply | StreamReply | RelayReply;
