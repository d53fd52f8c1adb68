/** Sends the call to its target and brings the reply to the point where it may be shown: complete, or with a first event that is not an error. */

import type { ChatEvent } from "../canonical/chat.ts";
import { GatewayError, unsupportedField } from "../canonical/errors.ts";
import { isObject, parseJson } from "../canonical/json.ts";
import type { Json } from "../canonical/json.ts";
import type { Reading } from "../formats/codec.ts";
import { frameReader } from "../upstream/framing/framing.ts";
import { editFields } from "../upstream/json-text.ts";
import { readText } from "../upstream/send.ts";
import type { ChatCall, Operation, Reply, SpokenFormat, Stage, StreamReply, Target, WholeReply } from "./call.ts";
import { Exchange, MAX_ERROR_BYTES, readChunk, readError, streamSource } from "./exchange.ts";
import { refuseLoss } from "./loss.ts";

/** The last stage: what a call asks for knows best how to get it. */
export const dispatch: Stage = (call) => call.operation.dispatch(call);

export const chat: Operation = { name: "chat", dispatch: dispatchChat };

async function dispatchChat(call: ChatCall): Promise<Reply> {
  const target = call.target as Target;
  const spoken = target.speaks.find((one) => one.codec === call.codec) ?? target.speaks[0];
  if (!spoken) throw unsupportedField("model", `${target.provider.name} does not offer chat.`);
  const verbatim = spoken.codec === call.codec;
  const body = verbatim ? verbatimBody(call, target, spoken) : translatedBody(call, target, spoken);
  const exchange = new Exchange(call, target);
  try {
    const response = await sendChat(exchange, call, target, spoken, body, verbatim);
    if (!response.ok) throw await readError(response, spoken.codec.provider, exchange, call.key?.secret?.reveal());
    const type = response.headers.get("content-type") ?? "";
    if (call.stream && !type.startsWith("application/json")) {
      return await beginStream(call, target, spoken, verbatim, response, exchange);
    }
    return await readWhole(call, target, spoken, verbatim, response, exchange);
  } catch (thrown) {
    exchange.failed();
    throw thrown;
  }
}

// ── the way out ──────────────────────────────────────────────────────────────────────────────────────────────

/** Same format on both sides: the client's own bytes, save for the fields that must change. */
function verbatimBody(call: ChatCall, target: Target, spoken: SpokenFormat): string {
  const edits: Record<string, Json | undefined> = call.codec.verbatim.edits(call.body, {
    model: target.model,
    quirks: spoken.quirks,
    origin: target.name,
    warn: (warning) => call.warnings.push(warning),
  });
  refuseLoss(call);
  Object.assign(edits, spoken.body, target.set);
  const edited = call.outline && editFields(call.text, call.outline, edits);
  return edited ?? JSON.stringify({ ...call.body, ...edits });
}

function translatedBody(call: ChatCall, target: Target, spoken: SpokenFormat): string {
  const request = { ...call.request(), model: target.model };
  const body = spoken.codec.provider.encodeRequest(request, {
    capabilities: target.capabilities,
    quirks: spoken.quirks,
    origin: target.name,
    warn: (warning) => call.warnings.push(warning),
  });
  refuseLoss(call);
  // A field that is undefined is left out of the text.
  return JSON.stringify(Object.assign(body, spoken.body, target.set));
}

/** Resolves when the response's headers are here. */
function sendChat(
  exchange: Exchange,
  call: ChatCall,
  target: Target,
  spoken: SpokenFormat,
  body: string,
  verbatim: boolean,
): Promise<Response> {
  const { provider, model } = target;
  const headers: Record<string, string> = {
    "content-type": "application/json",
    accept: call.stream ? "text/event-stream" : "application/json",
    // Compressed answers cost more CPU than they save on the way from a provider, and a cut gzip stream reads as complete.
    "accept-encoding": "identity",
    "user-agent": "headgate",
  };
  Object.assign(headers, spoken.codec.provider.headers(verbatim ? undefined : call.request()));
  if (verbatim) {
    for (const name of call.codec.verbatim.requestHeaders) {
      const value = call.door.headers.get(name);
      if (value !== null) headers[name] = value;
    }
  }
  Object.assign(headers, provider.headers);
  const url = spoken.baseUrl + (spoken.path ?? spoken.codec.provider.path)(model, call.stream);
  return exchange.send("POST", url, headers, body, spoken);
}

// ── the way back ─────────────────────────────────────────────────────────────────────────────────────────────

async function readWhole(
  call: ChatCall,
  target: Target,
  spoken: SpokenFormat,
  verbatim: boolean,
  response: Response,
  exchange: Exchange,
): Promise<WholeReply> {
  const text = await readText(response, call.house.maxReplyBytes, exchange.signal, target.provider.name);
  const now = exchange.complete();
  const body = parseJson(text);
  if (!isObject(body)) throw notTheFormat(target, spoken);
  // A stream was asked for and a whole answer came: it has to be told as a stream.
  const asItIs = verbatim && !call.stream;
  const events = asItIs ? [] : spoken.codec.provider.decodeReply(body, spoken.quirks, text);
  const reading = asItIs ? call.codec.verbatim.readReply(body) : readEvents(events);
  if (reading.error) throw reading.error;
  return {
    kind: "whole",
    headers: response.headers,
    format: spoken.codec.name,
    spoken,
    verbatim: asItIs,
    target,
    firstByteMs: now - call.startedMono,
    text,
    outcome: { usage: reading.usage, finish: reading.finish, servedModel: reading.model },
    events,
    settle: () => {},
  };
}

function readEvents(events: readonly ChatEvent[]): Reading {
  const reading: Reading = {};
  for (const event of events) {
    if (event.type === "start") reading.model ??= event.model;
    else if (event.type === "usage") reading.usage = event.usage;
    else if (event.type === "finish") reading.finish ??= event.finish;
    else if (event.type === "error") reading.error = event.error;
  }
  return reading;
}

const opening: ReadonlySet<ChatEvent["type"]> = new Set(["start", "usage", "extra", "ping"] as const);

/** Reads as far as the first event, so that an error inside a 200 can still go to another target. */
async function beginStream(
  call: ChatCall,
  target: Target,
  spoken: SpokenFormat,
  verbatim: boolean,
  response: Response,
  exchange: Exchange,
): Promise<Reply> {
  if (!response.body) throw notTheFormat(target, spoken);
  const reader = response.body.getReader();
  const peek = frameReader(spoken.codec.framing);
  const decoder = spoken.codec.provider.decodeEvents(spoken.quirks);
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  for (;;) {
    const chunk = await readChunk(reader, exchange, target);
    const frames = chunk ? peek.push(chunk) : peek.end();
    if (chunk) {
      held.push(chunk);
      heldBytes += chunk.byteLength;
    }
    let sawEvent = false;
    for (const frame of frames) {
      for (const event of decoder.push(frame)) {
        if (event.type === "error") throw event.error;
        // An opening alone commits to nothing: vendors that are overloaded say so right behind it.
        if (!opening.has(event.type)) sawEvent = true;
      }
    }
    if (sawEvent) break;
    if (!chunk) {
      const ending = decoder.end().find((event) => event.type === "error");
      if (ending?.type === "error" && heldBytes > 0 && frames.length > 0) throw ending.error;
      throw notTheFormat(target, spoken);
    }
    if (heldBytes > MAX_ERROR_BYTES) throw notTheFormat(target, spoken);
  }
  exchange.begun();
  return {
    kind: "stream",
    headers: response.headers,
    format: spoken.codec.name,
    spoken,
    verbatim,
    target,
    firstByteMs: call.house.clock.monotonic() - call.startedMono,
    source: streamSource(held, reader, exchange, target),
    settle: () => {},
  } satisfies StreamReply;
}

function notTheFormat(target: Target, spoken: SpokenFormat): GatewayError {
  return new GatewayError("provider_bad_response", `${target.provider.name} answered with something that is not ${spoken.codec.name}.`, {
    upstream: { status: 200 },
  });
}
