import { describe, expect, test } from "vitest";
import { countRequest, countText, estimate } from "./token-count.ts";

describe("text", () => {
  // Characters a token in the recorded answers that it was calibrated on: 4.4 to 5.1 for prose, 3.2 for JSON.
  test.each([
    [
      "English prose",
      "A holiday is a day set aside by custom or by law on which normal activities, especially business or work, are suspended.",
      4.2,
      5.4,
    ],
    [
      "JSON",
      '{"name": "Ada Lovelace", "born": 1815, "fields": ["mathematics", "computing"], "notes": "first of all programmers"}',
      2.6,
      3.8,
    ],
  ])("%s has as many characters a token as vendors counted", (_, text, least, most) => {
    expect(text.length / countText(text)).toBeGreaterThan(least);
    expect(text.length / countText(text)).toBeLessThan(most);
  });

  test("nothing is nothing, and more text is never less", () => {
    expect(countText("")).toBe(0);
    for (const piece of ["a", " ", "\n", "7", "字", "й", "🙂", "-", "é"]) {
      for (let length = 1; length < 50; length++)
        expect(countText(piece.repeat(length))).toBeGreaterThanOrEqual(countText(piece.repeat(length - 1)) - 1);
    }
  });

  test("scripts without spaces cost about a token a character", () => {
    expect(countText("今日はとても良い天気ですね")).toBeGreaterThan(9);
    expect(countText("今日はとても良い天気ですね")).toBeLessThan(15);
  });

  test("a megabyte takes less than a tenth of a second", () => {
    const text = "The quick brown fox, 1234 times. ".repeat(32_000);
    const begun = performance.now();
    estimate.text(text);
    expect(performance.now() - begun).toBeLessThan(100);
  });
});

describe("a conversation", () => {
  test("counts all that the model is given", () => {
    const bare = countRequest({ model: "m", stream: false, messages: [{ role: "user", content: [{ type: "text", text: "hello" }] }] });
    const full = countRequest({
      model: "m",
      stream: false,
      messages: [
        { role: "system", content: [{ type: "text", text: "Be brief." }] },
        {
          role: "user",
          content: [
            { type: "text", text: "hello" },
            { type: "image", source: { kind: "url", url: "https://x.example/a.png" } },
          ],
        },
        { role: "assistant", content: [{ type: "tool-call", id: "1", name: "look", kind: "function", arguments: '{"at":"it"}' }] },
        { role: "tool", content: [{ type: "tool-result", callId: "1", content: [{ type: "text", text: "a cat" }] }] },
      ],
      tools: [
        {
          kind: "function",
          name: "look",
          description: "Looks at something.",
          parameters: { type: "object", properties: { at: { type: "string" } } },
        },
      ],
    });
    expect(bare).toBe(8);
    expect(full).toBeGreaterThan(1500 + bare);
  });

  test("an exact counter can take the estimate's place", () => {
    expect(
      countRequest(
        { model: "m", stream: false, messages: [{ role: "user", content: [{ type: "text", text: "hello" }] }] },
        { text: () => 100 },
      ),
    ).toBe(107);
  });
});
