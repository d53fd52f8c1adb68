/** Cohere's chat, version 2 (`POST /v2/chat`): the codec, put together from its verbs. Only the vendor speaks it, so it has no client face. */

import type { Codec } from "../codec.ts";
import { ChatDecoder, decodeReply } from "./chat/decode-events.ts";
import { encodeRequest } from "./chat/encode-request.ts";
import { decodeError } from "./chat/errors.ts";
import { format } from "./chat/format.ts";

export const cohereChat = {
  name: format,
  operation: "chat",
  framing: "sse",
  provider: {
    path: () => "/v2/chat",
    headers: () => ({}),
    encodeRequest,
    decodeReply,
    decodeEvents: () => new ChatDecoder(),
    decodeError,
  },
  replyHeaders: ["x-debug-trace-id", "x-trial-endpoint-call-", "x-endpoint-monthly-call-", "retry-after"],
} satisfies Codec;
