/** A provider on loopback that answers byte for byte as a test tells it, well or badly, and remembers what it was asked. */

import type { Socket } from "node:net";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { RequestReader } from "./http-reader.ts";
import type { RawRequest } from "./http-reader.ts";

export type Bytes = string | Uint8Array;

/** A piece of a body: one write to the socket, after a pause. */
export type Chunk = Bytes | { bytes: Bytes; afterMs: number };

export interface Answer {
  /** Default 200. */
  status?: number;
  /** A list where a name comes twice, or its case matters. */
  headers?: Record<string, string> | readonly (readonly [string, string])[];
  /** A whole body; an object is sent as JSON. */
  body?: Bytes | object;
  /** A streamed body, in exactly these pieces. */
  chunks?: readonly Chunk[];
  /** Before each piece that names no pause of its own. */
  paceMs?: number;
  /** Before the first byte. */
  afterMs?: number;
  /** How the body ends in HTTP. Default: `length` for a whole one, `chunked` for a streamed one. `close`: by closing. */
  framing?: "length" | "chunked" | "close";
  /** The content-length to claim, when it is to be a lie. */
  claimedLength?: number;
  /** Sends the body in pieces of so many bytes, `everyMs` apart. */
  drip?: { bytes: number; everyMs: number };
  /**
   * What follows the last piece. `end`: the proper ending of the framing. `close`: the connection is closed without it. `reset`: it is
   * reset (RST). `hang`: nothing more comes.
   */
  ending?: "end" | "close" | "reset" | "hang";
  /** Takes the request and says nothing, not even headers. */
  silent?: boolean;
  /** Resets the connection instead of answering. */
  refuse?: boolean;
  /** These bytes instead of an HTTP answer; `ending` still counts, and closing is the default. */
  raw?: Bytes;
}

export type Script = Answer | ((request: RecordedRequest) => Answer | Promise<Answer>);

export interface RecordedRequest {
  method: string;
  /** With the query. */
  path: string;
  /** Lower-case names; repeated ones joined by a comma. */
  headers: Record<string, string>;
  /** As they came: names in their own case, in order. */
  rawHeaders: readonly (readonly [string, string])[];
  body: string;
  /** The body as JSON. */
  json(): unknown;
  /** Times are `performance.now()`. */
  receivedAt: number;
  /** When the answer was over, as scripted: its last byte handed over, or the connection closed on purpose. */
  answeredAt: number | undefined;
  /** When the caller's connection was gone. */
  closedAt: number | undefined;
  /** The caller left before the answer was complete. */
  readonly aborted: boolean;
  /** Resolves when the caller's connection is gone. */
  closed: Promise<void>;
}

export interface FakeProvider {
  /** `http://127.0.0.1:port`, without a slash at its end. */
  url: string;
  port: number;
  requests: RecordedRequest[];
  /** Connections taken so far, to see whether they are reused. */
  readonly connections: number;
  /** Answers for the next requests, one each; when they are used up, `always` counts again. */
  script(...answers: Script[]): void;
  /** The answer to every request that nothing is scripted for. */
  always(answer: Script): void;
  /** Resolves with the request of that index (from 0) when it has come. */
  request(index: number): Promise<RecordedRequest>;
  close(): Promise<void>;
}

export interface FakeProviderOptions {
  /** The answer to every request that nothing is scripted for; default: 500, so that a forgotten script is seen. */
  answer?: Script;
  port?: number;
}

const unscripted: Answer = { status: 500, body: { error: { message: "nothing is scripted for this request" } } };

export async function startFakeProvider(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const requests: RecordedRequest[] = [];
  const queue: Script[] = [];
  const waiting: { index: number; resolve(request: RecordedRequest): void }[] = [];
  const sockets = new Set<Socket>();
  let standing: Script = options.answer ?? unscripted;
  let connections = 0;

  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    void converse(socket);
  });

  async function converse(socket: Socket): Promise<void> {
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const reader = new RequestReader(socket);
    for (let raw = await reader.next(); raw; raw = await reader.next()) {
      const request = record(raw, closed);
      requests.push(request);
      for (const waiter of waiting) if (requests[waiter.index]) waiter.resolve(request);
      const script = queue.shift() ?? standing;
      const answer = typeof script === "function" ? await script(request) : script;
      const reusable = await give(socket, request, answer);
      if (!reusable) return;
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", () => resolve());
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    get connections() {
      return connections;
    },
    script: (...answers) => void queue.push(...answers),
    always: (answer) => void (standing = answer),
    request(index) {
      const known = requests[index];
      return known ? Promise.resolve(known) : new Promise((resolve) => waiting.push({ index, resolve }));
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function record(raw: RawRequest, connectionClosed: Promise<void>): RecordedRequest {
  const headers: Record<string, string> = {};
  for (const [name, value] of raw.headers) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  const request: RecordedRequest = {
    method: raw.method,
    path: raw.path,
    headers,
    rawHeaders: raw.headers,
    body: raw.body,
    json: () => JSON.parse(raw.body) as unknown,
    receivedAt: performance.now(),
    answeredAt: undefined,
    closedAt: undefined,
    get aborted() {
      return request.closedAt !== undefined && (request.answeredAt === undefined || request.closedAt < request.answeredAt);
    },
    closed: connectionClosed.then(() => void (request.closedAt = performance.now())),
  };
  return request;
}

/** Answers one request. Returns whether the connection can take another. */
async function give(socket: Socket, request: RecordedRequest, answer: Answer): Promise<boolean> {
  if (answer.afterMs) await wait(answer.afterMs);
  if (answer.silent) return false;
  if (answer.refuse) return await finish(socket, request, { ending: "reset" }, "close");
  const framing = answer.raw === undefined ? framingOf(answer) : "close";
  const head = answer.raw ?? headOf(answer, framing);
  if (!(await write(socket, head))) return false;
  for (const { bytes, afterMs } of piecesOf(answer)) {
    if (afterMs > 0) await wait(afterMs);
    if (!(await write(socket, framing === "chunked" ? chunked(bytes) : bytes))) return false;
  }
  return await finish(socket, request, answer, framing);
}

async function finish(socket: Socket, request: RecordedRequest, answer: Answer, framing: Answer["framing"]): Promise<boolean> {
  const ending = answer.ending ?? "end";
  if (ending === "hang") return false;
  if (ending === "end" && framing === "chunked" && !(await write(socket, "0\r\n\r\n"))) return false;
  request.answeredAt = performance.now();
  if (ending === "end" && framing !== "close") return true;
  if (ending === "reset") socket.resetAndDestroy();
  else socket.end();
  return false;
}

const bodyless = new Set([204, 304]);

function framingOf(answer: Answer): "length" | "chunked" | "close" {
  return answer.framing ?? (answer.chunks ? "chunked" : "length");
}

function headOf(answer: Answer, framing: "length" | "chunked" | "close"): string {
  const { status = 200, headers = {} } = answer;
  const lines = [...(isList(headers) ? headers : Object.entries(headers))].map(([name, value]) => `${name}: ${value}`);
  const given = new Set(lines.map((line) => line.slice(0, line.indexOf(":")).toLowerCase()));
  const add = (name: string, value: string) => given.has(name) || lines.push(`${name}: ${value}`);
  if (!bodyless.has(status)) {
    add("content-type", answer.chunks ? "text/event-stream" : "application/json");
    if (answer.claimedLength !== undefined) add("content-length", String(answer.claimedLength));
    else if (framing === "length") add("content-length", String(lengthOf(answer)));
    else if (framing === "chunked") add("transfer-encoding", "chunked");
  }
  if (framing === "close") add("connection", "close");
  return `HTTP/1.1 ${status} ${status < 400 ? "OK" : "Error"}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
}

function isList(headers: NonNullable<Answer["headers"]>): headers is readonly (readonly [string, string])[] {
  return Array.isArray(headers);
}

function piecesOf(answer: Answer): { bytes: Uint8Array; afterMs: number }[] {
  const paceMs = answer.paceMs ?? 0;
  const pieces = (answer.chunks ?? (answer.body === undefined ? [] : [bodyBytes(answer.body)])).map((chunk) =>
    typeof chunk === "object" && "bytes" in chunk
      ? { bytes: toBytes(chunk.bytes), afterMs: chunk.afterMs }
      : { bytes: toBytes(chunk), afterMs: paceMs },
  );
  // An empty piece would end a chunked body.
  const filled = pieces.filter(({ bytes }) => bytes.length > 0);
  const { drip } = answer;
  if (!drip) return filled;
  return filled.flatMap(({ bytes }) =>
    Array.from({ length: Math.ceil(bytes.length / drip.bytes) }, (_, index) => ({
      bytes: bytes.subarray(index * drip.bytes, (index + 1) * drip.bytes),
      afterMs: drip.everyMs,
    })),
  );
}

function lengthOf(answer: Answer): number {
  return piecesOf(answer).reduce((sum, { bytes }) => sum + bytes.length, 0);
}

function bodyBytes(body: Bytes | object): Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array ? toBytes(body) : toBytes(JSON.stringify(body));
}

function toBytes(bytes: Bytes): Uint8Array {
  return typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
}

function chunked(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** Resolves when the bytes may be followed by more: with true, or with false when the connection is gone. */
async function write(socket: Socket, bytes: Bytes): Promise<boolean> {
  if (socket.destroyed || !socket.writable) return false;
  if (bytes.length === 0 || socket.write(bytes)) return true;
  return await new Promise((resolve) => {
    const settled = (alive: boolean) => () => {
      socket.off("drain", drained);
      socket.off("close", gone);
      resolve(alive);
    };
    const drained = settled(true);
    const gone = settled(false);
    socket.once("drain", drained);
    socket.once("close", gone);
  });
}
