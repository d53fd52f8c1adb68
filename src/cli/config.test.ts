import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { durationWords, sizeWords } from "./config.ts";
import { testWorld } from "./testing/world.ts";
import type { TestWorld } from "./testing/world.ts";

let world: TestWorld;
beforeEach(() => {
  world = testWorld({ MY_KEY: "sk-from-the-environment-1234" });
});
afterEach(() => world.remove());

const full = `
listen: 127.0.0.1:4000
admin_key: an-admin-key-of-some-length
database: sqlite:./other.db
providers:
  openai: { api_key: "\${MY_KEY}", headers: { x-secret: sk-header-secret-1234 } }
  anthropic: { api_keys: [sk-literal-one-1234567, sk-literal-two-1234567], models: { custom: { context_window: 200k, price: { input: 3 } } } }
  vllm: { type: openai-compatible, base_url: http://127.0.0.1:8000/v1, api_key: none }
models:
  fast: openai/gpt-5.4-mini
  smart:
    targets: [{ model: anthropic/claude-opus-5-5, weight: 2, set: { temperature: 0.2 }, timeout: { idle: 90s } }, fast]
    timeout: { total: 5m }
    retry: { attempts: 3, on: [429, 5xx] }
keys: [{ name: ci, key: hg-some-static-key, models: [fast], expires: 2027-01-31 }]
prices: { openai/gpt-5.4-mini: { input: 0.75, output: 4.5 } }
`;

describe("headgate config check", () => {
  test("a good one is summed up", async () => {
    const path = world.file("good.yaml", full);
    const { exitCode, out } = await world.headgate("config", "check", path);
    expect(exitCode).toBe(0);
    expect(out).toBe(`✓ ${path}: 3 providers, 2 models, 1 key, listens on 127.0.0.1:4000\n`);
  });

  test("without a file, what the environment allows", async () => {
    expect((await world.headgate("config", "check")).out).toBe(
      "✓ the environment: 1 provider found in the environment, 0 models, 0 keys, listens on 127.0.0.1:4000\n",
    );
  });

  test("problems are printed as compilers print them, all of them, without a stack", async () => {
    const path = world.file("bad.yaml", "providers:\n  opnai: {}\nmodels:\n  fast: { target: [mock/echo] }\n");
    const { exitCode, out, err } = await world.headgate("config", "check", path);
    expect(exitCode).toBe(1);
    expect(out).toBe("");
    expect(err).toContain("the configuration has");
    expect(err).toMatch(/bad\.yaml:2:3 .*did you mean "openai"\?/);
    expect(err).toMatch(/bad\.yaml:4:\d+ .*did you mean "targets"\?/);
    expect(err).not.toContain("    at ");
  });

  test("a file that is not there", async () => {
    const { exitCode, err } = await world.headgate("config", "check", "nowhere.yaml");
    expect(exitCode).toBe(1);
    expect(err).toContain("nowhere.yaml there is no such file");
  });

  test("a file without providers goes by the environment, and its models may name what is found there", async () => {
    const found = testWorld({ OPENAI_API_KEY: "sk-from-the-environment-1234" });
    const path = found.file("headgate.yaml", "models: { fast: openai/gpt-5.4-mini, test: mock/echo }\n");
    const { exitCode, out } = await found.headgate("config", "check", path);
    found.remove();
    expect(exitCode).toBe(0);
    expect(out).toContain("2 providers found in the environment, 2 models");
  });

  test("a file with providers means these and no others", async () => {
    const found = testWorld({ OPENAI_API_KEY: "sk-from-the-environment-1234" });
    const path = found.file("headgate.yaml", "providers: { mock: }\nmodels: { fast: openai/gpt-5.4-mini }\n");
    const { exitCode, err } = await found.headgate("config", "check", path);
    found.remove();
    expect(exitCode).toBe(1);
    expect(err).toContain("headgate.yaml:2:");
  });

  test("what may not listen openly is refused here already", async () => {
    const path = world.file("open.yaml", "listen: 0.0.0.0:4000\nproviders: { mock: }\n");
    expect((await world.headgate("config", "check", path)).err).toContain("admin_key: required when listening on 0.0.0.0:4000");
  });
});

describe("headgate config show", () => {
  test("has everything but the secrets, and is a configuration itself", async () => {
    const path = world.file("headgate.yaml", full);
    const { exitCode, out } = await world.headgate("config", "show", "-c", path);
    expect(exitCode).toBe(0);
    expect(out).not.toMatch(/sk-|hg-some|an-admin-key/);
    expect(out).toContain("idle: 90s");
    expect(out).toContain("body: 32MiB");
    const shown = world.file(
      "shown.yaml",
      out
        .replaceAll('- "[redacted]"\n      - "[redacted]"', "- key-number-one\n      - key-number-two")
        .replace('key: "[redacted]"', "key: another-secret-entirely"),
    );
    const again = await world.headgate("config", "show", "-c", shown);
    expect(again.exitCode).toBe(0);
    expect(again.out).toBe(out);
  });

  test("as JSON", async () => {
    const path = world.file("headgate.yaml", full);
    expect(JSON.parse((await world.headgate("config", "show", "--json", "-c", path)).out)).toMatchObject({
      providers: { vllm: { api_key: "none" } },
      models: { smart: { retry: { attempts: 3 } } },
    });
  });
});

test("headgate config schema is a JSON Schema", async () => {
  const schema = JSON.parse((await world.headgate("config", "schema")).out) as Record<string, unknown>;
  expect(schema["$schema"]).toBe("https://json-schema.org/draft/2020-12/schema");
});

test("durations and sizes in their largest whole unit", () => {
  expect([0, 250, 1500, 90_000, 120_000, 3_600_000].map(durationWords)).toEqual(["0ms", "250ms", "1500ms", "90s", "2m", "1h"]);
  expect([0, 100, 2048, 32 * 1024 ** 2].map(sizeWords)).toEqual(["0B", "100B", "2KiB", "32MiB"]);
});
