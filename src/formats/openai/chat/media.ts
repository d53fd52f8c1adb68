/** Data URLs, base64 and media types: how this format writes images, documents and sound. */

import type { MediaSource } from "../../../canonical/chat.ts";

/** The base64 of a data URL, not checked further; undefined when it is none. Slices only: such a URL may be 30 MB long. */
export function parseDataUrl(url: string): { kind: "base64"; mediaType: string; data: string } | undefined {
  if (url.slice(0, 5).toLowerCase() !== "data:") return undefined;
  const comma = url.indexOf(",");
  if (comma < 0 || comma > 300) return undefined;
  const head = url.slice(5, comma);
  if (!/;\s*base64\s*$/i.test(head)) return undefined;
  const mediaType = (head.split(";", 1)[0] as string).trim().toLowerCase();
  return { kind: "base64", mediaType, data: url.slice(comma + 1) };
}

export function dataUrl(source: Extract<MediaSource, { kind: "base64" }>): string {
  return `data:${source.mediaType};base64,${source.data}`;
}

const audioFormats: Record<string, string> = { mp3: "audio/mpeg", wav: "audio/wav" };

/** `wav`, `mp3` and what vendors add (`flac`, `ogg`, …) as a media type. */
export function audioMediaType(word: string): string {
  return audioFormats[word] ?? `audio/${word}`;
}

export function audioFormat(mediaType: string): string {
  const word = mediaType.slice(mediaType.indexOf("/") + 1).replace(/^x-/, "");
  if (word === "mpeg") return "mp3";
  return word === "wave" ? "wav" : word;
}

/** What kind of sound this is, by its first bytes: a reply does not say. Streams are always raw PCM. */
export function sniffAudio(base64: string): string {
  if (base64.startsWith("UklGR")) return "audio/wav";
  if (base64.startsWith("SUQz") || base64.startsWith("//")) return "audio/mpeg";
  if (base64.startsWith("ZkxhQ")) return "audio/flac";
  if (base64.startsWith("T2dnUw")) return "audio/ogg";
  return "audio/pcm";
}

/** The text of base64; undefined when it is neither base64 nor UTF-8. */
export function decodeText(base64: string): string | undefined {
  try {
    const binary = atob(base64);
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Base64 that came in pieces: pieces that end in padding cannot simply be joined. */
export function joinBase64(pieces: readonly string[]): string {
  if (pieces.slice(0, -1).every((piece) => piece.length % 4 === 0 && !piece.endsWith("="))) return pieces.join("");
  try {
    return btoa(pieces.map((piece) => atob(piece)).join(""));
  } catch {
    return pieces.join("");
  }
}
