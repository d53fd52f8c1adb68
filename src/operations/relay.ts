/** Operations that are passed on as they are (images, speech, transcriptions, moderations): with the provider's key, and the model's name as the provider knows it. */

import { GatewayError } from "../canonical/errors.ts";
import { asString, isObject, parseJson } from "../canonical/json.ts";
import type { JsonObject } from "../canonical/json.ts";
import { readBody, readUpload } from "../doors/read-body.ts";
import type { BodyLimits } from "../doors/read-body.ts";
import type { RelayFormat } from "../formats/operation.ts";
import type { Call, Outcome, RelayReply, Target } from "../stages/call.ts";
import { Exchange, readError } from "../stages/exchange.ts";
import { editForm, formFields, readForm } from "../upstream/multipart.ts";
import { readText } from "../upstream/send.ts";
import { editedBody, jsonHeaders, needOffer } from "./exchange.ts";
import { beginFlow, hearUsage, sinceStart } from "./flow.ts";
import type { OperationDoor } from "./operation.ts";

export interface RelayOptions {
  /** Appended to the provider's base URL. */
  path: string;
  takes: readonly ("json" | "form")[];
  /** The answer is sound or an image, and not text: it flows whether asked to or not. */
  flows?: boolean;
  /** For a body that names no model, as the vendor's own SDK allows. */
  model?: string;
}

/** A body that has been read, and how it is written for a target. */
interface Sendable {
  fields: JsonObject;
  contentType: string;
  write(target: Target, model: string): string | Uint8Array<ArrayBuffer>;
}

export function relay(format: RelayFormat, options: RelayOptions): OperationDoor {
  return {
    format: format.name,
    client: format.client,
    async read(request, { limits }) {
      const asked = await readEither(request, limits, options.takes);
      const { fields } = asked;
      format.check(fields);
      const model = fields["model"] ?? options.model;
      if (typeof model !== "string" || model === "")
        throw new GatewayError("invalid_request", "model: must be a string, and not empty.", { field: "model" });
      const stream = options.flows === true || fields["stream"] === true || fields["stream"] === "true";
      return {
        model,
        stream,
        body: fields,
        operation: { name: format.operation, dispatch: (call) => pass(call, call.target as Target, format, options.path, asked) },
      };
    },
  };
}

async function readEither(request: Request, limits: BodyLimits, takes: RelayOptions["takes"]): Promise<Sendable> {
  const type = request.headers.get("content-type") ?? "";
  if (takes.includes("form") && /^multipart\/form-data[ \t]*(?:;|$)/i.test(type)) {
    const form = readForm(await readUpload(request, limits), type);
    return { fields: formFields(form, ["model", "stream"]), contentType: type, write: (_target, model) => editForm(form, "model", model) };
  }
  if (!takes.includes("json")) {
    throw new GatewayError("unsupported_media_type", `The content type ${JSON.stringify(type.slice(0, 80))} is not multipart/form-data.`);
  }
  const asked = await readBody(request, limits);
  return { fields: asked.body, contentType: "application/json", write: (target, model) => editedBody(asked, target, { model }) };
}

async function pass(call: Call, target: Target, format: RelayFormat, path: string, asked: Sendable): Promise<RelayReply> {
  const { offer } = needOffer(target, [format], format.operation);
  const exchange = new Exchange(call, target);
  try {
    const headers = {
      ...jsonHeaders(call.stream ? "*/*" : "application/json, text/*;q=0.9, */*;q=0.8"),
      "content-type": asked.contentType,
      ...target.provider.headers,
    };
    const response = await exchange.send("POST", offer.baseUrl + path, headers, asked.write(target, target.model), offer);
    if (!response.ok) throw await readError(response, format, exchange, call.key?.secret?.reveal());
    const contentType = response.headers.get("content-type") ?? "application/octet-stream";
    const outcome: Outcome = {};
    const reply = {
      kind: "relay",
      status: 200,
      contentType,
      headers: response.headers,
      passes: format.replyHeaders,
      format: format.name,
      verbatim: true,
      target,
      outcome,
      settle: () => {},
    } as const;
    if (/^(?:application\/json|text\/)/i.test(contentType) && !/^text\/event-stream/i.test(contentType)) {
      const text = await readText(response, call.house.maxReplyBytes, exchange.signal, target.provider.name);
      exchange.complete();
      note(outcome, text, contentType, format, target);
      return { ...reply, body: text, firstByteMs: sinceStart(call) };
    }
    const body = await beginFlow(response, exchange, target);
    const hear = /^text\/event-stream/i.test(contentType) ? hearUsage(outcome, (event) => format.readUsage(event)) : undefined;
    return { ...reply, body, firstByteMs: sinceStart(call), hear };
  } catch (thrown) {
    exchange.failed();
    throw thrown;
  }
}

function note(outcome: Outcome, text: string, contentType: string, format: RelayFormat, target: Target): void {
  if (!contentType.startsWith("application/json")) return;
  const body = parseJson(text);
  if (!isObject(body))
    throw new GatewayError("provider_bad_response", `${target.provider.name} answered with something that is not ${format.name}.`, {
      upstream: { status: 200 },
    });
  outcome.usage = format.readUsage(body);
  outcome.servedModel = asString(body["model"]);
}
