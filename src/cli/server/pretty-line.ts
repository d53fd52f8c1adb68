/** A line of the log as a person reads it: `12:34:56 warn  the message  field=value`. */

import type { Colours } from "../colour.ts";
import { isObject } from "../../canonical/json.ts";
import { printable } from "../text.ts";

/** `line`: JSON, as the logger writes it. What is no JSON object is passed on. */
export function prettyLine(line: string, paint: Colours): string {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return line;
  }
  if (!isObject(entry)) return line;
  const { level, time, msg, err, ...fields } = entry;
  const details = Object.entries(fields).map(([name, value]) => `${paint.dim(`${name}=`)}${printable(shown(value))}`);
  const head = [paint.dim(clock(time)), levelWord(String(level), paint), lines(String(msg ?? "")), ...details].join(" ");
  return `${head}\n${isObject(err) ? trouble(err, paint) : ""}`;
}

/** The messages are ours, and some are lists. */
function lines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function clock(time: unknown): string {
  const date = new Date(typeof time === "string" ? time : Number.NaN);
  return Number.isNaN(date.getTime()) ? "" : date.toTimeString().slice(0, 8);
}

function levelWord(level: string, paint: Colours): string {
  const word = level.padEnd(5);
  if (level === "warn") return paint.yellow(word);
  if (level === "error" || level === "fatal") return paint.red(word);
  return level === "info" ? paint.green(word) : paint.dim(word);
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function trouble(error: Readonly<Record<string, unknown>>, paint: Colours): string {
  const stack = error["stack"] ?? error["message"];
  return typeof stack === "string"
    ? `${stack
        .split("\n")
        .map((row) => `  ${paint.dim(printable(row))}`)
        .join("\n")}\n`
    : "";
}
