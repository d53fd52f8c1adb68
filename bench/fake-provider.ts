/**
 * A model provider that costs as little as possible and checks what it receives, in a process of its own: `bun bench/fake-provider.ts PORT`.
 *
 * The model name orders the behaviour, with any `vendor/` prefix ignored: `ok`, `paced-20ms-100`, `burst-200`, `status-500`, `every-4-500`, `tools-20`.
 */

import type { Socket } from "bun";
import { checksum, chunkText, MARKER, PROVIDER_KEY, streamPlan, toolArguments } from "./expected.ts";

export interface ProviderStats {
  requests: number;
  authFailures: number;
  disconnects: number;
  /** Milliseconds since the epoch of the last disconnect, 0 when there was none. */
  lastDisconnectAt: number;
  streamsOpen: number;
  chunks: number;
  /** Requests by model name. */
  models: Record<string, number>;
}

const stats: ProviderStats = { requests: 0, authFailures: 0, disconnects: 0, lastDisconnectAt: 0, streamsOpen: 0, chunks: 0, models: {} };

const CREATED = 1763740800;

// ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────

interface Frames {
  head: string;
  chunk: (index: number) => string;
  tail: string;
  count: number;
  everyMs: number;
}
type Answer = string | Frames;

const REASONS: Record<number, string> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  429: "Too Many Requests",
  500: "Internal Server Error",
};
/** A few of the headers vendors send, because reading them is part of a gateway's work. */
const USUAL =
  "x-request-id: req_bench\r\nopenai-processing-ms: 1\r\nx-ratelimit-remaining-requests: 9999\r\nx-ratelimit-remaining-tokens: 1999999\r\n";
const STREAM_HEAD = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n${USUAL}transfer-encoding: chunked\r\n\r\n`;

/** A whole answer with its head. */
function whole(body: string, status = 200): string {
  return `HTTP/1.1 ${status} ${REASONS[status] ?? "Ordered"}\r\ncontent-type: application/json\r\n${USUAL}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function failure(status: number, message: string): string {
  return whole(
    JSON.stringify({
      type: "error",
      error: { message, type: status === 429 ? "rate_limit_error" : "server_error", param: null, code: null },
    }),
    status,
  );
}

// ── OpenAI ───────────────────────────────────────────────────────────────────────────────────────────────────

function openaiChunk(model: string, delta: unknown, finish: string | null): string {
  return `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":${CREATED},"model":"${model}","system_fingerprint":"fp_bench","choices":[{"index":0,"delta":${JSON.stringify(delta)},"logprobs":null,"finish_reason":${JSON.stringify(finish)}}],"usage":null}\n\n`;
}

function openaiStream(model: string, body: string): Frames {
  const plan = streamPlan(model) ?? { everyMs: 0, chunks: 20 };
  const usage = body.includes('"include_usage"')
    ? `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":${CREATED},"model":"${model}","system_fingerprint":"fp_bench","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":${plan.chunks},"total_tokens":${12 + plan.chunks}}}\n\n`
    : "";
  return {
    head: openaiChunk(model, { role: "assistant", content: "", refusal: null }, null),
    chunk: (index) => openaiChunk(model, { content: chunkText(index) }, null),
    tail: `${openaiChunk(model, {}, "stop")}${usage}data: [DONE]\n\n`,
    count: plan.chunks,
    everyMs: plan.everyMs,
  };
}

function openaiWhole(model: string, body: Uint8Array): string {
  return whole(
    `{"id":"chatcmpl-bench${stats.requests}","object":"chat.completion","created":${CREATED},"model":"${model}","choices":[{"index":0,"message":{"role":"assistant","content":"${MARKER} ${checksum(body)} The capital of France is Paris, and it has been for a long while.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":17,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":"fp_bench"}`,
  );
}

interface OpenAIMessage {
  role: string;
  content?: unknown;
  tool_call_id?: string;
  tool_calls?: { id: string; function: { arguments: string } }[];
}

/** Every call must have come back with its own arguments, and every result must name its call: a translator that loses or reorders one is caught here. */
function toolTrouble(messages: OpenAIMessage[]): string | null {
  let turn = 0;
  for (const [index, message] of messages.entries()) {
    if (message.role !== "tool") continue;
    const call = messages[index - 1]?.tool_calls?.[0];
    if (call?.id !== message.tool_call_id) return `result ${turn} does not follow its call`;
    if (!Bun.deepEquals(JSON.parse(call?.function.arguments ?? "null"), toolArguments(turn))) return `arguments of call ${turn} changed`;
    turn++;
  }
  return null;
}

function openaiTools(model: string, turns: number, body: Uint8Array, stream: boolean): Answer {
  const request = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) as { messages: OpenAIMessage[] };
  const trouble = toolTrouble(request.messages);
  if (trouble !== null) return failure(400, trouble);
  const done = request.messages.filter((message) => message.role === "tool").length;
  if (done >= turns) return stream ? openaiStream("burst-5", "") : openaiWhole(model, body);
  const call = { id: `call_${done}`, type: "function", function: { name: "search", arguments: JSON.stringify(toolArguments(done)) } };
  if (!stream) {
    return whole(
      JSON.stringify({
        id: `chatcmpl-bench${stats.requests}`,
        object: "chat.completion",
        created: CREATED,
        model,
        choices: [
          { index: 0, message: { role: "assistant", content: null, tool_calls: [call] }, logprobs: null, finish_reason: "tool_calls" },
        ],
        usage: { prompt_tokens: 12, completion_tokens: 17, total_tokens: 29 },
      }),
    );
  }
  const pieces = call.function.arguments.match(/[\s\S]{1,9}/g) ?? [];
  return {
    head: openaiChunk(
      model,
      {
        role: "assistant",
        content: null,
        tool_calls: [{ index: 0, id: call.id, type: "function", function: { name: "search", arguments: "" } }],
      },
      null,
    ),
    chunk: (index) => openaiChunk(model, { tool_calls: [{ index: 0, function: { arguments: pieces[index] } }] }, null),
    tail: `${openaiChunk(model, {}, "tool_calls")}data: [DONE]\n\n`,
    count: pieces.length,
    everyMs: 0,
  };
}

// ── Anthropic ────────────────────────────────────────────────────────────────────────────────────────────────

function event(data: { type: string } & Record<string, unknown>): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function anthropicStream(model: string): Frames {
  const plan = streamPlan(model) ?? { everyMs: 0, chunks: 20 };
  const usage = { input_tokens: 12, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 };
  return {
    head:
      event({
        type: "message_start",
        message: { id: "msg_bench", type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null, usage },
      }) + event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    chunk: (index) => event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: chunkText(index) } }),
    tail:
      event({ type: "content_block_stop", index: 0 }) +
      event({ type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: plan.chunks } }) +
      event({ type: "message_stop" }),
    count: plan.chunks,
    everyMs: plan.everyMs,
  };
}

function anthropicWhole(model: string, body: Uint8Array): string {
  return whole(
    `{"id":"msg_bench${stats.requests}","type":"message","role":"assistant","model":"${model}","content":[{"type":"text","text":"${MARKER} ${checksum(body)} The capital of France is Paris, and it has been for a long while."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":17}}`,
  );
}

// ── the door ─────────────────────────────────────────────────────────────────────────────────────────────────

interface Request {
  path: string;
  /** Lower case, for finding header lines in. */
  head: string;
  /** As sent, because keys are told apart by case. */
  rawHead: string;
  body: Buffer;
}

function header(request: Request, name: string): string {
  const at = request.head.indexOf(`\r\n${name}:`);
  if (at === -1) return "";
  const from = at + name.length + 3;
  const end = request.head.indexOf("\r\n", from);
  return request.rawHead.slice(from, end === -1 ? undefined : end).trim();
}

function answer(request: Request): Answer {
  switch (request.path) {
    case "/v1/chat/completions":
      return chat(request, "openai");
    case "/v1/messages":
      return chat(request, "anthropic");
    case "/v1/models":
      return whole(JSON.stringify({ object: "list", data: [{ id: "ok", object: "model", created: CREATED, owned_by: "bench" }] }));
    case "/__stats":
      return whole(JSON.stringify(stats));
    case "/__reset":
      Object.assign(stats, { requests: 0, authFailures: 0, disconnects: 0, lastDisconnectAt: 0, chunks: 0, models: {} });
      return whole(JSON.stringify(stats));
    default:
      return failure(404, "no such path");
  }
}

function chat(request: Request, format: "openai" | "anthropic"): Answer {
  stats.requests++;
  const { body } = request;
  const text = body.toString("latin1");
  const named = /"model"\s*:\s*"([^"]*)"/.exec(text)?.[1] ?? "";
  const model = named.slice(named.lastIndexOf("/") + 1);
  const count = (stats.models[model] ?? 0) + 1;
  stats.models[model] = count;

  const key = header(request, "authorization") || header(request, "x-api-key");
  if (key !== `Bearer ${PROVIDER_KEY}` && key !== PROVIDER_KEY) {
    stats.authFailures++;
    return failure(401, "wrong key");
  }
  if (model === "ok") return format === "openai" ? openaiWhole(model, body) : anthropicWhole(model, body);

  const status = /^status-(\d+)$/.exec(model);
  if (status) return failure(Number(status[1]), "ordered by the model name");
  const every = /^every-(\d+)-(\d+)$/.exec(model);
  if (every && count % Number(every[1]) === 0) return failure(Number(every[2]), "ordered by the model name");

  const stream = /"stream"\s*:\s*true/.test(text);
  const tools = /^tools-(\d+)$/.exec(model);
  if (tools && format === "openai") return openaiTools(model, Number(tools[1]), body, stream);
  if (format === "anthropic") return stream ? anthropicStream(model) : anthropicWhole(model, body);
  return stream ? openaiStream(model, text) : openaiWhole(model, body);
}

// ── the wire ─────────────────────────────────────────────────────────────────────────────────────────────────
// HTTP/1.1 by hand on a bare socket: half the cost of a server framework, so that the fake provider and the load fit on one core beside a fast contender;
// and a disconnect is known when the socket closes, not when a framework says so.

const BLANK_LINE = Buffer.from("\r\n\r\n");
const EMPTY = Buffer.alloc(0);

class Connection {
  readonly #socket: Socket<Connection>;
  #held: Buffer = EMPTY;
  #unsent: Buffer = EMPTY;
  #stream: Paced | undefined;

  constructor(socket: Socket<Connection>) {
    this.#socket = socket;
  }

  read(piece: Buffer): void {
    let bytes = this.#held.length > 0 ? Buffer.concat([this.#held, piece]) : piece;
    for (;;) {
      const taken = takeRequest(bytes);
      if (taken === null) break;
      bytes = bytes.subarray(taken.length);
      const reply = answer(taken.request);
      if (typeof reply === "string") this.#send(reply);
      else this.#startStream(reply);
    }
    // The runtime reuses the buffer it hands out.
    this.#held = bytes.length > 0 ? Buffer.from(bytes) : EMPTY;
  }

  drain(): void {
    const bytes = this.#unsent;
    this.#unsent = EMPTY;
    if (bytes.length > 0) this.#send(bytes);
  }

  closed(): void {
    if (this.#stream === undefined) return;
    paced.delete(this.#stream);
    this.#stream = undefined;
    stats.streamsOpen--;
    stats.disconnects++;
    stats.lastDisconnectAt = performance.timeOrigin + performance.now();
  }

  #send(data: string | Buffer): void {
    if (this.#unsent.length > 0) {
      this.#unsent = Buffer.concat([this.#unsent, Buffer.from(data as string)]);
      return;
    }
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const sent = this.#socket.write(bytes);
    // Below zero the socket is gone, and `closed` follows.
    if (sent >= 0 && sent < bytes.length) this.#unsent = Buffer.from(bytes.subarray(sent));
  }

  #piece(text: string): void {
    const bytes = Buffer.from(text);
    this.#send(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, LINE_END]));
  }

  #startStream(frames: Frames): void {
    this.#send(STREAM_HEAD);
    this.#piece(frames.head);
    if (frames.everyMs === 0) {
      let all = "";
      for (let index = 0; index < frames.count; index++) all += frames.chunk(index);
      stats.chunks += frames.count;
      // Cut at odd places: a reader that takes a read, or a transfer chunk, for an event shows it here.
      const bytes = Buffer.from(all + frames.tail);
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += 1009) {
        const part = bytes.subarray(at, at + 1009);
        pieces.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, LINE_END);
      }
      pieces.push(LAST_PIECE);
      this.#send(Buffer.concat(pieces));
      return;
    }
    stats.streamsOpen++;
    let next = 0;
    const stream: Paced = {
      due: performance.now(),
      step: (now) => {
        // A late tick sends one chunk, not the backlog: otherwise the provider's own hiccup would read as a burst.
        stream.due = Math.max(stream.due + frames.everyMs, now + frames.everyMs / 2);
        this.#piece(frames.chunk(next++));
        stats.chunks++;
        if (next < frames.count) return true;
        this.#piece(frames.tail);
        this.#send(LAST_PIECE);
        stats.streamsOpen--;
        this.#stream = undefined;
        return false;
      },
    };
    this.#stream = stream;
    pace(stream);
  }
}

const LINE_END = Buffer.from("\r\n");
const LAST_PIECE = Buffer.from("0\r\n\r\n");

/** The first whole request in these bytes and its length; null while some of it is missing. */
function takeRequest(bytes: Buffer): { request: Request; length: number } | null {
  const end = bytes.indexOf(BLANK_LINE);
  if (end === -1) return null;
  const rawHead = bytes.toString("latin1", 0, end);
  const head = rawHead.toLowerCase();
  const path = rawHead.slice(rawHead.indexOf(" ") + 1, rawHead.indexOf(" ", rawHead.indexOf(" ") + 1)).replace(/\?.*/, "");
  const from = end + 4;
  if (!head.includes("\r\ntransfer-encoding: chunked")) {
    const length = from + Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0);
    return bytes.length < length ? null : { request: { path, head, rawHead, body: bytes.subarray(from, length) }, length };
  }
  const parts: Buffer[] = [];
  for (let at = from; ;) {
    const lineEnd = bytes.indexOf(LINE_END, at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    at = lineEnd + 2;
    if (bytes.length < at + size + 2) return null;
    if (size === 0) return { request: { path, head, rawHead, body: Buffer.concat(parts) }, length: at + 2 };
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}

interface Paced {
  due: number;
  /** Sends what is due; false when the stream has ended. */
  step: (now: number) => boolean;
}
const paced = new Set<Paced>();
let ticker: ReturnType<typeof setInterval> | undefined;

/** One timer for all streams: a timer a stream would make the fake provider the bottleneck at 256 of them. */
function pace(stream: Paced): void {
  paced.add(stream);
  ticker ??= setInterval(() => {
    const now = performance.now();
    for (const each of paced) {
      if (each.due <= now && !each.step(now)) paced.delete(each);
    }
    if (paced.size === 0) {
      clearInterval(ticker);
      ticker = undefined;
    }
  }, 1);
}

if (import.meta.main) {
  const listener = Bun.listen<Connection>({
    hostname: "127.0.0.1",
    port: Number(process.argv[2] ?? 0),
    socket: {
      open(socket) {
        socket.setNoDelay(true);
        socket.data = new Connection(socket);
      },
      data: (socket, piece) => socket.data.read(piece),
      drain: (socket) => socket.data.drain(),
      close: (socket) => socket.data.closed(),
      error: (socket) => socket.data.closed(),
    },
  });
  console.log(`fake provider on http://127.0.0.1:${listener.port}`);
}
