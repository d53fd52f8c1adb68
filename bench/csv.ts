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

/**
 * The median over the rounds of the quotient within a round: what a noisy machine leaves standing.
 * Where no round has both, because one of the two was set aside, the quotient of the medians.
 */
export function ratio(rows: readonly Row[], over: string, under: string, name: string | undefined, column: string): number {
  const below = new Map(pick(rows, under, name).map((row) => [row["round"], Number(row[column] ?? Number.NaN)]));
  const within = median(pick(rows, over, name).map((row) => Number(row[column] ?? Number.NaN) / (below.get(row["round"]) ?? Number.NaN)));
  return Number.isFinite(within) ? within : typical(rows, over, name, column) / typical(rows, under, name, column);
}

/** Above this share of the cores in the hands of the host or of foreign processes, a measurement says more about them than about the contender. */
export const DISTURBED = 0.1;

/** The share of the used cores that others had during a measurement. 0 where that was not watched. */
export function disturbance(row: Row): number {
  const share = Number(row["stolen"] ?? Number.NaN) + Number(row["foreign"] ?? Number.NaN);
  return Number.isFinite(share) ? share : 0;
}

/** Without the disturbed measurements, save that a subject and case that has no other keeps its least disturbed one. */
export function undisturbed(rows: readonly Row[]): { rows: Row[]; setAside: number; disturbedOnly: string[] } {
  const groups = Map.groupBy(rows, (row) => `${row["subject"]}, ${row["case"]}`);
  const kept = new Set<Row>();
  const disturbedOnly: string[] = [];
  for (const [name, group] of groups) {
    const clean = group.filter((row) => disturbance(row) <= DISTURBED);
    for (const row of clean) kept.add(row);
    if (clean.length > 0) continue;
    disturbedOnly.push(name);
    const [least] = group.toSorted((one, other) => disturbance(one) - disturbance(other));
    if (least) kept.add(least);
  }
  return { rows: rows.filter((row) => kept.has(row)), setAside: rows.length - kept.size, disturbedOnly };
}

export function distinct(rows: readonly Row[], column: string): string[] {
  return [...new Set(rows.map((row) => String(row[column] ?? "")).filter((value) => value !== ""))];
}
