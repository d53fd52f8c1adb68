/** OpenAI Transcription and Translation (`POST /v1/audio/transcriptions`, `/translations`): a recording in a form, text out. */

import type { RelayFormat } from "../operation.ts";
import { errors, mayBe, readTokens } from "./relay.ts";

const name = "openai/transcriptions";

export const transcriptions = {
  ...errors,
  name,
  operation: "transcriptions",
  check(body) {
    for (const field of ["language", "prompt", "response_format"]) mayBe(body, field, "string");
    mayBe(body, "stream", "boolean");
  },
  readUsage: (body) => readTokens(body, name),
} satisfies RelayFormat;
