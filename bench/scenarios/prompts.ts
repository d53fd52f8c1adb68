import { short } from "../charts.ts";
import { distinct, ratio, typical, type Row } from "../csv.ts";
import { checksum, MARKER, promptMessages } from "../expected.ts";
import { chatBody, conditions, rounds, wrongOf, type Headline, type Scenario } from "../scenario.ts";
import type { Call, Subject } from "../subject.ts";
import { addedByCase, byCase, sum } from "../tables.ts";

const SIZES = [1000, 10_000, 100_000];
const LANES = [
  { name: "openai", format: "openai", call: (subject: Subject) => subject.same("openai", "ok", false) },
  { name: "translated", format: "anthropic", call: (subject: Subject): Call | null => subject.translated?.("ok", false) ?? null },
] as const;

export const prompts: Scenario = {
  name: "prompts",
  title: "Long prompts",
  about:
    "Conversations of 1k, 10k and 100k tokens (about 4, 40 and 400 KB, in turns of 1,000 tokens) over 4 connections. The provider returns a checksum of what reached it, and every answer is checked against it.",

  async run(bench) {
    const rows: Row[] = [];
    await rounds(bench, bench.subjects, async (subject, round) => {
      for (const lane of LANES) {
        const call = lane.call(subject);
        if (call === null) continue;
        for (const tokens of SIZES) {
          const messages = promptMessages(tokens);
          const request = {
            target: call.target,
            body: chatBody(call, { messages, format: lane.format }),
            marker: `${MARKER} ${checksum(messages)}`,
            connections: 4,
          };
          if (round === 1) await bench.closed({ ...request, seconds: 1 });
          const result = await bench.observe(subject, () => bench.closed({ ...request, seconds: Math.max(1, bench.seconds - 2) }));
          bench.progress(
            `prompts ${round}/${bench.rounds}: ${subject.name}, ${lane.name}, ${tokens} tokens: ${short(result.requests / result.seconds)} req/s, p50 ${short(result.latency.p50)} ms, wrong ${wrongOf(result)}`,
          );
          rows.push({
            subject: subject.name,
            case: `${lane.name} ${tokens / 1000}k`,
            round,
            bytes: Buffer.byteLength(request.body),
            requests: result.requests,
            req_per_s: result.requests / result.seconds,
            p50_ms: result.latency.p50,
            p99_ms: result.latency.p99,
            cpu_us_each: (result.cpuSeconds * 1e6) / result.requests,
            ...conditions(result),
            wrong: wrongOf(result),
          });
        }
      }
    });
    return rows;
  },

  report(rows) {
    const subjects = distinct(rows, "subject");
    const cases = distinct(rows, "case");
    const headlines: Headline[] = [];
    if (subjects.includes("headgate")) {
      const own = rows.filter((row) => row["subject"] === "headgate");
      headlines.push({
        text: "Prompts that did not reach the provider whole through Headgate",
        value: `${sum(own, "wrong")} of ${short(sum(own, "requests"))}`,
        bar: "0",
        met: sum(own, "wrong") === 0,
      });
    }
    return {
      headlines,
      tables: [
        byCase(rows, "CPU µs a request", "cpu_us_each"),
        addedByCase(
          rows.filter((row) => !String(row["case"]).startsWith("translated")),
          "Added p50, ms",
          "p50_ms",
        ),
        byCase(rows, "Requests a second", "req_per_s"),
        byCase(rows, "p99, ms", "p99_ms"),
        {
          title: "CPU a request, quotient within each round, median",
          columns: ["", ...cases],
          rows: ["nginx", "relay", "portkey"]
            .filter((under) => subjects.includes(under) && subjects.includes("headgate"))
            .map((under) => [`headgate / ${under}`, ...cases.map((name) => short(ratio(rows, "headgate", under, name, "cpu_us_each")))]),
        },
      ],
      charts: [
        {
          name: "prompts",
          title: "CPU a request by length of the prompt",
          unit: "µs",
          groups: cases,
          series: subjects
            .filter((name) => name !== "direct")
            .map((name) => ({ name, values: cases.map((each) => typical(rows, name, each, "cpu_us_each")) })),
          logarithmic: true,
        },
      ],
      notes: [],
    };
  },
};
