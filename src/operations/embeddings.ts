/** Embeddings: asked in OpenAI's format; passed on to those who speak it, translated for the others, in turns where a vendor takes only so many at once. */

import type { EmbedReply, EmbedRequest } from "../canonical/embed.ts";
import { GatewayError } from "../canonical/errors.ts";
import { asString } from "../canonical/json.ts";
import type { Usage } from "../canonical/usage.ts";
import { readBody } from "../doors/read-body.ts";
import type { EmbedClient, EmbedFormat } from "../formats/operation.ts";
import type { Call, RelayReply, Target } from "../stages/call.ts";
import { refuseLoss } from "../stages/loss.ts";
import { askJson, editedBody, jsonHeaders, jsonReply, needOffer } from "./exchange.ts";
import type { Found, Heard, JsonBody } from "./exchange.ts";
import type { OperationDoor } from "./operation.ts";
import { countText } from "./token-count.ts";

/** `others`: what vendors speak, best first. */
export function embeddings(own: EmbedClient, others: readonly EmbedFormat[]): OperationDoor {
  const formats: readonly EmbedFormat[] = [own, ...others];
  return {
    format: own.name,
    client: own.client,
    async read(request, { limits }) {
      const asked = await readBody(request, limits);
      const wanted = own.client.decodeRequest(asked.body);
      return {
        model: wanted.model,
        stream: false,
        body: asked.body,
        operation: {
          name: "embeddings",
          dispatch(call) {
            const target = call.target as Target;
            const found = needOffer(target, formats, "embeddings");
            return found.format === own ? passOn(call, target, own, found, asked, wanted) : translate(call, target, own, found, wanted);
          },
        },
      };
    },
  };
}

async function passOn(
  call: Call,
  target: Target,
  own: EmbedClient,
  { offer }: Found<EmbedFormat>,
  asked: JsonBody,
  wanted: EmbedRequest,
): Promise<RelayReply> {
  const heard = await askJson(
    call,
    target,
    offer,
    own,
    own.path(target.model),
    jsonHeaders(),
    editedBody(asked, target, { model: target.model }),
  );
  const { body } = heard;
  if (!Array.isArray(body["data"]))
    throw new GatewayError("provider_bad_response", `${target.provider.name} answered with something that is not ${own.name}.`, {
      upstream: { status: 200 },
    });
  const rewritten = own.inAskedEncoding(body, wanted.encoding);
  return jsonReply(target, own, heard, {
    body: rewritten ? JSON.stringify(rewritten) : heard.text,
    verbatim: rewritten === undefined,
    outcome: { usage: own.readUsage(body) ?? estimate(wanted), servedModel: asString(body["model"]) },
  });
}

async function translate(
  call: Call,
  target: Target,
  own: EmbedClient,
  { format, offer }: Found<EmbedFormat>,
  wanted: EmbedRequest,
): Promise<RelayReply> {
  const turns = inTurns({ ...wanted, model: target.model }, format.maxInputs).map((turn, index) => {
    // Every turn would say the same.
    const warn = index === 0 ? (warning: Call["warnings"][number]) => void call.warnings.push(warning) : () => {};
    return { turn, body: JSON.stringify({ ...format.encodeRequest(turn, { warn }), ...target.set }) };
  });
  refuseLoss(call);
  let heard: Heard | undefined;
  const replies: EmbedReply[] = [];
  for (const { turn, body } of turns) {
    heard = await askJson(call, target, offer, format, format.path(target.model), jsonHeaders(), body);
    const reply = format.decodeReply(heard.body, turn);
    if (reply.vectors.length !== turn.inputs.length)
      throw new GatewayError(
        "provider_bad_response",
        `${target.provider.name} sent ${reply.vectors.length} embeddings for ${turn.inputs.length} inputs.`,
        { upstream: { status: 200 } },
      );
    replies.push(reply);
  }
  const usage = sumOf(replies) ?? estimate(wanted);
  const reply: EmbedReply = { vectors: replies.flatMap((one) => one.vectors), model: replies[0]?.model, usage };
  const text = JSON.stringify(own.client.encodeReply(reply, { callId: call.id, model: call.model, request: wanted }));
  return jsonReply(target, format, heard as Heard, { body: text, verbatim: false, outcome: { usage, servedModel: reply.model } });
}

function inTurns(request: EmbedRequest, most = Number.POSITIVE_INFINITY): EmbedRequest[] {
  const { inputs } = request;
  if (inputs.length <= most) return [request];
  const turns: EmbedRequest[] = [];
  for (let at = 0; at < inputs.length; at += most) turns.push({ ...request, inputs: inputs.slice(at, at + most) });
  return turns;
}

/** Undefined unless the vendor counted all of them. */
function sumOf(replies: readonly EmbedReply[]): Usage | undefined {
  const [first] = replies;
  if (replies.length === 1) return first?.usage;
  let input = 0;
  for (const { usage } of replies) {
    if (!usage) return undefined;
    input += usage.input;
  }
  return { input, output: 0 };
}

function estimate({ inputs }: EmbedRequest): Usage {
  let input = 0;
  for (const one of inputs) input += typeof one === "string" ? countText(one) : one.length;
  return { input, output: 0, estimated: true };
}
