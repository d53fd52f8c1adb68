import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../stores/open.ts";
import { eventually, scene } from "./testing/server.ts";
import type { Scene, TestServer } from "./testing/server.ts";

let here: Scene;
beforeEach(() => {
  here = scene();
});
afterEach(() => here.end());

async function textOf(response: Response): Promise<string> {
  const body = (await response.json()) as { choices?: { message: { content: string } }[] };
  return body.choices?.[0]?.message.content ?? "";
}

function recorded(): ReturnType<typeof openStore> {
  return openStore(`sqlite:${join(here.directory, "headgate.db")}`);
}

/** Waits until a model is known, or is no longer. */
async function modelAnswers(server: TestServer, model: string, status: number): Promise<boolean> {
  return (await eventually(async () => ((await server.chat(model)).status === status ? true : undefined), 8000)) ?? false;
}

describe("starting", () => {
  test("with nothing at all, the mock provider answers, and the start-up message says how to try it", async () => {
    const server = await here.start();
    const response = await server.chat("mock/echo");
    expect(response.status).toBe(200);
    expect(await textOf(response)).toBe("Hello");
    const message = server.stdout();
    expect(message).toContain("no file: going by the environment");
    expect(message).toMatch(/Providers +mock +built in, needs no key/);
    expect(message).toContain("sqlite:./headgate.db (no calls yet)");
    expect(message).toContain("Open: everyone on this machine may call without a key.");
    expect(message).toContain(`curl ${server.url}/v1/chat/completions -H 'content-type: application/json' -d '{"model":"mock/echo"`);
  });

  test("says where each key comes from, and never the key", async () => {
    const config = here.file(
      "headgate.yaml",
      `listen: 127.0.0.1:0
providers:
  openai: { api_key: "\${MY_KEY}" }
  anthropic: { api_keys: [sk-ant-literal-1234567890, sk-ant-literal-0987654321] }
  groq:
  xai:
  mock:
models: { fast: openai/gpt-5.4-mini }
keys: [{ name: ci, key: hg-static-client-key }]
`,
    );
    const server = await here.start({
      words: ["--config", config],
      env: { MY_KEY: "sk-from-the-environment", GROQ_API_KEY: "gsk-also-from-there" },
    });
    const message = server.stdout();
    expect(message).toMatch(/openai +key from MY_KEY/);
    expect(message).toMatch(/anthropic +2 keys from \S*headgate\.yaml/);
    expect(message).toMatch(/groq +key from GROQ_API_KEY/);
    expect(message).toMatch(/xai +no key: set XAI_API_KEY/);
    expect(message).toContain("fast  → openai/gpt-5.4-mini");
    expect(message).toMatch(/client keys: 1 in \S*headgate\.yaml/);
    expect(message).toContain('-H "authorization: Bearer $HEADGATE_KEY"');
    expect(message + server.stderr()).not.toMatch(/sk-|gsk-|hg-static/);
  });

  test("without the variable that Bun reads before it starts, it starts itself anew, once", async () => {
    const server = await here.start({ env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "" } });
    expect((await server.chat("mock/echo")).status).toBe(200);
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  test("refuses to be open to other machines", async () => {
    const { exitCode, err } = await here.headgate("serve", "--listen", "0.0.0.0:0");
    expect(exitCode).toBe(1);
    expect(err).toContain("admin_key: required when listening on 0.0.0.0:0");
    expect(err).not.toContain("    at ");
  });

  test("with an admin key it may listen everywhere, and then nobody calls without a key", async () => {
    const server = await here.start({ words: ["--listen", "0.0.0.0:0"], env: { HEADGATE_ADMIN_KEY: "an-admin-key-of-some-length" } });
    expect(server.stdout()).toContain("Calls need a key, and there is none yet");
    const url = server.url.replace("0.0.0.0", "127.0.0.1");
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
  });

  test("an address that is none is the user's mistake: exit code 2", async () => {
    const { exitCode, err } = await here.headgate("serve", "--listen", "nowhere");
    expect(exitCode).toBe(2);
    expect(err).toContain("--listen nowhere is not an address");
  });

  test("a port that another Headgate has is named as such", async () => {
    const server = await here.start();
    const port = new URL(server.url).port;
    const { exitCode, err } = await here.headgate("serve", "--listen", `127.0.0.1:${port}`);
    expect(exitCode).toBe(1);
    expect(err).toContain(`Port ${port} is in use: another Headgate listens there already`);
    expect(err).toContain(`--listen 127.0.0.1:${Number(port) + 1}`);
    expect(err).not.toContain("    at ");
  });

  test("a port that another program has is too", async () => {
    const other = createServer((socket) => void socket.on("error", () => {}));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const { exitCode, err } = await here.headgate("serve", "--listen", `127.0.0.1:${port}`);
    other.close();
    expect(exitCode).toBe(1);
    expect(err).toContain(`Port ${port} is in use: another program listens there already`);
  });

  test("a configuration with problems is refused with file, line and column", async () => {
    here.file("headgate.yaml", "providers:\n  mock:\nmodles: {}\n");
    const { exitCode, err } = await here.headgate("serve");
    expect(exitCode).toBe(1);
    expect(err).toContain('headgate.yaml:3:1 modles: unknown key, did you mean "models"?');
  });
});

describe("reloading", () => {
  const withAliases = (...names: string[]): string =>
    `listen: 127.0.0.1:0\nproviders: { mock: }\nmodels:\n${names.map((name) => `  ${name}: mock/echo\n`).join("")}`;

  test("a valid change is live at once, and a stream under way goes on untouched", async () => {
    here.file("headgate.yaml", withAliases("one"));
    const server = await here.start({ words: [] });
    const stream = await server.chat("mock/stream-40x50", { stream: true });
    here.file("headgate.yaml", withAliases("one", "two"));
    expect(await modelAnswers(server, "two", 200)).toBe(true);
    const events = (await stream.text()).split("\n\n").filter((event) => event.includes('"content":"'));
    expect(events.length).toBeGreaterThanOrEqual(40);
    expect(server.stderr()).toContain("the new configuration is live");
  });

  test("an invalid change is refused in words, and the old configuration stays", async () => {
    here.file("headgate.yaml", withAliases("one"));
    const server = await here.start({ words: [] });
    here.file("headgate.yaml", "providers: { mock: }\nmodels:\n  one: mokc/echo\n");
    const refused = await eventually(() => (server.stderr().includes("cannot be used") ? server.stderr() : undefined), 8000);
    expect(refused).toContain("headgate.yaml:3:");
    expect(refused).toContain('did you mean \\"mock/echo\\"');
    expect((await server.chat("one")).status).toBe(200);
    here.file("headgate.yaml", withAliases("one", "three"));
    expect(await modelAnswers(server, "three", 200)).toBe(true);
  });

  test("a change that would open a gateway to other machines is refused", async () => {
    here.file("headgate.yaml", "listen: 0.0.0.0:0\nadmin_key: an-admin-key-of-some-length\nproviders: { mock: }\n");
    const server = await here.start({ words: [] });
    here.file("headgate.yaml", "listen: 127.0.0.1:0\nproviders: { mock: }\n");
    const refused = await eventually(() => (server.stderr().includes("cannot be used") ? server.stderr() : undefined), 8000);
    expect(refused).toContain("admin_key: required");
    expect((await fetch(`${server.url.replace("0.0.0.0", "127.0.0.1")}/v1/models`)).status).toBe(401);
  });

  test("what needs a restart is said", async () => {
    here.file("headgate.yaml", withAliases("one"));
    const server = await here.start({ words: [] });
    here.file("headgate.yaml", `${withAliases("one", "two")}database: sqlite:./other.db\n`);
    expect(await modelAnswers(server, "two", 200)).toBe(true);
    expect(await eventually(() => (server.stderr().includes('"settings":"database"') ? true : undefined), 2000)).toBe(true);
  });
});

describe("ending", () => {
  test("at SIGTERM new calls are refused, a slow stream is finished, and the exit code is 0", async () => {
    const server = await here.start();
    const stream = await server.chat("mock/stream-30x50", { stream: true });
    const text = stream.text();
    server.child.kill("SIGTERM");
    const refused = await eventually(
      () =>
        server.chat("mock/echo").then(
          () => undefined,
          () => true,
        ),
      2000,
    );
    expect(refused).toBe(true);
    expect(await text).toContain("data: [DONE]");
    expect(await server.ended).toBe(0);
    const store = await recorded();
    const calls = await store.recent({ limit: 1000 });
    await store.close();
    expect(calls.find((call) => call.requestedModel === "mock/stream-30x50")).toMatchObject({ outcome: "ok" });
  });

  test("a second signal cuts what is still under way, and it is on record as such", async () => {
    const server = await here.start();
    const stream = await server.chat("mock/stream-1000x100", { stream: true });
    const broken = stream.text().then(
      () => "whole",
      () => "cut",
    );
    server.child.kill("SIGINT");
    await eventually(() => (server.stderr().includes("stopping") ? true : undefined), 2000);
    server.child.kill("SIGINT");
    expect(await server.ended).toBe(0);
    await broken;
    const store = await recorded();
    const [call] = await store.recent({ limit: 1 });
    await store.close();
    expect(call).toMatchObject({ requestedModel: "mock/stream-1000x100", outcome: "aborted" });
  });

  test("when its launcher has died, however that happened, it does not stay behind", async () => {
    const server = await here.start({ env: { HEADGATE_LIFELINE: "3" }, lifeline: true });
    expect((await server.chat("mock/echo")).status).toBe(200);
    server.child.stdio[3]?.destroy();
    expect(await eventually(() => server.child.exitCode ?? undefined, 5000)).toBe(1);
  });

  test("kill -9 under load loses no call whose whole answer the client has", async () => {
    const server = await here.start();
    const complete: string[] = [];
    let going = true;
    const caller = async (stream: boolean): Promise<void> => {
      while (going) {
        try {
          const response = await server.chat(stream ? "mock/stream-5x1" : "mock/echo", { stream });
          const body = await response.text();
          const whole = stream ? body.includes("data: [DONE]") : body.endsWith("}");
          if (response.status === 200 && whole) complete.push(response.headers.get("x-headgate-request-id") ?? "");
        } catch {
          return;
        }
      }
    };
    const callers = Array.from({ length: 16 }, (_, index) => caller(index % 2 === 0));
    await eventually(() => (complete.length >= 300 ? true : undefined), 10_000);
    server.child.kill("SIGKILL");
    await server.ended;
    going = false;
    await Promise.all(callers);
    const store = await recorded();
    const missing = [];
    for (const id of complete) if (!(await store.find(id))) missing.push(id);
    await store.close();
    expect(complete.length).toBeGreaterThanOrEqual(300);
    expect(missing).toEqual([]);
  });
});

describe("keys beside a running server", () => {
  test("a new one works within 2 s, a disabled one stops within 5 s", async () => {
    const server = await here.start({ env: { HEADGATE_ADMIN_KEY: "an-admin-key-of-some-length" } });
    expect((await server.chat("mock/echo")).status).toBe(401);
    const made = await here.headgate("keys", "new", "ci", "--models", "mock/*");
    const key = made.out.trim();
    expect(key).toMatch(/^hg-[0-9A-Za-z]{32}$/);
    const works = await eventually(async () => ((await server.chat("mock/echo", { key })).status === 200 ? true : undefined), 2000);
    expect(works).toBe(true);
    expect((await here.headgate("keys", "disable", "ci")).exitCode).toBe(0);
    const stopped = await eventually(async () => ((await server.chat("mock/echo", { key })).status === 401 ? true : undefined), 5000);
    expect(stopped).toBe(true);
  });
});
