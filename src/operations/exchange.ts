/** What all operations do to get an answer: find the way in which a provider offers them, ask, read. */

import { GatewayError, unsupportedField } from "../canonical/errors.ts";
import { isObject, parseJson } from "../canonical/json.ts";
import type { Json, JsonObject } from "../canonical/json.ts";
import type { OperationFormat } from "../formats/operation.ts";
import type { Call, Offer, RelayReply, Target } from "../stages/call.ts";
import { Exchange, readError } from "../stages/exchange.ts";
import type { ErrorReader } from "../stages/exchange.ts";
import { editFields } from "../upstream/json-text.ts";
import type { Outline } from "../upstream/json-text.ts";
import { readText } from "../upstream/send.ts";

/** A JSON body as it came. */
export interface JsonBody {
  text: string;
  outline: Outline | undefined;
  body: JsonObject;
}

export interface Found<Format> {
  format: Format;
  offer: Offer;
}

/** The first of these formats that the target's provider offers; another target may offer one where this does not. */
export function offeredFormat<Format extends OperationFormat>(target: Target, formats: readonly Format[]): Found<Format> | undefined {
  for (const format of formats) {
    const offer = target.provider.offers.find((one) => one.format === format.name);
    if (offer) return { format, offer };
  }
  return undefined;
}

export function needOffer<Format extends OperationFormat>(target: Target, formats: readonly Format[], operation: string): Found<Format> {
  const found = offeredFormat(target, formats);
  if (!found) throw unsupportedField("model", `the provider "${target.provider.name}" does not offer ${operation}.`);
  return found;
}

/** The client's own bytes, with these fields changed, and without what was meant for the gateway. */
export function editedBody(asked: JsonBody, target: Target, edits: Record<string, Json | undefined>): string {
  const all: Record<string, Json | undefined> = { ...edits, ...target.set };
  if (asked.body["headgate"] !== undefined) all["headgate"] = undefined;
  return (asked.outline && editFields(asked.text, asked.outline, all)) ?? JSON.stringify({ ...asked.body, ...all });
}

export function jsonHeaders(accept = "application/json"): Record<string, string> {
  return { "content-type": "application/json", accept, "accept-encoding": "identity", "user-agent": "headgate" };
}

export interface Heard {
  text: string;
  body: JsonObject;
  headers: Headers;
  /** Milliseconds from the call's start. */
  atMs: number;
}

/** One question in JSON, and its whole answer. */
export async function askJson(
  call: Call,
  target: Target,
  at: Offer,
  face: ErrorReader,
  path: string,
  headers: Record<string, string>,
  body: string,
): Promise<Heard> {
  const exchange = new Exchange(call, target);
  try {
    const response = await exchange.send("POST", at.baseUrl + path, Object.assign(headers, target.provider.headers), body, at);
    if (!response.ok) throw await readError(response, face, exchange, call.key?.secret?.reveal());
    const text = await readText(response, call.house.maxReplyBytes, exchange.signal, target.provider.name);
    const now = exchange.complete();
    const parsed = parseJson(text);
    if (!isObject(parsed))
      throw new GatewayError("provider_bad_response", `${target.provider.name} answered with something that is not a JSON object.`, {
        upstream: { status: 200 },
      });
    return { text, body: parsed, headers: response.headers, atMs: now - call.startedMono };
  } catch (thrown) {
    exchange.failed();
    throw thrown;
  }
}

/** An answer in JSON that is here in whole. */
export function jsonReply(
  target: Target,
  format: OperationFormat,
  heard: Pick<Heard, "headers" | "atMs">,
  more: Pick<RelayReply, "body" | "verbatim" | "outcome">,
): RelayReply {
  return {
    kind: "relay",
    status: 200,
    contentType: "application/json",
    headers: heard.headers,
    passes: format.replyHeaders,
    format: format.name,
    target,
    firstByteMs: heard.atMs,
    settle: () => {},
    ...more,
  };
}
