/** The vendor's errors, of replies and within streams, read into the catalogue. */

import { GatewayError } from "../../../canonical/errors.ts";
import type { ErrorCode, ErrorDetails, UpstreamError } from "../../../canonical/errors.ts";
import { asNumber, asString, isObject, parseJson } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { format } from "./format.ts";

export function decodeError(status: number, body: Json, headers: Headers): GatewayError {
  const said = read(body);
  said.type = typeName(headers.get("x-amzn-errortype")) ?? said.type;
  const details: ErrorDetails = {};
  const retryAfterMs = readRetryAfter(headers);
  if (retryAfterMs !== undefined) details.retryAfterMs = retryAfterMs;
  return build(status, said, headers.get("x-amzn-requestid") ?? undefined, details);
}

/** An exception in a stream that began with 200: its type says which status it stands for. */
export function decodeStreamError(type: string, payload: string): GatewayError {
  const said = read(parseJson(payload) ?? payload);
  said.type = typeName(type) ?? said.type;
  return build(statusOf(said.type) ?? 500, said, undefined, {});
}

function build(status: number, said: Said, requestId: string | undefined, details: ErrorDetails): GatewayError {
  const code = codeOf(status, said);
  const upstream: UpstreamError = { status, format, body: redactAll(said.body) };
  if (said.type !== undefined) upstream.type = said.type;
  if (requestId !== undefined) upstream.requestId = requestId;
  details.upstream = upstream;
  if (code === "provider_rejected" && status > 400 && status < 500) details.status = status;
  return new GatewayError(code, message(code, status, said), details);
}

// ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────

interface Said {
  type?: string | undefined;
  message: string;
  /** What the model's own server answered, where that is what failed. */
  modelStatus?: number | undefined;
  body: Json;
}

/** `{"message"}`, `{"Message"}` (of the doors before the service), `{"Output":{"__type"}}` (of an unknown path), plain text, a proxy's page. */
function read(body: Json): Said {
  const parsed = typeof body === "string" ? (parseJson(body) ?? body) : body;
  if (!isObject(parsed)) return { message: plainText(typeof parsed === "string" ? parsed : JSON.stringify(parsed)), body: parsed };
  const output = isObject(parsed.Output) ? parsed.Output : {};
  const words = asString(parsed.message) ?? asString(parsed.Message) ?? asString(parsed.originalMessage) ?? asString(parsed.error) ?? "";
  return {
    type: typeName(asString(parsed.__type) ?? asString(output.__type) ?? asString(parsed.code)),
    message: words,
    modelStatus: asNumber(parsed.originalStatusCode),
    body: parsed,
  };
}

/** `com.amazon.coral.service#ThrottlingException`, `ValidationException:http://internal.amazon.com/…` and `throttlingException` are each one name. */
function typeName(type: string | null | undefined): string | undefined {
  const name = type?.split(":", 1)[0]?.split("#").at(-1)?.trim();
  return name ? name.charAt(0).toUpperCase() + name.slice(1) : undefined;
}

/** A proxy's page as one line of text. */
function plainText(text: string): string {
  const bare = /<[a-z!]/i.test(text) ? text.replace(/<(style|script)[\s\S]*?<\/\1>/gi, " ").replace(/<[^>]*>/g, " ") : text;
  return bare.replace(/\s+/g, " ").trim().slice(0, 500);
}

// ── what it means ────────────────────────────────────────────────────────────────────────────────────────────

type Meaning = { status: number; code: ErrorCode };

/** The vendor's exceptions by name: the status each has outside of a stream, and what it is to us. */
const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["ValidationException", { status: 400, code: "provider_rejected" }],
  ["ConflictException", { status: 400, code: "provider_rejected" }],
  ["SerializationException", { status: 400, code: "provider_rejected" }],
  // The account's quota, not the request: another account or another model may do.
  ["ServiceQuotaExceededException", { status: 400, code: "provider_rate_limited" }],
  ["AccessDeniedException", { status: 403, code: "provider_auth" }],
  ["UnrecognizedClientException", { status: 403, code: "provider_auth" }],
  ["InvalidSignatureException", { status: 403, code: "provider_auth" }],
  ["SignatureDoesNotMatch", { status: 403, code: "provider_auth" }],
  ["IncompleteSignatureException", { status: 403, code: "provider_auth" }],
  ["IncompleteSignature", { status: 403, code: "provider_auth" }],
  ["MissingAuthenticationTokenException", { status: 403, code: "provider_auth" }],
  ["MissingAuthenticationToken", { status: 403, code: "provider_auth" }],
  ["InvalidClientTokenId", { status: 403, code: "provider_auth" }],
  ["ExpiredTokenException", { status: 403, code: "provider_auth" }],
  ["ExpiredToken", { status: 403, code: "provider_auth" }],
  ["NotAuthorized", { status: 403, code: "provider_auth" }],
  ["OptInRequired", { status: 403, code: "provider_auth" }],
  ["ResourceNotFoundException", { status: 404, code: "provider_model_not_found" }],
  ["UnknownOperationException", { status: 404, code: "provider_bad_response" }],
  ["ModelTimeoutException", { status: 408, code: "provider_timeout" }],
  ["RequestTimeoutException", { status: 408, code: "provider_timeout" }],
  ["ModelErrorException", { status: 424, code: "provider_error" }],
  ["ModelStreamErrorException", { status: 424, code: "provider_error" }],
  ["ThrottlingException", { status: 429, code: "provider_rate_limited" }],
  ["Throttling", { status: 429, code: "provider_rate_limited" }],
  ["TooManyRequestsException", { status: 429, code: "provider_rate_limited" }],
  ["ModelNotReadyException", { status: 429, code: "provider_overloaded" }],
  ["InternalServerException", { status: 500, code: "provider_error" }],
  ["InternalFailure", { status: 500, code: "provider_error" }],
  ["ServiceUnavailableException", { status: 503, code: "provider_overloaded" }],
  ["ServiceUnavailable", { status: 503, code: "provider_overloaded" }],
]);

function statusOf(type: string | undefined): number | undefined {
  return type === undefined ? undefined : meanings.get(type)?.status;
}

function codeOf(status: number, said: Said): ErrorCode {
  const known = said.type === undefined ? undefined : meanings.get(said.type)?.code;
  const code = known ?? byStatus(status, said);
  if (code === "provider_rejected") return rejection(said.message);
  // "You don't have access to the model with the specified model ID." comes with a perfectly good signature.
  if (code === "provider_auth" && /access to the model/i.test(said.message)) return "provider_model_not_found";
  if (code === "provider_auth" && /INVALID_PAYMENT_INSTRUMENT/.test(said.message)) return "provider_billing";
  if (code === "provider_error" && said.modelStatus !== undefined) return modelFailure(said);
  return code;
}

function byStatus(status: number, said: Said): ErrorCode {
  switch (status) {
    case 401:
    case 403:
      return "provider_auth";
    case 402:
      return "provider_billing";
    case 404:
      return /model/i.test(said.message) ? "provider_model_not_found" : "provider_bad_response";
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
  if (status >= 300 && status < 400) return "provider_redirect";
  return status >= 500 || status < 300 ? "provider_error" : "provider_rejected";
}

/** The models' own phrases for an input that is too long: Claude's, Nova's, Llama's, Mistral's. */
const tooLong =
  /input is too long|prompt is too long|too many input tokens|input tokens? exceeded|exceeds? (?:the )?(?:model'?s? )?(?:maximum )?(?:context|input (?:length|tokens?))|exceed context limit|maximum context length|prompt .{0,20}exceeds/i;

function rejection(words: string): ErrorCode {
  if (tooLong.test(words)) return "context_length_exceeded";
  if (/provided model identifier is invalid|model .{0,80}(?:not found|does not exist|end of (?:its )?life)/i.test(words))
    return "provider_model_not_found";
  if (/blocked by (?:the )?content filter/i.test(words)) return "content_filtered";
  return "provider_rejected";
}

/** `ModelErrorException` wraps what the model's server said: its own 429 and 529 are worth another try elsewhere, its 400 is not. */
function modelFailure({ modelStatus = 0, message: words }: Said): ErrorCode {
  if (modelStatus === 429) return "provider_rate_limited";
  if (modelStatus === 503 || modelStatus === 529) return "provider_overloaded";
  if (modelStatus === 408 || modelStatus === 504) return "provider_timeout";
  return modelStatus >= 400 && modelStatus < 500 ? rejection(words) : "provider_error";
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
      return words === "" ? `The provider answered with ${said.type ?? `status ${status}`} and no message.` : words;
  }
}

/** Seconds, or a date, which is measured against the reply's own `date`. */
function readRetryAfter(headers: Headers): number | undefined {
  const exact = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (exact >= 0) return Math.round(exact);
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) return Math.round(Number.parseFloat(text) * 1000);
  const wait = Date.parse(text) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

// ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────

const secrets = [
  // A refused signature is answered with the canonical request, headers included, so with the session's token.
  /(?<=x-amz-security-token:\s*)\S+/gi,
  /\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g,
  /(?<=\bSignature=)[0-9a-f]{16,}/gi,
  /(?<=\bBearer\s+)[^\s"',]{8,}/gi,
  /\b(?:ABSK|bedrock-api-key-)[-_A-Za-z0-9+/=]{12,}/g,
];

function redact(text: string): string {
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
