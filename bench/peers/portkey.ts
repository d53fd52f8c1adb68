/** Portkey's open gateway from npm, started with its own start script under the Node of this project. */

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { PROVIDER_KEY } from "../expected.ts";
import { freePort, ROOT, run, start, WORK } from "../processes.ts";
import { clientCall, type Peer } from "../subject.ts";

const directory = join(WORK, "portkey");
const script = join(directory, "node_modules/@portkey-ai/gateway/build/start-server.js");

/** With newer hono and node-server, 1.15 answers every call with an error; these two are the pair it was built against. */
const manifest = {
  name: "bench-portkey",
  private: true,
  dependencies: { "@portkey-ai/gateway": "~1.15.0" },
  overrides: { "@hono/node-server": "1.13.5", hono: "4.9.7" },
};

function node(): string {
  const own = join(ROOT, "node_modules/.bin/node");
  return existsSync(own) ? own : "node";
}

export const portkey: Peer = {
  name: "portkey",
  about: "Portkey's open gateway from npm on Node: no keys of its own, no record of calls",
  async prepare() {
    if (existsSync(script)) return null;
    mkdirSync(directory, { recursive: true });
    await Bun.write(join(directory, "package.json"), JSON.stringify(manifest, null, 2));
    try {
      await run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: directory, timeoutMs: 180_000 });
    } catch (error) {
      return `npm could not install it: ${String(error).slice(0, 200)}`;
    }
    return existsSync(script) ? null : "the package has no start script";
  },
  async version() {
    const { version } = (await Bun.file(join(directory, "node_modules/@portkey-ai/gateway/package.json")).json()) as { version: string };
    return `${version} on Node ${Bun.spawnSync([node(), "--version"]).stdout.toString().trim().slice(1)}`;
  },
  async start(provider, options) {
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    const host = `${provider.url}/v1`;
    const running = await start("portkey", [node(), script, `--port=${port}`, "--headless"], {
      seat: "subject",
      env: { NODE_ENV: "production" },
      ready: options?.ready === false ? undefined : url,
    });
    const target = (model: string) => ({ provider: "openai", custom_host: host, api_key: PROVIDER_KEY, override_params: { model } });
    return {
      name: "portkey",
      pid: running.pid,
      startedAt: running.startedAt,
      // It has a /v1/messages door but cannot stream through it, and a half-supported format is not compared.
      same: (format, model) =>
        format === "openai"
          ? { target: clientCall(url, format, PROVIDER_KEY, { "x-portkey-provider": "openai", "x-portkey-custom-host": host }), model }
          : null,
      fallback: (first) => ({
        target: clientCall(url, "openai", PROVIDER_KEY, {
          "x-portkey-config": JSON.stringify({ strategy: { mode: "fallback" }, targets: [target(first), target("ok")] }),
        }),
        model: first,
      }),
      stop: running.stop,
    };
  },
};
