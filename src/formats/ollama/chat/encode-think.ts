/** How much a model shall think: on, off, or for the models that have them, one of a few levels. */

import type { Reasoning } from "../../../canonical/chat.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { format } from "./format.ts";

const levels = ["low", "medium", "high"] as const;

export function encodeThink(asked: Reasoning | undefined, context: EncodeContext): boolean | string | undefined {
  if (!asked) return undefined;
  const { capabilities, warn } = context;
  spendExtra({}, asked.extra, format, "reasoning.", warn);
  const off = asked.effort === "none" && asked.budgetTokens === undefined;
  if (capabilities.reasoning === false) {
    // "… does not support thinking" is a 400.
    if (!off) warn({ field: "reasoning", action: "dropped", reason: "the model does not reason" });
    return undefined;
  }
  if (asked.summary === "omitted" || asked.summary === "concise" || asked.summary === "detailed") {
    warn({ field: "reasoning.summary", action: "dropped", reason: "Ollama shows what the model thinks, as it is" });
  }
  if (!off && asked.effort === undefined && asked.budgetTokens === undefined && !asked.adaptive) return undefined;
  return hasLevels(context) ? level(asked, off, context) : onOrOff(asked, off, context);
}

/**
 * A level is a 400 for models that know on and off only ("think value \"high\" is not supported for this model"), and a switch is passed over by
 * those that know levels only. So a level is for models that are known to take an effort; all others get the switch.
 */
function hasLevels({ capabilities }: EncodeContext): boolean {
  return capabilities.reasoning !== false && capabilities.reasoning?.includes("effort") === true;
}

function level(asked: Reasoning, off: boolean, { capabilities, warn }: EncodeContext): boolean | string {
  if (off && capabilities.reasoningOptional !== false) return false;
  if (asked.budgetTokens === undefined && asked.effort === undefined) return true;
  const wanted = asked.budgetTokens === undefined ? (asked.effort as string) : effortFor(asked.budgetTokens);
  const word = nearest(wanted);
  if (word !== wanted || asked.budgetTokens !== undefined) {
    const given = asked.budgetTokens === undefined ? `"${wanted}"` : `${asked.budgetTokens} tokens`;
    warn({ field: "reasoning_effort", action: "approximated", reason: `the model thinks low, medium or high: "${word}" stands for ${given}` });
  }
  return word;
}

function onOrOff(asked: Reasoning, off: boolean, { capabilities, warn }: EncodeContext): boolean {
  if (off && capabilities.reasoningOptional === false) {
    warn({ field: "reasoning_effort", action: "approximated", reason: "the model cannot be kept from thinking" });
  } else if (!off && (asked.effort !== undefined || asked.budgetTokens !== undefined)) {
    warn({ field: "reasoning_effort", action: "approximated", reason: "the model's thinking is switched on or off, without degrees" });
  }
  return !off;
}

/** The thresholds are documented: they are what a caller can rely on. */
function effortFor(tokens: number): (typeof levels)[number] {
  if (tokens <= 1024) return "low";
  return tokens <= 8192 ? "medium" : "high";
}

/** Words below the lowest level and above the highest one; a word that is new to us is a middle way. */
function nearest(effort: string): string {
  if (levels.some((word) => word === effort)) return effort;
  if (effort === "none" || effort === "minimal") return "low";
  return effort === "xhigh" || effort === "max" ? "high" : "medium";
}
