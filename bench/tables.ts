/** The shapes most scenarios' tables share. */

import { short } from "./charts.ts";
import { distinct, typical, type Row } from "./csv.ts";
import type { Table } from "./scenario.ts";

/** Subjects down, cases across, the median of one column in the cells. */
export function byCase(rows: readonly Row[], title: string, column: string, label: (name: string) => string = (name) => name): Table {
  const cases = distinct(rows, "case");
  return {
    title,
    columns: ["", ...cases.map(label)],
    rows: distinct(rows, "subject").map((subject) => [subject, ...cases.map((name) => short(typical(rows, subject, name, column)))]),
  };
}

/** Subjects down, chosen columns across, one case. */
export function byColumn(rows: readonly Row[], title: string, name: string | undefined, columns: Record<string, string>): Table {
  return {
    title,
    columns: ["", ...Object.values(columns)],
    rows: distinct(rows, "subject").map((subject) => [
      subject,
      ...Object.keys(columns).map((column) => short(typical(rows, subject, name, column))),
    ]),
  };
}

/** The same as a difference to `direct`, which is what the subject adds. */
export function addedByCase(rows: readonly Row[], title: string, column: string, label: (name: string) => string = (name) => name): Table {
  const cases = distinct(rows, "case");
  const subjects = distinct(rows, "subject").filter((subject) => subject !== "direct");
  return {
    title,
    columns: ["", ...cases.map(label)],
    rows: subjects.map((subject) => [
      subject,
      ...cases.map((name) => short(typical(rows, subject, name, column) - typical(rows, "direct", name, column))),
    ]),
  };
}

export function sum(rows: readonly Row[], column: string): number {
  return rows.reduce((total, row) => total + Number(row[column] ?? 0), 0);
}

export function asMarkdown(table: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    `**${table.title}**`,
    "",
    line(table.columns),
    line(table.columns.map((_, index) => (index === 0 ? "---" : "--:"))),
    ...table.rows.map(line),
  ].join("\n");
}

export function asText(table: Table): string {
  const widths = table.columns.map((column, index) => Math.max(column.length, ...table.rows.map((row) => (row[index] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join("  ");
  return [table.title, line(table.columns), ...table.rows.map(line)].map((each) => `  ${each}`).join("\n");
}
