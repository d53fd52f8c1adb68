/** A tool call as the client that offered the tool expects it. */

import type { ToolCallPart } from "../../../canonical/chat.ts";
import { isObject, parseJson } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { ReplyContext } from "../../codec.ts";
import { writeExtraContent } from "./state.ts";

/** `functions` alone in the request: such a client looks for `function_call`, and knows no `tool_calls`. */
export function speaksOfFunctions({ body }: ReplyContext): boolean {
  return Array.isArray(body?.["functions"]) && !Array.isArray(body["tools"]);
}

/** A vendor without free-form tools was given a function with one text argument: this is the text. */
export function unwrapInput(text: string): string {
  const parsed = parseJson(text);
  if (!isObject(parsed)) return text;
  const [input, ...more] = Object.values(parsed);
  return typeof input === "string" && more.length === 0 ? input : text;
}

export function isFreeForm(part: Pick<ToolCallPart, "name" | "kind">, context: ReplyContext): boolean {
  return part.kind === "custom" || context.customTools.has(part.name);
}

export function writeCall(part: ToolCallPart, context: ReplyContext): JsonObject {
  const call: JsonObject = { id: part.id, ...writeKind(part, context) };
  const carried = writeExtraContent(part, context.origin);
  if (carried) call["extra_content"] = carried;
  return call;
}

function writeKind(part: ToolCallPart, context: ReplyContext): JsonObject {
  if (!isFreeForm(part, context))
    return { type: "function", function: { name: part.name, arguments: part.arguments.trim() === "" ? "{}" : part.arguments } };
  return { type: "custom", custom: { name: part.name, input: part.kind === "custom" ? part.arguments : unwrapInput(part.arguments) } };
}
