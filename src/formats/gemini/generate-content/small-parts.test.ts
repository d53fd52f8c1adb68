import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OpaqueState } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { toInputObject } from "./arguments.ts";
import { historyCallId, isMadeUp, orphanId, replyCallId } from "./call-ids.ts";
import { decodeCitations, encodeGrounding } from "./citations.ts";
import { fromWireName, toWireName } from "./names.ts";
import { parsePath } from "./partial-args.ts";
import { camel, toNumber } from "./proto.ts";
import { decodeSignature, isMinted, mint, ownSignature, unmint } from "./state.ts";
import { decodeUsage, encodeUsage } from "./usage.ts";

describe("tool names", () => {
  test("any name that fits comes back, and only legal ones go out", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "grapheme", maxLength: 30 }), fc.string({ unit: "binary-ascii", maxLength: 30 })), (name) => {
        const wire = toWireName(name);
        if (wire === undefined) return;
        expect(wire).toMatch(/^[A-Za-z_][\w.:-]{0,127}$/);
        expect(fromWireName(wire)).toBe(name);
      }),
    );
    expect(toWireName("a.b:c-d_1")).toBe("a.b:c-d_1");
    expect(toWireName("1st")).toBe("hgfn_1st");
    expect(fromWireName("hgfn_-zz-")).toBe("hgfn_-zz-");
  });
});

describe("made-up ids", () => {
  test("are told from real ones, unique, and always the same", () => {
    const ids = [
      replyCallId("r1", 0, 0),
      replyCallId("r1", 0, 1),
      replyCallId("r1", 1, 0),
      replyCallId("r2", 0, 0),
      historyCallId(1, 0),
      historyCallId(1, 1),
      orphanId(1, 0),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every(isMadeUp)).toBe(true);
    expect(["call_0", "toolu_1", "call_hg", "s3qm24sq", ""].some(isMadeUp)).toBe(false);
    expect(replyCallId("r1", 0, 0)).toBe(ids[0] as string);
    // Anthropic's alphabet, OpenAI's length.
    for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9_-]{1,40}$/);
  });
});

describe("opaque state", () => {
  test("any state comes back, also through a client that writes bytes in the other alphabet", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom<OpaqueState["kind"]>("signature", "redacted", "encrypted"),
        (data, kind) => {
          const state: OpaqueState = { format: "openai/responses", kind, data, id: "rs_1", origin: "a/b", item: { summary: [data] } };
          const minted = mint({ state, origin: "c/d" });
          expect(unmint(minted)).toEqual({ state, text: undefined, origin: "c/d" });
          expect(unmint(minted.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""))).toEqual({
            state,
            text: undefined,
            origin: "c/d",
          });
        },
      ),
    );
  });

  test("damage is no state, and never another's signature", () => {
    const minted = mint({ state: { format: "a/b", kind: "signature", data: "x" } });
    for (const damaged of [minted.slice(0, 30), minted.slice(0, -3), `${minted.slice(0, 20)}????`]) {
      expect(isMinted(damaged)).toBe(true);
      expect(decodeSignature(damaged).state).toBeUndefined();
    }
    expect(isMinted("CiQBDDnWx+Xp")).toBe(false);
    expect(unmint("CiQBDDnWx+Xp")).toBeUndefined();
    expect(decodeSignature(mint({ state: { format: "a/b", kind: "new" as "signature", data: "x" } })).state).toBeUndefined();
  });

  test("is Google's only when its own model made it", () => {
    const own: OpaqueState = { format: "gemini/generate-content", kind: "signature", data: "s" };
    expect(ownSignature(own, "gemini/m")).toBe("s");
    expect(ownSignature({ ...own, origin: "vertex/m" }, "gemini/m")).toBe("s");
    expect(ownSignature({ ...own, origin: "gemini/other" }, "gemini/m")).toBeUndefined();
    expect(ownSignature({ ...own, kind: "redacted" }, "gemini/m")).toBeUndefined();
    expect(ownSignature({ ...own, format: "anthropic/messages" }, "gemini/m")).toBeUndefined();
    expect(ownSignature(undefined, "gemini/m")).toBeUndefined();
  });
});

describe("arguments", () => {
  test("long numbers keep their digits, what is no object becomes one", () => {
    expect(JSON.stringify(toInputObject('{"a":12345678901234567890}').input)).toBe('{"a":12345678901234567890}');
    expect(toInputObject("")).toEqual({ input: {}, mending: "none" });
    expect(toInputObject("null").input).toEqual({});
    expect(toInputObject('"{\\"a\\":1}"')).toEqual({ input: { a: 1 }, mending: "wrapped" });
    expect(toInputObject("{broken")).toEqual({ input: { text: "{broken" }, mending: "wrapped" });
  });

  const paths: [string, (string | number)[] | undefined][] = [
    ["$", []],
    ["$.a", ["a"]],
    ["$.a.b[0][1].c", ["a", "b", 0, 1, "c"]],
    ["$['a b'].c", ["a b", "c"]],
    ['$["a\\"b"]', ['a"b']],
    ["a", undefined],
    ["$a", undefined],
    ["$.", undefined],
    ["$[x]", undefined],
  ];
  test.each(paths)("path %s", (path, steps) => expect(parsePath(path)).toEqual(steps));
});

describe("protobuf's JSON", () => {
  test("names of a message, and of nothing within it", () => {
    const inner = { snake_case: 1 };
    expect(camel({ inline_data: inner, fileData: 1, _x: 2, a_1: 3 })).toEqual({ inlineData: inner, fileData: 1, _x: 2, a1: 3 });
    expect(camel({ top_k: 1, topK: 2 })).toEqual({ topK: 2 });
    const plain = { topK: 1 };
    expect(camel(plain)).toBe(plain);
    expect(Object.hasOwn(camel(JSON.parse('{"__proto__":{"contents":1},"top_k":1}') as JsonObject), "contents")).toBe(false);
  });

  test("numbers as numbers and as text", () => {
    expect([1, "1", "-1.5", "1e3", "", "one", " 1", null, true, Number.NaN].map((value) => toNumber(value))).toEqual([
      1,
      1,
      -1.5,
      1000,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("usage", () => {
  test("thoughts are output, the results of Google's tools are input, the cache is part of the prompt (any-llm#1290, omni#431)", () => {
    const raw = {
      promptTokenCount: "100",
      toolUsePromptTokenCount: 20,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 7,
      thoughtsTokenCount: 30,
      totalTokenCount: 157,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 90 },
        { modality: "IMAGE", tokenCount: 10 },
      ],
      candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: 7 }],
    };
    const usage = decodeUsage(raw);
    expect(usage).toEqual({
      input: 120,
      output: 37,
      cacheRead: 60,
      reasoning: 30,
      imageInput: 10,
      audioOutput: 7,
      raw,
      rawFormat: "gemini/generate-content",
    });
    expect((usage?.input ?? 0) + (usage?.output ?? 0)).toBe(raw.totalTokenCount);
    expect(encodeUsage(usage)).toEqual(raw);
  });

  test("other vendors' counts add up here too", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), fc.nat(1000), (input, spoken, reasoning) => {
        const written = encodeUsage({ input, output: spoken + reasoning, reasoning, raw: {}, rawFormat: "anthropic/messages" });
        expect(written.totalTokenCount).toBe(input + spoken + reasoning);
        expect(decodeUsage(written)).toMatchObject({ input, output: spoken + reasoning });
      }),
    );
    expect(encodeUsage({ input: 9, output: 5, audioInput: 4, imageOutput: 5 })).toEqual({
      promptTokenCount: 9,
      candidatesTokenCount: 5,
      totalTokenCount: 14,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 5 },
        { modality: "AUDIO", tokenCount: 4 },
      ],
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 5 }],
    });
  });
});

describe("citations", () => {
  test("spans survive the way through bytes, in any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), fc.nat(), fc.nat(), (text, a, b) => {
        const graphemes = [...text];
        const [from, to] = [a % graphemes.length, b % graphemes.length].sort((x, y) => x - y) as [number, number];
        const start = graphemes.slice(0, from).join("").length;
        const end = graphemes.slice(0, to + 1).join("").length;
        const grounding = encodeGrounding([{ url: "https://a.example", start, end, raw: {}, format: "x/y" }], text);
        expect(decodeCitations(grounding, undefined, text)).toMatchObject([
          { url: "https://a.example", citedText: text.slice(start, end) },
        ]);
      }),
    );
  });

  test("where the count is of another text, the words decide; where they stand nowhere, there is no span", () => {
    const grounding = (segment: JsonObject): JsonObject => ({
      groundingChunks: [{ retrievedContext: { uri: "gs://a", title: "A" } }],
      groundingSupports: [{ segment, groundingChunkIndices: [0, 7] }],
    });
    expect(decodeCitations(grounding({ startIndex: 0, endIndex: 3, text: "two" }), undefined, "one two")).toMatchObject([
      { title: "A", start: 4, end: 7 },
    ]);
    expect(decodeCitations(grounding({ startIndex: 0, endIndex: 3, text: "six" }), undefined, "one two")[0]).not.toHaveProperty("start");
  });

  test("sources without claims are cited as such", () => {
    expect(
      decodeCitations({ groundingChunks: [{ image: { sourceUri: "https://a.example", imageUri: "https://b.example" } }] }, undefined, "a"),
    ).toMatchObject([{ url: "https://a.example" }]);
  });
});
