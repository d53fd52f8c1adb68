import { short } from "../charts.ts";
import { distinct, typical, type Row } from "../csv.ts";
import { MARKER } from "../expected.ts";
import { chatBody, conditions, eachFresh, wrongOf, type Headline, type Scenario } from "../scenario.ts";
import { byColumn, sum } from "../tables.ts";

export const million: Scenario = {
  name: "million",
  title: "What a million requests cost",
  about:
    "A longer run at 32 connections, scaled to a million calls: CPU seconds of the contender, and bytes of its record on disk. Also whether every answered call is on record.",

  async run(bench) {
    const rows: Row[] = [];
    await eachFresh(bench, { ready: true }, async (subject) => {
      const call = subject.same("openai", "ok", false);
      if (call === null) return;
      const request = { target: call.target, body: chatBody(call), marker: `${MARKER} `, connections: 32 };
      // Young engines compile while they run; that is start-up, not the cost of a million.
      await bench.hammer({ ...request, seconds: Math.min(3, bench.seconds) });
      await Bun.sleep(500);
      const before = await subject.ledger?.();
      await bench.provider.reset();
      const result = await bench.observe(subject, () => bench.hammer({ ...request, seconds: bench.seconds * (bench.quick ? 1 : 3) }));
      // wrk leaves with calls in flight; they end, and are recorded, within this pause.
      await Bun.sleep(1000);
      const after = await subject.ledger?.();
      const provided = (await bench.provider.stats()).requests;
      const calls = after && before ? after.calls - before.calls : Number.NaN;
      rows.push({
        subject: subject.name,
        case: "million",
        requests: result.requests,
        req_per_s: result.requests / result.seconds,
        cpu_s_per_million: (result.cpuSeconds * 1e6) / result.requests,
        ledger_calls: calls,
        provider_calls: provided,
        ledger_mb_per_million: after && before ? (after.bytes - before.bytes) / calls : Number.NaN,
        ...conditions(result),
        wrong: wrongOf(result),
      });
      bench.progress(
        `million: ${subject.name}: ${short((result.cpuSeconds * 1e6) / result.requests)} CPU s a million${after ? `, ${short((after.bytes - (before?.bytes ?? 0)) / calls)} MB of ledger a million, ${calls} on record of ${provided} the provider served` : ""}`,
      );
    });
    return rows;
  },

  report(rows) {
    const headlines: Headline[] = [];
    const own = rows.filter((row) => row["subject"] === "headgate");
    if (own.length > 0) {
      const missing = sum(own, "provider_calls") - sum(own, "ledger_calls");
      headlines.push({
        text: "Calls the provider served that are not in Headgate's ledger",
        value: `${missing} of ${short(sum(own, "provider_calls"))}`,
        bar: "0",
        met: missing === 0,
      });
    }
    return {
      headlines,
      tables: [
        byColumn(rows, "For a million small calls", "million", {
          cpu_s_per_million: "CPU seconds",
          ledger_mb_per_million: "ledger MB",
          req_per_s: "req/s while measured",
        }),
      ],
      charts: [
        {
          name: "million",
          title: "CPU for a million small calls",
          unit: "s",
          groups: ["a million calls"],
          series: distinct(rows, "subject").map((name) => ({ name, values: [typical(rows, name, "million", "cpu_s_per_million")] })),
          logarithmic: true,
        },
      ],
      notes: [],
    };
  },
};
