import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Quirk } from "../../../canonical/quirks.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import { chunk } from "./samples.ts";
import { edits, readReply, watch } from "./verbatim.ts";

const ask = (fields: JsonObject): JsonObject => ({ model: "asked", messages: [{ role: "user", content: "Hi" }], ...fields });
const edited = (fields: JsonObject, ...quirks: Quirk[]): JsonObject => edits(ask(fields), { model: "m", quirks: new Set(quirks) });

describe("the few fields that must change", () => {
  test("the model, and the gateway's own field", () => {
    expect(edited({})).toEqual({ model: "m" });
    expect(edited({ headgate: { tags: [] } })).toEqual({ model: "m", headgate: undefined });
  });

  test("usage is asked for on streams, beside what the client asked", () => {
    expect(edited({ stream: true })).toEqual({ model: "m", stream_options: { include_usage: true } });
    expect(edited({ stream: true, stream_options: { include_obfuscation: false } })).toEqual({
      model: "m",
      stream_options: { include_obfuscation: false, include_usage: true },
    });
    expect(edited({ stream: true, stream_options: { include_usage: true } })).toEqual({ model: "m" });
    expect(edited({ stream: true }, "no-stream-options")).toEqual({ model: "m" });
    expect(edited({ stream: true, stream_options: { include_usage: true } }, "no-stream-options")).toEqual({
      model: "m",
      stream_options: undefined,
    });
  });

  test("fields that a vendor calls otherwise", () => {
    expect(edited({ max_completion_tokens: 5, seed: 7 }, "max-tokens", "random-seed")).toEqual({
      model: "m",
      max_completion_tokens: undefined,
      max_tokens: 5,
      seed: undefined,
      random_seed: 7,
    });
    expect(edited({ max_tokens: 5 }, "max-tokens")).toEqual({ model: "m" });
    expect(
      edited(
        {
          messages: [
            { role: "developer", content: "a" },
            { role: "user", content: "b" },
          ],
        },
        "no-developer-role",
      ),
    ).toMatchObject({ messages: [{ role: "system", content: "a" }, { role: "user" }] });
  });

  test("what changes nothing is left out where it would be refused; the rest is left to the vendor, or told", () => {
    const fields = { parallel_tool_calls: true, store: false, metadata: { a: "b" }, n: 1, logit_bias: { "1": 2 } };
    const quirks: Quirk[] = ["no-parallel-tool-calls", "no-metadata", "no-n", "no-logit-bias"];
    expect(edited(fields, ...quirks)).toEqual({ model: "m", parallel_tool_calls: undefined, store: undefined, n: undefined });
    const told: Warning[] = [];
    expect(edits(ask(fields), { model: "m", quirks: new Set(quirks), warn: (warning) => told.push(warning) })).toHaveProperty(
      "metadata",
      undefined,
    );
    expect(told.map(({ field }) => field)).toEqual(["metadata"]);
  });

  test("the body itself is not changed", () => {
    const body = Object.freeze(ask({ stream: true, stream_options: Object.freeze({}) }));
    expect(() => edits(body, { model: "m", quirks: new Set(["max-tokens"]) })).not.toThrow();
  });
});

describe("what the record needs", () => {
  test("of a whole reply", () => {
    expect(
      readReply({
        model: "m",
        choices: [{ message: { tool_calls: [{}] }, finish_reason: "stop" }],
        usage: { prompt_tokens: 1, completion_tokens: 2 },
        service_tier: "flex",
      }),
    ).toMatchObject({ model: "m", usage: { input: 1, output: 2, serviceTier: "flex" }, finish: { reason: "tool-calls", raw: "stop" } });
    expect(readReply({ error: { message: "no", code: 503 } }).error?.code).toBe("provider_overloaded");
  });

  const text = (payload: JsonObject): string => `data: ${JSON.stringify(payload)}\n\n`;
  /** A watcher that knows the model already. */
  const started = (includeUsage = true): ReturnType<typeof watch> => {
    const watcher = watch({ includeUsage });
    watcher.look({ event: "", data: JSON.stringify(chunk({ role: "assistant" })) });
    return watcher;
  };

  test("the common event is not looked at, whatever words stand in it", () => {
    const watcher = started();
    expect(
      watcher.concerns(text(chunk({ content: 'x "usage":{"a":1} "error":"b" "finish_reason":"stop"' }, undefined, { usage: null }))),
    ).toBe(false);
  });

  test.each([
    ['data: {"usage":{"prompt_tokens":1}}\n\n'],
    ['data: {"usage": {"prompt_tokens": 1}}\n\n'],
    ["data: [DONE]\n\n"],
    ['data: {"error":{"message":"x"}}\n\n'],
    ['data: {"error": "x"}\n\n'],
    ['event: error\ndata: {"reason":1}\n\n'],
    ['data: {"choices":[{"finish_reason": "stop"}]}\n\n'],
  ])("%j is looked at", (event) => {
    expect(started().concerns(event)).toBe(true);
  });

  test("the chunk that only the gateway asked for is left out, and read all the same", () => {
    const usage = { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } };
    const quiet = started(false);
    expect(quiet.look({ event: "", data: JSON.stringify(usage) })).toBe("drop");
    expect(quiet.reading.usage).toMatchObject({ input: 1, output: 2 });
    expect(started(true).look({ event: "", data: JSON.stringify(usage) })).toBe("pass");
    // Azure's first chunk is empty too, but holds no usage; usage in a choice's own chunk must pass.
    expect(quiet.look({ event: "", data: '{"choices":[],"prompt_filter_results":[]}' })).toBe("pass");
    expect(quiet.look({ event: "", data: JSON.stringify(chunk({}, "stop", { usage: usage.usage })) })).toBe("pass");
  });

  test("the end, the finish, the model, an error", () => {
    const watcher = started();
    expect(watcher.reading.model).toBe("m");
    watcher.look({ event: "", data: JSON.stringify(chunk({}, "tool_calls")) });
    expect(watcher.reading.finish).toEqual({ reason: "tool-calls", raw: "tool_calls" });
    expect(watcher.ended).toBe(false);
    expect(watcher.look({ event: "", data: "[DONE]" })).toBe("last");
    expect(watcher.ended).toBe(true);

    const failed = started();
    expect(failed.look({ event: "", data: '{"error":{"message":"no","type":"server_error"}}' })).toBe("pass");
    expect(failed.reading.error?.code).toBe("provider_error");
  });

  test("a vendor without a model's name is not read for ever", () => {
    const watcher = watch({ includeUsage: true });
    for (let event = 0; event < 3; event++) watcher.look({ event: "", data: '{"choices":[{"delta":{"content":"x"}}]}' });
    expect(watcher.concerns('data: {"choices":[{"delta":{"content":"x"}}]}\n\n')).toBe(false);
  });
});
