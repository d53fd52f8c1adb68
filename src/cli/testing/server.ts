/** Starts the real command in a process of its own, as its users do. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const bun = join(root, "node_modules", ".bin", "bun");
const main = join(root, "src", "main.ts");

export interface Spawned {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Exit code; null after a signal. */
  ended: Promise<number | null>;
}

export interface TestServer extends Spawned {
  url: string;
  /** Asks with OpenAI's format. */
  chat(model: string, options?: { stream?: boolean; key?: string }): Promise<Response>;
}

export interface Scene {
  directory: string;
  file(name: string, content: string): string;
  /** `headgate` with these words, run to its end. */
  headgate(...words: string[]): Promise<{ exitCode: number | null; out: string; err: string }>;
  start(options?: { words?: string[]; env?: Record<string, string>; lifeline?: boolean }): Promise<TestServer>;
  spawn(words: string[], env?: Record<string, string>, lifeline?: boolean): Spawned;
  end(): Promise<void>;
}

export function scene(): Scene {
  const directory = mkdtempSync(join(tmpdir(), "headgate-serve-"));
  const running = new Set<Spawned>();

  const start = (words: string[], env: Record<string, string> = {}, lifeline = false): Spawned => {
    // A tested machine's own keys and settings stay out.
    const clean = { PATH: process.env["PATH"] ?? "", HOME: directory, NO_COLOR: "1", BUN_CONFIG_MAX_HTTP_REQUESTS: "65535", ...env };
    const child = spawn(bun, [main, ...words], {
      cwd: directory,
      env: clean,
      stdio: ["ignore", "pipe", "pipe", ...(lifeline ? (["pipe"] as const) : [])],
    });
    let out = "";
    let err = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
    const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)));
    const spawned = { child, stdout: () => out, stderr: () => err, ended };
    running.add(spawned);
    void ended.then(() => running.delete(spawned));
    return spawned;
  };

  return {
    directory,
    file(name, content) {
      const path = join(directory, name);
      writeFileSync(path, content);
      return path;
    },
    async headgate(...words) {
      const spawned = start(words);
      const exitCode = await spawned.ended;
      return { exitCode, out: spawned.stdout(), err: spawned.stderr() };
    },
    async start({ words = ["--listen", "127.0.0.1:0"], env, lifeline } = {}) {
      const spawned = start(["serve", ...words], env, lifeline);
      const url = await listeningUrl(spawned);
      return { ...spawned, url, chat: (model, options = {}) => chat(url, model, options) };
    },
    spawn: start,
    async end() {
      for (const spawned of running) spawned.child.kill("SIGKILL");
      await Promise.all([...running].map((spawned) => spawned.ended));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function listeningUrl(spawned: Spawned): Promise<string> {
  const found = await eventually(
    () => /Listening on (http:\/\/\S+)/.exec(spawned.stdout())?.[1] ?? (spawned.child.exitCode === null ? undefined : "ended"),
    10_000,
  );
  if (found === undefined || found === "ended") throw new Error(`The server did not start:\n${spawned.stdout()}${spawned.stderr()}`);
  return found;
}

function chat(url: string, model: string, options: { stream?: boolean; key?: string }): Promise<Response> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (options.key !== undefined) headers["authorization"] = `Bearer ${options.key}`;
  const body = JSON.stringify({ model, stream: options.stream ?? false, messages: [{ role: "user", content: "Hello" }] });
  return fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
}

/** Looks again and again until there is something to see; undefined when there never was. */
export async function eventually<Value>(
  look: () => Value | undefined | Promise<Value | undefined>,
  ms: number,
): Promise<Value | undefined> {
  const until = performance.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen !== undefined || performance.now() > until) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
