/** Documents in the order in which they answer a question: what is asked, and what comes back. */

import { GatewayError } from "./errors.ts";
import { asString, isObject } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { asCount } from "./usage.ts";
import type { Usage } from "./usage.ts";

export interface RerankRequest {
  model: string;
  query: string;
  /** The text of each; `originals` holds what the client sent in its place. */
  documents: string[];
  originals: (string | JsonObject)[];
  /** The best so many; absent: all. */
  top?: number | undefined;
  /** The answer repeats the documents. */
  returnDocuments: boolean;
  maxTokensPerDocument?: number | undefined;
  /** False: a document that is too long is an error. */
  truncate?: boolean | undefined;
  /** Fields of the client's format that have no word here. */
  extra?: JsonObject | undefined;
}

export interface RerankReply {
  id?: string | undefined;
  /** Best first. */
  results: { index: number; score: number }[];
  model?: string | undefined;
  usage?: Usage | undefined;
  /** Cohere's unit of billing. */
  searchUnits?: number | undefined;
}

/** The list of places and scores that all vendors send, wherever they put it. */
export function readRanking(body: JsonObject, list: Json | undefined, request: RerankRequest, format: string): RerankReply {
  if (!Array.isArray(list)) throw new GatewayError("provider_bad_response", `The provider answered with something that is not ${format}.`);
  const results = list.map((one) => {
    const index = isObject(one) ? asCount(one["index"]) : undefined;
    const score = isObject(one) ? one["relevance_score"] : undefined;
    if (index === undefined || index >= request.documents.length || typeof score !== "number") {
      throw new GatewayError("provider_bad_response", "The provider's ranking names a document that was not sent.");
    }
    return { index, score };
  });
  const { usage, meta } = body;
  const input = isObject(usage) ? (asCount(usage["total_tokens"]) ?? asCount(usage["prompt_tokens"])) : undefined;
  const billed = isObject(meta) ? meta["billed_units"] : undefined;
  return {
    id: asString(body["id"]),
    results,
    model: asString(body["model"]),
    usage: input === undefined ? undefined : { input, output: 0, raw: usage, rawFormat: format },
    searchUnits: isObject(billed) ? asCount(billed["search_units"]) : undefined,
  };
}
