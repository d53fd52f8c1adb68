import { short } from "../charts.ts";
import { distinct, typical, type Row } from "../csv.ts";
import { memory } from "../processes.ts";
import { chatBody, eachFresh, type Headline, type Scenario } from "../scenario.ts";
import { byColumn } from "../tables.ts";

export const startUp: Scenario = {
  name: "start-up",
  title: "Start-up",
  about:
    "From spawning the process to the first 200 on /health/ready (Headgate only), and to the first right answer to a chat call. An empty database each time.",

  async run(bench) {
    const rows: Row[] = [];
    for (let round = 1; round <= Math.max(bench.rounds, bench.quick ? 1 : 5); round++) {
      await eachFresh(bench, { ready: false }, async (subject) => {
        const call = subject.same("openai", "ok", false);
        if (call === null) return;
        const readyMs =
          subject.name === "headgate" ? await until(subject.startedAt, () => fetch(new URL("/health/ready", call.target.url))) : Number.NaN;
        const answerMs = await until(subject.startedAt, () =>
          fetch(call.target.url, { method: "POST", headers: call.target.headers, body: chatBody(call) }),
        );
        const resident = subject.pid === null ? Number.NaN : memory(subject.pid).residentMb;
        bench.progress(`start-up ${round}: ${subject.name}: first answer after ${short(answerMs)} ms`);
        rows.push({ subject: subject.name, case: "start", round, ready_ms: readyMs, first_answer_ms: answerMs, resident_mb: resident });
      });
    }
    return rows;
  },

  report(rows) {
    const subjects = distinct(rows, "subject");
    const headlines: Headline[] = [];
    const first = typical(rows, "headgate", "start", "first_answer_ms");
    if (subjects.includes("headgate"))
      headlines.push({
        text: "From starting Headgate to its first answer",
        value: `${short(first)} ms`,
        bar: "at most 15 s",
        met: first <= 15_000,
      });
    return {
      headlines,
      tables: [byColumn(rows, "Milliseconds from spawn, median", "start", { ready_ms: "/health/ready", first_answer_ms: "first answer" })],
      charts: [
        {
          name: "start-up",
          title: "From spawn to the first answer",
          unit: "ms",
          groups: ["first answer"],
          series: subjects.map((name) => ({ name, values: [typical(rows, name, "start", "first_answer_ms")] })),
          logarithmic: true,
        },
      ],
      notes: [],
    };
  },
};

/** Milliseconds until the request succeeds; NaN after a minute. */
async function until(startedAt: number, ask: () => Promise<Response>): Promise<number> {
  const deadline = startedAt + 60_000;
  while (performance.now() < deadline) {
    try {
      const reply = await ask();
      await reply.arrayBuffer();
      if (reply.ok) return performance.now() - startedAt;
    } catch {
      // Not listening yet.
    }
    await Bun.sleep(2);
  }
  return Number.NaN;
}
