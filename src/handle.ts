/** One request from start to finish. */

import { presentedKey } from "./accounts/keys.ts";
import type { KeyBook, KnownKey } from "./accounts/keys.ts";
import { answer, answerError, answerRelay } from "./answer/answer.ts";
import type { ToStream } from "./answer/answer.ts";
import { GatewayError, toGatewayError } from "./canonical/errors.ts";
import { newCallId } from "./canonical/ids.ts";
import { asString, isObject } from "./canonical/json.ts";
import type { JsonObject } from "./canonical/json.ts";
import { readBody } from "./doors/read-body.ts";
import type { Way } from "./doors/doors.ts";
import { run } from "./pipeline.ts";
import { Call, ChatCall } from "./stages/call.ts";
import { chat } from "./stages/dispatch.ts";
import type { House } from "./stages/call.ts";

/** What a request needs of the gateway: the house as it is now, and who may enter. */
export interface Entrance {
  house: House;
  keys: KeyBook;
  /** Anybody may call. A key that is known is still put on the record. */
  open: boolean;
  maxBodyBytes: number;
  toStream: ToStream;
  /** Hears of every refusal that never became a call, and of every bug. */
  refused(error: GatewayError, callId: string): void;
}

export async function handleChat(
  request: Request,
  way: Extract<Way, { kind: "chat" }>,
  search: string,
  entrance: Entrance,
): Promise<Response> {
  const { house } = entrance;
  const startedAt = house.clock.now();
  const startedMono = house.clock.monotonic();
  const id = newCallId(startedAt);
  let call: ChatCall | undefined;
  try {
    if (request.method !== "POST")
      throw new GatewayError("method_not_allowed", `${request.method.slice(0, 20)} is not a method of this door.`);
    // Strangers are refused from the headers, before their body is read.
    const asked = authenticate(request.headers, search, entrance);
    const principal = asked instanceof Promise ? await asked : asked;
    const { text, outline, body } = await readBody(request, { maxBytes: entrance.maxBodyBytes, deadlines: house.deadlines });
    way.codec.verbatim.check(body);
    const options = callOptions(request.headers, body);
    const model = way.model ?? asString(body["model"]) ?? "";
    const stream = way.stream ?? body["stream"] === true;
    call = new ChatCall({
      id,
      house,
      operation: chat,
      format: way.codec.name,
      codec: way.codec,
      door: { headers: request.headers, model: way.model, stream: way.stream },
      text,
      outline,
      body,
      model,
      stream,
      principal,
      signal: request.signal,
      startedAt,
      startedMono,
      ...options,
    });
    house.began();
    return await answer(call, await run(call), entrance.toStream);
  } catch (thrown) {
    const error = toGatewayError(thrown);
    if (!call || error.code === "internal") entrance.refused(error, id);
    return answerError(way.codec.client, error, id, call?.attempts.length);
  }
}

/** A file that is uploaded may be larger than a conversation: OpenAI takes recordings of 25 MB, others of 100. */
const MAX_UPLOAD_BYTES = 100 << 20;

/** The same journey for what is not chat. */
export async function handleOperation(
  request: Request,
  way: Extract<Way, { kind: "operation" }>,
  search: string,
  entrance: Entrance,
): Promise<Response> {
  const { house } = entrance;
  const { door, rest } = way;
  const startedAt = house.clock.now();
  const startedMono = house.clock.monotonic();
  const id = newCallId(startedAt);
  let call: Call | undefined;
  try {
    if (!(door.methods ?? ["POST"]).includes(request.method))
      throw new GatewayError("method_not_allowed", `${request.method.slice(0, 20)} is not a method of this door.`);
    const principal = await authenticate(request.headers, search, entrance);
    const limits = {
      maxBytes: entrance.maxBodyBytes,
      maxUploadBytes: Math.max(entrance.maxBodyBytes, MAX_UPLOAD_BYTES),
      deadlines: house.deadlines,
    };
    const { operation, model, stream, body } = await door.read(request, { house, limits, rest, search });
    call = new Call({
      id,
      house,
      operation,
      format: door.format,
      model,
      stream,
      principal,
      signal: request.signal,
      startedAt,
      startedMono,
      ...callOptions(request.headers, body),
    });
    house.began();
    const reply = await run(call);
    if (reply.kind !== "relay") throw new Error("an operation other than chat answers with what it was given");
    return await answerRelay(call, reply, entrance.toStream);
  } catch (thrown) {
    const error = toGatewayError(thrown);
    if (!call || error.code === "internal") entrance.refused(error, id);
    return answerError(door.client, error, id, call?.attempts.length);
  }
}

/** Undefined: somebody without a known key, where the gateway is open. */
export function authenticate(
  headers: Headers,
  search: string,
  entrance: Pick<Entrance, "keys" | "open">,
): KnownKey | undefined | Promise<KnownKey | undefined> {
  const presented = presentedKey(headers, search);
  if (presented === undefined) {
    if (entrance.open) return undefined;
    throw new GatewayError("unauthenticated", "This gateway needs a key, and the request has none.");
  }
  const found = entrance.keys.find(presented);
  if (entrance.open) return found instanceof Promise ? found.catch(() => undefined) : found;
  return found instanceof Promise ? found.then(admit, storeDown) : admit(found);
}

function admit(key: KnownKey | undefined): KnownKey {
  if (!key) throw new GatewayError("unauthenticated", "The key is not valid (unknown, disabled or expired).");
  return key;
}

/** Trouble of ours is never told as the caller's key being wrong. */
function storeDown(cause: unknown): never {
  throw new GatewayError("storage_unavailable", "The key could not be looked up.", { cause });
}

/** The caller's wishes toward the gateway: `x-headgate-*` headers, or the body's `headgate` object, which wins. */
function callOptions(
  headers: Headers,
  body: JsonObject,
): { strict: boolean; session: string | undefined; tags: string[]; timeoutMs: number | undefined } {
  const given = body["headgate"];
  if (given !== undefined && !isObject(given))
    throw new GatewayError("invalid_request", "headgate: must be an object.", { field: "headgate" });
  const strict = given?.["strict"] ?? headers.get("x-headgate-strict");
  const tags = given?.["tags"] ?? headers.get("x-headgate-tags");
  return {
    strict: strict === true || strict === "true" || strict === "1",
    session: (asString(given?.["session"]) ?? headers.get("x-headgate-session") ?? undefined)?.slice(0, 200),
    tags: tags === null ? [] : tagList(tags),
    timeoutMs: timeout(given?.["timeout"] ?? headers.get("x-headgate-timeout")),
  };
}

function tagList(tags: unknown): string[] {
  const list = typeof tags === "string" ? tags.split(",") : tags;
  if (!Array.isArray(list) || list.some((tag) => typeof tag !== "string")) {
    throw new GatewayError("invalid_request", "headgate.tags: must be a list of strings.", { field: "headgate.tags" });
  }
  return (list as string[])
    .map((tag) => tag.trim().slice(0, 100))
    .filter((tag) => tag !== "")
    .slice(0, 20);
}

/** Seconds, or a number with `ms` or `s`. */
function timeout(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(String(value).trim());
  if (!match)
    throw new GatewayError("invalid_request", "x-headgate-timeout: must be a duration such as 30s or 500ms.", {
      field: "x-headgate-timeout",
    });
  const unit = match[2] === "ms" ? 1 : match[2] === "m" ? 60_000 : 1000;
  return Number(match[1]) * unit;
}
