import * as fc from "fast-check";
import { expect, test } from "vitest";
import { expand } from "./expand.ts";

const environment = { NAME: "value", EMPTY: "", TRICKY: "${NAME} $& $1 $$" };

test("puts variables in", () => {
  expect(expand("a ${NAME} b ${NAME}", environment)).toEqual({ text: "a value b value", missing: [], malformed: false, used: true });
});

test("uses the default when the variable is not set or empty", () => {
  expect(expand("${NONE:-x}", environment).text).toBe("x");
  expect(expand("${EMPTY:-x}", environment).text).toBe("x");
  expect(expand("${NAME:-x}", environment).text).toBe("value");
  expect(expand("${NONE:-}", environment)).toMatchObject({ text: "", missing: [] });
  expect(expand("${EMPTY}", environment)).toMatchObject({ text: "", missing: [] });
});

test("names what is missing, each once", () => {
  expect(expand("${A}${B}${A}", environment).missing).toEqual(["A", "B"]);
});

test("does not look again at what it put in", () => {
  expect(expand("${TRICKY}", environment).text).toBe("${NAME} $& $1 $$");
});

test("leaves other dollars alone, and $${ stands for ${", () => {
  expect(expand("$NAME $ $$ $5", environment)).toMatchObject({ text: "$NAME $ $$ $5", used: false });
  expect(expand("$${NAME}", environment)).toMatchObject({ text: "${NAME}", used: false });
});

test("tells a malformed variable", () => {
  for (const text of ["${", "${}", "${1A}", "${A-b}", "${A", "${ A }"]) expect(expand(text, environment).malformed).toBe(true);
});

test("does not find what every object has", () => {
  expect(expand("${constructor}${__proto__}${toString}", environment).missing).toEqual(["constructor", "__proto__", "toString"]);
});

test("any text without variables is left as it is", () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes("${")),
      (text) => {
        expect(expand(text, environment).text).toBe(text);
      },
    ),
  );
});
