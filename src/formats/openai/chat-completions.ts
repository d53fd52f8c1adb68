/** OpenAI's Chat Completions, which most vendors speak in a dialect of their own: the quirks say in which. */

import type { ClientCodec } from "../codec.ts";
import { checkRequest } from "./chat/check-request.ts";
import { ChatDecoder } from "./chat/decode-events.ts";
import { decodeReply } from "./chat/decode-reply.ts";
import { decodeRequest } from "./chat/decode-request.ts";
import { ChatEncoder } from "./chat/encode-events.ts";
import { encodeReply } from "./chat/encode-reply.ts";
import { encodeRequest } from "./chat/encode-request.ts";
import { decodeError, encodeError, encodeStreamError } from "./chat/errors.ts";
import { format } from "./chat/format.ts";
import { edits, readReply, watch } from "./chat/verbatim.ts";

export const chatCompletions = {
  name: format,
  operation: "chat",
  framing: "sse",
  client: {
    decodeRequest,
    encodeReply,
    encodeEvents: (context) => new ChatEncoder(context),
    encodeError,
    encodeStreamError,
  },
  provider: {
    path: () => "/chat/completions",
    headers: () => ({}),
    encodeRequest,
    decodeReply,
    decodeEvents: (quirks) => new ChatDecoder(quirks),
    decodeError,
  },
  verbatim: {
    check: checkRequest,
    edits,
    // Organisation and project belong to the client's own account, not to the gateway's.
    requestHeaders: ["openai-beta"],
    readReply,
    watch,
  },
  replyHeaders: [
    "x-request-id",
    "x-ratelimit-",
    "retry-after",
    "x-should-retry",
    "openai-processing-ms",
    "openai-version",
    "apim-request-id",
  ],
} satisfies ClientCodec;
