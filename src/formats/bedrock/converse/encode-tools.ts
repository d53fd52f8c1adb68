/** Tools and the choice among them. The vendor knows no choice `none`, and wants tools defined as long as the history holds calls. */

import type { ChatRequest, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import { pushCachePoint } from "./cache.ts";
import type { Encoding } from "./encode-media.ts";
import type { AnswerTool } from "./encode-output.ts";
import type { Turn } from "./encode-turns.ts";
import { format, takesMessagesFields } from "./format.ts";
import type { Block } from "./format.ts";
import { answerTool, toWireName } from "./names.ts";
import { closeSchema } from "./schema.ts";

export interface ToolPlan {
  toolConfig?: JsonObject | undefined;
  /** Goes into `additionalModelRequestFields`: what the model's maker can say and the vendor cannot. */
  choiceField?: JsonObject | undefined;
  /** The model must be told in words to call nothing. */
  silenced: boolean;
}

/** `answer`: the tool that stands for a schema. `thinking`: the model thinks, which rules out forced calls. */
export function planTools(
  request: ChatRequest,
  turns: readonly Turn[],
  answer: AnswerTool | undefined,
  thinking: boolean,
  context: Encoding,
): ToolPlan {
  const given = request.tools ?? [];
  if (given.length > 0 && (context.quirks.has("no-tools") || context.capabilities.tools === false)) {
    throw unsupportedField("tools", "this model takes no tools");
  }
  const plan = planChoice(request.toolChoice ?? { type: "auto" }, given, thinking, context);
  const blocks: Block[] = [];
  plan.tools.forEach((tool, index) => {
    blocks.push(encodeTool(tool, `tools[${index}]`, context));
    if (!context.quirks.has("no-tool-cache-marks")) pushCachePoint(blocks, tool.cache, `tools[${index}]`, context);
  });

  const calls = namesCalled(turns);
  if (plan.choice.type === "none" && calls.length === 0) blocks.length = 0;
  // A call that the caller forces is no answer yet, and needs no tool for one.
  if (answer && plan.choice.type !== "any" && plan.choice.type !== "tool") {
    const tools = [...blocks, { toolSpec: { name: answerTool, description: answer.description, inputSchema: { json: answer.schema } } }];
    // With other tools around, the model calls one of those or answers.
    const open = plan.choice.type === "auto" && blocks.length > 0;
    return { toolConfig: { tools, toolChoice: open ? { any: {} } : { tool: { name: answerTool } } }, silenced: false };
  }
  if (blocks.length === 0) return recallTools(calls, context);
  const toolConfig: JsonObject = { tools: blocks };
  if (plan.choice.type === "none") {
    warnSilenced(context);
    return { toolConfig, silenced: true };
  }
  if (request.parallelToolCalls === false) {
    const choiceField = singleCall(plan.choice, context);
    if (choiceField) return { toolConfig, choiceField, silenced: false };
  }
  if (plan.choice.type !== "auto" || request.toolChoice?.type === "auto") toolConfig.toolChoice = wireChoice(plan.choice);
  return { toolConfig, silenced: false };
}

type Choice = { type: "auto" } | { type: "none" } | { type: "any" } | { type: "tool"; name: string };

interface ChoicePlan {
  tools: Tool[];
  choice: Choice;
}

/** A forced call where none may be forced becomes a free choice among what was forced. */
function planChoice(choice: ToolChoice, tools: Tool[], thinking: boolean, context: Encoding): ChoicePlan {
  const mayForce = context.capabilities.forcedToolChoice !== false && !thinking && !context.quirks.has("no-tool-choice");
  switch (choice.type) {
    case "auto":
    case "none":
      return { tools, choice };
    case "required":
      if (!mayForce) warnUnforced(context);
      return { tools, choice: { type: mayForce ? "any" : "auto" } };
    case "tool": {
      if (mayForce) return { tools, choice: { type: "tool", name: toWireName(choice.name) } };
      warnUnforced(context);
      return { tools: tools.filter((tool) => tool.name === choice.name), choice: { type: "auto" } };
    }
    case "allowed": {
      context.warn({
        field: "tool_choice",
        action: "emulated",
        reason: "only the allowed tools were sent: Bedrock has no list of allowed tools",
      });
      if (choice.mode === "required" && !mayForce) warnUnforced(context);
      const allowed = tools.filter((tool) => choice.names.includes(tool.name));
      return { tools: allowed, choice: { type: choice.mode === "required" && mayForce ? "any" : "auto" } };
    }
  }
}

function wireChoice(choice: Choice): JsonObject {
  return choice.type === "tool" ? { tool: { name: choice.name } } : { [choice.type]: {} };
}

function warnUnforced(context: Encoding): void {
  context.warn({
    field: "tool_choice",
    action: "approximated",
    reason: "a call cannot be forced with this model or while it thinks: the choice is left to it, among the forced tools",
  });
}

function warnSilenced(context: Encoding): void {
  context.warn({
    field: "tool_choice",
    action: "emulated",
    reason: "Bedrock has no tool choice none, and wants the tools of the history defined: the model was told to call none",
  });
}

/** The vendor has no word for it; Claude's own `tool_choice` has, and then stands for the vendor's, which must be absent. */
function singleCall(choice: Choice, context: Encoding): JsonObject | undefined {
  if (takesMessagesFields(context.capabilities) && !context.quirks.has("no-parallel-tool-calls")) {
    return { ...choice, disable_parallel_tool_use: true };
  }
  context.warn({ field: "parallel_tool_calls", action: "dropped", reason: "this model cannot be kept from parallel calls" });
  return undefined;
}

// ── tools ────────────────────────────────────────────────────────────────────────────────────────────────────

function encodeTool(tool: Tool, at: string, context: Encoding): Block {
  if (tool.kind === "vendor") {
    if (tool.extra?.format === format) return { ...tool.extra.fields };
    throw unsupportedField(at, `the hosted tool \`${tool.name}\` of ${tool.extra?.format ?? "another provider"} does not exist at Bedrock`);
  }
  const spec: JsonObject = { name: toWireName(tool.name) };
  const description = tool.kind === "custom" ? describeCustom(tool, at, context) : tool.description;
  if (description?.trim()) spec.description = description;
  spec.inputSchema = { json: tool.kind === "custom" ? freeText : inputSchema(tool, spec, at, context) };
  spendExtra(spec, tool.extra, format, `${at}.`, context.warn);
  return { toolSpec: spec };
}

/** Strict tools are compiled into a grammar and obey its limits; for all others the schema is only read, so it stays as it is. */
function inputSchema(tool: Tool, spec: JsonObject, at: string, context: Encoding): JsonObject {
  const given = tool.parameters ?? {};
  const schema: JsonObject = given.type === "object" ? given : { ...given, type: "object" };
  if (tool.strict !== true) return isObject(schema.properties) ? schema : { ...schema, properties: {} };
  const { structuredOutput } = context.capabilities;
  if (context.quirks.has("no-strict") || (structuredOutput !== undefined && structuredOutput !== "schema")) {
    context.warn({ field: `${at}.strict`, action: "dropped", reason: "this model does not hold calls to a schema" });
    return schema;
  }
  spec.strict = true;
  const closed = closeSchema(schema);
  if (closed.moved.length > 0) {
    context.warn({
      field: `${at}.parameters`,
      action: "approximated",
      reason: `Bedrock does not enforce ${closed.moved.join(", ")}: moved into the description`,
    });
  }
  return closed.schema;
}

const freeText: JsonObject = {
  type: "object",
  properties: { input: { type: "string", description: "The tool's whole input, as plain text." } },
  required: ["input"],
  additionalProperties: false,
};

function describeCustom(tool: Tool, at: string, context: Encoding): string {
  const grammar = tool.input && tool.input.type !== "text" ? tool.input : undefined;
  const reason = grammar
    ? "sent as a function with one text argument: the grammar is told, not enforced"
    : "sent as a function with one text argument";
  context.warn({ field: at, action: "emulated", reason });
  const described = tool.description ?? "";
  return grammar ? `${described}\n\nThe \`input\` must match this format: ${JSON.stringify(grammar)}`.trim() : described;
}

/**
 * Calls in the history of a request without tools: "The toolConfig field must be defined when using toolUse and toolResult content blocks".
 * The caller wants no new ones, so the model is told.
 */
function recallTools(calls: readonly string[], context: Encoding): ToolPlan {
  if (calls.length === 0) return { silenced: false };
  context.warn({
    field: "tools",
    action: "repaired",
    reason: "the history holds tool calls but no tools were given: their names were declared, and the model was told to call none",
  });
  const tools = calls.map((name) => ({ toolSpec: { name, inputSchema: { json: { type: "object", properties: {} } } } }));
  return { toolConfig: { tools }, silenced: true };
}

function namesCalled(turns: readonly Turn[]): string[] {
  const names = new Set<string>();
  for (const turn of turns) {
    for (const { toolUse } of turn.content) {
      if (isObject(toolUse) && typeof toolUse.name === "string" && toolUse.type === undefined) names.add(toolUse.name);
    }
  }
  return [...names];
}
