/** The models that call tools. */

import type { ChatRequest, Tool } from "../canonical/chat.ts";
import { unsupportedField } from "../canonical/errors.ts";
import type { Act, Block, Scene } from "./act.ts";
import { speak, textBlock } from "./act.ts";
import { instanceOf } from "./instance.ts";
import { closingResults, describeResults, lastSaid, slices, words } from "./speech.ts";

/** Calls tools until their results are there; then, or when there is nothing to call, answers in words. */
export function callTools(scene: Scene, which: "first" | "every"): Act {
  const { request } = scene;
  const results = closingResults(request);
  if (results.length > 0) return sayText(scene, describeResults(results));
  const callable = callableTools(request);
  const called = which === "first" || request.parallelToolCalls === false ? callable.slice(0, 1) : callable;
  if (called.length === 0) return sayText(scene, `No tool to call. ${lastSaid(request)}`);
  const blocks = called.map((tool, index) => callBlock(tool, `call_mock_${turnsSoFar(request)}_${index + 1}`));
  return { kind: "answer", steps: speak(scene, { blocks, finish: "tool-calls" }) };
}

/** The tools that may be called here, by the caller's own choice; hosted tools run at a vendor and cannot be. */
function callableTools(request: ChatRequest): Tool[] {
  const tools = (request.tools ?? []).filter((tool) => tool.kind !== "vendor");
  const choice = request.toolChoice;
  switch (choice?.type) {
    case "none":
      return [];
    case "tool": {
      const named = tools.filter((tool) => tool.name === choice.name);
      if (named.length === 0) throw unsupportedField("tool_choice", `there is no tool "${choice.name.slice(0, 64)}"`);
      return named;
    }
    case "allowed":
      return tools.filter((tool) => choice.names.includes(tool.name));
    default:
      return tools;
  }
}

function callBlock(tool: Tool, id: string): Block {
  const kind = tool.kind === "custom" ? "custom" : "function";
  const text = kind === "custom" ? `mock input for ${tool.name}` : JSON.stringify(argumentsFor(tool));
  return { content: { kind: "tool-call", id, name: tool.name, call: kind }, pieces: () => slices(text, 12) };
}

/** Arguments are an object, whatever the schema leaves out. */
function argumentsFor(tool: Tool): unknown {
  return instanceOf({ type: "object", ...tool.parameters });
}

/** Makes the ids of one conversation differ from turn to turn, and the same conversation get the same ids. */
function turnsSoFar(request: ChatRequest): number {
  return request.messages.filter((message) => message.role === "assistant").length + 1;
}

function sayText(scene: Scene, text: string): Act {
  return { kind: "answer", steps: speak(scene, { blocks: [textBlock(() => words(text))] }) };
}
