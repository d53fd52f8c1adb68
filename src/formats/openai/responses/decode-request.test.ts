import { describe, expect, test } from "vitest";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { decode, decodeItems } from "./samples.ts";
import { mint } from "./state.ts";

function fieldOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (thrown) {
    if (isGatewayError(thrown)) return thrown.field;
    throw thrown;
  }
  return "(accepted)";
}

const call: JsonObject = { type: "function_call", id: "fc_1", call_id: "c1", name: "look", arguments: "{}", status: "completed" };
const output: JsonObject = { type: "function_call_output", call_id: "c1", output: "seen" };
const reasoning: JsonObject = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAA" };

describe("the items of one answer are one message", () => {
  test("parallel calls stand together, with the words and the reasoning before them", () => {
    const messages = decodeItems(
      { role: "user", content: "go" },
      reasoning,
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Looking." }] },
      call,
      { ...call, call_id: "c2" },
      output,
      { ...output, call_id: "c2" },
      { ...call, call_id: "c3" },
      { ...output, call_id: "c3" },
    );
    expect(messages.map(({ role, content }) => [role, content.map(({ type }) => type).join(" ")])).toEqual([
      ["user", "text"],
      ["assistant", "reasoning text tool-call tool-call"],
      ["tool", "tool-result tool-result"],
      ["assistant", "tool-call"],
      ["tool", "tool-result"],
    ]);
  });

  test("words of several messages, and a call between them, keep their order", () => {
    const [message] = decodeItems({ role: "assistant", content: "One." }, call, { role: "assistant", content: "Two." });
    expect(message?.content.map(({ type }) => type)).toEqual(["text", "tool-call", "text"]);
  });

  test("what Codex sends, without ids, is whole", () => {
    const messages = decodeItems(
      { type: "message", role: "user", content: [{ type: "input_text", text: "go" }] },
      { type: "reasoning", summary: [{ type: "summary_text", text: "Hm." }], encrypted_content: "gAAA" },
      { type: "custom_tool_call", status: "completed", call_id: "c1", name: "apply_patch", input: "*** Begin Patch" },
      { type: "custom_tool_call_output", call_id: "c1", output: "ok" },
    );
    expect(messages.slice(1)).toEqual([
      {
        role: "assistant",
        content: [
          {
            type: "reasoning",
            text: "Hm.",
            state: {
              format: "openai/responses",
              kind: "encrypted",
              data: "gAAA",
              item: { type: "reasoning", summary: [{ type: "summary_text", text: "Hm." }] },
            },
          },
          { type: "tool-call", id: "c1", name: "apply_patch", kind: "custom", arguments: "*** Begin Patch" },
        ],
      },
      {
        role: "tool",
        content: [{ type: "tool-result", callId: "c1", name: "apply_patch", kind: "custom", content: [{ type: "text", text: "ok" }] }],
      },
    ]);
  });

  test("reasoning keeps its whole item, its parts as paragraphs", () => {
    const item: JsonObject = {
      ...reasoning,
      summary: [
        { type: "summary_text", text: "One." },
        { type: "summary_text", text: "Two." },
      ],
      status: "completed",
    };
    const [message] = decodeItems(item);
    const { encrypted_content: _, ...rest } = item;
    expect(message?.content).toEqual([
      {
        type: "reasoning",
        text: "One.\n\nTwo.",
        state: { format: "openai/responses", kind: "encrypted", data: "gAAA", id: "rs_1", item: rest },
      },
    ]);
  });

  test("reasoning in plain words has no state, of a vendor that thinks aloud it has the item", () => {
    expect(decodeItems({ type: "reasoning", summary: [{ type: "summary_text", text: "Hm." }] })[0]?.content).toEqual([
      { type: "reasoning", text: "Hm." },
    ]);
    const open = { type: "reasoning", id: "rs_1", summary: [], content: [{ type: "reasoning_text", text: "Hm." }] };
    expect(decodeItems(open)[0]?.content).toEqual([
      { type: "reasoning", text: "Hm.", state: { format: "openai/responses", kind: "encrypted", data: "", id: "rs_1", item: open } },
    ]);
  });

  test("the phase of a message is kept with its text", () => {
    expect(decodeItems({ role: "assistant", phase: "commentary", content: "Wait." })[0]?.content).toEqual([
      { type: "text", text: "Wait.", state: { format: "openai/responses", kind: "signature", data: "commentary" } },
    ]);
  });

  test("items of hosted tools are the vendor's: the model's own in its answer, the caller's beside it", () => {
    const search = { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "q" } };
    const approval = { type: "mcp_approval_response", approval_request_id: "a", approve: true };
    expect(decodeItems({ role: "user", content: "go" }, search, approval)).toEqual([
      { role: "user", content: [{ type: "text", text: "go" }] },
      { role: "assistant", content: [{ type: "vendor", format: "openai/responses", value: search }] },
      { role: "user", content: [{ type: "vendor", format: "openai/responses", value: approval }] },
    ]);
  });

  test("state of another vendor comes out of its hiding place", () => {
    const state = { format: "anthropic/messages", kind: "signature", data: "c2ln", origin: "anthropic/claude" } as const;
    const onCall = { format: "google/gemini", kind: "signature", data: "Zw==", origin: "gemini/x" } as const;
    expect(
      decodeItems(
        { type: "reasoning", id: "rs_hg_1_0", summary: [{ type: "summary_text", text: "Hm." }], encrypted_content: mint({ state }) },
        call,
        { type: "reasoning", summary: [], encrypted_content: mint({ on: "tool-call", state: onCall }) },
        {
          type: "reasoning",
          summary: [],
          encrypted_content: mint({ vendor: { type: "vendor", format: "anthropic/messages", value: { type: "server_tool_use" } } }),
        },
        { type: "reasoning", summary: [{ type: "summary_text", text: "Broken." }], encrypted_content: "headgate.v1.!!" },
      )[0]?.content,
    ).toMatchObject([
      { type: "reasoning", text: "Hm.", state },
      { type: "tool-call", id: "c1", state: onCall },
      { type: "vendor", format: "anthropic/messages", value: { type: "server_tool_use" } },
      { type: "reasoning", text: "Broken." },
    ]);
  });

  test("a carrier without the call that it belongs to is nothing", () => {
    expect(
      decodeItems({ role: "user", content: "x" }, { type: "reasoning", summary: [], encrypted_content: mint({ on: "tool-call" }) }),
    ).toHaveLength(1);
  });
});

describe("calls and results", () => {
  test("arguments that are no text become text", () => {
    const parts = decodeItems(
      { ...call, arguments: { at: 1 } },
      { ...call, arguments: "" },
      { ...call, arguments: null },
      { ...call, arguments: '{"n":9007199254740993}' },
    )[0]?.content;
    expect(parts?.map((part) => "arguments" in part && part.arguments)).toEqual(['{"at":1}', "{}", "{}", '{"n":9007199254740993}']);
  });

  test("calls and results without ids find each other in order", () => {
    const messages = decodeItems(
      { ...call, call_id: "" },
      { ...call, call_id: "" },
      { ...output, call_id: "" },
      { ...output, call_id: "" },
    );
    const ids = messages[0]?.content.map((part) => "id" in part && part.id);
    expect(new Set(ids).size).toBe(2);
    expect(messages[1]?.content.map((part) => "callId" in part && part.callId)).toEqual(ids);
  });

  test("a result is a string, a list, or what early Codex said of a failure", () => {
    const [message] = decodeItems(
      {
        ...output,
        output: [
          { type: "input_text", text: "a" },
          { type: "input_image", image_url: "data:image/png;base64,AAAA" },
          { type: "input_file", file_id: "f" },
        ],
      },
      { ...output, output: { content: "bad", success: false } },
      { ...output, output: { any: 1 } },
    );
    expect(message?.content).toMatchObject([
      {
        content: [
          { type: "text", text: "a" },
          { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
          { type: "file", source: { kind: "id", id: "f" } },
        ],
      },
      { content: [{ type: "text", text: "bad" }], isError: true },
      { content: [{ type: "text", text: '{"any":1}' }] },
    ]);
  });
});

describe("settings", () => {
  test("instructions are the system message at the head, before every other", () => {
    expect(decode({ instructions: "Be brief.", input: [{ role: "developer", content: "Second." }] }).messages).toEqual([
      { role: "system", content: [{ type: "text", text: "Be brief." }] },
      { role: "developer", content: [{ type: "text", text: "Second." }] },
    ]);
  });

  test("strict is the default only where the schema allows it", () => {
    const closed = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };
    const tools = decode({
      tools: [
        { type: "function", name: "a", parameters: closed },
        { type: "function", name: "b", parameters: { type: "object", properties: {} } },
        { type: "function", name: "c", parameters: closed, strict: false },
        { type: "function", name: "d", parameters: { ...closed, properties: { a: { type: "object", properties: {} } } }, strict: null },
      ],
    }).tools;
    expect(tools?.map(({ strict }) => strict)).toEqual([true, undefined, false, undefined]);
  });

  test("a choice among hosted tools stays the vendor's", () => {
    expect(decode({ tool_choice: { type: "web_search" } }).extra?.fields).toEqual({ tool_choice: { type: "web_search" } });
    expect(decode({ tool_choice: { type: "custom", name: "patch" } }).toolChoice).toEqual({ type: "tool", name: "patch", kind: "custom" });
  });

  test("the wish for encrypted reasoning is granted to everybody, so it is no field that others lack", () => {
    expect(decode({ include: ["reasoning.encrypted_content"] }).extra).toBeUndefined();
    expect(decode({ include: ["message.output_text.logprobs", "file_search_call.results"], top_logprobs: 2 })).toMatchObject({
      logprobs: { top: 2 },
      extra: { fields: { include: ["file_search_call.results"] } },
    });
  });

  test("null is an absent field, everywhere", () => {
    const nothing = Object.fromEntries(
      [
        "instructions",
        "tools",
        "tool_choice",
        "reasoning",
        "text",
        "metadata",
        "temperature",
        "max_output_tokens",
        "previous_response_id",
        "user",
        "include",
        "truncation",
        "stream",
      ].map((field) => [field, null]),
    );
    expect(decode(nothing)).toEqual(decode({}));
    expect(decode({ reasoning: { effort: null, summary: null }, text: { format: null, verbosity: null } })).toEqual({
      ...decode({}),
      reasoning: {},
    });
  });

  test("what is not understood goes back to its own format", () => {
    expect(
      decode({ previous_response_id: "resp_1", client_metadata: { a: "b" }, truncation: "disabled", background: false }).extra,
    ).toMatchObject({
      format: "openai/responses",
      fields: { previous_response_id: "resp_1", client_metadata: { a: "b" } },
    });
  });
});

describe("malformed requests are refused by the name of the field", () => {
  const cases: [string, JsonObject][] = [
    ["model", { model: "" }],
    ["input", { input: null }],
    ["input", { input: [] }],
    ["input", { input: 5 }],
    ["input[0]", { input: ["hi"] }],
    ["input[0].type", { input: [{ type: 5 }] }],
    ["input[0].type", { input: [{ content: "hi" }] }],
    ["input[0].role", { input: [{ type: "message", content: "hi" }] }],
    ["input[0].role", { input: [{ role: "tool", content: "hi" }] }],
    ["input[0].content", { input: [{ role: "user" }] }],
    ["input[0].content[0].text", { input: [{ role: "user", content: [{ type: "input_text" }] }] }],
    ["input[0].content[0].type", { input: [{ role: "system", content: [{ type: "input_image", image_url: "https://a" }] }] }],
    ["input[0].content[0].image_url", { input: [{ role: "user", content: [{ type: "input_image", image_url: "file:///etc/passwd" }] }] }],
    ["input[0].content[0].image_url", { input: [{ role: "user", content: [{ type: "input_image", image_url: { url: "https://a" } }] }] }],
    ["input[0].content[0]", { input: [{ role: "user", content: [{ type: "input_file" }] }] }],
    ["input[0].content[0].file_url", { input: [{ role: "user", content: [{ type: "input_file", file_url: "gopher://a" }] }] }],
    ["input[0].call_id", { input: [{ type: "function_call", name: "a", arguments: "{}" }] }],
    ["input[0].name", { input: [{ type: "function_call", call_id: "a", name: "", arguments: "{}" }] }],
    ["input[0].arguments", { input: [{ type: "function_call", call_id: "a", name: "a", arguments: 5 }] }],
    ["input[0].output", { input: [{ type: "function_call_output", call_id: "a" }] }],
    ["input[0].call_id", { input: [{ type: "function_call_output", call_id: "", output: "" }] }],
    ["input[0].summary[0].text", { input: [{ type: "reasoning", summary: [{}] }] }],
    ["tools[0].function", { tools: [{ type: "function", function: { name: "a" } }] }],
    ["tools[0].name", { tools: [{ type: "function" }] }],
    ["tool_choice", { tool_choice: "sometimes" }],
    ["tool_choice.tools[0].name", { tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function" }] } }],
    ["text.format.json_schema", { text: { format: { type: "json_schema", json_schema: {} } } }],
    ["text.format.type", { text: { format: { type: "xml" } } }],
    ["reasoning.effort", { reasoning: { effort: 5 } }],
    ["temperature", { temperature: 3 }],
    ["max_output_tokens", { max_output_tokens: 0 }],
    ["metadata.a", { metadata: { a: 5 } }],
    ["stream", { stream: "yes" }],
  ];
  test.each(cases)("%s", (field, body) => {
    expect(fieldOf(() => decode(body))).toBe(field);
  });

  test("a conversation that stands at the provider needs no input", () => {
    expect(decode({ input: null, previous_response_id: "resp_1" }).messages).toEqual([]);
  });
});
