/** Ranking documents by how well they answer a question: one shape for clients, translated for each vendor. */

import type { RerankReply, RerankRequest } from "../canonical/rerank.ts";
import { readBody } from "../doors/read-body.ts";
import type { ClientTranslation, RerankFormat } from "../formats/operation.ts";
import type { Target } from "../stages/call.ts";
import { refuseLoss } from "../stages/loss.ts";
import { askJson, jsonHeaders, jsonReply, needOffer } from "./exchange.ts";
import type { OperationDoor } from "./operation.ts";

export function rerank(own: ClientTranslation<RerankRequest, RerankReply>, others: readonly RerankFormat[]): OperationDoor {
  const formats: readonly RerankFormat[] = [own, ...others];
  return {
    format: own.name,
    client: own.client,
    async read(request, { limits }) {
      const { body } = await readBody(request, limits);
      const wanted = own.client.decodeRequest(body);
      return {
        model: wanted.model,
        stream: false,
        body,
        operation: {
          name: "rerank",
          async dispatch(call) {
            const target = call.target as Target;
            const { format, offer } = needOffer(target, formats, "rerank");
            const asked = { ...wanted, model: target.model };
            const sent = JSON.stringify({
              ...format.encodeRequest(asked, { warn: (warning) => void call.warnings.push(warning) }),
              ...target.set,
            });
            refuseLoss(call);
            const heard = await askJson(call, target, offer, format, format.path(target.model), jsonHeaders(), sent);
            const reply = format.decodeReply(heard.body, asked);
            // Who is told how many are wanted may still send all.
            if (wanted.top !== undefined) reply.results = reply.results.slice(0, wanted.top);
            const text = JSON.stringify(own.client.encodeReply(reply, { callId: call.id, model: call.model, request: wanted }));
            return jsonReply(target, format, heard, {
              body: text,
              verbatim: false,
              outcome: { usage: reply.usage, servedModel: reply.model },
            });
          },
        },
      };
    },
  };
}
