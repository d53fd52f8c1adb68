import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildProgram } from "./program.ts";
import { version } from "./version.ts";
import { testWorld } from "./testing/world.ts";
import type { TestWorld } from "./testing/world.ts";
import { wantsColour } from "./world.ts";

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

describe("the command line", () => {
  test("without words shows the first three things to do, and ends well", async () => {
    const { exitCode, out } = await world.headgate();
    expect(exitCode).toBe(0);
    expect(out.indexOf("headgate demo")).toBeLessThan(out.indexOf("headgate serve"));
    expect(out.indexOf("headgate serve")).toBeLessThan(out.indexOf("headgate doctor"));
  });

  test("--version prints the version alone", async () => {
    expect(await world.headgate("--version")).toEqual({ exitCode: 0, out: `${version}\n`, err: "" });
    expect((await world.headgate("version")).out).toContain(`headgate ${version} (`);
  });

  test.each([
    [["srve"], "serve"],
    [["usage", "--lats", "7d"], "--last"],
    [["keys", "lst"], "list"],
  ])("%j is a mistake of usage, and the nearest name is given", async (words, meant) => {
    const { exitCode, out, err } = await world.headgate(...words);
    expect(exitCode).toBe(2);
    expect(out).toBe("");
    expect(err).toContain(`(Did you mean ${meant}?)`);
  });

  test("a missing argument is a mistake of usage", async () => {
    expect(await world.headgate("keys", "new")).toMatchObject({ exitCode: 2, out: "" });
    expect((await world.headgate("usage", "--json", "--csv")).exitCode).toBe(2);
  });

  test("every command teaches: two lines on what it does, and an example that names it", async () => {
    const untaught: string[] = [];
    const look = async (words: string[], commands: ReturnType<typeof buildProgram>["commands"]): Promise<void> => {
      for (const command of commands) {
        const path = [...words, command.name()];
        if (command.description().split("\n").length < 2) untaught.push(`${path.join(" ")}: description`);
        if (command.commands.length > 0) await look(path, command.commands);
        else if (
          !["version", "bench"].includes(command.name()) &&
          !(await world.headgate(...path, "--help")).out.includes(`headgate ${path.join(" ")}`)
        )
          untaught.push(`${path.join(" ")}: example`);
      }
    };
    await look([], buildProgram(world, () => {}).commands);
    expect(untaught).toEqual([]);
  });
});

test("colours are for terminals, unless the environment says otherwise", () => {
  expect(wantsColour({}, true)).toBe(true);
  expect(wantsColour({}, false)).toBe(false);
  expect(wantsColour({ NO_COLOR: "1" }, true)).toBe(false);
  expect(wantsColour({ NO_COLOR: "" }, true)).toBe(true);
  expect(wantsColour({ FORCE_COLOR: "1" }, false)).toBe(true);
  expect(wantsColour({ FORCE_COLOR: "0" }, true)).toBe(false);
  expect(wantsColour({ TERM: "dumb" }, true)).toBe(false);
});
