/** Counts tokens as a mock does: about four characters each, the same for the same call. */

import type { CacheMark, ChatRequest, MediaSource, Message } from "../canonical/chat.ts";
import type { Usage } from "../canonical/usage.ts";

/** What OpenAI charges for an image at low detail; a file is counted by its size instead. */
const imageTokens = 85;

export type InputCount = Pick<Usage, "input" | "cacheRead" | "cacheWrite" | "cacheWriteLong">;

export function tokensIn(characters: number): number {
  return Math.ceil(characters / 4);
}

/** Remembers which prompts were marked for caching: the first call writes them, the next ones read them. */
export class PromptMemory {
  readonly #known = new Set<string>();
  readonly #most: number;

  constructor(most = 1000) {
    this.#most = most;
  }

  count(request: ChatRequest): InputCount {
    const walk = new Walk();
    for (const tool of request.tools ?? []) {
      walk.say(JSON.stringify([tool.name, tool.description, tool.parameters ?? tool.input]));
      walk.mark(tool.cache);
    }
    for (const message of request.messages) countMessage(walk, message);
    walk.mark(request.cache);
    const { tokens: input, marked } = walk;
    if (!marked) return { input };
    // Vendors key their caches by model too.
    const key = `${request.model} ${marked.fingerprint} ${marked.tokens}`;
    if (this.#known.has(key)) return { input, cacheRead: marked.tokens };
    this.#remember(key);
    return { input, cacheWrite: marked.tokens, ...(marked.long ? { cacheWriteLong: marked.tokens } : {}) };
  }

  #remember(key: string): void {
    this.#known.add(key);
    const [oldest] = this.#known;
    if (this.#known.size > this.#most && oldest !== undefined) this.#known.delete(oldest);
  }
}

class Walk {
  tokens = 0;
  /** The prompt up to the last cache mark. */
  marked: { tokens: number; fingerprint: number; long: boolean } | undefined;
  #fingerprint = 0x811c9dc5;

  say(text: string): void {
    this.tokens += tokensIn(text.length);
    // FNV-1a: this only has to tell prompts apart, and it is the same in every runtime.
    for (let at = 0; at < text.length; at++) this.#fingerprint = Math.imul(this.#fingerprint ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }

  look(tokens: number): void {
    this.tokens += tokens;
  }

  mark(mark: CacheMark | undefined): void {
    if (!mark) return;
    const long = (mark.ttl?.endsWith("h") ?? false) || (this.marked?.long ?? false);
    this.marked = { tokens: this.tokens, fingerprint: this.#fingerprint, long };
  }
}

function countMessage(walk: Walk, message: Message): void {
  walk.say(message.role);
  for (const part of message.content) {
    switch (part.type) {
      case "text":
      case "refusal":
      case "reasoning":
        walk.say(part.text);
        break;
      case "image":
        walk.look(imageTokens);
        break;
      case "file":
      case "audio":
      case "media":
        walk.look(tokensIn(sizeOf(part.source)));
        break;
      case "tool-call":
        walk.say(part.name + part.arguments);
        break;
      case "tool-result":
        for (const piece of part.content) {
          if (piece.type === "text") walk.say(piece.text);
          else walk.look(imageTokens);
        }
        break;
      case "vendor":
        walk.say(JSON.stringify(part.value));
        break;
    }
    if ("cache" in part) walk.mark(part.cache);
  }
}

/** The bytes of a medium, where they are in the request at all. */
export function sizeOf(source: MediaSource): number {
  switch (source.kind) {
    case "base64":
      return Math.floor((source.data.length * 3) / 4);
    case "text":
      return source.text.length;
    case "url":
    case "id":
      return 0;
  }
}
