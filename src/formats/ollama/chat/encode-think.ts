/** How much a model shall think: on or off, or for the models that cannot be switched off, one of a few levels. */

import type { Reasoning } from "../../../canonical/chat.ts";
import { spendExtra } from "../../codec.ts";
import type { EncodeContext } from "../../codec.ts";
import { format } from "./format.ts";

export function encodeThink(asked: Reasoning | undefined, context: EncodeContext): boolean | string | undefined {
  if (!asked) return undefined;
  const { capabilities, warn } = context;
  spendExtra({}, asked.extra, format, "reasoning.", warn);
  const wanted = effortOf(asked);
  if (capabilities.reasoning === false) {
    // "… does not support thinking" is a 400.
    if (wanted !== "none") warn({ field: "reasoning", action: "dropped", reason: "the model does not reason" });
    return undefined;
  }
  if (asked.summary === "omitted" || asked.summary === "concise" || asked.summary === "detailed") {
    warn({ field: "reasoning.summary", action: "dropped", reason: "Ollama shows what the model thinks, as it is" });
  }
  if (wanted === undefined) return asked.adaptive ? true : undefined;
  return hasLevels(context) ? level(wanted, asked, context) : onOrOff(wanted, context);
}

/** A budget wins over an effort, as it is the more exact wish; here it can only be told as an effort. The thresholds are documented. */
function effortOf({ effort, budgetTokens }: Reasoning): string | undefined {
  if (budgetTokens === undefined) return effort;
  if (budgetTokens === 0) return "none";
  if (budgetTokens <= 1024) return "low";
  return budgetTokens <= 8192 ? "medium" : "high";
}

/**
 * A level is a 400 for models that know on and off only ("think value \"high\" is not supported for this model"), and gpt-oss, which cannot be
 * switched off, passes over a switch. So a level is for models that are known to think always and to take an effort; all others get the switch.
 */
function hasLevels({ capabilities }: EncodeContext): boolean {
  return capabilities.reasoningOptional === false && Array.isArray(capabilities.reasoning) && capabilities.reasoning.includes("effort");
}

const ladder = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const levels = ["low", "medium", "high"];

function level(wanted: string, { effort, budgetTokens }: Reasoning, { capabilities, warn }: EncodeContext): string {
  const taken = capabilities.efforts?.filter((word) => word === "max" || levels.includes(word)) ?? levels;
  const rung = ladder.indexOf(wanted);
  const distance = (word: string): number => Math.abs(ladder.indexOf(word) - (rung < 0 ? ladder.indexOf("medium") : rung));
  const word = (taken.length > 0 ? taken : levels).reduce((best, one) => (distance(one) < distance(best) ? one : best));
  if (budgetTokens !== undefined || word !== effort) {
    const given = budgetTokens === undefined ? `"${wanted}"` : `${budgetTokens} tokens`;
    warn({
      field: "reasoning_effort",
      action: "approximated",
      reason: `"${word}" stands for ${given}: the model knows levels of thinking`,
    });
  }
  return word;
}

function onOrOff(wanted: string, { capabilities, warn }: EncodeContext): boolean {
  const off = wanted === "none";
  if (off && capabilities.reasoningOptional === false) {
    warn({ field: "reasoning_effort", action: "approximated", reason: "the model cannot be kept from thinking" });
  } else if (!off) {
    warn({ field: "reasoning_effort", action: "approximated", reason: "the model's thinking is switched on or off, without degrees" });
  }
  return !off;
}
