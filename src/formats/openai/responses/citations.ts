/** Citations: annotations of a text where there is a web address, our own extension for the others. */

import type { Citation } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import { format, own } from "./format.ts";

/** Undefined for what is no annotation at all. Those of files keep their whole shape in `raw`. */
export function readCitation(value: unknown): Citation | undefined {
  if (!isObject(value)) return undefined;
  const ours = isObject(value[own]) ? value[own] : undefined;
  const citation: Citation = { raw: ours ? (ours.raw ?? null) : value, format: asString(ours?.format) ?? format };
  const url = asString(value.url);
  const title = asString(value.title) || asString(value.filename);
  const citedText = asString(ours?.cited_text);
  if (url !== undefined) citation.url = url;
  if (title) citation.title = title;
  if (citedText !== undefined) citation.citedText = citedText;
  if (ours?.span !== "block") {
    const start = asCount(value.start_index);
    const end = asCount(value.end_index);
    if (start !== undefined) citation.start = start;
    if (end !== undefined) citation.end = end;
  }
  return citation;
}

/** Where the cited words stand in the text of the client's part, which may be longer than the block that the citation came with. */
export interface Span {
  start: number;
  end: number;
}

/** `annotation`: for everybody. `ours`: what has no address, and would break clients that look for one. */
export function writeCitation(citation: Citation, block: Span): { annotation?: JsonObject; ours?: JsonObject } {
  if (citation.format === format && isObject(citation.raw)) return { annotation: shifted(citation.raw, block.start) };
  const ours: JsonObject = { format: citation.format, raw: citation.raw };
  if (citation.citedText !== undefined) ours.cited_text = citation.citedText;
  const start = citation.start === undefined ? undefined : citation.start + block.start;
  const end = citation.end === undefined ? undefined : citation.end + block.start;
  if (citation.url === undefined) {
    const entry: JsonObject = { [own]: ours };
    if (citation.title !== undefined) entry.title = citation.title;
    if (start !== undefined) entry.start_index = start;
    if (end !== undefined) entry.end_index = end;
    return { ours: entry };
  }
  // Both indexes are required by the format's types: without a span of its own the citation is about its whole block.
  if (start === undefined || end === undefined) ours.span = "block";
  return {
    annotation: {
      type: "url_citation",
      url: citation.url,
      title: citation.title ?? "",
      start_index: start ?? block.start,
      end_index: end ?? block.end,
      [own]: ours,
    },
  };
}

function shifted(raw: JsonObject, by: number): JsonObject {
  const start = asCount(raw.start_index);
  const end = asCount(raw.end_index);
  if (by === 0 || start === undefined || end === undefined) return raw;
  return { ...raw, start_index: start + by, end_index: end + by };
}
