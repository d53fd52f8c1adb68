/**
 * Starts the process anew with what must be in the environment before Bun starts: its `fetch` keeps to 256 connections in all
 * unless BUN_CONFIG_MAX_HTTP_REQUESTS says otherwise, and setting that from inside changes nothing.
 */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { LIFELINE } from "./lifeline.ts";

const CONNECTIONS = "BUN_CONFIG_MAX_HTTP_REQUESTS";
/** Present in a process that was started anew: whatever its environment looks like, it does not do so again. */
const RELAUNCHED = "HEADGATE_RELAUNCHED";

export function needsRelaunch(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return process.versions["bun"] !== undefined && !env[CONNECTIONS] && env[RELAUNCHED] === undefined;
}

/** Does not return where the system can replace the running process; elsewhere resolves with the exit code of the new one. */
export async function relaunch(): Promise<number> {
  const env = { ...process.env, [CONNECTIONS]: "65535", [RELAUNCHED]: "1" } as NodeJS.ProcessEnv & Record<string, string>;
  const words = commandWords(process.argv);
  if (typeof process.execve === "function" && process.platform !== "win32")
    process.execve(process.execPath, [process.execPath, ...words], env);
  return supervise(spawn(process.execPath, words, { stdio: ["inherit", "inherit", "inherit", "pipe"], env: { ...env, [LIFELINE]: "3" } }));
}

/** A compiled binary carries its program inside, under a path that only exists there; elsewhere the program's file is the first word. */
export function commandWords(argv: readonly string[]): string[] {
  const main = argv[1] ?? "";
  const compiled = main.startsWith("/$bunfs/") || /^[A-Z]:[\\/]~BUN[\\/]/i.test(main);
  return compiled ? argv.slice(2) : argv.slice(1);
}

function supervise(child: ChildProcess): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
