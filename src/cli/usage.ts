/** `headgate usage`: what was called, how it went and what it cost. */

import type { UsageGroup, UsageRow } from "../stores/ports.ts";
import { nearest } from "../canonical/nearest.ts";
import { readConfiguration } from "./configuration.ts";
import { csv } from "./csv.ts";
import type { CsvValue } from "./csv.ts";
import { exitCodes, usageFailure } from "./exit.ts";
import { keyNames, resolveKey } from "./key-names.ts";
import type { KeyNames } from "./key-names.ts";
import { exactUsd, formatUsd } from "./money.ts";
import { parsePeriod, periodWords } from "./period.ts";
import type { PeriodOptions } from "./period.ts";
import { openExisting, withStore } from "./store.ts";
import { table } from "./table.ts";
import type { Cell, Column } from "./table.ts";
import { formatCount, formatMs, plural } from "./text.ts";
import type { World } from "./world.ts";

export interface UsageCommand extends PeriodOptions {
  config?: string | undefined;
  /** Comma-separated. */
  by?: string | undefined;
  key?: string | undefined;
  provider?: string | undefined;
  model?: string | undefined;
  json?: boolean | undefined;
  csv?: boolean | undefined;
}

const groups: readonly UsageGroup[] = ["model", "provider", "key", "day", "hour", "session", "outcome"];

export async function usageCommand(options: UsageCommand, world: World): Promise<number> {
  const groupBy = parseGroups(options.by ?? "model");
  const period = parsePeriod(options, world.now());
  const { config } = await readConfiguration(world, options);
  const store = await openExisting(config, world);
  if (!store) return nothing(options, groupBy, world, "There is no database yet");
  return withStore(store, async (store) => {
    const names = await keyNames(store, config);
    const rows = await store.usage({ ...period, groupBy, ...filters(options, names) });
    if (rows.every((row) => row.calls === 0)) return nothing(options, groupBy, world, "No calls are on record for this question");
    if (options.json === true)
      world.out.write(
        `${JSON.stringify(
          rows.map((row) => asObject(row, groupBy, names)),
          null,
          2,
        )}\n`,
      );
    else if (options.csv === true) world.out.write(asCsv(rows, groupBy, names));
    else {
      world.out.write(`Usage by ${groupBy.join(", ")} · ${periodWords(options)}\n\n${usageTable(rows, groupBy, names, world)}`);
      const unpriced = rows.reduce((sum, row) => sum + unknownPrices(row), 0);
      if (unpriced > 0)
        world.out.write(
          `\n${world.out.colours.dim(`* ${plural(unpriced, "call")} of unknown price: not in the cost. \`prices:\` in the configuration sets one.`)}\n`,
        );
    }
    return exitCodes.ok;
  });
}

function parseGroups(text: string): UsageGroup[] {
  const words = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const parsed = words.map((word) => {
    const found = groups.find((group) => group === word);
    if (found) return found;
    const near = nearest(word, groups);
    throw usageFailure(
      `--by ${word}: there is no such group${near === undefined ? "" : `, did you mean ${near}?`}`,
      `Groups: ${groups.join(", ")}; several with commas.`,
    );
  });
  if (parsed.length === 0) throw usageFailure("--by names no group.", `Groups: ${groups.join(", ")}; several with commas.`);
  return [...new Set(parsed)];
}

function filters(options: UsageCommand, names: KeyNames): { keyId?: string; provider?: string; model?: string } {
  const filter: { keyId?: string; provider?: string; model?: string } = {};
  if (options.key !== undefined) filter.keyId = resolveKey(options.key, names);
  if (options.provider !== undefined) filter.provider = options.provider;
  const slash = options.model?.indexOf("/") ?? -1;
  if (options.model !== undefined && slash > 0 && options.provider === undefined) {
    filter.provider = options.model.slice(0, slash);
    filter.model = options.model.slice(slash + 1);
  } else if (options.model !== undefined) filter.model = options.model;
  return filter;
}

export function usageTable(rows: readonly UsageRow[], groupBy: readonly UsageGroup[], names: KeyNames, world: World): string {
  const labels = groupBy.map((group): Column => ({ title: group, shrinks: true }));
  const numbers = ["calls", "errors", "input", "cached", "output", "cost", "first byte", "latency"].map((title): Column => ({
    title,
    align: "right",
  }));
  const { red, dim } = world.out.colours;
  const cells = (row: UsageRow, label: Cell[]): Cell[] => [
    ...label,
    formatCount(row.calls),
    row.errors === 0 ? { text: "0", paint: dim } : { text: formatCount(row.errors), paint: red },
    formatCount(row.input),
    row.cacheRead === 0 ? { text: "0", paint: dim } : formatCount(row.cacheRead),
    formatCount(row.output),
    costText(row),
    row.meanFirstByteMs === null ? "–" : formatMs(row.meanFirstByteMs),
    formatMs(row.meanDurationMs),
  ];
  const body = rows.map((row) =>
    cells(
      row,
      groupBy.map((group, at) => groupName(group, row.group[at] ?? "", names)),
    ),
  );
  const total = cells(totalOf(rows), ["total", ...groupBy.slice(1).map(() => "")]);
  return table([...labels, ...numbers], body, world.out, { footer: [total] });
}

/** An unknown price is a dash, never a zero; a sum with unknown parts carries a mark. */
function costText(row: UsageRow): string {
  if (row.unpriced === row.calls) return "–";
  return `${formatUsd(row.costPico)}${unknownPrices(row) > 0 ? "*" : ""}`;
}

/** A call that failed has no price because it has no usage: that leaves no gap in the sum. */
function unknownPrices(row: UsageRow): number {
  return Math.max(0, row.unpriced - row.errors);
}

function groupName(group: UsageGroup, value: string, names: KeyNames): string {
  if (group === "key") return value === "" ? "(no key)" : names.nameOf(value);
  return value === "" ? `(no ${group})` : value;
}

function totalOf(rows: readonly UsageRow[]): UsageRow {
  const total: UsageRow = {
    group: [],
    calls: 0,
    errors: 0,
    aborted: 0,
    input: 0,
    output: 0,
    cacheRead: 0,
    cacheWrite: 0,
    reasoning: 0,
    costPico: 0n,
    unpriced: 0,
    meanFirstByteMs: null,
    meanDurationMs: 0,
    meanOverheadMs: 0,
  };
  let firstByteCalls = 0;
  let firstByteSum = 0;
  for (const row of rows) {
    for (const field of ["calls", "errors", "aborted", "input", "output", "cacheRead", "cacheWrite", "reasoning", "unpriced"] as const)
      total[field] += row[field];
    total.costPico += row.costPico;
    total.meanDurationMs += row.meanDurationMs * row.calls;
    total.meanOverheadMs += row.meanOverheadMs * row.calls;
    if (row.meanFirstByteMs === null) continue;
    firstByteSum += row.meanFirstByteMs * (row.calls - row.errors);
    firstByteCalls += row.calls - row.errors;
  }
  if (total.calls > 0) {
    total.meanDurationMs /= total.calls;
    total.meanOverheadMs /= total.calls;
  }
  if (firstByteCalls > 0) total.meanFirstByteMs = firstByteSum / firstByteCalls;
  return total;
}

const numberFields = [
  "calls",
  "errors",
  "aborted",
  "input",
  "output",
  "cache_read",
  "cache_write",
  "reasoning",
  "cost_usd",
  "unpriced",
  "mean_first_byte_ms",
  "mean_duration_ms",
  "mean_overhead_ms",
] as const;

function numbersOf(row: UsageRow): CsvValue[] {
  const cost = row.unpriced === row.calls ? null : exactUsd(row.costPico);
  return [
    row.calls,
    row.errors,
    row.aborted,
    row.input,
    row.output,
    row.cacheRead,
    row.cacheWrite,
    row.reasoning,
    cost,
    row.unpriced,
    rounded(row.meanFirstByteMs),
    rounded(row.meanDurationMs),
    rounded(row.meanOverheadMs),
  ];
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1000) / 1000;
}

/** Names as everywhere outside of the house; the cost is text, because a JSON number would round it. */
function asObject(row: UsageRow, groupBy: readonly UsageGroup[], names: KeyNames): Record<string, CsvValue> {
  const numbers = numbersOf(row);
  const labels = groupBy.flatMap((group, at): [string, CsvValue][] => {
    const value = row.group[at] ?? "";
    return group === "key"
      ? [
          ["key", value === "" ? null : value],
          ["key_name", value === "" ? null : names.nameOf(value)],
        ]
      : [[group, value === "" ? null : value]];
  });
  return Object.fromEntries([...labels, ...numberFields.map((field, at): [string, CsvValue] => [field, numbers[at] ?? null])]);
}

function asCsv(rows: readonly UsageRow[], groupBy: readonly UsageGroup[], names: KeyNames): string {
  return csv(
    [...groupBy, ...numberFields],
    rows.map((row) => [
      ...groupBy.map((group, at) => (group === "key" ? names.nameOf(row.group[at] ?? "") : (row.group[at] ?? ""))),
      ...numbersOf(row),
    ]),
  );
}

function nothing(options: UsageCommand, groupBy: readonly UsageGroup[], world: World, why: string): number {
  if (options.json === true) world.out.write("[]\n");
  else if (options.csv === true) world.out.write(csv([...groupBy, ...numberFields], []));
  else
    world.out.write(
      `${why} (${periodWords(options)}).\nStart the gateway with \`headgate serve\` and make a call: the start-up message has a line for it. \`headgate demo\` shows how it will look.\n`,
    );
  return exitCodes.ok;
}
