import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isGatewayError } from "../../canonical/errors.ts";
import { checksum, concat, encodeEvent, encodeException, encodeMessage } from "./aws-event-samples.ts";
import type { HeaderValue } from "./aws-event-samples.ts";
import { AwsEventStreamReader } from "./aws-event-stream.ts";
import { frameReader } from "./framing.ts";
import type { Frame } from "./framing.ts";

// An independent implementation of the format, where it is installed.
const oraclePackage: string = "@smithy/eventstream-codec";
interface Oracle {
  encode(message: { headers: Record<string, { type: string; value: unknown }>; body: Uint8Array }): Uint8Array;
}
type OracleModule = { EventStreamCodec: new (toUtf8: (bytes: Uint8Array) => string, fromUtf8: (text: string) => Uint8Array) => Oracle };
const oracle = (await import(oraclePackage).catch(() => undefined)) as OracleModule | undefined;

/** Of one byte to four, and signs that mean something somewhere. */
const letter = fc.constantFrom("a", "Z", "0", "é", "日", "🙂", "\u2028", "\uFEFF", "\0", "\n", " ", "%", "/", "-", '"', "\\");
const encoder = new TextEncoder();

function read(slices: readonly Uint8Array[]): Frame[] {
  const reader = new AwsEventStreamReader();
  return [...slices.flatMap((slice) => reader.push(slice)), ...reader.end()];
}

function sliced(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const sorted = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return sorted.slice(1).map((cut, index) => bytes.subarray(sorted[index], cut));
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "none";
  } catch (thrown) {
    return isGatewayError(thrown) ? thrown.code : String(thrown);
  }
}

const stream = concat([
  encodeEvent("messageStart", '{"role":"assistant","p":"abc"}'),
  encodeEvent("contentBlockDelta", '{"contentBlockIndex":0,"delta":{"text":"naïve 日本 🙂"}}'),
  encodeException("throttlingException", '{"message":"slow down"}'),
]);
const frames: Frame[] = [
  { event: "messageStart", data: '{"role":"assistant","p":"abc"}' },
  { event: "contentBlockDelta", data: '{"contentBlockIndex":0,"delta":{"text":"naïve 日本 🙂"}}' },
  { event: "exception:throttlingException", data: '{"message":"slow down"}' },
];

describe("Amazon's event stream", () => {
  test("events by their name, exceptions by their type", () => {
    expect(read([stream])).toEqual(frames);
  });

  test("is found by the name of the framing", () => {
    expect(frameReader("aws-event-stream").push(stream)).toEqual(frames);
  });

  test("an error that no model describes has its words in a header", () => {
    const error = encodeMessage(
      { ":message-type": "error", ":error-code": "InternalError", ":error-message": "An internal server error occurred" },
      "",
    );
    expect(read([error])).toEqual([{ event: "error:InternalError", data: '{"message":"An internal server error occurred"}' }]);
  });

  test("headers of every type are stepped over", () => {
    const headers: Record<string, HeaderValue> = {
      on: true,
      off: false,
      count: 7n,
      blob: Uint8Array.of(1, 2, 3),
      ":event-type": "metadata",
    };
    expect(read([encodeMessage(headers, "{}")])).toEqual([{ event: "metadata", data: "{}" }]);
    // byte, short, integer, timestamp and UUID, which no encoder of ours writes.
    const others = Uint8Array.of(
      1,
      97,
      2,
      9,
      1,
      98,
      3,
      0,
      9,
      1,
      99,
      4,
      0,
      0,
      0,
      9,
      1,
      100,
      8,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      9,
      1,
      101,
      9,
      ...new Uint8Array(16),
    );
    expect(read([withHeaders(others)])).toEqual([{ event: "", data: "{}" }]);
  });

  test("an empty payload and no headers at all are a message", () => {
    expect(read([encodeMessage({}, "")])).toEqual([{ event: "", data: "" }]);
  });

  test("a byte order mark is part of the payload", () => {
    expect(read([encodeEvent("a", "\uFEFFx")])).toEqual([{ event: "a", data: "\uFEFFx" }]);
  });

  test("cut at every byte, the frames are the same", () => {
    for (let cut = 0; cut <= stream.length; cut++) expect(read([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(frames);
    expect(read(Array.from(stream, (_, at) => stream.subarray(at, at + 1)))).toEqual(frames);
  });

  test("a frame comes with its last byte, not later", () => {
    const reader = new AwsEventStreamReader();
    const one = encodeEvent("a", "{}");
    expect(reader.push(one.subarray(0, -1))).toEqual([]);
    expect(reader.push(one.subarray(-1))).toEqual([{ event: "a", data: "{}" }]);
  });

  test("slices may be parts of a larger buffer, which may be used again", () => {
    const larger = concat([encoder.encode("before"), stream, encoder.encode("after")]);
    const reader = new AwsEventStreamReader();
    const got: Frame[] = [];
    const shared = new Uint8Array(64);
    for (let at = 6; at < 6 + stream.length; at += 50) {
      const piece = larger.subarray(at, Math.min(at + 50, 6 + stream.length));
      shared.set(piece);
      got.push(...reader.push(shared.subarray(0, piece.length)));
      shared.fill(0);
    }
    expect(got).toEqual(frames);
  });

  test("any slicing of any messages gives the same frames", () => {
    const message = fc.record({
      event: fc.string({ unit: letter, maxLength: 20 }),
      data: fc.string({ unit: letter, maxLength: 80 }),
    });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(1000), { maxLength: 8 }), (messages, cuts) => {
        const wellFormed = messages.map(({ event, data }) => ({ event: toWellFormed(event), data: toWellFormed(data) }));
        const bytes = concat(wellFormed.map(({ event, data }) => encodeEvent(event, data)));
        expect(read(sliced(bytes, cuts))).toEqual(wellFormed);
      }),
    );
  });

  test("a long message in many slices", () => {
    const data = "x".repeat(500_000);
    const bytes = encodeEvent("long", data);
    const cuts = Array.from({ length: 300 }, (_, index) => index * 1700);
    expect(read(sliced(bytes, cuts))).toEqual([{ event: "long", data }]);
  });

  test("half a message at the end is none", () => {
    expect(read([stream.subarray(0, -5)])).toEqual(frames.slice(0, 2));
  });
});

describe("a broken event stream", () => {
  test("one wrong bit anywhere is never read as a message", () => {
    const message = encodeEvent("contentBlockDelta", '{"delta":{"text":"hello"}}');
    for (let at = 0; at < message.length; at++) {
      const damaged = message.slice();
      damaged[at] = (damaged[at] as number) ^ 1;
      expect(codeOf(() => read([damaged, damaged]))).toBe("provider_bad_response");
    }
  });

  test("what is no event stream at all", () => {
    for (const text of ['data: {"a":1}\n\n', '{"message":"Internal Server Error"}', "<html><body>502 Bad Gateway</body></html>"]) {
      expect(codeOf(() => read([encoder.encode(text)]))).toBe("provider_bad_response");
    }
  });

  test("lengths out of bounds are refused before they are waited for", () => {
    for (const [total, headers] of [
      [4_000_000_000, 0],
      [30 << 20, 0],
      [1 << 20, 200_000],
      [15, 0],
      [40, 30],
    ] as const) {
      expect(codeOf(() => read([prelude(total, headers)]))).toBe("provider_bad_response");
    }
  });

  test("headers that do not add up", () => {
    for (const bytes of [Uint8Array.of(9, 97), Uint8Array.of(1, 97, 7, 0, 9, 98), Uint8Array.of(1, 97, 12), Uint8Array.of(1, 97, 5, 0)]) {
      expect(codeOf(() => read([withHeaders(bytes)]))).toBe("provider_bad_response");
    }
  });
});

describe.skipIf(!oracle)(`against an independent encoder${oracle ? "" : `: SKIPPED, ${oraclePackage} is not installed`}`, () => {
  test("what it writes is read", () => {
    const { EventStreamCodec } = oracle as OracleModule;
    const theirs = new EventStreamCodec(
      (bytes) => new TextDecoder().decode(bytes),
      (text) => encoder.encode(text),
    );
    const text = fc.string({ unit: letter, maxLength: 30 });
    fc.assert(
      fc.property(
        text,
        text,
        fc.uint8Array({ maxLength: 20 }),
        fc.boolean(),
        fc.integer({ min: -128, max: 127 }),
        fc.array(fc.nat(400)),
        (event, payload, blob, flag, byte, cuts) => {
          const message = theirs.encode({
            headers: {
              blob: { type: "binary", value: blob },
              flag: { type: "boolean", value: flag },
              byte: { type: "byte", value: byte },
              short: { type: "short", value: byte },
              when: { type: "timestamp", value: new Date(1e12) },
              id: { type: "uuid", value: "6b1f2c70-9d7e-4f62-8b39-0f5a3f9d1f00" },
              ":message-type": { type: "string", value: "event" },
              ":event-type": { type: "string", value: event },
            },
            body: encoder.encode(payload),
          });
          expect(read(sliced(message, cuts))).toEqual([{ event: toWellFormed(event), data: toWellFormed(payload) }]);
        },
      ),
    );
  });
});

/** What is left of a text when it has been bytes: lone surrogates become U+FFFD. */
function toWellFormed(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(encoder.encode(text));
}

/** A message whose headers are these bytes, checksums right. */
function withHeaders(headers: Uint8Array): Uint8Array {
  const whole = encodeMessage({}, concat([headers, encoder.encode("{}")]));
  const view = new DataView(whole.buffer);
  view.setUint32(4, headers.byteLength);
  view.setUint32(8, checksum(whole.subarray(0, 8)));
  view.setUint32(whole.byteLength - 4, checksum(whole.subarray(0, -4)));
  return whole;
}

function prelude(total: number, headers: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, total);
  view.setUint32(4, headers);
  view.setUint32(8, checksum(bytes.subarray(0, 8)));
  return bytes;
}
