import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { editFields, outline } from "./json-text.ts";

const limits = { maxDepth: 128, maxNodes: 200_000 };

function edit(text: string, edits: Record<string, never>): string | undefined {
  const found = outline(text, limits);
  return found && editFields(text, found, edits);
}

describe("outline", () => {
  test("finds each top-level field, whatever its value holds", () => {
    const text = ' { "a" : "x\\"}" , "b":[{"a":1},"]"], "c": -1.5e3 ,"d":null}';
    const found = outline(text, limits);
    expect(found?.fields.map(({ key, valueStart, end }) => [key, text.slice(valueStart, end)])).toEqual([
      ["a", '"x\\"}"'],
      ["b", '[{"a":1},"]"]'],
      ["c", "-1.5e3"],
      ["d", "null"],
    ]);
  });

  test("agrees with the parser on any object", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((key) => !/[\\"\u0000-\u001f]/.test(key) && key !== "__proto__"),
          fc.jsonValue(),
        ),
        fc.constantFrom(0, 1, 2),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          const found = outline(text, limits);
          expect(found?.fields.map(({ key, valueStart, end }) => [key, JSON.parse(text.slice(valueStart, end))])).toEqual(
            Object.entries(JSON.parse(text) as object),
          );
        },
      ),
    );
  });

  test("never loops or throws anything but its limits on arbitrary text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "a", "1", " "), maxLength: 40 }), (text) => {
        outline(text, limits);
      }),
    );
  });

  test("refuses what would block the parser: depth and number of nodes", () => {
    const deep = `{"a":${"[".repeat(200)}${"]".repeat(200)}}`;
    expect(() => outline(deep, limits)).toThrow(/128 levels/);
    expect(() => outline(`{"a":[${"{},".repeat(200_000)}{}]}`, limits)).toThrow(/too many/);
  });

  test("refuses it as well where there is no outline to be had: a list, a key in disguise, a flood of fields", () => {
    expect(() => outline(`[${"{},".repeat(200_000)}{}]`, limits)).toThrow(/too many/);
    expect(() => outline("[".repeat(200), limits)).toThrow(/128 levels/);
    expect(() => outline(`{"\\u0061":1,"b":[${"{},".repeat(200_000)}{}]}`, limits)).toThrow(/too many/);
    expect(() => outline(`{${'"a":1,'.repeat(200_001)}"a":1}`, limits)).toThrow(/too many/);
  });

  test("leaves to the parser what it cannot be sure of", () => {
    for (const text of ["", "[]", "null", '"x"', '{"a"', '{"a":', '{"mod\\u0065l":1}', "{a:1}"])
      expect(outline(text, limits)).toBeUndefined();
  });
});

describe("editFields", () => {
  test("changes a value and leaves every other byte", () => {
    const text = '{"big": 12345678901234567890, "model" : "a" ,"x":1.0}';
    expect(edit(text, { model: "b" } as never)).toBe('{"big": 12345678901234567890, "model" : "b" ,"x":1.0}');
  });

  test("removes a field wherever it stands, with one comma", () => {
    expect(edit('{"a":1,"b":2,"c":3}', { a: undefined } as never)).toBe('{"b":2,"c":3}');
    expect(edit('{"a":1,"b":2,"c":3}', { b: undefined } as never)).toBe('{"a":1,"c":3}');
    expect(edit('{"a":1,"b":2,"c":3}', { c: undefined } as never)).toBe('{"a":1,"b":2}');
    expect(edit('{"a":1}', { a: undefined } as never)).toBe("{}");
    expect(edit('{"a":1,"b":2}', { a: undefined, b: undefined } as never)).toBe("{}");
  });

  test("adds a field that was not there, also to an empty object", () => {
    expect(edit("{}", { a: 1 } as never)).toBe('{"a":1}');
    expect(edit('{"b":2}', { a: { c: [1] } } as never)).toBe('{"b":2,"a":{"c":[1]}}');
  });

  test("gives up on a field that stands twice: who knows which one the vendor reads", () => {
    expect(edit('{"model":"a","model":"b"}', { model: "c" } as never)).toBeUndefined();
  });

  test("means what editing the object means", () => {
    const name = fc.constantFrom("a", "b", "c", "d");
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.jsonValue()),
        fc.dictionary(name, fc.option(fc.jsonValue(), { nil: undefined })),
        (value, edits) => {
          const text = JSON.stringify(value);
          const expected: Record<string, unknown> = { ...JSON.parse(text) };
          for (const [key, replacement] of Object.entries(edits)) {
            if (replacement === undefined) delete expected[key];
            else expected[key] = JSON.parse(JSON.stringify(replacement));
          }
          expect(JSON.parse(edit(text, edits as never) as string)).toEqual(expected);
        },
      ),
    );
  });
});
