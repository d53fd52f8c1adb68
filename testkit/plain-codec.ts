/** A format that is the canonical language itself, one event a line, so that nothing lies between a test and what it tests. */

import type { ChatReply, ChatRequest } from "../src/canonical/chat.ts";
import type { GatewayError } from "../src/canonical/errors.ts";
import { invalidField } from "../src/canonical/errors.ts";
import type { JsonObject } from "../src/canonical/json.ts";
import type { ClientFace, ClientCodec, ReplyContext } from "../src/formats/codec.ts";

export function plainCodec(path: (model: string, stream: boolean) => string, name = "plain"): ClientCodec {
  const client: ClientFace = {
    decodeRequest(body, door) {
      if (!Array.isArray(body["messages"])) throw invalidField("messages", "must be a list");
      return { stream: false, ...body, model: body["model"] ?? door.model } as unknown as ChatRequest;
    },
    encodeReply: (reply: ChatReply, { callId, created }: ReplyContext) => ({ ...reply, callId, created }) as unknown as JsonObject,
    encodeEvents: () => ({ push: (event) => `${JSON.stringify(event)}\n` }),
    encodeError,
    encodeStreamError: (error, callId) => `${JSON.stringify(encodeError(error, callId))}\n`,
  };
  return { name, framing: "sse", operation: "chat", client, provider: { path } } as unknown as ClientCodec;
}

function encodeError(error: GatewayError, callId: string): JsonObject {
  return { error: error.code, message: error.message, callId };
}
