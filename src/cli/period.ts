/** Stretches of time as people write them on the command line: `--last 7d`, `--from 2026-11-01 --to 2026-11-30`. */

import { parseDuration, parseExpiry } from "../config/units.ts";
import { usageFailure } from "./exit.ts";

export interface Period {
  /** Milliseconds since 1970, `[from, to)`. */
  from?: number | undefined;
  to?: number | undefined;
}

export interface PeriodOptions {
  from?: string | undefined;
  to?: string | undefined;
  last?: string | undefined;
}

const dayMs = 86_400_000;

export function parsePeriod(options: PeriodOptions, now: number): Period {
  if (options.last !== undefined) {
    if (options.from !== undefined || options.to !== undefined) throw usageFailure("--last excludes --from and --to.");
    return { from: now - durationOf("--last", options.last) };
  }
  const from = options.from === undefined ? undefined : timeOf("--from", options.from);
  // A last day is meant with all of its hours.
  const to = options.to === undefined ? undefined : timeOf("--to", options.to) + (isDay(options.to) ? dayMs : 0);
  if (from !== undefined && to !== undefined && from >= to) throw usageFailure("--from is not before --to.");
  return { from, to };
}

export function durationOf(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0)
    throw usageFailure(`${option} ${text} is not a duration.`, "Write a number and a unit, such as 24h, 7d or 90m.");
  return ms;
}

export function timeOf(option: string, text: string): number {
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? parseExpiry(text) : undefined;
  if (time === undefined)
    throw usageFailure(
      `${option} ${text} is not a day or a time.`,
      "Write a day such as 2026-11-30, or a time such as 2026-11-30T08:00; both are UTC unless a zone is given.",
    );
  return time;
}

function isDay(text: string): boolean {
  return !text.includes("T");
}

/** As a heading: `the last 7d`, `2026-11-01 to 2026-11-30`, `all time`. */
export function periodWords(options: PeriodOptions): string {
  if (options.last !== undefined) return `the last ${options.last}`;
  if (options.from === undefined && options.to === undefined) return "all time";
  if (options.to === undefined) return `since ${options.from ?? ""}`;
  return options.from === undefined ? `until ${options.to}` : `${options.from} to ${options.to}`;
}

/** `2026-11-21 14:03:09`, in the reader's zone. */
export function localTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
