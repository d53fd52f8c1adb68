import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isGatewayError } from "../../canonical/errors.ts";
import { frameReader } from "./framing.ts";
import { JsonLinesReader } from "./json-lines.ts";

const encoder = new TextEncoder();

function read(slices: readonly Uint8Array[], reader = new JsonLinesReader()): string[] {
  return [...slices.flatMap((slice) => reader.push(slice)), ...reader.end()].map(({ data }) => data);
}

function readText(text: string): string[] {
  return read([encoder.encode(text)]);
}

describe("JSON lines", () => {
  test("the framing goes by its name", () => {
    expect(frameReader("json-lines")).toBeInstanceOf(JsonLinesReader);
  });

  test("every line is a frame without a name", () => {
    const reader = new JsonLinesReader();
    expect(reader.push(encoder.encode('{"a":1}\n{"b":2}\n'))).toEqual([
      { event: "", data: '{"a":1}' },
      { event: "", data: '{"b":2}' },
    ]);
    expect(reader.end()).toEqual([]);
  });

  test("LF and CR LF, mixed; blank lines are none", () => {
    expect(readText('\n{"a":1}\r\n\r\n  \n{"b":2}\n\t\r\n')).toEqual(['{"a":1}', '{"b":2}']);
  });

  test("the last line may lack its end, and a byte order mark may stand first", () => {
    expect(readText('\uFEFF{"a":1}\n{"b":2}')).toEqual(['{"a":1}', '{"b":2}']);
  });

  test("separators that JSON allows within strings end no line", () => {
    expect(readText('{"a":"x\u2028y\u2029z\u0085"}\n')).toEqual(['{"a":"x\u2028y\u2029z\u0085"}']);
  });

  test("nothing at all holds no frame", () => {
    expect(read([])).toEqual([]);
    expect(read([new Uint8Array()])).toEqual([]);
  });

  test("cut at every byte, also inside of characters and between CR and LF, the frames are the same", () => {
    const bytes = encoder.encode('{"t":"naïve 日本 🙂"}\r\n\n{"two":2}\n{"three":3}');
    const whole = read([bytes]);
    expect(whole).toHaveLength(3);
    for (let cut = 0; cut <= bytes.length; cut++) expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
    expect(read(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(whole);
  });

  test("any slicing of any lines gives the same frames", () => {
    const value = fc.dictionary(fc.string({ unit: "grapheme", maxLength: 6 }), fc.string({ unit: "binary", maxLength: 8 }), { maxKeys: 3 });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 6 }),
        fc.constantFrom("\n", "\r\n"),
        fc.array(fc.nat(200)),
        (values, end, cuts) => {
          const lines = values.map((one) => JSON.stringify(one));
          const bytes = encoder.encode(lines.join(end));
          const sorted = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
          const slices = sorted.slice(1).map((cut, index) => bytes.subarray(sorted[index], cut));
          expect(read(slices)).toEqual(lines);
        },
      ),
    );
  });

  test("a line that does not end is refused, before it fills the memory", () => {
    const reader = new JsonLinesReader(100);
    const slice = encoder.encode("x".repeat(40));
    reader.push(slice);
    reader.push(slice);
    const thrown = (() => {
      try {
        return reader.push(slice);
      } catch (error) {
        return error;
      }
    })();
    expect(isGatewayError(thrown) && thrown.code).toBe("provider_bad_response");
  });

  test("many lines in one slice may be longer together than one may be", () => {
    const line = `{"a":"${"x".repeat(60)}"}\n`;
    expect(read([encoder.encode(line.repeat(10))], new JsonLinesReader(100))).toHaveLength(10);
  });

  test("a long line in small slices costs no more than its length", () => {
    const bytes = encoder.encode(`{"a":"${"x".repeat(2_000_000)}"}\n`);
    const slices: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += 100) slices.push(bytes.subarray(at, at + 100));
    const begun = performance.now();
    expect(read(slices)[0]).toHaveLength(bytes.length - 1);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
