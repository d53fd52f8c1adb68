import { describe, expect, test } from "vitest";
import { joinBase64, parseDataUrl, sniffAudio } from "./media.ts";
import { deal } from "./placement.ts";
import { ShortIds, syntheticId } from "./tool-ids.ts";

describe("data URLs", () => {
  test.each<[string, unknown]>([
    ["data:image/png;base64,AAAA", { kind: "base64", mediaType: "image/png", data: "AAAA" }],
    ["data:text/plain;charset=utf-8;base64,QQ==", { kind: "base64", mediaType: "text/plain", data: "QQ==" }],
    ["DATA:IMAGE/JPEG;BASE64,AA", { kind: "base64", mediaType: "image/jpeg", data: "AA" }],
    ["data:;base64,AA", { kind: "base64", mediaType: "", data: "AA" }],
    ["data:text/plain,Hello", undefined],
    ["data:image/png;base64", undefined],
    ["https://e.org/a,b", undefined],
  ])("%s", (url, expected) => {
    expect(parseDataUrl(url)).toEqual(expected);
  });

  test("a URL of thirty megabytes costs next to nothing", () => {
    const url = `data:image/png;base64,${"A".repeat(30_000_000)}`;
    const begun = performance.now();
    for (let round = 0; round < 100; round++) parseDataUrl(url);
    expect(performance.now() - begun).toBeLessThan(100);
  });

  test("base64 in pieces", () => {
    expect(joinBase64(["QUJD", "REVG"])).toBe("QUJDREVG");
    expect(joinBase64([btoa("a"), btoa("b")])).toBe(btoa("ab"));
    expect(joinBase64([])).toBe("");
  });

  test("sound by its first bytes", () => {
    expect([sniffAudio("UklGRiQ"), sniffAudio("SUQzBA"), sniffAudio("AAAA")]).toEqual(["audio/wav", "audio/mpeg", "audio/pcm"]);
  });
});

describe("dealing a message in the order it was made", () => {
  const marks = (...places: [number, number, string][]): { place: { text: number; calls: number }; mark: string }[] =>
    places.map(([text, calls, mark]) => ({ place: { text, calls }, mark }));
  const told = (texts: string[], calls: number, list: ReturnType<typeof marks>): string[] =>
    deal(
      texts.map((text) => ({ text })),
      calls,
      list,
    ).map((one) => (one.kind === "text" ? one.text.text : one.kind === "call" ? `#${one.index}` : one.mark));

  test("without marks: words, then calls", () => {
    expect(told(["ab", "c"], 2, [])).toEqual(["ab", "c", "#0", "#1"]);
  });

  test("marks cut the words where they stood", () => {
    expect(told(["abcd", "ef"], 2, marks([0, 0, "R"], [3, 0, "S"], [4, 1, "T"], [99, 99, "U"]))).toEqual([
      "R",
      "abc",
      "S",
      "d",
      "#0",
      "T",
      "ef",
      "#1",
      "U",
    ]);
  });
});

describe("ids", () => {
  test("nine letters and digits, distinct for thousands", () => {
    const ids = new ShortIds();
    const short = Array.from({ length: 5000 }, (_, index) => ids.of(`toolu_${index}`));
    expect(new Set(short).size).toBe(5000);
    expect(short.every((id) => /^[A-Za-z0-9]{9}$/.test(id))).toBe(true);
    expect(new ShortIds().of("toolu_7")).toBe(short[7] as string);
  });

  test("made-up ids differ by reply, choice and call", () => {
    const ids = ["a", "b"].flatMap((seed) => [0, 1].flatMap((choice) => [0, 1].map((call) => syntheticId(seed, choice, call))));
    expect(new Set(ids).size).toBe(8);
  });
});
