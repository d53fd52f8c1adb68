import { describe, expect, test } from "vitest";
import { displayWidth, formatList, formatMs, plural, printable, shorten } from "./text.ts";

describe("the width of a text on a terminal", () => {
  test.each([
    ["plain", 5],
    ["模型", 4],
    ["naïve", 5],
    ["nai\u0308ve", 5],
    ["👩‍👩‍👧", 2],
    ["ok ✅", 5],
    ["a\u200bb", 2],
    ["", 0],
  ])("%j takes %i columns", (text, width) => expect(displayWidth(text)).toBe(width));
});

test("nothing that steers a terminal gets through", () => {
  expect(printable("a\u001b[31mred\u0007\u009b\u202edecoy\nline")).toBe("a?[31mred????decoy?line".replace("????", "???"));
  expect(printable("模型 ✅")).toBe("模型 ✅");
});

test("what is too long ends with an ellipsis, within its columns", () => {
  expect(shorten("abcdef", 6)).toBe("abcdef");
  expect(shorten("abcdefg", 6)).toBe("abcde…");
  expect(shorten("模型模型", 6)).toBe("模型…");
});

test.each([
  [0, "0 ms"],
  [0.42, "420 µs"],
  [5.25, "5.3 ms"],
  [42.4, "42 ms"],
  [999.4, "999 ms"],
  [999.6, "1.00 s"],
  [1240, "1.24 s"],
  [12_340, "12.3 s"],
  [59_996, "1 m 00 s"],
  [185_000, "3 m 05 s"],
])("%f ms reads %s", (ms, text) => expect(formatMs(ms)).toBe(text));

test("lists and counts", () => {
  expect(formatList(["a", "b"], 2)).toBe("a, b");
  expect(formatList(["a", "b", "c", "d"], 2)).toBe("a, b and 2 more");
  expect(plural(1, "key")).toBe("1 key");
  expect(plural(1234, "key")).toBe("1,234 keys");
});
