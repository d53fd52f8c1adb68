import { describe, expect, test } from "vitest";
import type { ChatRequest, Tool, ToolChoice } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { assistant, calls, claude, encode, look, results, user } from "./samples.ts";
import type { Target } from "./samples.ts";

const hear: Tool = { name: "hear", kind: "function", parameters: { type: "object", properties: {} } };
const history = [user("go"), calls("a"), results("a")];
const schema: JsonObject = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
const shape = { type: "json-schema", name: "out", schema } as const;

function config(fields: Partial<ChatRequest>, target: Target = {}): JsonObject {
  return (encode(fields, target).body.toolConfig ?? {}) as JsonObject;
}

function namesIn(toolConfig: JsonObject): unknown[] {
  return ((toolConfig.tools ?? []) as JsonObject[]).map(({ toolSpec }) => (toolSpec as JsonObject).name);
}

describe("tools", () => {
  test("as specifications, without an empty description", () => {
    expect(config({ tools: [look, { name: "x", description: " ", kind: "function" }] })).toEqual({
      tools: [
        { toolSpec: { name: "look", description: "Looks.", inputSchema: { json: { type: "object", properties: {} } } } },
        { toolSpec: { name: "x", inputSchema: { json: { type: "object", properties: {} } } } },
      ],
    });
  });

  test("whose names the vendor refuses get others, in definitions, choice and history alike", () => {
    const name = "files.read";
    const tool: Tool = { name, kind: "function", parameters: { type: "object", properties: {} } };
    const { body } = encode({
      tools: [tool],
      toolChoice: { type: "tool", name },
      messages: [
        user("go"),
        { role: "assistant", content: [{ type: "tool-call", id: "a", name, kind: "function", arguments: "{}" }] },
        results("a"),
      ],
    });
    const wire = "hgfn-files-2e-read";
    expect(namesIn(body.toolConfig as JsonObject)).toEqual([wire]);
    expect((body.toolConfig as JsonObject).toolChoice).toEqual({ tool: { name: wire } });
    expect(JSON.stringify(body.messages)).toContain(`"name":"${wire}"`);
  });

  test("strict where the model holds to a schema, which is then closed", () => {
    const strict: Tool = { ...look, strict: true, parameters: { type: "object", properties: { n: { type: "integer", minimum: 3 } } } };
    const { body, told } = encode({ tools: [strict] }, { capabilities: claude });
    expect(((body.toolConfig as JsonObject).tools as JsonObject[])[0]?.toolSpec).toMatchObject({
      strict: true,
      inputSchema: { json: { additionalProperties: false, properties: { n: { type: "integer", description: "{minimum: 3}" } } } },
    });
    expect(told).toEqual(["approximated tools[0].parameters"]);
    const loose = encode({ tools: [strict] }, { capabilities: { structuredOutput: "none" } });
    expect(JSON.stringify(loose.body.toolConfig)).not.toContain("strict");
    expect(loose.told).toEqual(["dropped tools[0].strict"]);
  });

  test("free-form ones are functions with one text argument", () => {
    const grammar: Tool = { name: "sql", description: "Runs SQL.", kind: "custom", input: { type: "grammar", syntax: "lark" } };
    const { body, told } = encode({ tools: [grammar] });
    const spec = ((body.toolConfig as JsonObject).tools as JsonObject[])[0]?.toolSpec as JsonObject;
    expect(spec.description).toContain('The `input` must match this format: {"type":"grammar","syntax":"lark"}');
    expect(((spec.inputSchema as JsonObject).json as JsonObject).required).toEqual(["input"]);
    expect(told).toEqual(["emulated tools[0]"]);
  });

  test("of the vendor go in whole, of others are refused by name", () => {
    expect(
      config({
        tools: [
          {
            name: "nova_grounding",
            kind: "vendor",
            extra: { format: "bedrock/converse", fields: { systemTool: { name: "nova_grounding" } } },
          },
        ],
      }),
    ).toEqual({
      tools: [{ systemTool: { name: "nova_grounding" } }],
    });
    expect(() => config({ tools: [{ name: "web_search", kind: "vendor", extra: { format: "openai/responses", fields: {} } }] })).toThrow(
      "`web_search` of openai/responses",
    );
    expect(() => config({ tools: [look] }, { capabilities: { tools: false } })).toThrow("takes no tools");
  });

  test("are defined anew where only the history knows them, and the model is told to call none", () => {
    const { body, told } = encode({ messages: history });
    expect(body.toolConfig).toEqual({ tools: [{ toolSpec: { name: "look", inputSchema: { json: { type: "object", properties: {} } } } }] });
    expect(JSON.stringify(body.messages)).toContain("Answer without calling any tool.");
    expect(told).toEqual(["repaired tools"]);
    // An answer begun is not interrupted by it.
    const begun = encode({ messages: [...history, assistant("So")] }).body;
    expect((begun.messages as JsonObject[]).at(-1)).toEqual({ role: "assistant", content: [{ text: "So" }] });
    expect(begun.system).toEqual([{ text: "Answer without calling any tool." }]);
  });
});

describe("the choice among tools", () => {
  const choose = (toolChoice: ToolChoice, target: Target = {}, more: Partial<ChatRequest> = {}) =>
    encode({ tools: [look, hear], toolChoice, ...more }, target);

  test("auto, any, one", () => {
    expect((choose({ type: "auto" }).body.toolConfig as JsonObject).toolChoice).toEqual({ auto: {} });
    expect((choose({ type: "required" }).body.toolConfig as JsonObject).toolChoice).toEqual({ any: {} });
    expect((choose({ type: "tool", name: "hear" }).body.toolConfig as JsonObject).toolChoice).toEqual({ tool: { name: "hear" } });
    expect(config({ tools: [look] }).toolChoice).toBeUndefined();
  });

  test("none: no tools at all, or the tools of the history and a word to the model", () => {
    expect(choose({ type: "none" }).body.toolConfig).toBeUndefined();
    const { body, told } = choose({ type: "none" }, {}, { messages: history });
    expect(namesIn(body.toolConfig as JsonObject)).toEqual(["look", "hear"]);
    expect((body.toolConfig as JsonObject).toolChoice).toBeUndefined();
    expect(JSON.stringify(body.messages)).toContain("Answer without calling any tool.");
    expect(told).toEqual(["emulated tool_choice"]);
  });

  test("a forced call where none may be forced becomes a free choice among what was forced", () => {
    for (const target of [{ capabilities: { forcedToolChoice: false } }, { quirks: ["no-tool-choice"] }] as Target[]) {
      const { body, told } = choose({ type: "tool", name: "hear" }, target);
      expect(namesIn(body.toolConfig as JsonObject)).toEqual(["hear"]);
      expect((body.toolConfig as JsonObject).toolChoice).toBeUndefined();
      expect(told).toEqual(["approximated tool_choice"]);
    }
    expect(choose({ type: "required" }, { capabilities: claude }, { reasoning: { adaptive: true } }).told).toEqual([
      "approximated tool_choice",
    ]);
  });

  test("a list of allowed tools is those tools", () => {
    const { body, told } = choose({ type: "allowed", mode: "required", names: ["hear"] });
    expect(namesIn(body.toolConfig as JsonObject)).toEqual(["hear"]);
    expect((body.toolConfig as JsonObject).toolChoice).toEqual({ any: {} });
    expect(told).toEqual(["emulated tool_choice"]);
  });

  test("one call at a time: in Claude's own words, which then stand for the vendor's", () => {
    const { body } = choose({ type: "required" }, { capabilities: { reasoning: ["budget"] } }, { parallelToolCalls: false });
    expect(body.additionalModelRequestFields).toEqual({ tool_choice: { type: "any", disable_parallel_tool_use: true } });
    expect((body.toolConfig as JsonObject).toolChoice).toBeUndefined();
    const other = choose({ type: "required" }, { capabilities: { reasoning: false } }, { parallelToolCalls: false });
    expect((other.body.toolConfig as JsonObject).toolChoice).toEqual({ any: {} });
    expect(other.told).toEqual(["dropped parallel_tool_calls"]);
  });
});

describe("a schema for the answer", () => {
  test("is enforced by the vendor, closed and written as text", () => {
    const { body, told } = encode({ output: { ...shape, name: "my out!", description: "An answer." } }, { capabilities: claude });
    expect(body.outputConfig).toEqual({
      textFormat: {
        type: "json_schema",
        structure: {
          jsonSchema: { schema: JSON.stringify({ ...schema, additionalProperties: false }), name: "my_out_", description: "An answer." },
        },
      },
    });
    expect(told).toEqual([]);
  });

  test("or is a tool that must be called, where the model holds to none", () => {
    const { body, told } = encode({ output: shape }, { capabilities: { structuredOutput: "none" } });
    expect(body.toolConfig).toEqual({
      tools: [{ toolSpec: { name: "hgfn_answer", description: expect.stringContaining("whole answer"), inputSchema: { json: schema } } }],
      toolChoice: { tool: { name: "hgfn_answer" } },
    });
    expect(told).toEqual(["emulated response_format"]);
  });

  test("beside other tools the model calls one of those or answers", () => {
    const target: Target = { quirks: ["no-json-schema"] };
    expect(config({ output: shape, tools: [look] }, target).toolChoice).toEqual({ any: {} });
    expect(namesIn(config({ output: shape, tools: [look] }, target))).toEqual(["look", "hgfn_answer"]);
    // A call that the caller forces is no answer yet.
    expect(config({ output: shape, tools: [look], toolChoice: { type: "required" } }, target)).toMatchObject({ toolChoice: { any: {} } });
    expect(namesIn(config({ output: shape, tools: [look], toolChoice: { type: "required" } }, target))).toEqual(["look"]);
    expect(config({ output: shape, tools: [look], toolChoice: { type: "none" } }, target)).toMatchObject({
      toolChoice: { tool: { name: "hgfn_answer" } },
    });
  });

  test("or is asked for in words, where no call may be forced or no tool fits", () => {
    const thinking = encode(
      { output: shape, reasoning: { budgetTokens: 2000 } },
      { capabilities: { structuredOutput: "none", reasoning: ["budget"] } },
    );
    expect(JSON.stringify(thinking.body.system)).toContain("valid against this JSON Schema");
    expect(thinking.body.toolConfig).toBeUndefined();
    const list = encode(
      { output: { type: "json-schema", schema: { type: "array", items: {} } } },
      { capabilities: { structuredOutput: "none" } },
    );
    expect(JSON.stringify(list.body.system)).toContain("valid against this JSON Schema");
  });

  test("JSON without a schema is asked for in words", () => {
    const { body, told } = encode({ output: { type: "json-object" } });
    expect(body.system).toEqual([{ text: expect.stringContaining("one valid JSON object") }]);
    expect(told).toEqual(["emulated response_format"]);
  });
});
