/** Ollama's `POST /api/embed`, as a vendor's. */

import type { EmbedReply, EmbedRequest } from "../../canonical/embed.ts";
import { GatewayError, unsupportedField } from "../../canonical/errors.ts";
import { asString } from "../../canonical/json.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { asCount } from "../../canonical/usage.ts";
import type { EmbedFormat } from "../operation.ts";
import { decodeError } from "./chat/errors.ts";

const name = "ollama/embed";
const own = ["truncate", "options", "keep_alive"];

export const embed = {
  name,
  path: () => "/api/embed",
  decodeError,
  replyHeaders: [],
  encodeRequest(request: EmbedRequest, { warn }): JsonObject {
    const { model, inputs, dimensions, purpose, endUser, extra = {} } = request;
    if (inputs.some((text) => typeof text !== "string"))
      throw unsupportedField("input", `${name} takes text, not tokens of another model's vocabulary.`);
    if (endUser !== undefined) warn({ field: "user", action: "dropped", reason: `${name} has no such field` });
    if (purpose !== undefined) warn({ field: "input_type", action: "dropped", reason: `${name} has no such field` });
    const body: JsonObject = { model, input: inputs, ...(dimensions !== undefined && { dimensions }) };
    for (const [field, value] of Object.entries(extra)) {
      if (own.includes(field)) body[field] = value;
      else warn({ field, action: "dropped", reason: `${name} has no such field` });
    }
    return body;
  },
  decodeReply(body: JsonObject): EmbedReply {
    const { embeddings } = body;
    if (!Array.isArray(embeddings) || !embeddings.every((one) => Array.isArray(one) && one.every((value) => typeof value === "number"))) {
      throw new GatewayError("provider_bad_response", `The provider answered with something that is not ${name}.`);
    }
    const input = asCount(body["prompt_eval_count"]);
    return {
      vectors: embeddings,
      model: asString(body["model"]),
      usage: input === undefined ? undefined : { input, output: 0, raw: input, rawFormat: name },
    };
  },
} satisfies EmbedFormat;
