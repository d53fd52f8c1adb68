/** Failures in this format. The envelope is that of all of OpenAI's formats; a stream has two ways of its own to tell one. */

import { GatewayError } from "../../../canonical/errors.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { decodeErrorPayload, encodeError } from "../chat/errors.ts";
import { responseId } from "./format.ts";

// ── from the vendor ──────────────────────────────────────────────────────────────────────────────────────────

/** Codes of the caller's own fault that do not say so in their name. */
const callersFault = /^(?:invalid_|empty_image|image_|unsupported_image|failed_to_download_image|string_above|missing_required)/;

/** The `error` event, which comes nested (recorded) and flat (documented). */
export function decodeErrorEvent(event: JsonObject): GatewayError {
  return decodeFailure(isObject(event.error) ? event.error : event);
}

/** The `error` of a failed response. */
export function decodeResponseFailure(response: JsonObject): GatewayError {
  if (isObject(response.error)) return decodeFailure(response.error);
  return new GatewayError(
    "provider_error",
    `The provider's response ended as ${asString(response.status) ?? "failed"}, and does not say why.`,
  );
}

function decodeFailure(error: JsonObject): GatewayError {
  const { sequence_number: _, type: given, ...said } = error;
  // "error" is the name of the event, not of the failure.
  const type = (given === "error" ? undefined : asString(given)) ?? impliedType(asString(error.code) ?? "");
  return decodeErrorPayload({ error: type === undefined ? said : { ...said, type } });
}

/** Without a status only the words say whose fault it was, and whether another try can help. */
function impliedType(code: string): string | undefined {
  if (code.includes("policy")) return "content_filter";
  return callersFault.test(code) ? "invalid_request_error" : undefined;
}

// ── to the client ────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Codex decides by the code what it does: these words end the turn, say how long to wait, or have the history compacted. All
 * other codes it takes for a reason to try again.
 */
function streamCode(error: GatewayError): string {
  switch (error.kind) {
    case "context-length":
      return "context_length_exceeded";
    case "rate-limit":
      return "rate_limit_exceeded";
    case "overloaded":
      return "server_is_overloaded";
    case "invalid-request":
    case "too-large":
    case "not-found":
    case "conflict":
      return "invalid_prompt";
    case "authentication":
    case "permission":
    case "billing":
    case "timeout":
    case "server":
      return "server_error";
  }
}

/** `error` of the failed response. */
export function responseFailure(error: GatewayError, callId: string): JsonObject {
  const { message, headgate_code } = told(error, callId);
  return { code: streamCode(error), message: `${String(message)}${waitingTime(error)}`, headgate_code };
}

function told(error: GatewayError, callId: string): JsonObject {
  return encodeError(error, callId).error as JsonObject;
}

/** Codex reads the time to wait from the message: there is no header any more. */
function waitingTime({ kind, retryAfterMs, message }: GatewayError): string {
  if (kind !== "rate-limit" || retryAfterMs === undefined || /try again in/i.test(message)) return "";
  return ` Please try again in ${(retryAfterMs / 1000).toFixed(3)}s.`;
}

/** Both shapes at once: flat as documented, and nested as OpenAI sends it and as the AI SDK and the Python client read it. */
export function errorEvent(error: GatewayError, callId: string, sequence: number): JsonObject {
  const { message, type, param, code } = told(error, callId);
  return { type: "error", sequence_number: sequence, code, message, param, error: { type, code, message, param } };
}

/** For a stream whose events somebody else has written: how far they were counted is not known. */
export function encodeStreamError(error: GatewayError, callId: string): string {
  const response: JsonObject = {
    id: responseId(undefined, callId),
    object: "response",
    status: "failed",
    error: responseFailure(error, callId),
    incomplete_details: null,
    output: [],
    usage: null,
  };
  const failed: JsonObject = { type: "response.failed", sequence_number: 1, response };
  return `event: error\ndata: ${JSON.stringify(errorEvent(error, callId, 0))}\n\nevent: response.failed\ndata: ${JSON.stringify(failed)}\n\n`;
}
