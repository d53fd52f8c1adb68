/** Cohere's refusals: `{"message": "text"}` with a status, the same as an event of a stream, or a proxy's page in between. */

import { GatewayError } from "../../../canonical/errors.ts";
import type { ErrorCode, ErrorDetails } from "../../../canonical/errors.ts";
import { asNumber, asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { format } from "./format.ts";
import { redact, redactBody } from "./redact.ts";

/** An error that came with an HTTP status. */
export function decodeError(status: number, body: Json, headers: Headers): GatewayError {
  return build(status, read(body), body, headers);
}

/** An error inside a 200: a whole reply, or an event of a stream. */
export function decodeErrorPayload(payload: JsonObject): GatewayError {
  const said = read(payload);
  return build(said.status ?? impliedStatus(said.message), said, payload, undefined);
}

/** True for a payload that is an error and no answer: an answer's `message` is an object. */
export function isErrorPayload(payload: JsonObject): boolean {
  const { type, message, error } = payload;
  if (type === "error" || isObject(error)) return true;
  return type === undefined && ((typeof message === "string" && message !== "") || (typeof error === "string" && error !== ""));
}

interface Said {
  message: string;
  id?: string | undefined;
  /** The status inside of the body, where the error came inside of a 200. */
  status?: number | undefined;
}

function read(given: Json): Said {
  const body = typeof given === "string" ? (parseJson(given) ?? given) : given;
  if (typeof body === "string") return { message: readable(body) };
  if (!isObject(body)) return { message: "" };
  const { error } = body;
  const inner = isObject(error) ? error : body;
  const message = asString(inner["message"]) ?? asString(error) ?? asString(inner["detail"]) ?? asString(inner["data"]) ?? "";
  const status = asNumber(inner["status_code"]) ?? asNumber(inner["status"]) ?? asNumber(inner["code"]);
  return { message, id: asString(body["id"]), status: status !== undefined && status >= 400 && status <= 599 ? status : undefined };
}

/** A proxy's page as one line of text. */
function readable(text: string): string {
  const bare = /<[a-z!]/i.test(text)
    ? text
        .slice(0, 20_000)
        .replace(/<(style|script)[\s\S]*?<\/\1>/gi, " ")
        .replace(/<[^>]*>/g, " ")
    : text;
  return bare.replace(/\s+/g, " ").trim().slice(0, 500);
}

/** "too many tokens: max tokens must be less than or equal to 4096 …" is about the answer, not about the conversation. */
const tooLong =
  /too many tokens(?!: max tokens)|size limit exceeded|exceeds? the (?:model'?s )?(?:maximum )?context|context (?:length|window)/i;

/** For errors without a status, by what they say. */
function impliedStatus(message: string): number {
  if (tooLong.test(message) || /^invalid request|is required|not supported|must be/i.test(message)) return 400;
  if (/api (?:key|token)/i.test(message)) return 401;
  if (/not found/i.test(message)) return 404;
  if (/rate limit|trial key|please wait/i.test(message)) return 429;
  if (/overloaded|unavailable|at capacity/i.test(message)) return 503;
  return 500;
}

function build(status: number, said: Said, body: Json, headers: Headers | undefined): GatewayError {
  const code = codeOf(status, said.message);
  const details: ErrorDetails = {
    upstream: { status, requestId: headers?.get("x-debug-trace-id") ?? said.id, format, body: redactBody(body) },
  };
  // A refusal keeps the vendor's own status (422, say); everything else has the table's.
  if (code === "provider_rejected" && status >= 400 && status < 500) details.status = status;
  const wait = headers && readRetryAfter(headers);
  if (wait !== undefined) details.retryAfterMs = wait;
  return new GatewayError(code, tell(code, status, redact(said.message).slice(0, 2000)), details);
}

function codeOf(status: number, message: string): ErrorCode {
  switch (status) {
    case 401:
    case 403:
      return "provider_auth";
    case 402:
      return "provider_billing";
    case 404:
      // Without the vendor's own words it is the path that is not there: an address that is not Cohere.
      return /model/i.test(message) ? "provider_model_not_found" : "provider_bad_response";
    case 408:
    case 504:
      return "provider_timeout";
    case 413:
      return "payload_too_large";
    case 429:
      // A trial key's thousand calls a month do not come back by waiting a minute.
      return /calls? ?\/ ?month|per month/i.test(message) ? "provider_billing" : "provider_rate_limited";
    case 498:
      // "This error is returned when a request or response contains a deny-listed token."
      return "content_filtered";
    case 499:
      return "provider_error";
    case 501:
      return "provider_rejected";
    case 503:
      return "provider_overloaded";
  }
  if (status >= 300 && status < 400) return "provider_redirect";
  if (status >= 500 || status < 300) return "provider_error";
  return tooLong.test(message) ? "context_length_exceeded" : "provider_rejected";
}

/** Seconds (also fractions), or a date, which is measured against the reply's own. */
function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) return Math.round(Number.parseFloat(text) * 1000);
  const wait = Date.parse(text) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

function tell(code: ErrorCode, status: number, message: string): string {
  // The vendor's words would tell the caller that its key is wrong, when it is the gateway's.
  if (code === "provider_auth") return `The provider refused the gateway's credentials (status ${status}).`;
  if (code === "provider_billing") return `The gateway's account at the provider has no balance or quota left (status ${status}).`;
  if (code === "provider_redirect") return `The provider answered with a redirect (${status}).`;
  return message === "" ? `The provider answered with status ${status} and no message.` : message;
}
