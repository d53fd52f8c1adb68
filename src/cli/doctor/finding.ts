/** What a check found. */

export interface Finding {
  /** What was looked at, in a word or two. */
  check: string;
  status: "ok" | "warn" | "fail";
  message: string;
  /** What to do; absent when all is well. */
  advice?: string | undefined;
}

export function ok(check: string, message: string): Finding {
  return { check, status: "ok", message };
}

export function warn(check: string, message: string, advice?: string): Finding {
  return { check, status: "warn", message, advice };
}

export function fail(check: string, message: string, advice?: string): Finding {
  return { check, status: "fail", message, advice };
}
