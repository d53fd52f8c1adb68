/** How many tokens a conversation would cost: by the vendor where it counts, by an estimate elsewhere, which then says so. */

import { isGatewayError } from "../canonical/errors.ts";
import { asString } from "../canonical/json.ts";
import { readBody } from "../doors/read-body.ts";
import type { CountFormat } from "../formats/operation.ts";
import type { Call, RelayReply, Target } from "../stages/call.ts";
import { refuseLoss } from "../stages/loss.ts";
import { askJson, editedBody, jsonHeaders, jsonReply, offeredFormat } from "./exchange.ts";
import type { Found, JsonBody } from "./exchange.ts";
import type { OperationDoor } from "./operation.ts";
import { countRequest } from "./token-count.ts";

export function countTokens(format: CountFormat): OperationDoor {
  return {
    format: format.name,
    client: format.client,
    async read(request, { limits, rest }) {
      const asked = await readBody(request, limits);
      const model = rest === "" ? (asString(asked.body["model"]) ?? "") : rest;
      // Checked whoever counts; it is small against the reading of the body.
      const wanted = format.client.decodeRequest(asked.body, { headers: request.headers, ...(rest !== "" && { model: rest }) });
      const kept: Record<string, string> = {};
      for (const name of format.requestHeaders) {
        const value = request.headers.get(name);
        if (value !== null) kept[name] = value;
      }
      return {
        model,
        stream: false,
        body: asked.body,
        operation: {
          name: "count-tokens",
          async dispatch(call) {
            const target = call.target as Target;
            const found = offeredFormat(target, [format]);
            if (found) {
              const exact = await askVendor(call, target, found, asked, kept);
              if (exact) return exact;
            }
            call.warnings.push({
              field: "input_tokens",
              action: "approximated",
              reason: `counted by the gateway's own estimate, since ${target.provider.name} does not count`,
            });
            refuseLoss(call);
            const text = JSON.stringify(format.client.encodeReply(countRequest(wanted)));
            const heard = { headers: new Headers(), atMs: call.house.clock.monotonic() - call.startedMono };
            return jsonReply(target, format, heard, { body: text, verbatim: false, outcome: {} });
          },
        },
      };
    },
  };
}

/** Undefined: there is no such door at that address, as at most that imitate the format. */
async function askVendor(
  call: Call,
  target: Target,
  { format, offer }: Found<CountFormat>,
  asked: JsonBody,
  kept: Record<string, string>,
): Promise<RelayReply | undefined> {
  try {
    const headers = { ...jsonHeaders(), ...format.headers, ...kept };
    const heard = await askJson(
      call,
      target,
      offer,
      format,
      format.path(target.model),
      headers,
      editedBody(asked, { ...target, set: undefined }, format.edits(target.model, asked.body)),
    );
    return jsonReply(target, format, heard, { body: heard.text, verbatim: true, outcome: {} });
  } catch (thrown) {
    const status = isGatewayError(thrown) ? thrown.upstream?.status : undefined;
    if (status === 404 || status === 405 || status === 501) return undefined;
    throw thrown;
  }
}
