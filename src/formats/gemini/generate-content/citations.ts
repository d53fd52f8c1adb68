/** What an answer rests on: Google counts in bytes of UTF-8 and lists sources and claims apart; a canonical citation joins the two and counts characters. */

import type { Citation } from "../../../canonical/chat.ts";
import { asString, isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { format } from "./format.ts";
import { toNumber } from "./proto.ts";

/** From a candidate's `groundingMetadata` and `citationMetadata`; `text`: its whole visible text. */
export function decodeCitations(grounding: Json | undefined, cited: Json | undefined, text: string): Citation[] {
  const citations: Citation[] = [];
  const at = new Spans(text);
  if (isObject(grounding)) {
    const chunks = objects(grounding.groundingChunks);
    const supports = objects(grounding.groundingSupports);
    for (const support of supports) {
      const segment = isObject(support.segment) ? support.segment : {};
      for (const index of Array.isArray(support.groundingChunkIndices) ? support.groundingChunkIndices : []) {
        const chunk = chunks[toNumber(index) ?? -1];
        if (chunk)
          citations.push({ ...source(chunk), ...at.of(segment), raw: { groundingChunk: chunk, groundingSupport: support }, format });
      }
    }
    // Sources without a word on what they support: the answer as a whole rests on them.
    if (supports.length === 0) for (const chunk of chunks) citations.push({ ...source(chunk), raw: { groundingChunk: chunk }, format });
  }
  if (isObject(cited)) {
    for (const entry of objects(cited.citations ?? cited.citationSources)) {
      const citation: Citation = { ...at.of(entry), raw: entry, format };
      name(citation, entry.uri, entry.title);
      citations.push(citation);
    }
  }
  return citations;
}

function source(chunk: JsonObject): Pick<Citation, "url" | "title"> {
  const found: Pick<Citation, "url" | "title"> = {};
  const { web, retrievedContext, maps, image } = chunk;
  if (isObject(web)) name(found, web.uri, web.title);
  else if (isObject(retrievedContext)) name(found, retrievedContext.uri, retrievedContext.title);
  else if (isObject(maps)) name(found, maps.uri, maps.title);
  // Google's terms want the page named, not the picture.
  else if (isObject(image)) name(found, image.sourceUri, image.title);
  return found;
}

function name(into: Pick<Citation, "url" | "title">, url: Json | undefined, title: Json | undefined): void {
  if (typeof url === "string" && url !== "") into.url = url;
  if (typeof title === "string" && title !== "") into.title = title;
}

/** Bytes to characters. Where the segment's own words stand elsewhere (part by part counts have been seen), the words decide. */
class Spans {
  readonly #text: string;
  #bytes: Uint8Array | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  of(segment: JsonObject): Pick<Citation, "start" | "end" | "citedText"> {
    const words = asString(segment.text);
    const span: Pick<Citation, "start" | "end" | "citedText"> = {};
    if (words) span.citedText = words;
    const endByte = toNumber(segment.endIndex);
    if (endByte === undefined) return span;
    let start = this.#character(toNumber(segment.startIndex) ?? 0);
    let end = this.#character(endByte);
    if (words && this.#text.slice(start, end) !== words) {
      start = this.#text.indexOf(words);
      end = start + words.length;
      if (start < 0) return span;
    }
    return { ...span, start, end };
  }

  #character(byte: number): number {
    this.#bytes ??= new TextEncoder().encode(this.#text);
    return new TextDecoder().decode(this.#bytes.subarray(0, byte)).length;
  }
}

/** Other vendors' citations as grounding on the web; undefined when none has an address. The vendor's own travel in their raw shape. */
export function encodeGrounding(citations: readonly Citation[], text: string): JsonObject | undefined {
  const chunks: JsonObject[] = [];
  const supports: JsonObject[] = [];
  const known = new Map<string, number>();
  for (const { url, title, citedText, start, end, format: from } of citations) {
    if (url === undefined || from === format) continue;
    let index = known.get(url);
    if (index === undefined) {
      index = chunks.push({ web: { uri: url, ...(title !== undefined && { title }) } }) - 1;
      known.set(url, index);
    }
    if (start === undefined || end === undefined) continue;
    const segment: JsonObject = {
      startIndex: bytes(text.slice(0, start)),
      endIndex: bytes(text.slice(0, end)),
      text: text.slice(start, end) || (citedText ?? ""),
    };
    supports.push({ segment, groundingChunkIndices: [index] });
  }
  if (chunks.length === 0) return undefined;
  return { groundingChunks: chunks, ...(supports.length > 0 && { groundingSupports: supports }) };
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

function objects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
