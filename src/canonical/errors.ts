/** Every way a call can fail: one class, one table. The table says the status, whose fault it is, whether another try can help, and what to do. */

import type { Json } from "./json.ts";

export type Fault = "client" | "gateway" | "provider";

/** The family that decides which `type` a client format prints. */
export type ErrorKind =
  | "invalid-request"
  | "context-length"
  | "authentication"
  | "permission"
  | "billing"
  | "not-found"
  | "conflict"
  | "too-large"
  | "rate-limit"
  | "timeout"
  | "server"
  | "overloaded";

interface CatalogueRow {
  status: number;
  kind: ErrorKind;
  fault: Fault;
  /** Another try (other key, other target, later) may succeed. */
  retryable: boolean;
  /** What the reader can do about it: one imperative sentence. */
  advice: string;
}

export const catalogue = {
  invalid_json: row(400, "invalid-request", "client", false, "Send one JSON object as the request body."),
  invalid_request: row(400, "invalid-request", "client", false, "Correct the named field."),
  unsupported_field: row(400, "invalid-request", "client", false, "Remove the named field, or choose a model whose provider supports it."),
  lossy_translation: row(
    400,
    "invalid-request",
    "client",
    false,
    "Remove the named fields, or send the request without x-headgate-strict.",
  ),
  unauthenticated: row(
    401,
    "authentication",
    "client",
    false,
    "Send a valid Headgate key as `Authorization: Bearer`, `x-api-key`, `api-key` or `x-goog-api-key`.",
  ),
  model_not_allowed: row(
    403,
    "permission",
    "client",
    false,
    "Ask for a model that this key may use, or have the key's model list extended.",
  ),
  forbidden: row(403, "permission", "client", false, "Use a key with the needed role."),
  route_not_found: row(
    404,
    "not-found",
    "client",
    false,
    "Check the path and the method; `headgate --help` and the README list the doors.",
  ),
  model_not_found: row(
    404,
    "not-found",
    "client",
    false,
    "Use a configured model name or `provider/model`; GET /v1/models lists what this key may use.",
  ),
  method_not_allowed: row(405, "invalid-request", "client", false, "Use the method this door takes (usually POST)."),
  client_too_slow: row(408, "timeout", "client", true, "Send the whole request body without pauses."),
  payload_too_large: row(413, "too-large", "client", false, "Send a smaller body, or raise `limits.body` in the configuration."),
  unsupported_media_type: row(415, "invalid-request", "client", false, "Send `content-type: application/json`, not compressed."),
  client_closed: row(499, "invalid-request", "client", false, "The caller went away before the answer was complete."),
  context_length_exceeded: row(
    400,
    "context-length",
    "client",
    false,
    "Shorten the input, or choose a model with a larger context window.",
  ),
  content_filtered: row(
    400,
    "invalid-request",
    "client",
    false,
    "The provider's content filter refused the input: change it, or use another provider.",
  ),
  internal: row(500, "server", "gateway", false, "This is a bug in Headgate: report it with the request id."),
  not_supported: row(501, "invalid-request", "gateway", false, "This build cannot do that: see the message."),
  storage_unavailable: row(503, "overloaded", "gateway", true, "Try again shortly; the operator should check the database."),
  overloaded: row(503, "overloaded", "gateway", true, "Try again after the time in Retry-After."),
  provider_rejected: row(400, "invalid-request", "client", false, "The provider refused the request: correct what its message names."),
  provider_auth: row(502, "server", "provider", true, "The operator should check this provider's API key; `headgate doctor` tests it."),
  provider_billing: row(502, "billing", "provider", true, "The operator should check the account's balance at the provider."),
  provider_model_not_found: row(
    404,
    "not-found",
    "provider",
    true,
    "Check the model's name at the provider, and that the account may use it.",
  ),
  provider_rate_limited: row(429, "rate-limit", "provider", true, "Try again after the time in Retry-After, or add another key or target."),
  provider_overloaded: row(503, "overloaded", "provider", true, "Try again shortly, or add a fallback target."),
  provider_error: row(502, "server", "provider", true, "Try again, or add a fallback target."),
  provider_timeout: row(504, "timeout", "provider", true, "Try again, raise the route's timeout, or add a fallback target."),
  provider_unreachable: row(502, "server", "provider", true, "Check the provider's base URL and the network."),
  provider_bad_response: row(
    502,
    "server",
    "provider",
    true,
    "The provider answered with something that is not its format: check base_url and type.",
  ),
  provider_stream_cut: row(502, "server", "provider", true, "The provider ended the stream early: try again."),
  provider_redirect: row(
    502,
    "server",
    "provider",
    true,
    "The provider answered with a redirect, which is never followed: correct base_url.",
  ),
} as const satisfies Record<string, CatalogueRow>;

export type ErrorCode = keyof typeof catalogue;

function row(status: number, kind: ErrorKind, fault: Fault, retryable: boolean, advice: string): CatalogueRow {
  return { status, kind, fault, retryable, advice };
}

export interface ErrorDetails {
  /** The offending field, as a path in the caller's format. */
  field?: string | undefined;
  /** Overrides the table's status, e.g. to keep a provider's own 422. */
  status?: number | undefined;
  /** Overrides the table's word on whether another try can help. */
  retryable?: boolean | undefined;
  /** How long the other side asked us to wait, in milliseconds. */
  retryAfterMs?: number | undefined;
  /** The provider's own words, for the same-format client and for the record; credentials already removed. */
  upstream?: UpstreamError | undefined;
  cause?: unknown;
}

export interface UpstreamError {
  status: number;
  type?: string | undefined;
  code?: string | undefined;
  param?: string | undefined;
  requestId?: string | undefined;
  /** The provider's format and its whole body, so that a client of the same format gets it as it was. */
  format?: string | undefined;
  body?: Json | undefined;
}

const mark = Symbol.for("headgate.error");

export class GatewayError extends Error {
  readonly [mark] = true;
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly status: number;
  readonly fault: Fault;
  readonly retryable: boolean;
  readonly advice: string;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly upstream: UpstreamError | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    const entry: CatalogueRow = catalogue[code];
    this.name = "GatewayError";
    this.code = code;
    this.kind = entry.kind;
    this.status = details.status ?? entry.status;
    this.fault = entry.fault;
    this.retryable = details.retryable ?? entry.retryable;
    this.advice = entry.advice;
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
    this.upstream = details.upstream;
  }
}

/** Works across copies of this package, where `instanceof` does not. */
export function isGatewayError(value: unknown): value is GatewayError {
  return typeof value === "object" && value !== null && (value as { [mark]?: boolean })[mark] === true;
}

/** Anything thrown, as a GatewayError: unknown failures become `internal` and keep their cause. */
export function toGatewayError(thrown: unknown): GatewayError {
  if (isGatewayError(thrown)) return thrown;
  return new GatewayError("internal", "Headgate failed while handling this request.", { cause: thrown });
}

/** The common refusal: a field of the client's body is wrong. `got` is shortened so that no large input is echoed. */
export function invalidField(field: string, expectation: string): GatewayError {
  return new GatewayError("invalid_request", `${field}: ${expectation}`.slice(0, 400), { field });
}

/** The refusal of a field that would change the answer's meaning if it were left out. */
export function unsupportedField(field: string, reason: string): GatewayError {
  return new GatewayError("unsupported_field", `${field}: ${reason}`.slice(0, 400), { field });
}
