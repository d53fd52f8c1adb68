/** Canonical parts as blocks. What cannot be said is refused by name; what may be left out is disclosed. */

import type {
  AssistantPart,
  OpaqueState,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultContent,
  ToolResultPart,
  UserPart,
  VendorPart,
} from "../../../canonical/chat.ts";
import { unsupportedField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import { toInputObject } from "./arguments.ts";
import { pushCachePoint } from "./cache.ts";
import { encodeAudio, encodeFile, encodeImage } from "./encode-media.ts";
import type { Encoding } from "./encode-media.ts";
import { format } from "./format.ts";
import type { Block } from "./format.ts";
import { toWireName } from "./names.ts";

/** Appends a text of the user or the system, unless it is blank: "The text field in the ContentBlock object at … is blank" is a 400. */
export function pushText(blocks: Block[], part: TextPart, at: string, context: Encoding): void {
  if (part.text.trim() === "") {
    if (part.text !== "") warnBlank(at, context);
  } else {
    const block: Block = { text: part.text };
    spendExtra(block, part.extra, format, `${at}.`, context.warn);
    blocks.push(block);
  }
  pushCachePoint(blocks, part.cache, at, context);
}

function warnBlank(at: string, context: Encoding): void {
  context.warn({ field: at, action: "repaired", reason: "Bedrock refuses text that is only white space: the block was left out" });
}

export function pushUserPart(blocks: Block[], part: UserPart, at: string, context: Encoding): void {
  switch (part.type) {
    case "text":
      pushText(blocks, part, at, context);
      return;
    case "image":
      blocks.push(encodeImage(part, at, context));
      break;
    case "file":
      blocks.push(encodeFile(part, at, context));
      break;
    case "audio":
      blocks.push(encodeAudio(part, at, context));
      break;
    case "vendor":
      blocks.push(encodeVendor(part, at));
      return;
  }
  pushCachePoint(blocks, part.cache, at, context);
}

/** `callId` is the id that this call has on the wire, already unique within the request. */
export function pushAssistantPart(blocks: Block[], part: AssistantPart, at: string, context: Encoding, callId: string): void {
  switch (part.type) {
    case "text":
      pushAnswerText(blocks, part, at, context);
      return;
    case "refusal":
      if (part.text.trim() !== "") blocks.push({ text: part.text });
      return;
    case "reasoning": {
      const block = encodeReasoning(part, at, context);
      if (block) blocks.push(block);
      return;
    }
    case "tool-call":
      blocks.push(encodeCall(part, at, context, callId));
      pushCachePoint(blocks, part.cache, at, context);
      return;
    case "media":
      if (part.transcript === undefined) throw unsupportedField(at, "Bedrock takes no media in an assistant message");
      context.warn({ field: at, action: "approximated", reason: "only the transcript of the answer's media was sent" });
      if (part.transcript.trim() !== "") blocks.push({ text: part.transcript });
      return;
    case "vendor":
      blocks.push(encodeVendor(part, at));
  }
}

/** The result of a call, and behind it its mark: the vendor takes none within (langchain-aws#500). */
export function pushResult(blocks: Block[], part: ToolResultPart, id: string, at: string, context: Encoding): void {
  const failed = part.isError === true;
  const told = failed && context.quirks.has("no-result-status");
  const content = encodeResultContent(part, at, context);
  if (told) {
    content.unshift({ text: "The tool failed:" });
    context.warn({
      field: `${at}.is_error`,
      action: "emulated",
      reason: "this model takes no status of a result: the failure was told in words",
    });
  }
  const result: JsonObject = { toolUseId: id, content };
  if (failed && !told) result.status = "error";
  spendExtra(result, part.extra, format, `${at}.`, context.warn);
  blocks.push({ toolResult: result });
  pushCachePoint(blocks, part.cache, at, context);
}

/** Blank text is legal within a result (measured: `""`, white space and no content at all are 200), and means that the tool said nothing. */
export function encodeResultContent(part: ToolResultPart, at: string, context: Encoding): Block[] {
  const blocks: Block[] = [];
  part.content.forEach((inner, index) => blocks.push(encodeResultPart(inner, `${at}.content[${index}]`, context)));
  return blocks;
}

function encodeResultPart(part: ToolResultContent, at: string, context: Encoding): Block {
  switch (part.type) {
    case "text": {
      const block: Block = { text: part.text };
      spendExtra(block, part.extra, format, `${at}.`, context.warn);
      return block;
    }
    case "image":
      return encodeImage(part, at, context);
    case "file": {
      const block = encodeFile(part, at, context);
      if (block.audio !== undefined) throw unsupportedField(at, "a tool's result takes no audio at Bedrock");
      return block;
    }
    case "vendor":
      return encodeVendor(part, at);
  }
}

// ── the assistant's parts ────────────────────────────────────────────────────────────────────────────────────

/** The vendor's own citations go back to it, others mean nothing to it. */
function pushAnswerText(blocks: Block[], part: TextPart, at: string, context: Encoding): void {
  const given = part.citations ?? [];
  const raws = given.flatMap(({ format: origin, raw }) => (origin === format && isObject(raw) ? [raw] : []));
  if (raws.length < given.length) {
    context.warn({
      field: "messages[].citations",
      action: "dropped",
      reason: "citations by another provider cannot be sent to Bedrock; the text was kept",
    });
  }
  if (part.text.trim() === "") {
    if (part.text !== "") warnBlank(at, context);
  } else {
    const block: Block =
      raws.length === 0 ? { text: part.text } : { citationsContent: { content: [{ text: part.text }], citations: raws } };
    spendExtra(block, part.extra, format, `${at}.`, context.warn);
    blocks.push(block);
  }
  pushCachePoint(blocks, part.cache, at, context);
}

/**
 * Only the model that made a signature accepts it, so foreign reasoning is left out; an empty text with a signature is whole and stays.
 * Models whose reasoning carries no signature refuse it in a history, unless a quirk says that they want it.
 */
function encodeReasoning(part: ReasoningPart, at: string, context: Encoding): Block | undefined {
  const { state } = part;
  if (state && isOwnState(state, context.origin)) {
    if (state.kind === "signature") return { reasoningContent: { reasoningText: { text: part.text, signature: state.data } } };
    return { reasoningContent: { redactedContent: state.data } };
  }
  if (!state && part.text !== "" && context.quirks.has("replay-reasoning"))
    return { reasoningContent: { reasoningText: { text: part.text } } };
  if (part.text !== "" || state) {
    const reason = state ? "its signature was made by another model" : "it carries no signature";
    context.warn({ field: at, action: "dropped", reason: `reasoning was not sent to Bedrock: ${reason}` });
  }
  return undefined;
}

/** The same model behind another inference profile (`us.`, `eu.`, an ARN that ends in it) is the same; another provider of that name need not be ours. */
function isOwnState(state: OpaqueState, target: string): boolean {
  if (state.format !== format || state.data === "" || state.kind === "encrypted") return false;
  return state.origin === undefined || modelOf(state.origin) === modelOf(target);
}

function modelOf(origin: string): string {
  const model = origin.slice(origin.indexOf("/") + 1);
  return model.replace(/^arn:.*\//, "").replace(/^(?:us|eu|apac|jp|au|ca|in|global|us-gov)\.(?=[a-z0-9]+\.)/, "");
}

function encodeCall(part: ToolCallPart, at: string, context: Encoding, callId: string): Block {
  const call: JsonObject = { toolUseId: callId, name: toWireName(part.name), input: encodeInput(part, at, context) };
  spendExtra(call, part.extra, format, `${at}.`, context.warn);
  return { toolUse: call };
}

function encodeInput(part: ToolCallPart, at: string, context: Encoding): JsonObject {
  if (part.kind === "custom") return { input: part.arguments };
  const { input, mending } = toInputObject(part.arguments);
  if (mending === "wrapped") {
    context.warn({
      field: `${at}.arguments`,
      action: "repaired",
      reason: "the arguments are not a JSON object, which Bedrock requires: they were put into one",
    });
  }
  if (mending === "rounded") {
    context.warn({ field: `${at}.arguments`, action: "approximated", reason: "a number with more than 15 digits was rounded" });
  }
  return input;
}

function encodeVendor(part: VendorPart, at: string): Block {
  if (part.format === format) return { ...part.value };
  const type = typeof part.value.type === "string" ? ` \`${part.value.type}\`` : "";
  throw unsupportedField(at, `a part${type} of ${part.format} has no counterpart in Bedrock Converse`);
}
