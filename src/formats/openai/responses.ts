/** OpenAI's Responses: a conversation and an answer are lists of items. Codex and OpenAI's agents speak it, and so do several servers of open models. */

import type { ClientCodec } from "../codec.ts";
import { decodeError, encodeError } from "./chat/errors.ts";
import { checkRequest } from "./responses/check-request.ts";
import { decodeReply, ResponsesDecoder } from "./responses/decode-events.ts";
import { decodeRequest } from "./responses/decode-request.ts";
import { ResponsesEncoder } from "./responses/encode-events.ts";
import { encodeReply } from "./responses/encode-reply.ts";
import { encodeRequest } from "./responses/encode-request.ts";
import { encodeStreamError } from "./responses/errors.ts";
import { format } from "./responses/format.ts";
import { edits, readReply, watch } from "./responses/verbatim.ts";

export const responses = {
  name: format,
  operation: "chat",
  framing: "sse",
  client: {
    decodeRequest,
    encodeReply,
    encodeEvents: (context) => new ResponsesEncoder(context),
    encodeError,
    encodeStreamError,
  },
  provider: {
    path: () => "/responses",
    headers: () => ({}),
    encodeRequest,
    decodeReply,
    decodeEvents: () => new ResponsesDecoder(),
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
