/** What a wire format of another operation than chat must be able to say: much less than a codec, since these have no events. */

import type { ChatRequest } from "../canonical/chat.ts";
import type { EmbedReply, EmbedRequest } from "../canonical/embed.ts";
import type { GatewayError } from "../canonical/errors.ts";
import type { Json, JsonObject } from "../canonical/json.ts";
import type { RerankReply, RerankRequest } from "../canonical/rerank.ts";
import type { Usage } from "../canonical/usage.ts";
import type { EncodeContext } from "./codec.ts";

/** Data, like the names of the chat formats: in the rows of providers, and on the record. */
export type OperationFormatName =
  | "openai/embeddings"
  | "openai/images"
  | "openai/speech"
  | "openai/transcriptions"
  | "openai/moderations"
  | "anthropic/count-tokens"
  | "gemini/count-tokens"
  | "gemini/embed-content"
  | "cohere/embed"
  | "cohere/rerank"
  | "jina/rerank"
  | "ollama/embed"
  | "voyage/embeddings"
  | "voyage/rerank";

/** How a refusal is written for the client. */
export interface Dialect {
  encodeError(error: GatewayError, callId: string): JsonObject;
}

/** What the formats of all operations share: how a vendor's errors are read, and what of its headers is worth passing on. */
export interface OperationFormat {
  name: OperationFormatName;
  /** `body` is parsed JSON, or the raw text when it is none. */
  decodeError(status: number, body: Json, headers: Headers): GatewayError;
  replyHeaders: readonly string[];
}

/** They ask us in this format, or we ask a vendor. */
export interface Translation<Request, Reply> extends OperationFormat {
  /** Appended to the provider's base URL. */
  path(model: string): string;
  /** Inputs that the vendor takes at once; more are sent in turns. Absent: any number. */
  maxInputs?: number;
  encodeRequest(request: Request, context: Pick<EncodeContext, "warn">): JsonObject;
  /** Throws `provider_bad_response` when it is not one. */
  decodeReply(body: JsonObject, request: Request): Reply;
}

export type EmbedFormat = Translation<EmbedRequest, EmbedReply>;
export type RerankFormat = Translation<RerankRequest, RerankReply>;

/** A format that clients speak to us too. */
export interface ClientTranslation<Request, Reply> extends Translation<Request, Reply> {
  client: Dialect & {
    /** Throws `invalid_request` with the field's path for malformed input. */
    decodeRequest(body: JsonObject): Request;
    encodeReply(reply: Reply, context: { callId: string; model: string; request: Request }): JsonObject;
  };
}

/** Embeddings are passed on where the vendor speaks the client's format, save for the way in which the numbers are written. */
export interface EmbedClient extends ClientTranslation<EmbedRequest, EmbedReply> {
  readUsage(body: JsonObject): Usage | undefined;
  /** The body with its numbers written as they were asked for; undefined when they are so already. */
  inAskedEncoding(body: JsonObject, asked: EmbedRequest["encoding"]): JsonObject | undefined;
}

/** A format that is passed on as it is: only the model's name is changed on the way. */
export interface RelayFormat extends OperationFormat {
  operation: string;
  client: Dialect;
  /** Throws `invalid_request` with the field's path. Of a form, only the fields that are text. */
  check(body: JsonObject): void;
  /** What a whole JSON answer, or an event of a streamed one, says of its cost. */
  readUsage(body: JsonObject): Usage | undefined;
}

/** Counting what a conversation would cost before it is sent. */
export interface CountFormat extends OperationFormat {
  client: Dialect & {
    decodeRequest(body: JsonObject, door: { headers: Headers; model?: string | undefined }): ChatRequest;
    encodeReply(tokens: number): JsonObject;
  };
  path(model: string): string;
  /** Headers that the format needs, and those of the client that travel with it. */
  headers: Record<string, string>;
  requestHeaders: readonly string[];
  /** Fields to change before the body goes to a vendor that counts itself. */
  edits(model: string, body: JsonObject): Record<string, Json | undefined>;
}
