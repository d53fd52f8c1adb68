import { distinct, median, ratio, typical, type Row } from "../csv.ts";
import { short } from "../charts.ts";
import { MARKER } from "../expected.ts";
import { chatBody, conditions, rounds, wrongOf, type Headline, type Scenario, type Table } from "../scenario.ts";
import { addedByCase, byCase, byColumn, sum } from "../tables.ts";

const CONNECTIONS = [1, 4, 16, 64];
/** Low enough for every contender but LiteLLM, so that it shows delay and not a queue. */
const RATE = 400;

export const throughput: Scenario = {
  name: "throughput",
  title: "Throughput and added latency, whole answers",
  about:
    "Small chat calls answered at once by the fake provider, over 1, 4, 16 and 64 connections as fast as each contender allows, then at a fixed rate.",

  async run(bench) {
    const rows: Row[] = [];
    const job = (call: { target: { url: string; headers: Record<string, string> }; body: string }) => ({ ...call, marker: `${MARKER} ` });
    for (const subject of bench.subjects) {
      const call = subject.same("openai", "ok", false);
      if (call === null) continue;
      bench.progress(`throughput: warming ${subject.name}`);
      await bench.hammer({ ...job({ target: call.target, body: chatBody(call) }), connections: 16, seconds: Math.min(bench.seconds, 3) });
    }
    await rounds(bench, bench.subjects, async (subject, round) => {
      const call = subject.same("openai", "ok", false);
      if (call === null) return;
      const request = job({ target: call.target, body: chatBody(call) });
      for (const connections of bench.quick ? [16] : CONNECTIONS) {
        const result = await bench.observe(subject, () => bench.hammer({ ...request, connections, seconds: bench.seconds }));
        const perSecond = result.requests / result.seconds;
        bench.progress(
          `throughput ${round}/${bench.rounds}: ${subject.name}, ${connections} connections: ${short(perSecond)} req/s, p99 ${short(result.latency.p99)} ms`,
        );
        rows.push({
          subject: subject.name,
          case: String(connections),
          round,
          tool: result.tool,
          requests: result.requests,
          req_per_s: perSecond,
          p50_ms: result.latency.p50,
          p90_ms: result.latency.p90,
          p99_ms: result.latency.p99,
          cpu_us_each: (result.cpuSeconds * 1e6) / result.requests,
          ...conditions(result),
          wrong: wrongOf(result),
        });
      }
      const result = await bench.observe(subject, () => bench.closed({ ...request, connections: 16, seconds: bench.seconds, rate: RATE }));
      bench.progress(
        `throughput ${round}/${bench.rounds}: ${subject.name}, ${RATE} a second: p50 ${short(result.latency.p50)} ms, p99 ${short(result.latency.p99)} ms`,
      );
      rows.push({
        subject: subject.name,
        case: `${RATE}/s`,
        round,
        tool: "own",
        requests: result.requests,
        req_per_s: result.requests / result.seconds,
        p50_ms: result.latency.p50,
        p90_ms: result.latency.p90,
        p99_ms: result.latency.p99,
        ...conditions(result),
        wrong: wrongOf(result),
      });
    });
    return rows;
  },

  report(rows) {
    const subjects = distinct(rows, "subject");
    const cases = distinct(rows, "case").filter((name) => !name.endsWith("/s"));
    const busiest = rows.filter((row) => cases.includes(String(row["case"])));
    const fixed = rows.filter((row) => String(row["case"]).endsWith("/s"));
    const label = (name: string) => `${name} conn.`;
    const quotients = (title: string, column: string): Table => ({
      title,
      columns: ["", ...cases.map(label)],
      rows: ["nginx", "relay", "relay-loop", "portkey", "litellm"]
        .filter((under) => subjects.includes(under) && subjects.includes("headgate"))
        .map((under) => [`headgate / ${under}`, ...cases.map((name) => short(ratio(busiest, "headgate", under, name, column)))]),
    });
    const headlines: Headline[] = [];
    const judge = (under: string, bar: number) => {
      if (!subjects.includes("headgate") || !subjects.includes(under)) return;
      const value = ratio(busiest, "headgate", under, "64", "req_per_s");
      const shown = Number.isFinite(value) ? value : ratio(busiest, "headgate", under, "16", "req_per_s");
      headlines.push({
        text: `Requests a second on one core, Headgate over ${under}`,
        value: short(shown),
        bar: `at least ${bar}`,
        met: shown >= bar,
      });
    };
    judge("nginx", 0.4);
    judge("portkey", 10);
    const wrong = sum(rows, "wrong");
    headlines.push({
      text: "Wrong or missing answers among all requests",
      value: `${wrong} of ${short(sum(rows, "requests"))}`,
      bar: "0",
      met: wrong === 0,
    });
    return {
      headlines,
      tables: [
        byCase(busiest, "Requests a second", "req_per_s", label),
        byCase(busiest, "CPU µs a request, of the contender's own processes", "cpu_us_each", label),
        addedByCase(
          busiest,
          "Added p50, ms (closed loop: the contender is saturated, so more connections mean a longer queue)",
          "p50_ms",
          label,
        ),
        addedByCase(busiest, "Added p99, ms (closed loop)", "p99_ms", label),
        byColumn(fixed, `At ${RATE} requests a second over 16 connections, ms (direct not taken off)`, undefined, {
          p50_ms: "p50",
          p90_ms: "p90",
          p99_ms: "p99",
          req_per_s: "reached req/s",
        }),
        quotients("Requests a second, quotient within each round, median", "req_per_s"),
        quotients("CPU a request, quotient within each round, median (less is better)", "cpu_us_each"),
      ],
      charts: [
        {
          name: "throughput",
          title: "Requests a second on one core",
          unit: "req/s",
          groups: cases.map(label),
          series: subjects.map((name) => ({ name, values: cases.map((each) => typical(busiest, name, each, "req_per_s")) })),
          logarithmic: true,
        },
        {
          name: "latency-fixed-rate",
          title: `Latency at ${RATE} requests a second`,
          unit: "ms",
          groups: ["p50", "p90", "p99"],
          series: subjects.map((name) => ({
            name,
            values: ["p50_ms", "p90_ms", "p99_ms"].map((column) => typical(fixed, name, undefined, column)),
          })),
          logarithmic: true,
        },
      ],
      notes: [
        `Where the load's core is near 1.00 busy, the load and not the contender set the pace, and the CPU µs a request is the number to compare. Load core busy at 64 connections: ${subjects.map((name) => `${name} ${median(rows.filter((row) => row["subject"] === name && row["case"] === "64").map((row) => Number(row["load_busy"]))).toFixed(2)}`).join(", ")}.`,
      ],
    };
  },
};
