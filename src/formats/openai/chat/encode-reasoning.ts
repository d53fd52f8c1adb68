/** How much a model shall think, in the word that the vendor has for it. */

import type { ChatRequest, Reasoning } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { format } from "./format.ts";

export function encodeReasoning(body: JsonObject, { reasoning: asked }: ChatRequest, context: EncodeContext): void {
  const { capabilities, quirks, warn } = context;
  if (!asked) return;
  if (capabilities.reasoning === false) {
    if (asked.effort !== "none") warn({ field: "reasoning", action: "dropped", reason: "the model does not reason" });
    return;
  }
  if (quirks.has("reasoning-details")) {
    body["reasoning"] = reasoningObject(asked, context);
    return;
  }
  const lost = Object.keys(asked.extra?.fields ?? {});
  if (asked.summary === "concise" || asked.summary === "detailed") lost.push("summary");
  for (const field of lost) warn({ field: `reasoning.${field}`, action: "dropped", reason: `${format} has no such field` });
  if (quirks.has("thinking-switch")) thinkingSwitch(body, asked, context);
  else if (quirks.has("enable-thinking")) enableThinking(body, asked, context);
  else setEffort(body, effortOf(asked, context));
}

function setEffort(body: JsonObject, effort: string | undefined): void {
  if (effort !== undefined) body["reasoning_effort"] = effort;
}

/** OpenRouter takes both, effort and budget, and hides the text on demand. */
function reasoningObject(asked: Reasoning, { capabilities, warn }: EncodeContext): JsonObject {
  const object: JsonObject = {};
  if (asked.budgetTokens !== undefined) object["max_tokens"] = asked.budgetTokens;
  else if (asked.effort !== undefined) object["effort"] = allowedEffort(asked.effort, { capabilities, warn });
  else if (asked.adaptive) object["enabled"] = true;
  if (asked.summary === "omitted") object["exclude"] = true;
  else if (asked.summary !== undefined && asked.summary !== "summarized") object["summary"] = asked.summary;
  spendExtra(object, asked.extra, format, "reasoning.", warn);
  return object;
}

/** DeepSeek, Z.ai, Moonshot: on or off, and an effort beside it where the vendor has one. */
function thinkingSwitch(body: JsonObject, asked: Reasoning, context: EncodeContext): void {
  const off = asked.effort === "none" && asked.budgetTokens === undefined;
  body["thinking"] = { type: off ? "disabled" : "enabled" };
  if (!off) setEffort(body, effortOf(asked, context));
}

/** Qwen: on or off, and a budget in tokens. */
function enableThinking(body: JsonObject, asked: Reasoning, { warn }: EncodeContext): void {
  body["enable_thinking"] = asked.effort !== "none" || asked.budgetTokens !== undefined;
  if (asked.budgetTokens !== undefined) body["thinking_budget"] = asked.budgetTokens;
  else if (asked.effort !== undefined && asked.effort !== "none") {
    warn({ field: "reasoning_effort", action: "approximated", reason: "the provider switches reasoning on or off, without degrees" });
  }
}

/** A budget wins over an effort, as it is the more exact wish; here it can only be told as an effort. */
function effortOf(asked: Reasoning, context: Pick<EncodeContext, "capabilities" | "warn">): string | undefined {
  if (asked.budgetTokens === undefined) return asked.effort === undefined ? undefined : allowedEffort(asked.effort, context);
  const effort = allowedEffort(budgetEffort(asked.budgetTokens), { ...context, warn: () => {} });
  context.warn({
    field: "reasoning.budget",
    action: "approximated",
    reason: `the provider takes no budget: effort ${effort} stands for ${asked.budgetTokens} tokens`,
  });
  return effort;
}

/** The thresholds are documented: they are what a caller can rely on. */
function budgetEffort(tokens: number): string {
  if (tokens === 0) return "none";
  if (tokens <= 1024) return "low";
  return tokens <= 8192 ? "medium" : "high";
}

const ladder = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/** The nearest effort that the model takes; a word that is new to us passes as it is. */
function allowedEffort(asked: string, { capabilities, warn }: Pick<EncodeContext, "capabilities" | "warn">): string {
  const { efforts, reasoningOptional } = capabilities;
  const taken = (word: string): boolean =>
    (efforts === undefined || efforts.includes(word)) && (word !== "none" || reasoningOptional !== false);
  const rung = ladder.indexOf(asked);
  if (rung < 0 || taken(asked)) return asked;
  const choices = ladder.filter(taken);
  if (choices.length === 0) return asked;
  const nearest = choices.reduce((best, word) =>
    Math.abs(ladder.indexOf(word) - rung) < Math.abs(ladder.indexOf(best) - rung) ? word : best,
  );
  warn({ field: "reasoning_effort", action: "approximated", reason: `the model does not take "${asked}": "${nearest}" is sent` });
  return nearest;
}
