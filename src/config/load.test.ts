import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { findConfig, loadConfig } from "./load.ts";
import { isConfigError } from "./parse.ts";

const directory = mkdtempSync(join(tmpdir(), "headgate-load-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    if (isConfigError(thrown)) return thrown.message;
    throw thrown;
  }
  return "";
}

describe("the file", () => {
  test("is the one that is named, else HEADGATE_CONFIG, else headgate.yaml, else none", async () => {
    const one = file("one.yaml", "listen: 127.0.0.1:1");
    const two = file("two.json", '{"listen": "127.0.0.1:2"}');
    const empty = mkdtempSync(join(directory, "empty-"));
    const usual = mkdtempSync(join(directory, "usual-"));
    writeFileSync(join(usual, "headgate.yaml"), "listen: 127.0.0.1:3");
    const port = async (options: Parameters<typeof loadConfig>[0]) => (await loadConfig(options)).config.listen.port;
    expect(await port({ path: one, env: { HEADGATE_CONFIG: two }, directory: usual })).toBe(1);
    expect(await port({ env: { HEADGATE_CONFIG: two }, directory: usual })).toBe(2);
    expect(await port({ env: { HEADGATE_CONFIG: "" }, directory: usual })).toBe(3);
    expect(await loadConfig({ env: {}, directory: empty })).toMatchObject({
      source: undefined,
      fingerprint: undefined,
      warnings: [],
      config: { listen: { port: 4000 } },
    });
    expect(await findConfig({ env: {}, directory: usual })).toBe(join(usual, "headgate.yaml"));
  });

  test("that is named and missing is an error, not a start without it", async () => {
    const path = join(directory, "missing.yaml");
    expect(await refusal(loadConfig({ path, env: {} }))).toBe(`${path} there is no such file`);
    expect(await refusal(loadConfig({ env: { HEADGATE_CONFIG: path } }))).toBe(`${path} there is no such file`);
    expect(await refusal(loadConfig({ path: directory, env: {} }))).toContain("this is a directory");
    expect(await refusal(loadConfig({ path: join(file("plain.yaml", ""), "x"), env: {} }))).toContain("there is no such file");
  });

  test("stands in front of each problem", async () => {
    const path = file("wrong.yaml", "# a comment\nlisen: 1\n");
    expect(await refusal(loadConfig({ path, env: {} }))).toBe(`${path}:2:1 lisen: unknown key, did you mean "listen"?`);
  });

  test("must be text of a bearable size", async () => {
    expect(await refusal(loadConfig({ path: file("utf16.yaml", new Uint8Array([0xff, 0xfe, 0x61, 0])), env: {} }))).toContain(
      "not text in UTF-8",
    );
    expect(await refusal(loadConfig({ path: file("big.yaml", "#".repeat(2 ** 20 + 1)), env: {} }))).toContain("larger than 1 MiB");
    if (process.platform === "linux") expect(await refusal(loadConfig({ path: "/dev/zero", env: {} }))).toContain("larger than 1 MiB");
  });

  test("may begin with a byte order mark and end lines as Windows does", async () => {
    expect(
      (await loadConfig({ path: file("windows.yaml", "\uFEFFlisten: 127.0.0.1:7\r\nlog:\r\n  level: warn\r\n"), env: {} })).config,
    ).toMatchObject({ listen: { port: 7 }, log: { level: "warn" } });
  });
});

describe("the environment", () => {
  const path = () => file("full.yaml", "listen: 127.0.0.1:1\nadmin_key: ${ADMIN}\ndatabase: sqlite:a.db\n");

  test("wins over the file", async () => {
    const env = {
      ADMIN: "from-the-file",
      HEADGATE_LISTEN: "0.0.0.0:9",
      HEADGATE_ADMIN_KEY: "from-outside",
      HEADGATE_DATABASE: "sqlite:b.db",
    };
    const { config } = await loadConfig({ path: path(), env });
    expect(config.listen).toEqual({ host: "0.0.0.0", port: 9 });
    expect(config.adminKey?.reveal()).toBe("from-outside");
    expect(config.database?.reveal()).toBe("sqlite:b.db");
  });

  test("counts without a file as well, and not when empty", async () => {
    const empty = mkdtempSync(join(directory, "none-"));
    expect((await loadConfig({ env: { HEADGATE_LISTEN: "[::1]:9" }, directory: empty })).config.listen).toEqual({ host: "::1", port: 9 });
    expect((await loadConfig({ env: { HEADGATE_LISTEN: "" }, directory: empty })).config.listen.port).toBe(4000);
    expect(await refusal(loadConfig({ env: { HEADGATE_LISTEN: "nowhere", HEADGATE_ADMIN_KEY: "hunter2" }, directory: empty }))).toBe(
      'HEADGATE_ADMIN_KEY: expected at least 8 characters\nHEADGATE_LISTEN: expected "host:port", such as "127.0.0.1:4000" or "[::1]:4000"; ":4000" is every address, 4000 alone is loopback; found "nowhere"',
    );
  });
});
