import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { callRecord, failedCall, seed } from "./testing/records.ts";
import { noon, testWorld } from "./testing/world.ts";
import type { TestWorld } from "./testing/world.ts";

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const day = 86_400_000;

describe("headgate usage", () => {
  test("before the first call says what to do, and is empty for programs", async () => {
    const { exitCode, out } = await world.headgate("usage");
    expect(exitCode).toBe(0);
    expect(out).toContain("headgate serve");
    expect((await world.headgate("usage", "--json")).out).toBe("[]\n");
    expect((await world.headgate("usage", "--csv")).out).toMatch(/^model,calls,errors,.*\r\n$/);
  });

  test("sums up by model, dearest first, with a total and exact costs", async () => {
    await seed(world.directory, [
      callRecord(),
      callRecord({ ...failedCall }),
      callRecord({ provider: "anthropic", model: "claude-opus-5-5", costPico: 5_000_000_000_000, cacheRead: 400 }),
      callRecord({ provider: "local", model: "llama", costPico: null }),
    ]);
    const { out } = await world.headgate("usage");
    const lines = out.split("\n");
    expect(lines[0]).toBe("Usage by model · all time");
    expect(lines[3]).toMatch(/^anthropic\/claude-opus-5-5 +1 +0 +1,000 +400 +200 +\$5\.00 +250 ms +900 ms$/);
    expect(lines[4]).toMatch(/^openai\/gpt-5\.4-mini +2 +1 +1,000 +0 +200 +\$0\.00123 +250 ms +900 ms$/);
    expect(lines[5]).toMatch(/^local\/llama +1 +0 +1,000 +0 +200 +– /);
    expect(lines[7]).toMatch(/^total +4 +1 +3,000 +400 +600 +\$5\.00\* /);
    expect(out).toContain("* 1 call of unknown price: not in the cost.");
  });

  test("sums up by key with names, by day in UTC, within a period", async () => {
    await seed(world.directory, [
      callRecord({ keyId: "config:ci", keyName: "ci" }),
      callRecord({ keyId: "config:ci", keyName: "ci", startedAt: noon - 3 * day }),
      callRecord({ startedAt: noon - 30 * day }),
    ]);
    world.file("headgate.yaml", "providers: { mock: }\nkeys: [{ name: ci, key: hg-some-static-key }]\n");
    const { out } = await world.headgate("usage", "--by", "day,key", "--last", "7d", "--json", "-c", `${world.directory}/headgate.yaml`);
    expect(JSON.parse(out)).toMatchObject([
      { day: "2026-11-18", key: "config:ci", key_name: "ci", calls: 1, cost_usd: "0.001234" },
      { day: "2026-11-21", key: "config:ci", key_name: "ci", calls: 1 },
    ]);
    expect((await world.headgate("usage", "--from", "2026-10-01", "--to", "2026-10-22", "--json")).out).toContain('"calls": 1');
    expect((await world.headgate("usage", "--by", "key")).out).toContain("(no key)");
  });

  test("filters by key name, provider and model", async () => {
    await seed(world.directory, [callRecord({ keyId: "config:ci", keyName: "ci" }), callRecord({ provider: "groq" })]);
    world.file("headgate.yaml", "providers: { mock: }\nkeys: [{ name: ci, key: hg-some-static-key }]\n");
    const calls = async (...words: string[]): Promise<unknown> =>
      (JSON.parse((await world.headgate("usage", "--json", ...words)).out) as { calls: number }[]).map((row) => row.calls);
    expect(await calls("--key", "ci")).toEqual([1]);
    expect(await calls("--provider", "groq")).toEqual([1]);
    expect(await calls("--model", "openai/gpt-5.4-mini")).toEqual([1]);
    expect(await calls("--model", "gpt-5.4-mini")).toEqual([1, 1]);
    const { exitCode, err } = await world.headgate("usage", "--key", "cii");
    expect(exitCode).toBe(1);
    expect(err).toContain('did you mean "ci"?');
  });

  test("as CSV, an unknown price is empty, and nothing runs in a spreadsheet", async () => {
    await seed(world.directory, [callRecord({ session: '=HYPERLINK("x")', costPico: null })]);
    const { out } = await world.headgate("usage", "--by", "session", "--csv");
    expect(out.split("\r\n")[1]).toMatch(/^"'=HYPERLINK\(""x""\)",1,0,0,1000,200,0,0,0,,1,/);
  });

  test.each([
    ["--by", "modle", "did you mean model?"],
    ["--last", "fortnight", "is not a duration"],
  ])("%s %s is a mistake of usage", async (option, value, words) => {
    const { exitCode, err } = await world.headgate("usage", option, value);
    expect(exitCode).toBe(2);
    expect(err).toContain(words);
  });
});
