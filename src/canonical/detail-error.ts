/** Refusals of vendors that say `{"detail": "text"}`, as Voyage and Jina do. */

import { GatewayError } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
import { asString, isObject } from "./json.ts";
import type { Json } from "./json.ts";

export function detailError(status: number, body: Json, headers: Headers): GatewayError {
  const detail = isObject(body) ? body["detail"] : body;
  const said =
    asString(detail) ?? (isObject(body) ? (asString(body["message"]) ?? messageIn(body["error"]) ?? JSON.stringify(detail ?? body)) : "");
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return new GatewayError(codeOf(status), `The provider answered ${status}: ${redact(said).replace(/\s+/g, " ").slice(0, 500)}`, {
    ...(status === 422 && { status }),
    ...(seconds >= 0 && { retryAfterMs: seconds * 1000 }),
    upstream: { status },
  });
}

function messageIn(error: Json | undefined): string | undefined {
  return isObject(error) ? asString(error["message"]) : asString(error);
}

function redact(text: string): string {
  return text.replace(/\b(?:pa|al|jina)[-_][\w-]{16,}/g, "[redacted]");
}

function codeOf(status: number): ErrorCode {
  switch (status) {
    case 401:
    case 403:
      return "provider_auth";
    case 402:
      return "provider_billing";
    case 404:
      return "provider_model_not_found";
    case 429:
      return "provider_rate_limited";
    case 503:
      return "provider_overloaded";
    default:
      return status >= 500 ? "provider_error" : "provider_rejected";
  }
}
