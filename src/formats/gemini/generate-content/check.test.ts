import { describe, expect, test } from "vitest";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { check } from "./check.ts";

function fieldOf(body: JsonObject): string | undefined {
  try {
    check(body);
    return undefined;
  } catch (thrown) {
    if (isGatewayError(thrown) && thrown.code === "invalid_request") return thrown.field;
    throw thrown;
  }
}

const ask: JsonObject = { contents: [{ parts: [{ text: "hi" }] }] };
const part = (fields: JsonObject): JsonObject => ({ contents: [{ parts: [{ text: "hi" }, fields] }] });

describe("a wrong type is named by its path", () => {
  const wrong: [string, JsonObject][] = [
    ["contents", {}],
    ["contents", { contents: [] }],
    ["contents[0]", { contents: ["hi"] }],
    ["contents[0].role", { contents: [{ role: "assistant", parts: [] }] }],
    ["contents[0].parts[1]", part({})],
    ["contents[0].parts[1].text", part({ text: 1 })],
    ["contents[0].parts[1].thought", part({ text: "a", thought: "yes" })],
    ["contents[0].parts[1].thoughtSignature", part({ text: "a", thoughtSignature: 1 })],
    ["contents[0].parts[1].inlineData.mimeType", part({ inlineData: { data: "a" } })],
    ["contents[0].parts[1].inlineData.data", part({ inline_data: { mime_type: "image/png" } })],
    ["contents[0].parts[1].fileData.fileUri", part({ fileData: { mimeType: "image/png" } })],
    ["contents[0].parts[1].functionCall.name", part({ functionCall: { args: {} } })],
    ["contents[0].parts[1].functionCall.name", part({ functionCall: { name: "" } })],
    ["contents[0].parts[1].functionCall.args", part({ functionCall: { name: "a", args: "{}" } })],
    ["contents[0].parts[1].functionResponse.response", part({ functionResponse: { name: "a", response: "text" } })],
    [
      "contents[0].parts[1].functionResponse.parts[0].inlineData.data",
      part({ functionResponse: { name: "a", parts: [{ inlineData: { mimeType: "a/b" } }] } }),
    ],
    ["systemInstruction.parts[0].text", { ...ask, systemInstruction: { parts: [{ inlineData: {} }] } }],
    ["tools[0].functionDeclarations[0].name", { ...ask, tools: [{ functionDeclarations: [{}] }] }],
    ["tools[0].functionDeclarations[0].parameters", { ...ask, tools: [{ function_declarations: [{ name: "a", parameters: "x" }] }] }],
    ["toolConfig.functionCallingConfig.mode", { ...ask, toolConfig: { functionCallingConfig: { mode: 1 } } }],
    [
      "toolConfig.functionCallingConfig.allowedFunctionNames[1]",
      { ...ask, toolConfig: { functionCallingConfig: { allowedFunctionNames: ["a", 1] } } },
    ],
    ["generationConfig.temperature", { ...ask, generationConfig: { temperature: "warm" } }],
    ["generationConfig.maxOutputTokens", { ...ask, generation_config: { max_output_tokens: 1.5 } }],
    ["generationConfig.candidateCount", { ...ask, generationConfig: { candidateCount: -1 } }],
    ["generationConfig.stopSequences[0]", { ...ask, generationConfig: { stopSequences: [1] } }],
    ["generationConfig.thinkingConfig.thinkingBudget", { ...ask, generationConfig: { thinkingConfig: { thinkingBudget: "much" } } }],
    ["generationConfig.thinkingConfig.includeThoughts", { ...ask, generationConfig: { thinkingConfig: { includeThoughts: 1 } } }],
    ["safetySettings[0]", { ...ask, safetySettings: ["none"] }],
    ["labels.team", { ...ask, labels: { team: 1 } }],
    ["cachedContent", { ...ask, cachedContent: {} }],
  ];
  test.each(wrong)("%s", (field, body) => expect(fieldOf(body)).toBe(field));
});

describe("protobuf's JSON is taken with all its freedom", () => {
  const right: [string, JsonObject][] = [
    ["numbers as text", { ...ask, generationConfig: { maxOutputTokens: "100", temperature: "0.5", seed: "-7" } }],
    ["null for what is not set", { ...ask, tools: null, generationConfig: { topP: null, stopSequences: null } }],
    ["a single message for a list of one", { contents: { parts: { text: "hi" } }, tools: { functionDeclarations: { name: "a" } } }],
    ["a model's turn that used up its tokens in thought", { contents: [{ parts: [{ text: "hi" }] }, { role: "model" }] }],
    ["fields, parts and tools that are new", { ...part({ newKind: {} }), newField: 1, tools: [{ newTool: {} }] }],
  ];
  test.each(right)("%s", (_, body) => expect(fieldOf(body)).toBeUndefined());
});

test("any value in any place is refused politely or taken", () => {
  const values: Json[] = [null, true, 0, -1, 1.5, "", "x", [], [null], {}, { text: 1 }, [[]]];
  const fields = [
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "safetySettings",
    "cachedContent",
    "labels",
    "serviceTier",
  ];
  for (const field of fields) for (const value of values) expect(() => fieldOf({ ...ask, [field]: value })).not.toThrow();
});
