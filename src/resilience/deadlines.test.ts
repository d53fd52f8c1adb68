import { describe, expect, test } from "vitest";
import { Deadlines } from "./deadlines.ts";

function setUp(): { deadlines: Deadlines; pass(ms: number): void; fired: string[] } {
  let now = 0;
  const fired: string[] = [];
  const deadlines = new Deadlines(() => now);
  return {
    deadlines,
    fired,
    pass(ms) {
      now += ms;
      deadlines.tick();
    },
  };
}

describe("deadlines", () => {
  test("fire once, in the order in which they are due", () => {
    const { deadlines, pass, fired } = setUp();
    deadlines.arm(100, () => fired.push("a"));
    deadlines.arm(50, () => fired.push("b"));
    deadlines.arm(100, () => fired.push("c"));
    pass(49);
    expect(fired).toEqual([]);
    pass(1);
    expect(fired).toEqual(["b"]);
    pass(60);
    expect(fired).toEqual(["b", "a", "c"]);
    pass(1000);
    expect(fired).toHaveLength(3);
  });

  test("a cleared one never fires, and clearing twice harms nobody", () => {
    const { deadlines, pass, fired } = setUp();
    const first = deadlines.arm(100, () => fired.push("first"));
    deadlines.arm(100, () => fired.push("second"));
    deadlines.arm(100, () => fired.push("third"));
    first.clear();
    first.clear();
    pass(100);
    expect(fired).toEqual(["second", "third"]);
  });

  test("a restarted one counts from then, behind those that were armed before", () => {
    const { deadlines, pass, fired } = setUp();
    const idle = deadlines.arm(100, () => fired.push("idle"));
    deadlines.arm(100, () => fired.push("other"));
    pass(60);
    idle.restart();
    pass(60);
    expect(fired).toEqual(["other"]);
    pass(40);
    expect(fired).toEqual(["other", "idle"]);
  });

  test("one that arms another while firing does not disturb the rest", () => {
    const { deadlines, pass, fired } = setUp();
    deadlines.arm(10, () => {
      fired.push("first");
      deadlines.arm(10, () => fired.push("again"));
    });
    pass(10);
    pass(10);
    expect(fired).toEqual(["first", "again"]);
  });
});
