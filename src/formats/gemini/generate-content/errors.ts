/** Google's errors, read into the catalogue and written from it. */

import { GatewayError } from "../../../canonical/errors.ts";
import type { ErrorCode, ErrorDetails, ErrorKind, UpstreamError } from "../../../canonical/errors.ts";
import { asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { format } from "./format.ts";
import { toNumber } from "./proto.ts";

// ── from the provider ────────────────────────────────────────────────────────────────────────────────────────

export function decodeError(status: number, body: Json, headers: Headers): GatewayError {
  const said = read(body);
  const code = codeOf(status, said);
  const upstream: UpstreamError = { status, format, body: redactAll(said.body) };
  if (said.status !== undefined) upstream.type = said.status;
  if (said.reason !== undefined) upstream.code = said.reason;
  const requestId = headers.get("x-goog-request-id") ?? headers.get("x-request-id");
  if (requestId !== null) upstream.requestId = requestId;
  const details: ErrorDetails = { upstream };
  if (code === "provider_rejected" && status !== 400 && status >= 400 && status < 500) details.status = status;
  const retryAfterMs = readRetryAfter(headers) ?? said.retryAfterMs;
  if (retryAfterMs !== undefined) details.retryAfterMs = retryAfterMs;
  return new GatewayError(code, message(code, status, said), details);
}

/** The error frame of a stream that began with 200; its number may be missing, its name then says which it stands for. */
export function decodeStreamError(data: JsonObject): GatewayError {
  const error = isObject(data.error) ? data.error : {};
  const code = toNumber(error.code);
  const named = statuses.get(asString(error.status) ?? "");
  return decodeError(code !== undefined && code >= 400 && code < 600 ? code : (named ?? 500), data, new Headers());
}

/** What the vendor says, whatever shape it came in: the typed error, alone or in a list of one, plain text, a proxy's HTML page. */
interface Said {
  status?: string | undefined;
  reason?: string | undefined;
  retryAfterMs?: number | undefined;
  message: string;
  body: Json;
}

function read(body: Json): Said {
  const parsed = typeof body === "string" ? (parseJson(body) ?? body) : body;
  const single = Array.isArray(parsed) && parsed.length === 1 ? (parsed[0] as Json) : parsed;
  if (!isObject(single)) return { message: plainText(typeof single === "string" ? single : JSON.stringify(single)), body: single };
  const { error } = single;
  if (!isObject(error)) {
    return { message: asString(single.message) ?? asString(error) ?? asString(single.detail) ?? "", body: single };
  }
  const said: Said = { status: asString(error.status), message: asString(error.message) ?? "", body: single };
  for (const detail of Array.isArray(error.details) ? error.details.filter(isObject) : []) {
    const type = asString(detail["@type"]) ?? "";
    if (type.endsWith("google.rpc.ErrorInfo")) said.reason = asString(detail.reason);
    if (type.endsWith("google.rpc.RetryInfo")) said.retryAfterMs = durationMs(detail.retryDelay);
  }
  return said;
}

/** Protobuf's duration: seconds with an `s`, `34.4s`; by the letter of the message an object of seconds and nanoseconds. */
function durationMs(value: Json | undefined): number | undefined {
  if (isObject(value)) return Math.round((toNumber(value.seconds) ?? 0) * 1000 + (toNumber(value.nanos) ?? 0) / 1e6);
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(asString(value) ?? "")?.[1];
  return seconds === undefined ? undefined : Math.round(Number(seconds) * 1000);
}

/** A proxy's page as one line of text. */
function plainText(text: string): string {
  const bare = /<[a-z!]/i.test(text) ? text.replace(/<(style|script)[\s\S]*?<\/\1>/gi, " ").replace(/<[^>]*>/g, " ") : text;
  return bare.replace(/\s+/g, " ").trim().slice(0, 500);
}

const statuses: ReadonlyMap<string, number> = new Map([
  ["INVALID_ARGUMENT", 400],
  ["FAILED_PRECONDITION", 400],
  ["OUT_OF_RANGE", 400],
  ["UNAUTHENTICATED", 401],
  ["PERMISSION_DENIED", 403],
  ["NOT_FOUND", 404],
  ["ABORTED", 409],
  ["ALREADY_EXISTS", 409],
  ["RESOURCE_EXHAUSTED", 429],
  ["CANCELLED", 499],
  ["UNKNOWN", 500],
  ["INTERNAL", 500],
  ["DATA_LOSS", 500],
  ["UNIMPLEMENTED", 501],
  ["UNAVAILABLE", 503],
  ["DEADLINE_EXCEEDED", 504],
]);

function codeOf(status: number, said: Said): ErrorCode {
  // The body's own word is more exact than the status, which proxies change.
  const meant = (said.status === undefined ? undefined : statuses.get(said.status)) ?? status;
  // A wrong key is a plain INVALID_ARGUMENT here: "API key not valid. Please pass a valid API key."
  if (said.reason?.startsWith("API_KEY_") || /\bAPI[ _]key (not valid|not found|expired|was reported as leaked)/i.test(said.message))
    return "provider_auth";
  if (/prepayment credits|billing (account|to be enabled|is (disabled|not enabled))|enable billing/i.test(said.message))
    return "provider_billing";
  switch (meant) {
    case 401:
    case 403:
      return "provider_auth";
    case 402:
      return "provider_billing";
    case 404:
      return said.status !== undefined || /model/i.test(said.message) ? "provider_model_not_found" : "provider_bad_response";
    case 408:
    case 504:
      return "provider_timeout";
    case 413:
      return "payload_too_large";
    case 429:
      return "provider_rate_limited";
    case 499:
      return "provider_error";
    case 503:
    case 529:
      return "provider_overloaded";
  }
  if (meant >= 300 && meant < 400) return "provider_redirect";
  if (meant >= 500 || meant < 300) return "provider_error";
  if (/input token count.*exceeds|exceeds the maximum number of tokens|context (window|length)/i.test(said.message))
    return "context_length_exceeded";
  if (/request payload size exceeds/i.test(said.message)) return "payload_too_large";
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

/** Seconds (also fractions), or a date, which is measured against the reply's own `date`. */
function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) return Math.round(Number.parseFloat(text) * 1000);
  const wait = Date.parse(text) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

const secrets = [
  // Keys by their vendor's prefix, OAuth tokens, and JSON web tokens.
  /\b(?:sk|pk|rk|gsk|xai|key)[-_](?=[-_A-Za-z]*\d)[-_A-Za-z0-9]{12,}/g,
  /\b(?:AIza|AQ\.|ya29\.|AKIA|eyJ)[-_A-Za-z0-9]{12,}(?:\.[-_A-Za-z0-9]+)*/g,
  /(?<=\bBearer\s+)[^\s"',]{8,}/gi,
  /(?<=\b(?:x-goog-api-key|x-api-key|api[-_ ]?key|key)["']?\s*[:=]\s*["']?)[^\s"',&]{8,}/gi,
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
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inner === undefined ? undefined : redactAll(inner)]));
}

// ── to the client ────────────────────────────────────────────────────────────────────────────────────────────

const names: Record<ErrorKind, string> = {
  "invalid-request": "INVALID_ARGUMENT",
  "context-length": "INVALID_ARGUMENT",
  authentication: "UNAUTHENTICATED",
  permission: "PERMISSION_DENIED",
  billing: "RESOURCE_EXHAUSTED",
  "not-found": "NOT_FOUND",
  conflict: "ABORTED",
  "too-large": "INVALID_ARGUMENT",
  "rate-limit": "RESOURCE_EXHAUSTED",
  timeout: "DEADLINE_EXCEEDED",
  server: "INTERNAL",
  overloaded: "UNAVAILABLE",
};
/** Where the kind's name would say something else than the code. */
const exceptions: Partial<Record<ErrorCode, string>> = { client_closed: "CANCELLED", not_supported: "UNIMPLEMENTED" };

/** The vendor's own name and details pass to its own clients when the request was at fault; the gateway's code and advice stand beside. */
export function encodeError(error: GatewayError, callId: string): JsonObject {
  const vendor = error.fault === "client" && error.upstream?.format === format ? vendorError(error.upstream.body) : undefined;
  const metadata: JsonObject = { fault: error.fault, advice: error.advice, requestId: callId };
  if (error.field !== undefined) metadata.field = error.field;
  const details: JsonObject[] = Array.isArray(vendor?.details) ? vendor.details.filter(isObject) : [];
  details.push({ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: error.code.toUpperCase(), domain: "headgate", metadata });
  if (error.field !== undefined) {
    const fieldViolations = [{ field: error.field, description: error.message }];
    details.push({ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations });
  }
  if (error.retryAfterMs !== undefined) {
    details.push({
      "@type": "type.googleapis.com/google.rpc.RetryInfo",
      retryDelay: `${Math.max(1, Math.ceil(error.retryAfterMs / 1000))}s`,
    });
  }
  const status = asString(vendor?.status) ?? exceptions[error.code] ?? names[error.kind];
  return { error: { code: error.status, message: error.message, status, details } };
}

function vendorError(body: Json | undefined): JsonObject | undefined {
  return isObject(body) && isObject(body.error) ? body.error : undefined;
}
