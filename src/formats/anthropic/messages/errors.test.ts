import { describe, expect, test } from "vitest";
import { GatewayError, invalidField } from "../../../canonical/errors.ts";
import type { Json } from "../../../canonical/json.ts";
import { decodeError, encodeError, encodeStreamError } from "./errors.ts";

function typed(type: string, message: string): Json {
  return { type: "error", error: { type, message }, request_id: "req_body" };
}

function read(status: number, body: Json, headers: Record<string, string> = {}): GatewayError {
  return decodeError(status, body, new Headers(headers));
}

describe("errors of the provider", () => {
  test.each<[number, Json, string]>([
    [400, typed("invalid_request_error", "max_tokens: too large"), "provider_rejected"],
    [400, typed("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), "context_length_exceeded"],
    [400, typed("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 3"), "context_length_exceeded"],
    [400, typed("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), "provider_billing"],
    [400, typed("invalid_request_error", "Output blocked by content filtering policy"), "content_filtered"],
    [401, typed("authentication_error", "invalid x-api-key"), "provider_auth"],
    [403, typed("permission_error", "no"), "provider_auth"],
    [402, typed("billing_error", "pay"), "provider_billing"],
    [404, typed("not_found_error", "model: claude-z"), "provider_model_not_found"],
    [404, "<html><body><h1>404 Not Found</h1></body></html>", "provider_bad_response"],
    [413, typed("request_too_large", "Request exceeds the maximum size"), "payload_too_large"],
    [429, typed("rate_limit_error", "slow down"), "provider_rate_limited"],
    [500, typed("api_error", "Internal server error"), "provider_error"],
    [504, typed("timeout_error", "late"), "provider_timeout"],
    [529, typed("overloaded_error", "Overloaded"), "provider_overloaded"],
    [503, "upstream connect error", "provider_overloaded"],
    [500, typed("overloaded_error", "Overloaded"), "provider_overloaded"],
    [502, "<!doctype html><title>Bad gateway</title>", "provider_error"],
    [424, { message: "dependency" }, "provider_error"],
    [422, { detail: "no" }, "provider_rejected"],
    [302, "", "provider_redirect"],
  ])("%i %j is %s", (status, body, code) => {
    expect(read(status, body).code).toBe(code);
  });

  test("the vendor's words, type and ids are kept", () => {
    const error = read(422, {
      type: "error",
      error: { type: "invalid_request_error", message: "bad", details: { error_code: "tool_name_conflict" } },
      request_id: "req_body",
    });
    expect(error).toMatchObject({
      message: "bad",
      status: 422,
      upstream: {
        status: 422,
        type: "invalid_request_error",
        code: "tool_name_conflict",
        requestId: "req_body",
        format: "anthropic/messages",
      },
    });
    expect(read(400, typed("invalid_request_error", "a"), { "request-id": "req_head" }).upstream?.requestId).toBe("req_head");
  });

  test("pages and bare words become one line", () => {
    expect(read(502, "<html><style>a{}</style><body>\n<h1>Bad   gateway</h1></body></html>").message).toBe("Bad gateway");
    expect(read(500, { error: "plain" }).message).toBe("plain");
    expect(read(500, "").message).toBe("The provider answered with status 500 and no message.");
    expect(read(500, '{"error":{"type":"api_error","message":"in text"}}').message).toBe("in text");
  });

  test("keys are removed, wherever they stand", () => {
    const error = read(401, typed("authentication_error", "invalid x-api-key: sk-ant-api03-AbCdEf123456 for Bearer abcdefgh12345"));
    expect(error.message).not.toMatch(/AbCdEf|abcdefgh/);
    expect(JSON.stringify(error.upstream)).not.toMatch(/AbCdEf|abcdefgh/);
  });

  test("words that only look like keys stay", () => {
    for (const words of [
      "the ask-and-answer-format-2 is wrong",
      "skeleton-implementation-2 is bad",
      "sk-learn-and-something is no tool",
      "id hgid-functions-2e-look",
    ]) {
      expect(read(400, typed("invalid_request_error", words)).message).toBe(words);
    }
  });

  test("how long to wait: milliseconds, seconds, fractions, dates", () => {
    const wait = (headers: Record<string, string>) => read(429, typed("rate_limit_error", "a"), headers).retryAfterMs;
    expect(wait({ "retry-after-ms": "1500" })).toBe(1500);
    expect(wait({ "retry-after": "7" })).toBe(7000);
    expect(wait({ "retry-after": "0.5" })).toBe(500);
    expect(wait({ "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", date: "Wed, 21 Oct 2026 07:28:00 GMT" })).toBe(30_000);
    expect(wait({ "retry-after": "soon" })).toBeUndefined();
    expect(wait({})).toBeUndefined();
  });

  test("the vendor's word on retrying is obeyed, but for what another key may cure", () => {
    expect(read(500, typed("api_error", "a"), { "x-should-retry": "false" }).retryable).toBe(false);
    expect(read(400, typed("invalid_request_error", "a"), { "x-should-retry": "true" }).retryable).toBe(true);
    expect(read(429, typed("rate_limit_error", "a"), { "x-should-retry": "false" }).retryable).toBe(true);
  });
});

describe("errors to the client", () => {
  test("type, message, stable code and advice", () => {
    expect(encodeError(invalidField("messages[0].role", "must be a string"), "hg_1")).toEqual({
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "messages[0].role: must be a string",
        details: { error_code: "invalid_request", fault: "client", advice: "Correct the named field.", field: "messages[0].role" },
      },
      request_id: "hg_1",
    });
  });

  test.each([
    ["unauthenticated", "authentication_error"],
    ["model_not_allowed", "permission_error"],
    ["model_not_found", "not_found_error"],
    ["payload_too_large", "request_too_large"],
    ["provider_rate_limited", "rate_limit_error"],
    ["provider_timeout", "timeout_error"],
    ["provider_overloaded", "overloaded_error"],
    ["provider_billing", "billing_error"],
    ["internal", "api_error"],
  ] as const)("%s is %s", (code, type) => {
    expect(encodeError(new GatewayError(code, "a"), "hg_1")).toMatchObject({ error: { type } });
  });

  test("the gateway's key that the provider refuses is not the caller's", () => {
    expect(encodeError(read(401, typed("authentication_error", "invalid x-api-key")), "hg_1")).toMatchObject({
      error: { type: "api_error", details: { error_code: "provider_auth", fault: "provider" } },
    });
  });

  test("the vendor's own type and details reach its own clients when the request is at fault", () => {
    const body = {
      type: "error",
      error: { type: "brand_new_error", message: "odd", details: { error_code: "tool_name_conflict", name: "a" } },
    };
    expect(encodeError(read(400, body), "hg_1")).toMatchObject({
      error: { type: "brand_new_error", message: "odd", details: { error_code: "tool_name_conflict", name: "a" } },
    });
  });

  test("an overlong prompt is told in the words that this format's agents listen for", () => {
    const foreign = new GatewayError("context_length_exceeded", "This model's maximum context length is 8192 tokens.");
    expect(encodeError(foreign, "hg_1")).toMatchObject({
      error: { type: "invalid_request_error", message: expect.stringMatching(/^prompt is too long: This model/) },
    });
  });

  test("in a stream, as an event", () => {
    expect(encodeStreamError(new GatewayError("internal", "a\nb"), "hg_1")).toMatch(/^event: error\ndata: \{"type":"error".*\}\n\n$/);
  });
});
