/** The conversation in the house's own words. Every format decodes into this and is encoded from it; nothing here is any vendor's. */

import type { GatewayError } from "./errors.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Usage } from "./usage.ts";
import type { WarningAction } from "./warnings.ts";

/** Fields that only one format has a word for: given back to that format untouched, and warned about toward any other. */
export interface Extra {
  format: string;
  fields: JsonObject;
  /** What is to be said of a field toward other formats, where "dropped" is not the whole truth. `refused`: without it, it would be another request. */
  elsewhere?: Readonly<Record<string, { action: WarningAction | "refused"; reason: string }>> | undefined;
}

// ── the request ──────────────────────────────────────────────────────────────────────────────────────────────

export interface ChatRequest {
  model: string;
  /** In order; system and developer messages may stand anywhere. */
  messages: Message[];
  tools?: Tool[] | undefined;
  toolChoice?: ToolChoice | undefined;
  /** False: at most one tool call a turn. */
  parallelToolCalls?: boolean | undefined;
  maxOutputTokens?: number | undefined;
  temperature?: number | undefined;
  topP?: number | undefined;
  topK?: number | undefined;
  seed?: number | undefined;
  frequencyPenalty?: number | undefined;
  presencePenalty?: number | undefined;
  logitBias?: JsonObject | undefined;
  stop?: string[] | undefined;
  /** How many answers to the same prompt (`n`). */
  choices?: number | undefined;
  /** Log probabilities of the output; `top` alternatives a token. */
  logprobs?: { top: number } | undefined;
  output?: OutputShape | undefined;
  reasoning?: Reasoning | undefined;
  verbosity?: string | undefined;
  /** Asked-for media of the answer, when not text alone. */
  modalities?: string[] | undefined;
  serviceTier?: string | undefined;
  /** The end user, as the caller names them: `user`, `safety_identifier`, `metadata.user_id`. */
  endUser?: string | undefined;
  metadata?: Record<string, string> | undefined;
  store?: boolean | undefined;
  promptCacheKey?: string | undefined;
  /** A cache mark on the request as a whole. */
  cache?: CacheMark | undefined;
  stream: boolean;
  /** The client asked to be told the usage at the end of the stream (some formats always tell). */
  includeUsage?: boolean | undefined;
  extra?: Extra | undefined;
}

export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

export interface SystemMessage {
  role: "system" | "developer";
  content: TextPart[];
  name?: string | undefined;
  extra?: Extra | undefined;
}
export interface UserMessage {
  role: "user";
  content: UserPart[];
  name?: string | undefined;
  extra?: Extra | undefined;
}
export interface AssistantMessage {
  role: "assistant";
  /** Blocks in the order in which the model made them. */
  content: AssistantPart[];
  name?: string | undefined;
  extra?: Extra | undefined;
}
/** Results of calls made by the assistant message before it; the results of parallel calls stand together in one message. */
export interface ToolMessage {
  role: "tool";
  content: ToolResultPart[];
}

export type UserPart = TextPart | ImagePart | FilePart | AudioPart | VendorPart;
export type AssistantPart = TextPart | RefusalPart | ReasoningPart | ToolCallPart | MediaPart | VendorPart;
export type ToolResultContent = TextPart | ImagePart | FilePart | VendorPart;

export interface TextPart {
  type: "text";
  text: string;
  cache?: CacheMark | undefined;
  citations?: Citation[] | undefined;
  /** A vendor's opaque mark on this text (Gemini's thought signature, the Responses phase). */
  state?: OpaqueState | undefined;
  extra?: Extra | undefined;
}
export interface RefusalPart {
  type: "refusal";
  text: string;
}
export interface ImagePart {
  type: "image";
  source: MediaSource;
  detail?: string | undefined;
  cache?: CacheMark | undefined;
  extra?: Extra | undefined;
}
/** A document: PDF, plain text, any file. */
export interface FilePart {
  type: "file";
  source: MediaSource;
  filename?: string | undefined;
  /** Words about the file for the model, apart from its content. */
  context?: string | undefined;
  /** The answer should cite from it. */
  citations?: boolean | undefined;
  cache?: CacheMark | undefined;
  extra?: Extra | undefined;
}
export interface AudioPart {
  type: "audio";
  source: MediaSource;
  cache?: CacheMark | undefined;
  extra?: Extra | undefined;
}
/** Media that the model made. */
export interface MediaPart {
  type: "media";
  source: MediaSource;
  transcript?: string | undefined;
  id?: string | undefined;
  state?: OpaqueState | undefined;
}
export interface ReasoningPart {
  type: "reasoning";
  /** What may be read of it; may be empty when only `state` is given. */
  text: string;
  state?: OpaqueState | undefined;
}
export interface ToolCallPart {
  type: "tool-call";
  id: string;
  name: string;
  /** `function`: `arguments` is JSON text. `custom`: it is the tool's free-form input. Kept as text, so that large integers survive. */
  kind: "function" | "custom";
  arguments: string;
  cache?: CacheMark | undefined;
  state?: OpaqueState | undefined;
  extra?: Extra | undefined;
}
export interface ToolResultPart {
  type: "tool-result";
  callId: string;
  /** The tool's name, where the format or the history tells it. */
  name?: string | undefined;
  kind?: "function" | "custom" | undefined;
  content: ToolResultContent[];
  isError?: boolean | undefined;
  cache?: CacheMark | undefined;
  extra?: Extra | undefined;
}
/** A block that only one format knows (a vendor's server-side tool, say): carried whole to that format, refused or warned about elsewhere. */
export interface VendorPart {
  type: "vendor";
  format: string;
  value: JsonObject;
}

export type MediaSource =
  | { kind: "base64"; mediaType: string; data: string }
  | { kind: "url"; url: string; mediaType?: string | undefined }
  /** A file that lives at one provider; `format` says whose id it is. */
  | { kind: "id"; id: string; format: string; mediaType?: string | undefined }
  /** Plain text as a document. */
  | { kind: "text"; text: string };

/** Ask the provider to cache everything up to here. `ttl` as vendors write it: `5m`, `30m`, `1h`, `12h`, `24h`. */
export interface CacheMark {
  ttl?: string | undefined;
  /** The mark as one format alone writes it: given back to that format, of no concern to others. */
  extra?: Extra | undefined;
}

/** Something a vendor wants back byte for byte: a signature, encrypted reasoning. Only its origin can read it. */
export interface OpaqueState {
  /** The format it came in. */
  format: string;
  /** `signature` belongs to visible text; `redacted` and `encrypted` stand for text that is not shown. */
  kind: "signature" | "redacted" | "encrypted";
  data: string;
  /** The vendor's id of the item, where replay needs it. */
  id?: string | undefined;
  /** Provider and model that minted it, as `provider/model`. */
  origin?: string | undefined;
  /** What else of the item must be replayed unchanged. */
  item?: JsonObject | undefined;
}

export interface Tool {
  name: string;
  description?: string | undefined;
  kind: "function" | "custom" | "vendor";
  /** JSON Schema of the arguments (`function`). */
  parameters?: JsonObject | undefined;
  /** Grammar or text format (`custom`), as the vendor wrote it. */
  input?: JsonObject | undefined;
  strict?: boolean | undefined;
  cache?: CacheMark | undefined;
  /** A vendor's hosted tool, whole (`vendor`), or fields that only one format knows. */
  extra?: Extra | undefined;
}

export type ToolChoice =
  | { type: "auto" }
  | { type: "none" }
  | { type: "required" }
  | { type: "tool"; name: string; kind?: "function" | "custom" | undefined }
  | { type: "allowed"; mode: "auto" | "required"; names: string[] };

export type OutputShape =
  | { type: "text" }
  | { type: "json-object" }
  | { type: "json-schema"; name?: string | undefined; description?: string | undefined; schema: JsonObject; strict?: boolean | undefined };

export interface Reasoning {
  /** `none` switches it off; `minimal … max` steer it. */
  effort?: string | undefined;
  /** Tokens; wins over effort where the model takes a budget. */
  budgetTokens?: number | undefined;
  /** The model decides how much. */
  adaptive?: boolean | undefined;
  /** Show the text of the reasoning: `auto`, `concise`, `detailed`, `summarized`, `omitted`. */
  summary?: string | undefined;
  extra?: Extra | undefined;
}

// ── the reply ────────────────────────────────────────────────────────────────────────────────────────────────

/** Why an answer ended, and the vendor's own word for it. */
export interface Finish {
  reason: FinishReason;
  raw?: string | undefined;
  stopSequence?: string | undefined;
  /** A vendor's particulars of a refusal or filter. */
  details?: JsonObject | undefined;
}
export type FinishReason =
  | "stop"
  | "stop-sequence"
  | "length"
  | "context-overflow"
  | "tool-calls"
  | "refusal"
  | "content-filter"
  | "pause"
  | "malformed-call"
  /** The vendor's word is new to us: see `raw`. */
  | "unknown";

export interface Citation {
  url?: string | undefined;
  title?: string | undefined;
  citedText?: string | undefined;
  /** Character span in the answer's text. */
  start?: number | undefined;
  end?: number | undefined;
  raw: Json;
  format: string;
}

/**
 * One step of a reply. Blocks are numbered from 0 within a choice, each started once and ended once; deltas name their block.
 * `usage` is cumulative: the last one wins. Exactly one `finish` a choice, unless `error` ends it all. `end` is last.
 */
export type ChatEvent =
  | { type: "start"; id?: string | undefined; model?: string | undefined; created?: number | undefined; extra?: Extra | undefined }
  | { type: "block-start"; choice: number; block: number; content: BlockStart }
  | { type: "text-delta"; choice: number; block: number; text: string }
  | { type: "reasoning-delta"; choice: number; block: number; text: string }
  | { type: "refusal-delta"; choice: number; block: number; text: string }
  | { type: "arguments-delta"; choice: number; block: number; text: string }
  | { type: "citation"; choice: number; block: number; citation: Citation }
  | { type: "logprobs"; choice: number; logprobs: JsonObject }
  /** `state`: complete opaque state of the block, known at its end. */
  | { type: "block-end"; choice: number; block: number; state?: OpaqueState | undefined }
  | { type: "finish"; choice: number; finish: Finish }
  | { type: "usage"; usage: Usage }
  /** Something only the reply's own format knows. */
  | { type: "extra"; extra: Extra }
  | { type: "ping" }
  | { type: "error"; error: GatewayError }
  | { type: "end" };

export type BlockStart =
  | { kind: "text" }
  | { kind: "refusal" }
  | { kind: "reasoning" }
  | { kind: "tool-call"; id: string; name: string; call: "function" | "custom"; extra?: Extra | undefined }
  | { kind: "media"; part: MediaPart }
  | { kind: "vendor"; part: VendorPart };

export interface ChatReply {
  id?: string | undefined;
  model?: string | undefined;
  /** Seconds since 1970. */
  created?: number | undefined;
  choices: Choice[];
  usage?: Usage | undefined;
  extra?: Extra | undefined;
}

export interface Choice {
  content: AssistantPart[];
  finish: Finish;
  logprobs?: JsonObject | undefined;
}
