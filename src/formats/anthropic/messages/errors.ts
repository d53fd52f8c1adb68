/** Anthropic's errors, read into the catalogue and written from it. */

import { GatewayError } from "../../../canonical/errors.ts";
import type { ErrorCode, ErrorDetails, ErrorKind, UpstreamError } from "../../../canonical/errors.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { format } from "./format.ts";

// ── from the provider ────────────────────────────────────────────────────────────────────────────────────────

export function decodeError(status: number, body: Json, headers: Headers): GatewayError {
  const said = read(body);
  const code = codeOf(status, said);
  const upstream: UpstreamError = { status, format, body: redactAll(said.body) };
  if (said.type !== undefined) upstream.type = said.type;
  if (said.code !== undefined) upstream.code = said.code;
  const requestId = headers.get("request-id") ?? said.requestId;
  if (requestId !== undefined) upstream.requestId = requestId;

  const details: ErrorDetails = { upstream };
  if (code === "provider_rejected" && status !== 400 && status >= 400 && status < 500) details.status = status;
  const retryAfterMs = readRetryAfter(headers);
  if (retryAfterMs !== undefined) details.retryAfterMs = retryAfterMs;
  const retryable = readShouldRetry(headers, code);
  if (retryable !== undefined) details.retryable = retryable;
  return new GatewayError(code, message(code, status, said), details);
}

/** The error event of a stream that began with 200: its type says which status it stands for. */
export function decodeStreamError(data: JsonObject): GatewayError {
  const type = isObject(data.error) ? asString(data.error.type) : undefined;
  return decodeError((type === undefined ? undefined : statuses[type]) ?? 500, data, new Headers());
}

/** What the vendor says, whatever shape it came in: the typed error, `{"message"}`, `{"detail"}`, plain text, a proxy's HTML page. */
interface Said {
  type?: string | undefined;
  message: string;
  code?: string | undefined;
  requestId?: string | undefined;
  body: Json;
}

function read(body: Json): Said {
  const parsed = typeof body === "string" ? (parseJson(body) ?? body) : body;
  if (!isObject(parsed)) return { message: plainText(typeof parsed === "string" ? parsed : JSON.stringify(parsed)), body: parsed };
  const { error } = parsed;
  const requestId = asString(parsed.request_id);
  if (isObject(error)) {
    const details = isObject(error.details) ? error.details : undefined;
    const code = asString(details?.error_code) ?? asString(error.code);
    return { type: asString(error.type), message: asString(error.message) ?? "", code, requestId, body: parsed };
  }
  const words = asString(parsed.message) ?? asString(error) ?? asString(parsed.detail) ?? "";
  return { message: words, requestId, body: parsed };
}

/** A proxy's page as one line of text. */
function plainText(text: string): string {
  const bare = /<[a-z!]/i.test(text) ? text.replace(/<(style|script)[\s\S]*?<\/\1>/gi, " ").replace(/<[^>]*>/g, " ") : text;
  return bare.replace(/\s+/g, " ").trim().slice(0, 500);
}

const statuses: Record<string, number> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

function codeOf(status: number, said: Said): ErrorCode {
  // Whatever a proxy says beside it: it is our key that was refused.
  if (status === 401 || status === 403) return "provider_auth";
  // The body's own word is more exact than the status, which proxies change.
  const meant = (said.type === undefined ? undefined : statuses[said.type]) ?? status;
  // The vendor reports an empty account as a plain 400.
  if (/credit balance is too low/i.test(said.message)) return "provider_billing";
  switch (meant) {
    case 401:
    case 403:
      return "provider_auth";
    case 402:
      return "provider_billing";
    case 404:
      return said.type !== undefined || /model/i.test(said.message) ? "provider_model_not_found" : "provider_bad_response";
    case 408:
    case 504:
      return "provider_timeout";
    case 413:
      return "payload_too_large";
    case 424:
      return "provider_error";
    case 429:
      return "provider_rate_limited";
    case 503:
    case 529:
      return "provider_overloaded";
  }
  if (meant >= 300 && meant < 400) return "provider_redirect";
  if (meant >= 500 || meant < 300) return "provider_error";
  if (/prompt is too long|exceeds? (the )?(model's )?(maximum )?context|context (window|length)|exceed context limit/i.test(said.message))
    return "context_length_exceeded";
  if (/blocked by content filtering policy/i.test(said.message)) return "content_filtered";
  return "provider_rejected";
}

/** The vendor's words, under ours where it is our key or account that they are about: the caller's own key is not at fault. */
function message(code: ErrorCode, status: number, said: Said): string {
  const words = redact(said.message).slice(0, 2000);
  switch (code) {
    case "provider_auth":
      return `The provider refused the gateway's credentials${words === "" ? "." : `: ${words}`}`;
    case "provider_billing":
      return `The gateway's account at the provider cannot pay${words === "" ? "." : `: ${words}`}`;
    case "provider_redirect":
      return `The provider answered with a redirect (${status}).`;
    default:
      return words === "" ? `The provider answered with status ${status} and no message.` : words;
  }
}

/** `false` is about this request at this account: where another key or target may do, it does not end the search. */
function readShouldRetry(headers: Headers, code: ErrorCode): boolean | undefined {
  const word = headers.get("x-should-retry");
  if (word === "true") return true;
  if (word !== "false") return undefined;
  const elsewhere =
    code === "provider_rate_limited" || code === "provider_auth" || code === "provider_billing" || code === "provider_model_not_found";
  return elsewhere ? undefined : false;
}

/** Milliseconds, seconds (also fractions), or a date, which is measured against the reply's own `date`. */
function readRetryAfter(headers: Headers): number | undefined {
  const exact = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (exact >= 0) return Math.round(exact);
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) return Math.round(Number.parseFloat(text) * 1000);
  const wait = Date.parse(text) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

const secrets = [
  // Keys by their vendor's prefix, and JSON web tokens.
  /\b(?:sk|pk|rk|gsk|xai|key)[-_](?=[-_A-Za-z]*\d)[-_A-Za-z0-9]{12,}/g,
  /\b(?:AIza|AKIA|eyJ)[-_A-Za-z0-9]{12,}(?:\.[-_A-Za-z0-9]+)*/g,
  /(?<=\bBearer\s+)[^\s"',]{8,}/gi,
  /(?<=\b(?:x-api-key|api[-_ ]?key)["']?\s*[:=]\s*["']?)[^\s"',]{8,}/gi,
];

/** Vendors and proxies echo keys, in part or whole, in what they complain about. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of secrets) clean = clean.replace(secret, "[redacted]");
  return clean;
}

function redactAll(value: Json): Json {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map(redactAll);
  if (!isObject(value)) return value;
  const clean: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) clean[key] = inner === undefined ? undefined : redactAll(inner);
  return clean;
}

// ── to the client ────────────────────────────────────────────────────────────────────────────────────────────

const types: Record<ErrorKind, string> = {
  "invalid-request": "invalid_request_error",
  "context-length": "invalid_request_error",
  authentication: "authentication_error",
  permission: "permission_error",
  billing: "billing_error",
  "not-found": "not_found_error",
  conflict: "conflict_error",
  "too-large": "request_too_large",
  "rate-limit": "rate_limit_error",
  timeout: "timeout_error",
  server: "api_error",
  overloaded: "overloaded_error",
};

/** The vendor's own type and details pass to its own clients when the request was at fault; else `details` carries the gateway's code and advice. */
export function encodeError(error: GatewayError, callId: string): JsonObject {
  const vendor = error.fault === "client" && error.upstream?.format === format ? vendorError(error.upstream.body) : undefined;
  const details: JsonObject = { error_code: error.code, fault: error.fault, advice: error.advice };
  if (error.field !== undefined) details.field = error.field;
  // The vendor's own tool runner asks for a thread by itself, and goes on without one when it reads these words.
  if (error.code === "unsupported_field" && error.field === "thread") {
    details.error_code = "thread_unsupported_request";
    details.unsupported = ["thread"];
  }
  if (isObject(vendor?.details)) Object.assign(details, vendor.details);
  return {
    type: "error",
    error: { type: asString(vendor?.type) ?? types[error.kind], message: clientMessage(error), details },
    request_id: callId,
  };
}

/** Agents of this format compact their history when they read the vendor's own phrase, and give up otherwise. */
function clientMessage(error: GatewayError): string {
  if (error.kind !== "context-length" || /prompt is too long/i.test(error.message)) return error.message;
  return `prompt is too long: ${error.message}`;
}

function vendorError(body: Json | undefined): JsonObject | undefined {
  return isObject(body) && isObject(body.error) ? body.error : undefined;
}

export function encodeStreamError(error: GatewayError, callId: string): string {
  return `event: error\ndata: ${JSON.stringify(encodeError(error, callId))}\n\n`;
}
