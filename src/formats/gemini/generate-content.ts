/** Gemini's `generateContent` and `streamGenerateContent`, as the Gemini API and Vertex speak them: the codec, put together from its verbs. */

import type { ClientCodec } from "../codec.ts";
import { check } from "./generate-content/check.ts";
import { decodeEvents } from "./generate-content/decode-events.ts";
import { decodeReply } from "./generate-content/decode-reply.ts";
import { decodeRequest } from "./generate-content/decode-request.ts";
import { encodeEvents, encodeEventsAsArray } from "./generate-content/encode-events.ts";
import { encodeReply } from "./generate-content/encode-reply.ts";
import { encodeRequest } from "./generate-content/encode-request.ts";
import { decodeError, encodeError } from "./generate-content/errors.ts";
import { format } from "./generate-content/format.ts";
import { path } from "./generate-content/path.ts";
import { edits, readReply, watch } from "./generate-content/verbatim.ts";
import { encodeArrayError, encodeStreamError } from "./generate-content/writers.ts";

export const generateContent = {
  name: format,
  operation: "chat",
  framing: "sse",
  client: { decodeRequest, encodeReply, encodeEvents, encodeError, encodeStreamError },
  provider: { path, headers: () => ({}), encodeRequest, decodeReply, decodeEvents, decodeError },
  // What clients of this format send beside the body belongs to their own account (`x-goog-user-project`) or counts SDKs.
  verbatim: { check, edits, requestHeaders: [], readReply, watch },
  replyHeaders: ["x-goog-request-id", "x-vertex-ai-", "x-gemini-", "x-ratelimit-", "server-timing"],
} satisfies ClientCodec;

/** The same for clients that stream without `alt=sse`: the answer is one JSON list, an element a chunk. */
export const generateContentArray = {
  ...generateContent,
  client: {
    ...generateContent.client,
    streamType: "application/json",
    encodeEvents: encodeEventsAsArray,
    encodeStreamError: encodeArrayError,
  },
} satisfies ClientCodec;
