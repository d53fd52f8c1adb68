/** Tools and the choice among them, as Anthropic takes them. */

import type { ChatRequest, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { mark } from "./encode-content.ts";
import type { Block } from "./encode-content.ts";
import type { Turn } from "./encode-turns.ts";
import { format } from "./format.ts";
import { toWireName } from "./names.ts";
import { sanitiseSchema } from "./schema.ts";

/** Sets `tools` and `tool_choice`. `thinking`: manual thinking is on, which rules out forced calls. */
export function encodeTools(body: JsonObject, request: ChatRequest, turns: Turn[], thinking: boolean, context: EncodeContext): void {
  const given = request.tools ?? [];
  if (given.length > 0 && (context.quirks.has("no-tools") || context.capabilities.tools === false)) {
    throw unsupportedField("tools", "this model takes no tools");
  }
  const plan = planChoice(request.toolChoice ?? { type: "auto" }, given, thinking, context);
  const tools = plan.tools.map((tool, index) => encodeTool(tool, `tools[${index}]`, context));
  if (tools.length === 0) {
    recallTools(body, turns, context);
    return;
  }
  body.tools = tools;
  const choice: JsonObject = plan.choice;
  if (request.parallelToolCalls === false && choice.type !== "none") {
    if (context.quirks.has("no-parallel-tool-calls")) {
      context.warn({ field: "parallel_tool_calls", action: "dropped", reason: "this provider cannot be kept from parallel calls" });
    } else choice.disable_parallel_tool_use = true;
  }
  const isDefault = choice.type === "auto" && choice.disable_parallel_tool_use === undefined;
  if (!isDefault || request.toolChoice?.type === "auto") body.tool_choice = choice;
}

interface ChoicePlan {
  tools: Tool[];
  choice: JsonObject & { type: string };
}

/** A forced call where none may be forced becomes a free choice among what was forced. */
function planChoice(choice: ToolChoice, tools: Tool[], thinking: boolean, context: EncodeContext): ChoicePlan {
  const mayForce = context.capabilities.forcedToolChoice !== false && !thinking && !context.quirks.has("no-tool-choice");
  switch (choice.type) {
    case "auto":
    case "none":
      return { tools, choice: { type: choice.type } };
    case "required":
      if (!mayForce) warnUnforced(context);
      return { tools, choice: { type: mayForce ? "any" : "auto" } };
    case "tool": {
      if (mayForce) return { tools, choice: { type: "tool", name: toWireName(choice.name) ?? choice.name } };
      warnUnforced(context);
      return { tools: tools.filter((tool) => tool.name === choice.name), choice: { type: "auto" } };
    }
    case "allowed": {
      context.warn({
        field: "tool_choice",
        action: "emulated",
        reason: "only the allowed tools were sent: Anthropic has no list of allowed tools",
      });
      if (choice.mode === "required" && !mayForce) warnUnforced(context);
      const allowed = tools.filter((tool) => choice.names.includes(tool.name));
      return { tools: allowed, choice: { type: choice.mode === "required" && mayForce ? "any" : "auto" } };
    }
  }
}

function warnUnforced(context: EncodeContext): void {
  context.warn({
    field: "tool_choice",
    action: "approximated",
    reason: "a call cannot be forced with this model or while it thinks: the choice is left to it, among the forced tools",
  });
}

function encodeTool(tool: Tool, at: string, context: EncodeContext): Block {
  if (tool.kind === "vendor") return encodeVendorTool(tool, at, context);
  const name = toWireName(tool.name);
  if (name === undefined) throw unsupportedField(`${at}.name`, "Anthropic takes tool names of up to 128 characters");
  const block: Block = { name };
  const description = tool.kind === "custom" ? describeCustom(tool, at, context) : tool.description;
  if (description) block.description = description;
  block.input_schema = tool.kind === "custom" ? freeText : inputSchema(tool, at, context);
  if (tool.strict === true && tool.kind === "function" && !context.quirks.has("no-strict")) block.strict = true;
  mark(block, tool.cache, at, context);
  spendExtra(block, tool.extra, format, `${at}.`, context.warn);
  return block;
}

function encodeVendorTool(tool: Tool, at: string, context: EncodeContext): Block {
  if (tool.extra?.format !== format) {
    throw unsupportedField(
      at,
      `the hosted tool \`${tool.name}\` of ${tool.extra?.format ?? "another provider"} does not exist at Anthropic`,
    );
  }
  const block: Block = { ...tool.extra.fields };
  mark(block, tool.cache, at, context);
  return block;
}

/** Strict tools are compiled into a grammar and obey its limits; for all others the schema is only read, so it stays as it is. */
function inputSchema(tool: Tool, at: string, context: EncodeContext): JsonObject {
  const given = tool.parameters ?? {};
  const schema: JsonObject = given.type === "object" ? given : { ...given, type: "object" };
  if (tool.strict !== true || context.quirks.has("no-strict")) return isObject(schema.properties) ? schema : { ...schema, properties: {} };
  const sanitised = sanitiseSchema(schema);
  if (sanitised.moved.length > 0) {
    context.warn({
      field: `${at}.parameters`,
      action: "approximated",
      reason: `Anthropic does not enforce ${sanitised.moved.join(", ")}: moved into the description`,
    });
  }
  return sanitised.schema;
}

const freeText: JsonObject = {
  type: "object",
  properties: { input: { type: "string", description: "The tool's whole input, as plain text." } },
  required: ["input"],
  additionalProperties: false,
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

/** Calls in the history of a request without tools: the vendor wants them defined, and the caller wants no new ones. */
function recallTools(body: JsonObject, turns: Turn[], context: EncodeContext): void {
  const names = new Set<string>();
  for (const turn of turns) {
    for (const block of turn.content) {
      if (block.type === "tool_use" && typeof block.name === "string" && block.toolset_name === undefined) names.add(block.name);
    }
  }
  if (names.size === 0) return;
  body.tools = [...names].map((name) => ({ name, input_schema: { type: "object", properties: {} } }));
  body.tool_choice = { type: "none" };
  context.warn({
    field: "tools",
    action: "repaired",
    reason: "the history holds tool calls but no tools were given: their names were declared, with tool_choice none",
  });
}
