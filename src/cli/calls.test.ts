import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { callRecord, failedCall, seed } from "./testing/records.ts";
import { noon, testWorld } from "./testing/world.ts";
import type { TestWorld } from "./testing/world.ts";

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

describe("headgate calls", () => {
  test("before the first call says what to do", async () => {
    expect((await world.headgate("calls")).out).toContain("headgate serve");
    expect((await world.headgate("calls", "--json")).out).toBe("[]\n");
  });

  test("lists the newest first, one line each", async () => {
    await seed(world.directory, [
      callRecord({ id: "hg_old", startedAt: noon - 5000 }),
      callRecord({
        id: "hg_new",
        stream: true,
        attempts: [
          { target: "a/b", status: 503, error: "provider_overloaded", ms: 4 },
          { target: "openai/gpt-5.4-mini", status: 200, ms: 300 },
        ],
      }),
      callRecord({ ...failedCall, id: "hg_bad", startedAt: noon - 9000 }),
    ]);
    const { out } = await world.headgate("calls", "--last", "2");
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/ 200 +fast +openai\/gpt-5\.4-mini +– +1,000 +200 +\$0\.00123 +250 ms +900 ms +hg_old$/);
    expect(lines[2]).toMatch(/ 502 .* provider_error +hg_bad$/);
    const failed = await world.headgate("calls", "--failed");
    expect(failed.out).toContain("hg_bad");
    expect(failed.out).not.toContain("hg_old");
  });

  test("one call, with all that is known about it", async () => {
    await seed(world.directory, [
      callRecord({
        id: "hg_one",
        cacheRead: 600,
        warnings: [{ field: "logit_bias", action: "dropped", reason: "the provider has none" }],
        attempts: [{ target: "openai/gpt-5.4-mini", status: 503, error: "provider_overloaded", ms: 4 }],
        tags: ["night"],
      }),
    ]);
    const { out } = await world.headgate("calls", "hg_one");
    expect(out).toContain("1,000 in, 600 of it from cache, 200 out");
    expect(out).toContain("$0.00123 (exactly 0.001234 USD)");
    expect(out).toContain("openai/gpt-5.4-mini: provider_overloaded, status 503, 4 ms");
    expect(out).toContain("dropped logit_bias: the provider has none");
    expect(JSON.parse((await world.headgate("calls", "hg_one", "--json")).out)).toMatchObject({
      id: "hg_one",
      started_at: "2026-11-21T11:59:00.000Z",
      requested_model: "fast",
      cost_usd: "0.001234",
    });
  });

  test("a call that is not on record", async () => {
    await seed(world.directory, [callRecord()]);
    const { exitCode, err } = await world.headgate("calls", "hg_none");
    expect(exitCode).toBe(1);
    expect(err).toContain('There is no call "hg_none" on record.');
  });

  test("a caller's model name cannot steer the reader's terminal", async () => {
    await seed(world.directory, [callRecord({ requestedModel: "evil\u001b[2J" })]);
    expect((await world.headgate("calls")).out).toContain("evil?[2J");
  });

  test.each(["0", "-1", "many", "1001"])("--last %s is a mistake of usage", async (count) => {
    expect((await world.headgate("calls", `--last=${count}`)).exitCode).toBe(2);
  });
});
