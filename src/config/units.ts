/** Durations, sizes, counts and days as people write them: `10s`, `32MiB`, `100k`, `2027-01-31`. */

const durations: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizes: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const counts: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9 };

export const durationPattern = /^\d{1,9}(?:\.\d{1,6})?(?:ms|s|m|h|d)$/;
export const sizePattern = /^\d{1,9}(?:\.\d{1,6})?(?:B|KB|MB|GB|KiB|MiB|GiB)$/;
export const countPattern = /^\d{1,15}(?:\.\d{1,6})?[kMG]?$/;

/** Milliseconds, or undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  return durationPattern.test(text) ? scaled(text, durations) : undefined;
}

/** Bytes, or undefined when the text is no size. */
export function parseSize(text: string): number | undefined {
  return sizePattern.test(text) ? scaled(text, sizes) : undefined;
}

/** A whole number, or undefined when the text is no count. */
export function parseCount(text: string): number | undefined {
  return countPattern.test(text) ? scaled(text, counts) : undefined;
}

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const digits = /^[\d.]+/.exec(text)?.[0] ?? "";
  const factor = units[text.slice(digits.length)];
  return factor === undefined ? undefined : Math.round(Number(digits) * factor);
}

/** Milliseconds since 1970; a day is its beginning in UTC, and so is a time without a zone. Undefined for a 30th of February. */
export function parseExpiry(text: string): number | undefined {
  const zoned = /T.*(?:Z|[+-]\d\d:\d\d)$/.test(text) || !text.includes("T") ? text : `${text}Z`;
  const time = Date.parse(zoned);
  const day = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(time) || Number.isNaN(day)) return undefined;
  // Date.parse turns the 30th of February into the 2nd of March.
  return new Date(day).toISOString().slice(0, 10) === text.slice(0, 10) ? time : undefined;
}
