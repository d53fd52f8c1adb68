/** Rows in and out of the committed CSV files: the reports read nothing else. */

export type Cell = string | number;
export type Row = Record<string, Cell>;

export function toCsv(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns.join(",")];
  for (const row of rows) lines.push(columns.map((column) => field(row[column])).join(","));
  return `${lines.join("\n")}\n`;
}

function field(cell: Cell | undefined): string {
  if (cell === undefined) return "";
  if (typeof cell === "number") return Number.isFinite(cell) ? String(Number(cell.toPrecision(6))) : "";
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** Columns that look like a number and are none: a commit of digits only would lose its leading zeros. */
const WORDS = new Set(["commit", "timestamp", "subject", "case"]);

export function fromCsv(text: string): Row[] {
  const [head = [], ...lines] = records(text);
  return lines.map((cells) => {
    const row: Row = {};
    for (const [index, column] of head.entries()) {
      const cell = cells[index] ?? "";
      if (cell === "") continue;
      row[column] = !WORDS.has(column) && Number.isFinite(Number(cell)) ? Number(cell) : cell;
    }
    return row;
  });
}

function records(text: string): string[][] {
  const found: string[][] = [];
  let cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') {
        cell += '"';
        at++;
      } else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === ",") {
      cells.push(cell);
      cell = "";
    } else if (character === "\n") {
      cells.push(cell);
      found.push(cells);
      cells = [];
      cell = "";
    } else cell += character;
  }
  return found;
}

export function median(values: readonly number[]): number {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The rows of one subject in one case. */
export function pick(rows: readonly Row[], subject: string, name?: string): Row[] {
  return rows.filter((row) => row["subject"] === subject && (name === undefined || row["case"] === name));
}

/** The median over the rounds of one column. */
export function typical(rows: readonly Row[], subject: string, name: string | undefined, column: string): number {
  return median(pick(rows, subject, name).map((row) => Number(row[column] ?? Number.NaN)));
}

/** The median over the rounds of the quotient within a round: what a noisy machine leaves standing. */
export function ratio(rows: readonly Row[], over: string, under: string, name: string | undefined, column: string): number {
  const below = new Map(pick(rows, under, name).map((row) => [row["round"], Number(row[column] ?? Number.NaN)]));
  return median(pick(rows, over, name).map((row) => Number(row[column] ?? Number.NaN) / (below.get(row["round"]) ?? Number.NaN)));
}

export function distinct(rows: readonly Row[], column: string): string[] {
  return [...new Set(rows.map((row) => String(row[column] ?? "")).filter((value) => value !== ""))];
}
