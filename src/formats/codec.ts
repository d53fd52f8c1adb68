/** What a wire format must be able to say and understand. One file a format implements this; one suite (`codec.contract.ts`) tests them all. */

import type { Capabilities } from "../canonical/capabilities.ts";
import type { ChatEvent, ChatReply, ChatRequest, Extra, Finish } from "../canonical/chat.ts";
import { unsupportedField } from "../canonical/errors.ts";
import type { GatewayError } from "../canonical/errors.ts";
import type { Json, JsonObject } from "../canonical/json.ts";
import type { Quirk } from "../canonical/quirks.ts";
import type { Usage } from "../canonical/usage.ts";
import type { Warning } from "../canonical/warnings.ts";

/** The formats of chat. Their names are data: in rows, in configuration (also by the last word: `messages`), on the record. */
export type FormatName =
  | "openai/chat-completions"
  | "openai/completions"
  | "openai/responses"
  | "anthropic/messages"
  | "gemini/generate-content"
  | "bedrock/converse"
  | "cohere/chat"
  | "ollama/chat";

/** How the events of a stream are told apart: see `upstream/framing/`. */
export type Framing = "sse" | "json-lines" | "aws-event-stream";

/** One event of a stream after framing. For SSE without `event:` lines, `event` is empty. */
export interface Frame {
  event: string;
  data: string;
}

/** Turns the frames of a provider's stream into events. Holds state, does no I/O, may be fed in any slicing of the stream. */
export interface Decoder {
  push(frame: Frame): ChatEvent[];
  /** The stream is over: closes what is open. Emits `error` (code `provider_stream_cut`) when the format's own ending has not come. */
  end(): ChatEvent[];
}

/** Turns events into the bytes (as text) of the client's stream, framing included. */
export interface Encoder {
  push(event: ChatEvent): string;
}

/** What surrounds a client's request besides its body. */
export interface Door {
  /** Lower-case names. */
  headers: Headers;
  /** Where the format puts it in the path, e.g. Gemini. */
  model?: string | undefined;
  stream?: boolean | undefined;
}

export interface EncodeContext {
  capabilities: Capabilities;
  /** Named deviations of the provider from the format: see `canonical/quirks.ts`. */
  quirks: ReadonlySet<Quirk>;
  /** `provider/model` of the target, to tell own opaque state from foreign. */
  origin: string;
  warn: (warning: Warning) => void;
}

export interface ReplyContext {
  /** The gateway's id of the call: the reply's id is derived from it where the provider gave none. */
  callId: string;
  /** Seconds since 1970, where the provider gave none. */
  created: number;
  /** The model, as the client named it, where the provider gave none. */
  model: string;
  /** The client asked for usage in the stream. */
  includeUsage: boolean;
  /** `provider/model` that answers: written into opaque state so that it finds its way back. */
  origin: string;
  /** Tool name → kind, for formats that tell custom tools and functions apart. */
  customTools: ReadonlySet<string>;
  /** The client's own body, for formats whose reply repeats the request's settings. */
  body?: JsonObject | undefined;
}

/** They talk to us in this format. */
export interface ClientFace {
  /** The content type of a streamed answer; absent: `text/event-stream`. */
  streamType?: string;
  /** Throws `invalid_request` with the field's path for malformed input. */
  decodeRequest(body: JsonObject, door: Door): ChatRequest;
  encodeReply(reply: ChatReply, context: ReplyContext): JsonObject;
  encodeEvents(context: ReplyContext): Encoder;
  /** The error's body, in the format's envelope. Status and `retry-after` are set by the caller. */
  encodeError(error: GatewayError, callId: string): JsonObject;
  /** The error as the last thing in a stream that has begun, framing included. */
  encodeStreamError(error: GatewayError, callId: string): string;
}

/** We talk to a vendor in this format. */
export interface ProviderFace {
  /** Appended to the provider's base URL, e.g. `/chat/completions`. */
  path(model: string, stream: boolean): string;
  /** Headers that the format itself needs, beside the content type, e.g. `anthropic-version`. */
  headers(request: ChatRequest | undefined): Record<string, string>;
  /** Throws `unsupported_field` for what would change the meaning; warns about the rest. */
  encodeRequest(request: ChatRequest, context: EncodeContext): JsonObject;
  /**
   * A whole reply as events; throws `provider_bad_response` when it is not one. `text`: the same body unparsed, for formats that write the arguments
   * of tool calls as objects: parsing has rounded the long numbers in them.
   */
  decodeReply(body: JsonObject, quirks?: ReadonlySet<Quirk>, text?: string): ChatEvent[];
  decodeEvents(quirks?: ReadonlySet<Quirk>): Decoder;
  /** `body` is parsed JSON, or the raw text when it is none. */
  decodeError(status: number, body: Json, headers: Headers): GatewayError;
}

/** Same format on both sides: the bytes travel as they are, and this is how the gateway edits and reads them in passing. */
export interface VerbatimFace {
  /**
   * The types of the fields that the format defines, checked without decoding: throws `invalid_request` with the field's
   * path. Lets unknown fields and unknown kinds of parts pass, so that a vendor's news work on the day they ship.
   */
  check(body: JsonObject): void;
  /** Top-level fields to set (a value) or remove (undefined) before the body goes out. The body itself is not changed. */
  edits(body: JsonObject, target: VerbatimTarget): Record<string, Json | undefined>;
  /** Headers of the client that belong to the format and travel with the body, lower-case, e.g. `anthropic-beta`. */
  requestHeaders: readonly string[];
  /** What the record needs from a whole reply. */
  readReply(body: JsonObject): Reading;
  watch(options: { includeUsage: boolean }): Watcher;
}

export interface VerbatimTarget {
  model: string;
  /** `provider/model` of the target, to tell own opaque state from foreign; without it the model alone has to do. */
  origin?: string | undefined;
  quirks: ReadonlySet<Quirk>;
  /** With it, fields that the provider refuses and that only tune the answer are left out and named here; without it they are left to the provider. */
  warn?: EncodeContext["warn"] | undefined;
}

/** What the gateway learns from a reply that passes through. */
export interface Reading {
  model?: string | undefined;
  usage?: Usage | undefined;
  finish?: Finish | undefined;
  /** An error inside a 200. */
  error?: GatewayError | undefined;
}

/** Reads a verbatim stream in passing. */
export interface Watcher {
  readonly reading: Reading;
  /** True when the format's own ending has been seen. */
  readonly ended: boolean;
  /** Cheap test over the text of one or more whole events: false means that nothing in it concerns the watcher. */
  concerns(text: string): boolean;
  /** Looks at one event. `drop`: the client did not ask for it. `last`: the stream is complete with this one. */
  look(frame: Frame): "pass" | "drop" | "last";
}

/** A format that vendors speak. */
export interface Codec {
  name: FormatName;
  operation: "chat";
  /** How a provider frames a streamed reply. */
  framing: Framing;
  provider: ProviderFace;
  /** Names, or beginnings of names, of a provider's reply headers that are worth passing on: request id, rate limits. */
  replyHeaders: readonly string[];
}

/** A format that clients speak to us too. */
export interface ClientCodec extends Codec {
  client: ClientFace;
  verbatim: VerbatimFace;
}

/** Gives an `extra` pocket back to its own format; toward any other it warns about each field, and refuses those without which it would be another request. */
export function spendExtra(into: JsonObject, extra: Extra | undefined, format: FormatName, at: string, warn: EncodeContext["warn"]): void {
  if (!extra) return;
  for (const [field, value] of Object.entries(extra.fields)) {
    if (extra.format === format) {
      into[field] ??= value;
      continue;
    }
    const { action, reason } = extra.elsewhere?.[field] ?? { action: "dropped", reason: `${format} has no such field` };
    if (action === "refused") throw unsupportedField(at + field, reason);
    warn({ field: at + field, action, reason });
  }
}
