/**
 * What no package knows about models, by family, and what is newer than the packages: kept by hand, merged on top of `models.json`, later rules over earlier ones.
 *
 * Names are globs over `familyName` (lower case, dashes for dots, nothing of where the model runs) or over the name as it was given.
 * "Live" is what peers measured at the vendors' doors; "matrix" the vendors' own SDKs and documents as of November 2026.
 */

import type { Capabilities } from "../canonical/capabilities.ts";
import type { Quirk } from "../canonical/quirks.ts";

export interface ModelRule {
  models: readonly string[];
  except?: readonly string[];
  /** Rows of the catalogue, or lists in the data. Absent: wherever the model runs. */
  providers?: readonly string[];
  capabilities?: Capabilities;
  quirks?: readonly Quirk[];
  /** By the provider's word for the tier of service: percent of the price, whoever says what that is. */
  service?: Readonly<Record<string, number>>;
  /** See `price-text.ts`. `date`: when it was read there, or came into force. */
  prices?: { text: string; source: string; date: string };
}

/** Provider types whose lists have other names than they, and have no row that says so. */
export const listedUnder: Readonly<Record<string, readonly string[]>> = {
  gemini: ["google"],
  vertex: ["google-vertex", "google-vertex-anthropic", "google"],
  bedrock: ["amazon-bedrock"],
  azure: ["azure", "azure-cognitive-services"],
};

const low = ["low", "medium", "high"];
const lowToXhigh = [...low, "xhigh"];
const lowToMax = [...lowToXhigh, "max"];

// The most that a model writes in one go is the host's decision where the weights are open: it is given for the maker's own doors only.

/** Reasons because it cannot do otherwise, and nothing in the request steers it. */
const alwaysReasons: Capabilities = { reasoning: [], reasoningOptional: false };
const sees = ["image"];
const reads = ["image", "pdf"];
const perceives = ["image", "pdf", "audio", "video"];

export const rules: readonly ModelRule[] = [
  // ── Amazon Bedrock: what its Converse API passes on to whom (AWS SDK documentation, vercel/ai, strands#1966) ─
  { models: ["*"], except: ["claude-*", "nova-*"], providers: ["amazon-bedrock"], quirks: ["no-cache-marks", "no-result-status"] },
  { models: ["nova-*"], providers: ["amazon-bedrock"], quirks: ["nova-parameters", "no-tool-cache-marks"] },
  {
    models: ["mistral-*", "ministral-*", "magistral-*", "pixtral-*", "voxtral-*"],
    providers: ["amazon-bedrock"],
    quirks: ["short-tool-ids"],
  },
  { models: ["llama*"], providers: ["amazon-bedrock"], quirks: ["no-tool-choice"] },
  // No switch for their reasoning is documented there; this codec would send Claude's.
  { models: ["qwen*", "minimax*", "kimi*", "glm*"], providers: ["amazon-bedrock"], capabilities: { reasoning: [] } },

  // ── Claude ───────────────────────────────────────────────────────────────────────────────────────────────
  // A Claude that is newer than this list is taken to be like the newest: adaptive thinking, no sampling, no forced tools (matrix).
  {
    models: ["claude-*"],
    capabilities: {
      contextWindow: 1_000_000,
      maxOutputTokens: 128_000,
      input: reads,
      tools: true,
      reasoning: ["adaptive"],
      efforts: lowToMax,
      sampling: false,
      structuredOutput: "schema",
      midSystem: true,
      forcedToolChoice: false,
      prefill: false,
    },
  },
  {
    models: ["claude-1*", "claude-2*", "claude-instant*", "claude-v2*"],
    capabilities: {
      contextWindow: 100_000,
      maxOutputTokens: 4096,
      input: [],
      tools: false,
      reasoning: false,
      efforts: undefined,
      sampling: true,
      structuredOutput: "none",
      midSystem: false,
      forcedToolChoice: true,
      prefill: true,
    },
  },
  {
    models: ["claude-3*"],
    capabilities: {
      contextWindow: 200_000,
      maxOutputTokens: 4096,
      input: sees,
      reasoning: false,
      efforts: undefined,
      sampling: true,
      structuredOutput: "none",
      midSystem: false,
      forcedToolChoice: true,
      prefill: true,
    },
  },
  { models: ["claude-3-5*"], capabilities: { maxOutputTokens: 8192, input: reads } },
  { models: ["claude-3-7*"], capabilities: { maxOutputTokens: 64_000, input: reads, reasoning: ["budget"], reasoningOptional: true } },
  // Up to 4.5: a budget only (matrix). Later system messages: 400 on opus-4-1 to 4-7, sonnet-4-x and haiku-4-x (live, 2026-07-16).
  {
    models: ["claude-opus-4*", "claude-sonnet-4*", "claude-haiku-4*", "claude-4*"],
    capabilities: {
      contextWindow: 200_000,
      maxOutputTokens: 64_000,
      reasoning: ["budget"],
      efforts: undefined,
      reasoningOptional: true,
      sampling: true,
      structuredOutput: "none",
      midSystem: false,
      forcedToolChoice: true,
      prefill: true,
    },
  },
  {
    models: ["claude-opus-4", "claude-opus-4-0*", "claude-opus-4-1*", "claude-opus-4-20*", "claude-opus-4@*", "claude-4-opus*"],
    except: ["claude-opus-4-10*"],
    capabilities: { maxOutputTokens: 32_000 },
  },
  { models: ["claude-opus-4-5*", "claude-sonnet-4-5*", "claude-haiku-4-5*", "claude-4-5-*"], capabilities: { structuredOutput: "schema" } },
  // Effort beside the budget; its siblings of the same number have none (matrix).
  { models: ["claude-opus-4-5*", "claude-4-5-opus*"], capabilities: { reasoning: ["budget", "effort"], efforts: low } },
  {
    models: ["claude-opus-4-6*", "claude-sonnet-4-6*", "claude-4-6-*"],
    capabilities: {
      contextWindow: 1_000_000,
      maxOutputTokens: 128_000,
      reasoning: ["adaptive", "budget"],
      efforts: [...low, "max"],
      structuredOutput: "schema",
      prefill: false,
    },
  },
  // From 4.7 on a temperature is refused: 4.8 takes 1 and nothing else, top_p and top_k are always 400 (live).
  {
    models: ["claude-opus-4-7*", "claude-opus-4-8*", "claude-4-7-*", "claude-4-8-*"],
    capabilities: {
      contextWindow: 1_000_000,
      maxOutputTokens: 128_000,
      reasoning: ["adaptive"],
      efforts: lowToMax,
      sampling: false,
      structuredOutput: "schema",
      prefill: false,
    },
  },
  { models: ["claude-opus-4-8*", "claude-4-8-*"], capabilities: { midSystem: true } },
  {
    models: ["claude-sonnet-5*", "claude-5-sonnet*", "claude-opus-5*", "claude-5-opus*", "claude-haiku-5*"],
    capabilities: { reasoningOptional: true, forcedToolChoice: true },
  },
  // No `disabled`, no forced tools (matrix; Fable and Mythos 5 live).
  {
    models: ["claude-sonnet-5-5*", "claude-5-5-sonnet*", "claude-opus-5-5*", "claude-5-5-opus*", "claude-fable-5*", "claude-mythos-5*"],
    capabilities: { reasoningOptional: false, forcedToolChoice: false },
  },

  // ── OpenAI ───────────────────────────────────────────────────────────────────────────────────────────────
  {
    models: ["gpt-3-5*"],
    capabilities: { contextWindow: 16_385, maxOutputTokens: 4096, input: [], tools: true, reasoning: false, structuredOutput: "object" },
  },
  {
    models: ["gpt-4*"],
    capabilities: { contextWindow: 8192, maxOutputTokens: 8192, input: [], tools: true, reasoning: false, structuredOutput: "none" },
  },
  {
    models: ["gpt-4-turbo*", "gpt-4-1106*", "gpt-4-0125*", "gpt-4-vision*"],
    capabilities: { contextWindow: 128_000, maxOutputTokens: 4096, input: sees, structuredOutput: "object" },
  },
  {
    models: ["gpt-4o*", "chatgpt-4o*"],
    capabilities: {
      contextWindow: 128_000,
      maxOutputTokens: 16_384,
      input: reads,
      tools: true,
      reasoning: false,
      structuredOutput: "schema",
    },
  },
  { models: ["gpt-4o-2024-05-13", "chatgpt-4o*"], capabilities: { structuredOutput: "object" } },
  { models: ["gpt-4o-2024-05-13"], capabilities: { maxOutputTokens: 4096 } },
  {
    models: ["gpt-4o-audio*", "gpt-4o-mini-audio*", "gpt-audio*"],
    capabilities: { input: ["audio"], output: ["audio"], tools: true, reasoning: false },
  },
  {
    models: ["gpt-4-1*"],
    except: ["gpt-4-1106*"],
    capabilities: { contextWindow: 1_047_576, maxOutputTokens: 32_768, input: reads, structuredOutput: "schema" },
  },
  { models: ["gpt-4-5*"], capabilities: { contextWindow: 128_000, maxOutputTokens: 16_384, input: reads, structuredOutput: "schema" } },
  // The o series and everything from GPT-5 on: effort words, no temperature. `reasoningOptional` is whether the word `none` is taken.
  {
    models: ["o1*", "o3*", "o4-*"],
    capabilities: {
      contextWindow: 200_000,
      maxOutputTokens: 100_000,
      input: reads,
      tools: true,
      reasoning: ["effort"],
      efforts: low,
      reasoningOptional: false,
      sampling: false,
      structuredOutput: "schema",
    },
  },
  { models: ["o3-mini*"], capabilities: { input: [] } },
  {
    models: ["o1-mini*", "o1-preview*"],
    capabilities: { contextWindow: 128_000, maxOutputTokens: 65_536, input: [], tools: false, reasoning: [], structuredOutput: "none" },
  },
  {
    models: ["gpt-5*", "gpt-6*", "gpt-7*"],
    capabilities: {
      contextWindow: 400_000,
      maxOutputTokens: 128_000,
      input: reads,
      tools: true,
      reasoning: ["effort"],
      sampling: false,
      structuredOutput: "schema",
    },
  },
  {
    models: ["gpt-5", "gpt-5-20*", "gpt-5-mini*", "gpt-5-nano*"],
    capabilities: { efforts: ["minimal", ...low], reasoningOptional: false },
  },
  { models: ["gpt-5-codex*"], capabilities: { efforts: low, reasoningOptional: false } },
  { models: ["gpt-5-pro*"], capabilities: { efforts: ["high"], reasoningOptional: false } },
  { models: ["gpt-5-1*"], capabilities: { efforts: low, reasoningOptional: true } },
  { models: ["gpt-5-1-codex-max*"], capabilities: { efforts: lowToXhigh } },
  { models: ["gpt-5-2*", "gpt-5-3*", "gpt-5-4*", "gpt-5-5*"], capabilities: { efforts: lowToXhigh, reasoningOptional: true } },
  {
    models: ["gpt-5-2-pro*", "gpt-5-4-pro*", "gpt-5-5-pro*"],
    capabilities: { efforts: ["medium", "high", "xhigh"], reasoningOptional: false },
  },
  { models: ["gpt-5-3-codex-spark*"], capabilities: { contextWindow: 128_000, maxOutputTokens: 32_000, reasoningOptional: false } },
  {
    models: ["gpt-5-4", "gpt-5-4-20*", "gpt-5-4-pro*", "gpt-5-5*", "gpt-5-6*", "gpt-6*", "gpt-7*"],
    capabilities: { contextWindow: 1_050_000 },
  },
  { models: ["gpt-5-6*", "gpt-6*", "gpt-7*"], capabilities: { efforts: lowToMax, reasoningOptional: true } },
  { models: ["gpt-6-astra*", "gpt-6-1-sol*", "gpt-5-6-cyber*"], capabilities: { reasoningOptional: false } },
  {
    models: ["gpt-5-chat*", "gpt-5-?-chat*", "gpt-5-1-chat*", "gpt-5-2-chat*", "gpt-5-3-chat*"],
    capabilities: { contextWindow: 128_000, maxOutputTokens: 16_384 },
  },
  { models: ["gpt-5-chat*"], capabilities: { reasoning: false, sampling: true } },
  {
    models: [
      "gpt-latest",
      "gpt-chat-latest",
      "gpt-mini-latest",
      "gpt-astra-latest",
      "gpt-sol-latest",
      "gpt-terra-latest",
      "gpt-luna-latest",
      "chat-latest",
    ],
    capabilities: { input: reads, tools: true, reasoning: ["effort"], sampling: false },
  },
  {
    models: ["gpt-oss*"],
    capabilities: { contextWindow: 131_072, input: [], tools: true, reasoning: ["effort"], efforts: low, reasoningOptional: false },
  },

  // ── Gemini ───────────────────────────────────────────────────────────────────────────────────────────────
  // Thinking by budget up to 2.5, by level from 3 on, where it cannot be off (vendor's guide).
  {
    models: ["gemini-*"],
    except: ["gemini-embedding*"],
    capabilities: {
      contextWindow: 1_048_576,
      maxOutputTokens: 65_536,
      input: perceives,
      tools: true,
      reasoning: ["effort"],
      efforts: low,
      reasoningOptional: false,
      structuredOutput: "schema",
    },
  },
  { models: ["gemini-1*", "gemini-2-0*", "gemini-pro", "gemini-pro-vision"], capabilities: { maxOutputTokens: 8192, reasoning: false } },
  { models: ["gemini-2-5*"], capabilities: { reasoning: ["budget"], reasoningOptional: true } },
  { models: ["gemini-2-5-pro*"], capabilities: { reasoningOptional: false } },
  {
    models: [
      "gemini-3-flash*",
      "gemini-3-1-flash*",
      "gemini-3-5-flash*",
      "gemini-3-6-flash*",
      "gemini-flash-latest",
      "gemini-flash-lite-latest",
    ],
    capabilities: { efforts: ["minimal", ...low] },
  },
  { models: ["gemini-4-hydrogen*"], capabilities: { efforts: lowToXhigh } },
  { models: ["gemini-4*"], capabilities: { maxOutputTokens: 1_048_576 } },
  {
    models: ["gemini-*-image*"],
    capabilities: { contextWindow: 65_536, maxOutputTokens: 32_768, output: sees, tools: false, input: sees, structuredOutput: "none" },
  },
  { models: ["gemini-2-5-flash-image*", "gemini-2-0-flash-*image*"], capabilities: { reasoning: false } },
  {
    models: ["gemini-*-tts*"],
    capabilities: {
      contextWindow: 8192,
      maxOutputTokens: 16_384,
      output: ["audio"],
      input: [],
      tools: false,
      reasoning: false,
      structuredOutput: "none",
    },
  },
  { models: ["gemma-2*", "gemma2*"], capabilities: { contextWindow: 8192, input: [], reasoning: false } },
  { models: ["gemma-3*", "gemma3*"], capabilities: { contextWindow: 131_072, input: sees, reasoning: false } },
  { models: ["gemma-3n*", "gemma-3-1b*", "gemma3:1b", "gemma-3-270m*"], capabilities: { contextWindow: 32_768, input: [] } },
  { models: ["gemma-4*", "gemma4*"], capabilities: { contextWindow: 262_144, input: sees, tools: true } },

  // ── Grok ─────────────────────────────────────────────────────────────────────────────────────────────────
  {
    models: ["grok-2*", "grok-3*", "grok-beta"],
    capabilities: { contextWindow: 131_072, input: [], tools: true, reasoning: false, structuredOutput: "schema" },
  },
  { models: ["grok-2-vision*"], capabilities: { contextWindow: 32_768, input: sees } },
  { models: ["grok-3-mini*"], capabilities: { reasoning: ["effort"], efforts: ["low", "high"], reasoningOptional: false } },
  {
    models: ["grok-4*", "grok-build*", "grok-code*", "grok-latest"],
    capabilities: { ...alwaysReasons, contextWindow: 256_000, input: sees, tools: true, structuredOutput: "schema" },
  },
  { models: ["grok-code*"], capabilities: { input: [] } },
  { models: ["grok-4-fast*", "grok-4-1*", "grok-4-20*"], capabilities: { contextWindow: 2_000_000 } },
  {
    models: ["grok-4-3*"],
    capabilities: { contextWindow: 1_000_000, reasoning: ["effort"], efforts: lowToXhigh, reasoningOptional: true },
  },
  {
    models: ["grok-4-5*", "grok-4-6*", "grok-4-7*", "grok-latest"],
    capabilities: { contextWindow: 500_000, reasoning: ["effort"], efforts: lowToXhigh, reasoningOptional: false },
  },
  { models: ["grok-*-non-reasoning*"], capabilities: { reasoning: false, reasoningOptional: undefined } },

  // ── DeepSeek ─────────────────────────────────────────────────────────────────────────────────────────────
  {
    models: ["deepseek-chat*", "deepseek-v3*", "deepseek-ai-deepseek-v3*"],
    capabilities: { contextWindow: 163_840, input: [], tools: true, reasoning: false },
  },
  { models: ["deepseek-v3-1*", "deepseek-v3-2*", "deepseek-chat-v3-1*"], capabilities: { reasoning: ["effort"], reasoningOptional: true } },
  { models: ["deepseek-r1*", "deepseek-reasoner"], capabilities: { ...alwaysReasons, contextWindow: 163_840, input: [] } },
  {
    models: ["deepseek-v4*", "deepseek-flash*"],
    capabilities: {
      contextWindow: 1_000_000,
      input: [],
      tools: true,
      reasoning: ["effort"],
      efforts: ["high", "max"],
      reasoningOptional: true,
    },
  },
  {
    models: ["deepseek-v4-1*", "deepseek-flash*", "deepseek-v4-flash-vision*"],
    capabilities: { input: sees, efforts: ["low", "high", "max"] },
  },
  // The old names are served by V4.1 (vendor, since 2026-09-10).
  { models: ["deepseek-v4-flash*"], providers: ["deepseek"], capabilities: { input: sees, efforts: ["low", "high", "max"] } },
  { models: ["deepseek-*"], providers: ["deepseek"], capabilities: { structuredOutput: "object" } },
  { models: ["deepseek-v4*", "deepseek-flash*"], providers: ["deepseek"], capabilities: { maxOutputTokens: 384_000 } },

  // ── Qwen ─────────────────────────────────────────────────────────────────────────────────────────────────
  { models: ["qwen*"], except: ["qwen*embed*", "qwen*rerank*", "qwen-image*", "qwen-mt*"], capabilities: { tools: true } },
  {
    models: [
      "qwen2*",
      "qwen-2*",
      "qwen1*",
      "qwen-1*",
      "qwen-max*",
      "qwen-turbo*",
      "qwen3-max*",
      "qwen-3-max*",
      "qwen3-coder*",
      "qwen-3-coder*",
      "qwen3-*instruct*",
      "qwen-3-*instruct*",
      "qwen3-next*",
    ],
    capabilities: { input: [], reasoning: false },
  },
  {
    models: [
      "qwen3",
      "qwen3-?b*",
      "qwen3-??b*",
      "qwen3-???b*",
      "qwen-3-*b*",
      "qwen3-*b-a*b*",
      "qwen3-4b*",
      "qwen3-8b*",
      "qwen3-14b*",
      "qwen3-32b*",
      "qwen-plus*",
      "qwen-flash*",
    ],
    except: ["*instruct*", "*coder*", "*thinking*", "*next*", "*2507*"],
    capabilities: { input: [], reasoning: ["budget"], reasoningOptional: true },
  },
  {
    models: ["qwen3-5*", "qwen3-6*", "qwen3-7*", "qwen3-8-*", "qwen-3-5*", "qwen-3-6*", "qwen-3-7*", "qwen-3-8-*"],
    except: ["qwen3-8b*", "qwen-3-8b*"],
    capabilities: { input: sees, reasoning: ["budget"], reasoningOptional: true },
  },
  { models: ["qwen3-7-max*", "qwen3-8b*"], capabilities: { input: [] } },
  { models: ["qwen3-8-*", "qwen-3-8-*"], capabilities: { reasoning: ["effort", "budget"] } },
  { models: ["qwq*", "qvq*", "qwen3-*thinking*", "qwen-3-*thinking*"], capabilities: { ...alwaysReasons, tools: true } },
  { models: ["qwen*-vl*", "qwen-vl*", "qvq*"], capabilities: { input: sees } },
  { models: ["qwen*-omni*"], capabilities: { input: ["image", "audio", "video"] } },

  // ── GLM ──────────────────────────────────────────────────────────────────────────────────────────────────
  { models: ["glm-4*"], capabilities: { contextWindow: 128_000, input: [], tools: true, reasoning: false } },
  {
    models: ["glm-4-5*", "glm-4-6*", "glm-4-7*", "glm-5*", "glm-4-5v*", "glm-4-6v*", "glm-5v*"],
    capabilities: {
      contextWindow: 200_000,
      input: [],
      tools: true,
      reasoning: ["effort"],
      efforts: ["high", "max"],
      reasoningOptional: true,
    },
  },
  { models: ["glm-4-5*", "glm-4-5v*"], capabilities: { contextWindow: 131_072 } },
  { models: ["glm-5-2*", "glm-5-3*"], capabilities: { contextWindow: 1_000_000 } },
  { models: ["glm-5-3*"], capabilities: { efforts: ["low", "high", "max"], reasoningOptional: false } },
  { models: ["glm-4v*", "glm-4-5v*", "glm-4-6v*", "glm-5v*", "glm-5-3-flash*", "glm-5-3-flashx*"], capabilities: { input: sees } },
  {
    models: ["glm-*"],
    providers: ["zai", "zhipuai", "zai-coding-plan", "zhipuai-coding-plan"],
    capabilities: { maxOutputTokens: 131_072, structuredOutput: "object" },
  },
  { models: ["glm-4-5*"], providers: ["zai", "zhipuai"], capabilities: { maxOutputTokens: 98_304 } },

  // ── Kimi ─────────────────────────────────────────────────────────────────────────────────────────────────
  { models: ["kimi-k2*"], capabilities: { contextWindow: 262_144, input: [], tools: true, reasoning: false } },
  { models: ["kimi-k2-thinking*"], capabilities: alwaysReasons },
  { models: ["kimi-k2-5*", "kimi-k2-6*", "kimi-k2-7*"], capabilities: { input: sees, reasoning: ["effort"], reasoningOptional: true } },
  { models: ["kimi-k2-7-code*"], capabilities: { reasoningOptional: false } },
  {
    models: ["kimi-k3*", "kimi-for-coding", "k3*"],
    capabilities: {
      contextWindow: 1_048_576,
      input: sees,
      tools: true,
      reasoning: ["effort"],
      efforts: ["low", "high", "max"],
      reasoningOptional: false,
    },
  },
  // At the maker's own door the sampling is fixed, other values are 400; a named tool is refused while it thinks, which is the default (live, 2026).
  {
    models: ["kimi-k2-5*", "kimi-k2-6*", "kimi-k2-7*", "kimi-k3*"],
    providers: ["moonshotai", "moonshotai-cn"],
    capabilities: { sampling: false, structuredOutput: "schema" },
  },
  {
    models: ["kimi-k2-5*", "kimi-k2-6*", "kimi-k2-7*"],
    providers: ["moonshotai", "moonshotai-cn"],
    capabilities: { forcedToolChoice: false },
    quirks: ["thinking-switch"],
  },

  // ── MiniMax ──────────────────────────────────────────────────────────────────────────────────────────────
  { models: ["minimax-m1*", "minimax-m2*"], capabilities: { ...alwaysReasons, contextWindow: 204_800, input: [], tools: true } },
  { models: ["minimax-m3*"], capabilities: { contextWindow: 1_000_000, input: sees, tools: true } },

  // ── Llama ────────────────────────────────────────────────────────────────────────────────────────────────
  { models: ["llama-2*", "llama2*", "llama-3*", "llama3*", "llama-v3*", "meta-llama-3*"], capabilities: { input: [], reasoning: false } },
  {
    models: ["llama-3-1*", "llama3-1*", "llama-3-3*", "llama3-3*", "llama-v3-1*", "llama-v3-3*", "meta-llama-3-1*", "meta-llama-3-3*"],
    capabilities: { contextWindow: 131_072, tools: true },
  },
  {
    models: ["llama-3-2-*vision*", "llama3-2-vision*", "llama-v3-2-*vision*", "llama3-2-11b*", "llama3-2-90b*"],
    capabilities: { contextWindow: 131_072, input: sees },
  },
  { models: ["llama-4*", "llama4*"], capabilities: { input: sees, tools: true, reasoning: false } },
  {
    models: ["muse-spark*", "muse-ember*", "muse-wonder*"],
    capabilities: {
      contextWindow: 1_048_576,
      input: sees,
      tools: true,
      reasoning: ["effort"],
      efforts: ["minimal", ...lowToXhigh],
      reasoningOptional: false,
    },
  },
  { models: ["muse-spark-1-3*", "muse-ember*", "muse-wonder*"], capabilities: { efforts: ["minimal", ...lowToMax] } },

  // ── Mistral ──────────────────────────────────────────────────────────────────────────────────────────────
  {
    models: ["mistral-*", "ministral-*", "codestral-*", "devstral-*", "open-mistral-*", "open-mixtral-*", "mixtral-*"],
    except: ["*embed*", "*ocr*", "*moderation*"],
    capabilities: { tools: true, reasoning: false },
  },
  {
    models: [
      "codestral*",
      "devstral*",
      "open-mistral*",
      "open-mixtral*",
      "mixtral*",
      "mistral-7b*",
      "mistral-nemo*",
      "mistral-large-24*",
      "mistral-small-24*",
    ],
    capabilities: { input: [] },
  },
  {
    models: [
      "pixtral*",
      "mistral-small-3-1*",
      "mistral-small-3-2*",
      "mistral-small-25*",
      "mistral-medium-25*",
      "mistral-medium-3*",
      "mistral-large-2512*",
      "mistral-large-3*",
      "mistral-large-latest",
      "ministral-*2512*",
      "ministral-3*",
    ],
    capabilities: { input: sees, tools: true },
  },
  {
    models: [
      "mistral-small-2603*",
      "mistral-small-4*",
      "mistral-small-latest",
      "mistral-medium-2604*",
      "mistral-medium-3-5*",
      "mistral-medium-latest",
    ],
    capabilities: { contextWindow: 262_144, input: sees, reasoning: ["effort"], efforts: ["high"], reasoningOptional: true },
  },
  {
    models: ["mistral-large-4*"],
    capabilities: { contextWindow: 1_048_576, input: sees, reasoning: ["effort"], efforts: low, reasoningOptional: false },
  },
  { models: ["magistral*"], capabilities: { ...alwaysReasons, tools: true } },
  { models: ["voxtral*"], capabilities: { input: ["audio"], reasoning: false } },
  {
    models: ["mistral-*", "ministral-*", "codestral-*", "devstral-*", "magistral-*", "pixtral-*"],
    providers: ["mistral"],
    capabilities: { structuredOutput: "schema" },
  },

  // ── Others ───────────────────────────────────────────────────────────────────────────────────────────────
  { models: ["nova-micro*"], capabilities: { contextWindow: 128_000, maxOutputTokens: 10_000, input: [], tools: true, reasoning: false } },
  {
    models: ["nova-lite*", "nova-pro*", "nova-premier*"],
    capabilities: { contextWindow: 300_000, maxOutputTokens: 10_000, input: ["image", "pdf", "video"], tools: true, reasoning: false },
  },
  { models: ["nova-premier*"], capabilities: { contextWindow: 1_000_000, maxOutputTokens: 32_000 } },
  {
    models: ["nova-2-*"],
    capabilities: {
      contextWindow: 1_000_000,
      maxOutputTokens: 65_535,
      input: ["image", "pdf", "video"],
      tools: true,
      reasoning: ["effort"],
      efforts: low,
      reasoningOptional: true,
    },
  },
  {
    models: ["command-r*", "command-a", "command-a-03*", "command-light*", "command"],
    capabilities: { input: [], tools: true, reasoning: false },
  },
  { models: ["command-a-reasoning*"], capabilities: { reasoning: ["budget"], reasoningOptional: true } },
  { models: ["command-a-vision*"], capabilities: { input: sees, tools: false } },
  { models: ["sonar*"], capabilities: { contextWindow: 128_000, input: sees, tools: false, reasoning: false } },
  { models: ["sonar-reasoning*", "sonar-deep-research*"], capabilities: alwaysReasons },
  { models: ["jamba*"], capabilities: { contextWindow: 256_000, input: [], tools: true, reasoning: false } },
  { models: ["phi-4*", "phi4*"], capabilities: { input: [], reasoning: false } },
  { models: ["phi-4-reasoning*", "phi-4-mini-reasoning*"], capabilities: alwaysReasons },
  { models: ["phi-4-multimodal*"], capabilities: { input: ["image", "audio"] } },
  { models: ["mimo-v2*"], capabilities: { input: [], tools: true, reasoning: ["effort"], reasoningOptional: true } },
  { models: ["mimo-v2-5*", "mimo-v2-6*"], capabilities: { contextWindow: 1_048_576, input: sees } },
  { models: ["mimo-v2-5-pro*", "mimo-v2-pro*"], capabilities: { input: [] } },
  {
    models: ["ling-1*", "ling-2*", "ling-lite*", "granite-3*", "granite-4-0*", "palmyra-x*"],
    capabilities: { input: [], tools: true, reasoning: false },
  },
  { models: ["ring-*"], capabilities: { ...alwaysReasons, input: [], tools: true } },

  // ── Doors with ways of their own ─────────────────────────────────────────────────────────────────────────
  // Thinking comes in the text where the server does not parse it out: these hosts pass the model's words through.
  { models: ["sonar-reasoning*", "sonar-deep-research*"], providers: ["perplexity"], quirks: ["think-tags"] },
  // OpenRouter charges nothing for what it calls free, whether or not the list has it.
  { models: ["*:free"], providers: ["openrouter"], prices: { text: "i0 o0", source: "OpenRouter's suffix", date: "2026-09-22" } },
  // The built-in provider has a price so that budgets and cost reports can be tried out without spending any.
  { models: ["*"], providers: ["mock"], prices: { text: "i1 o2", source: "made up", date: "2026-11-21" } },

  // ── Prices newer than the packages ───────────────────────────────────────────────────────────────────────
  {
    models: ["gpt-6-1-sol", "gpt-6-1-sol-20*"],
    providers: ["openai"],
    prices: { text: "i2 o10 r.1 w2.5 s.01 >272000 i4 o15 r.2 w5", source: "OpenAI's price list", date: "2026-10-01" },
  },
  {
    models: ["gpt-6-1-terra", "gpt-6-1-terra-20*"],
    providers: ["openai"],
    prices: { text: "i1 o5 r.05 w1.25 W2.5 s.01 >272000 i2 o7.5 r.1 w2.5 W5", source: "OpenAI's price list", date: "2026-10-26" },
  },
  {
    models: ["claude-sonnet-5-5", "claude-sonnet-5-5-20*"],
    providers: ["anthropic"],
    prices: { text: "i2 o10 r.1 w2.5 W4 s.01", source: "Anthropic's price list", date: "2026-10-07" },
  },
  // The first Claude with a tier below 200,000: more than 100,000 tokens of input cost five times as much, output included.
  {
    models: ["claude-haiku-5-5", "claude-haiku-5-5-20*"],
    providers: ["anthropic"],
    prices: { text: "i.1 o.5 r.01 w.125 W.2 s.01 >100000 i.5 o2.5 r.05 w.625 W1", source: "Anthropic's price list", date: "2026-10-07" },
  },
  {
    models: ["claude-mythos-5", "claude-mythos-5-20*"],
    providers: ["anthropic"],
    prices: { text: "i10 o50 r1 w12.5 W20 s.01", source: "Anthropic's price list", date: "2026-10-10" },
  },
  {
    models: ["claude-mythos-5-1", "claude-mythos-5-1-20*"],
    providers: ["anthropic"],
    prices: { text: "i10 o50 r.25 w12.5 W20 s.01", source: "Anthropic's price list", date: "2026-10-10" },
  },
  {
    models: ["claude-fable-5-2", "claude-fable-5-2-20*"],
    providers: ["anthropic"],
    prices: { text: "i8 o40 r.2 w10 W16 s.01", source: "@earendil-works/pi-ai 1.5.2", date: "2026-11-10" },
  },
  // An introductory price that Google has said it will double.
  {
    models: ["gemini-4-argon", "gemini-4-carbon"],
    providers: ["google", "google-vertex"],
    prices: { text: "i2 o10 r.1 ^2026-12-01 i4 o20 r.2", source: "Google's price list", date: "2026-11-11" },
  },
  {
    models: ["gemini-4-hydrogen"],
    providers: ["google", "google-vertex"],
    prices: { text: "i1.5 o7.5", source: "LiteLLM's discussion 51436", date: "2026-11-21" },
  },
  // Flex is billed like a batch, at half the price; fast mode at twice it (OpenAI's price list).
  { models: ["gpt-5*", "gpt-6*", "o3*", "o4-*"], providers: ["openai"], service: { flex: 50 } },
  { models: ["gpt-6-1*"], providers: ["openai"], service: { flex: 50, fast: 200 } },
  // Twice the price in Beijing's office hours; Chinese holidays are not told from weekdays, so on those the cost is an upper bound.
  {
    models: ["deepseek-flash", "deepseek-v4-flash*", "deepseek-v4-1-flash*"],
    providers: ["deepseek"],
    prices: {
      text: "i.15 o.6 r.003 @60-240w i.3 o1.2 r.006 @360-600w i.3 o1.2 r.006",
      source: "DeepSeek's price list",
      date: "2026-11-15",
    },
  },
  {
    models: ["deepseek-v4-pro*"],
    providers: ["deepseek"],
    prices: {
      text: "i.66 o1.98 r.022 @60-240w i1.32 o3.96 r.044 @360-600w i1.32 o3.96 r.044",
      source: "DeepSeek's price list",
      date: "2026-11-15",
    },
  },
];
