/** OpenAI's legacy Completions: a prompt that is continued. Servers of open models speak it still, and editors ask them for the text at the cursor. */

import type { ClientCodec } from "../codec.ts";
import { decodeError, encodeError, encodeStreamError } from "./chat/errors.ts";
import { edits, readReply, watch } from "./chat/verbatim.ts";
import { checkRequest } from "./completions/check-request.ts";
import { CompletionsDecoder, decodeReply } from "./completions/decode-reply.ts";
import { decodeRequest } from "./completions/decode-request.ts";
import { CompletionsEncoder, encodeReply } from "./completions/encode-reply.ts";
import { encodeRequest } from "./completions/encode-request.ts";
import { format } from "./completions/format.ts";

export const completions = {
  name: format,
  operation: "chat",
  framing: "sse",
  client: {
    decodeRequest,
    encodeReply,
    encodeEvents: (context) => new CompletionsEncoder(context),
    encodeError,
    encodeStreamError,
  },
  provider: {
    path: () => "/completions",
    headers: () => ({}),
    encodeRequest,
    decodeReply,
    decodeEvents: (quirks) => new CompletionsDecoder(quirks),
    decodeError,
  },
  verbatim: {
    check: checkRequest,
    // Stream options, usage, finish and ending are those of Chat Completions.
    edits,
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
