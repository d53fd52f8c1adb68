/** Whatever a client or a vendor sends, this codec answers with an answer or an error of the catalogue, and never breaks. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { expectDiscipline } from "../../codec.contract.ts";
import { generateContent } from "../generate-content.ts";
import { chunk, door, encode, last, replyContext, signature } from "./samples.ts";

/** A body with one value somewhere in it replaced by another. */
function spoilt(body: JsonObject): fc.Arbitrary<JsonObject> {
  const paths: (string | number)[][] = [];
  const walk = (value: Json | undefined, path: (string | number)[]): void => {
    if (path.length > 0) paths.push(path);
    if (Array.isArray(value)) value.forEach((inner, index) => walk(inner, [...path, index]));
    else if (typeof value === "object" && value !== null) for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
  };
  walk(body, []);
  const value = fc.oneof(
    fc.constantFrom<Json>(null, "", 0, -1, true, [], {}, [null], [[]], { text: 1 }, "x"),
    fc.jsonValue() as fc.Arbitrary<Json>,
  );
  return fc.tuple(fc.constantFrom(...paths), value).map(([path, replacement]) => {
    const copy = structuredClone(body);
    let at: Record<string | number, Json> = copy as Record<string, Json>;
    for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, Json>;
    at[path.at(-1) as string] = replacement;
    return copy;
  });
}

/** Undefined when it went well or was refused politely. */
function broken(run: () => void): unknown {
  try {
    run();
    return undefined;
  } catch (thrown) {
    return isGatewayError(thrown) && thrown.code !== "internal" ? undefined : thrown;
  }
}

const request: JsonObject = {
  systemInstruction: { parts: [{ text: "Be brief." }] },
  contents: [
    {
      role: "user",
      parts: [
        { text: "go" },
        { inlineData: { mimeType: "image/png", data: "aa" } },
        { fileData: { mimeType: "video/mp4", fileUri: "gs://a/b" } },
      ],
    },
    {
      role: "model",
      parts: [
        { text: "hm", thought: true },
        { functionCall: { id: "a", name: "look", args: { at: [1] } }, thoughtSignature: signature },
        { executableCode: { code: "1" } },
      ],
    },
    {
      role: "user",
      parts: [
        {
          functionResponse: {
            id: "a",
            name: "look",
            response: { output: "x" },
            parts: [{ inlineData: { mimeType: "image/png", data: "aa" } }],
          },
        },
      ],
    },
  ],
  tools: [
    {
      functionDeclarations: [
        { name: "look", parameters: { type: "OBJECT", properties: { at: { type: "ARRAY", items: { type: "STRING" } } } } },
        { name: "see", parametersJsonSchema: { allOf: [{ $ref: "#/$defs/a" }], $defs: { a: { const: 1 } } } },
      ],
    },
    { googleSearch: {} },
  ],
  toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["look"] } },
  generationConfig: {
    temperature: 1,
    stopSequences: ["a"],
    responseMimeType: "application/json",
    responseSchema: { type: "STRING", nullable: true },
    thinkingConfig: { thinkingBudget: 5, includeThoughts: true },
    responseModalities: ["TEXT"],
  },
  safetySettings: [{ category: "a" }],
  labels: { a: "b" },
};

describe("requests", () => {
  test("any value in any place", () => {
    fc.assert(
      fc.property(spoilt(request), (body) => {
        expect(broken(() => generateContent.verbatim.check(body))).toBeUndefined();
        expect(broken(() => encode(generateContent.client.decodeRequest(body, door)))).toBeUndefined();
      }),
      { numRuns: 1500 },
    );
  });

  test("any JSON at all", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("contents", "tools", "generationConfig", "x"), fc.jsonValue()), (body) => {
        expect(broken(() => generateContent.client.decodeRequest(body as JsonObject, door))).toBeUndefined();
      }),
    );
  });

  test("what passes the check may be edited", () => {
    fc.assert(
      fc.property(spoilt(request), (body) => {
        expect(broken(() => generateContent.verbatim.edits(body, { model: "m", quirks: new Set(["no-call-ids"]) }))).toBeUndefined();
      }),
    );
  });
});

const frame: JsonObject = chunk(
  [
    { text: "hm", thought: true },
    { text: "Ja", thoughtSignature: signature },
    { functionCall: { id: "a", name: "look", args: { at: 1 } } },
    { functionCall: { name: "look", partialArgs: [{ jsonPath: "$.a[0].b", stringValue: "x", willContinue: true }], willContinue: true } },
    { inlineData: { mimeType: "image/png", data: "aa" } },
  ],
  {
    finishReason: "STOP",
    groundingMetadata: {
      webSearchQueries: ["a"],
      groundingChunks: [{ web: { uri: "https://a.example", title: "A" } }],
      groundingSupports: [{ segment: { startIndex: 0, endIndex: 2, text: "Ja" }, groundingChunkIndices: [0] }],
    },
    citationMetadata: { citationSources: [{ startIndex: 0, endIndex: 1, uri: "https://b.example" }] },
    logprobsResult: {
      chosenCandidates: [{ token: "a", logProbability: -1 }],
      topCandidates: [{ candidates: [{ token: "b", logProbability: -2 }] }],
    },
  },
  {
    usageMetadata: { promptTokenCount: 1, candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: 1 }] },
    promptFeedback: { blockReason: "SAFETY" },
    createTime: "2026-04-07T16:49:58Z",
  },
);

describe("replies", () => {
  test("any value in any place, streamed, whole and in passing", () => {
    fc.assert(
      fc.property(spoilt(frame), (data) => {
        const decoder = generateContent.provider.decodeEvents();
        const watcher = generateContent.verbatim.watch();
        const encoder = generateContent.client.encodeEvents(replyContext);
        const events = [data, last()].flatMap((each) => decoder.push({ event: "", data: JSON.stringify(each) }));
        events.push(...decoder.end());
        expectDiscipline(events, "cut");
        for (const event of events) encoder.push(event);
        watcher.look({ event: "", data: JSON.stringify(data) });
        expect(broken(() => generateContent.provider.decodeReply(data))).toBeUndefined();
        generateContent.verbatim.readReply(data);
      }),
      { numRuns: 1500 },
    );
  });

  test("any JSON as an error", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 200, max: 599 }), (body, status) => {
        expect(isGatewayError(generateContent.provider.decodeError(status, body, new Headers()))).toBe(true);
        expect(isGatewayError(generateContent.provider.decodeError(status, { error: body }, new Headers()))).toBe(true);
      }),
    );
  });
});
