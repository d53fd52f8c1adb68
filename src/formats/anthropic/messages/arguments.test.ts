import { describe, expect, test } from "vitest";
import { toInputObject } from "./arguments.ts";

describe("arguments as an object", () => {
  test("nothing, blank and null are the empty object", () => {
    for (const text of ["", "  ", "null", "{}"]) expect(toInputObject(text)).toEqual({ input: {}, mending: "none" });
  });

  test("what is no object is put into one", () => {
    expect(toInputObject("[1]")).toEqual({ input: { value: [1] }, mending: "wrapped" });
    expect(toInputObject('"{\\"a\\":1}"')).toEqual({ input: { a: 1 }, mending: "wrapped" });
    expect(toInputObject('{"a":')).toEqual({ input: { text: '{"a":' }, mending: "wrapped" });
  });

  test("long integers keep every digit, or the rounding is told where the runtime cannot", () => {
    const text = '{"id":12345678901234567890,"list":[9007199254740993],"n":1.5}';
    const { input, mending } = toInputObject(text);
    if ("rawJSON" in JSON) {
      expect(JSON.stringify(input)).toBe(text);
      expect(mending).toBe("none");
    } else expect(mending).toBe("rounded");
  });

  test("a long string of digits is no number", () => {
    expect(toInputObject('{"id":"12345678901234567890"}')).toEqual({ input: { id: "12345678901234567890" }, mending: "none" });
  });
});
