import { describe, expect, test } from "vitest";
import type { LogConfig } from "../../config/config.ts";
import { colours } from "../colour.ts";
import { callRecord, failedCall } from "../testing/records.ts";
import { serverLog } from "./log.ts";
import type { ServerLog } from "./log.ts";

function logInto(lines: string[], config: Partial<LogConfig> = {}, isTerminal = false): ServerLog {
  return serverLog(
    { level: "info", format: "auto", ...config },
    { isTerminal, colours: colours(false) },
    { write: (line) => void lines.push(line), flushSync: () => {} },
  );
}

describe("the server's log", () => {
  test("is JSON for machines", () => {
    const lines: string[] = [];
    logInto(lines).info({ url: "http://x" }, "listening");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "info", msg: "listening", url: "http://x", pid: process.pid });
  });

  test("is readable for people, and nothing in it steers their terminal", () => {
    const lines: string[] = [];
    const log = logInto(lines, {}, true);
    log.warn({ model: "evil\u001b[2J", count: 3 }, "hm");
    log.error({ err: new Error("broken") }, "it is");
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d warn {2}hm model=evil\?\[2J count=3\n$/);
    expect(lines[1]).toMatch(/^\d\d:\d\d:\d\d error it is\n {2}Error: broken\n {2} {4}at /);
  });

  test("a problem of several lines is shown as several lines, each indented", () => {
    const lines: string[] = [];
    logInto(lines, { format: "pretty" }).error({}, "refused:\n  a.yaml:1:1 wrong\n  a.yaml:2:1 wrong too");
    expect(lines[0]).toContain("refused:\n  a.yaml:1:1 wrong\n  a.yaml:2:1 wrong too\n");
  });

  test("never holds a credential, at the top or one level down", () => {
    const lines: string[] = [];
    const log = logInto(lines, { level: "debug" });
    for (const name of [
      "authorization",
      "x-api-key",
      "x-goog-api-key",
      "api_key",
      "apiKey",
      "admin_key",
      "cookie",
      "database",
      "password",
    ]) {
      log.info({ [name]: "canary", headers: { [name]: "canary" } }, "m");
    }
    expect(lines).toHaveLength(9);
    expect(lines.join("")).not.toContain("canary");
    expect(lines[0]).toContain("[redacted]");
  });

  test("calls are shown to people; to machines only those that failed on this side", () => {
    const lines: string[] = [];
    const machines = logInto(lines);
    machines.call(callRecord());
    machines.call(callRecord({ ...failedCall, status: 404 }));
    machines.call(callRecord(failedCall));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "warn", msg: "call", status: 502, error: "provider_error" });
    logInto(lines, {}, true).call(callRecord());
    expect(lines[1]).toMatch(/info {2}call .*status=200 model=fast target=openai\/gpt-5\.4-mini ms=900/);
  });

  test("its level can change while it runs", () => {
    const lines: string[] = [];
    const log = logInto(lines);
    log.setLevel("error");
    log.warn({}, "unheard");
    log.setLevel("debug");
    log.debug({}, "heard");
    expect(lines).toHaveLength(1);
  });
});
