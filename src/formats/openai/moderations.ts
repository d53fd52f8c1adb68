/** OpenAI Moderations (`POST /v1/moderations`): free of charge, and without usage. */

import { invalidField } from "../../canonical/errors.ts";
import type { RelayFormat } from "../operation.ts";
import { errors } from "./relay.ts";

export const moderations = {
  ...errors,
  name: "openai/moderations",
  operation: "moderations",
  check({ input }) {
    if (typeof input === "string" || (Array.isArray(input) && input.length > 0)) return;
    throw invalidField("input", "must be a string, or a list of strings or of parts, and not empty.");
  },
  readUsage: () => undefined,
} satisfies RelayFormat;
