/** OpenAI Speech (`POST /v1/audio/speech`): text in, sound out, as bytes or as events. */

import type { RelayFormat } from "../operation.ts";
import { errors, mayBe, needText, readTokens } from "./relay.ts";

const name = "openai/speech";

export const speech = {
  ...errors,
  name,
  operation: "speech",
  check(body) {
    needText(body, "input");
    mayBe(body, "speed", "number");
    for (const field of ["response_format", "instructions", "stream_format"]) mayBe(body, field, "string");
  },
  readUsage: (body) => readTokens(body, name),
} satisfies RelayFormat;
