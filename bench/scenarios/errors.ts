import { short } from "../charts.ts";
import { distinct, typical, type Row } from "../csv.ts";
import { MARKER } from "../expected.ts";
import { chatBody, conditions, rounds, wrongOf, type Headline, type Scenario } from "../scenario.ts";
import { FIRST_TARGETS } from "../subject.ts";
import { byCase, sum } from "../tables.ts";

export const errors: Scenario = {
  name: "errors",
  title: "Errors and fallback",
  about:
    "The first target answers 500, or 429, or 500 to every fourth call; the second answers. Every client must get the second's answer. 16 connections, closed loop.",

  async run(bench) {
    const rows: Row[] = [];
    const subjects = bench.subjects.filter((subject) => subject.fallback !== undefined || subject.name === "direct");
    await rounds(bench, subjects, async (subject, round) => {
      // Direct has no second target: its plain success is the yardstick.
      const lanes =
        subject.fallback === undefined
          ? [{ name: "no failure", call: subject.same("openai", "ok", false) }]
          : [
              { name: "no failure", call: subject.same("openai", "ok", false) },
              ...FIRST_TARGETS.map((first) => ({ name: first, call: subject.fallback?.(first) ?? null })),
            ];
      for (const { name, call } of lanes) {
        if (call === null) continue;
        const request = { target: call.target, body: chatBody(call), marker: `${MARKER} `, connections: 16 };
        if (round === 1) await bench.closed({ ...request, seconds: 1 });
        const result = await bench.observe(subject, async () => {
          await bench.provider.reset();
          const answers = await bench.closed({ ...request, seconds: Math.max(1, bench.seconds - 2) });
          return { ...answers, providerCalls: (await bench.provider.stats()).requests };
        });
        bench.progress(
          `errors ${round}/${bench.rounds}: ${subject.name}, ${name}: ${short(result.requests / result.seconds)} req/s, p99 ${short(result.latency.p99)} ms, ${short(result.providerCalls / result.requests)} provider calls each, wrong ${wrongOf(result)}`,
        );
        rows.push({
          subject: subject.name,
          case: name,
          round,
          requests: result.requests,
          req_per_s: result.requests / result.seconds,
          p50_ms: result.latency.p50,
          p99_ms: result.latency.p99,
          cpu_us_each: (result.cpuSeconds * 1e6) / result.requests,
          provider_calls_each: result.providerCalls / result.requests,
          ...conditions(result),
          wrong: wrongOf(result),
        });
      }
    });
    return rows;
  },

  report(rows) {
    const cases = distinct(rows, "case");
    const headlines: Headline[] = [];
    const own = rows.filter((row) => row["subject"] === "headgate");
    if (own.length > 0)
      headlines.push({
        text: "Calls that failed although the second target of Headgate's route was well",
        value: `${sum(own, "wrong")} of ${short(sum(own, "requests"))}`,
        bar: "0",
        met: sum(own, "wrong") === 0,
      });
    return {
      headlines,
      tables: [
        byCase(rows, "Requests a second", "req_per_s"),
        byCase(rows, "p99, ms", "p99_ms"),
        byCase(
          rows,
          "Calls the provider saw for one of the client's (2: every call met the failure; near 1: a breaker skipped the failing target)",
          "provider_calls_each",
        ),
        byCase(rows, "Clients without the right answer", "wrong"),
      ],
      charts: [
        {
          name: "errors",
          title: "Requests a second while the first target fails",
          unit: "req/s",
          groups: cases,
          series: distinct(rows, "subject").map((name) => ({ name, values: cases.map((each) => typical(rows, name, each, "req_per_s")) })),
          logarithmic: true,
        },
      ],
      notes: [],
    };
  },
};
