/** What every driver must agree on about usage rows: the text of a group, and the order of the rows. */

import type { UsageGroup, UsageRow } from "./ports.ts";

export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

/** `YYYY-MM-DD`, UTC, of the day with this number since 1970; "" for a number that no calendar has. */
export function dayText(day: number): string {
  return isoText(day * dayMs, 10);
}

/** `YYYY-MM-DDTHH`, UTC, of the hour with this number since 1970. */
export function hourText(hour: number): string {
  return isoText(hour * hourMs, 13);
}

/** Years beyond 9999 carry a sign and two more digits, hence the cut from the end. */
function isoText(ms: number, length: 10 | 13): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "";
  return date.toISOString().slice(0, length - 24);
}

/** Dearest first, then busiest, then by name; but time runs forward where it is the first group. Sorts in place. */
export function sortUsage(rows: UsageRow[], groupBy: readonly UsageGroup[]): UsageRow[] {
  const byTime = groupBy[0] === "day" || groupBy[0] === "hour";
  return rows.sort((left, right) => {
    if (byTime) {
      const order = compareText(left.group[0] ?? "", right.group[0] ?? "");
      if (order !== 0) return order;
    }
    if (left.costPico !== right.costPico) return left.costPico > right.costPico ? -1 : 1;
    if (left.calls !== right.calls) return right.calls - left.calls;
    return compareText(left.group.join("\0"), right.group.join("\0"));
  });
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** A limit as the port allows it: a whole number from 0 to 1000. */
export function boundedLimit(limit: number): number {
  return Math.min(1000, Math.max(0, Math.floor(limit) || 0));
}
