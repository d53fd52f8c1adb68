#!/bin/sh
":" //; here="$(dirname "$(readlink -f "$0" 2>/dev/null || echo "$0")")/.."; for bun in "$here/node_modules/bun/bin/bun.exe" "$here/../bun/bin/bun.exe" "$here"/node_modules/@oven/bun-*/bin/bun "$here"/../@oven/bun-*/bin/bun "$(command -v bun)"; do [ -x "$bun" ] && "$bun" --version >/dev/null 2>&1 && BUN_CONFIG_MAX_HTTP_REQUESTS="${BUN_CONFIG_MAX_HTTP_REQUESTS:-65535}" exec "$bun" "$here/src/main.ts" "$@"; done; exec node "$0" "$@"
// Read by a shell, the line above replaces the shell by Bun, which came with `npm install`: one process, nothing in between.
// Read by Node (`node bin/headgate.js`), it is a comment after a string, and the rest of this file does the same.
// Bun's fetch keeps to 256 connections in all unless BUN_CONFIG_MAX_HTTP_REQUESTS is set before the process starts.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const main = join(dirname(fileURLToPath(import.meta.url)), "..", "src", "main.ts");
const env = { BUN_CONFIG_MAX_HTTP_REQUESTS: "65535", ...process.env };
const bun = process.versions.bun ? process.execPath : join(dirname(createRequire(import.meta.url).resolve("bun/package.json")), "bin", "bun.exe");
const args = [main, ...process.argv.slice(2)];

if (typeof process.execve === "function" && process.platform !== "win32") {
  process.execve(bun, [bun, ...args], env);
}

// An older Node stays in between. The open pipe tells Bun when this process has died, however it died.
const child = spawn(bun, args, { stdio: ["inherit", "inherit", "inherit", "pipe"], env: { ...env, HEADGATE_LIFELINE: "3" } });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`headgate: Bun could not be started (${error.message}). Run \`npm install\` again with install scripts allowed.`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal) process.kill(process.pid, signal);
  else process.exit(code ?? 1);
});
