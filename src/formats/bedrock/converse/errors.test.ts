import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../../canonical/errors.ts";
import type { Json } from "../../../canonical/json.ts";
import { decodeError } from "./errors.ts";

function decode(status: number, body: Json, headers: Record<string, string> = {}) {
  return decodeError(status, body, new Headers(headers));
}

describe("the vendor's errors", () => {
  test("by the type in the header, whatever is behind it", () => {
    const cases: [number, string, string, ErrorCode][] = [
      [400, "ValidationException", "Malformed input request: #/x", "provider_rejected"],
      [400, "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/", "x", "provider_rejected"],
      [400, "ServiceQuotaExceededException", "Too many", "provider_rate_limited"],
      [403, "AccessDeniedException", "User is not authorized to perform: bedrock:InvokeModel", "provider_auth"],
      [403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", "provider_model_not_found"],
      [403, "AccessDeniedException", "Model access is denied due to INVALID_PAYMENT_INSTRUMENT", "provider_billing"],
      [403, "ExpiredTokenException", "The security token included in the request is expired", "provider_auth"],
      [403, "UnrecognizedClientException", "The security token included in the request is invalid.", "provider_auth"],
      [403, "InvalidSignatureException", "The request signature we calculated does not match", "provider_auth"],
      [404, "ResourceNotFoundException", "Could not resolve the foundation model", "provider_model_not_found"],
      [404, "UnknownOperationException", "", "provider_bad_response"],
      [408, "ModelTimeoutException", "x", "provider_timeout"],
      [424, "ModelErrorException", "x", "provider_error"],
      [429, "ThrottlingException", "Too many tokens, please wait before trying again.", "provider_rate_limited"],
      [429, "ModelNotReadyException", "x", "provider_overloaded"],
      [500, "InternalServerException", "x", "provider_error"],
      [503, "ServiceUnavailableException", "x", "provider_overloaded"],
    ];
    for (const [status, type, message, code] of cases) {
      const error = decode(status, { message }, { "x-amzn-errortype": type, "x-amzn-requestid": "req-1" });
      expect([type, message, error.code]).toEqual([type, message, code]);
      expect(error.upstream).toMatchObject({ status, type: type.split(":")[0], requestId: "req-1", format: "bedrock/converse" });
    }
  });

  test("or in the body, or by the status alone", () => {
    expect(decode(400, { __type: "com.amazon.coral.service#ThrottlingException", message: "x" }).code).toBe("provider_rate_limited");
    expect(decode(404, { Output: { __type: "com.amazon.coral.service#UnknownOperationException" }, Version: "1.0" }).code).toBe(
      "provider_bad_response",
    );
    expect(decode(403, { Message: "Authentication failed: Please make sure your API Key is valid." })).toMatchObject({
      code: "provider_auth",
      message: expect.stringContaining("API Key is valid"),
    });
    const statuses: [number, ErrorCode][] = [
      [400, "provider_rejected"],
      [401, "provider_auth"],
      [402, "provider_billing"],
      [404, "provider_bad_response"],
      [413, "payload_too_large"],
      [422, "provider_rejected"],
      [424, "provider_error"],
      [429, "provider_rate_limited"],
      [502, "provider_error"],
      [503, "provider_overloaded"],
      [504, "provider_timeout"],
    ];
    for (const [status, code] of statuses) expect([status, decode(status, {}).code]).toEqual([status, code]);
    expect(decode(422, {}).status).toBe(422);
  });

  test("an input that is too long, in the words of each maker", () => {
    for (const message of [
      "Input is too long for requested model.",
      "The model returned the following errors: prompt is too long: 205000 tokens > 200000 maximum",
      "The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
      "Too many input tokens. Max input tokens: 8192, request input token count: 9000",
      "This model's maximum context length is 131072 tokens.",
      "The model returned the following errors: input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    ]) {
      expect([message, decode(400, { message }, { "x-amzn-errortype": "ValidationException" }).code]).toEqual([
        message,
        "context_length_exceeded",
      ]);
    }
    expect(
      decode(
        400,
        { message: "The maximum tokens you requested exceeds the model limit of 4096." },
        { "x-amzn-errortype": "ValidationException" },
      ).code,
    ).toBe("provider_rejected");
  });

  test("a model that is not there is not the request's fault alone", () => {
    expect(decode(400, { message: "The provided model identifier is invalid." }, { "x-amzn-errortype": "ValidationException" }).code).toBe(
      "provider_model_not_found",
    );
  });

  test("what the model's own server said", () => {
    const inner = (originalStatusCode: number, message = "x") =>
      decode(424, { message, originalStatusCode }, { "x-amzn-errortype": "ModelErrorException" });
    expect(inner(429).code).toBe("provider_rate_limited");
    expect(inner(529).code).toBe("provider_overloaded");
    expect(inner(504).code).toBe("provider_timeout");
    expect(inner(500).code).toBe("provider_error");
    expect(inner(400)).toMatchObject({ code: "provider_rejected", status: 424, retryable: false });
    expect(inner(400, "prompt is too long").code).toBe("context_length_exceeded");
  });

  test("how long to wait", () => {
    expect(decode(429, {}, { "retry-after": "2" }).retryAfterMs).toBe(2000);
    expect(decode(429, {}, { "retry-after": "Sat, 21 Nov 2026 12:00:05 GMT", date: "Sat, 21 Nov 2026 12:00:00 GMT" }).retryAfterMs).toBe(
      5000,
    );
    expect(decode(429, {}).retryAfterMs).toBeUndefined();
  });

  test("a page of a proxy, plain text, nothing", () => {
    expect(decode(502, "<html><head><style>a{}</style></head><body><h1>Bad   Gateway</h1></body></html>")).toMatchObject({
      code: "provider_error",
      message: "Bad Gateway",
    });
    expect(decode(503, "busy").message).toBe("busy");
    expect(decode(500, "").message).toBe("The provider answered with status 500 and no message.");
    expect(decode(500, null).code).toBe("provider_error");
  });

  test("nothing that was secret is repeated", () => {
    const message =
      "The request signature we calculated does not match. The Canonical String for this request should have been\n'POST\n/model/x\n\nhost:bedrock-runtime\nx-amz-security-token:IQoJb3JpZ2luX2VjEXAMPLE//token\n\nhost' Credential=AKIAIOSFODNN7EXAMPLE/20261121, Signature=0123456789abcdef0123456789abcdef and Bearer ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl";
    const error = decode(403, { message }, { "x-amzn-errortype": "InvalidSignatureException" });
    const all = error.message + JSON.stringify(error.upstream);
    for (const secret of ["IQoJb3JpZ2luX2VjEXAMPLE", "AKIAIOSFODNN7EXAMPLE", "0123456789abcdef", "ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl"])
      expect(all).not.toContain(secret);
    expect(error.message).toContain("does not match");
  });
});
