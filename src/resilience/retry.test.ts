import { describe, expect, test } from "vitest";
import { GatewayError } from "../canonical/errors.ts";
import { afterError, backoffMs, keyRestMs } from "./retry.ts";
import type { RetryPolicy } from "./retry.ts";

const usual: RetryPolicy = { attempts: 2, on: [429, "5xx", "timeout", "network"] };

describe("after an error", () => {
  test("passing failures are retried where the route says so, else the next target is asked", () => {
    const limited = new GatewayError("provider_rate_limited", "", { upstream: { status: 429 } });
    expect(afterError(limited, usual)).toBe("retry");
    expect(afterError(limited, { attempts: 2, on: ["5xx"] })).toBe("next");
    const broken = new GatewayError("provider_error", "", { upstream: { status: 500 } });
    expect(afterError(broken, usual)).toBe("retry");
    expect(afterError(broken, { attempts: 2, on: [503] })).toBe("next");
    expect(afterError(new GatewayError("provider_timeout", ""), usual)).toBe("retry");
    expect(afterError(new GatewayError("provider_unreachable", ""), { attempts: 2, on: [429] })).toBe("next");
  });

  test("an error inside of a 200 counts as the server's", () => {
    expect(afterError(new GatewayError("provider_overloaded", "", { upstream: { status: 200 } }), usual)).toBe("retry");
  });

  test("what only this target refuses goes to the next one at once", () => {
    for (const code of [
      "provider_auth",
      "provider_billing",
      "provider_model_not_found",
      "context_length_exceeded",
      "content_filtered",
    ] as const) {
      expect(afterError(new GatewayError(code, ""), usual)).toBe("next");
    }
  });

  test("the caller's own mistakes stop the call: nobody would answer differently", () => {
    for (const code of ["provider_rejected", "invalid_request", "client_closed"] as const)
      expect(afterError(new GatewayError(code, ""), usual)).toBe("stop");
  });
});

describe("waiting", () => {
  const failed = new GatewayError("provider_error", "");

  test("full jitter between nothing and a doubling bound of at most four seconds", () => {
    expect([1, 2, 3, 4, 5, 6, 20].map((attempt) => backoffMs(failed, attempt, () => 1))).toEqual([250, 500, 1000, 2000, 4000, 4000, 4000]);
    expect(backoffMs(failed, 3, () => 0)).toBe(0);
  });

  test("a short Retry-After is obeyed, a long one means: go elsewhere", () => {
    expect(backoffMs(new GatewayError("provider_rate_limited", "", { retryAfterMs: 700 }), 1, () => 0)).toBe(700);
    expect(backoffMs(new GatewayError("provider_rate_limited", "", { retryAfterMs: 30_000 }), 1, () => 0)).toBeUndefined();
  });

  test("a key rests for what is its own fault only, within bounds", () => {
    expect(keyRestMs(new GatewayError("provider_rate_limited", "", { retryAfterMs: 3_600_000 }))).toBe(60_000);
    expect(keyRestMs(new GatewayError("provider_auth", ""))).toBe(300_000);
    expect(keyRestMs(failed)).toBe(0);
  });
});
