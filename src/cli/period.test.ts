import { describe, expect, test } from "vitest";
import { parsePeriod, periodWords } from "./period.ts";
import { noon } from "./testing/world.ts";

describe("a period", () => {
  test("--last counts back from now", () => {
    expect(parsePeriod({ last: "7d" }, noon)).toEqual({ from: noon - 7 * 86_400_000 });
  });

  test("--from and --to are days in UTC, the last one with all of its hours", () => {
    expect(parsePeriod({ from: "2026-11-01", to: "2026-11-02" }, noon)).toEqual({ from: Date.UTC(2026, 10, 1), to: Date.UTC(2026, 10, 3) });
    expect(parsePeriod({ from: "2026-11-01T08:00", to: "2026-11-01T10:00" }, noon)).toEqual({
      from: Date.UTC(2026, 10, 1, 8),
      to: Date.UTC(2026, 10, 1, 10),
    });
    expect(parsePeriod({}, noon)).toEqual({});
  });

  test.each([
    { last: "7" },
    { last: "0d" },
    { last: "7d", from: "2026-11-01" },
    { from: "yesterday" },
    { from: "2026-02-30" },
    { from: "2026-11-02", to: "2026-11-01" },
  ])("%j is the user's mistake", (options) => {
    expect(() => parsePeriod(options, noon)).toThrow();
  });

  test("is named in the heading", () => {
    expect(periodWords({ last: "7d" })).toBe("the last 7d");
    expect(periodWords({})).toBe("all time");
    expect(periodWords({ from: "2026-11-01" })).toBe("since 2026-11-01");
  });
});
