/**
 * The items of a conversation as messages. One answer of a model is several items here (reasoning, message, calls) and one
 * message everywhere else: neighbours are joined, or vendors that pair calls with results by turns refuse the history
 * (BerriAI/litellm#22578, #21154, #28978).
 */

import type {
  AssistantMessage,
  AssistantPart,
  Extra,
  Message,
  OpaqueState,
  ReasoningPart,
  ToolCallPart,
  ToolMessage,
  ToolResultContent,
  ToolResultPart,
  VendorPart,
} from "../../../canonical/chat.ts";
import { invalidField } from "../../../canonical/errors.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { decodeAssistantContent, decodeResultContent, decodeSystemContent, decodeUserContent, leftover } from "./decode-content.ts";
import { format, isMadeUp } from "./format.ts";
import { attach, isMinted, itemState, reasoningText, unmint } from "./state.ts";

export function decodeInput(instructions: string | undefined, input: Json | undefined): Message[] {
  const decoder = new InputDecoder();
  // Encoding looks for it in this place, so that it goes back where it came from.
  if (instructions) decoder.messages.push({ role: "system", content: [{ type: "text", text: instructions }] });
  if (typeof input === "string") decoder.messages.push({ role: "user", content: [{ type: "text", text: input }] });
  else if (Array.isArray(input)) input.forEach((item, index) => decoder.add(item as JsonObject, `input[${index}]`));
  return decoder.messages;
}

class InputDecoder {
  readonly messages: Message[] = [];
  readonly #calls = new Map<string, ToolCallPart>();
  /** Calls that came without an id, for results that come without one. */
  readonly #unnamed: ToolCallPart[] = [];

  add(item: JsonObject, at: string): void {
    switch (item.type ?? "message") {
      case "message":
        this.#message(item, at);
        return;
      case "function_call":
      case "custom_tool_call":
        this.#call(item, at);
        return;
      case "function_call_output":
      case "custom_tool_call_output":
        this.#result(item, at);
        return;
      case "reasoning":
        this.#reasoning(item);
        return;
      default:
        if (comesFromTheCaller(item)) this.messages.push({ role: "user", content: [{ type: "vendor", format, value: item }] });
        else this.#answer().push(decodeOutputItem(item));
    }
  }

  /** The content of the answer that the item belongs to. */
  #answer(): AssistantPart[] {
    const last = this.messages.at(-1);
    if (last?.role === "assistant") return last.content;
    const message: AssistantMessage = { role: "assistant", content: [] };
    this.messages.push(message);
    return message.content;
  }

  #reasoning(item: JsonObject): void {
    const last = this.messages.at(-1);
    const parts = decodeReasoningItem(item, last?.role === "assistant" ? last.content : []);
    if (parts.length > 0) this.#answer().push(...parts);
  }

  #message(item: JsonObject, at: string): void {
    const where = `${at}.content`;
    switch (item.role) {
      case "user":
        this.messages.push({ role: "user", content: decodeUserContent(item.content, where), ...messageExtra(item) });
        return;
      case "system":
      case "developer":
        this.messages.push({ role: item.role, content: decodeSystemContent(item.content, where), ...messageExtra(item) });
        return;
      case "assistant":
        this.#answer().push(...withPhase(decodeAssistantContent(item.content, where), item));
        return;
      default:
        throw invalidField(`${at}.role`, "must be user, assistant, system or developer.");
    }
  }

  #call(item: JsonObject, at: string): void {
    const part = decodeCall(item);
    if (part.id === "") {
      // Servers of open models leave ids empty, and clients keep what they got: the same id again on every turn.
      part.id = `call_${at.replace(/\D/g, "")}`;
      this.#unnamed.push(part);
    }
    this.#calls.set(part.id, part);
    this.#answer().push(part);
  }

  #result(item: JsonObject, at: string): void {
    const given = item.call_id as string;
    const call = given === "" ? this.#unnamed.shift() : this.#calls.get(given);
    if (given === "" && !call) throw invalidField(`${at}.call_id`, "must be the id of a call.");
    const part: ToolResultPart = { type: "tool-result", callId: call?.id ?? given, ...decodeOutput(item.output, `${at}.output`) };
    const name = call?.name ?? asString(item.name);
    if (name !== undefined) part.name = name;
    if (item.type === "custom_tool_call_output" || call?.kind === "custom") part.kind = "custom";
    const extra = leftover(item, ["type", "id", "call_id", "output", "status", "name", "created_by"]);
    if (extra) part.extra = extra;
    const last = this.messages.at(-1);
    if (last?.role === "tool") last.content.push(part);
    else this.messages.push({ role: "tool", content: [part] } satisfies ToolMessage);
  }
}

/** Early Codex told a failure as `{content, success: false}`; other objects are somebody's result that was not made into text. */
function decodeOutput(output: Json | undefined, at: string): { content: ToolResultContent[]; isError?: boolean } {
  if (!isObject(output)) return { content: decodeResultContent(output, at) };
  const { content, success } = output;
  if (typeof content !== "string") return { content: [{ type: "text", text: JSON.stringify(output) }] };
  return { content: decodeResultContent(content, at), ...(success === false && { isError: true }) };
}

/** `id` and `status` are the server's bookkeeping; a message is whole without them, and Codex sends none. */
function messageExtra(item: JsonObject): { extra?: Extra } {
  const extra = leftover(item, ["type", "role", "content", "id", "status"]);
  return extra ? { extra } : {};
}

// ── output items, which are the same in a reply and in a history ─────────────────────────────────────────────

/** The phase (`commentary`, `final_answer`) is wanted back: without it newer models take their interim words for answers. */
export function phaseState(item: JsonObject): OpaqueState | undefined {
  return typeof item.phase === "string" && item.phase !== "" ? { format, kind: "signature", data: item.phase } : undefined;
}

function withPhase(parts: AssistantPart[], item: JsonObject): AssistantPart[] {
  const state = phaseState(item);
  if (state) for (const part of parts) if (part.type === "text") part.state = state;
  return parts;
}

export function decodeCall(item: JsonObject): ToolCallPart {
  const custom = item.type === "custom_tool_call";
  const part: ToolCallPart = {
    type: "tool-call",
    id: item.call_id as string,
    name: item.name as string,
    kind: custom ? "custom" : "function",
    arguments: custom ? (item.input as string) : argumentsText(item.arguments),
  };
  const extra = callExtra(item);
  if (extra) part.extra = extra;
  return part;
}

/** What only this format says about a call: its namespace, its caller. */
export function callExtra(item: JsonObject): Extra | undefined {
  const extra = leftover(item, ["type", "id", "call_id", "name", "arguments", "input", "status", "created_by"]);
  // "direct" is the same as none, and not worth a warning elsewhere.
  if (isObject(extra?.fields.caller) && extra.fields.caller.type === "direct") delete extra.fields.caller;
  return extra && Object.keys(extra.fields).length > 0 ? extra : undefined;
}

/** JSON text. Histories hold "", null and objects in its place; other vendors refuse all of them but `{}`. */
export function argumentsText(value: Json | undefined): string {
  if (isObject(value)) return JSON.stringify(value);
  const text = typeof value === "string" ? value : "";
  return text.trim() === "" || text.trim() === "null" ? "{}" : text;
}

/**
 * A reasoning item as the block that it is, or as what this gateway has hidden in it. `before`: the parts of the same answer,
 * one of which the hidden state may belong to.
 */
export function decodeReasoningItem(item: JsonObject, before: readonly AssistantPart[]): (ReasoningPart | VendorPart)[] {
  const { encrypted_content: encrypted } = item;
  const text = reasoningText(item);
  if (!isMinted(encrypted)) {
    const state = isMadeUp(item.id) ? undefined : itemState(item);
    return [state ? { type: "reasoning", text, state } : { type: "reasoning", text }];
  }
  const carried = unmint(encrypted);
  if (carried.vendor) return [carried.vendor];
  if (carried.on) {
    attach(carried, before);
    return [];
  }
  return [carried.state ? { type: "reasoning", text, state: carried.state } : { type: "reasoning", text }];
}

/** Every other item of an answer: an image, or the trace of a vendor's own tool. */
export function decodeOutputItem(item: JsonObject): AssistantPart {
  const { type, id, result } = item;
  if (type !== "image_generation_call" || typeof result !== "string" || result === "") return { type: "vendor", format, value: item };
  const source = { kind: "base64", mediaType: `image/${asString(item.output_format) ?? "png"}`, data: result } as const;
  const part: Extract<AssistantPart, { type: "media" }> = { type: "media", source };
  if (typeof id !== "string") return part;
  part.id = id;
  if (!isMadeUp(id)) part.state = { format, kind: "signature", data: "", id, item };
  return part;
}

/** Items by which the caller answers or instructs: all others are the model's own. */
function comesFromTheCaller(item: JsonObject): boolean {
  const { type } = item;
  return typeof type === "string" && (type.endsWith("_output") || callers.has(type));
}

const callers: ReadonlySet<string> = new Set([
  "mcp_approval_response",
  "item_reference",
  "configuration_update",
  "additional_tools",
  "compaction_trigger",
]);
