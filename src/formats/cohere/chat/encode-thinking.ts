/** How much a model shall think: on or off, and at most so many tokens. */

import type { ChatRequest } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { format } from "./format.ts";

/** There are no degrees here, but a limit; high and above have none. */
const budgets: Readonly<Record<string, number>> = { minimal: 512, low: 1024, medium: 8192 };

export function encodeThinking(
  { reasoning: asked, maxOutputTokens }: ChatRequest,
  { capabilities, warn }: EncodeContext,
): JsonObject | undefined {
  if (!asked) return undefined;
  spendExtra({}, asked.extra, format, "reasoning.", warn);
  const { effort, budgetTokens, adaptive, summary } = asked;
  const off = budgetTokens === 0 || (effort === "none" && budgetTokens === undefined);
  if (capabilities.reasoning === false) {
    if (!off) warn({ field: "reasoning", action: "dropped", reason: "the model does not reason" });
    return undefined;
  }
  if (summary === "omitted" || summary === "concise" || summary === "detailed") {
    warn({ field: "reasoning.summary", action: "dropped", reason: "Cohere shows what the model thinks, as it is" });
  }
  if (off && capabilities.reasoningOptional === false) {
    warn({ field: "reasoning_effort", action: "approximated", reason: "the model cannot be kept from thinking" });
    return undefined;
  }
  if (off) return { type: "disabled" };
  if (budgetTokens !== undefined) return { type: "enabled", token_budget: budgetTokens };
  if (effort === undefined) return adaptive ? { type: "enabled" } : undefined;

  const budget = fitting(budgets[effort], maxOutputTokens);
  if (effort !== "max") {
    const stands = budget === undefined ? "thinking without a limit" : `a limit of ${budget} tokens of thinking`;
    warn({ field: "reasoning_effort", action: "approximated", reason: `Cohere has no degrees: ${stands} stands for ${effort}` });
  }
  return budget === undefined ? { type: "enabled" } : { type: "enabled", token_budget: budget };
}

/** Our own choice must leave room for an answer. */
function fitting(budget: number | undefined, limit: number | undefined): number | undefined {
  if (budget === undefined || limit === undefined || budget < limit) return budget;
  return Math.max(1, Math.floor(limit / 2));
}
