/** A vendor's words without what looks like a credential: some echo the key they refuse. */

import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";

const credentials = [
  /\b(?:sk|pk|rk|key|co|hf|ghp|gho)[-_](?=[-_A-Za-z]*\d)[-_A-Za-z0-9]{12,}/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
  /(?<=\b(?:Bearer|Basic)\s+)[^\s"',]{8,}/gi,
  /(?<=\b(?:x-api-key|api[-_ ]?key|authorization)["']?\s*[:=]\s*["']?)(?!bearer|basic)[^\s"',}]{8,}/gi,
];

export function redact(text: string): string {
  let clean = text;
  for (const credential of credentials) clean = clean.replace(credential, "[redacted]");
  return clean;
}

/** The same for a whole body; what is too long to keep is cut. */
export function redactBody(value: Json): Json {
  if (typeof value === "string") return redact(value.slice(0, 16_384));
  if (Array.isArray(value)) return value.slice(0, 100).map(redactBody);
  if (!isObject(value)) return value;
  const clean: JsonObject = {};
  for (const [field, inner] of Object.entries(value)) if (inner !== undefined) clean[field] = redactBody(inner);
  return clean;
}
