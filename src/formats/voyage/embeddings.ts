/** Voyage's `POST /v1/embeddings`: OpenAI's shape with words of its own. */

import { detailError } from "../../canonical/detail-error.ts";
import type { EmbedReply, EmbedRequest } from "../../canonical/embed.ts";
import { GatewayError, unsupportedField } from "../../canonical/errors.ts";
import { asString, isObject } from "../../canonical/json.ts";
import type { Json, JsonObject } from "../../canonical/json.ts";
import { asCount } from "../../canonical/usage.ts";
import type { EmbedFormat } from "../operation.ts";

const name = "voyage/embeddings";
const own = ["truncation"];
const purposes: ReadonlyMap<string, string> = new Map([
  ["search_document", "document"],
  ["search_query", "query"],
]);

export const embeddings = {
  name,
  path: () => "/embeddings",
  // The vendor's own bound.
  maxInputs: 1000,
  decodeError: detailError,
  replyHeaders: ["x-request-id", "x-ratelimit-"],
  encodeRequest(request: EmbedRequest, { warn }): JsonObject {
    const { model, inputs, dimensions, purpose, endUser, extra = {} } = request;
    if (inputs.some((text) => typeof text !== "string"))
      throw unsupportedField("input", `${name} takes text, not tokens of another model's vocabulary.`);
    if (endUser !== undefined) warn({ field: "user", action: "dropped", reason: `${name} has no such field` });
    const body: JsonObject = {
      model,
      input: inputs,
      ...(dimensions !== undefined && { output_dimension: dimensions }),
      ...(purpose !== undefined && { input_type: purposes.get(purpose) ?? purpose }),
    };
    for (const [field, value] of Object.entries(extra)) {
      if (own.includes(field)) body[field] = value;
      else warn({ field, action: "dropped", reason: `${name} has no such field` });
    }
    return body;
  },
  decodeReply(body: JsonObject): EmbedReply {
    const { data, usage } = body;
    const vectors: number[][] = [];
    for (const [at, one] of (Array.isArray(data) ? data : []).entries()) {
      const vector = isObject(one) ? one["embedding"] : undefined;
      if (Array.isArray(vector) && vector.every((value: Json) => typeof value === "number"))
        vectors[asCount((one as JsonObject)["index"]) ?? at] = vector;
    }
    if (!Array.isArray(data) || vectors.length !== data.length || vectors.includes(undefined as never)) {
      throw new GatewayError("provider_bad_response", `The provider answered with something that is not ${name}.`);
    }
    const input = isObject(usage) ? asCount(usage["total_tokens"]) : undefined;
    return {
      vectors,
      model: asString(body["model"]),
      usage: input === undefined ? undefined : { input, output: 0, raw: usage, rawFormat: name },
    };
  },
} satisfies EmbedFormat;
