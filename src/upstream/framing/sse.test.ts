import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lastBoundary, SseReader } from "./sse.ts";
import type { SseFrame } from "./sse.ts";

const encoder = new TextEncoder();

function read(slices: readonly Uint8Array[]): SseFrame[] {
  const reader = new SseReader();
  return [...slices.flatMap((slice) => reader.push(slice)), ...reader.end()];
}

function readText(text: string): SseFrame[] {
  return read([encoder.encode(text)]);
}

describe("server-sent events", () => {
  test("names, data, comments and fields nobody needs", () => {
    expect(readText(': hello\nevent: a\nid: 7\nretry: 3\nodd\ndata: {"x":1}\n\ndata:no space\n\n')).toEqual([
      { event: "a", data: '{"x":1}' },
      { event: "", data: "no space" },
    ]);
  });

  test("several data lines are joined by newlines", () => {
    expect(readText("data: a\ndata:\ndata: b\n\n")).toEqual([{ event: "", data: "a\n\nb" }]);
  });

  test("all three kinds of line end, mixed", () => {
    expect(readText("data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\ndata: e\n\r\n")).toEqual(["a", "b", "c", "d", "e"].map((data) => ({ event: "", data })));
  });

  test("keep-alives that a gateway wrapped as data are no events", () => {
    expect(readText("data: : keepalive\n\n: OPENROUTER PROCESSING\n\ndata: a\n\n")).toEqual([{ event: "", data: "a" }]);
  });

  test("the last event may lack its blank line, and a byte order mark may stand first", () => {
    expect(readText("\uFEFFdata: a\n\ndata: b")).toEqual([
      { event: "", data: "a" },
      { event: "", data: "b" },
    ]);
  });

  test("cut at every byte, also inside of characters and between CR and LF, the events are the same", () => {
    const text = 'event: x\r\ndata: {"t":"naïve 日本 🙂"}\r\n\r\ndata: two\n\n: c\ndata: [DONE]\n\n';
    const bytes = encoder.encode(text);
    const whole = read([bytes]);
    expect(whole).toHaveLength(3);
    for (let cut = 0; cut <= bytes.length; cut++) expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
    expect(read(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(whole);
  });

  test("any slicing of any events gives the same events", () => {
    const line = fc.string({ unit: fc.constantFrom("a", "é", "🙂", " ", ":") });
    fc.assert(
      fc.property(fc.array(line.filter((text) => text !== "" && !text.startsWith(":") && !text.startsWith(" ")), { minLength: 1 }), fc.constantFrom("\n", "\r\n"), fc.array(fc.nat(60)), (lines, end, cuts) => {
        const bytes = encoder.encode(lines.map((text) => `data: ${text}${end}${end}`).join(""));
        const sorted = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
        const slices = sorted.slice(1).map((cut, index) => bytes.subarray(sorted[index], cut));
        expect(read(slices).map((frame) => frame.data)).toEqual(lines);
      }),
    );
  });

  test("the last boundary ends the last whole event", () => {
    expect(lastBoundary("data: a\n\ndata: b")).toBe(9);
    expect(lastBoundary("data: a\n\ndata: b\n\n")).toBe(18);
    expect(lastBoundary("data: a\r\n\r\ndata: b\r\n")).toBe(11);
    expect(lastBoundary("data: a")).toBe(0);
  });
});
