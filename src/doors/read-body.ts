/** Reads a request's body once: bounded, checked to be JSON in UTF-8, with its outline for later edits. */

import { GatewayError, isGatewayError } from "../canonical/errors.ts";
import { isObject } from "../canonical/json.ts";
import type { JsonObject } from "../canonical/json.ts";
import { outline } from "../upstream/json-text.ts";
import type { Outline } from "../upstream/json-text.ts";

export interface RequestBody {
  text: string;
  outline: Outline | undefined;
  body: JsonObject;
}

const shape = { maxDepth: 128, maxNodes: 200_000 };

/** Stateless without `stream: true`; strips a byte order mark; throws on bytes that are not UTF-8. */
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** A client must send at 16 KiB a second, measured over a minute: a body that drips in would hold its connection for ever. */
const PATIENCE_MS = 60_000;
const BYTES_A_PATIENCE = PATIENCE_MS * 16;

export interface BodyLimits {
  maxBytes: number;
  /** For what is not JSON: forms with files in them. Absent: `maxBytes`. */
  maxUploadBytes?: number;
  deadlines: { arm(ms: number, expire: () => void): Patience };
}

interface Patience {
  restart(): void;
  clear(): void;
}

export async function readBody(request: Request, limits: BodyLimits): Promise<RequestBody> {
  checkHeaders(request.headers, limits.maxBytes);
  const bytes = await readBytes(request, limits);
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    throw new GatewayError("invalid_json", "The body is not valid UTF-8.");
  }
  // Before parsing: a body may be small in bytes and still block the process for seconds.
  const outlined = outline(text, shape);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new GatewayError("invalid_json", text.trim() === "" ? "The body is empty." : "The body is not valid JSON.", { cause });
  }
  if (!isObject(body)) throw new GatewayError("invalid_json", `The body must be a JSON object, not ${kindOf(body)}.`);
  return { text, outline: outlined, body };
}

/** A body of any kind, as bytes. */
export async function readUpload(request: Request, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const maxBytes = limits.maxUploadBytes ?? limits.maxBytes;
  checkEncodings(request.headers, maxBytes);
  return await readBytes(request, { ...limits, maxBytes });
}

function checkHeaders(headers: Headers, maxBytes: number): void {
  const type = headers.get("content-type");
  if (type !== null && !/^application\/json[ \t]*(?:;.*)?$/i.test(type)) {
    throw new GatewayError("unsupported_media_type", `The content type ${JSON.stringify(type.slice(0, 80))} is not application/json.`);
  }
  checkEncodings(headers, maxBytes);
}

function checkEncodings(headers: Headers, maxBytes: number): void {
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new GatewayError("unsupported_media_type", `The content encoding ${JSON.stringify(encoding.slice(0, 80))} is not accepted.`);
  }
  // What a runtime has not undone itself, or not refused (Node takes "gzip, chunked"), is no JSON.
  const transfer = headers.get("transfer-encoding");
  if (transfer !== null && transfer.trim().toLowerCase() !== "chunked") {
    throw new GatewayError("unsupported_media_type", `The transfer encoding ${JSON.stringify(transfer.slice(0, 80))} is not accepted.`);
  }
  if (Number(headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
}

function readBytes(request: Request, { maxBytes, deadlines }: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const length = request.headers.get("content-length");
  const patienceMs = PATIENCE_MS * (1 + Math.floor(Number(length ?? 0) / BYTES_A_PATIENCE));
  return new Promise((resolve, reject) => {
    const patience = deadlines.arm(patienceMs, () => reject(new GatewayError("client_too_slow", "The body did not arrive in time.")));
    const reading =
      length === null ? readUnannounced(request, maxBytes, patience) : request.arrayBuffer().then((buffer) => new Uint8Array(buffer));
    reading.then(
      (bytes) => {
        patience.clear();
        resolve(bytes);
      },
      (cause: unknown) => {
        patience.clear();
        reject(isGatewayError(cause) ? cause : new GatewayError("invalid_json", "The body broke off before it was complete.", { cause }));
      },
    );
  });
}

/** Chunked bodies say nothing about their size beforehand. */
async function readUnannounced(request: Request, maxBytes: number, patience: Patience): Promise<Uint8Array<ArrayBuffer>> {
  if (!request.body) return new Uint8Array();
  const pieces: Uint8Array[] = [];
  let size = 0;
  let paidFor = BYTES_A_PATIENCE;
  for await (const piece of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += piece.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    pieces.push(piece);
    if (size < paidFor) continue;
    paidFor += BYTES_A_PATIENCE;
    patience.restart();
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError("payload_too_large", `The body is larger than ${maxBytes} bytes.`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
