/** What the README shows is run as it stands: the configuration is read, the code is executed. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { parseConfig } from "../src/config/parse.ts";
import { discoveredProviders, providerTypes } from "../src/house.ts";
import { openHouse } from "./journeys/house.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
/** Beneath node_modules, so that the examples find the packages that they import. */
const place = join(root, "node_modules", ".cache", `readme-${process.pid}`);

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map((match) => match[1] as string);
}

afterAll(() => rmSync(place, { recursive: true, force: true }));

describe("the README", () => {
  test("its configuration is one that this build takes", () => {
    const [yaml = ""] = blocks("yaml");
    const env = {};
    const discovered = discoveredProviders(env).map((provider) => provider.name);
    const { config, warnings } = parseConfig(yaml, { env, providerTypes: providerTypes(env), discovered });
    expect([...config.models.keys()]).toEqual(["fast", "smart"]);
    expect(warnings).toEqual([]);
  });

  test("its code runs, against a gateway of its own", async () => {
    const house = await openHouse({ providers: { mock: {} } });
    mkdirSync(place, { recursive: true });
    const said: unknown[] = [];
    const log = vi.spyOn(console, "log").mockImplementation((...words: unknown[]) => void said.push(...words));
    try {
      for (const [index, code] of blocks("ts").entries()) {
        const file = join(place, `${index}.ts`);
        const library = pathToFileURL(join(root, "src", "index.ts")).href;
        writeFileSync(
          file,
          code
            .replaceAll("http://127.0.0.1:4000", house.url)
            .replace('from "headgate"', `from ${JSON.stringify(library)}`)
            .replace(/\?\./g, "?."),
        );
        await import(pathToFileURL(file).href);
      }
    } finally {
      log.mockRestore();
      await house.close();
    }
    expect(said).toHaveLength(3);
    expect(JSON.stringify(said)).toMatch(/Hello.*Hello.*Hello/);
  });
});
