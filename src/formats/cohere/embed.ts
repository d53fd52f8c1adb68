/** Cohere's `POST /v2/embed`, as a vendor's. */

import type { EmbedReply, EmbedRequest } from "../../canonical/embed.ts";
import { GatewayError, unsupportedField } from "../../canonical/errors.ts";
import { asString, isObject } from "../../canonical/json.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { asCount } from "../../canonical/usage.ts";
import type { EmbedFormat } from "../operation.ts";
import { decodeError } from "./chat/errors.ts";

const name = "cohere/embed";

const purposes: ReadonlyMap<string, string> = new Map([
  ["document", "search_document"],
  ["query", "search_query"],
  ["similarity", "clustering"],
]);

export const embed = {
  name,
  path: () => "/v2/embed",
  // The vendor's own bound.
  maxInputs: 96,
  decodeError,
  replyHeaders: ["x-debug-trace-id", "x-trial-endpoint-call-"],
  encodeRequest(request: EmbedRequest, { warn }): JsonObject {
    const { model, inputs, dimensions, purpose, endUser, extra = {} } = request;
    const texts = inputs.map((text) => {
      if (typeof text !== "string") throw unsupportedField("input", `${name} takes text, not tokens of another model's vocabulary.`);
      return text;
    });
    if (endUser !== undefined) warn({ field: "user", action: "dropped", reason: `${name} has no such field` });
    const known = ["truncate", "max_tokens"];
    for (const field of Object.keys(extra))
      if (!known.includes(field)) warn({ field, action: "dropped", reason: `${name} has no such field` });
    // The vendor insists on a purpose and has no neutral one.
    if (purpose === undefined)
      warn({ field: "input_type", action: "approximated", reason: `${name} needs a purpose; search_document was taken` });
    const said = purpose?.toLowerCase() ?? "search_document";
    const own: JsonObject = {};
    for (const field of known) if (extra[field] !== undefined) own[field] = extra[field];
    return {
      ...own,
      model,
      texts,
      input_type: purposes.get(said) ?? said,
      embedding_types: ["float"],
      ...(dimensions !== undefined && { output_dimension: dimensions }),
    };
  },
  decodeReply(body: JsonObject): EmbedReply {
    const { embeddings, meta } = body;
    const vectors = isObject(embeddings) ? embeddings["float"] : embeddings;
    if (!Array.isArray(vectors) || !vectors.every((one) => Array.isArray(one) && one.every((value) => typeof value === "number"))) {
      throw new GatewayError("provider_bad_response", `The provider answered with something that is not ${name}.`);
    }
    const billed = isObject(meta) && isObject(meta["billed_units"]) ? meta["billed_units"] : undefined;
    const input = billed && asCount(billed["input_tokens"]);
    return {
      vectors: vectors,
      model: asString(body["model"]),
      usage: input === undefined ? undefined : { input, output: 0, raw: billed, rawFormat: name },
    };
  },
} satisfies EmbedFormat;
