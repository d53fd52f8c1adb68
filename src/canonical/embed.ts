/** Texts as points in space: what is asked, and what comes back. */

import type { JsonObject } from "./json.ts";
import type { Usage } from "./usage.ts";

export interface EmbedRequest {
  model: string;
  /** Texts, or texts that the client has already cut into tokens of the model's own vocabulary. */
  inputs: string[] | number[][];
  dimensions?: number | undefined;
  /** What the vector is for, as vendors write it: `document`, `query`, `classification`, `clustering`, `similarity`. */
  purpose?: string | undefined;
  endUser?: string | undefined;
  /** How the client wants to read the numbers. */
  encoding: "float" | "base64";
  /** Fields of the client's format that have no word here. */
  extra?: JsonObject | undefined;
}

export interface EmbedReply {
  /** One for each input, in order. */
  vectors: number[][];
  model?: string | undefined;
  usage?: Usage | undefined;
}
