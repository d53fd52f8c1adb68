/**
 * Counts tokens without a tokenizer: an estimate by kinds of writing, until an exact counter for a model's family takes its place.
 *
 * Calibrated on 14 recorded answers of ten vendors with 29 to 1,969 tokens (prose, lists, JSON, reasoning): 0.5 % too much over all of them together, the
 * mean of the absolute errors 5.7 %, the farthest 10.7 %. All of them are in English. For other scripts the numbers are what the
 * vocabularies of 2024 and later make of them, rounded up: there the error is unknown, and rather too much than too little.
 */

import type { AssistantPart, ChatRequest, MediaSource, ToolResultContent, UserPart } from "../canonical/chat.ts";

/** What an exact tokenizer implements. */
export interface TokenCounter {
  text(text: string): number;
}

// ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** A word is one token up to four letters, and a tenth more for each letter after them; its space is part of it. */
const WORD = 0.9;
const COMMON_LETTERS = 4;
const LETTER = 0.1;
/** Vocabularies cut numbers into threes. */
const DIGITS = 3;
const SIGN = 0.7;
/** Chinese, Japanese, Korean: most characters are a token, some pairs share one. */
const IDEOGRAPH = 0.9;
/** Cyrillic, Arabic, Devanagari, Greek and all the others. */
const OTHER_LETTER = 0.4;

type Kind = "word" | "digits" | "space" | "line" | "ideograph" | "other" | "sign";

function kindOf(code: number): Kind {
  if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 0xc0 && code <= 0x24f)) return "word";
  if (code === 32 || code === 9) return "space";
  if (code === 10 || code === 13) return "line";
  if (code >= 48 && code <= 57) return "digits";
  if (code < 0x250) return "sign";
  if ((code >= 0x3040 && code <= 0x30ff) || (code >= 0x3400 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7af)) return "ideograph";
  // Dashes, quotes, arrows, emoji (as two halves): about a token each.
  if ((code >= 0x2000 && code <= 0x2bff) || (code >= 0x3000 && code <= 0x303f) || code >= 0xd800) return "sign";
  return "other";
}

function runCost(kind: Kind, length: number): number {
  switch (kind) {
    case "word":
      return WORD + Math.max(0, length - COMMON_LETTERS) * LETTER;
    case "digits":
      return Math.ceil(length / DIGITS);
    case "space":
      return length === 1 ? 0 : 1;
    case "line":
      return 1;
    case "ideograph":
      return length * IDEOGRAPH;
    case "other":
      return Math.max(1, length * OTHER_LETTER);
    case "sign":
      return Math.max(1, length * SIGN);
  }
}

/** One pass over the text, without allocation. */
export const estimate: TokenCounter = {
  text(text) {
    let tokens = 0;
    let kind: Kind | undefined;
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const next = kindOf(text.charCodeAt(at));
      // The indentation of a new line is part of its token.
      if (next === kind || (kind === "line" && next === "space")) continue;
      if (kind) tokens += runCost(kind, at - from);
      kind = next;
      from = at;
    }
    if (kind) tokens += runCost(kind, text.length - from);
    return Math.ceil(tokens);
  },
};

export function countText(text: string): number {
  return estimate.text(text);
}

// ── a conversation ───────────────────────────────────────────────────────────────────────────────────────────

/** What surrounds a message, a tool, a call: marks that no text shows. */
const MESSAGE = 4;
const TOOL = 12;
const CALL = 8;
/** An image as large as vendors take without shrinking it: Anthropic counts a pixel in 750, OpenAI tiles, Gemini 258 a tile. */
const IMAGE = 1500;
/** Of the bytes of a document: a page of PDF is about 50 kB and 2,000 tokens. */
const BYTES_A_TOKEN = 25;
/** What is said of a file that is not here to be looked at. */
const UNSEEN = 2000;

export function countRequest(request: ChatRequest, counter: TokenCounter = estimate): number {
  let tokens = 3;
  for (const message of request.messages) {
    tokens += MESSAGE;
    for (const part of message.content) tokens += partTokens(part, counter);
  }
  for (const tool of request.tools ?? []) {
    tokens += TOOL + counter.text(tool.name) + counter.text(tool.description ?? "");
    for (const shape of [tool.parameters, tool.input, tool.extra?.fields]) if (shape) tokens += counter.text(JSON.stringify(shape));
  }
  if (request.output?.type === "json-schema") tokens += counter.text(JSON.stringify(request.output.schema));
  return tokens;
}

type Part = UserPart | AssistantPart | Extract<ChatRequest["messages"][number], { role: "tool" }>["content"][number] | ToolResultContent;

function partTokens(part: Part, counter: TokenCounter): number {
  switch (part.type) {
    case "text":
    case "refusal":
    case "reasoning":
      return counter.text(part.text);
    case "image":
      return IMAGE;
    case "audio":
    case "media":
      return sourceTokens(part.source, counter);
    case "file":
      return sourceTokens(part.source, counter) + counter.text(part.context ?? "");
    case "tool-call":
      return CALL + counter.text(part.name) + counter.text(part.arguments);
    case "tool-result": {
      let tokens = CALL;
      for (const one of part.content) tokens += partTokens(one, counter);
      return tokens;
    }
    case "vendor":
      return counter.text(JSON.stringify(part.value));
  }
}

function sourceTokens(source: MediaSource, counter: TokenCounter): number {
  switch (source.kind) {
    case "text":
      return counter.text(source.text);
    case "base64":
      return Math.max(100, Math.ceil((source.data.length * 3) / 4 / BYTES_A_TOKEN));
    case "url":
    case "id":
      return UNSEEN;
  }
}
