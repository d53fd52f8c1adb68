/** The response object, which repeats the request's settings: what of it does not depend on the answer. */

import type { Finish } from "../../../canonical/chat.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { Usage } from "../../../canonical/usage.ts";
import type { ReplyContext } from "../../codec.ts";
import { writeFinish } from "./finish.ts";
import type { Seen } from "./finish.ts";
import { format, own, responseId } from "./format.ts";
import { writeUsage } from "./usage.ts";

export interface Head {
  id?: string | undefined;
  model?: string | undefined;
  created?: number | undefined;
}

/** Every documented field, with the value that OpenAI shows where the request does not say. */
const defaults: JsonObject = {
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: null,
  store: true,
  temperature: null,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_logprobs: 0,
  top_p: null,
  truncation: "disabled",
  user: null,
  metadata: {},
};

/** Settings that a response repeats only when they were given. */
const repeated = ["conversation", "prompt", "prompt_cache_retention", "prompt_cache_options"];

/** Fields that are about the answer, and those that are the client's own to say: never taken from the provider's response. */
const notExtra: ReadonlySet<string> = new Set([
  "id",
  "object",
  "created_at",
  "status",
  "error",
  "incomplete_details",
  "output",
  "output_text",
  "usage",
  "model",
  own,
  "__proto__",
  "instructions",
  "tools",
  "tool_choice",
  "text",
  "metadata",
  "previous_response_id",
  "conversation",
  "store",
  "prompt",
  "input",
  "user",
]);

/** What a provider's response says beyond the answer: its settings where the client named none, content filters, bills. */
export function responseExtras(response: JsonObject): JsonObject | undefined {
  let fields: JsonObject | undefined;
  for (const [field, value] of Object.entries(response)) {
    if (value === null || value === undefined || notExtra.has(field)) continue;
    (fields ??= {})[field] = value;
  }
  return fields;
}

/** The client's own settings win over the provider's, which win over the defaults. */
export function settings(body: JsonObject | undefined, extras: JsonObject): JsonObject {
  const all: JsonObject = { ...defaults, ...extras };
  for (const field of [...Object.keys(defaults), ...repeated]) {
    const given = body?.[field];
    // The tier is the one that was used, not the one that was asked for.
    if (given === undefined || given === null || field === "service_tier") continue;
    all[field] = field === "conversation" && typeof given === "string" ? { id: given } : given;
  }
  all.text = withDefaults(defaults.text, all.text);
  all.reasoning = withDefaults(defaults.reasoning, all.reasoning);
  return all;
}

function withDefaults(base: Json | undefined, given: Json | undefined): Json {
  return { ...(isObject(base) ? base : {}), ...(isObject(given) ? given : {}) };
}

/** A response without its settings. Clients read it from the first event on, when nothing but its name is known. */
export function responseHead(head: Head, status: string, context: ReplyContext): JsonObject {
  return {
    id: responseId(head.id, context.callId),
    object: "response",
    created_at: head.created ?? context.created,
    status,
    model: head.model ?? context.model,
    error: null,
    incomplete_details: null,
    output: [],
    usage: null,
  };
}

export interface Conclusion {
  finish: Finish;
  output: JsonObject[];
  usage: Usage | undefined;
  seen: Omit<Seen, "ghost">;
}

/** What the end of an answer adds to the head. */
export function conclude(response: JsonObject, { finish, output, usage, seen }: Conclusion): JsonObject {
  const { status, reason, exact } = writeFinish(finish, seen);
  response.status = status;
  if (reason !== undefined) response.incomplete_details = { reason };
  if (usage?.serviceTier !== undefined) response.service_tier = usage.serviceTier;
  response.output = output;
  if (usage) response.usage = writeUsage(usage);
  if (exact) response[own] = { finish: exact };
  return response;
}

/** The pocket of a reply, as far as it is this format's. */
export function ownFields(extra: { format: string; fields: JsonObject } | undefined): JsonObject {
  return extra?.format === format ? extra.fields : {};
}
