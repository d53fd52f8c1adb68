/** Gemini's `:countTokens`: contents alone, or a whole `generateContentRequest`, and a number back. */

import { isObject } from "../../canonical/json.ts";
import type { JsonObject } from "../../canonical/json.ts";
import type { CountFormat } from "../operation.ts";
import { check } from "./generate-content/check.ts";
import { decodeRequest } from "./generate-content/decode-request.ts";
import { decodeError, encodeError } from "./generate-content/errors.ts";

export const countTokens = {
  name: "gemini/count-tokens",
  client: {
    decodeRequest(body, door) {
      const whole = wholeOf(body);
      check(whole);
      return decodeRequest(whole, door);
    },
    encodeReply: (tokens) => ({ totalTokens: tokens }),
    encodeError,
  },
  path: (model) => `/v1beta/models/${model}:countTokens`,
  headers: {},
  requestHeaders: [],
  // The name stands in the path, and once more in a whole request.
  edits(model, body): JsonObject {
    const field = body["generateContentRequest"] === undefined ? "generate_content_request" : "generateContentRequest";
    const whole = body[field];
    return isObject(whole) ? { [field]: { ...whole, model: `models/${model}` } } : {};
  },
  decodeError,
  replyHeaders: ["x-goog-request-id", "server-timing"],
} satisfies CountFormat;

function wholeOf(body: JsonObject): JsonObject {
  const whole = body["generateContentRequest"] ?? body["generate_content_request"];
  return isObject(whole) ? whole : body;
}
