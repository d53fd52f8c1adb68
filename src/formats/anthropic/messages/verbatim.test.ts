import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Warning } from "../../../canonical/warnings.ts";
import { blockDelta, blockStart, frame, messageDelta, messageStart, messageStop } from "./samples.ts";
import { mint } from "./state.ts";
import { edits, readReply, watch } from "./verbatim.ts";

const target = { model: "claude-x", quirks: new Set<never>() };

describe("a request that passes", () => {
  test("only what must change changes", () => {
    expect(edits({ model: "claude-x", messages: [] }, target)).toEqual({});
    const changed = edits({ model: "smart", headgate: { tags: [] }, brand_new: 1 }, target);
    expect(Object.entries(changed)).toEqual([
      ["model", "claude-x"],
      ["headgate", undefined],
    ]);
  });

  test("signatures that the gateway minted never reach the vendor; all else stays as it is, and the body too", () => {
    const kept = { type: "thinking", thinking: "a", signature: "EvQB" };
    const cited = {
      type: "text",
      text: "b",
      citations: [{ type: "web_search_result_location", encrypted_index: mint({ origin: "o/m" }) }, { type: "char_location" }],
    };
    const body: JsonObject = {
      model: "claude-x",
      thinking: { type: "enabled", budget_tokens: 2000 },
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: [kept, { type: "text", text: "c" }] },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "x", signature: mint({ origin: "deepseek/r" }) },
            cited,
            { type: "tool_use", id: "a", name: "b", input: {} },
          ],
        },
      ],
    };
    const before = JSON.stringify(body);
    const warnings: Warning[] = [];
    const changed = edits(body, { ...target, warn: (warning) => warnings.push(warning) });
    expect(changed.messages).toEqual([
      { role: "user", content: "hi" },
      { role: "assistant", content: [kept, { type: "text", text: "c" }] },
      {
        role: "assistant",
        content: [
          { ...cited, citations: [{ type: "char_location" }] },
          { type: "tool_use", id: "a", name: "b", input: {} },
        ],
      },
    ]);
    expect("thinking" in changed && changed.thinking === undefined).toBe(true);
    expect(warnings.map(({ field }) => field)).toEqual(["messages[].content", "thinking"]);
    expect(JSON.stringify(body)).toBe(before);
  });

  test("a field that the provider refuses is left out only where that can be told", () => {
    const quirky = { model: "claude-x", quirks: new Set(["no-service-tier"] as const) };
    expect(edits({ model: "claude-x", service_tier: "auto" }, quirky)).toEqual({});
    const fields: string[] = [];
    const changed = edits({ model: "claude-x", service_tier: "auto" }, { ...quirky, warn: ({ field }) => fields.push(field) });
    expect([Object.keys(changed), fields]).toEqual([["service_tier"], ["service_tier"]]);
  });
});

describe("a reply that passes", () => {
  test("whole: model, usage and finish, or the error", () => {
    const body = { type: "message", model: "claude-x", content: [], stop_reason: "end_turn", usage: { input_tokens: 1, output_tokens: 2 } };
    expect(readReply(body)).toMatchObject({ model: "claude-x", usage: { input: 1, output: 2 }, finish: { reason: "stop" } });
    expect(readReply({ type: "error", error: { type: "overloaded_error" } }).error?.code).toBe("provider_overloaded");
    expect(readReply({}).error?.code).toBe("provider_bad_response");
  });

  test("streamed: usage is merged, the last word wins, message_stop is last", () => {
    const watcher = watch();
    const look = (data: JsonObject) =>
      watcher.concerns(`event: ${String(data.type)}\ndata: ${JSON.stringify(data)}\n\n`) ? watcher.look(frame(data)) : "skipped";
    expect(look(messageStart)).toBe("pass");
    expect(watcher.reading.usage).toMatchObject({ input: 43, output: 1 });
    expect(look(blockDelta(0, { type: "text_delta", text: "a" }))).toBe("skipped");
    expect(look(blockDelta(0, { type: "text_delta", text: "a message_stop and an error" }))).toBe("pass");
    expect(look(blockStart(1, { type: "tool_use", id: "a", name: "b", input: {} }))).toBe("pass");
    expect(look(messageDelta("end_turn", { usage: { input_tokens: 61, output_tokens: 9 } }))).toBe("pass");
    expect(watcher.ended).toBe(false);
    expect(look(messageStop)).toBe("last");
    expect(watcher.ended).toBe(true);
    expect(watcher.reading).toMatchObject({ model: "claude-x", usage: { input: 61, output: 9 }, finish: { reason: "tool-calls" } });
  });

  test("streamed: an error event is last, and read", () => {
    const watcher = watch();
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    expect(watcher.concerns(JSON.stringify(error))).toBe(true);
    expect(watcher.look(frame(error))).toBe("last");
    expect(watcher.reading.error?.code).toBe("provider_overloaded");
  });
});
