/** How much a model shall think, in the words that this model takes, and what that leaves of the token limit. */

import type { ChatRequest, Reasoning } from "../../../canonical/chat.ts";
import type { ReasoningControl } from "../../../canonical/capabilities.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { spendExtra } from "../../codec.ts";
import type { Encoding } from "./encode-media.ts";
import { format, own } from "./format.ts";

export interface ReasoningPlan {
  /** Undefined: the vendor's default, which is as much as the model can. */
  maxTokens?: number | undefined;
  /** Claude's own `thinking`. */
  thinking?: JsonObject | undefined;
  /** What goes into `additionalModelRequestFields` besides. */
  fields: JsonObject;
  /** The vendor's own `outputConfig.effort`. */
  effort?: string | undefined;
}

/** Room for the answer behind a thinking budget when the client names no limit. */
const answerTokens = 8192;
const minimalBudget = 1024;
const words = ["minimal", "low", "medium", "high", "xhigh", "max"];

/** For models that take tokens only; clamped to the request's limit afterwards. */
const budgets = new Map([
  ["minimal", 1024],
  ["low", 2048],
  ["medium", 8192],
  ["high", 16_384],
  ["xhigh", 24_576],
  ["max", 32_768],
]);

/** `looping`: the last assistant turn called tools and came back without its thinking, which budgeted thinking requires. */
export function planReasoning(request: ChatRequest, looping: boolean, context: Encoding): ReasoningPlan {
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
  if (plan.thinking && plan.thinking.type !== "disabled" && wanted?.summary !== undefined) plan.thinking.display = display(wanted.summary);
  spendExtra(plan.thinking ?? {}, wanted?.extra, format, "reasoning.", context.warn);
  return plan;
}

function planThinking(request: ChatRequest, context: Encoding): ReasoningPlan {
  const { capabilities } = context;
  const maxTokens = clampLimit(request, context);
  const wanted = request.reasoning;
  if (!wanted) return { maxTokens, fields: {} };
  const kept = own(wanted.extra);
  if (typeof kept.type === "string") return { maxTokens, thinking: { type: kept.type }, fields: effortFields(steering(wanted), context) };
  if (capabilities.reasoning === false) {
    if (wanted.effort !== "none") warnDropped("this model does not reason", context);
    return { maxTokens, fields: {} };
  }
  if (capabilities.reasoning === undefined) return planUnknown(wanted, request, maxTokens, context);
  if (capabilities.reasoning.length === 0) {
    if (wanted.effort !== "none" || capabilities.reasoningOptional === false)
      warnDropped("how this model reasons cannot be steered", context);
    return { maxTokens, fields: {} };
  }
  const kinds = capabilities.reasoning;
  if (!kinds.includes("adaptive") && !kinds.includes("budget")) return { maxTokens, fields: planEffortOnly(wanted, context) };
  if (wanted.effort === "none" && wanted.budgetTokens === undefined) return planNone(maxTokens, kinds, context);
  if (wanted.budgetTokens !== undefined && kinds.includes("budget")) {
    const fields = kinds.length > 1 ? effortFields(steering(wanted), context) : unsteered(steering(wanted), context);
    return { ...planBudget(wanted.budgetTokens, request, maxTokens, true, context), fields };
  }
  if (wanted.budgetTokens !== undefined) {
    const effort = steering(wanted) ?? effortOf(wanted.budgetTokens);
    context.warn({
      field: "reasoning.budget_tokens",
      action: "approximated",
      reason: `this model takes no thinking budget: sent as effort ${effort}`,
    });
    return planClaude({ ...wanted, effort }, kinds, request, maxTokens, context);
  }
  return planClaude(wanted, kinds, request, maxTokens, context);
}

/** Nothing is known of the model (an ARN says nothing): the client's own words decide, an effort travels in the vendor's field for all models. */
function planUnknown(wanted: Reasoning, request: ChatRequest, maxTokens: number | undefined, context: Encoding): ReasoningPlan {
  if (wanted.budgetTokens !== undefined)
    return { ...planBudget(wanted.budgetTokens, request, maxTokens, true, context), fields: {}, effort: steering(wanted) };
  const plan: ReasoningPlan = { maxTokens, fields: {} };
  if (wanted.adaptive) plan.thinking = { type: "adaptive" };
  if (wanted.effort === "none") warnDropped("how this model is kept from reasoning is not known", context);
  else if (wanted.effort !== undefined) plan.effort = fitEffort(wanted.effort, context);
  return plan;
}

// ── Claude ───────────────────────────────────────────────────────────────────────────────────────────────────

function planClaude(
  wanted: Reasoning,
  kinds: readonly ReasoningControl[],
  request: ChatRequest,
  maxTokens: number | undefined,
  context: Encoding,
): ReasoningPlan {
  if (wanted.adaptive === false) {
    return {
      maxTokens,
      fields:
        kinds.includes("effort") || kinds.includes("adaptive") ? effortFields(wanted.effort, context) : unsteered(wanted.effort, context),
    };
  }
  if (kinds.includes("adaptive")) return { maxTokens, thinking: { type: "adaptive" }, fields: effortFields(wanted.effort, context) };
  if (wanted.adaptive) {
    context.warn({
      field: "thinking.type",
      action: "approximated",
      reason: "this model does not think adaptively: it got a thinking budget",
    });
  }
  const budget = budgets.get(wanted.effort ?? "medium") ?? minimalBudget;
  return { ...planBudget(budget, request, maxTokens, false, context), fields: {} };
}

/** Where it goes for Claude: straight to the model, as it has since effort was a beta. */
function effortFields(effort: string | undefined, context: Encoding): JsonObject {
  return effort === undefined ? {} : { output_config: { effort: fitEffort(effort, context) } };
}

function unsteered(effort: string | undefined, context: Encoding): JsonObject {
  if (effort !== undefined) context.warn({ field: "reasoning.effort", action: "dropped", reason: "this model takes no effort" });
  return {};
}

function planNone(maxTokens: number | undefined, kinds: readonly ReasoningControl[], context: Encoding): ReasoningPlan {
  if (context.capabilities.reasoningOptional === false) {
    context.warn({
      field: "reasoning",
      action: "approximated",
      reason: "this model cannot be kept from thinking: it got the lowest effort",
    });
    return { maxTokens, fields: effortFields("low", context) };
  }
  // Models that know budgets only do not think unless told to.
  return kinds.includes("adaptive") ? { maxTokens, thinking: { type: "disabled" }, fields: {} } : { maxTokens, fields: {} };
}

/** The model wants 1024 ≤ budget < max_tokens. `explicit`: the client named this number. */
function planBudget(
  asked: number,
  request: ChatRequest,
  limit: number | undefined,
  explicit: boolean,
  context: Encoding,
): Pick<ReasoningPlan, "maxTokens" | "thinking"> {
  const ceiling = context.capabilities.maxOutputTokens ?? Number.MAX_SAFE_INTEGER;
  // A limit of our own choosing gives way; the client's stays.
  const maxTokens =
    request.maxOutputTokens === undefined || limit === undefined ? Math.min(Math.max(asked, minimalBudget) + answerTokens, ceiling) : limit;
  // A budget that stands for a word leaves a quarter of the limit to the answer; one that the client named is its own affair.
  const room = explicit ? maxTokens - 1 : Math.min(maxTokens - 1, Math.max(minimalBudget, Math.floor(maxTokens * 0.75)));
  const budget = Math.min(Math.max(asked, minimalBudget), room);
  if (budget < minimalBudget) {
    warnDropped(`max_tokens ${maxTokens} leaves no room for the smallest thinking budget, ${minimalBudget}`, context);
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

// ── models of other makers ───────────────────────────────────────────────────────────────────────────────────

/** `reasoning_effort` as the open models and OpenAI's take it, or Amazon's own `reasoningConfig`. */
function planEffortOnly(wanted: Reasoning, context: Encoding): JsonObject {
  const { reasoningOptional, efforts } = context.capabilities;
  let effort = wanted.budgetTokens === undefined ? wanted.effort : (steering(wanted) ?? effortOf(wanted.budgetTokens));
  if (steering(wanted) === undefined && wanted.budgetTokens !== undefined) {
    context.warn({
      field: "reasoning.budget_tokens",
      action: "approximated",
      reason: `this model takes no thinking budget: sent as effort ${effort}`,
    });
  }
  if (effort === "none" && reasoningOptional === false && !efforts?.includes("none")) {
    effort = fitEffort("minimal", context, false);
    context.warn({
      field: "reasoning",
      action: "approximated",
      reason: "this model cannot be kept from reasoning: it got the lowest effort",
    });
  }
  const nova = context.quirks.has("nova-parameters");
  if (effort === "none") return nova ? { reasoningConfig: { type: "disabled" } } : { reasoning_effort: "none" };
  if (effort === undefined)
    return nova && wanted.adaptive ? { reasoningConfig: { type: "enabled", maxReasoningEffort: fitEffort("medium", context) } } : {};
  const fitting = fitEffort(effort, context);
  return nova ? { reasoningConfig: { type: "enabled", maxReasoningEffort: fitting } } : { reasoning_effort: fitting };
}

// ── words and numbers ────────────────────────────────────────────────────────────────────────────────────────

function clampLimit(request: ChatRequest, context: Encoding): number | undefined {
  const ceiling = context.capabilities.maxOutputTokens;
  const asked = request.maxOutputTokens;
  if (asked === undefined || ceiling === undefined || asked <= ceiling) return asked;
  context.warn({ field: "max_tokens", action: "approximated", reason: `${asked} became ${ceiling}, the most that this model writes` });
  return ceiling;
}

function warnDropped(reason: string, context: Encoding): void {
  context.warn({ field: "reasoning", action: "dropped", reason });
}

/** The effort beside a budget; `none` beside one says nothing, since the budget wins. */
function steering({ effort }: Reasoning): string | undefined {
  return effort === "none" ? undefined : effort;
}

/** The nearest word that the model takes, downwards first. */
function fitEffort(effort: string, context: Encoding, aloud = true): string {
  const accepted = context.capabilities.efforts ?? words.slice(1);
  if (accepted.includes(effort)) return effort;
  const rank = words.indexOf(effort);
  // A word that is new to us may be new to the vendor's list as well.
  if (rank < 0) return effort;
  const ranked = words.filter((word) => accepted.includes(word));
  const fitting = ranked.filter((word) => words.indexOf(word) <= rank).at(-1) ?? ranked[0] ?? "low";
  if (aloud)
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
