import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Boundaries, SseReader } from "./sse.ts";
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
    expect(readText("data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\ndata: e\n\r\n")).toEqual(
      ["a", "b", "c", "d", "e"].map((data) => ({ event: "", data })),
    );
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
      fc.property(
        fc.array(
          line.filter((text) => text !== "" && !text.startsWith(":") && !text.startsWith(" ")),
          { minLength: 1 },
        ),
        fc.constantFrom("\n", "\r\n"),
        fc.array(fc.nat(60)),
        (lines, end, cuts) => {
          const bytes = encoder.encode(lines.map((text) => `data: ${text}${end}${end}`).join(""));
          const sorted = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
          const slices = sorted.slice(1).map((cut, index) => bytes.subarray(sorted[index], cut));
          expect(read(slices).map((frame) => frame.data)).toEqual(lines);
        },
      ),
    );
  });

  test("an event without end is given up", () => {
    const reader = new SseReader();
    const piece = encoder.encode("a".repeat(1 << 20));
    reader.push(encoder.encode('data: {"x":"'));
    expect(() => {
      for (let turn = 0; turn < 17; turn++) reader.push(piece);
    }).toThrow(/more than 16777216 bytes/);
  });

  test("a long event in small pieces is looked at once", () => {
    const reader = new SseReader();
    const begun = performance.now();
    reader.push(encoder.encode('data: {"x":"'));
    for (let turn = 0; turn < 2000; turn++) expect(reader.push(encoder.encode("a".repeat(4000)))).toEqual([]);
    expect(reader.push(encoder.encode('"}\n\n'))[0]?.data).toHaveLength(8_000_008);
    expect(performance.now() - begun).toBeLessThan(1500);
  });
});

describe("the boundaries of events", () => {
  test("the last one ends the last whole event", () => {
    for (const [text, end] of [
      ["data: a\n\ndata: b", 9],
      ["data: a\n\ndata: b\n\n", 18],
      ["data: a\r\n\r\ndata: b\r\n", 11],
      ["data: a\r\rdata: b", 9],
      ["data: a", -1],
      ["data: a\n", -1],
      // A LF may still follow.
      ["data: a\r\n\r", -1],
    ] as const) {
      expect([text, new Boundaries().last(text)]).toEqual([text, end]);
    }
  });

  test("are the same in any slicing", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "\n", "\n", "\r", "\r\n"), minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(30)), (text, cuts) => {
        const edges = [...new Set([0, ...cuts.map((cut) => cut % text.length), text.length])].sort((a, b) => a - b);
        const boundaries = new Boundaries();
        let last = -1;
        edges.slice(1).forEach((edge, index) => {
          const start = edges[index] as number;
          const found = boundaries.last(text.slice(start, edge));
          if (found >= 0) last = start + found;
        });
        expect(last).toBe(new Boundaries().last(text));
      }),
      { numRuns: 2000 },
    );
  });
});
