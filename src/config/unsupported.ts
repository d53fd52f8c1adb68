/** What the schema knows and this build cannot do yet. A row is deleted with the commit that brings its capability. */

export interface UnsupportedPart {
  /** Where it stands; `*` is any one step. */
  path: readonly string[];
  /** In words, as in "this build does not support … yet". */
  what: string;
  /** True for the values that are supported all the same. Absent: none is. */
  unless?: ((value: unknown) => boolean) | undefined;
}

export const unsupportedParts: readonly UnsupportedPart[] = [
  { path: ["redis"], what: "Redis" },
  { path: ["database"], what: "PostgreSQL", unless: (value) => typeof value !== "string" || !/^postgres(?:ql)?:/i.test(value) },
  {
    path: ["models", "*", "route"],
    what: "routes other than fallback",
    unless: (value) => typeof value !== "string" || value === "fallback",
  },
  { path: ["models", "*", "cache"], what: "caching" },
  { path: ["models", "*", "guardrails"], what: "guardrails" },
  { path: ["providers", "*", "timeout", "connect"], what: "a timeout for connecting" },
  { path: ["models", "*", "timeout", "connect"], what: "a timeout for connecting" },
  { path: ["models", "*", "targets", "*", "timeout", "connect"], what: "a timeout for connecting" },
  { path: ["keys", "*", "budget"], what: "budgets" },
  { path: ["keys", "*", "limits"], what: "rate limits on keys" },
];

/** The row for a place, if there is one; `*` in the path is any name, as in the published schema. */
export function unsupportedAt(path: readonly (string | number)[]): UnsupportedPart | undefined {
  return unsupportedParts.find(
    (part) => part.path.length === path.length && part.path.every((step, index) => step === "*" || step === path[index]),
  );
}
