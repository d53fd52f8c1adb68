/** OpenAI Embeddings (`POST /v1/embeddings`), which most vendors of embeddings imitate. */

import type { EmbedReply, EmbedRequest } from "../../canonical/embed.ts";
import { GatewayError, invalidField } from "../../canonical/errors.ts";
import type { Json, JsonObject } from "../../canonical/json.ts";
import { asString, isObject } from "../../canonical/json.ts";
import { asCount } from "../../canonical/usage.ts";
import type { Usage } from "../../canonical/usage.ts";
import type { EmbedClient } from "../operation.ts";
import { decodeError, encodeError } from "./chat/errors.ts";
import { replyHeaders } from "./relay.ts";

const name = "openai/embeddings";

export const embeddings = {
  name,
  path: () => "/embeddings",
  decodeError,
  replyHeaders,
  encodeRequest(request) {
    const { model, inputs, dimensions, endUser } = request;
    return {
      ...request.extra,
      model,
      input: inputs,
      ...(dimensions !== undefined && { dimensions }),
      ...(endUser !== undefined && { user: endUser }),
      encoding_format: "float",
    };
  },
  decodeReply,
  client: { decodeRequest, encodeReply, encodeError },
  readUsage,
  inAskedEncoding,
} satisfies EmbedClient;

/** Known fields are checked; the others are kept for a vendor that has a word for them. */
function decodeRequest(body: JsonObject): EmbedRequest {
  const { model, input, dimensions, encoding_format: encoding, user, input_type: purpose, ...extra } = body;
  if (typeof model !== "string" || model === "") throw invalidField("model", "must be a string.");
  if (dimensions !== undefined && dimensions !== null && !(asCount(dimensions) ?? 0))
    throw invalidField("dimensions", "must be a positive integer.");
  if (encoding !== undefined && encoding !== null && encoding !== "float" && encoding !== "base64")
    throw invalidField("encoding_format", 'must be "float" or "base64".');
  if (user !== undefined && user !== null && typeof user !== "string") throw invalidField("user", "must be a string.");
  if (purpose !== undefined && purpose !== null && typeof purpose !== "string") throw invalidField("input_type", "must be a string.");
  delete extra["headgate"];
  return {
    model,
    inputs: inputsOf(input),
    dimensions: asCount(dimensions),
    purpose: asString(purpose),
    endUser: asString(user),
    encoding: encoding === "base64" ? "base64" : "float",
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

function inputsOf(input: Json | undefined): string[] | number[][] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input) || input.length === 0)
    throw invalidField("input", "must be a string, or a list of strings, of tokens or of lists of tokens, and not empty.");
  if (input.every((one) => typeof one === "string")) return input;
  if (isTokens(input)) return [input];
  for (const [index, one] of input.entries()) {
    if (!isTokens(one)) throw invalidField(`input[${index}]`, "must be a string or a list of tokens, the same in all of the list.");
  }
  return input as number[][];
}

function isTokens(value: Json | undefined): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => asCount(one) !== undefined);
}

function decodeReply(body: JsonObject): EmbedReply {
  const { data } = body;
  if (!Array.isArray(data))
    throw new GatewayError("provider_bad_response", "The provider answered with something that is not a list of embeddings.");
  const vectors: number[][] = [];
  for (const [at, one] of data.entries()) {
    const index = isObject(one) ? (asCount(one["index"]) ?? at) : at;
    const vector = isObject(one) ? readVector(one["embedding"]) : undefined;
    if (!vector || index >= data.length) throw new GatewayError("provider_bad_response", `The provider's embedding ${at} is none.`);
    vectors[index] = vector;
  }
  return { vectors, model: asString(body["model"]), usage: readUsage(body) };
}

function readUsage(body: JsonObject): Usage | undefined {
  const { usage } = body;
  if (!isObject(usage)) return undefined;
  // Voyage and Jina give the total alone.
  const input = asCount(usage["prompt_tokens"]) ?? asCount(usage["input_tokens"]) ?? asCount(usage["total_tokens"]);
  return input === undefined ? undefined : { input, output: 0, raw: usage, rawFormat: name };
}

function encodeReply(reply: EmbedReply, context: { model: string; request: EmbedRequest }): JsonObject {
  const tokens = reply.usage?.input ?? 0;
  const base64 = context.request.encoding === "base64";
  return {
    object: "list",
    data: reply.vectors.map((vector, index) => ({ object: "embedding", index, embedding: base64 ? toBase64(vector) : vector })),
    model: reply.model ?? context.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/**
 * The reply of a vendor of this format as it is, unless it wrote the numbers in the other way than was asked for: many imitators do not know
 * `encoding_format`, and the official SDK asks for base64 unasked and then takes whatever comes for it.
 */
function inAskedEncoding(body: JsonObject, asked: EmbedRequest["encoding"]): JsonObject | undefined {
  const { data } = body;
  if (!Array.isArray(data)) return undefined;
  const asText = asked === "base64";
  const wrong = (one: Json): boolean =>
    isObject(one) && (typeof one["embedding"] === "string") !== asText && readVector(one["embedding"]) !== undefined;
  if (!data.some(wrong)) return undefined;
  const written = data.map((one) => {
    if (!isObject(one) || !wrong(one)) return one;
    const vector = readVector(one["embedding"]) as number[];
    return { ...one, embedding: asText ? toBase64(vector) : vector };
  });
  return { ...body, data: written };
}

// ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────

function readVector(value: Json | undefined): number[] | undefined {
  if (typeof value === "string") return fromBase64(value);
  return Array.isArray(value) && value.every((one) => typeof one === "number") ? value : undefined;
}

const CHUNK = 0x8000;

/** 32-bit floats, the lowest byte first. */
export function toBase64(vector: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [index, value] of vector.entries()) view.setFloat32(index * 4, value, true);
  const bytes = new Uint8Array(view.buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}

/** Undefined: no base64, or no whole number of floats. */
export function fromBase64(text: string): number[] | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  if (binary.length % 4 !== 0) return undefined;
  const view = new DataView(new ArrayBuffer(binary.length));
  for (let at = 0; at < binary.length; at++) view.setUint8(at, binary.charCodeAt(at));
  return Array.from({ length: binary.length / 4 }, (_, index) => shortest(view.getFloat32(index * 4, true)));
}

/** The shortest decimal that is the same 32-bit float: 0.1 and not 0.10000000149011612, as the vendor itself writes it. */
function shortest(value: number): number {
  // Minus zero has a sign that its decimal loses.
  if (value === 0) return value;
  for (let digits = 7; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
