import { describe, expect, test } from "vitest";
import { createClock } from "./clock.ts";

describe("a controlled clock", () => {
  test("wakes sleepers in order of time, at their own time", async () => {
    const clock = createClock(1000);
    const woken: string[] = [];
    void clock.sleep(30).then(() => woken.push(`c ${clock.monotonic()}`));
    void clock.sleep(10).then(async () => {
      woken.push(`a ${clock.now()}`);
      await clock.sleep(10);
      woken.push(`b ${clock.now()}`);
    });
    await clock.advance(29);
    expect(woken).toEqual(["a 1010", "b 1020"]);
    await clock.advance(1);
    expect(woken).toEqual(["a 1010", "b 1020", "c 30"]);
    expect(clock.sleeping).toBe(0);
  });

  test("an aborted sleep rejects with the signal's reason and is forgotten", async () => {
    const clock = createClock();
    const leaving = new AbortController();
    const sleeping = clock.sleep(1000, leaving.signal);
    leaving.abort(new Error("left"));
    await expect(sleeping).rejects.toThrow("left");
    await expect(clock.sleep(1, leaving.signal)).rejects.toThrow("left");
    expect(clock.sleeping).toBe(0);
  });

  test("a jump moves the wall clock and nothing else", async () => {
    const clock = createClock(0);
    clock.jump(3_600_000);
    expect([clock.now(), clock.monotonic()]).toEqual([3_600_000, 0]);
  });
});
