/** The error that a provider means by an HTTP status. */

import type { ErrorCode } from "../canonical/errors.ts";
import { GatewayError } from "../canonical/errors.ts";

const codes: Record<number, ErrorCode> = {
  401: "unauthenticated",
  402: "provider_billing",
  403: "forbidden",
  404: "provider_model_not_found",
  405: "method_not_allowed",
  408: "client_too_slow",
  413: "payload_too_large",
  415: "unsupported_media_type",
  429: "provider_rate_limited",
  503: "provider_overloaded",
  504: "provider_timeout",
  529: "provider_overloaded",
};

/** Those that vendors send `retry-after` with. */
const comeBack = new Set([429, 503]);

export function statusError(status: number): GatewayError {
  const code = codes[status] ?? (status < 500 ? "invalid_request" : "provider_error");
  return new GatewayError(code, `The mock provider fails with ${status}, as its model name asked.`, {
    status,
    ...(comeBack.has(status) ? { retryAfterMs: 1000 } : {}),
  });
}
