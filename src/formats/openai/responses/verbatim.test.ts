import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Frame } from "../../codec.ts";
import { completed, created, message } from "./samples.ts";
import { mint } from "./state.ts";
import { edits, readReply, watch } from "./verbatim.ts";

const body: JsonObject = { model: "smart", input: "hi" };
const quirks = new Set<never>();

describe("a passing request", () => {
  test("changes its model and nothing else", () => {
    const input = [
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAA" },
      { role: "user", content: "x" },
    ];
    expect(edits({ ...body, input }, { model: "gpt-x", quirks })).toEqual({ model: "gpt-x" });
    expect(edits({ ...body, headgate: {} }, { model: "gpt-x", quirks })).toEqual({ model: "gpt-x", headgate: undefined });
  });

  test("loses the reasoning of other providers, and ids that no provider knows", () => {
    const told: string[] = [];
    const input = [
      { type: "reasoning", id: "rs_hg_1_0", summary: [], encrypted_content: mint({ origin: "anthropic/claude" }) },
      { type: "function_call", id: "fc_hg_1_1", call_id: "c1", name: "look", arguments: "{}" },
      { type: "function_call_output", call_id: "c1", output: "x" },
    ];
    const changed = edits({ ...body, input }, { model: "gpt-x", quirks, warn: ({ field }) => told.push(field) });
    expect(changed.input).toEqual([{ type: "function_call", call_id: "c1", name: "look", arguments: "{}" }, input[2]]);
    expect(told).toEqual(["input"]);
  });

  test("gets its own reasoning back as it was, when the same model answers again", () => {
    const item = { id: "rs_1", type: "reasoning", summary: [] };
    const state = { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1", origin: "openai/gpt-x", item } as const;
    const input = [{ type: "reasoning", id: "rs_hg_1_0", summary: [], encrypted_content: mint({ state }) }];
    expect(edits({ ...body, input }, { model: "gpt-x", quirks }).input).toEqual([{ ...item, encrypted_content: "gAAA" }]);
    expect(edits({ ...body, input }, { model: "gpt-x", origin: "openai/gpt-x", quirks }).input).toEqual([
      { ...item, encrypted_content: "gAAA" },
    ]);
    expect(edits({ ...body, input }, { model: "gpt-x", origin: "azure/gpt-x", quirks }).input).toEqual([]);
    expect(edits({ ...body, input }, { model: "gpt-y", quirks }).input).toEqual([]);
  });

  test("gets call ids that are taken", () => {
    const id = "x".repeat(90);
    const input = [
      { type: "function_call", call_id: id, name: "look", arguments: "{}" },
      { type: "function_call_output", call_id: id, output: "" },
    ];
    const changed = edits({ ...body, input }, { model: "gpt-x", quirks }).input as JsonObject[];
    expect(String(changed[0]?.call_id).length).toBeLessThanOrEqual(64);
    expect(changed[0]?.call_id).toBe(changed[1]?.call_id);
  });

  test("leaves out what a server refuses and nobody relies on", () => {
    const told: string[] = [];
    const changed = edits(
      { ...body, service_tier: "flex", tools: [] },
      { model: "m", quirks: new Set(["no-service-tier"] as const), warn: ({ field }) => told.push(field) },
    );
    expect(changed).toEqual({ model: "m", service_tier: undefined });
    expect(told).toEqual(["service_tier"]);
  });
});

describe("a passing request to a server that knows no developer", () => {
  test("names it system", () => {
    const input = [
      { role: "developer", content: "x" },
      { role: "user", content: "y" },
    ];
    expect(edits({ ...body, input }, { model: "m", quirks: new Set(["no-developer-role"] as const) }).input).toEqual([
      { role: "system", content: "x" },
      input[1],
    ]);
    expect(edits({ ...body, input }, { model: "m", quirks })).toEqual({ model: "m" });
  });
});

describe("a passing reply", () => {
  test("whole", () => {
    expect(readReply(completed([message("m", "Hi")]).response as JsonObject)).toMatchObject({
      model: "gpt-x-1",
      usage: { input: 3, output: 4 },
      finish: { reason: "stop" },
    });
    expect(readReply({ output: [], status: "failed", error: { code: "server_error", message: "x" } }).error?.code).toBe("provider_error");
    expect(readReply({ error: { message: "x", type: "overloaded" } }).error?.code).toBe("provider_overloaded");
    expect(readReply({ choices: [] }).error?.code).toBe("provider_bad_response");
  });

  const frame = (data: JsonObject): Frame => ({ event: String(data.type), data: JSON.stringify(data) });
  const text = (data: JsonObject): string => `event: ${String(data.type)}\ndata: ${JSON.stringify(data)}\n\n`;

  test("streamed: only the first and the last events are looked at", () => {
    const watcher = watch();
    expect(watcher.concerns(text(created))).toBe(true);
    expect(watcher.look(frame(created))).toBe("pass");
    expect(watcher.reading.model).toBe("gpt-x-1");
    expect(watcher.concerns(text({ type: "response.output_text.delta", delta: 'He said "response.completed" and "type":"error"' }))).toBe(
      false,
    );
    expect(watcher.concerns(text({ type: "response.output_item.done", item: message("m", "x") }))).toBe(false);
    expect(watcher.ended).toBe(false);
    expect(watcher.concerns(text(completed([])))).toBe(true);
    expect(watcher.look(frame(completed([])))).toBe("last");
    expect(watcher.ended).toBe(true);
  });

  test("after an error the failed response is still to come", () => {
    const watcher = watch();
    const error = { type: "error", error: { code: "server_error", message: "x" } };
    const failed = { type: "response.failed", response: { status: "failed", error: { code: "server_error", message: "x" } } };
    expect(watcher.concerns(text(error))).toBe(true);
    expect(watcher.look(frame(error))).toBe("pass");
    expect(watcher.look(frame(failed))).toBe("last");
    expect(watcher.reading.error?.code).toBe("provider_error");
    expect(watcher.reading.finish).toBeUndefined();
  });
});
