/** Text as a terminal shows it: how wide it is, what must not reach it, and numbers as people read them. */

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Scripts and pictures that take two columns. Close enough to Unicode's East Asian Width for aligned tables. */
const wide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Emoji}\ufe0f)/u;
const asciiOnly = /^[\x20-\x7e]*$/;

/** Columns that the text takes, which must be free of control characters. */
export function displayWidth(text: string): number {
  if (asciiOnly.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOf(segment);
  return width;
}

function widthOf(grapheme: string): number {
  if (wide.test(grapheme)) return 2;
  // A mark that stands alone, a zero-width space and their kin.
  return /^[\p{M}\p{Cf}]+$/u.test(grapheme) ? 0 : 1;
}

/** Names and messages come from callers and vendors: an escape sequence in one must not reach the reader's terminal. */
export function printable(text: string): string {
  return asciiOnly.test(text) ? text : text.replace(/[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "?");
}

/** The text within so many columns, with `…` where something is missing. */
export function shorten(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let short = "";
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    short += segment;
  }
  return `${short}…`;
}

/** `1,234,567` */
export function formatCount(count: number | bigint): string {
  return count.toLocaleString("en-US");
}

/** `1 key`, `2 keys` */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `850 µs`, `12 ms`, `1.24 s`, `3 m 05 s` */
export function formatMs(ms: number): string {
  if (ms > 0 && ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
}

/** What there is, with commas between: parts that are `false` or missing are left out. */
export function joined(...parts: readonly (string | false | null | undefined)[]): string {
  return parts.filter((part) => typeof part === "string" && part !== "").join(", ");
}

/** `a, b, c and 4 more` */
export function formatList(names: readonly string[], most: number): string {
  if (names.length <= most) return names.join(", ");
  return `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
}
