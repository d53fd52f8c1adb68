import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Usage } from "../canonical/usage.ts";
import { costOf, type Prices, pricesAt, pricesFrom, toUsd } from "./cost.ts";

const sonnet = pricesFrom({ input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75, cacheWriteLong: 6 });

/** Micro-dollars, as a person would work them out from the price list. */
const microUsd = (usage: Usage, prices: Prices): number | undefined => {
  const pico = costOf(usage, prices);
  return pico === undefined ? undefined : pico / 1e6;
};

describe("by hand, to the micro-dollar", () => {
  const table: [string, Usage, Prices, number | undefined][] = [
    ["1,000 × 3 + 500 × 15", { input: 1000, output: 500 }, sonnet, 10_500],
    ["cache read is a part of the input: 800 × 3 + 200 × 0.3 + 500 × 15", { input: 1000, output: 500, cacheRead: 200 }, sonnet, 9960],
    ["cache written for five minutes: 700 × 3 + 300 × 3.75", { input: 1000, output: 0, cacheWrite: 300 }, sonnet, 3225],
    [
      "and partly for an hour: 700 × 3 + 200 × 3.75 + 100 × 6",
      { input: 1000, output: 0, cacheWrite: 300, cacheWriteLong: 100 },
      sonnet,
      3450,
    ],
    [
      "all at once: 500 × 3 + 200 × 0.3 + 200 × 3.75 + 100 × 6 + 50 × 15",
      { input: 1000, output: 50, cacheRead: 200, cacheWrite: 300, cacheWriteLong: 100 },
      sonnet,
      3660,
    ],
    ["reasoning without a price of its own is output", { input: 0, output: 100, reasoning: 80 }, sonnet, 1500],
    [
      "reasoning with one: 20 × 8 + 80 × 3",
      { input: 0, output: 100, reasoning: 80 },
      pricesFrom({ input: 2, output: 8, reasoning: 3 }),
      400,
    ],
    [
      "audio: 100 × 2.5 + 900 × 40 + 10 × 10 + 90 × 80",
      { input: 1000, output: 100, audioInput: 900, audioOutput: 90 },
      pricesFrom({ input: 2.5, output: 10, audioInput: 40, audioOutput: 80 }),
      43_550,
    ],
    [
      "an image made: 100 × 0.3 + 1,290 × 30",
      { input: 100, output: 1290, imageOutput: 1290 },
      pricesFrom({ input: 0.3, output: 2.5, imageOutput: 30 }),
      38_730,
    ],
    [
      "a price for the call: 10 × 1 + 10 × 1 + 0.005 dollars",
      { input: 10, output: 10 },
      { ...pricesFrom({ input: 1, output: 1 }), request: 5e9 },
      5020,
    ],
    [
      "three searches at a cent",
      { input: 0, output: 0, serverTools: { web_search_requests: 3, web_fetch_requests: 9, file_search: 4 } },
      { ...sonnet, webSearch: 1e10 },
      30_000,
    ],
    ["half price in the tier flex", { input: 1000, output: 0, serviceTier: "flex" }, { ...sonnet, service: { flex: 50 } }, 1500],
    ["the usual price in any other", { input: 1000, output: 0, serviceTier: "constructor" }, { ...sonnet, service: { flex: 50 } }, 3000],
    [
      "cache read without a price costs what input costs",
      { input: 1000, output: 0, cacheRead: 400 },
      pricesFrom({ input: 3, output: 15 }),
      3000,
    ],
    [
      "cache write without a price as well",
      { input: 1000, output: 0, cacheWrite: 400, cacheWriteLong: 400 },
      pricesFrom({ input: 3, output: 15 }),
      3000,
    ],
    [
      "an hour's write without a price costs what a short one costs",
      { input: 400, output: 0, cacheWrite: 400, cacheWriteLong: 400 },
      pricesFrom({ input: 3, output: 15, cacheWrite: 4 }),
      1600,
    ],
    ["output that nobody has priced", { input: 10, output: 1 }, pricesFrom({ input: 3 }), undefined],
    ["no output, no price needed", { input: 10, output: 0 }, pricesFrom({ input: 3 }), 30],
    ["free is zero", { input: 10, output: 10 }, pricesFrom({ input: 0, output: 0 }), 0],
    [
      "a provider that leaves cached tokens out of its input is still charged for them",
      { input: 10, output: 0, cacheRead: 1000 },
      sonnet,
      300,
    ],
  ];
  test.each(table)("%s", (_, usage, prices, expected) => {
    expect(microUsd(usage, prices)).toBe(expected);
  });

  test("dollars, for people", () => {
    expect(toUsd(costOf({ input: 1000, output: 500 }, sonnet) ?? 0)).toBe(0.0105);
  });
});

describe("long contexts", () => {
  const gemini: Prices = {
    ...pricesFrom({ input: 1.25, output: 10, cacheRead: 0.125 }),
    tiers: [{ above: 200_000, ...pricesFrom({ input: 2.5, output: 15 }) }],
  };

  test("at the threshold the usual price holds", () => {
    expect(microUsd({ input: 200_000, output: 100 }, gemini)).toBe(251_000);
  });

  test("one token more, and the whole call costs the tier's price", () => {
    expect(microUsd({ input: 200_001, output: 100 }, gemini)).toBe(501_502.5);
    expect(microUsd({ input: 300_000, output: 500 }, gemini)).toBe(757_500);
  });

  test("cached tokens count for the threshold, and keep their price where the tier has none", () => {
    expect(microUsd({ input: 300_000, output: 0, cacheRead: 299_000 }, gemini)).toBe(1000 * 2.5 + 299_000 * 0.125);
  });

  test("of several tiers the highest one passed holds", () => {
    const prices: Prices = {
      input: 1,
      tiers: [
        { above: 10, input: 2 },
        { above: 20, input: 3 },
      ],
    };
    expect([10, 11, 20, 21].map((input) => costOf({ input, output: 0 }, prices))).toEqual([10, 22, 40, 63]);
  });
});

describe("prices that change with time", () => {
  const peak: Prices = { input: 3 };
  const prices: Prices = {
    input: 1,
    windows: [
      { fromMinute: 60, toMinute: 240, weekdays: true, prices: peak },
      { fromMinute: 1380, toMinute: 30, prices: { input: 2 } },
    ],
    changes: [{ from: Date.parse("2026-12-01"), prices: { input: 9 } }],
  };
  const at = (time: string) => costOf({ input: 1, output: 0 }, prices, Date.parse(time));

  test.each([
    ["2026-11-20T00:59:59Z", 1], // a Friday
    ["2026-11-20T01:00:00Z", 3],
    ["2026-11-20T03:59:59Z", 3],
    ["2026-11-20T04:00:00Z", 1],
    ["2026-11-21T02:00:00Z", 1], // a Saturday
    ["2026-11-20T23:30:00Z", 2],
    ["2026-11-21T00:29:00Z", 2],
    ["2026-11-30T23:59:59Z", 2],
    ["2026-12-01T00:00:00Z", 9],
    ["2027-01-01T02:00:00Z", 9],
  ])("%s", (time, expected) => {
    expect(at(time)).toBe(expected);
  });

  test("without a moment, the usual price", () => {
    expect(costOf({ input: 1, output: 0 }, prices)).toBe(1);
    expect(pricesAt(sonnet, 0)).toBe(sonnet);
  });
});

describe("whatever comes", () => {
  const tokens = fc.nat({ max: 2_000_000 });
  const rate = fc.nat({ max: 700_000_000 });
  const usages = fc
    .record({ fresh: tokens, cacheRead: tokens, short: tokens, long: tokens, text: tokens, reasoning: tokens })
    .map(({ fresh, cacheRead, short, long, text, reasoning }): Usage => ({
      input: fresh + cacheRead + short + long,
      output: text + reasoning,
      cacheRead,
      cacheWrite: short + long,
      cacheWriteLong: long,
      reasoning,
    }));
  const prices: fc.Arbitrary<Prices> = fc.record(
    { input: rate, output: rate, cacheRead: rate, cacheWrite: rate, cacheWriteLong: rate, reasoning: rate },
    { requiredKeys: ["input", "output"] },
  );

  const exact = (usage: Usage, rates: Prices): bigint => {
    const { input = 0, output = 0, cacheRead = input, cacheWrite = input, cacheWriteLong = cacheWrite, reasoning = output } = rates;
    const [read = 0, write = 0, long = 0, thought = 0] = [usage.cacheRead, usage.cacheWrite, usage.cacheWriteLong, usage.reasoning];
    const terms = [
      [usage.input - read - write, input],
      [read, cacheRead],
      [write - long, cacheWrite],
      [long, cacheWriteLong],
      [usage.output - thought, output],
      [thought, reasoning],
    ];
    return terms.reduce((sum, [count = 0, price = 0]) => sum + BigInt(count) * BigInt(price), 0n);
  };

  test("it is what big integers say, to the last pico-dollar", () => {
    fc.assert(
      fc.property(usages, prices, (usage, rates) => {
        expect(costOf(usage, rates)).toBe(Number(exact(usage, rates)));
      }),
      { numRuns: 500 },
    );
  });

  test("two calls together cost what they cost apart", () => {
    fc.assert(
      fc.property(usages, usages, prices, (one, other, rates) => {
        const sum = (name: keyof Usage): number => ((one[name] as number | undefined) ?? 0) + ((other[name] as number | undefined) ?? 0);
        const both: Usage = {
          input: sum("input"),
          output: sum("output"),
          cacheRead: sum("cacheRead"),
          cacheWrite: sum("cacheWrite"),
          cacheWriteLong: sum("cacheWriteLong"),
          reasoning: sum("reasoning"),
        };
        const together = exact(both, rates);
        fc.pre(together <= BigInt(Number.MAX_SAFE_INTEGER));
        expect(costOf(both, rates)).toBe((costOf(one, rates) ?? 0) + (costOf(other, rates) ?? 0));
      }),
    );
  });

  test("it is never negative, and never a fraction", () => {
    const anything = fc.oneof(fc.integer(), fc.double(), fc.constant(undefined));
    const wild = fc.record({
      input: anything,
      output: anything,
      cacheRead: anything,
      cacheWrite: anything,
      cacheWriteLong: anything,
      reasoning: anything,
      audioInput: anything,
      imageOutput: anything,
    });
    fc.assert(
      fc.property(wild, prices, fc.nat({ max: 300 }), (usage, rates, percent) => {
        const cost = costOf({ ...usage, serviceTier: "x" } as Usage, {
          ...rates,
          service: { x: percent },
          tiers: [{ above: 1000, input: 5 }],
        });
        expect(Number.isInteger(cost)).toBe(true);
        expect(cost).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("more tokens never cost less", () => {
    fc.assert(
      fc.property(usages, prices, tokens, (usage, rates, more) => {
        expect(costOf({ ...usage, input: usage.input + more, output: usage.output + more }, rates)).toBeGreaterThanOrEqual(
          costOf(usage, rates) ?? 0,
        );
      }),
    );
  });
});
