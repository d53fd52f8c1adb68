/** Reads a request's body once: bounded, checked to be JSON in UTF-8, with its outline for later edits. */

import { GatewayError } from "../canonical/errors.ts";
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

export async function readBody(request: Request, maxBytes: number): Promise<RequestBody> {
  checkHeaders(request.headers, maxBytes);
  const bytes = await readBytes(request, maxBytes);
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

function checkHeaders(headers: Headers, maxBytes: number): void {
  const type = headers.get("content-type");
  if (type !== null && !/^application\/json[ \t]*(?:;.*)?$/i.test(type)) {
    throw new GatewayError("unsupported_media_type", `The content type ${JSON.stringify(type.slice(0, 80))} is not application/json.`);
  }
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new GatewayError("unsupported_media_type", `The content encoding ${JSON.stringify(encoding.slice(0, 80))} is not accepted.`);
  }
  if (Number(headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  try {
    if (request.headers.get("content-length") !== null) return new Uint8Array(await request.arrayBuffer());
    return await readUnannounced(request, maxBytes);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("invalid_json", "The body broke off before it was complete.", { cause });
  }
}

/** Chunked bodies say nothing about their size beforehand. */
async function readUnannounced(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += piece.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    pieces.push(piece);
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
