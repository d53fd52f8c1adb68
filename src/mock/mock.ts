/** The mock provider: a stand-in for `fetch` that answers in every format, inside the process, with no account and no network. */

import type { ChatRequest } from "../canonical/chat.ts";
import { GatewayError, invalidField, isGatewayError } from "../canonical/errors.ts";
import { fold } from "../canonical/fold.ts";
import type { JsonObject } from "../canonical/json.ts";
import { isObject, parseJson } from "../canonical/json.ts";
import type { ClientCodec, ReplyContext } from "../formats/codec.ts";
import type { Act, Step } from "./act.ts";
import type { Body } from "./body.ts";
import { bodyStream, pause } from "./body.ts";
import { PromptMemory } from "./count.ts";
import { findDoor } from "./door.ts";
import { actOf } from "./models.ts";

export { mockModels } from "./models.ts";
export type { MockModel } from "./models.ts";

export interface MockOptions {
  codecs: readonly ClientCodec[];
  /** Rejects with the signal's reason when that is aborted. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds since 1970. */
  now?: () => number;
}

export type MockFetch = (
  url: string,
  init: { method?: string; headers: Record<string, string>; body?: string | Uint8Array; signal?: AbortSignal },
) => Promise<Response>;

/** What is known of the call while it is answered. */
interface Exchange {
  codec: ClientCodec;
  request: ChatRequest;
  context: ReplyContext;
  signal: AbortSignal;
}

/** OpenAI's own bound. */
const mostChoices = 128;

const never = new AbortController().signal;

/**
 * Makes a mock provider. Its state is the number of calls so far and the prompts it was told to cache.
 *
 * ```ts
 * const fetch = createMock({ codecs: [chatCompletions, messages] });
 * await fetch("http://mock/v1/chat/completions", { method: "POST", headers: {}, body: '{"model":"echo","messages":[]}' });
 * ```
 */
export function createMock(options: MockOptions): MockFetch {
  const { codecs, sleep = pause, now = Date.now } = options;
  const memory = new PromptMemory();
  const ordinals = new Map<string, number>();
  let calls = 0;

  return async (url, init) => {
    const signal = init.signal ?? never;
    signal.throwIfAborted();
    calls += 1;
    const callId = `mock_${calls}`;
    const door = findDoor(codecs, url);
    if (!door) return fail(codecs[0], new GatewayError("route_not_found", "The mock provider has no such path."), callId);
    const { codec } = door;
    try {
      if ((init.method ?? "POST") !== "POST") throw new GatewayError("method_not_allowed", "The mock provider takes POST only.");
      const headers = new Headers(init.headers);
      const request = codec.client.decodeRequest(parseBody(init.body), { headers, model: door.model, stream: door.stream });
      if ((request.choices ?? 1) > mostChoices) throw invalidField("n", `must be at most ${mostChoices}`);
      const act = actOf(request.model);
      const ordinal = (ordinals.get(request.model) ?? 0) + 1;
      // `long-1`, `long-2` and so on are all names: a caller who tries them all must not fill the memory.
      if (ordinals.size < 10_000 || ordinals.has(request.model)) ordinals.set(request.model, ordinal);
      const context: ReplyContext = {
        callId,
        created: Math.floor(now() / 1000),
        model: request.model,
        includeUsage: request.includeUsage ?? false,
        origin: `mock/${request.model}`,
        customTools: new Set(request.tools?.filter((tool) => tool.kind === "custom").map((tool) => tool.name)),
      };
      const scene = { request, format: codec.name, ordinal, input: memory.count(request) };
      return await perform(act(scene), { codec, request, context, signal }, sleep);
    } catch (thrown) {
      if (!isGatewayError(thrown) || signal.aborted) throw thrown;
      return fail(codec, thrown, callId);
    }
  };
}

function parseBody(text: string | Uint8Array | undefined): JsonObject {
  const body = typeof text === "string" ? parseJson(text) : undefined;
  if (!isObject(body)) throw new GatewayError("invalid_json", "The body is not a JSON object.");
  return body;
}

async function perform(act: Act, exchange: Exchange, sleep: NonNullable<MockOptions["sleep"]>): Promise<Response> {
  const { codec, request, context, signal } = exchange;
  switch (act.kind) {
    case "silence":
      return await silence(signal);
    case "error":
      return fail(codec, act.error, context.callId);
    case "redirect":
      return new Response(null, { status: 302, headers: { location: "https://elsewhere.example.invalid/" } });
    case "garbage": {
      // An HTML page with two bytes that are not UTF-8, under the label of what was asked for.
      const bytes = [...new TextEncoder().encode("<!doctype html><title>It works!</title>\n\n"), 0xff, 0xfe];
      return new Response(new Uint8Array(bytes), {
        headers: { "content-type": request.stream ? (codec.client.streamType ?? "text/event-stream; charset=utf-8") : "application/json" },
      });
    }
    case "answer": {
      if (act.beforeMs) await sleep(act.beforeMs, signal);
      const headers = { ...requestId(context.callId), "cache-control": "no-cache" };
      if (request.stream) {
        const body = bodyStream(streamed(act, exchange), sleep, signal);
        return new Response(body, {
          headers: { ...headers, "content-type": codec.client.streamType ?? "text/event-stream; charset=utf-8" },
        });
      }
      if (act.ending?.kind === "error") return fail(codec, act.ending.error, context.callId);
      const { text, tookMs } = whole(act.steps, exchange);
      if (tookMs > 0) await sleep(tookMs, signal);
      const body = act.ending ? bodyStream(half(text, act.ending.kind), sleep, signal) : text;
      return new Response(body, { headers: { ...headers, "content-type": "application/json" } });
    }
  }
}

/** The JSON answer, and how long the model took to write it. */
function whole(steps: Iterable<Step>, { codec, context }: Exchange): { text: string; tookMs: number } {
  let tookMs = 0;
  const events = [];
  for (const { afterMs, event } of steps) {
    tookMs += afterMs;
    events.push(event);
  }
  return { text: JSON.stringify(codec.client.encodeReply(fold(events), context)), tookMs };
}

/** The answer as the pieces of a stream, one event each, with the ending that the act has in store. */
function* streamed({ steps, ending }: Act & { kind: "answer" }, { codec, context }: Exchange): Generator<Body> {
  const encoder = codec.client.encodeEvents(context);
  let deltas = 0;
  for (const { afterMs, event } of steps) {
    if (ending && deltas === ending.afterDeltas) {
      if (ending.kind === "silence") yield { kind: "silence" };
      if (ending.kind === "error") yield { kind: "text", afterMs: 0, text: codec.client.encodeStreamError(ending.error, context.callId) };
      return;
    }
    yield { kind: "text", afterMs, text: encoder.push(event) };
    if (event.type.endsWith("-delta")) deltas += 1;
  }
}

/** Half of a JSON answer. A real `fetch` reports a connection that breaks within a body as a TypeError. */
function* half(text: string, ending: "cut" | "silence"): Generator<Body> {
  yield { kind: "text", afterMs: 0, text: text.slice(0, text.length / 2) };
  yield ending === "silence" ? { kind: "silence" } : { kind: "break", error: new TypeError("terminated") };
}

function fail(codec: ClientCodec | undefined, error: GatewayError, callId: string): Response {
  const headers: Record<string, string> = { "content-type": "application/json", ...requestId(callId) };
  if (error.retryAfterMs !== undefined) headers["retry-after"] = String(Math.ceil(error.retryAfterMs / 1000));
  const body = codec ? codec.client.encodeError(error, callId) : { error: { message: error.message } };
  return new Response(JSON.stringify(body), { status: error.status, headers });
}

/** Under both of the names that vendors give it. */
function requestId(callId: string): Record<string, string> {
  return { "x-request-id": callId, "request-id": callId };
}

/** Never resolves; rejects when the caller leaves. */
async function silence(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
