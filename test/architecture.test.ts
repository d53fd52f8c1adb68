/** Who may import whom: reads the import lines of every source file and holds them against one table. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const src = join(root, "src");

/**
 * Folder, or file, under src → the folders and files it may import besides itself.
 * `files`: within the folder, siblings may not import each other freely (formats, drivers): see below.
 */
const may: Record<string, readonly string[]> = {
  canonical: [],
  formats: ["canonical"],
  upstream: ["canonical"],
  resilience: ["canonical"],
  routing: ["canonical"],
  stores: ["canonical"],
  telemetry: ["canonical", "stores/ports.ts"],
  accounts: ["canonical", "stores/ports.ts"],
  config: ["canonical"],
  providers: ["canonical", "formats/codec.ts", "formats/operation.ts"],
  mock: ["canonical", "formats/codec.ts"],
  operations: ["canonical", "doors/read-body.ts", "formats/codec.ts", "formats/operation.ts", "stages", "upstream"],
  stages: ["canonical", "formats/codec.ts", "formats/operation.ts", "upstream", "resilience", "routing/policy.ts", "stores/ports.ts"],
  answer: ["canonical", "formats/codec.ts", "formats/operation.ts", "stages", "upstream"],
  doors: ["canonical", "formats/codec.ts", "operations/operation.ts", "upstream", "accounts"],
  "pipeline.ts": ["stages"],
  "handle.ts": ["canonical", "accounts", "answer", "doors", "pipeline.ts", "stages"],
  "house.ts": ["canonical", "accounts", "config", "formats/codec.ts", "providers", "resilience", "routing", "stages", "upstream"],
  "gateway.ts": [
    "canonical",
    "accounts",
    "answer",
    "config",
    "doors",
    "formats",
    "handle.ts",
    "house.ts",
    "mock",
    "operations",
    "providers",
    "resilience",
    "stages",
    "stores",
    "telemetry",
    "upstream",
  ],
  "index.ts": ["canonical", "answer", "config", "gateway.ts", "house.ts", "stages", "stores", "telemetry"],
  runtimes: ["index.ts"],
  cli: [
    "index.ts",
    "canonical",
    "config",
    "formats/codec.ts",
    "gateway.ts",
    "house.ts",
    "mock",
    "providers",
    "runtimes",
    "stores",
    "telemetry",
  ],
  "main.ts": ["cli"],
};

/** What all formats share. */
const sharedFormats = ["formats/codec.ts", "formats/operation.ts"];

/** Only these folders may use a runtime's own modules; the rest must run on web standards alone. */
const mayUseNode = ["cli", "config/load.ts", "config/watch.ts", "main.ts", "providers/auth/node-sources.ts", "runtimes", "stores/drivers"];

interface Import {
  file: string;
  target: string;
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((file) => normalize(file))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.endsWith(".contract.ts"));

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), "utf8");
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g)].map(
    (match) => (match[1] ?? match[2]) as string,
  );
}

function ownImports(): Import[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter((name) => name.startsWith("."))
      .map((name) => ({ file, target: relative(src, join(src, dirname(file), name)) })),
  );
}

function roomOf(file: string): string {
  return file.split("/")[0] as string;
}

describe("the house", () => {
  test("every room stands in the table", () => {
    const rooms = new Set(files.map(roomOf));
    expect([...rooms].filter((room) => !(room in may))).toEqual([]);
    expect(Object.keys(may).filter((room) => !rooms.has(room))).toEqual([]);
  });

  test("rooms import only what the table allows", () => {
    const trespasses = ownImports().filter(({ file, target }) => {
      const room = roomOf(file);
      if (roomOf(target) === room || target === "../package.json") return false;
      return !(may[room] ?? []).some((allowed) => target === allowed || target.startsWith(`${allowed}/`));
    });
    expect(trespasses).toEqual([]);
  });

  test("a format knows no other format, and a store driver no other driver", () => {
    const trespasses = ownImports().filter(({ file, target }) => {
      if (file.startsWith("formats/") && target.startsWith("formats/") && !sharedFormats.includes(target))
        return file.split("/")[1] !== target.split("/")[1];
      return (
        file.startsWith("stores/drivers/") &&
        target.startsWith("stores/drivers/") &&
        driver(file) !== driver(target) &&
        driver(target) !== "migrations"
      );
    });
    expect(trespasses).toEqual([]);
  });

  test("only the edges touch a runtime", () => {
    const trespasses = files.flatMap((file) =>
      importsOf(file)
        .filter(
          (name) =>
            (name.startsWith("node:") || name.startsWith("bun:") || name === "bun") &&
            !mayUseNode.some((place) => file === place || file.startsWith(`${place}/`)),
        )
        .map((name) => `${file}: ${name}`),
    );
    expect(trespasses).toEqual([]);
  });

  test("no vendor is named outside of providers, its format and its configuration", () => {
    const named = /["'`](?:openai|anthropic|groq|deepseek|mistral|xai|openrouter|ollama|bedrock|vertex|azure|cohere)["'`]/;
    const shared = [
      "canonical",
      "stages",
      "answer",
      "upstream",
      "resilience",
      "routing",
      "accounts",
      "telemetry",
      "pipeline.ts",
      "handle.ts",
      "house.ts",
    ];
    const trespasses = files
      .filter((file) => shared.includes(roomOf(file)))
      .filter((file) => named.test(readFileSync(join(src, file), "utf8")));
    expect(trespasses).toEqual([]);
  });

  test("every source file says in its first line what it is for", () => {
    const mute = files.filter((file) => !readFileSync(join(src, file), "utf8").startsWith("/**"));
    expect(mute).toEqual([]);
  });
});

function driver(file: string): string {
  return (file.split("/")[2] as string).replace(/\.ts$/, "").split("-")[0] as string;
}
