import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { editDistance, nearest } from "./nearest.ts";

describe("nearest", () => {
  test("finds the name behind a slip of the hand", () => {
    const keys = ["route", "targets", "retry", "timeout", "cache", "guardrails"];
    expect(nearest("routes", keys)).toBe("route");
    expect(nearest("tragets", keys)).toBe("targets");
    expect(nearest("time_out", keys)).toBe("timeout");
    expect(nearest("Retry", keys)).toBe("retry");
    expect(nearest("guardrial", keys)).toBe("guardrails");
  });

  test("prefers the closest of several", () => {
    expect(nearest("gpt-5.4-mimi", ["gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano"])).toBe("gpt-5.4-mini");
  });

  test("reads spellings of one name as that name", () => {
    expect(nearest("baseUrl", ["api_key", "base_url"])).toBe("base_url");
    expect(nearest("base-url", ["api_key", "base_url"])).toBe("base_url");
  });

  test("says nothing when nothing is near", () => {
    expect(nearest("listen", ["providers", "models"])).toBeUndefined();
    expect(nearest("a", ["b", "c"])).toBeUndefined();
    expect(nearest("", ["b"])).toBeUndefined();
    expect(nearest("x", [])).toBeUndefined();
    expect(nearest("---", ["___"])).toBeUndefined();
  });

  test("takes names of the language as names", () => {
    expect(nearest("constructr", ["constructor", "__proto__"])).toBe("constructor");
  });

  test("stays fast on long input and long lists", () => {
    const candidates = Array.from({ length: 100_000 }, (_, index) => `model-${index}`);
    const begun = performance.now();
    nearest("x".repeat(1_000_000), candidates);
    nearest("model-99999999", candidates);
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});

describe("editDistance", () => {
  test("counts a swap of neighbours as one", () => {
    expect(editDistance("abcd", "abdc")).toBe(1);
    expect(editDistance("", "abc")).toBe(3);
    expect(editDistance("kitten", "sitting")).toBe(3);
  });

  test("is symmetric, and zero only for equal texts", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (left, right) => {
        const distance = editDistance(left, right);
        expect(distance).toBe(editDistance(right, left));
        expect(distance === 0).toBe(left === right);
        expect(distance).toBeLessThanOrEqual(Math.max(left.length, right.length));
      }),
    );
  });
});
