/** Builds the library for runtimes that do not read TypeScript from packages: JavaScript and types into `dist/`. */

import { rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
const built = await Bun.build({
  entrypoints: ["src/index.ts", "src/runtimes/node.ts"],
  root: "src",
  outdir: "dist",
  target: "node",
  format: "esm",
  packages: "external",
  splitting: true,
  naming: { chunk: "chunks/[name]-[hash].[ext]" },
  external: ["bun:sqlite", "node:sqlite"],
});
for (const log of built.logs) console.error(log);
if (!built.success) process.exit(1);

const types = Bun.spawnSync(["node_modules/.bin/tsc", "-p", "tsconfig.build.json"], { stdout: "inherit", stderr: "inherit" });
if (types.exitCode !== 0) process.exit(types.exitCode);
console.log(`dist/: ${built.outputs.length} files`);
