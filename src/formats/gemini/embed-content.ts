/** Gemini's `batchEmbedContents`, as a vendor's. */

import type { EmbedReply, EmbedRequest } from "../../canonical/embed.ts";
import { GatewayError, unsupportedField } from "../../canonical/errors.ts";
import { isObject } from "../../canonical/json.ts";
import type { Json, JsonObject } from "../../canonical/json.ts";
import { asCount } from "../../canonical/usage.ts";
import type { EmbedFormat } from "../operation.ts";
import { decodeError } from "./generate-content/errors.ts";

const name = "gemini/embed-content";

/** What other vendors call the purpose of a vector. */
const taskTypes: ReadonlyMap<string, string> = new Map([
  ["document", "RETRIEVAL_DOCUMENT"],
  ["search_document", "RETRIEVAL_DOCUMENT"],
  ["query", "RETRIEVAL_QUERY"],
  ["search_query", "RETRIEVAL_QUERY"],
  ["classification", "CLASSIFICATION"],
  ["clustering", "CLUSTERING"],
  ["similarity", "SEMANTIC_SIMILARITY"],
]);

export const embedContent = {
  name,
  path: (model) => `/v1beta/models/${model}:batchEmbedContents`,
  maxInputs: 100,
  decodeError,
  replyHeaders: ["x-goog-request-id", "x-ratelimit-", "server-timing"],
  encodeRequest(request: EmbedRequest, { warn }): JsonObject {
    const { model, dimensions, purpose, endUser, extra } = request;
    if (endUser !== undefined) warn({ field: "user", action: "dropped", reason: `${name} has no such field` });
    for (const field of Object.keys(extra ?? {})) warn({ field, action: "dropped", reason: `${name} has no such field` });
    const taskType = purpose === undefined ? undefined : (taskTypes.get(purpose.toLowerCase()) ?? purpose.toUpperCase());
    return {
      requests: request.inputs.map((text) => {
        if (typeof text !== "string") throw unsupportedField("input", `${name} takes text, not tokens of another model's vocabulary.`);
        return {
          model: `models/${model}`,
          content: { parts: [{ text }] },
          ...(dimensions !== undefined && { outputDimensionality: dimensions }),
          ...(taskType !== undefined && { taskType }),
        };
      }),
    };
  },
  decodeReply(body: JsonObject): EmbedReply {
    const { embeddings, usageMetadata } = body;
    const vectors = Array.isArray(embeddings) ? embeddings.map(valuesOf) : [];
    if (!Array.isArray(embeddings) || vectors.includes(undefined))
      throw new GatewayError("provider_bad_response", `The provider answered with something that is not ${name}.`);
    const input = isObject(usageMetadata)
      ? (asCount(usageMetadata["promptTokenCount"]) ?? asCount(usageMetadata["totalTokenCount"]))
      : undefined;
    return {
      vectors: vectors as number[][],
      usage: input === undefined ? undefined : { input, output: 0, raw: usageMetadata, rawFormat: name },
    };
  },
} satisfies EmbedFormat;

function valuesOf(embedding: Json): number[] | undefined {
  const values = isObject(embedding) ? embedding["values"] : undefined;
  return Array.isArray(values) && values.every((one) => typeof one === "number") ? values : undefined;
}
