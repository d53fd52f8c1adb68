/** This project, as a user starts it: key check and ledger on, nothing switched off for speed. */

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import { PROVIDER_KEY } from "../expected.ts";
import { freePort, ROOT, RUN, start } from "../processes.ts";
import { clientCall, FIRST_TARGETS, type Peer } from "../subject.ts";

const binary = join(ROOT, "bin/headgate.js");
const KEY = "hg-bench-client";

function config(port: number, provider: string, database: string): unknown {
  return {
    listen: `127.0.0.1:${port}`,
    database: `sqlite:${database}`,
    providers: {
      openai: { type: "openai", base_url: `${provider}/v1`, api_key: PROVIDER_KEY },
      anthropic: { type: "anthropic", base_url: provider, api_key: PROVIDER_KEY },
      backup: { type: "openai", base_url: `${provider}/v1`, api_key: PROVIDER_KEY },
    },
    models: Object.fromEntries(
      FIRST_TARGETS.map((first) => [
        `after-${first}`,
        { route: "fallback", targets: [`openai/${first}`, "backup/ok"], retry: { attempts: 1 } },
      ]),
    ),
    keys: [{ name: "bench", key: KEY }],
  };
}

function node(): string {
  const own = join(ROOT, "node_modules/.bin/node");
  return existsSync(own) ? own : "node";
}

export const headgate: Peer = {
  name: "headgate",
  about: "Headgate: static key checked, every call on record in SQLite",
  prepare: async () => (existsSync(binary) ? null : "bin/headgate.js is not there"),
  async version() {
    const { version } = (await Bun.file(join(ROOT, "package.json")).json()) as { version: string };
    return `${version} on Bun ${Bun.version}`;
  },
  async start(provider, options) {
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    const directory = join(RUN, `headgate-${port}`);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const database = join(directory, "bench.db");
    const file = join(directory, "headgate.yaml");
    // JSON is YAML.
    await Bun.write(file, JSON.stringify(config(port, provider.url, database), null, 2));
    const running = await start("headgate", [node(), binary, "serve", "--config", file], {
      seat: "subject",
      cwd: directory,
      // It must raise Bun's limit of 256 connections by itself; an outer setting would hide that it does not.
      env: { BUN_CONFIG_MAX_HTTP_REQUESTS: undefined },
      ready: options?.ready === false ? undefined : `${url}/health/ready`,
    });
    return {
      name: "headgate",
      pid: running.pid,
      startedAt: running.startedAt,
      same: (format, model) => ({ target: clientCall(url, format, KEY), model: `${format}/${model}` }),
      translated: (model) => ({ target: clientCall(url, "anthropic", KEY), model: `openai/${model}` }),
      fallback: (first) => ({ target: clientCall(url, "openai", KEY), model: `after-${first}` }),
      stranger: () => clientCall(url, "openai", "hg-nobody-issued-this"),
      ledger: async () => recorded(database),
      async stop() {
        await running.stop();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
};

/** Asked of SQLite and not of the file system, because a write-ahead log keeps its size after its pages have moved on. */
function recorded(file: string): { bytes: number; calls: number } {
  const database = new Database(file, { readonly: true });
  try {
    const calls = database.query<{ count: number }, []>("SELECT count(*) AS count FROM calls").get()?.count ?? 0;
    const pages = database.query<{ page_count: number }, []>("PRAGMA page_count").get()?.page_count ?? 0;
    const size = database.query<{ page_size: number }, []>("PRAGMA page_size").get()?.page_size ?? 0;
    return { bytes: pages * size, calls };
  } finally {
    database.close();
  }
}
