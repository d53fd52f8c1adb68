/** OpenAI Images (`POST /v1/images/generations`, `/edits`, `/variations`). */

import type { RelayFormat } from "../operation.ts";
import { errors, mayBe, needText, readTokens } from "./relay.ts";

const name = "openai/images";

export const images = {
  ...errors,
  name,
  operation: "images",
  check(body) {
    needText(body, "prompt");
    mayBe(body, "n", "number");
    mayBe(body, "stream", "boolean");
    for (const field of ["size", "quality", "background", "response_format", "output_format", "user"]) mayBe(body, field, "string");
  },
  // An image is output of the model's kind of tokens, whether the vendor says so apart or not: the models make nothing else.
  readUsage(body) {
    const usage = readTokens(body, name);
    return usage && { ...usage, imageOutput: usage.imageOutput ?? usage.output };
  },
} satisfies RelayFormat;

/** Variations have no prompt. */
export const imageVariations = { ...images, check: (body) => mayBe(body, "n", "number") } satisfies RelayFormat;
