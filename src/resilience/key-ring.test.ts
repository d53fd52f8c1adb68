import { describe, expect, test } from "vitest";
import { Secret } from "../canonical/secret.ts";
import { KeyRing } from "./key-ring.ts";

const secrets = ["a", "b", "c"].map((value) => new Secret(value));

function taken(ring: KeyRing, count: number): string[] {
  return Array.from({ length: count }, () => ring.take().secret?.reveal() ?? "");
}

describe("key ring", () => {
  test("uses its keys in turn", () => {
    expect(taken(new KeyRing(secrets, () => 0), 6)).toEqual(["a", "b", "c", "a", "b", "c"]);
  });

  test("passes over a resting key until it has rested", () => {
    let now = 0;
    const ring = new KeyRing(secrets, () => now);
    ring.rest(1, 100);
    expect(taken(ring, 4)).toEqual(["a", "c", "a", "c"]);
    now = 100;
    expect(taken(ring, 3).sort()).toEqual(["a", "b", "c"]);
  });

  test("when all rest, the one that wakes first works: keys never lock a provider out", () => {
    const ring = new KeyRing(secrets, () => 0);
    ring.rest(0, 300);
    ring.rest(1, 100);
    ring.rest(2, 200);
    expect(ring.awake).toBe(false);
    expect(taken(ring, 1)).toEqual(["b"]);
  });

  test("a provider without keys has one empty place", () => {
    expect(new KeyRing([], () => 0).take()).toEqual({ index: 0, secret: undefined });
  });
});
