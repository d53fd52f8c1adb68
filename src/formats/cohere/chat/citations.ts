/** Cohere's citations: a span of the answer, and the documents or tool results that it rests on. */

import type { Citation } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { asCount } from "../../../canonical/usage.ts";
import { format } from "./format.ts";

/** One for each address among the sources, so that none is lost to clients that know one each; one for those without any. */
export function readCitations(raw: JsonObject): Citation[] {
  const sources = (Array.isArray(raw["sources"]) ? raw["sources"] : []).filter(isObject).map(sourceOf);
  const linked = sources.filter(
    (source, index) => source.url !== undefined && sources.findIndex(({ url }) => url === source.url) === index,
  );
  const told = linked.length > 0 ? linked : [sources.find(({ title }) => title !== undefined) ?? {}];
  return told.map(({ url, title }) => {
    const citation: Citation = { raw, format };
    const text = asString(raw["text"]);
    const start = asCount(raw["start"]);
    const end = asCount(raw["end"]);
    if (url !== undefined) citation.url = url;
    if (title !== undefined) citation.title = title;
    if (text !== undefined) citation.citedText = text;
    if (start !== undefined) citation.start = start;
    if (end !== undefined) citation.end = end;
    return citation;
  });
}

/** A document's fields are the caller's own; these two names are what everybody gives them. */
function sourceOf(source: JsonObject): { url?: string | undefined; title?: string | undefined } {
  const content = isObject(source["document"]) ? source["document"] : isObject(source["tool_output"]) ? source["tool_output"] : {};
  return { url: asString(content["url"]), title: asString(content["title"]) };
}
