import { expect, test } from "vitest";
import fc from "fast-check";
import { embeddings, fromBase64, toBase64 } from "./embeddings.ts";

test("32-bit floats survive base64 exactly, both ways", () => {
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true }), { maxLength: 200 }), (vector) => {
      const bytes = new Uint8Array(new Float32Array(vector).buffer);
      const text = toBase64(vector);
      expect(text).toBe(Buffer.from(bytes).toString("base64"));
      expect(new Uint8Array(new Float32Array(fromBase64(text) ?? []).buffer)).toEqual(bytes);
    }),
  );
});

test("numbers read from base64 are written as short as they can be", () => {
  expect(fromBase64(toBase64([0.1, -0.033020019531, 1e-10]))).toEqual([0.1, -0.03302002, 1e-10]);
  expect(fromBase64("abc")).toBeUndefined();
  expect(fromBase64("!!!!")).toBeUndefined();
});

test("a reply may put its list in any order", () => {
  const reply = embeddings.decodeReply({
    data: [
      { index: 1, embedding: [2] },
      { index: 0, embedding: [1] },
    ],
    usage: { total_tokens: 3 },
  });
  expect(reply).toMatchObject({ vectors: [[1], [2]], usage: { input: 3, output: 0 } });
});

test("a reply that is none is said to be none", () => {
  expect(() => embeddings.decodeReply({})).toThrow(expect.objectContaining({ code: "provider_bad_response" }) as Error);
  expect(() => embeddings.decodeReply({ data: [{ embedding: "?" }] })).toThrow(
    expect.objectContaining({ code: "provider_bad_response" }) as Error,
  );
});
