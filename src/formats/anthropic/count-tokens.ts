/** Anthropic's `POST /v1/messages/count_tokens`: a Messages body without a bound on the answer, and a number back. */

import type { CountFormat } from "../operation.ts";
import { check } from "./messages/check.ts";
import { decodeRequest } from "./messages/decode-request.ts";
import { decodeError, encodeError } from "./messages/errors.ts";
import { requestHeaders } from "./messages/verbatim.ts";

export const countTokens = {
  name: "anthropic/count-tokens",
  client: {
    decodeRequest(body, door) {
      // The one field that Messages needs and counting has not.
      const whole = { max_tokens: 1, ...body };
      check(whole);
      return decodeRequest(whole, door);
    },
    encodeReply: (tokens) => ({ input_tokens: tokens }),
    encodeError,
  },
  path: () => "/v1/messages/count_tokens",
  headers: { "anthropic-version": "2023-06-01" },
  requestHeaders,
  edits: (model) => ({ model }),
  decodeError,
  replyHeaders: ["request-id", "anthropic-ratelimit-"],
} satisfies CountFormat;
