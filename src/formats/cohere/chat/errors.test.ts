import { describe, expect, test } from "vitest";
import type { Json } from "../../../canonical/json.ts";
import { decodeError, decodeErrorPayload, isErrorPayload } from "./errors.ts";

const codeOf = (status: number, message: string): string => decodeError(status, { message }, new Headers()).code;

describe("errors", () => {
  test("by status and words", () => {
    expect(codeOf(400, "invalid request: response_format is not supported with RAG.")).toBe("provider_rejected");
    expect(codeOf(400, "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292.")).toBe(
      "context_length_exceeded",
    );
    expect(codeOf(400, "too many tokens: size limit exceeded by 11326 tokens.")).toBe("context_length_exceeded");
    expect(
      codeOf(400, "too many tokens: max tokens must be less than or equal to 4096, the maximum output for this model - received 8192."),
    ).toBe("provider_rejected");
    expect(codeOf(402, "Please add or update your payment method")).toBe("provider_billing");
    expect(codeOf(404, "model 'command-x' not found, make sure the correct model ID was used")).toBe("provider_model_not_found");
    expect(codeOf(404, "page not found")).toBe("provider_bad_response");
    expect(codeOf(413, "")).toBe("payload_too_large");
    expect(codeOf(429, "trial token rate limit exceeded, limit is 100000 tokens per minute")).toBe("provider_rate_limited");
    expect(codeOf(429, "You are using a Trial key, which is limited to 1000 API calls / month.")).toBe("provider_billing");
    expect(codeOf(498, "blocked")).toBe("content_filtered");
    expect(codeOf(499, "cancelled")).toBe("provider_error");
    expect(codeOf(501, "not implemented")).toBe("provider_rejected");
    expect(codeOf(500, "internal server error")).toBe("provider_error");
    expect(codeOf(503, "")).toBe("provider_overloaded");
    expect(codeOf(504, "")).toBe("provider_timeout");
    expect(codeOf(302, "")).toBe("provider_redirect");
  });

  test("a refusal keeps its own status and the vendor's words and id", () => {
    const error = decodeError(422, { id: "e-1", message: "invalid value" }, new Headers());
    expect(error).toMatchObject({
      code: "provider_rejected",
      status: 422,
      message: "invalid value",
      upstream: { status: 422, requestId: "e-1", format: "cohere/chat" },
    });
    expect(decodeError(400, {}, new Headers({ "x-debug-trace-id": "t-1" })).upstream?.requestId).toBe("t-1");
  });

  test("the gateway's own key is not the caller's", () => {
    for (const message of ["invalid api token", "no api key supplied"]) {
      const error = decodeError(401, { message }, new Headers());
      expect(error.code).toBe("provider_auth");
      expect(error.message).not.toContain("api");
    }
  });

  test("a page, a text, nothing", () => {
    expect(decodeError(502, "<html><h1>Bad gateway</h1></html>", new Headers()).message).toBe("Bad gateway");
    expect(decodeError(500, "upstream  connect error", new Headers()).message).toBe("upstream connect error");
    expect(decodeError(400, '{"message":"as text"}', new Headers()).message).toBe("as text");
    expect(decodeError(500, null, new Headers()).message).toContain("status 500");
  });

  test("keys that are echoed are taken out", () => {
    const error = decodeError(
      400,
      { message: "bad Bearer 0123456789abcdef", detail: { api_key: "api_key: abcdefgh12345" } },
      new Headers(),
    );
    expect(error.message).toBe("bad Bearer [redacted]");
    expect(JSON.stringify(error.upstream?.body)).not.toContain("abcdefgh12345");
  });

  test("how long to wait", () => {
    const wait = (headers: Record<string, string>): unknown => decodeError(429, {}, new Headers(headers)).retryAfterMs;
    expect(wait({ "retry-after": "2" })).toBe(2000);
    expect(wait({ "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", date: "Wed, 21 Oct 2026 07:28:00 GMT" })).toBe(30_000);
    expect(wait({})).toBeUndefined();
  });

  test("within a 200 the words say which status it would have been", () => {
    const codeIn = (payload: Record<string, Json>): string => decodeErrorPayload(payload).code;
    expect(codeIn({ message: "internal server error" })).toBe("provider_error");
    expect(codeIn({ message: "invalid request: model is required" })).toBe("provider_rejected");
    expect(codeIn({ message: "invalid api token" })).toBe("provider_auth");
    expect(codeIn({ message: "model 'x' not found" })).toBe("provider_model_not_found");
    expect(codeIn({ message: "the model is overloaded" })).toBe("provider_overloaded");
    expect(codeIn({ error: { message: "slow down", status_code: 429 } })).toBe("provider_rate_limited");
  });

  test("an answer is no error: its message is an object", () => {
    expect(isErrorPayload({ message: { role: "assistant" } })).toBe(false);
    expect(isErrorPayload({ type: "message-start", message: "x" })).toBe(false);
    expect(isErrorPayload({ message: "x" })).toBe(true);
    expect(isErrorPayload({ error: "x" })).toBe(true);
  });
});
