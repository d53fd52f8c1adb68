import { describe, expect, test } from "vitest";
import type { Json } from "../../../canonical/json.ts";
import { decodeError, decodeErrorPayload } from "./errors.ts";

const codeOf = (status: number, body: Json): string => decodeError(status, body, new Headers()).code;

describe("errors", () => {
  test("by status and words", () => {
    expect(codeOf(404, { error: "model 'x' not found" })).toBe("provider_model_not_found");
    expect(codeOf(404, { error: 'model "x" not found, try pulling it first' })).toBe("provider_model_not_found");
    expect(codeOf(404, "404 page not found")).toBe("provider_bad_response");
    expect(codeOf(400, { error: '"llama3.2" does not support tools' })).toBe("provider_rejected");
    expect(codeOf(503, { error: "server busy, please try again.  maximum pending requests exceeded" })).toBe("provider_overloaded");
    expect(codeOf(500, { error: "llama runner process has terminated" })).toBe("provider_error");
    expect(codeOf(502, { error: "cloud model cannot be reached" })).toBe("provider_error");
    expect(codeOf(429, { error: "you've reached your weekly usage limit" })).toBe("provider_rate_limited");
    expect(codeOf(402, { error: "payment required" })).toBe("provider_billing");
    expect(codeOf(413, { error: "request too large" })).toBe("payload_too_large");
    expect(codeOf(504, "gateway timeout")).toBe("provider_timeout");
    expect(codeOf(301, "")).toBe("provider_redirect");
  });

  test("a conversation that is too long, in all the words for it, the engine's own error within the error too", () => {
    const engine = JSON.stringify({
      error: {
        code: 400,
        message: "request (8889 tokens) exceeds the available context size (4096 tokens), try increasing it",
        type: "exceed_context_size_error",
      },
    });
    const error = decodeError(400, { error: engine }, new Headers());
    expect(error.code).toBe("context_length_exceeded");
    expect(error.message).toBe("request (8889 tokens) exceeds the available context size (4096 tokens), try increasing it");
    expect(codeOf(400, { error: "the input length exceeds the context length" })).toBe("context_length_exceeded");
    expect(codeOf(500, { error: "the prompt is longer than the context length currently available to the model" })).toBe(
      "context_length_exceeded",
    );
  });

  test("a refusal keeps its own status; the message is the vendor's", () => {
    const error = decodeError(422, { error: "bad option" }, new Headers({ "x-request-id": "r-1" }));
    expect(error).toMatchObject({
      code: "provider_rejected",
      status: 422,
      message: "bad option",
      upstream: { status: 422, requestId: "r-1", format: "ollama/chat" },
    });
  });

  test("a proxy's page is read as text, nothing as nothing", () => {
    expect(decodeError(502, "<html><style>b{}</style><title>Bad</title><h1>Bad gateway</h1></html>", new Headers()).message).toBe(
      "Bad Bad gateway",
    );
    expect(decodeError(500, {}, new Headers()).message).toContain("status 500");
    expect(decodeError(500, null, new Headers()).message).toContain("status 500");
  });

  test("the gateway's own key is not the caller's, and the sign-in link stays here", () => {
    const error = decodeError(401, { error: "unauthorized", signin_url: "https://ollama.com/connect?key=c3NoLWVk" }, new Headers());
    expect(error.code).toBe("provider_auth");
    expect(error.message).not.toContain("unauthorized");
    expect(JSON.stringify(error.upstream)).not.toContain("connect");
  });

  test("keys that are echoed are taken out", () => {
    const error = decodeError(400, { error: "bad key sk-abcdef1234567890abcd and Bearer 0123456789abcdef" }, new Headers());
    expect(error.message).toBe("bad key [redacted] and Bearer [redacted]");
    expect(JSON.stringify(error.upstream?.body)).not.toContain("abcdef");
  });

  test("how long to wait", () => {
    const wait = (headers: Record<string, string>): unknown => decodeError(429, {}, new Headers(headers)).retryAfterMs;
    expect(wait({ "retry-after": "1.5" })).toBe(1500);
    expect(wait({ "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", date: "Wed, 21 Oct 2026 07:28:00 GMT" })).toBe(30_000);
    expect(wait({})).toBeUndefined();
    expect(wait({ "retry-after": "soon" })).toBeUndefined();
  });

  test("within a 200 the words say which status it would have been", () => {
    const codeIn = (error: Json): string => decodeErrorPayload({ error }).code;
    expect(codeIn("an error was encountered while running the model")).toBe("provider_error");
    expect(codeIn("server busy, please try again")).toBe("provider_overloaded");
    expect(codeIn("model 'x' not found")).toBe("provider_model_not_found");
    expect(codeIn('"m" does not support thinking')).toBe("provider_rejected");
    expect(codeIn({ code: 429, message: "slow down" })).toBe("provider_rate_limited");
    expect(codeIn("the input length exceeds the context length")).toBe("context_length_exceeded");
    expect(codeIn("unauthorized")).toBe("provider_auth");
  });
});
