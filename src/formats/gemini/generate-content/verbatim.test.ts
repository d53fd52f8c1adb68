import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import { generateContent } from "../generate-content.ts";
import { chunk, last, signature } from "./samples.ts";
import { mint, sentinel } from "./state.ts";

const { edits, readReply, watch } = generateContent.verbatim;
const ask: JsonObject = { contents: [{ role: "user", parts: [{ text: "hi" }] }] };
const edited = (body: JsonObject, ...quirks: Quirk[]): { changed: JsonObject; told: string[] } => {
  const told: string[] = [];
  const changed = edits(body, { model: "gemini-x", quirks: new Set(quirks), warn: ({ field, action }) => told.push(`${action} ${field}`) });
  return { changed, told };
};

describe("a request that passes", () => {
  test("stays as it is: the model stands in the path", () => {
    expect(edited({ ...ask, newField: 1 })).toEqual({ changed: {}, told: [] });
    expect(edited({ ...ask, headgate: { tags: [] }, model: "models/other" }).changed).toEqual({ headgate: undefined, model: undefined });
  });

  test("sheds what other vendors' answers left in the history, and vouches for their calls", () => {
    const foreign = mint({ state: { format: "anthropic/messages", kind: "signature", data: "x" } });
    const mine = mint({ origin: "openai/gpt" });
    const contents = [
      { role: "user", parts: [{ text: "go" }] },
      {
        role: "model",
        parts: [
          { text: "hm", thought: true, thoughtSignature: foreign },
          { text: "so", thoughtSignature: foreign },
          { functionCall: { id: "a", name: "look" }, thoughtSignature: mine },
          { functionCall: { id: "b", name: "look" }, thoughtSignature: mine },
        ],
      },
      { role: "model", parts: [{ text: "", thought_signature: foreign }] },
      { role: "user", parts: [{ functionResponse: { id: "a", name: "look" } }, { functionResponse: { id: "b", name: "look" } }] },
      { role: "model", parts: [{ functionCall: { id: "c", name: "look" }, thoughtSignature: signature }] },
    ];
    const frozen = JSON.stringify(contents);
    const { changed, told } = edited({ contents });
    expect(changed.contents).toEqual([
      contents[0],
      {
        role: "model",
        parts: [
          { text: "so" },
          { functionCall: { id: "a", name: "look" }, thoughtSignature: sentinel },
          { functionCall: { id: "b", name: "look" } },
        ],
      },
      contents[3],
      contents[4],
    ]);
    expect(told).toEqual(["dropped contents[].parts", "dropped contents[].parts"]);
    expect(JSON.stringify(contents)).toBe(frozen);
  });

  test("loses its call ids, and its tier, where the provider refuses them", () => {
    const body: JsonObject = {
      contents: [
        { role: "model", parts: [{ functionCall: { id: "a", name: "look" } }] },
        { parts: [{ functionResponse: { id: "a", name: "look" } }] },
      ],
      service_tier: "flex",
    };
    expect(edited(body, "no-call-ids", "no-service-tier")).toEqual({
      changed: {
        contents: [{ role: "model", parts: [{ functionCall: { name: "look" } }] }, { parts: [{ functionResponse: { name: "look" } }] }],
        service_tier: undefined,
      },
      told: ["dropped service_tier"],
    });
  });

  test("unknown fields, parts and tools pass the check", () => {
    expect(() =>
      generateContent.verbatim.check({ contents: [{ parts: [{ brandNew: {} }] }], tools: [{ brandNew: {} }], brandNew: 1 }),
    ).not.toThrow();
    expect(() => generateContent.verbatim.check({})).toThrow(/contents/);
  });
});

describe("a reply that passes is read", () => {
  test("whole", () => {
    expect(readReply(last("MAX_TOKENS", [{ functionCall: { name: "a" } }]))).toMatchObject({
      model: "gemini-x",
      finish: { reason: "length" },
      usage: { input: 9, output: 208 },
    });
    expect(readReply({ promptFeedback: { blockReason: "SAFETY" } })).toMatchObject({ finish: { reason: "content-filter" } });
    expect(readReply({ candidates: [{ content: {} }] }).finish).toEqual({ reason: "unknown" });
    expect(readReply({ error: { code: 500 } }).error?.code).toBe("provider_error");
    expect(readReply({}).error?.code).toBe("provider_bad_response");
  });

  const frame = (data: unknown) => ({ event: "", data: JSON.stringify(data) });

  test("streamed: the reason may come after the call, and no frame is the last by itself", () => {
    const watcher = watch();
    const frames = [chunk([{ functionCall: { name: "a" } }]), last()];
    for (const data of frames) {
      expect(watcher.concerns(`data: ${JSON.stringify(data)}\n\n`)).toBe(true);
      expect(watcher.look(frame(data))).toBe("pass");
    }
    expect(watcher).toMatchObject({
      ended: true,
      reading: { model: "gemini-x", finish: { reason: "tool-calls" }, usage: { reasoning: 185 } },
    });
  });

  test("two candidates have ended when both have", () => {
    const watcher = watch();
    watcher.look(frame({ candidates: [{ index: 0, finishReason: "STOP" }, { index: 1 }] }));
    expect(watcher).toMatchObject({ ended: false, reading: { finish: undefined } });
    watcher.look(frame({ candidates: [{ index: 1, finishReason: "SAFETY" }] }));
    expect(watcher).toMatchObject({ ended: true, reading: { finish: { reason: "stop" } } });
  });

  test("an error ends it, alone or in a list", () => {
    for (const data of [{ error: { status: "UNAVAILABLE" } }, [{ error: { status: "UNAVAILABLE" } }]]) {
      const watcher = watch();
      expect(watcher.concerns(`data: ${JSON.stringify(data)}`)).toBe(true);
      expect(watcher.look(frame(data))).toBe("last");
      expect(watcher).toMatchObject({ ended: true, reading: { error: { code: "provider_overloaded" } } });
    }
  });

  test("a blocked prompt ends it too, and a cut stream does not", () => {
    const blocked = watch();
    blocked.look(frame({ promptFeedback: { blockReason: "OTHER" } }));
    expect(blocked.ended).toBe(true);
    const cut = watch();
    cut.look(frame(chunk([{ text: "a" }])));
    expect(cut.ended).toBe(false);
    cut.look({ event: "", data: "not JSON" });
    expect(cut.ended).toBe(false);
  });
});
