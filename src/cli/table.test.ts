import { describe, expect, test } from "vitest";
import { colours } from "./colour.ts";
import { table } from "./table.ts";
import { displayWidth } from "./text.ts";
import type { Output } from "./world.ts";

const plain: Output = { write: () => {}, colours: colours(false), isTerminal: false, width: undefined };

describe("a table", () => {
  test("has words to the left, numbers to the right, and totals below a line", () => {
    const text = table(
      [{ title: "model" }, { title: "calls", align: "right" }],
      [
        ["openai/gpt", "1,200"],
        ["模型", "7"],
      ],
      plain,
      { footer: [["total", "1,207"]] },
    );
    expect(text).toBe(
      ["model       calls", "openai/gpt  1,200", "模型            7", "─────────────────", "total       1,207", ""].join("\n"),
    );
  });

  test("has no spaces at the ends of its lines", () => {
    const text = table(
      [{ title: "a" }, { title: "b" }],
      [
        ["x", ""],
        ["x", "y"],
      ],
      plain,
    );
    expect(text.split("\n").every((line) => line === line.trimEnd())).toBe(true);
  });

  test("is cut to the terminal where a column may shrink, and never where none may", () => {
    const columns = [
      { title: "name", shrinks: true },
      { title: "number", align: "right" as const },
    ];
    const rows = [["a-very-long-name-of-a-model-from-somewhere", "1"]];
    const narrow = table(columns, rows, { ...plain, width: 30 });
    expect(narrow.split("\n").every((line) => displayWidth(line) <= 30)).toBe(true);
    expect(narrow).toContain("…");
    expect(table([{ title: "name" }, { title: "number" }], rows, { ...plain, width: 30 })).toContain("somewhere");
  });

  test("keeps its columns when it has colours, and shows nothing that steers the terminal", () => {
    const output = { ...plain, colours: colours(true) };
    const text = table(
      [{ title: "a" }, { title: "b" }],
      [
        [{ text: "x\u001b[0m", paint: output.colours.red }, "z"],
        ["yyyyyy", "z"],
      ],
      output,
    );
    expect(text).toContain("\u001b[31mx?[0m\u001b[39m ");
  });
});
