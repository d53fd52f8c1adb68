/** Failures in this format: what a vendor's refusal means, and how ours is told to a client. */

import { GatewayError } from "../../../canonical/errors.ts";
import type { ErrorCode, ErrorKind, UpstreamError } from "../../../canonical/errors.ts";
import { asNumber, asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { format } from "./format.ts";

// ── from the vendor ──────────────────────────────────────────────────────────────────────────────────────────

/** What the vendor said, from whichever of the shapes it chose. */
interface Said {
  message: string;
  type?: string | undefined;
  code?: string | undefined;
  param?: string | undefined;
  /** The status inside the body, where errors come inside a 200. */
  status?: number | undefined;
}

/** An error that came with an HTTP status. */
export function decodeError(status: number, body: Json, headers: Headers): GatewayError {
  const said = read(body);
  return build(status, said, body, retryAfter(status, headers, said), requestId(headers));
}

/** An error inside a 200: a whole reply or one event of a stream. The status is the one it would have had. */
export function decodeErrorPayload(payload: JsonObject): GatewayError {
  const said = read(payload);
  const status = said.status ?? impliedStatus(said);
  return build(status, said, payload, retryAfter(status, undefined, said), undefined);
}

/** True for a payload that is an error in any of the shapes vendors use inside a 200. */
export function isErrorPayload(payload: JsonObject): boolean {
  const { error, choices } = payload;
  if (isObject(error) || (typeof error === "string" && error !== "")) return true;
  if (payload["object"] === "error" || payload["type"] === "error") return true;
  if (choices !== undefined) return false;
  return (
    typeof payload["detail"] === "string" ||
    (typeof payload["message"] === "string" && (payload["code"] !== undefined || payload["status"] !== undefined))
  );
}

/** `{error:{}}`, `{error:""}`, `{message}`, `{detail}`, `[{error}]`, plain text, HTML. */
function read(body: Json): Said {
  if (Array.isArray(body)) return read(body[0] ?? null);
  if (typeof body === "string") return { message: readable(body) };
  if (!isObject(body)) return { message: "" };
  const { error } = body;
  const inner = isObject(error) ? error : body;
  const message =
    asString(inner["message"]) ??
    asString(error) ??
    detail(body["detail"]) ??
    asString(body["message"]) ??
    asString(body["error_description"]) ??
    "";
  const code = inner["code"];
  return {
    message,
    type: asString(inner["type"]),
    // Azure says ResponsibleAIPolicyViolation one level deeper; OpenRouter and others put the status here as a number.
    code:
      asString(code) ??
      (isObject(inner["innererror"]) ? asString(inner["innererror"]["code"]) : undefined) ??
      (typeof code === "number" ? String(code) : undefined),
    param: asString(inner["param"]),
    status: httpStatus(code) ?? httpStatus(inner["status"]) ?? httpStatus(inner["status_code"]),
  };
}

/** FastAPI's `detail`: a text, or a list of `{loc, msg}`. */
function detail(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const lines = value.filter(isObject).map((entry) => {
    const steps = Array.isArray(entry["loc"]) ? entry["loc"].filter((step) => typeof step === "string" || typeof step === "number") : [];
    const where = steps.length > 0 ? `${steps.filter((step) => step !== "body").join(".")}: ` : "";
    return where + (asString(entry["msg"]) ?? "");
  });
  return lines.length > 0 ? lines.join("; ") : undefined;
}

function httpStatus(value: unknown): number | undefined {
  const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : asNumber(value);
  return status !== undefined && status >= 400 && status <= 599 ? status : undefined;
}

/** A proxy's HTML page is of no use to a reader; its title is. */
function readable(text: string): string {
  if (!/^\s*(?:<!doctype|<html|<\?xml)/i.test(text)) return text.trim();
  const title = /<title[^>]*>([^<]{1,200})<\/title>/i.exec(text.slice(0, 4096))?.[1]?.trim();
  return title ? `an HTML page titled "${title}"` : "an HTML page";
}

/** For errors without a status: by type, code and the words of the message. */
function impliedStatus({ type, code, message }: Said): number {
  const words = `${type ?? ""} ${code ?? ""}`.toLowerCase();
  if (/overloaded|unavailable|capacity/.test(words)) return 503;
  if (/rate_?limit|too_many|throttl|insufficient_quota|resource_?exhausted/.test(words)) return 429;
  if (/timeout|timed_out|deadline/.test(words)) return 504;
  if (/authentication|invalid_api_key|unauthori[sz]ed/.test(words)) return 401;
  if (/permission|forbidden/.test(words)) return 403;
  if (/not_found/.test(words)) return 404;
  if (/invalid_request|invalid_argument|bad_?request|context_length|content_filter|validation/.test(words)) return 400;
  if (/overloaded|at capacity/i.test(message)) return 503;
  return 500;
}

function build(status: number, said: Said, body: Json, retryAfterMs: number | undefined, id: string | undefined): GatewayError {
  const code = classify(status, said);
  const upstream: UpstreamError = {
    status,
    type: clean(said.type),
    code: clean(said.code),
    param: clean(said.param),
    requestId: id,
    format,
    body: redactBody(body),
  };
  const message = tell(code, status, redact(said.message.slice(0, 4000)).slice(0, 2000));
  return new GatewayError(code, message, {
    field: code === "provider_rejected" ? upstream.param : undefined,
    // A refusal keeps the vendor's own status (422, say); everything else has the table's.
    status: code === "provider_rejected" && status >= 400 && status < 500 ? status : undefined,
    // OpenAI's own clients try again on 409 and 425.
    retryable: code === "provider_rejected" && (status === 409 || status === 425) ? true : undefined,
    retryAfterMs,
    upstream,
  });
}

const contextLength =
  /maximum context length|context[_ ]length|context window|prompt is too long|input (?:is )?too long|too many (?:input )?tokens|exceeds? the (?:model'?s )?max(?:imum)? (?:input|prompt|context)|reduce the length of the (?:messages|input|prompt)/i;
const billing =
  /insufficient[_ ](?:quota|balance|credits?|funds)|billing[_ ](?:hard[_ ]limit|not[_ ]active)|used all available credits|spending limit|out of credits|credit balance is too low|payment required|arrears/i;
const filtered =
  /content[_ ](?:filter|policy)|ResponsibleAIPolicyViolation|moderation_blocked|content management policy|requires moderation|input was flagged/i;
const badKey =
  /(?:invalid|incorrect|missing|expired|not valid).{0,20}api[_ ]?key|api[_ ]?key.{0,20}(?:invalid|incorrect|missing|expired|not valid)|invalid_api_key/i;
const overloaded = /overloaded|over capacity|at capacity|capacity exceeded/i;
const noModel = /model_not_found|model_not_exist|model.{0,120}(?:does not exist|not found|doesn't exist|not exist)|deploymentnotfound/i;

function classify(status: number, { message, type, code }: Said): ErrorCode {
  const words = `${type ?? ""} ${code ?? ""}`;
  const all = `${words} ${message.slice(0, 4000)}`;
  if (status >= 300 && status < 400) return "provider_redirect";
  if (status < 500 && status !== 429 && filtered.test(all)) return "content_filtered";
  // "insufficient_quota" is the account's balance even as a 429; in a message alone "quota" may as well be a rate limit.
  if (status === 402 || billing.test(words) || (status !== 429 && status < 500 && billing.test(message))) return "provider_billing";
  if (status === 401 || (status < 500 && status !== 429 && badKey.test(all))) return "provider_auth";
  if (status === 403) return "provider_auth";
  // Groq says 413 for a request that is larger than the tokens a minute allow.
  if (status === 429 || /rate_?limit_exceeded/i.test(words)) return overloaded.test(all) ? "provider_overloaded" : "provider_rate_limited";
  if ((status === 400 || status === 413 || status === 422) && contextLength.test(all)) return "context_length_exceeded";
  if (status === 404 || (status < 500 && noModel.test(all))) return "provider_model_not_found";
  if (status === 408 || status === 504 || status === 522 || status === 524) return "provider_timeout";
  if (status === 413) return "payload_too_large";
  // 498 is Groq's flex tier without capacity, 529 an overloaded Anthropic behind a compatible door.
  if (status === 503 || status === 498 || status === 529) return "provider_overloaded";
  if (status >= 500 || status === 424) return overloaded.test(words) ? "provider_overloaded" : "provider_error";
  if (status >= 400) return "provider_rejected";
  return "provider_error";
}

function tell(code: ErrorCode, status: number, message: string): string {
  // The vendor's words would tell the caller that its key is wrong, when it is the gateway's.
  if (code === "provider_auth") return `The provider refused the gateway's credentials (status ${status}).`;
  if (code === "provider_billing") return `The gateway's account at the provider has no balance or quota left (status ${status}).`;
  if (message === "") return `The provider answered with status ${status} and no message.`;
  if (message.startsWith("an HTML page")) return `The provider answered with status ${status} and ${message}.`;
  return message;
}

// ── what must not leave ──────────────────────────────────────────────────────────────────────────────────────

const credentials = [
  /\b(?:sk|pk|rk|gsk|xai|pplx|hf|r8|nvapi|csk|fw|tgp|ghp|gho|github_pat)[-_][\w*.-]{6,}/g,
  /\bAIza[\w-]{20,}/g,
  /\bAKIA[0-9A-Z]{12,}/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
];

/** A vendor's text without what looks like a credential: some echo the key they refuse. */
export function redact(text: string): string {
  let clean = text
    .replace(/\b(Bearer|Basic)\s+[\w.~+/=*-]{6,}/gi, "$1 [redacted]")
    .replace(
      /\b(api[-_ ]?key|x-api-key|access[-_ ]?token|authorization)((?: provided| is)?["']?\s*[:=]\s*["']?)(?!bearer)[^\s"',}]{6,}/gi,
      "$1$2[redacted]",
    );
  for (const pattern of credentials) clean = clean.replace(pattern, "[redacted]");
  return clean;
}

function clean(word: string | undefined): string | undefined {
  return word === undefined ? undefined : redact(word.slice(0, 200));
}

const MAX_BODY = 16_384;

/** The body for the record and for clients of the same format: without credentials, of bounded size. */
function redactBody(body: Json): Json {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  if (text.length > MAX_BODY) return redact(text.slice(0, MAX_BODY));
  const safe = redact(text);
  if (safe === text || typeof body === "string") return typeof body === "string" ? safe : body;
  try {
    return JSON.parse(safe) as Json;
  } catch {
    return safe;
  }
}

// ── when to come back ────────────────────────────────────────────────────────────────────────────────────────

function retryAfter(status: number, headers: Headers | undefined, said: Said): number | undefined {
  const asked = headers && askedFor(headers);
  return asked ?? (status === 429 ? ((headers && limitReset(headers)) ?? fromMessage(said.message)) : undefined);
}

function askedFor(headers: Headers): number | undefined {
  const exact = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (exact >= 0) return Math.ceil(exact);
  const asked = headers.get("retry-after")?.trim();
  if (asked) {
    if (/^\d+(?:\.\d+)?$/.test(asked)) return Math.ceil(Number(asked) * 1000);
    // Date.parse reads "-5" as a year.
    const until = /^[a-z]{3}/i.test(asked) ? Date.parse(asked) : Number.NaN;
    // The vendor's own clock where it shows it, so that ours need not agree.
    const now = Date.parse(headers.get("date") ?? "");
    if (!Number.isNaN(until)) return Math.max(0, until - (Number.isNaN(now) ? Date.now() : now));
  }
  return undefined;
}

/** The limit that is spent says when it is full again. */
function limitReset(headers: Headers): number | undefined {
  const resets = ["requests", "tokens"].map((what) => ({
    spent: Number.parseFloat(headers.get(`x-ratelimit-remaining-${what}`) ?? "") <= 0,
    afterMs: parseDuration(headers.get(`x-ratelimit-reset-${what}`)),
  }));
  const spent = resets.filter((reset) => reset.spent && reset.afterMs !== undefined).map((reset) => reset.afterMs as number);
  return spent.length > 0 ? Math.max(...spent) : undefined;
}

/** "Please try again in 7.66s": OpenAI and Groq say it in words alone when tokens are short. */
function fromMessage(message: string): number | undefined {
  const match = /(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|h|m|s))+|\d+(?:\.\d+)? ?(?:seconds?|minutes?))/i.exec(
    message.slice(0, 4000),
  );
  return match ? parseDuration((match[1] as string).replace(/ ?seconds?$/i, "s").replace(/ ?minutes?$/i, "m")) : undefined;
}

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `6m0s`, `1s`, `12ms`, `1.5s`; a bare number is seconds. */
export function parseDuration(text: string | null): number | undefined {
  if (text === null || text.trim() === "") return undefined;
  if (/^\d+(?:\.\d+)?$/.test(text.trim())) return Math.ceil(Number(text) * 1000);
  if (!/^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/.test(text.trim())) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) total += Number(count) * (units[unit as string] as number);
  return Math.ceil(total);
}

function requestId(headers: Headers): string | undefined {
  for (const name of ["x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "cf-ray"]) {
    const id = headers.get(name);
    if (id) return id.slice(0, 200);
  }
  return undefined;
}

// ── to the client ────────────────────────────────────────────────────────────────────────────────────────────

const types: Record<ErrorKind, string> = {
  "invalid-request": "invalid_request_error",
  "context-length": "invalid_request_error",
  authentication: "authentication_error",
  permission: "permission_error",
  billing: "insufficient_quota",
  "not-found": "invalid_request_error",
  conflict: "invalid_request_error",
  "too-large": "invalid_request_error",
  "rate-limit": "rate_limit_error",
  timeout: "timeout",
  server: "server_error",
  overloaded: "server_error",
};

/** Words that this format's clients already branch on, in place of the catalogue's; that one stands beside them as `headgate_code`. */
const codes: Partial<Record<ErrorCode, string>> = {
  unauthenticated: "invalid_api_key",
  provider_model_not_found: "model_not_found",
  provider_rate_limited: "rate_limit_exceeded",
};

/** Their messages say it all: advice would only repeat them. */
const plain: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["invalid_request", "provider_rejected", "client_closed"]);

export function encodeError(error: GatewayError, callId: string): JsonObject {
  const told: JsonObject = {
    message: withAdvice(error, callId),
    type: typeOf(error),
    param: error.field ?? null,
    code: codes[error.code] ?? error.code,
    headgate_code: error.code,
  };
  const { upstream } = error;
  if (upstream?.format === format && error.fault === "client") {
    // The caller's own fault, in the caller's own format: the vendor's words are what its code was written for.
    told["type"] = upstream.type ?? told["type"];
    told["param"] = upstream.param ?? null;
    if (error.code !== "context_length_exceeded")
      told["code"] = upstream.code ?? (error.code === "provider_rejected" ? null : told["code"]);
  }
  return { error: told };
}

/** Without `[DONE]`: a stream that failed must not look like one that ended. */
export function encodeStreamError(error: GatewayError, callId: string): string {
  return `data: ${JSON.stringify(encodeError(error, callId))}\n\n`;
}

function typeOf(error: GatewayError): string {
  // A vendor's empty account is not the caller's quota.
  return error.kind === "billing" && error.fault !== "client" ? "server_error" : types[error.kind];
}

function withAdvice(error: GatewayError, callId: string): string {
  if (plain.has(error.code)) return error.message;
  const message = /[.!?:)"'\]]$/.test(error.message) ? error.message : `${error.message}.`;
  const advised = error.message.includes(error.advice) ? message : `${message} ${error.advice}`;
  return error.code === "internal" ? `${advised} (request id ${callId})` : advised;
}
