/** How much a model shall think, in the words that this model takes, and what that leaves of the token limit. */

import type { ChatRequest, Reasoning } from "../../../canonical/chat.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { format, own } from "./format.ts";

export interface ReasoningPlan {
  maxTokens: number;
  thinking?: JsonObject | undefined;
  effort?: string | undefined;
}

/** Every Claude since 3.5 may write at least this much. A model whose limit is known gets all of it, as a client that names no limit wants the whole answer. */
const defaultMaxTokens = 8192;
const minimalBudget = 1024;
const words = ["minimal", "low", "medium", "high", "xhigh", "max"];

/** For models that take tokens only; clamped to the request's limit afterwards. */
const budgets: Record<string, number> = { minimal: 1024, low: 2048, medium: 8192, high: 16_384, xhigh: 24_576, max: 32_768 };

/** `looping`: the last assistant turn called tools and came back without its thinking, which manual thinking requires. */
export function planReasoning(request: ChatRequest, looping: boolean, context: EncodeContext): ReasoningPlan {
  const plan = planThinking(request, context);
  if (looping && plan.thinking?.type === "enabled") {
    plan.thinking = undefined;
    context.warn({
      field: "reasoning",
      action: "dropped",
      reason: "a running tool loop without its thinking blocks cannot go on thinking: it is off for this request",
    });
  }
  const wanted = request.reasoning;
  if (plan.thinking && plan.thinking.type !== "disabled" && wanted?.summary !== undefined) {
    plan.thinking.display = display(wanted.summary);
  }
  if (wanted?.extra) {
    const { effort: _, type: __, ...rest } = wanted.extra.fields;
    const fields = wanted.extra.format === format ? rest : wanted.extra.fields;
    spendExtra(plan.thinking ?? {}, { format: wanted.extra.format, fields }, format, "reasoning.", context.warn);
  }
  return plan;
}

function planThinking(request: ChatRequest, context: EncodeContext): ReasoningPlan {
  const { capabilities } = context;
  const limit = clampLimit(request, context);
  const wanted = request.reasoning;
  const kept = own(wanted?.extra);
  if (!wanted) return { maxTokens: limit };
  // A kind of thinking that only this format knows (`between_tools`).
  if (typeof kept.type === "string") return { maxTokens: limit, thinking: { type: kept.type }, effort: wanted.effort };

  if (wanted.effort === "none" && wanted.budgetTokens === undefined) return planNone(limit, kept, context);
  if (capabilities.reasoning === false) {
    context.warn({ field: "reasoning", action: "dropped", reason: "this model does not reason" });
    return { maxTokens: limit };
  }
  const kinds = capabilities.reasoning ?? ["adaptive", "effort", "budget"];
  if (wanted.budgetTokens !== undefined && kinds.includes("budget")) {
    return { ...planBudget(wanted.budgetTokens, request, limit, true, context), effort: steer(wanted.effort, kinds, context) };
  }
  if (wanted.budgetTokens !== undefined) {
    const effort = wanted.effort ?? effortOf(wanted.budgetTokens);
    context.warn({
      field: "reasoning.budget_tokens",
      action: "approximated",
      reason: `this model takes no thinking budget: sent as effort ${effort}`,
    });
    return planEffort({ ...wanted, effort }, kinds, request, limit, context);
  }
  return planEffort(wanted, kinds, request, limit, context);
}

function planEffort(
  wanted: Reasoning,
  kinds: readonly string[],
  request: ChatRequest,
  limit: number,
  context: EncodeContext,
): ReasoningPlan {
  if (wanted.adaptive === false) return { maxTokens: limit, effort: steer(wanted.effort, kinds, context) };
  if (kinds.includes("adaptive")) {
    return {
      maxTokens: limit,
      thinking: { type: "adaptive" },
      effort: wanted.effort === undefined ? undefined : fitEffort(wanted.effort, context),
    };
  }
  if (kinds.includes("budget")) {
    const effort = wanted.effort ?? "medium";
    if (wanted.adaptive) {
      context.warn({
        field: "thinking.type",
        action: "approximated",
        reason: "this model does not think adaptively: it got a thinking budget",
      });
    }
    return planBudget(budgets[effort] ?? minimalBudget, request, limit, false, context);
  }
  return { maxTokens: limit, effort: wanted.effort === undefined ? undefined : fitEffort(wanted.effort, context) };
}

/** `output_config.effort`, for models that take it beside or without thinking. */
function steer(effort: string | undefined, kinds: readonly string[], context: EncodeContext): string | undefined {
  if (effort === undefined) return undefined;
  if (kinds.includes("effort") || kinds.includes("adaptive")) return fitEffort(effort, context);
  context.warn({ field: "reasoning.effort", action: "dropped", reason: "this model takes no effort" });
  return undefined;
}

function planNone(limit: number, kept: JsonObject, context: EncodeContext): ReasoningPlan {
  const { reasoning, reasoningOptional } = context.capabilities;
  if (reasoning === false) return { maxTokens: limit };
  if (reasoningOptional === false) {
    context.warn({
      field: "reasoning",
      action: "approximated",
      reason: "this model cannot be kept from thinking: it got the lowest effort",
    });
    return { maxTokens: limit, effort: fitEffort("low", context) };
  }
  const effort = typeof kept.effort === "string" ? fitEffort(kept.effort, context) : undefined;
  // Models that know budgets only do not think unless told to.
  const onlyBudget = reasoning !== undefined && !reasoning.includes("adaptive") && !reasoning.includes("effort");
  return onlyBudget ? { maxTokens: limit } : { maxTokens: limit, thinking: { type: "disabled" }, effort };
}

/** The vendor wants 1024 ≤ budget < max_tokens. `explicit`: the client named this number. */
function planBudget(asked: number, request: ChatRequest, limit: number, explicit: boolean, context: EncodeContext): ReasoningPlan {
  const ceiling = context.capabilities.maxOutputTokens;
  let maxTokens = limit;
  // A limit of our own choosing may give way; the client's stays.
  if (request.maxOutputTokens === undefined && maxTokens <= asked)
    maxTokens = Math.min(asked + defaultMaxTokens, ceiling ?? Number.MAX_SAFE_INTEGER);
  // A budget that stands for a word leaves a quarter of the limit to the answer; one that the client named is its own affair.
  const room = explicit ? maxTokens - 1 : Math.min(maxTokens - 1, Math.max(minimalBudget, Math.floor(maxTokens * 0.75)));
  const budget = Math.min(Math.max(asked, minimalBudget), room);
  if (budget < minimalBudget) {
    context.warn({
      field: "reasoning",
      action: "dropped",
      reason: `max_tokens ${maxTokens} leaves no room for the smallest thinking budget, ${minimalBudget}`,
    });
    return { maxTokens };
  }
  if (budget !== asked && explicit) {
    context.warn({
      field: "reasoning.budget_tokens",
      action: "approximated",
      reason: `${asked} became ${budget}: at least ${minimalBudget} and less than max_tokens`,
    });
  }
  return { maxTokens, thinking: { type: "enabled", budget_tokens: budget } };
}

function clampLimit(request: ChatRequest, context: EncodeContext): number {
  const ceiling = context.capabilities.maxOutputTokens;
  const asked = request.maxOutputTokens;
  if (asked === undefined) return ceiling ?? defaultMaxTokens;
  if (ceiling === undefined || asked <= ceiling) return asked;
  context.warn({ field: "max_tokens", action: "approximated", reason: `${asked} became ${ceiling}, the most that this model writes` });
  return ceiling;
}

/** The nearest word that the model takes, downwards first. */
function fitEffort(effort: string, context: EncodeContext): string {
  const accepted = context.capabilities.efforts ?? words.slice(1);
  if (accepted.includes(effort)) return effort;
  const rank = words.indexOf(effort);
  // A word that is new to us may be new to the vendor's list as well.
  if (rank < 0) return effort;
  const ranked = words.filter((word) => accepted.includes(word) && word !== "minimal");
  const fitting = ranked.filter((word) => words.indexOf(word) <= rank).at(-1) ?? ranked[0] ?? "low";
  context.warn({ field: "reasoning.effort", action: "approximated", reason: `this model takes no effort ${effort}: sent as ${fitting}` });
  return fitting;
}

function effortOf(budget: number): string {
  if (budget <= 2048) return "low";
  if (budget <= 8192) return "medium";
  if (budget <= 16_384) return "high";
  return budget <= 24_576 ? "xhigh" : "max";
}

function display(summary: string): string {
  return summary === "auto" || summary === "concise" || summary === "detailed" ? "summarized" : summary;
}
