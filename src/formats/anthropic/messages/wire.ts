/** The request as it stands on the wire, once `check` has vouched for it. Only what the codec reads is named; everything may hold more. */

import type { JsonObject } from "../../../canonical/json.ts";

type Optional<Value> = Value | null | undefined;

export interface WireRequest {
  model: string;
  max_tokens: number;
  messages: WireMessage[];
  system?: Optional<string | WireText[]>;
  stop_sequences?: Optional<string[]>;
  stream?: Optional<boolean>;
  temperature?: Optional<number>;
  top_p?: Optional<number>;
  top_k?: Optional<number>;
  thinking?: Optional<WireThinking>;
  output_config?: Optional<{ effort?: Optional<string>; format?: Optional<WireFormat> }>;
  tools?: Optional<WireTool[]>;
  tool_choice?: Optional<{ type: "auto" | "any" | "none" | "tool"; name?: string; disable_parallel_tool_use?: Optional<boolean> }>;
  metadata?: Optional<{ user_id?: Optional<string> }>;
  service_tier?: Optional<string>;
  cache_control?: Optional<WireCache>;
}

export interface WireThinking {
  type: string;
  budget_tokens?: number;
  display?: Optional<string>;
}

export interface WireFormat {
  type: string;
  schema: JsonObject;
}

export interface WireCache {
  type: string;
  ttl?: Optional<string>;
}

export interface WireTool {
  type?: Optional<string>;
  name?: string;
  description?: Optional<string>;
  input_schema?: JsonObject;
  strict?: Optional<boolean>;
  cache_control?: Optional<WireCache>;
}

export interface WireMessage {
  role: "user" | "assistant" | "system";
  content: string | WireBlock[];
}

export interface WireText {
  type: "text";
  text: string;
  cache_control?: Optional<WireCache>;
  citations?: Optional<JsonObject[]>;
}
export interface WireImage {
  type: "image";
  source: WireSource;
  cache_control?: Optional<WireCache>;
}
export interface WireDocument {
  type: "document";
  source: WireSource;
  title?: Optional<string>;
  context?: Optional<string>;
  citations?: Optional<{ enabled?: Optional<boolean> }>;
  cache_control?: Optional<WireCache>;
}
export interface WireSearchResult {
  type: "search_result";
  title: string;
  source: string;
  content: WireText[];
  citations?: Optional<{ enabled?: Optional<boolean> }>;
  cache_control?: Optional<WireCache>;
}
export interface WireToolUse {
  type: "tool_use";
  id: string;
  name: string;
  input: JsonObject;
  cache_control?: Optional<WireCache>;
}
export interface WireToolResult {
  type: "tool_result";
  tool_use_id: string;
  content?: Optional<string | WireBlock[]>;
  is_error?: Optional<boolean>;
  cache_control?: Optional<WireCache>;
}
export interface WireThinkingBlock {
  type: "thinking";
  thinking: string;
  signature?: Optional<string>;
}
export interface WireRedacted {
  type: "redacted_thinking";
  data: string;
}

/** The blocks that have a canonical counterpart; any other travels whole. */
export type WireBlock =
  | WireText
  | WireImage
  | WireDocument
  | WireSearchResult
  | WireToolUse
  | WireToolResult
  | WireThinkingBlock
  | WireRedacted;

export type WireSource =
  | { type: "base64"; media_type: string; data: string }
  | { type: "text"; media_type?: string; data: string }
  | { type: "url"; url: string }
  | { type: "file"; file_id: string }
  | { type: "content"; content: string | WireBlock[] };
