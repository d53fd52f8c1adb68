/** Amazon Bedrock's Converse (`POST /model/{model}/converse` and `/converse-stream`): the codec, put together from its verbs. */

import type { ChatRequest } from "../../canonical/chat.ts";
import type { Codec } from "../codec.ts";
import { decodeEvents } from "./converse/decode-events.ts";
import { decodeReply } from "./converse/decode-reply.ts";
import { encodeRequest } from "./converse/encode-request.ts";
import { decodeError } from "./converse/errors.ts";
import { format } from "./converse/format.ts";

export const converse = {
  name: format,
  operation: "chat",
  framing: "aws-event-stream",
  provider: {
    path: (model: string, stream: boolean) => `/model/${encodeSegment(model)}/${stream ? "converse-stream" : "converse"}`,
    headers: (request: ChatRequest | undefined) => (request?.stream ? { accept: "application/vnd.amazon.eventstream" } : {}),
    encodeRequest,
    decodeReply,
    decodeEvents,
    decodeError,
  },
  replyHeaders: ["x-amzn-requestid", "x-amzn-bedrock-"],
} satisfies Codec;

/** Ids hold colons (`…-v1:0`) and, as ARNs, slashes. As the vendor's SDKs escape: all but letters, digits and `-_.~`. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
