/** LiteLLM's proxy from PyPI in a virtual environment of its own; only with `--peers all` or by name, because it takes minutes to install. */

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { PROVIDER_KEY } from "../expected.ts";
import { freePort, RUN, run, start, WORK } from "../processes.ts";
import { clientCall, FIRST_TARGETS, type Peer } from "../subject.ts";

const directory = join(WORK, "litellm");
const binary = join(directory, "bin/litellm");
const KEY = "sk-bench-client";

function config(provider: string): unknown {
  const row = (name: string, model: string) => ({
    model_name: name,
    litellm_params: { model, api_base: `${provider}/v1`, api_key: PROVIDER_KEY },
  });
  return {
    model_list: [
      ...FIRST_TARGETS.map((first) => row(`after-${first}`, `openai/${first}`)),
      row("ok", "openai/ok"),
      row("openai/*", "openai/*"),
      { model_name: "anthropic/*", litellm_params: { model: "anthropic/*", api_base: provider, api_key: PROVIDER_KEY } },
    ],
    litellm_settings: { telemetry: false, num_retries: 0, drop_params: false },
    router_settings: { num_retries: 0, fallbacks: FIRST_TARGETS.map((first) => ({ [`after-${first}`]: ["ok"] })) },
    general_settings: { master_key: KEY },
  };
}

export const litellm: Peer = {
  name: "litellm",
  about: "LiteLLM's proxy from PyPI, one worker: its master key checked, no database",
  async prepare() {
    if (existsSync(binary)) return null;
    const python = Bun.which("python3");
    if (python === null) return "python3 is not installed";
    mkdirSync(WORK, { recursive: true });
    try {
      await run([python, "-m", "venv", directory], { timeoutMs: 60_000 });
      await run([join(directory, "bin/pip"), "install", "-q", "litellm[proxy]"], { timeoutMs: 600_000 });
    } catch (error) {
      return `pip could not install it: ${String(error).slice(0, 200)}`;
    }
    return existsSync(binary) ? null : "the package has no litellm command";
  },
  async version() {
    const shown = Bun.spawnSync([join(directory, "bin/pip"), "show", "litellm"]).stdout.toString();
    return /^Version: (.*)$/m.exec(shown)?.[1] ?? "unknown";
  },
  async start(provider, options) {
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    mkdirSync(RUN, { recursive: true });
    const file = join(RUN, `litellm-${port}.yaml`);
    // JSON is YAML.
    await Bun.write(file, JSON.stringify(config(provider.url), null, 2));
    const running = await start(
      "litellm",
      [binary, "--config", file, "--host", "127.0.0.1", "--port", String(port), "--num_workers", "1"],
      {
        seat: "subject",
        env: { LITELLM_LOCAL_MODEL_COST_MAP: "True", LITELLM_LOG: "ERROR", LITELLM_MODE: "PRODUCTION" },
        ready: options?.ready === false ? undefined : `${url}/health/liveliness`,
        readyTimeoutMs: 90_000,
      },
    );
    return {
      name: "litellm",
      pid: running.pid,
      startedAt: running.startedAt,
      same: (format, model) => ({ target: clientCall(url, format, KEY), model: `${format}/${model}` }),
      translated: (model) => ({ target: clientCall(url, "anthropic", KEY), model: `openai/${model}` }),
      fallback: (first) => ({ target: clientCall(url, "openai", KEY), model: `after-${first}` }),
      stranger: () => clientCall(url, "openai", "sk-nobody-issued-this"),
      stop: running.stop,
    };
  },
};
