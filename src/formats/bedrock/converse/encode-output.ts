/** The shape of the answer: enforced by the vendor, or drawn out of a tool call, or asked for in words, whichever the model allows. */

import type { ChatRequest } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import type { Encoding } from "./encode-media.ts";
import { closeSchema } from "./schema.ts";

/** A tool whose arguments are the answer: see `names.ts`. */
export interface AnswerTool {
  description: string;
  schema: JsonObject;
}

export interface OutputPlan {
  textFormat?: JsonObject | undefined;
  tool?: AnswerTool | undefined;
  /** Said to the model, in the system prompt. */
  instruction?: string | undefined;
}

/** `thinking`: the model thinks, which rules out the forced call that the tool needs. */
export function planOutput(request: ChatRequest, thinking: boolean, context: Encoding): OutputPlan {
  const shape = request.output;
  if (!shape || shape.type === "text") return {};
  if (shape.type === "json-object") {
    context.warn({
      field: "response_format",
      action: "emulated",
      reason: "Bedrock has no JSON mode without a schema: the model was instructed",
    });
    return { instruction: "Answer with one valid JSON object and nothing else: no other text, no code fence." };
  }
  const { structuredOutput } = context.capabilities;
  if (
    (structuredOutput === undefined || structuredOutput === "schema") &&
    !context.quirks.has("no-json-schema") &&
    !context.quirks.has("no-response-format")
  ) {
    const { schema, moved } = closeSchema(shape.schema);
    if (moved.length > 0) {
      context.warn({
        field: "response_format",
        action: "approximated",
        reason: `Bedrock does not enforce ${moved.join(", ")}: moved into the description`,
      });
    }
    const jsonSchema: JsonObject = { schema: JSON.stringify(schema) };
    if (shape.name) jsonSchema.name = shape.name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64);
    if (shape.description) jsonSchema.description = shape.description;
    return { textFormat: { type: "json_schema", structure: { jsonSchema } } };
  }
  const described = shape.description ? ` (${shape.description})` : "";
  if (mayForceTool(request, thinking, context)) {
    context.warn({
      field: "response_format",
      action: "emulated",
      reason: "this model does not enforce schemas: its answer was drawn out of a tool call",
    });
    const schema: JsonObject = shape.schema.type === "object" ? shape.schema : { type: "object", properties: {}, ...shape.schema };
    return { tool: { description: `Call this tool to give your answer${described}. Its arguments are the whole answer.`, schema } };
  }
  context.warn({ field: "response_format", action: "emulated", reason: "this model does not enforce schemas: it was instructed" });
  return {
    instruction: `Answer with one JSON object${described} that is valid against this JSON Schema, and nothing else: no other text, no code fence.\n${JSON.stringify(shape.schema)}`,
  };
}

/** A schema that is no object's (a list, say) cannot be a tool's arguments. */
function mayForceTool(request: ChatRequest, thinking: boolean, context: Encoding): boolean {
  const { capabilities, quirks } = context;
  if (thinking || capabilities.tools === false || capabilities.forcedToolChoice === false) return false;
  if (quirks.has("no-tools") || quirks.has("no-tool-choice")) return false;
  const schema = request.output?.type === "json-schema" ? request.output.schema : {};
  return schema.type === undefined || schema.type === "object";
}
