/** Cohere's `POST /v2/rerank`: as clients ask it (with the words of Jina and Voyage understood too), and as a vendor's. */

import { invalidField } from "../../canonical/errors.ts";
import type { GatewayError } from "../../canonical/errors.ts";
import { asString, isObject } from "../../canonical/json.ts";
import type { Json, JsonObject } from "../../canonical/json.ts";
import { readRanking } from "../../canonical/rerank.ts";
import type { RerankReply, RerankRequest } from "../../canonical/rerank.ts";
import { asCount } from "../../canonical/usage.ts";
import type { ClientTranslation } from "../operation.ts";
import { decodeError } from "./chat/errors.ts";

const name = "cohere/rerank";

export const rerank = {
  name,
  path: () => "/v2/rerank",
  decodeError,
  replyHeaders: ["x-debug-trace-id", "x-trial-endpoint-call-"],
  encodeRequest(request, { warn }) {
    const { model, query, documents, top, maxTokensPerDocument, truncate, extra = {} } = request;
    if (truncate === false) warn({ field: "truncation", action: "dropped", reason: `${name} always shortens what is too long` });
    const body: JsonObject = {
      model,
      query,
      documents,
      ...(top !== undefined && { top_n: top }),
      ...(maxTokensPerDocument !== undefined && { max_tokens_per_doc: maxTokensPerDocument }),
    };
    for (const [field, value] of Object.entries(extra)) {
      if (field === "priority") body[field] = value;
      else warn({ field, action: "dropped", reason: `${name} has no such field` });
    }
    return body;
  },
  decodeReply: (body, request) => readRanking(body, body["results"], request, name),
  client: { decodeRequest, encodeReply, encodeError },
} satisfies ClientTranslation<RerankRequest, RerankReply>;

function decodeRequest(body: JsonObject): RerankRequest {
  const {
    model,
    query,
    documents,
    top_n: topN,
    top_k: topK,
    return_documents: returned,
    max_tokens_per_doc: perDocument,
    truncation,
    rank_fields: rankFields,
    ...extra
  } = body;
  if (typeof model !== "string" || model === "") throw invalidField("model", "must be a string.");
  if (typeof query !== "string" || query === "") throw invalidField("query", "must be a string, and not empty.");
  if (!Array.isArray(documents) || documents.length === 0)
    throw invalidField("documents", "must be a list of strings or objects, and not empty.");
  if (returned !== undefined && returned !== null && typeof returned !== "boolean")
    throw invalidField("return_documents", "must be true or false.");
  if (truncation !== undefined && truncation !== null && typeof truncation !== "boolean")
    throw invalidField("truncation", "must be true or false.");
  if (rankFields !== undefined && rankFields !== null && !(Array.isArray(rankFields) && rankFields.every((one) => typeof one === "string")))
    throw invalidField("rank_fields", "must be a list of strings.");
  const fields = Array.isArray(rankFields) ? rankFields : undefined;
  delete extra["headgate"];
  return {
    model,
    query,
    documents: documents.map((one, index) => textOf(one, index, fields)),
    originals: documents as (string | JsonObject)[],
    top: positive(topN, "top_n") ?? positive(topK, "top_k"),
    returnDocuments: returned === true,
    maxTokensPerDocument: positive(perDocument, "max_tokens_per_doc"),
    ...(typeof truncation === "boolean" && { truncate: truncation }),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

function positive(value: Json | undefined, field: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const count = asCount(value);
  if (!count) throw invalidField(field, "must be a positive integer.");
  return count;
}

/** An object is its `text`, or its fields a line each, as the vendor's guide writes them out by hand since version 2. */
function textOf(document: Json, index: number, fields: readonly string[] | undefined): string {
  if (typeof document === "string") return document;
  if (!isObject(document)) throw invalidField(`documents[${index}]`, "must be a string or an object.");
  const text = asString(document["text"]);
  if (text !== undefined && !fields) return text;
  const lines = (fields ?? Object.keys(document)).flatMap((field) => {
    const value = document[field];
    return value === undefined ? [] : [`${field}: ${typeof value === "string" ? value : JSON.stringify(value)}`];
  });
  if (lines.length === 0) throw invalidField(`documents[${index}]`, "has no text.");
  return lines.join("\n");
}

/** Cohere's shape, with Jina's `model` and `usage` beside it: each client reads what it knows. */
function encodeReply(
  reply: RerankReply,
  { callId, model, request }: { callId: string; model: string; request: RerankRequest },
): JsonObject {
  const { usage, searchUnits } = reply;
  const billed = searchUnits !== undefined ? { search_units: searchUnits } : usage && { input_tokens: usage.input };
  return {
    id: reply.id ?? callId,
    object: "list",
    model: reply.model ?? model,
    results: reply.results.map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(request.returnDocuments && { document: documentOf(request.originals[index]) }),
    })),
    ...(usage && { usage: { total_tokens: usage.input } }),
    meta: { api_version: { version: "2" }, ...(billed && { billed_units: billed }) },
  };
}

function documentOf(original: string | JsonObject | undefined): JsonObject {
  return isObject(original) ? original : { text: original ?? "" };
}

/** `{"id", "message"}` is all that Cohere says; the code is for people. */
function encodeError(error: GatewayError, callId: string): JsonObject {
  return { id: callId, message: error.message, code: error.code, ...(error.field !== undefined && { param: error.field }) };
}
