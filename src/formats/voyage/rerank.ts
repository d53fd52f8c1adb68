/** Voyage's `POST /v1/rerank`, as a vendor's. */

import { detailError } from "../../canonical/detail-error.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { readRanking } from "../../canonical/rerank.ts";
import type { RerankFormat } from "../operation.ts";

const name = "voyage/rerank";

export const rerank = {
  name,
  path: () => "/rerank",
  decodeError: detailError,
  replyHeaders: ["x-request-id", "x-ratelimit-"],
  encodeRequest(request, { warn }) {
    const { model, query, documents, top, maxTokensPerDocument, truncate, extra = {} } = request;
    if (maxTokensPerDocument !== undefined) warn({ field: "max_tokens_per_doc", action: "dropped", reason: `${name} has no such field` });
    for (const field of Object.keys(extra)) warn({ field, action: "dropped", reason: `${name} has no such field` });
    return {
      model,
      query,
      documents,
      ...(top !== undefined && { top_k: top }),
      ...(truncate !== undefined && { truncation: truncate }),
    } satisfies JsonObject;
  },
  decodeReply: (body, request) => readRanking(body, body["data"], request, name),
} satisfies RerankFormat;
