/** Jina's `POST /v1/rerank`, which Together, SiliconFlow, vLLM and others imitate: the words of Cohere at an address like OpenAI's. */

import { detailError } from "../../canonical/detail-error.ts";
import { readRanking } from "../../canonical/rerank.ts";
import type { RerankFormat } from "../operation.ts";

export const rerank = {
  name: "jina/rerank",
  path: () => "/rerank",
  decodeError: detailError,
  replyHeaders: ["x-request-id", "x-ratelimit-"],
  encodeRequest(request, { warn }) {
    const { model, query, documents, top, maxTokensPerDocument, truncate, extra = {} } = request;
    if (maxTokensPerDocument !== undefined)
      warn({ field: "max_tokens_per_doc", action: "dropped", reason: "jina/rerank has no such field" });
    if (truncate === false) warn({ field: "truncation", action: "dropped", reason: "jina/rerank always shortens what is too long" });
    for (const field of Object.keys(extra)) warn({ field, action: "dropped", reason: "jina/rerank has no such field" });
    return { model, query, documents, ...(top !== undefined && { top_n: top }), return_documents: false };
  },
  decodeReply: (body, request) => readRanking(body, body["results"], request, "jina/rerank"),
} satisfies RerankFormat;
