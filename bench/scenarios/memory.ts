import { short } from "../charts.ts";
import { distinct, typical, type Row } from "../csv.ts";
import { MARKER } from "../expected.ts";
import { cpuBetween, memory as memoryOf, readCpu, type Memory } from "../processes.ts";
import { chatBody, eachFresh, wrongOf, type Headline, type Scenario } from "../scenario.ts";
import type { Table } from "../scenario.ts";
import { sum } from "../tables.ts";

const STREAMS = 300;
const CHUNKS = 100;

export const memory: Scenario = {
  name: "memory",
  title: "Memory",
  about: `A fresh process each: resident size at rest, after a burst of small calls, at the peak of ${STREAMS} streams at once, and the trend over a longer run of mixed load.`,

  async run(bench) {
    const rows: Row[] = [];
    const longSeconds = bench.seconds * (bench.quick ? 5 : 18);
    await eachFresh(bench, { ready: true }, async (subject) => {
      const { pid } = subject;
      const small = subject.same("openai", "ok", false);
      const stream = subject.same("openai", `paced-20ms-${CHUNKS}`, true);
      if (pid === null || small === null || stream === null) return;
      const call = { target: small.target, body: chatBody(small), marker: `${MARKER} ` };
      const streams = { target: stream.target, body: chatBody(stream, { stream: true }), format: "openai" as const, chunks: CHUNKS };

      await Bun.sleep(2000);
      const cpuAtRest = readCpu(pid);
      await Bun.sleep(2000);
      const idle = memoryOf(pid);
      const row = (name: string, at: Memory, extra: Row = {}): Row => ({
        subject: subject.name,
        case: name,
        resident_mb: at.residentMb,
        largest_mb: at.largestMb,
        high_water_mb: at.peakMb,
        ...extra,
      });
      rows.push(row("idle", idle, { cpu_ms_per_s: cpuBetween(cpuAtRest, readCpu(pid)) * 500 }));

      await bench.hammer({ ...call, connections: 64, seconds: bench.seconds });
      rows.push(row("after small calls", memoryOf(pid)));

      const watch = sampler(pid);
      const result = await bench.streams({ ...streams, streams: STREAMS, spreadMs: 500, seconds: Math.max(2, bench.seconds) });
      const seen = watch.stop();
      const peak = seen.reduce((most, each) => (each.residentMb > most.residentMb ? each : most), idle);
      rows.push(row(`peak, ${STREAMS} streams`, peak, { streams: result.streams, unfaithful: result.unfaithful, broken: result.broken }));
      bench.progress(
        `memory: ${subject.name}: idle ${short(idle.residentMb)} MB, peak under ${STREAMS} streams ${short(peak.residentMb)} MB, unfaithful ${result.unfaithful}${result.firstFault === null ? "" : ` (${result.firstFault})`}`,
      );

      // Long run: half of what the process could do, so that it grows from leaks and not from a queue.
      const long = sampler(pid, 500);
      const [calls, more] = await Promise.all([
        bench.closed({ ...call, connections: 8, seconds: longSeconds, rate: 300 }),
        bench.streams({ ...streams, streams: 32, spreadMs: 500, seconds: longSeconds }),
      ]);
      const samples = long.stop();
      // The first third fills caches and heaps; a trend is what goes on after that.
      const settled = samples.slice(Math.floor(samples.length / 3));
      const slope = slopePerMinute(settled);
      rows.push(
        row("long run", samples.at(-1) ?? idle, {
          seconds: longSeconds,
          slope_mb_per_min: slope,
          requests: calls.requests,
          streams: more.streams,
          wrong: wrongOf(calls),
          unfaithful: more.unfaithful,
        }),
      );
      bench.progress(
        `memory: ${subject.name}: ${short(slope)} MB a minute over the last ${Math.round((longSeconds * 2) / 3)} s${more.firstFault === null ? "" : ` (${more.firstFault})`}`,
      );
    });
    return rows;
  },

  report(rows) {
    const cases = distinct(rows, "case");
    const subjects = distinct(rows, "subject");
    const peakCase = cases.find((name) => name.startsWith("peak")) ?? "";
    const headlines: Headline[] = [];
    // A process that refuses every stream needs little memory, or a lot: neither is a measurement.
    const failed = (name: string) =>
      sum(
        rows.filter((row) => row["subject"] === name),
        "unfaithful",
      ) +
      sum(
        rows.filter((row) => row["subject"] === name),
        "wrong",
      );
    const peak = typical(rows, "headgate", peakCase, "resident_mb");
    if (subjects.includes("headgate"))
      headlines.push({
        text: `Resident memory of Headgate under ${STREAMS} streams, its peak`,
        value: failed("headgate") === 0 ? `${short(peak)} MB` : `${short(peak)} MB, with ${failed("headgate")} failures`,
        bar: "at most 150 MB",
        met: peak <= 150 && failed("headgate") === 0,
      });
    const table: Table = {
      title: "Resident megabytes, all processes of the contender together",
      columns: ["", ...cases, "trend, MB a minute", "CPU ms a second at rest", "failed streams and calls"],
      rows: subjects.map((name) => [
        name,
        ...cases.map((each) => short(typical(rows, name, each, "resident_mb"))),
        short(typical(rows, name, "long run", "slope_mb_per_min")),
        short(typical(rows, name, "idle", "cpu_ms_per_s")),
        String(failed(name)),
      ]),
    };
    return {
      headlines,
      tables: [table],
      charts: [
        {
          name: "memory",
          title: "Resident memory",
          unit: "MB",
          groups: cases,
          series: subjects.map((name) => ({ name, values: cases.map((each) => typical(rows, name, each, "resident_mb")) })),
          limit: { value: 150, name: "150 MB" },
        },
      ],
      notes: [
        "Pages that several processes share, such as nginx's master and worker, are counted in each. The trend is a straight line through the samples after the first third; a garbage collector's saw-tooth moves it by some megabytes either way.",
      ],
    };
  },
};

interface Sample extends Memory {
  at: number;
}

function sampler(pid: number, everyMs = 100): { stop(): Sample[] } {
  const samples: Sample[] = [];
  const timer = setInterval(() => samples.push({ at: performance.now(), ...memoryOf(pid) }), everyMs);
  return {
    stop() {
      clearInterval(timer);
      return samples;
    },
  };
}

/** Least squares. */
function slopePerMinute(samples: readonly Sample[]): number {
  const count = samples.length;
  const meanAt = samples.reduce((total, each) => total + each.at, 0) / count;
  const meanMb = samples.reduce((total, each) => total + each.residentMb, 0) / count;
  let above = 0;
  let below = 0;
  for (const each of samples) {
    above += (each.at - meanAt) * (each.residentMb - meanMb);
    below += (each.at - meanAt) ** 2;
  }
  return (above / below) * 60_000;
}
