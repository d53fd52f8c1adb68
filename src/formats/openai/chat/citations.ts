/** Citations: `url_citation` annotations where there is a URL, our own extension for the others. */

import type { Citation } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import { format, own } from "./format.ts";

/** An annotation as a citation; undefined for annotations of other kinds. */
export function readCitation(value: unknown): Citation | undefined {
  if (!isObject(value)) return undefined;
  const ours = isObject(value[own]) ? value[own] : undefined;
  const cited = isObject(value["url_citation"]) ? value["url_citation"] : undefined;
  if (!cited && !ours) return undefined;
  const citation: Citation = { raw: ours?.["raw"] ?? value, format: asString(ours?.["format"]) ?? format };
  const url = asString(cited?.["url"]);
  const title = asString(cited?.["title"] ?? ours?.["title"]);
  const text = asString(ours?.["cited_text"]) ?? asString(cited?.["content"]);
  const start = asCount(cited?.["start_index"] ?? ours?.["start"]);
  const end = asCount(cited?.["end_index"] ?? ours?.["end"]);
  if (url !== undefined) citation.url = url;
  // The field is not optional, so an unknown title is written as an empty one.
  if (title) citation.title = title;
  if (text !== undefined) citation.citedText = text;
  if (start !== undefined) citation.start = start;
  if (end !== undefined) citation.end = end;
  return citation;
}

export function writeCitation(citation: Citation): { list: "annotations" | "citations"; entry: JsonObject } {
  if (citation.format === format && isObject(citation.raw)) return { list: "annotations", entry: citation.raw };
  const ours: JsonObject = { format: citation.format, raw: citation.raw };
  if (citation.citedText !== undefined) ours["cited_text"] = citation.citedText;
  if (citation.url === undefined) {
    // Clients read `annotation.url_citation.url` without asking, so what has no URL must not stand there.
    if (citation.title !== undefined) ours["title"] = citation.title;
    if (citation.start !== undefined) ours["start"] = citation.start;
    if (citation.end !== undefined) ours["end"] = citation.end;
    return { list: "citations", entry: { [own]: ours } };
  }
  const cited: JsonObject = { url: citation.url, title: citation.title ?? "" };
  if (citation.start !== undefined) cited["start_index"] = citation.start;
  if (citation.end !== undefined) cited["end_index"] = citation.end;
  return { list: "annotations", entry: { type: "url_citation", url_citation: cited, [own]: ours } };
}
