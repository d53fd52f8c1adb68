/** `headgate doctor`: looks at everything that is usually wrong, and says what to do about it. */

import { examineConfiguration } from "./doctor/configuration.ts";
import type { Finding } from "./doctor/finding.ts";
import { examineClock, examineDatabase, examinePort, examineRuntime } from "./doctor/machine.ts";
import { examineProviders } from "./doctor/providers.ts";
import { exitCodes } from "./exit.ts";
import { joined, plural, printable } from "./text.ts";
import type { Output, World } from "./world.ts";

export interface DoctorCommand {
  config?: string | undefined;
  json?: boolean | undefined;
}

export async function doctorCommand(options: DoctorCommand, world: World): Promise<number> {
  const findings = await examine(options, world);
  const failures = findings.filter((finding) => finding.status === "fail").length;
  if (options.json === true) world.out.write(`${JSON.stringify({ ok: failures === 0, findings }, null, 2)}\n`);
  else world.out.write(report(findings, world.out));
  return failures === 0 ? exitCodes.ok : exitCodes.failed;
}

async function examine(options: DoctorCommand, world: World): Promise<Finding[]> {
  const { findings, configuration, gateway } = await examineConfiguration(world, options);
  const runtime = examineRuntime(world.env);
  if (!configuration) return [...runtime, ...findings];
  const { config } = configuration;
  const [providers, database, port] = await Promise.all([
    gateway ? examineProviders(config, gateway, world.env) : [],
    examineDatabase(config, world),
    examinePort(config.listen),
  ]);
  const clock = examineClock(
    world.now(),
    providers.map((provider) => provider.skewMs),
  );
  return [...runtime, ...findings, ...providers.flatMap((provider) => provider.findings), ...database, port, clock];
}

function report(findings: readonly Finding[], output: Output): string {
  const { green, yellow, red, dim, bold } = output.colours;
  const signs = { ok: green("ok  "), warn: yellow("warn"), fail: red("FAIL") };
  const width = Math.max(...findings.map((finding) => finding.check.length));
  const lines = findings.map(({ check, status, message, advice }) => {
    const line = `${signs[status]}  ${check.padEnd(width)}  ${printable(message)}\n`;
    return advice === undefined ? line : `${line}${" ".repeat(width + 8)}${dim("→")} ${advice}\n`;
  });
  return `${lines.join("")}\n${bold(verdict(findings))}\n`;
}

function verdict(findings: readonly Finding[]): string {
  const failures = findings.filter((finding) => finding.status === "fail").length;
  const warnings = findings.filter((finding) => finding.status === "warn").length;
  if (failures === 0 && warnings === 0) return "All is well.";
  return `${joined(failures > 0 && plural(failures, "failure"), warnings > 0 && plural(warnings, "warning"))}.`;
}
