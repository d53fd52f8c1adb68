/** Ollama's refusals: `{"error": "text"}` with a status, the same as a line of a stream, or a proxy's page in between. */

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

/** An error inside a 200: a whole reply, or a line of a stream. */
export function decodeErrorPayload(payload: JsonObject): GatewayError {
  const said = read(payload);
  return build(said.status ?? impliedStatus(said), said, payload, undefined);
}

/** True for a payload that is an error and no answer. */
export function isErrorPayload({ error }: JsonObject): boolean {
  return (typeof error === "string" && error !== "") || isObject(error);
}

interface Said {
  message: string;
  type?: string | undefined;
  /** The status inside of the body, where the error came inside of a 200 or of another error. */
  status?: number | undefined;
}

function read(body: Json): Said {
  if (typeof body === "string") return { message: readable(body) };
  if (!isObject(body)) return { message: "" };
  const { error } = body;
  const message = asString(isObject(error) ? error["message"] : error) ?? asString(body["message"]) ?? asString(body["detail"]) ?? "";
  // The engine's own error, as text: {"error":"{\"error\":{\"code\":400,\"message\":\"request (8889 tokens) exceeds …"}
  const inner = message.startsWith("{") ? parseJson(message) : undefined;
  if (isObject(inner) && isObject(inner["error"])) return read(inner);
  const type = isObject(error) ? asString(error["type"]) : undefined;
  const code = isObject(error) ? asNumber(error["code"]) : asNumber(body["status_code"]);
  return { message, type, status: code !== undefined && code >= 400 && code <= 599 ? code : undefined };
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

const tooLong =
  /exceeds? the (?:available )?context|exceed_context_size|longer than the context length|context length exceeded|context window/i;
const busy = /server busy|maximum pending requests|overloaded|at capacity/i;
/** `model "x" not found, try pulling it first`; the cloud says `model 'x' not found`. */
const noModel = /model .{0,200}not found|file does not exist/i;

/** For errors without a status, by what they say. */
function impliedStatus({ message }: Said): number {
  if (tooLong.test(message)) return 400;
  if (busy.test(message)) return 503;
  if (noModel.test(message)) return 404;
  if (/does not support|invalid|is not supported/i.test(message)) return 400;
  if (/\bunauthorized\b/i.test(message)) return 401;
  if (/usage limit|rate limit|too many requests/i.test(message)) return 429;
  return 500;
}

function build(status: number, said: Said, body: Json, headers: Headers | undefined): GatewayError {
  const code = codeOf(status, said);
  // The body of a 401 holds a link by which the machine can be signed in: nobody else needs it.
  const kept = code === "provider_auth" ? undefined : redactBody(body);
  const details: ErrorDetails = {
    upstream: { status, type: said.type, requestId: headers?.get("x-request-id") ?? undefined, format, body: kept },
  };
  // A refusal keeps the vendor's own status (422, say); everything else has the table's.
  if (code === "provider_rejected" && status >= 400 && status < 500) details.status = status;
  const wait = headers && readRetryAfter(headers);
  if (wait !== undefined) details.retryAfterMs = wait;
  return new GatewayError(code, tell(code, status, redact(said.message).slice(0, 2000)), details);
}

/** Seconds (also fractions), or a date, which is measured against the reply's own. */
function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) return Math.round(Number.parseFloat(text) * 1000);
  const wait = Date.parse(text) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

function codeOf(status: number, { message, type }: Said): ErrorCode {
  if (status >= 300 && status < 400) return "provider_redirect";
  if (status <= 500) {
    // The template engine and the runner report what is the request's fault as 500 now and then.
    if (tooLong.test(message) || type === "exceed_context_size_error") return "context_length_exceeded";
    if (busy.test(message)) return "provider_overloaded";
  }
  switch (status) {
    case 401:
    case 403:
      return "provider_auth";
    case 402:
      return "provider_billing";
    case 404:
      // Without the vendor's own words it is the path that is not there: an address that is no Ollama.
      return noModel.test(message) ? "provider_model_not_found" : "provider_bad_response";
    case 408:
    case 504:
      return "provider_timeout";
    case 413:
      return "payload_too_large";
    case 429:
      return "provider_rate_limited";
    case 503:
      return "provider_overloaded";
  }
  return status >= 400 && status < 500 ? "provider_rejected" : "provider_error";
}

function tell(code: ErrorCode, status: number, message: string): string {
  // The vendor's words would tell the caller that its key is wrong, when it is the gateway's.
  if (code === "provider_auth") return `The provider refused the gateway's credentials (status ${status}).`;
  if (code === "provider_billing") return `The gateway's account at the provider cannot pay (status ${status}).`;
  if (code === "provider_redirect") return `The provider answered with a redirect (${status}).`;
  return message === "" ? `The provider answered with status ${status} and no message.` : message;
}
