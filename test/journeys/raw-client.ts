/** A client that sends exactly the bytes it is given: what `fetch` is too polite to send. */

import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export interface RawAnswer {
  /** Of the first response; 0 when none came. */
  status: number;
  /** Lower-case names, the last of each. */
  headers: Record<string, string>;
  body: string;
  /** How many responses came: a smuggled request would make it two. */
  responses: number;
  /** The server closed the connection within the time. */
  closed: boolean;
}

export interface RawOptions {
  /** How long to wait for the server to close; a complete response ends the wait as well. Default 2 s. */
  waitMs?: number;
  /** Closes our half after the last byte. */
  fin?: boolean;
  /** Resets the connection after the last byte. */
  reset?: boolean;
  /** Waits this long after a complete response for whatever else may come. */
  lingerMs?: number;
}

/** Sends the pieces (a number is a pause in milliseconds) and reads what comes back. */
export async function sendRaw(
  port: number,
  pieces: string | readonly (string | Uint8Array | number)[],
  options: RawOptions = {},
): Promise<RawAnswer> {
  const socket = connect({ port, host: "127.0.0.1" });
  const heard: Buffer[] = [];
  let closed = false;
  socket.on("data", (bytes: Buffer) => heard.push(bytes));
  socket.on("error", () => {});
  const over = new Promise<void>((resolve) => {
    const end = (): void => {
      closed = true;
      resolve();
    };
    socket.on("end", end);
    socket.on("close", end);
  });
  await new Promise<void>((resolve) => {
    socket.once("connect", () => resolve());
    socket.once("close", () => resolve());
  });
  try {
    for (const piece of typeof pieces === "string" ? [pieces] : pieces) {
      if (closed) break;
      if (typeof piece === "number") await wait(piece);
      else await written(socket, typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
    }
    if (options.fin) socket.end();
    if (options.reset) socket.resetAndDestroy();
    const until = performance.now() + (options.waitMs ?? 2000);
    while (!closed && performance.now() < until && !complete(Buffer.concat(heard))) await Promise.race([over, wait(10)]);
    await Promise.race([over, wait(options.lingerMs ?? 30)]);
  } finally {
    socket.destroy();
  }
  return { ...read(Buffer.concat(heard)), closed };
}

/** A POST with its length told right, unless the headers tell another. */
export function post(path: string, body: string | Uint8Array, headers: readonly string[] = []): (string | Uint8Array)[] {
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
  const given = headers.map((line) => line.slice(0, line.indexOf(":")).trim().toLowerCase());
  const lines = [...headers];
  if (!given.includes("host")) lines.unshift("Host: gateway");
  if (!given.includes("content-type")) lines.push("Content-Type: application/json");
  if (!given.includes("content-length") && !given.includes("transfer-encoding")) lines.push(`Content-Length: ${bytes.length}`);
  return [`POST ${path} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`, bytes];
}

async function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.write(bytes) || socket.destroyed) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      socket.off("drain", go);
      socket.off("close", go);
      resolve();
    };
    socket.on("drain", go);
    socket.on("close", go);
  });
}

function read(bytes: Buffer): Omit<RawAnswer, "closed"> {
  const text = bytes.toString("latin1");
  const headEnd = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = (headEnd < 0 ? text : text.slice(0, headEnd)).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) headers[line.slice(0, line.indexOf(":")).toLowerCase()] = line.slice(line.indexOf(":") + 1).trim();
  const rest = headEnd < 0 ? Buffer.alloc(0) : bytes.subarray(headEnd + 4);
  const length = headers["content-length"];
  const body = length === undefined ? unchunked(rest, headers) : rest.subarray(0, Number(length));
  return {
    status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0),
    headers,
    body: body.toString("utf8"),
    responses: text.split(/(?:^|\r\n|\})HTTP\/1\.[01] (?!100 )/).length - 1,
  };
}

function unchunked(rest: Buffer, headers: Record<string, string>): Buffer {
  if (headers["transfer-encoding"] !== "chunked") return rest;
  const pieces: Buffer[] = [];
  for (let at = 0; at < rest.length;) {
    const line = rest.indexOf("\r\n", at);
    const size = line < 0 ? 0 : Number.parseInt(rest.toString("latin1", at, line), 16);
    if (!size) break;
    pieces.push(rest.subarray(line + 2, line + 2 + size));
    at = line + 4 + size;
  }
  return Buffer.concat(pieces);
}

/** A whole response is here: by its length, or by its last chunk. */
function complete(bytes: Buffer): boolean {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const head = bytes.toString("latin1", 0, headEnd).toLowerCase();
  if (head.startsWith("http/1.1 100")) return bytes.length > headEnd + 4 && complete(bytes.subarray(headEnd + 4));
  const length = /content-length: *(\d+)/.exec(head)?.[1];
  if (length !== undefined) return bytes.length >= headEnd + 4 + Number(length);
  return head.includes("transfer-encoding: chunked") && bytes.subarray(-5).toString("latin1") === "0\r\n\r\n";
}
