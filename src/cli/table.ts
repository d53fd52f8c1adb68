/** Aligned tables: words to the left, numbers to the right, wide characters counted as what they are. */

import type { Paint } from "./colour.ts";
import { displayWidth, printable, shorten } from "./text.ts";
import type { Output } from "./world.ts";

export interface Column {
  title: string;
  align?: "left" | "right";
  /** When the table is wider than the terminal, this column is cut, down to its title's or 12 columns. */
  shrinks?: boolean;
}

/** Colours are put on after the cell has its width. */
export type Cell = string | { text: string; paint: Paint };

export interface TableOptions {
  /** Rows below the line, such as a total. */
  footer?: readonly (readonly Cell[])[];
  indent?: number;
}

const gap = "  ";

export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], output: Output, options: TableOptions = {}): string {
  const footer = options.footer ?? [];
  const indent = " ".repeat(options.indent ?? 0);
  const widths = columns.map((column, at) =>
    Math.max(displayWidth(column.title), ...[...rows, ...footer].map((row) => displayWidth(textOf(row[at])))),
  );
  if (output.width !== undefined) fit(widths, columns, output.width - indent.length);
  const line = (cells: readonly Cell[]): string => {
    const shown = columns.map((column, at) => aligned(cells[at], widths[at] ?? 0, column.align ?? "left", at === columns.length - 1));
    return `${indent}${shown.join(gap).trimEnd()}\n`;
  };
  const total = widths.reduce((sum, width) => sum + width, 0) + gap.length * (columns.length - 1);
  const rule = `${indent}${output.colours.dim("─".repeat(total))}\n`;
  const head = line(columns.map((column) => ({ text: column.title, paint: output.colours.dim })));
  return [head, ...rows.map(line), ...(footer.length > 0 ? [rule, ...footer.map(line)] : [])].join("");
}

function textOf(cell: Cell | undefined): string {
  if (cell === undefined) return "";
  return printable(typeof cell === "string" ? cell : cell.text);
}

function aligned(cell: Cell | undefined, width: number, align: "left" | "right", last: boolean): string {
  const text = shorten(textOf(cell), width);
  const paint = typeof cell === "object" ? cell.paint : undefined;
  const painted = paint ? paint(text) : text;
  const padding = " ".repeat(Math.max(0, width - displayWidth(text)));
  if (align === "right") return padding + painted;
  return last ? painted : painted + padding;
}

/** Takes from the widest column that may shrink, until the table fits or none can. */
function fit(widths: number[], columns: readonly Column[], room: number): void {
  const least = columns.map((column) => Math.max(displayWidth(column.title), 12));
  let excess = widths.reduce((sum, width) => sum + width, 0) + gap.length * (columns.length - 1) - room;
  while (excess > 0) {
    let widest = -1;
    for (const [at, column] of columns.entries()) {
      const width = widths[at] ?? 0;
      if (column.shrinks === true && width > (least[at] ?? 0) && width > (widths[widest] ?? 0)) widest = at;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
}
