/** Puts the house together and gives it a door: the one file that knows every part. */

import { KeyBook } from "./accounts/keys.ts";
import { answerError } from "./answer/answer.ts";
import type { ToStream } from "./answer/answer.ts";
import { GatewayError, toGatewayError } from "./canonical/errors.ts";
import { newCallId } from "./canonical/ids.ts";
import { defaultLimits } from "./config/config.ts";
import type { Config } from "./config/config.ts";
import { checkRequestLine, doors, requestTarget } from "./doors/doors.ts";
import type { ChatDoor, RequestTarget, Way } from "./doors/doors.ts";
import { listModels } from "./doors/models.ts";
import { countTokens as anthropicCount } from "./formats/anthropic/count-tokens.ts";
import { messages } from "./formats/anthropic/messages.ts";
import type { ClientCodec, Codec } from "./formats/codec.ts";
import { converse } from "./formats/bedrock/converse.ts";
import { cohereChat } from "./formats/cohere/chat.ts";
import { embed as cohereEmbed } from "./formats/cohere/embed.ts";
import { rerank as cohereRerank } from "./formats/cohere/rerank.ts";
import { countTokens as geminiCount } from "./formats/gemini/count-tokens.ts";
import { embedContent } from "./formats/gemini/embed-content.ts";
import { generateContent, generateContentArray } from "./formats/gemini/generate-content.ts";
import { rerank as jinaRerank } from "./formats/jina/rerank.ts";
import { ollamaChat } from "./formats/ollama/chat.ts";
import { embed as ollamaEmbed } from "./formats/ollama/embed.ts";
import { chatCompletions } from "./formats/openai/chat-completions.ts";
import { completions } from "./formats/openai/completions.ts";
import { embeddings as openaiEmbeddings } from "./formats/openai/embeddings.ts";
import { imageVariations, images } from "./formats/openai/images.ts";
import { moderations } from "./formats/openai/moderations.ts";
import { responses } from "./formats/openai/responses.ts";
import { speech } from "./formats/openai/speech.ts";
import { transcriptions } from "./formats/openai/transcriptions.ts";
import { embeddings as voyageEmbeddings } from "./formats/voyage/embeddings.ts";
import { rerank as voyageRerank } from "./formats/voyage/rerank.ts";
import { authenticate, handleChat, handleOperation } from "./handle.ts";
import type { Entrance } from "./handle.ts";
import { configuredKeys, furnish } from "./house.ts";
import type { Furnishing, Materials } from "./house.ts";
import { createMock, mockModels } from "./mock/mock.ts";
import type { Hashing } from "./providers/auth/hashing.ts";
import { Deadlines } from "./resilience/deadlines.ts";
import { countTokens } from "./operations/count-tokens.ts";
import { embeddings } from "./operations/embeddings.ts";
import type { OperationDoor } from "./operations/operation.ts";
import { passthrough } from "./operations/passthrough.ts";
import { relay } from "./operations/relay.ts";
import { rerank } from "./operations/rerank.ts";
import type { Clock, House } from "./stages/call.ts";
import { Ledger } from "./stores/ledger.ts";
import type { CallRecord, Store } from "./stores/ports.ts";
import { silent } from "./telemetry/log.ts";
import type { Log } from "./telemetry/log.ts";
import { Metrics } from "./telemetry/metrics.ts";
import type { Fetch } from "./upstream/send.ts";

/** Those that clients speak too. */
const clientCodecs: readonly ClientCodec[] = [chatCompletions, messages, responses, generateContent, completions];
/** Every format this build speaks; a new one is its file and its line here. */
const codecs: readonly Codec[] = [...clientCodecs, converse, cohereChat, ollamaChat];

/** Where each format's clients knock. */
const chatDoors: readonly ChatDoor[] = [
  { path: "/v1/chat/completions", codec: chatCompletions },
  { path: "/v1/completions", codec: completions },
  { path: "/v1/responses", codec: responses },
  { path: "/v1/messages", codec: messages },
  // The official SDK asks under /v1 since 3.0, and under /v1beta before.
  ...["/v1beta", "/v1"].flatMap((version): ChatDoor[] => [
    { path: `${version}/models/{model}:generateContent`, codec: generateContent, stream: false },
    {
      path: `${version}/models/{model}:streamGenerateContent`,
      codec: generateContentArray,
      stream: true,
      asked: { word: "alt=sse", codec: generateContent },
    },
  ]),
];

/** Where the clients of the other operations knock. */
const countMessages = countTokens(anthropicCount);
const countContents = countTokens(geminiCount);
const ranking = rerank(cohereRerank, [jinaRerank, voyageRerank]);
const operationDoors: Readonly<Record<string, OperationDoor>> = {
  "/v1/messages/count_tokens": countMessages,
  "/v1beta/models/{model}:countTokens": countContents,
  "/v1/models/{model}:countTokens": countContents,
  "/v1/embeddings": embeddings(openaiEmbeddings, [voyageEmbeddings, embedContent, cohereEmbed, ollamaEmbed]),
  "/v1/rerank": ranking,
  "/v2/rerank": ranking,
  "/v1/moderations": relay(moderations, { path: "/moderations", takes: ["json"], model: "omni-moderation-latest" }),
  "/v1/images/generations": relay(images, { path: "/images/generations", takes: ["json"] }),
  "/v1/images/edits": relay(images, { path: "/images/edits", takes: ["form", "json"] }),
  "/v1/images/variations": relay(imageVariations, { path: "/images/variations", takes: ["form"] }),
  "/v1/audio/speech": relay(speech, { path: "/audio/speech", takes: ["json"], flows: true }),
  "/v1/audio/transcriptions": relay(transcriptions, { path: "/audio/transcriptions", takes: ["form"] }),
  "/v1/audio/translations": relay(transcriptions, { path: "/audio/translations", takes: ["form"] }),
  "/passthrough/*": passthrough(chatCompletions.client),
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
  /** For signing requests to cloud providers: a tenth of the time that web standards take. */
  hashing?: Hashing | undefined;
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
  const ledger =
    parts.store &&
    new Ledger(parts.store, {
      defer,
      onError: (cause, lost) => log.error({ err: cause, lost }, "records could not be written; they are kept and tried again"),
    });
  const materials: Materials = {
    codecs,
    clientCodecs,
    fetch: parts.fetch ?? ((url, init) => fetch(url, init)),
    mock: createMock({ codecs: clientCodecs }),
    mockModels: mockModels.map((model) => model.example),
    env: parts.env ?? {},
    sha256: parts.sha256 ?? subtleSha256,
    hashing: parts.hashing,
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
    const house: House = {
      version,
      route: made.route,
      clock,
      deadlines,
      random: Math.random,
      began: () => metrics.began(),
      keep,
      maxReplyBytes: MAX_REPLY_BYTES,
    };
    furnishing = made;
    entrance = { house, keys, open, maxBodyBytes: next?.limits.bodyBytes ?? defaultLimits.bodyBytes, toStream, refused };
  };
  move(config);

  const refuse = (request: Request, thrown: unknown): Response => {
    const error = toGatewayError(thrown);
    const id = newCallId(clock.now());
    refused(error, id);
    return answerError(formatFor(request).client, error, id);
  };

  const wayOf = doors(chatDoors, operationDoors);
  const answerRequest = async (
    request: Request,
    { path, search }: RequestTarget,
    way: Exclude<Way, { kind: "chat" | "operation" }> | undefined,
  ): Promise<Response> => {
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
        return Response.json({
          name: "headgate",
          doors: [...chatDoors.map((door) => door.path), ...Object.keys(operationDoors)],
          models: "/v1/models",
          health: "/health/ready",
          metrics: "/metrics",
        });
      case undefined:
        throw new GatewayError("route_not_found", `There is no door at ${request.method.slice(0, 20)} ${path.slice(0, 100)}.`);
    }
  };

  return {
    fetch(request) {
      try {
        const target = requestTarget(request.url);
        const way = wayOf(target);
        checkRequestLine(request.method, request.headers, way);
        if (way?.kind === "chat") return handleChat(request, way, target.search, entrance);
        if (way?.kind === "operation") return handleOperation(request, way, target.search, entrance);
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
  if (request.headers.has("anthropic-version") || path.startsWith("/anthropic/") || path.startsWith("/v1/messages")) return messages;
  if (request.headers.has("x-goog-api-key") || path.startsWith("/gemini/") || path.startsWith("/v1beta/")) return generateContent;
  return chatCompletions;
}

async function readiness(store: Store | undefined): Promise<Response> {
  const state = store ? await store.check().catch((cause: unknown) => toGatewayError(cause).message) : "ok";
  const ok = state === "ok";
  return Response.json(
    { status: ok ? "ok" : "unavailable", store: state },
    { status: ok ? 200 : 503, headers: ok ? {} : { "retry-after": "1" } },
  );
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
