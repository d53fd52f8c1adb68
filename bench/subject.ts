/** What every contender offers the scenarios: where to send a call, and which process to measure. */

import type { Target } from "./http-client.ts";

export type Format = "openai" | "anthropic";

export interface Call {
  target: Target;
  /** The model name to put into the body, in the subject's own way of addressing. */
  model: string;
}

export interface Subject {
  name: string;
  /** Null: nothing stands between client and provider. */
  pid: number | null;
  /** When the process was spawned, on the clock of `performance.now()`. */
  startedAt: number;
  /** A call in this format to a provider of the same format. Null: it cannot. */
  same(format: Format, model: string, stream: boolean): Call | null;
  /** A call in Anthropic's format that an OpenAI provider answers. Null: it cannot. */
  translated?(model: string, stream: boolean): Call | null;
  /** A call whose first target is this model and whose second is `ok`. Null: it cannot. */
  fallback?(first: FirstTarget): Call | null;
  /** The same door with a key nobody issued. Absent: it has no keys of its own. */
  stranger?(): Target;
  /** Bytes its record of calls takes on disk, and the number of calls in it. Absent: it keeps none. */
  ledger?(): Promise<{ bytes: number; calls: number }>;
  stop: () => Promise<void>;
}

/** First targets of the error path: always failing, or one call in four, so that a breaker stays closed and every failure is met. */
export const FIRST_TARGETS = ["status-500", "status-429", "every-4-500"] as const;
export type FirstTarget = (typeof FIRST_TARGETS)[number];

export interface Peer {
  name: string;
  /** One line: what stands between client and provider. */
  about: string;
  /** Installs what is missing; a sentence why it cannot take part, or null. */
  prepare(): Promise<string | null>;
  version(): Promise<string>;
  /** `ready`: wait until it serves; false when the caller times that itself. */
  start(provider: Provider, options?: { ready?: boolean }): Promise<Subject>;
}

export interface Provider {
  /** Without a path: `http://127.0.0.1:PORT`. */
  url: string;
}

const PATHS = { openai: "/v1/chat/completions", anthropic: "/v1/messages" } satisfies Record<Format, string>;

/** The headers a client of this format sends; the content type is on every call. */
export function clientCall(base: string, format: Format, key: string, extra: Record<string, string> = {}): Target {
  const auth: Record<string, string> =
    format === "openai" ? { authorization: `Bearer ${key}` } : { "x-api-key": key, "anthropic-version": "2023-06-01" };
  return { url: base + PATHS[format], headers: { "content-type": "application/json", ...auth, ...extra } };
}
