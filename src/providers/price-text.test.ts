import { describe, expect, test } from "vitest";
import { parsePrices } from "./price-text.ts";

describe("parsePrices", () => {
  test("reads the classes of tokens", () => {
    expect(parsePrices("i2.5 o15 r.25 w3.125 W5 t20 a40 A80 g1 G30")).toEqual({
      input: 2_500_000,
      output: 15_000_000,
      cacheRead: 250_000,
      cacheWrite: 3_125_000,
      cacheWriteLong: 5_000_000,
      reasoning: 20_000_000,
      audioInput: 40_000_000,
      audioOutput: 80_000_000,
      imageInput: 1_000_000,
      imageOutput: 30_000_000,
    });
  });

  test("reads what is paid for one thing", () => {
    expect(parsePrices("i1 o2 q.005 s.01")).toEqual({ input: 1_000_000, output: 2_000_000, request: 5e9, webSearch: 1e10 });
  });

  test("reads long contexts", () => {
    expect(parsePrices("i1 o2 >200000 i2 o3 >500000 i4")).toEqual({
      input: 1_000_000,
      output: 2_000_000,
      tiers: [
        { above: 200_000, input: 2_000_000, output: 3_000_000 },
        { above: 500_000, input: 4_000_000 },
      ],
    });
  });

  test("reads hours and days", () => {
    expect(parsePrices("i1 @60-240w i2 @360-600 i3 >5 i4 ^2026-12-01 i9")).toEqual({
      input: 1_000_000,
      windows: [
        { fromMinute: 60, toMinute: 240, weekdays: true, prices: { input: 2_000_000 } },
        { fromMinute: 360, toMinute: 600, weekdays: false, prices: { input: 3_000_000, tiers: [{ above: 5, input: 4_000_000 }] } },
      ],
      changes: [{ from: Date.UTC(2026, 11, 1), prices: { input: 9_000_000 } }],
    });
  });

  test.each(["", "x1", "i", "i-1", "iNaN", "i1 o", "i1  o2", "i1 @sometimes i2", "q", "s-1"])("refuses %j", (text) => {
    expect(() => parsePrices(text)).toThrow();
  });
});
