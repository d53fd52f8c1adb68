/** The name somebody probably meant: for "did you mean" in every refusal of a name. */

/** Longer names are compared by their beginning: the work stays bounded whatever a caller sends. */
const longest = 64;
const mostCandidates = 2000;

/**
 * The candidate closest to `name`, or undefined when none is close: about one slip in three letters, case not counted.
 *
 *     nearest("routes", ["route", "targets"]) === "route"
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = fold(name);
  if (wanted === "") return undefined;
  const allowed = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let bestDistance = allowed + 1;
  let seen = 0;
  for (const candidate of candidates) {
    seen += 1;
    if (seen > mostCandidates) break;
    const folded = fold(candidate);
    if (folded === "" || Math.abs(folded.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, folded);
    // Where half of the letters or more differ it is another word, not a slip: "a" is not "b".
    if (distance >= bestDistance || distance * 2 > Math.min(wanted.length, folded.length)) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** `base-url`, `baseUrl` and `base_url` differ in spelling only, which is no slip at all. */
function fold(name: string): string {
  return name
    .slice(0, longest)
    .toLowerCase()
    .replace(/[-_\s]/g, "");
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function editDistance(left: string, right: string): number {
  const width = right.length + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: width }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column < width; column += 1) {
      const cost = left[row - 1] === right[column - 1] ? 0 : 1;
      let distance = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + cost);
      const swapped = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) distance = Math.min(distance, at(beforeLast, column - 2) + 1);
      current[column] = distance;
    }
    beforeLast = last;
    last = current;
  }
  return at(last, width - 1);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? 0;
}
