/** Ollama's own chat (`POST /api/chat`): the codec, put together from its verbs. Only vendors speak it, so it has no client face. */

import type { Codec } from "../codec.ts";
import { ChatDecoder, decodeReply } from "./chat/decode-events.ts";
import { encodeRequest } from "./chat/encode-request.ts";
import { decodeError } from "./chat/errors.ts";
import { format } from "./chat/format.ts";

export const ollamaChat = {
  name: format,
  operation: "chat",
  framing: "json-lines",
  provider: {
    path: () => "/api/chat",
    headers: () => ({}),
    encodeRequest,
    decodeReply,
    decodeEvents: () => new ChatDecoder(),
    decodeError,
  },
  replyHeaders: ["x-request-id", "retry-after", "x-ratelimit-"],
} satisfies Codec;
