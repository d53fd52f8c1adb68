/** The words of the mock models: what they read in a request, and how a text is cut into pieces. */

import type { ChatRequest, Message, ToolResultPart, UserPart } from "../canonical/chat.ts";
import { sizeOf } from "./count.ts";

/** Said by the models that need more text than the caller gave. Plain words, so that every piece is easy to recognise. */
export const prose =
  "This answer comes from the mock provider, which runs inside the gateway and needs no account. " +
  "It says the same words every time, so that a test can compare them. " +
  "Ask it for tools, for reasoning or for an error, and it will give you those as well.";

/** What the caller said last: the text of the last user message, or, where it has none, a description of what came. */
export function lastSaid(request: ChatRequest): string {
  const last = request.messages.findLast((message) => message.role === "user" || message.role === "tool");
  if (!last) return "No user message came.";
  const text = textOf(last);
  return text === "" ? describe(last) : text;
}

function textOf(message: Message): string {
  if (message.role === "tool") return "";
  return message.content
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("\n");
}

function describe(message: Message): string {
  if (message.role === "tool") return describeResults(message.content);
  if (message.content.length === 0) return "An empty message came.";
  return `This came: ${message.content.map((part) => describePart(part as UserPart)).join("; ")}.`;
}

function describePart(part: UserPart): string {
  switch (part.type) {
    case "text":
      return "an empty text";
    case "vendor":
      return `a block that only ${part.format} knows`;
    case "image":
    case "audio":
      return `${part.type === "image" ? "an image" : "audio"} (${describeSource(part.source)})`;
    case "file":
      return `a file (${part.filename === undefined ? "" : `${part.filename}, `}${describeSource(part.source)})`;
  }
}

function describeSource(source: Exclude<UserPart, { type: "text" | "vendor" }>["source"]): string {
  switch (source.kind) {
    case "base64":
      return `${source.mediaType}, ${sizeOf(source)} bytes`;
    case "url":
      return `at ${source.url.slice(0, 100)}`;
    case "id":
      return `stored as ${source.id}`;
    case "text":
      return `text, ${sizeOf(source)} characters`;
  }
}

/** `The tool get_weather answered: 21 degrees.` for each result. */
export function describeResults(results: readonly ToolResultPart[]): string {
  return results
    .map((result) => {
      const text = result.content.map((part) => (part.type === "text" ? part.text : describePart(part))).join(" ");
      return `The tool ${result.name ?? result.callId} ${result.isError ? "failed" : "answered"}: ${text === "" ? "nothing" : text}`;
    })
    .join("\n");
}

/** The results that the conversation ends with, if it does; words of the user after them do not matter. */
export function closingResults(request: ChatRequest): ToolResultPart[] {
  const last = request.messages.findLastIndex((message) => message.role === "tool" || message.role === "assistant");
  const message = request.messages[last];
  return message?.role === "tool" ? message.content : [];
}

/** Word by word, blanks with the word before them; longer texts in larger pieces, so that there are some hundreds at most. */
export function* words(text: string): Generator<string> {
  const least = text.length / 500;
  let piece = "";
  for (const [word] of text.matchAll(/\s*\S+\s*|\s+/g)) {
    piece += word;
    if (piece.length < least) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}

/** Pieces of so many characters, surrogate pairs kept whole: how arguments and JSON are streamed. */
export function* slices(text: string, length: number): Generator<string> {
  for (let at = 0; at < text.length;) {
    let end = at + length;
    const code = text.charCodeAt(end - 1);
    if (code >= 0xd800 && code <= 0xdbff) end += 1;
    yield text.slice(at, end);
    at = end;
  }
}

/** So many tokens of exactly four characters each, some to a piece. */
export function* tokens(count: number, perPiece: number): Generator<string> {
  const cycle = ["one ", "two ", "six ", "ten "];
  for (let said = 0; said < count;) {
    const end = Math.min(count, said + perPiece);
    let piece = "";
    for (; said < end; said++) piece += cycle[said % cycle.length];
    yield piece;
  }
}
