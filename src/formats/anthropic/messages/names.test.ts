import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromWireId, fromWireName, toWireId, toWireName } from "./names.ts";

describe("tool ids on the wire", () => {
  test("a legal id stays as it is, in both directions", () => {
    expect(toWireId("toolu_01A-b")).toBe("toolu_01A-b");
    expect(fromWireId("toolu_01A-b")).toBe("toolu_01A-b");
    expect(fromWireId("hgid-not made here")).toBe("hgid-not made here");
    expect(fromWireId("hgid-plain")).toBe("hgid-plain");
  });

  test("any id becomes legal, keeps apart from all others, and comes back", () => {
    const id = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "functions.x:0", "call|1", "hgid-", "hgid-functions-2e-x", "名"),
    );
    fc.assert(
      fc.property(id, id, (one, other) => {
        expect(toWireId(one)).toMatch(/^[a-zA-Z0-9_-]+$/);
        expect(fromWireId(toWireId(one))).toBe(one);
        if (one !== other) expect(toWireId(one)).not.toBe(toWireId(other));
      }),
    );
  });
});

describe("tool names on the wire", () => {
  test("the model still reads words", () => {
    expect(toWireName("fs.read")).toBe("hgfn-fs-2e-read");
    expect(fromWireName("hgfn-fs-2e-read")).toBe("fs.read");
    expect(toWireName("mcp__files__read")).toBe("mcp__files__read");
  });

  test("a name that is too long even so has no wire form", () => {
    expect(toWireName("x".repeat(128))).toHaveLength(128);
    expect(toWireName("x".repeat(129))).toBeUndefined();
    expect(toWireName(".".repeat(40))).toBeUndefined();
  });
});
