/** A client's request in Anthropic's words, as a canonical request. */

import type { ChatRequest, Message, Reasoning, Tool, ToolChoice } from "../../../canonical/chat.ts";
import { invalidField } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Door } from "../../codec.ts";
import { check } from "./check.ts";
import { decodeCache, decodeMessages, decodeSystem, leftover } from "./decode-content.ts";
import { format, pocket, strictVersion } from "./format.ts";
import type { WireRequest, WireTool } from "./wire.ts";

/** Every field of the format has one place: here, or in the `extra` pocket. `headgate` is for the gateway and goes no further. */
const mapped = [
  "model",
  "max_tokens",
  "messages",
  "system",
  "stop_sequences",
  "stream",
  "temperature",
  "top_p",
  "top_k",
  "thinking",
  "output_config",
  "tools",
  "tool_choice",
  "metadata",
  "service_tier",
  "cache_control",
  "headgate",
];

export function decodeRequest(body: JsonObject, door: Door): ChatRequest {
  check(body);
  const wire = body as unknown as WireRequest;
  if ((door.headers.get("anthropic-version") ?? "") >= strictVersion) refuseRetired(wire);
  const system = wire.system ? decodeSystem(wire.system) : [];
  const messages: Message[] = decodeMessages(wire.messages);
  if (system.length > 0) messages.unshift({ role: "system", content: system });

  const request: ChatRequest = { model: wire.model, messages, maxOutputTokens: wire.max_tokens, stream: wire.stream ?? false };
  // A stream of this format always tells the usage.
  request.includeUsage = true;
  if (wire.stop_sequences && wire.stop_sequences.length > 0) request.stop = wire.stop_sequences;
  if (typeof wire.temperature === "number") request.temperature = wire.temperature;
  if (typeof wire.top_p === "number") request.topP = wire.top_p;
  if (typeof wire.top_k === "number") request.topK = wire.top_k;
  if (wire.tools && wire.tools.length > 0) request.tools = wire.tools.map(decodeTool);
  if (wire.tool_choice) {
    request.toolChoice = decodeToolChoice(wire.tool_choice);
    if (typeof wire.tool_choice.disable_parallel_tool_use === "boolean") {
      request.parallelToolCalls = !wire.tool_choice.disable_parallel_tool_use;
    }
  }
  const reasoning = decodeReasoning(wire);
  if (reasoning) request.reasoning = reasoning;
  const output = wire.output_config?.format;
  if (output?.type === "json_schema") request.output = { type: "json-schema", schema: output.schema };
  if (wire.metadata?.user_id) request.endUser = wire.metadata.user_id;
  if (wire.service_tier) request.serviceTier = wire.service_tier;
  if (wire.cache_control) request.cache = decodeCache(wire.cache_control);
  const extra = pocket(decodeExtra(body, wire));
  if (extra) request.extra = extra;
  return request;
}

/** Version 2026-10-21 took these away, and answers 400 even to their default values. */
function refuseRetired(wire: WireRequest): void {
  for (const field of ["temperature", "top_p", "top_k"] as const) {
    if (typeof wire[field] === "number") throw invalidField(field, `is not part of anthropic-version ${strictVersion}`);
  }
  wire.messages.forEach((message, index) => {
    if (typeof message.content === "string") return;
    message.content.forEach((block, at) => {
      const path = `messages[${index}].content[${at}]`;
      if (message.role === "assistant" && block.type === "document") {
        throw invalidField(path, `a document may not stand in an assistant message in anthropic-version ${strictVersion}`);
      }
      if (message.role === "user" && block.type === "text" && block.citations && block.citations.length > 0) {
        throw invalidField(`${path}.citations`, `must be empty in a user message in anthropic-version ${strictVersion}`);
      }
    });
  });
}

function decodeTool(tool: WireTool): Tool {
  const cache = decodeCache(tool.cache_control);
  if (tool.type && tool.type !== "custom") {
    const { cache_control: _, ...fields } = tool as JsonObject;
    return { name: tool.name ?? tool.type, kind: "vendor", cache, extra: { format, fields } };
  }
  return {
    name: tool.name ?? "",
    description: tool.description ?? undefined,
    kind: "function",
    parameters: tool.input_schema,
    strict: tool.strict ?? undefined,
    cache,
    extra: leftover(tool, ["type", "name", "description", "input_schema", "strict", "cache_control"]),
  };
}

function decodeToolChoice(choice: NonNullable<WireRequest["tool_choice"]>): ToolChoice {
  switch (choice.type) {
    case "auto":
      return { type: "auto" };
    case "any":
      return { type: "required" };
    case "none":
      return { type: "none" };
    case "tool":
      return { type: "tool", name: choice.name ?? "" };
  }
}

/**
 * `effort` without `thinking` steers how much the model writes and does not switch thinking on: `adaptive: false` says so.
 * With `thinking: disabled` it lives on in the pocket, as effort `none` has taken its place.
 */
function decodeReasoning(wire: WireRequest): Reasoning | undefined {
  const effort = wire.output_config?.effort ?? undefined;
  const thinking = wire.thinking;
  if (!thinking) return effort === undefined ? undefined : { effort, adaptive: false };
  const kept: JsonObject = { ...leftover(thinking, ["type", "budget_tokens", "display"])?.fields };
  const reasoning: Reasoning = {};
  switch (thinking.type) {
    case "enabled":
      reasoning.budgetTokens = thinking.budget_tokens;
      if (effort !== undefined) reasoning.effort = effort;
      break;
    case "adaptive":
      reasoning.adaptive = true;
      if (effort !== undefined) reasoning.effort = effort;
      break;
    case "disabled":
      reasoning.effort = "none";
      if (effort !== undefined) kept.effort = effort;
      break;
    default:
      // `between_tools`, and kinds that are new to us: toward other formats it is as if nothing was asked.
      kept.type = thinking.type;
      if (effort !== undefined) reasoning.effort = effort;
  }
  if (thinking.display) reasoning.summary = thinking.display;
  const extra = pocket(kept);
  if (extra) reasoning.extra = extra;
  return reasoning;
}

function decodeExtra(body: JsonObject, wire: WireRequest): JsonObject {
  const fields: JsonObject = { ...leftover(body, mapped)?.fields };
  const metadata = wire.metadata ? leftover(wire.metadata, ["user_id"]) : undefined;
  if (metadata) fields.metadata = metadata.fields;
  const output = wire.output_config ? leftover(wire.output_config, ["effort", "format"])?.fields : undefined;
  const format = wire.output_config?.format;
  const foreign = format && format.type !== "json_schema" ? { format: format as unknown as JsonObject } : undefined;
  if (output || foreign) fields.output_config = { ...output, ...foreign };
  return fields;
}
