/** `npm run bench`: starts everything, runs the scenarios, writes the CSV files and the report, ends everything. `--help` tells the rest. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBench, wrk } from "./bench.ts";
import { toCsv, undisturbed } from "./csv.ts";
import { machine } from "./machine.ts";
import { peers, usualPeers } from "./peers/index.ts";
import { canPin, coreOf, endChildrenWithUs, ROOT, RUN, stopAll, WORK } from "./processes.ts";
import { conditionsNote, writeReport } from "./report.ts";
import { scenarios } from "./scenarios/index.ts";
import type { Peer } from "./subject.ts";
import { asText } from "./tables.ts";

const HELP = `Measures Headgate beside nginx, a bare Bun relay, Portkey and LiteLLM, on this machine.

  npm run bench                       everything but LiteLLM; results in bench/results, report in bench/RESULTS.md
  npm run bench -- --quick            a minute or two, one round; results stay in bench/.work
  npm run bench -- --only streaming   one scenario, or several: --only streaming,memory
  npm run bench -- --peers all        LiteLLM too; or a list: --peers direct,nginx,headgate
  npm run bench -- --seconds 10       length of one measurement (default 5)
  npm run bench -- --rounds 5         repetitions of each (default 3)
  npm run bench -- --patience 900     seconds a scenario may spend on repeating what others disturbed (default 240)
  npm run bench -- --save             write to bench/results although contenders are missing
  npm run bench -- --list             the scenarios

A run without one of the usual contenders does not touch the committed results unless --save is given.`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    peers: { type: "string" },
    seconds: { type: "string" },
    rounds: { type: "string" },
    patience: { type: "string" },
    quick: { type: "boolean", default: false },
    save: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (values.list) {
  for (const scenario of scenarios) console.log(`${scenario.name.padEnd(14)} ${scenario.title}`);
  process.exit(0);
}

const startedAt = performance.now();
function progress(text: string): void {
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(`${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, "0")}  ${text}`);
}

function chosen<Item extends { name: string }>(what: string, all: readonly Item[], names: readonly string[]): Item[] {
  const unknown = names.filter((name) => !all.some((item) => item.name === name));
  if (unknown.length > 0) {
    refuse(`No ${what} named ${unknown.join(", ")}. There are: ${all.map((item) => item.name).join(", ")}.`);
  }
  return all.filter((item) => names.includes(item.name));
}

function positive(name: string, text: string | undefined, usual: number): number {
  const value = text === undefined ? usual : Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  return refuse(`--${name} takes a number above 0, not ${text}.`);
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}

endChildrenWithUs();
// This process only waits, but what little it does belongs to the load's core.
if (canPin) Bun.spawnSync(["taskset", "-cp", String(coreOf("load") ?? 0), String(process.pid)], { stdout: "ignore", stderr: "ignore" });
else progress("taskset or a second core is missing: nothing is pinned, and contender and load get into each other's way");
if (wrk === null) progress("wrk is not installed: the project's own generator drives the throughput runs, at about half of wrk's speed");

const asked = values.peers === "all" ? peers.map((peer) => peer.name) : (values.peers?.split(",") ?? usualPeers);
const taking: Peer[] = [];
for (const peer of chosen("contender", peers, asked)) {
  progress(`preparing ${peer.name}`);
  const obstacle = await peer.prepare();
  if (obstacle === null) taking.push(peer);
  else progress(`without ${peer.name}: ${obstacle}`);
}
const toRun = values.only === undefined ? scenarios : chosen("scenario", scenarios, values.only.split(","));

const complete = usualPeers.every((name) => taking.some((peer) => peer.name === name));
const keep = values.save || (complete && !values.quick);
const results = keep ? join(ROOT, "bench/results") : join(WORK, "results");
mkdirSync(results, { recursive: true });
if (!keep) progress(`results of this run go to ${results}`);

const failed: string[] = [];
for (const scenario of toRun) {
  progress(`── ${scenario.name}: ${scenario.title}`);
  let bench: Awaited<ReturnType<typeof openBench>> | undefined;
  // Read anew each time: a run takes an hour, and who works on the code meanwhile must find the commit that was measured.
  const description = await machine(taking);
  const timestamp = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  try {
    bench = await openBench({
      peers: taking,
      seconds: positive("seconds", values.seconds, values.quick ? 1 : 5),
      rounds: positive("rounds", values.rounds, values.quick ? 1 : 3),
      patienceMs: values.quick ? 0 : 1000 * Number(values.patience ?? 240),
      quick: values.quick,
      progress,
    });
    const rows = await scenario.run(bench);
    writeFileSync(join(results, `${scenario.name}.csv`), toCsv(rows.map((row) => ({ timestamp, commit: description.commit, ...row }))));
    writeFileSync(join(results, `${scenario.name}.machine.json`), `${JSON.stringify({ timestamp, ...description }, null, 2)}\n`);
    const report = scenario.report(undisturbed(rows).rows);
    console.log();
    for (const headline of report.headlines)
      console.log(`  ${headline.met ? "✓" : "✗"} ${headline.text}: ${headline.value} (bar: ${headline.bar})`);
    for (const table of report.tables) if (table.rows.length > 0) console.log(`\n${asText(table)}`);
    for (const note of conditionsNote(rows)) console.log(`\n  ${note}`);
    console.log();
  } catch (error) {
    failed.push(scenario.name);
    progress(`${scenario.name} did not finish: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await bench?.close();
    await stopAll();
  }
}

if (keep) {
  await writeReport();
  progress("wrote bench/RESULTS.md");
}
// Left in place after a failure: the logs tell why.
if (failed.length === 0) rmSync(RUN, { recursive: true, force: true });
if (failed.length > 0) progress(`did not finish: ${failed.join(", ")}`);
process.exit(failed.length > 0 ? 1 : 0);
