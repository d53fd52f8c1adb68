/** The machine and the versions behind a set of numbers. */

import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type as system } from "node:os";
import { wrk } from "./bench.ts";
import { canPin, coreOf, ROOT } from "./processes.ts";
import type { Peer } from "./subject.ts";

export interface Machine {
  commit: string;
  cpu: string;
  cores: number;
  memoryGb: number;
  kernel: string;
  virtual: string;
  pinning: string;
  loadGenerator: string;
  bun: string;
  contenders: Record<string, string>;
}

export async function machine(peers: readonly Peer[]): Promise<Machine> {
  const contenders: Record<string, string> = {};
  for (const peer of peers) contenders[peer.name] = await peer.version();
  return {
    commit: commit(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `${system()} ${release().replace(/-.*/, "")}`,
    virtual: hypervisor(),
    pinning: canPin
      ? `contender on core ${coreOf("subject")}, load generator on core ${coreOf("load")}, fake provider on core ${coreOf("provider")}`
      : "none",
    loadGenerator: wrk === null ? "own (bench/load.ts)" : "wrk 4 for throughput, own (bench/load.ts) for the rest",
    bun: Bun.version,
    contenders,
  };
}

/** Short hash, with a plus when the gateway's own files differ from it. */
function commit(): string {
  const git = (...words: string[]) =>
    Bun.spawnSync(["git", ...words], { cwd: ROOT, stderr: "ignore" })
      .stdout.toString()
      .trim();
  const hash = git("rev-parse", "--short=9", "HEAD");
  if (hash === "") return "unknown";
  return git("status", "--porcelain", "--", "src", "bin", "package.json") === "" ? hash : `${hash}+`;
}

function hypervisor(): string {
  try {
    return /^flags.*\bhypervisor\b/m.test(readFileSync("/proc/cpuinfo", "utf8"))
      ? "yes: other guests may take time away (the stolen columns)"
      : "no";
  } catch {
    return "unknown";
  }
}
