import { chmodSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { examineClock, examineRuntime } from "./doctor/machine.ts";
import type { Finding } from "./doctor/finding.ts";
import { noon, testWorld } from "./testing/world.ts";
import type { TestWorld } from "./testing/world.ts";

let world: TestWorld;
const servers: Server[] = [];
beforeEach(() => {
  world = testWorld({}, { now: Date.now() });
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  world.remove();
});

interface Seen {
  path: string;
  headers: IncomingHttpHeaders;
}

/** A provider that answers every question in one way. Its address, and what it was asked. */
async function provider(status: number, body: unknown, headers: Record<string, string> = {}): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    seen.push({ path: request.url ?? "", headers: request.headers });
    response
      .writeHead(status, { "content-type": "application/json", connection: "close", ...headers })
      .end(typeof body === "string" ? body : JSON.stringify(body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function examine(config: string): Promise<{ exitCode: number; of: (check: string) => Finding | undefined; all: Finding[] }> {
  const path = world.file("headgate.yaml", `listen: 127.0.0.1:0\n${config}`);
  chmodSync(path, 0o600);
  const { exitCode, out } = await world.headgate("doctor", "--json", "-c", path);
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  return { exitCode, of: (check) => findings.find((finding) => finding.check === check), all: findings };
}

const openaiList = { object: "list", data: [{ id: "gpt-5.4-mini" }, { id: "gpt-6-astra" }] };

describe("headgate doctor", () => {
  test("asks each provider for its models in its own way, and all is well", async () => {
    const openai = await provider(200, openaiList);
    const anthropic = await provider(200, { data: [{ id: "claude-opus-5-5" }], has_more: false });
    const { exitCode, of, all } = await examine(`providers:
  openai: { base_url: "${openai.url}/v1", api_key: key-one-12345678 }
  anthropic: { base_url: "${anthropic.url}", api_key: key-two-12345678 }
models: { fast: openai/gpt-5.4-mini }
`);
    expect(all.filter((finding) => finding.status === "fail")).toEqual([]);
    expect(exitCode).toBe(0);
    expect(of("openai")?.message).toContain("takes the key and offers 2 models");
    expect(openai.seen).toMatchObject([{ path: "/v1/models", headers: { authorization: "Bearer key-one-12345678" } }]);
    expect(anthropic.seen).toMatchObject([
      { path: "/v1/models?limit=1000", headers: { "x-api-key": "key-two-12345678", "anthropic-version": "2023-06-01" } },
    ]);
  });

  test("a refused key fails, and no part of a key is repeated", async () => {
    const { url } = await provider(401, {
      error: { message: "Incorrect API key provided: key-one-********5678. See https://example.com" },
    });
    const { exitCode, of } = await examine(
      `providers: { openai: { base_url: "${url}/v1", api_keys: [key-one-12345678, key-two-12345678] } }\n`,
    );
    expect(exitCode).toBe(1);
    expect(of("openai (key 1)")).toMatchObject({ status: "fail" });
    expect(of("openai (key 2)")?.message).toContain("refuses the key (401: Incorrect API key provided: …");
    expect(of("openai (key 2)")?.message).not.toContain("5678");
  });

  test.each([
    [429, {}, "warn", "limits the rate"],
    [500, {}, "warn", "fails (500)"],
    [404, {}, "warn", "no list of models"],
    [402, {}, "fail", "wants to be paid"],
    [200, "<html>hello</html>", "warn", "not with a list of models"],
  ])("status %i with %j: %s", async (status, body, verdict, words) => {
    const { url } = await provider(status, body);
    const { of } = await examine(`providers: { openai: { base_url: "${url}/v1", api_key: key-one-12345678 } }\n`);
    expect(of("openai")).toMatchObject({ status: verdict });
    expect(of("openai")?.message).toContain(words);
  });

  test("a redirect is not followed: the key stays here", async () => {
    const elsewhere = await provider(200, openaiList);
    const { url } = await provider(302, "", { location: `${elsewhere.url}/v1/models` });
    const { of } = await examine(`providers: { openai: { base_url: "${url}/v1", api_key: key-one-12345678 } }\n`);
    expect(of("openai")).toMatchObject({ status: "fail" });
    expect(elsewhere.seen).toEqual([]);
  });

  test("nobody there", async () => {
    const { url } = await provider(200, openaiList);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const { exitCode, of } = await examine(`providers: { local: { type: ollama, base_url: "${url}" } }\n`);
    expect(exitCode).toBe(1);
    expect(of("local")).toMatchObject({
      status: "fail",
      message: `nothing listens at ${url.replace("http://", "")}`,
      advice: "Start it, or correct base_url.",
    });
  });

  test("a target that the provider does not list", async () => {
    const { url } = await provider(200, openaiList);
    const { of } = await examine(
      `providers: { openai: { base_url: "${url}/v1", api_key: key-one-12345678 } }\nmodels: { fast: openai/gpt-5.4-mni }\n`,
    );
    expect(of("model fast")).toMatchObject({ status: "warn", message: 'openai does not list "gpt-5.4-mni"' });
  });

  test("a missing key fails, with the variable to set", async () => {
    const { url } = await provider(401, {});
    const { exitCode, of } = await examine(`providers: { groq: { base_url: "${url}" } }\n`);
    expect(exitCode).toBe(1);
    expect(of("groq key")?.message).toBe("no key: set GROQ_API_KEY");
  });

  test("keys in a file that others can read", async () => {
    const path = world.file("open.yaml", "providers: { mock: }\nkeys: [{ name: ci, key: literal-key-12345678 }]\nlisten: 127.0.0.1:0\n");
    chmodSync(path, 0o644);
    const { out } = await world.headgate("doctor", "-c", path);
    expect(out).toContain("(keys[0].key), and is open to every user of this machine");
    expect(out).toContain(`chmod 600 ${path}`);
    chmodSync(path, 0o600);
    expect((await world.headgate("doctor", "-c", path)).out).toContain("only its owner can read it");
  });

  test("a broken configuration is a failure with its place, and the rest is still looked at", async () => {
    const { exitCode, of } = await examine("provders: {}\n");
    expect(exitCode).toBe(1);
    expect(of("configuration")?.message).toMatch(/headgate\.yaml:2:1 provders: unknown key, did you mean "providers"\?/);
    expect(of("runtime")).toBeDefined();
  });

  test("a database where none can be", async () => {
    mkdirSync(join(world.directory, "directory.db"));
    const { of } = await examine("providers: { mock: }\ndatabase: sqlite:./directory.db\n");
    expect(of("database")).toMatchObject({ status: "fail" });
    expect((await examine("providers: { mock: }\ndatabase: sqlite:./nowhere/headgate.db\n")).of("database")?.message).toContain(
      "nowhere does not exist",
    );
    expect((await examine("providers: { mock: }\ndatabase: 'memory:'\n")).of("database")).toMatchObject({ status: "warn" });
  });

  test("leaves no database behind", async () => {
    const { of } = await examine("providers: { mock: }\n");
    expect(of("database")?.message).toContain("is made at the first start");
    expect((await world.headgate("usage")).out).toContain("There is no database yet");
  });

  test("a port that is taken", async () => {
    const { url } = await provider(200, {});
    const path = world.file("port.yaml", `listen: "${url.replace("http://", "")}"\nproviders: { mock: }\n`);
    const { exitCode, out } = await world.headgate("doctor", "-c", path);
    expect(exitCode).toBe(1);
    expect(out).toMatch(/FAIL +port +127\.0\.0\.1:\d+ is in use by another program/);
  });
});

test("the clock is compared with the providers'", () => {
  expect(examineClock(noon, [undefined, 200, -300])).toMatchObject({ status: "ok" });
  expect(examineClock(noon, [])).toMatchObject({ status: "ok" });
  expect(examineClock(noon, [180_000, 181_000, 0])).toMatchObject({ status: "warn", message: "is 3 m 00 s behind the providers'" });
  expect(examineClock(0, [])).toMatchObject({ status: "fail", message: "this machine believes it is 1970-01-01" });
});

test("a connection cap that is too low is said", () => {
  if (process.versions["bun"] === undefined) expect(examineRuntime({})).toMatchObject([{ status: "warn" }]);
  else {
    expect(examineRuntime({ BUN_CONFIG_MAX_HTTP_REQUESTS: "100" })).toMatchObject([
      { status: "ok" },
      { check: "connections", status: "warn" },
    ]);
    expect(examineRuntime({})).toMatchObject([{ status: "ok" }]);
  }
});
