/** Puts the pieces together for one run: the fake provider, the contenders, the load generators. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClosedJob, ClosedResult, Job, StreamResult, ToolResult } from "./load.ts";
import type { ProviderStats } from "./fake-provider.ts";
import { coreOf, coreTimes, cpuBetween, freePort, ownCpuSeconds, readCpu, RUN, run, start } from "./processes.ts";
import { type Bench, conditions, type Usage } from "./scenario.ts";
import { DISTURBED, disturbance } from "./csv.ts";
import type { Peer, Provider, Subject } from "./subject.ts";

export const wrk = Bun.which("wrk");

export interface Settings {
  peers: readonly Peer[];
  seconds: number;
  rounds: number;
  /** For waiting and repeating, a scenario: on a machine that is never quiet the run must still come to an end. */
  patienceMs: number;
  quick: boolean;
  progress: (text: string) => void;
}

export async function openBench(settings: Settings): Promise<Bench & { close(): Promise<void> }> {
  const port = freePort();
  const provider: Provider = { url: `http://127.0.0.1:${port}` };
  const fake = await start("provider", [process.execPath, join(import.meta.dir, "fake-provider.ts"), String(port)], {
    seat: "provider",
    ready: `${provider.url}/__stats`,
  });
  const subjects: Subject[] = [];
  const young = new Set<Subject>();
  let { patienceMs } = settings;
  for (const peer of settings.peers) {
    settings.progress(`starting ${peer.name}`);
    subjects.push(await peer.start(provider));
  }
  return {
    subjects,
    peers: settings.peers,
    seconds: settings.seconds,
    rounds: settings.rounds,
    quick: settings.quick,
    progress: settings.progress,
    async fresh(name, options) {
      const peer = settings.peers.find((each) => each.name === name);
      if (peer === undefined) throw new Error(`no contender named ${name}`);
      const subject = await peer.start(provider, options);
      young.add(subject);
      return subject;
    },
    provider: {
      stats: async () => (await (await fetch(`${provider.url}/__stats`)).json()) as ProviderStats,
      reset: async () => void (await (await fetch(`${provider.url}/__reset`)).arrayBuffer()),
    },
    hammer: async (job) =>
      wrk === null ? { tool: "own", ...(await load<ClosedResult>({ kind: "closed", ...job })) } : { tool: "wrk", ...(await runWrk(job)) },
    closed: (job) => load<ClosedResult>({ kind: "closed", ...job }),
    streams: (job) => load<StreamResult>({ kind: "streams", ...job }),
    tools: (job) => load<ToolResult>({ kind: "tools", ...job }),
    async observe(subject, work) {
      let best = await observed(subject, work);
      for (let again = 0; again < 2 && patienceMs > 0 && disturbance(conditions(best)) > DISTURBED; again++) {
        settings.progress(
          `   disturbed (host ${percent(best.stolen)}, other processes ${percent(best.foreign)}): once more when it is quiet`,
        );
        const since = performance.now();
        await quiet(Math.min(patienceMs, 20_000));
        const next = await observed(subject, work);
        patienceMs -= performance.now() - since;
        if (disturbance(conditions(next)) < disturbance(conditions(best))) best = next;
      }
      return best;
    },
    async close() {
      await Promise.all([...subjects, ...young].map((subject) => subject.stop()));
      await fake.stop();
    },
  };
}

async function load<Result>(job: Job): Promise<Result> {
  // A stream that never ends, a subject that hangs: the run goes on without them.
  const timeoutMs = job.seconds * 1000 + 60_000;
  return JSON.parse(
    await run([process.execPath, join(import.meta.dir, "load.ts")], { seat: "load", input: JSON.stringify(job), timeoutMs }),
  ) as Result;
}

let wrkRuns = 0;

async function runWrk(job: Omit<ClosedJob, "kind">): Promise<ClosedResult> {
  mkdirSync(RUN, { recursive: true });
  const files = join(RUN, `wrk-${++wrkRuns % 8}`);
  writeFileSync(`${files}.body`, job.body);
  writeFileSync(
    `${files}.headers`,
    Object.entries(job.target.headers)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(""),
  );
  const output = await run(
    [
      wrk ?? "wrk",
      "-t",
      "1",
      "-c",
      String(job.connections),
      "-d",
      `${Math.max(1, Math.round(job.seconds))}s`,
      "--timeout",
      "20s",
      "-s",
      join(import.meta.dir, "wrk.lua"),
      job.target.url,
      "--",
      `${files}.body`,
      `${files}.headers`,
      job.marker,
      String(job.status ?? 200),
    ],
    { seat: "load", timeoutMs: job.seconds * 1000 + 40_000 },
  );
  const line = output.trim().split("\n").at(-1) ?? "";
  const { p50, p90, p99, max, ...rest } = JSON.parse(line) as Omit<ClosedResult, "latency"> & Record<"p50" | "p90" | "p99" | "max", number>;
  return { ...rest, latency: { count: rest.requests, p50, p90, p99, max } };
}

/** Returns once a second has passed in which others left the cores alone, or when the time is up. */
async function quiet(withinMs: number): Promise<void> {
  const nobody: Subject = { name: "", pid: null, startedAt: 0, same: () => null, stop: async () => {} };
  for (const deadline = performance.now() + withinMs; performance.now() < deadline;) {
    const usage = await observed(nobody, async () => {
      await Bun.sleep(1000);
      return {};
    });
    if (disturbance(conditions(usage)) < DISTURBED / 2) return;
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

const usedCores = [...new Set([coreOf("subject"), coreOf("load"), coreOf("provider")])].map((core) => core ?? 0);

async function observed<Result>(subject: Subject, work: () => Promise<Result>): Promise<Result & Usage> {
  const read = () => ({
    at: performance.now(),
    subject: subject.pid === null ? null : readCpu(subject.pid),
    own: ownCpuSeconds(),
    cores: usedCores.map((core) => coreTimes(core)),
  });
  const before = read();
  const result = await work();
  const after = read();
  const spent = { busy: 0, stolen: 0, total: 0 };
  let loadBusy = Number.NaN;
  for (const [index, core] of usedCores.entries()) {
    const [from, to] = [before.cores[index], after.cores[index]];
    if (!from || !to) continue;
    spent.busy += to.busy - from.busy;
    spent.stolen += to.stolen - from.stolen;
    spent.total += to.total - from.total;
    if (core === coreOf("load")) loadBusy = (to.busy - from.busy) / (to.total - from.total);
  }
  const used = before.subject && after.subject ? cpuBetween(before.subject, after.subject) : Number.NaN;
  return {
    ...result,
    cpuSeconds: used,
    subjectBusy: used / ((after.at - before.at) / 1000),
    loadBusy,
    stolen: spent.total > 0 ? spent.stolen / spent.total : Number.NaN,
    foreign: spent.total > 0 ? Math.max(0, spent.busy - (after.own - before.own)) / spent.total : Number.NaN,
  };
}
