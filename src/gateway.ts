/** Puts the house together and gives it a door: the one file that knows every part. */

import { KeyBook } from "./accounts/keys.ts";
import { answerError } from "./answer/answer.ts";
import type { ToStream } from "./answer/answer.ts";
import { GatewayError, toGatewayError } from "./canonical/errors.ts";
import { newCallId } from "./canonical/ids.ts";
import { defaultLimits } from "./config/config.ts";
import type { Config } from "./config/config.ts";
import { checkRequestLine, doors, requestTarget } from "./doors/doors.ts";
import type { RequestTarget, Way } from "./doors/doors.ts";
import { listModels } from "./doors/models.ts";
import { messages } from "./formats/anthropic/messages.ts";
import type { ClientCodec, Codec } from "./formats/codec.ts";
import { cohereChat } from "./formats/cohere/chat.ts";
import { ollamaChat } from "./formats/ollama/chat.ts";
import { chatCompletions } from "./formats/openai/chat-completions.ts";
import { authenticate, handleChat } from "./handle.ts";
import type { Entrance } from "./handle.ts";
import { configuredKeys, furnish } from "./house.ts";
import type { Furnishing, Materials } from "./house.ts";
import { createMock, mockModels } from "./mock/mock.ts";
import { Deadlines } from "./resilience/deadlines.ts";
import type { Clock, House } from "./stages/call.ts";
import { Ledger } from "./stores/ledger.ts";
import type { CallRecord, Store } from "./stores/ports.ts";
import { silent } from "./telemetry/log.ts";
import type { Log } from "./telemetry/log.ts";
import { Metrics } from "./telemetry/metrics.ts";
import type { Fetch } from "./upstream/send.ts";

/** Every format this build speaks; a new one is its file and its line here. */
const codecs: readonly Codec[] = [chatCompletions, messages, cohereChat, ollamaChat];
/** Those of them that clients speak too. */
const clientCodecs: readonly ClientCodec[] = [chatCompletions, messages];

/** Where each format's clients knock. */
const chatPaths: Readonly<Record<string, ClientCodec>> = {
  "/v1/chat/completions": chatCompletions,
  "/v1/messages": messages,
};

const MAX_REPLY_BYTES = 64 << 20;

/** What a runtime or an application brings along; every part has a default made of web standards. */
export interface Parts {
  /** Keeps the calls and the keys. Without one nothing is kept. */
  store?: Store | undefined;
  fetch?: Fetch | undefined;
  clock?: Clock | undefined;
  log?: Log | undefined;
  /** Environment variables, for credentials that the configuration leaves out. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Lower-case hex. A synchronous one saves each call a turn of the event loop. */
  sha256?: ((text: string) => string | Promise<string>) | undefined;
  /** Runs something after the current turn of the event loop. */
  defer?: ((run: () => void) => void) | undefined;
  toStream?: ToStream | undefined;
  /** Keys are required even when the configuration lists none: the store has some. */
  guarded?: boolean | undefined;
  /** Hears every finished call. */
  onCall?: ((record: CallRecord) => void) | undefined;
}

export interface Gateway {
  /** Answers one request. Never rejects. */
  fetch(request: Request): Promise<Response>;
  /** Calls from now on use this configuration; calls under way keep theirs. Throws when it names what this build does not have. */
  reload(config: Config | undefined): void;
  readonly metrics: Metrics;
  /** Names of the providers and models, for the start-up message and the command line. */
  readonly furnishing: Furnishing;
  /** Waits until every record is durable. The store stays open: whoever opened it closes it. */
  close(): Promise<void>;
}

/** `config` undefined: whatever the environment's keys allow, and the mock provider. */
export function buildGateway(config: Config | undefined, parts: Parts = {}): Gateway {
  const clock = parts.clock ?? systemClock;
  const log = parts.log ?? silent;
  const metrics = new Metrics();
  const deadlines = new Deadlines(() => clock.monotonic());
  const defer = parts.defer ?? ((run) => void setTimeout(run, 0));
  const ledger = parts.store && new Ledger(parts.store, { defer, onError: (cause, lost) => log.error({ err: cause, lost }, "records could not be written; they are kept and tried again") });
  const materials: Materials = {
    codecs,
    clientCodecs,
    fetch: parts.fetch ?? ((url, init) => fetch(url, init)),
    mock: createMock({ codecs: clientCodecs }),
    mockModels: mockModels.map((model) => model.example),
    env: parts.env ?? {},
    sha256: parts.sha256 ?? subtleSha256,
  };
  const toStream = parts.toStream ?? pullStream;

  const keep = (record: CallRecord): Promise<void> => {
    metrics.ended();
    metrics.count(record);
    parts.onCall?.(record);
    return ledger ? ledger.append(record) : kept;
  };
  const refused = (error: GatewayError, callId: string): void => {
    if (error.code === "internal") log.error({ err: error.cause ?? error, callId }, "a bug: please report it");
    else metrics.refused(error.code);
  };

  let version = 0;
  let furnishing!: Furnishing;
  let entrance!: Entrance;
  const move = (next: Config | undefined): void => {
    const made = furnish(next, materials, () => clock.monotonic());
    const keys = new KeyBook(configuredKeys(next?.keys ?? [], materials.sha256), parts.store, materials.sha256, () => clock.now());
    const open = parts.guarded !== true && (next?.keys.length ?? 0) === 0;
    version += 1;
    const house: House = { version, route: made.route, clock, deadlines, random: Math.random, began: () => metrics.began(), keep, maxReplyBytes: MAX_REPLY_BYTES };
    furnishing = made;
    entrance = { house, keys, open, maxBodyBytes: next?.limits.bodyBytes ?? defaultLimits.bodyBytes, toStream, refused };
  };
  move(config);

  const refuse = (request: Request, thrown: unknown): Response => {
    const error = toGatewayError(thrown);
    const id = newCallId(clock.now());
    refused(error, id);
    return answerError(formatFor(request), error, id);
  };

  const wayOf = doors(chatPaths);
  const answerRequest = async (request: Request, { path, search }: RequestTarget, way: Exclude<Way, { kind: "chat" }> | undefined): Promise<Response> => {
    switch (way?.kind) {
      case "models":
      case "model": {
        const principal = await authenticate(request.headers, search, entrance);
        return listModels(furnishing, request, way.kind === "model" ? way.model : undefined, principal);
      }
      case "live":
        return Response.json({ status: "ok" });
      case "ready":
        return readiness(parts.store);
      case "metrics":
        return new Response(metrics.print(), { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
      case "home":
        return Response.json({ name: "headgate", doors: Object.keys(chatPaths), models: "/v1/models", health: "/health/ready", metrics: "/metrics" });
      case undefined:
        throw new GatewayError("route_not_found", `There is no door at ${request.method.slice(0, 20)} ${path.slice(0, 100)}.`);
    }
  };

  return {
    fetch(request) {
      try {
        const target = requestTarget(request.url);
        const way = wayOf(target.path);
        checkRequestLine(request.method, request.headers, way);
        if (way?.kind === "chat") return handleChat(request, way, target.search, entrance);
        return answerRequest(request, target, way).catch((thrown: unknown) => refuse(request, thrown));
      } catch (thrown) {
        return Promise.resolve(refuse(request, thrown));
      }
    },
    reload: move,
    metrics,
    get furnishing() {
      return furnishing;
    },
    async close() {
      await ledger?.close();
    },
  };
}

const kept = Promise.resolve();

/** Errors outside of a format's own door: in the dialect that the request's headers or path speak. */
function formatFor(request: Request): ClientCodec {
  const { path } = requestTarget(request.url);
  const anthropic = request.headers.has("anthropic-version") || path.startsWith("/anthropic/") || path.startsWith("/v1/messages");
  return anthropic ? messages : chatCompletions;
}

async function readiness(store: Store | undefined): Promise<Response> {
  const state = store ? await store.check().catch((cause: unknown) => toGatewayError(cause).message) : "ok";
  const ok = state === "ok";
  return Response.json({ status: ok ? "ok" : "unavailable", store: state }, { status: ok ? 200 : 503, headers: ok ? {} : { "retry-after": "1" } });
}

async function subtleSha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", leave);
        resolve();
      }, ms);
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
    }),
};

/** A response body made of web standards only: the client's reading pulls the provider's sending. */
const pullStream: ToStream = (flow) => {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = await flow.next();
        if (piece === undefined) controller.close();
        else controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
      },
      cancel: () => flow.cancel(),
    },
    { highWaterMark: 0 },
  );
};
