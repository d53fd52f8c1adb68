import { describe, expect, test } from "vitest";
import { GatewayError } from "../../../canonical/errors.ts";
import type { Json } from "../../../canonical/json.ts";
import { decodeError, encodeError, encodeStreamError, parseDuration, redact } from "./errors.ts";

const none = new Headers();
const error = (fields: object): Json => ({ error: { message: "It went wrong", type: null, param: null, code: null, ...fields } });

describe("a vendor's refusal", () => {
  test.each<[string, number, Json, string, number]>([
    ["a wrong field", 400, error({ type: "invalid_request_error", param: "temperature" }), "provider_rejected", 400],
    ["a 422 keeps its status", 422, { detail: [{ loc: ["body", "messages", 0], msg: "field required" }] }, "provider_rejected", 422],
    ["too long, by code", 400, error({ code: "context_length_exceeded" }), "context_length_exceeded", 400],
    [
      "too long, in words",
      400,
      error({ message: "This model's maximum context length is 8192 tokens. However, you requested 9000." }),
      "context_length_exceeded",
      400,
    ],
    [
      "too long for vLLM",
      400,
      { object: "error", message: "The prompt (total length 9) is too long: it exceeds the model's maximum context length", code: 400 },
      "context_length_exceeded",
      400,
    ],
    ["a wrong key", 401, error({ code: "invalid_api_key" }), "provider_auth", 502],
    ["a forbidden one", 403, error({}), "provider_auth", 502],
    [
      "a wrong key as a 400 (xAI, Google)",
      400,
      error({ message: "API key not valid. Please pass a valid API key." }),
      "provider_auth",
      502,
    ],
    ["an empty account", 402, error({ message: "Insufficient Balance" }), "provider_billing", 502],
    ["a spent quota, which is a 429", 429, error({ type: "insufficient_quota", code: "insufficient_quota" }), "provider_billing", 502],
    [
      "Google's rate limit, which speaks of a quota",
      429,
      error({ message: "You exceeded your current quota, please check your plan and billing details.", status: "RESOURCE_EXHAUSTED" }),
      "provider_rate_limited",
      429,
    ],
    ["an unknown model", 404, error({ code: "model_not_found" }), "provider_model_not_found", 404],
    ["an unknown model as a 400", 400, error({ message: "The model `x` does not exist" }), "provider_model_not_found", 404],
    ["a request that is too large", 413, "Request Entity Too Large", "payload_too_large", 413],
    [
      "a request beyond the tokens a minute (Groq)",
      413,
      error({ message: "Request too large for model `x` on tokens per minute (TPM)", type: "tokens", code: "rate_limit_exceeded" }),
      "provider_rate_limited",
      429,
    ],
    ["a rate limit", 429, error({ code: "rate_limit_exceeded" }), "provider_rate_limited", 429],
    ["an overloaded engine as a 429 (Moonshot)", 429, error({ type: "engine_overloaded_error" }), "provider_overloaded", 503],
    [
      "a content filter (Azure)",
      400,
      error({ code: "content_filter", innererror: { code: "ResponsibleAIPolicyViolation" } }),
      "content_filtered",
      400,
    ],
    [
      "moderation (OpenRouter)",
      403,
      error({ code: 403, message: "Your chosen model requires moderation and your input was flagged" }),
      "content_filtered",
      400,
    ],
    ["a timeout", 408, error({}), "provider_timeout", 504],
    ["a gateway's timeout", 504, "<html><head><title>504 Gateway Time-out</title></head></html>", "provider_timeout", 504],
    ["Cloudflare's timeout", 524, "", "provider_timeout", 504],
    ["an unavailable service", 503, { error: "Service Unavailable" }, "provider_overloaded", 503],
    ["Groq's flex without capacity", 498, error({}), "provider_overloaded", 503],
    ["an overloaded Anthropic behind a compatible door", 529, error({ type: "overloaded_error" }), "provider_overloaded", 503],
    ["a server's failure", 500, { message: "boom" }, "provider_error", 502],
    ["an HTML page", 502, "<!DOCTYPE html><html><title>Bad gateway</title></html>", "provider_error", 502],
    ["a conflict", 409, error({}), "provider_rejected", 409],
    ["a list of one (Google)", 400, [{ error: { code: 400, message: "Bad", status: "INVALID_ARGUMENT" } }], "provider_rejected", 400],
    ["a redirect", 307, "", "provider_redirect", 502],
    ["nothing at all", 418, null, "provider_rejected", 418],
  ])("%s", (_, status, body, code, told) => {
    expect(decodeError(status, body, none)).toMatchObject({ code, status: told, upstream: { status } });
  });

  test("a conflict may be tried again, a wrong field not", () => {
    expect(decodeError(409, error({}), none).retryable).toBe(true);
    expect(decodeError(400, error({}), none).retryable).toBe(false);
  });

  test("the vendor's words, of every shape", () => {
    const words = (body: Json): string => decodeError(418, body, none).message;
    expect(words({ error: { message: "a" } })).toBe("a");
    expect(words({ error: "b" })).toBe("b");
    expect(words({ detail: "c" })).toBe("c");
    expect(words({ message: "d" })).toBe("d");
    expect(words("e")).toBe("e");
    expect(words([{ error: { message: "f" } }])).toBe("f");
    expect(words({ detail: [{ loc: ["body", "messages", 0, "content"], msg: "field required" }] })).toBe(
      "messages.0.content: field required",
    );
    expect(words("<html><title>Nope</title></html>")).toBe('The provider answered with status 418 and an HTML page titled "Nope".');
    expect(words({})).toBe("The provider answered with status 418 and no message.");
  });

  test("keys never leave, neither in the message nor in the body", () => {
    const failure = decodeError(
      400,
      error({ message: "Cannot use sk-proj-abcdefghijkl with Bearer abc.def.ghi and AIzaSyA1234567890123456789012" }),
      none,
    );
    for (const text of [failure.message, JSON.stringify(failure.upstream)]) expect(text).not.toMatch(/abcdefghijkl|abc\.def|AIzaSyA/);
    const auth = decodeError(
      401,
      error({
        message: "Incorrect API key provided: sk-ab***yz. You can find your API key at https://platform.openai.com/account/api-keys.",
      }),
      none,
    );
    expect(auth.message).not.toMatch(/sk-|your API key/);
    expect(redact('{"api_key":"0123456789abcdef"}')).toBe('{"api_key":"[redacted]"}');
    expect(redact("authorization: Bearer abcdefgh12345")).not.toContain("abcdefgh12345");
    expect(redact("The key is missing from the sketch-book")).toBe("The key is missing from the sketch-book");
  });

  test("a body of ten megabytes is cut, and the message too", () => {
    const failure = decodeError(500, error({ message: "x".repeat(10_000_000) }), none);
    expect(failure.message.length).toBeLessThanOrEqual(2000);
    expect(JSON.stringify(failure.upstream).length).toBeLessThan(40_000);
  });

  test("the request id of the vendor", () => {
    expect(decodeError(500, null, new Headers({ "x-request-id": "req_1" })).upstream?.requestId).toBe("req_1");
  });
});

describe("when to come back", () => {
  const after = (headers: Record<string, string>, message = "slow down"): number | undefined =>
    decodeError(429, error({ message }), new Headers(headers)).retryAfterMs;

  test.each<[string, Record<string, string>, number | undefined]>([
    ["seconds", { "retry-after": "30" }, 30_000],
    ["a fraction of a second", { "retry-after": "0.5" }, 500],
    ["milliseconds win", { "retry-after": "30", "retry-after-ms": "120" }, 120],
    ["a date, by the vendor's clock", { "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", date: "Wed, 21 Oct 2026 07:28:00 GMT" }, 30_000],
    ["a date that is over", { "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", date: "Wed, 21 Oct 2026 07:29:00 GMT" }, 0],
    ["nonsense", { "retry-after": "soon" }, undefined],
    ["a negative number", { "retry-after": "-5" }, undefined],
    [
      "the limit that is spent",
      {
        "x-ratelimit-remaining-requests": "10",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "6m0s",
      },
      360_000,
    ],
    ["limits that are not", { "x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "6m0s" }, undefined],
  ])("%s", (_, headers, expected) => {
    expect(after(headers)).toBe(expected);
  });

  test("in words alone (OpenAI, Groq)", () => {
    expect(after({}, "Rate limit reached for x. Limit 6000, Used 5900. Please try again in 7.66s. Visit …")).toBe(7660);
    expect(after({}, "Please retry after 20 seconds")).toBe(20_000);
  });

  test.each([
    ["6m0s", 360_000],
    ["12ms", 12],
    ["1.5s", 1500],
    ["1h2m3s", 3_723_000],
    ["7", 7000],
    ["", undefined],
    ["x", undefined],
  ])("the duration %s", (text, expected) => {
    expect(parseDuration(text)).toBe(expected as number);
  });
});

describe("our errors, in the client's envelope", () => {
  const body = (failure: GatewayError): Record<string, unknown> =>
    (encodeError(failure, "hg_1") as { error: Record<string, unknown> }).error;

  test.each<[GatewayError, object]>([
    [
      new GatewayError("unauthenticated", "No key."),
      { type: "authentication_error", code: "invalid_api_key", headgate_code: "unauthenticated" },
    ],
    [
      new GatewayError("invalid_request", "temperature: must be a number.", { field: "temperature" }),
      { message: "temperature: must be a number.", type: "invalid_request_error", param: "temperature", code: "invalid_request" },
    ],
    [new GatewayError("context_length_exceeded", "Too long."), { type: "invalid_request_error", code: "context_length_exceeded" }],
    [new GatewayError("provider_rate_limited", "Slow down."), { type: "rate_limit_error", code: "rate_limit_exceeded" }],
    [new GatewayError("provider_model_not_found", "No such model."), { type: "invalid_request_error", code: "model_not_found" }],
    [new GatewayError("provider_timeout", "Late."), { type: "timeout", code: "provider_timeout" }],
    [new GatewayError("provider_auth", "Refused."), { type: "server_error", code: "provider_auth" }],
    [new GatewayError("provider_billing", "Empty."), { type: "server_error", code: "provider_billing" }],
    [new GatewayError("overloaded", "Busy."), { type: "server_error", code: "overloaded" }],
  ])("%s", (failure, expected) => {
    expect(body(failure)).toMatchObject(expected);
  });

  test("the message says what to do, once", () => {
    expect(body(new GatewayError("provider_timeout", "It took too long"))["message"]).toBe(
      "It took too long. Try again, raise the route's timeout, or add a fallback target.",
    );
    expect(body(new GatewayError("internal", "Oh"))["message"]).toContain("hg_1");
  });

  test("the vendor's own words stay for the caller's own fault, in the caller's own format", () => {
    const failure = decodeError(
      400,
      error({
        message: "Unsupported parameter: 'temperature'",
        type: "invalid_request_error",
        param: "temperature",
        code: "unsupported_parameter",
      }),
      none,
    );
    expect(body(failure)).toEqual({
      message: "Unsupported parameter: 'temperature'",
      type: "invalid_request_error",
      param: "temperature",
      code: "unsupported_parameter",
      headgate_code: "provider_rejected",
    });
  });

  test("a vendor's trouble with our key is not told as the caller's", () => {
    expect(JSON.stringify(body(decodeError(401, error({ type: "authentication_error", code: "invalid_api_key" }), none)))).not.toMatch(
      /authentication|invalid_api_key/,
    );
  });

  test("in a stream it is one event, and no [DONE]", () => {
    expect(encodeStreamError(new GatewayError("provider_error", "Oh"), "hg_1")).toMatch(/^data: \{"error":\{.*\}\}\n\n$/);
  });
});
