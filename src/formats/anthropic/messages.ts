/** Anthropic Messages (`POST /v1/messages`): the codec, put together from its verbs. */

import type { ClientCodec } from "../codec.ts";
import { check } from "./messages/check.ts";
import { decodeEvents } from "./messages/decode-events.ts";
import { decodeReply } from "./messages/decode-reply.ts";
import { decodeRequest } from "./messages/decode-request.ts";
import { encodeEvents } from "./messages/encode-events.ts";
import { encodeReply } from "./messages/encode-reply.ts";
import { encodeRequest } from "./messages/encode-request.ts";
import { decodeError, encodeError, encodeStreamError } from "./messages/errors.ts";
import { format } from "./messages/format.ts";
import { edits, readReply, requestHeaders, watch } from "./messages/verbatim.ts";

export const messages = {
  name: format,
  operation: "chat",
  framing: "sse",
  client: { decodeRequest, encodeReply, encodeEvents, encodeError, encodeStreamError },
  provider: {
    path: () => "/v1/messages",
    // The newer version differs only in what it refuses, all of which `encodeRequest` decides by the model.
    headers: () => ({ "anthropic-version": "2023-06-01" }),
    encodeRequest,
    decodeReply,
    decodeEvents,
    decodeError,
  },
  verbatim: { check, edits, requestHeaders, readReply, watch },
  replyHeaders: ["request-id", "anthropic-organization-id", "anthropic-ratelimit-", "anthropic-priority-", "x-should-retry"],
} satisfies ClientCodec;
