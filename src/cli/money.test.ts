import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exactUsd, formatUsd } from "./money.ts";

describe("dollars for people", () => {
  test.each([
    [0n, "$0.00"],
    [1n, "$0.000000000001"],
    [512_300n, "$0.000000512"],
    [12_345_000_000n, "$0.0123"],
    [100_000_000_000n, "$0.10"],
    [999_999_999_999n, "$1.00"],
    [1_000_000_000_000n, "$1.00"],
    [1_234_567_000_000_000n, "$1,234.57"],
    [92_233_720_368_547_758_070_000_000_000n, "$92,233,720,368,547,758.07"],
    [-12_345_000_000n, "-$0.0123"],
  ])("%s pico-dollars", (pico, text) => expect(formatUsd(pico)).toBe(text));
});

test("dollars for programs are exact", () => {
  expect(exactUsd(1_234_567_890_123n)).toBe("1.234567890123");
  expect(exactUsd(2_500_000_000_000n)).toBe("2.5");
  expect(exactUsd(0n)).toBe("0");
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (pico) => {
      const [whole = "", fraction = ""] = exactUsd(pico).split(".");
      return BigInt(whole + fraction.padEnd(12, "0")) === pico;
    }),
  );
});
