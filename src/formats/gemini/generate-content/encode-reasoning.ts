/** How much a model shall think: by level from Gemini 3 on, by budget before; both at once are refused ("You can only set only one"). */

import type { ChatRequest, Reasoning } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { format } from "./format.ts";

const words = ["minimal", "low", "medium", "high", "xhigh", "max"];

/** Google's own table for its OpenAI-compatible door; 24576 is the most that every 2.5 model takes. */
const budgets: Record<string, number> = { minimal: 512, low: 1024, medium: 8192, high: 24_576, xhigh: 24_576, max: 24_576 };

/** `gemini-2.5-pro` cannot be kept from thinking: this is its least. */
const leastBudget = 128;

/** The `thinkingConfig` for this model; undefined when there is nothing to say. */
export function encodeThinking(request: ChatRequest, context: EncodeContext): JsonObject | undefined {
  const { capabilities } = context;
  const wanted = request.reasoning;
  if (capabilities.reasoning === false) {
    if (wanted && wanted.effort !== "none") context.warn({ field: "reasoning", action: "dropped", reason: "this model does not reason" });
    return undefined;
  }
  const config: JsonObject = wanted ? measure(wanted, context) : {};
  // Thoughts come on request only. A model that is not known to think refuses the very question.
  const off = wanted?.effort === "none" && wanted.budgetTokens === undefined;
  if (wanted?.summary === "omitted") config.includeThoughts = false;
  else if (!off && (wanted || capabilities.reasoning)) config.includeThoughts = true;
  if (wanted?.extra) spendExtra(config, wanted.extra, format, "reasoning.", context.warn);
  return Object.keys(config).length > 0 ? config : undefined;
}

function measure(wanted: Reasoning, context: EncodeContext): JsonObject {
  const kinds = context.capabilities.reasoning || ["effort", "budget"];
  const budget = kinds.includes("budget");
  const level = kinds.includes("effort");
  const { effort, budgetTokens } = wanted;
  if (budgetTokens !== undefined) {
    if (budget) return { thinkingBudget: budgetTokens };
    const word = effort !== undefined && effort !== "none" ? effort : effortOf(budgetTokens);
    const reason = `this model takes no thinking budget: sent as level ${word}`;
    context.warn({ field: "reasoning.budget_tokens", action: "approximated", reason });
    return encodeLevel(word, context);
  }
  if (effort === "none") return encodeNone(level, budget, context);
  if (effort !== undefined) return level ? encodeLevel(effort, context) : { thinkingBudget: budgets[effort] ?? budgets.medium };
  return wanted.adaptive && budget ? { thinkingBudget: -1 } : {};
}

function encodeNone(level: boolean, budget: boolean, context: EncodeContext): JsonObject {
  const { reasoningOptional } = context.capabilities;
  if (budget && reasoningOptional !== false) return { thinkingBudget: 0 };
  const reason = "this model cannot be kept from thinking: it got the least there is";
  context.warn({ field: "reasoning", action: "approximated", reason });
  return level ? { thinkingLevel: fitLevel("minimal", context).toUpperCase() } : { thinkingBudget: leastBudget };
}

function encodeLevel(effort: string, context: EncodeContext): JsonObject {
  const word = fitLevel(effort, context);
  if (word !== effort) {
    context.warn({ field: "reasoning.effort", action: "approximated", reason: `this model takes no level ${effort}: sent as ${word}` });
  }
  return { thinkingLevel: word.toUpperCase() };
}

/** The nearest word that the model takes, downwards first. A word that is new to us may be new to the list as well. */
function fitLevel(effort: string, context: EncodeContext): string {
  const accepted = context.capabilities.efforts ?? ["minimal", "low", "medium", "high"];
  const rank = words.indexOf(effort);
  if (accepted.includes(effort) || rank < 0) return effort;
  const ranked = words.filter((word) => accepted.includes(word));
  return ranked.filter((word) => words.indexOf(word) <= rank).at(-1) ?? ranked[0] ?? "low";
}

function effortOf(budget: number): string {
  if (budget <= 1024) return "low";
  return budget <= 8192 ? "medium" : "high";
}
