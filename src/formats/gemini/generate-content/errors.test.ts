import { describe, expect, test } from "vitest";
import { GatewayError } from "../../../canonical/errors.ts";
import type { ErrorCode } from "../../../canonical/errors.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { decodeError, decodeStreamError, encodeError, redact } from "./errors.ts";
import { encodeArrayError, encodeStreamError } from "./writers.ts";

const none = new Headers();
const said = (status: string, message = "No", details?: Json[]): JsonObject => ({
  error: { code: 0, message, status, ...(details && { details }) },
});
const info = (reason: string): Json[] => [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "googleapis.com" }];

describe("what Google's errors mean", () => {
  const cases: [number, Json, ErrorCode][] = [
    [400, said("INVALID_ARGUMENT"), "provider_rejected"],
    [400, said("FAILED_PRECONDITION", "User location is not supported for the API use."), "provider_rejected"],
    [400, said("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", info("API_KEY_INVALID")), "provider_auth"],
    [400, said("INVALID_ARGUMENT", "API key expired. Please renew the API key."), "provider_auth"],
    [
      400,
      said("INVALID_ARGUMENT", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
      "context_length_exceeded",
    ],
    [400, said("INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."), "payload_too_large"],
    [
      400,
      said("FAILED_PRECONDITION", "Gemini API free tier is not available in your country. Please enable billing on your project."),
      "provider_billing",
    ],
    [401, said("UNAUTHENTICATED"), "provider_auth"],
    [403, said("PERMISSION_DENIED", "Your API key was reported as leaked."), "provider_auth"],
    [404, said("NOT_FOUND", "models/gemini-9 is not found for API version v1beta"), "provider_model_not_found"],
    [404, "<html><title>Error 404 (Not Found)!!1</title></html>", "provider_bad_response"],
    [409, said("ABORTED"), "provider_rejected"],
    [429, said("RESOURCE_EXHAUSTED", "You exceeded your current quota"), "provider_rate_limited"],
    [429, said("RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."), "provider_billing"],
    [499, said("CANCELLED"), "provider_error"],
    [500, said("INTERNAL"), "provider_error"],
    [501, said("UNIMPLEMENTED"), "provider_error"],
    [503, said("UNAVAILABLE", "The model is overloaded."), "provider_overloaded"],
    [504, said("DEADLINE_EXCEEDED"), "provider_timeout"],
    [200, said("UNAVAILABLE"), "provider_overloaded"],
    [302, "", "provider_redirect"],
    [500, "Internal Server Error", "provider_error"],
    [418, { message: "tea" }, "provider_rejected"],
  ];
  test.each(cases)("%d %j is %s", (status, body, code) => expect(decodeError(status, body, none).code).toBe(code));

  test("the wait that RetryInfo asks for is kept (otari#978), the header's comes first", () => {
    const details: Json[] = [
      { "@type": "type.googleapis.com/google.rpc.QuotaFailure" },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.4s" },
    ];
    const body = said("RESOURCE_EXHAUSTED", "slow", details);
    expect(decodeError(429, body, none).retryAfterMs).toBe(34_400);
    expect(decodeError(429, [body], none)).toMatchObject({ code: "provider_rate_limited", retryAfterMs: 34_400 });
    expect(decodeError(429, JSON.stringify([body]), none).retryAfterMs).toBe(34_400);
    expect(decodeError(429, body, new Headers({ "retry-after": "2" })).retryAfterMs).toBe(2000);
    expect(
      decodeError(
        429,
        said("RESOURCE_EXHAUSTED", "slow", [{ "@type": "x/google.rpc.RetryInfo", retryDelay: { seconds: "3", nanos: 500_000_000 } }]),
        none,
      ).retryAfterMs,
    ).toBe(3500);
  });

  test("a frame without a number is known by its name", () => {
    expect(decodeStreamError(said("UNAVAILABLE")).code).toBe("provider_overloaded");
    expect(decodeStreamError({ error: { message: "?" } }).code).toBe("provider_error");
    expect(decodeStreamError({ error: { code: 429 } }).code).toBe("provider_rate_limited");
  });

  test("the vendor's words stay, credentials do not", () => {
    const error = decodeError(
      400,
      said("INVALID_ARGUMENT", "Bad ?key=AIzaSyA1234567890abcdefg for you", info("BAD")),
      new Headers({ "x-goog-request-id": "q1" }),
    );
    expect(error.message).toBe("Bad ?key=[redacted] for you");
    expect(error.upstream).toMatchObject({
      status: 400,
      type: "INVALID_ARGUMENT",
      code: "BAD",
      requestId: "q1",
      format: "gemini/generate-content",
    });
    expect(JSON.stringify(error.upstream)).not.toContain("AIza");
    expect(redact("Bearer ya29.a0AfH6SMBabcdefghijk")).toBe("Bearer [redacted]");
    expect(decodeError(401, said("UNAUTHENTICATED", "no"), none).message).toContain("gateway's credentials");
  });
});

describe("what Google's clients are told", () => {
  const cases: [ErrorCode, number, string][] = [
    ["invalid_request", 400, "INVALID_ARGUMENT"],
    ["unauthenticated", 401, "UNAUTHENTICATED"],
    ["model_not_allowed", 403, "PERMISSION_DENIED"],
    ["model_not_found", 404, "NOT_FOUND"],
    ["payload_too_large", 413, "INVALID_ARGUMENT"],
    ["context_length_exceeded", 400, "INVALID_ARGUMENT"],
    ["client_closed", 499, "CANCELLED"],
    ["not_supported", 501, "UNIMPLEMENTED"],
    ["provider_rate_limited", 429, "RESOURCE_EXHAUSTED"],
    ["provider_timeout", 504, "DEADLINE_EXCEEDED"],
    ["provider_overloaded", 503, "UNAVAILABLE"],
    ["provider_auth", 502, "INTERNAL"],
  ];
  test.each(cases)("%s is %d %s", (code, number, status) => {
    expect(encodeError(new GatewayError(code, "It went wrong"), "hg_1")).toMatchObject({
      error: {
        code: number,
        status,
        message: "It went wrong",
        details: [{ reason: code.toUpperCase(), domain: "headgate", metadata: { requestId: "hg_1" } }],
      },
    });
  });

  test("the field, and how long to wait, in whole seconds", () => {
    const { error } = encodeError(new GatewayError("provider_rate_limited", "slow", { field: "contents", retryAfterMs: 34_400 }), "hg_1");
    expect((error as JsonObject).details).toMatchObject([
      {},
      { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field: "contents" }] },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "35s" },
    ]);
  });

  test("the vendor's own name and details go to its own clients", () => {
    const error = decodeError(400, said("FAILED_PRECONDITION", "Not here.", info("LOCATION")), none);
    expect(encodeError(error, "hg_1")).toMatchObject({
      error: {
        code: 400,
        status: "FAILED_PRECONDITION",
        message: "Not here.",
        details: [{ reason: "LOCATION" }, { reason: "PROVIDER_REJECTED" }],
      },
    });
  });

  test("in a stream, as an event or as the last element of a list", () => {
    const error = new GatewayError("provider_stream_cut", "Gone");
    expect(encodeStreamError(error, "hg_1")).toMatch(/^data: \{"error":.*\}\n\n$/);
    expect(JSON.parse(`[{}${encodeArrayError(error, "hg_1")}`)).toMatchObject([{}, { error: { message: "Gone" } }]);
  });
});
