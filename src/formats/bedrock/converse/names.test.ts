import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answerTool, fromWireName, toShortId, toWireId, toWireName } from "./names.ts";

/** Of one byte to four, and signs that mean something somewhere. */
const letter = fc.constantFrom("a", "Z", "0", "é", "日", "🙂", "\u2028", "\uFEFF", "\0", "\n", " ", "%", "/", "-", '"', "\\");

const legal = /^[a-zA-Z0-9_-]{1,64}$/;
const name = fc.oneof(
  fc.string({ unit: letter, minLength: 1, maxLength: 200 }),
  fc.stringMatching(/^[a-z_.:/-]{1,130}$/),
  fc.constantFrom("hgfn-", "hgal-x", answerTool, "hgfn-fs-2e-read", "名", "mcp__files__read"),
);

describe("tool names on the wire", () => {
  test("the model still reads words", () => {
    expect(toWireName("mcp__files__read")).toBe("mcp__files__read");
    expect(toWireName("fs.read")).toBe("hgfn-fs-2e-read");
    expect(toWireName(`mcp__a_server_with_a_very_long_name_indeed__${"x".repeat(10)}_read_the_whole_file`)).toMatch(
      /^hgal-.*_read_the_whole_file_[0-9A-Za-z]{15}$/,
    );
  });

  test("any name becomes legal, keeps apart from all others, and comes back", () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(toWireName(one)).toMatch(legal);
        expect(fromWireName(toWireName(one))).toBe(one);
        if (one !== other) expect(toWireName(one)).not.toBe(toWireName(other));
      }),
    );
  });

  test("long names that differ in one letter anywhere keep apart", () => {
    const base = "mcp__server__" + "a".repeat(100);
    const wires = new Set<string>();
    for (let at = 0; at < base.length; at++) wires.add(toWireName(`${base.slice(0, at)}b${base.slice(at + 1)}`));
    expect(wires.size).toBe(base.length);
  });

  test("the same name has the same alias always: the prompt cache holds", () => {
    const long = "x".repeat(100);
    expect(toWireName(long)).toBe(toWireName(long));
    expect(toWireName(long)).toBe("hgal-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_ZfFS9OWNGITJ5Oz");
  });

  test("the tool that stands for an answer has a name that no other tool gets", () => {
    expect(toWireName(answerTool)).not.toBe(answerTool);
    expect(fromWireName(toWireName(answerTool))).toBe(answerTool);
  });

  test("names that were not made here come back as they are", () => {
    for (const foreign of ["hgfn-plain", "hgfn-x-zz-y", "hgal-unknown", "look", ""]) expect(fromWireName(foreign)).toBe(foreign);
  });
});

describe("tool ids on the wire", () => {
  test("any id becomes legal, keeps apart from all others, and is the same each time", () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(toWireId(one)).toMatch(legal);
        expect(toWireId(one)).toBe(toWireId(one));
        if (one !== other) expect(toWireId(one)).not.toBe(toWireId(other));
      }),
    );
    expect(toWireId("")).toMatch(legal);
    expect(toWireId("toolu_01A-b")).toBe("toolu_01A-b");
  });

  test("nine letters and digits, where the model takes no other", () => {
    expect(toShortId("aB3dE6gH9")).toBe("aB3dE6gH9");
    expect(toShortId("toolu_1")).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(toShortId("toolu_1")).not.toBe(toShortId("toolu_2"));
  });
});
