/** What a scenario is, and what it is given to work with. */

import type { Chart } from "./charts.ts";
import type { Row } from "./csv.ts";
import type { ProviderStats } from "./fake-provider.ts";
import type { ClosedJob, ClosedResult, StreamJob, StreamResult, ToolJob, ToolResult } from "./load.ts";
import type { Call, Peer, Subject } from "./subject.ts";

export interface Bench {
  /** Started and idle, all on the same core; only one is under load at a time. */
  subjects: readonly Subject[];
  /** A process of its own, for what only a young one can show: memory, start-up. */
  fresh(name: string, options?: { ready?: boolean }): Promise<Subject>;
  peers: readonly Peer[];
  /** Length of one measurement. */
  seconds: number;
  /** Times every measurement is repeated, subjects alternating. */
  rounds: number;
  quick: boolean;
  provider: { stats: () => Promise<ProviderStats>; reset: () => Promise<void> };
  /** wrk where it is installed, our own generator otherwise; closed loop, every body checked. */
  hammer(job: Omit<ClosedJob, "kind">): Promise<ClosedResult & { tool: "wrk" | "own" }>;
  closed(job: Omit<ClosedJob, "kind">): Promise<ClosedResult>;
  streams(job: Omit<StreamJob, "kind">): Promise<StreamResult>;
  tools(job: Omit<ToolJob, "kind">): Promise<ToolResult>;
  /** Runs the work and says what it cost the subject; again, up to twice, when others disturbed it. */
  observe<Result>(subject: Subject, work: () => Promise<Result>): Promise<Result & Usage>;
  progress: (text: string) => void;
}

/** What a piece of work cost and how undisturbed it was. NaN where it cannot be known. */
export interface Usage {
  /** CPU seconds of the subject's processes. */
  cpuSeconds: number;
  /** Share of its core the subject used. */
  subjectBusy: number;
  /** Share of the load's core that was busy: near 1, the load and not the subject was the limit. */
  loadBusy: number;
  /** Share of the used cores that the host gave to other guests. */
  stolen: number;
  /** Share of the used cores that went to processes which are no part of this run. */
  foreign: number;
}

/** The columns that tell how good the conditions were. */
export function conditions(usage: Usage): Row {
  return { subject_busy: usage.subjectBusy, load_busy: usage.loadBusy, stolen: usage.stolen, foreign: usage.foreign };
}

export function wrongOf(result: ClosedResult): number {
  return result.badBodies + result.oddStatuses + result.socketErrors;
}

export interface Table {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** A number from the issue's own bar, with the verdict. */
export interface Headline {
  text: string;
  value: string;
  bar: string;
  met: boolean;
}

export interface Report {
  headlines: Headline[];
  tables: Table[];
  charts: Chart[];
  notes: string[];
}

export interface Scenario {
  /** Also the name of its CSV file. */
  name: string;
  title: string;
  /** What the reader learns here, in one or two sentences. */
  about: string;
  run(bench: Bench): Promise<Row[]>;
  /** From rows alone, so that it works on a committed file. */
  report(rows: readonly Row[]): Report;
}

export function chatBody(call: Call, options: { stream?: boolean; messages?: string; format?: "openai" | "anthropic" } = {}): string {
  const messages = options.messages ?? '[{"role":"user","content":"<<<What is the capital of France?>>>"}]';
  const limit = options.format === "anthropic" ? ',"max_tokens":1024' : "";
  return `{"model":${JSON.stringify(call.model)}${limit},"messages":${messages}${options.stream ? ',"stream":true' : ""}}`;
}

/**
 * Subjects in turn, round after round, so that a slow minute of the machine hits them all. Every other round runs backwards.
 * One that fails, because it has died for instance, is left out from there on; what it did before and the others stay.
 */
export async function rounds(
  bench: Bench,
  subjects: readonly Subject[],
  work: (subject: Subject, round: number) => Promise<void>,
): Promise<void> {
  let present = subjects;
  for (let round = 1; round <= bench.rounds; round++) {
    const order = round % 2 === 1 ? present : present.toReversed();
    for (const subject of order) {
      if (!(await survives(bench, subject.name, () => work(subject, round)))) present = present.filter((each) => each !== subject);
    }
  }
  if (present.length === 0) throw new Error("no contender came through");
}

/** A young process for each contender but direct, one after the other, ended when its work is done. */
export async function eachFresh(bench: Bench, options: { ready: boolean }, work: (subject: Subject) => Promise<void>): Promise<void> {
  for (const peer of bench.peers) {
    if (peer.name === "direct") continue;
    await survives(bench, peer.name, async () => {
      const subject = await bench.fresh(peer.name, options);
      try {
        await work(subject);
      } finally {
        await subject.stop();
      }
    });
  }
}

async function survives(bench: Bench, name: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    bench.progress(`${name} left out from here on: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}
