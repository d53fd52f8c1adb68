/** Tools and the choice among them, as Gemini takes them. */

import type { ChatRequest, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { noteCache, wireName } from "./encode-content.ts";
import { format } from "./format.ts";
import { sanitiseSchema } from "./schema.ts";

/** Sets `tools` and `toolConfig.functionCallingConfig`. */
export function encodeTools(body: JsonObject, request: ChatRequest, context: EncodeContext): void {
  const tools = request.tools ?? [];
  if (tools.length > 0 && (context.quirks.has("no-tools") || context.capabilities.tools === false)) {
    throw unsupportedField("tools", "this model takes no tools");
  }
  const entries: JsonObject[] = [];
  let declarations: JsonObject[] | undefined;
  tools.forEach((tool, index) => {
    const at = `tools[${index}]`;
    if (tool.kind === "vendor") {
      entries.push(encodeHosted(tool, at));
      return;
    }
    // All functions stand in one entry: several entries with functions are refused.
    if (!declarations) {
      declarations = [];
      entries.push({ functionDeclarations: declarations });
    }
    declarations.push(encodeFunction(tool, at, context));
  });
  if (entries.length > 0) body.tools = entries;
  const calling = declarations ? encodeChoice(request, context) : undefined;
  if (calling) body.toolConfig = { functionCallingConfig: calling };
  if (request.parallelToolCalls === false && tools.length > 0) {
    context.warn({ field: "parallel_tool_calls", action: "dropped", reason: "Gemini cannot be kept from parallel calls" });
  }
}

function encodeChoice(request: ChatRequest, context: EncodeContext): JsonObject | undefined {
  const choice = request.toolChoice;
  // A strict schema is promised where a call is forced, and otherwise in this mode alone.
  const strict = !context.quirks.has("no-strict") && (request.tools?.some((tool) => tool.strict === true) ?? false);
  if (!choice || choice.type === "auto") {
    if (strict) return { mode: "VALIDATED" };
    return choice ? { mode: "AUTO" } : undefined;
  }
  if (choice.type !== "none" && context.quirks.has("no-tool-choice")) {
    throw unsupportedField("tool_choice", "this provider leaves the choice of tools to the model");
  }
  return forced(choice);
}

function forced(choice: Exclude<ToolChoice, { type: "auto" }>): JsonObject {
  switch (choice.type) {
    case "none":
      return { mode: "NONE" };
    case "required":
      return { mode: "ANY" };
    case "tool":
      return { mode: "ANY", allowedFunctionNames: [wireName(choice.name, "tool_choice")] };
    case "allowed":
      return {
        mode: choice.mode === "required" ? "ANY" : "VALIDATED",
        allowedFunctionNames: choice.names.map((name) => wireName(name, "tool_choice")),
      };
  }
}

function encodeHosted(tool: Tool, at: string): JsonObject {
  if (tool.extra?.format === format) return { ...tool.extra.fields };
  throw unsupportedField(at, `the hosted tool \`${tool.name}\` of ${tool.extra?.format ?? "another provider"} does not exist at Google`);
}

function encodeFunction(tool: Tool, at: string, context: EncodeContext): JsonObject {
  noteCache(tool.cache, context);
  const declaration: JsonObject = { name: wireName(tool.name, `${at}.name`) };
  const description = tool.kind === "custom" ? describeCustom(tool, at, context) : tool.description;
  if (description) declaration.description = description;
  const parameters = tool.kind === "custom" ? freeText : encodeParameters(tool, at, context);
  if (parameters) declaration.parametersJsonSchema = parameters;
  spendExtra(declaration, tool.extra, format, `${at}.`, context.warn);
  return declaration;
}

function encodeParameters(tool: Tool, at: string, context: EncodeContext): JsonObject | undefined {
  if (!tool.parameters) return undefined;
  const { schema, moved } = sanitiseSchema(tool.parameters);
  if (moved.length > 0) {
    const reason = `Gemini does not enforce ${moved.join(", ")}: moved into the description`;
    context.warn({ field: `${at}.parameters`, action: "approximated", reason });
  }
  return schema.type === undefined && schema.$ref === undefined ? { ...schema, type: "object" } : schema;
}

const freeText: JsonObject = {
  type: "object",
  properties: { input: { type: "string", description: "The tool's whole input, as plain text." } },
  required: ["input"],
};

function describeCustom(tool: Tool, at: string, context: EncodeContext): string {
  const grammar = tool.input && tool.input.type !== "text" ? tool.input : undefined;
  const reason = grammar
    ? "sent as a function with one text argument: the grammar is told, not enforced"
    : "sent as a function with one text argument";
  context.warn({ field: at, action: "emulated", reason });
  const described = tool.description ?? "";
  return grammar ? `${described}\n\nThe \`input\` must match this format: ${JSON.stringify(grammar)}`.trim() : described;
}
