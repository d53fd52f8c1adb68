/** `headgate calls`: the latest calls, one line each; or one call with all that is known about it. */

import type { Paint } from "./colour.ts";
import type { CallRecord, Store } from "../stores/ports.ts";
import { readConfiguration } from "./configuration.ts";
import { CommandFailure, exitCodes, usageFailure } from "./exit.ts";
import { formatUsd, exactUsd } from "./money.ts";
import { localTime } from "./period.ts";
import { openExisting, withStore } from "./store.ts";
import { table } from "./table.ts";
import type { Cell } from "./table.ts";
import { formatCount, formatMs, joined, plural, printable } from "./text.ts";
import type { World } from "./world.ts";

export interface CallsCommand {
  config?: string | undefined;
  last?: string | undefined;
  failed?: boolean | undefined;
  json?: boolean | undefined;
}

const most = 1000;

export async function callsCommand(id: string | undefined, options: CallsCommand, world: World): Promise<number> {
  const limit = countOf(options.last ?? "20");
  const { config } = await readConfiguration(world, options);
  const store = await openExisting(config, world);
  if (!store) return empty(options, world, "There is no database yet.");
  return withStore(store, async (store) =>
    id === undefined ? listCalls(store, limit, options, world) : showCall(store, id, options, world),
  );
}

function countOf(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > most) throw usageFailure(`--last ${text} is not a number from 1 to ${most}.`);
  return count;
}

async function listCalls(store: Store, limit: number, options: CallsCommand, world: World): Promise<number> {
  const calls = await store.recent({ limit, outcome: options.failed === true ? "error" : undefined });
  if (calls.length === 0)
    return empty(options, world, options.failed === true ? "No failed calls are on record." : "No calls are on record.");
  if (options.json === true) world.out.write(`${JSON.stringify(calls.map(asObject), null, 2)}\n`);
  else world.out.write(callTable(calls, world));
  return exitCodes.ok;
}

export function callTable(calls: readonly CallRecord[], world: World): string {
  const { red, green, yellow, dim } = world.out.colours;
  const statusPaint = (call: CallRecord): Paint => {
    if (call.outcome === "aborted") return yellow;
    return call.outcome === "error" ? red : green;
  };
  const rows = calls.map((call): Cell[] => [
    localTime(call.startedAt),
    { text: String(call.status), paint: statusPaint(call) },
    call.requestedModel,
    targetOf(call),
    call.keyName ?? { text: "–", paint: dim },
    count(call.input),
    count(call.output),
    call.costPico === null ? "–" : formatUsd(BigInt(call.costPico)),
    call.firstByteMs === null ? "–" : formatMs(call.firstByteMs),
    formatMs(call.durationMs),
    { text: notes(call), paint: call.outcome === "error" ? red : dim },
    { text: call.id, paint: dim },
  ]);
  return table(
    [
      { title: "time" },
      { title: "status", align: "right" },
      { title: "asked for", shrinks: true },
      { title: "answered by", shrinks: true },
      { title: "key", shrinks: true },
      { title: "input", align: "right" },
      { title: "output", align: "right" },
      { title: "cost", align: "right" },
      { title: "first byte", align: "right" },
      { title: "total", align: "right" },
      { title: "notes", shrinks: true },
      // Whole, so that it can be given to `headgate calls ID`.
      { title: "id" },
    ],
    rows,
    world.out,
  );
}

function targetOf(call: CallRecord): string {
  if (call.provider === null) return "–";
  const target = `${call.provider}/${call.model ?? ""}`;
  return target === call.requestedModel ? "=" : target;
}

function count(tokens: number | null): string {
  return tokens === null ? "–" : formatCount(tokens);
}

function notes(call: CallRecord): string {
  return joined(
    call.errorCode,
    call.outcome === "aborted" && "client left",
    call.attempts.length > 1 && `${call.attempts.length} attempts`,
    call.warnings.length > 0 && plural(call.warnings.length, "warning"),
    call.stream && "streamed",
    call.estimated && "tokens estimated",
  );
}

async function showCall(store: Store, id: string, options: CallsCommand, world: World): Promise<number> {
  const call = await store.find(id);
  if (!call)
    throw new CommandFailure(`There is no call ${JSON.stringify(id)} on record.`, {
      hint: "The id of a call is in its x-headgate-request-id header; `headgate calls` lists the latest.",
    });
  if (options.json === true) world.out.write(`${JSON.stringify(asObject(call), null, 2)}\n`);
  else world.out.write(callSheet(call, world));
  return exitCodes.ok;
}

function callSheet(call: CallRecord, world: World): string {
  const { bold, dim } = world.out.colours;
  const facts: [string, string | null | false][] = [
    ["time", localTime(call.startedAt)],
    ["outcome", joined(call.outcome, `status ${call.status}`, call.errorCode, call.finish !== null && `finished with ${call.finish}`)],
    ["asked for", `${call.requestedModel}${call.stream ? ", streamed" : ""}, in ${call.clientFormat}`],
    [
      "answered by",
      call.provider !== null &&
        joined(`${call.provider}/${call.model ?? ""}`, call.servedModel !== null && `which calls itself ${call.servedModel}`),
    ],
    ["sent as", call.providerFormat !== null && `${call.providerFormat}, ${call.verbatim ? "as it came" : "translated"}`],
    ["key", call.keyName !== null && `${call.keyName} (${call.keyId ?? ""})`],
    ["tokens", (call.input ?? call.output) !== null && tokenWords(call)],
    ["cost", costWords(call)],
    [
      "time taken",
      joined(
        formatMs(call.durationMs),
        call.firstByteMs !== null && `first byte after ${formatMs(call.firstByteMs)}`,
        `${formatMs(call.overheadMs)} of it the gateway's own`,
      ),
    ],
    ["session", call.session],
    ["tags", joined(...call.tags)],
  ];
  const lines = facts.flatMap(([name, value]) => (value ? [`  ${dim(name.padEnd(12))} ${printable(value)}\n`] : []));
  const attempts = call.attempts.map(
    (attempt, at) =>
      `  ${dim(`attempt ${at + 1}`.padEnd(12))} ${printable(attempt.target)}: ${attempt.error ?? "answered"}${attempt.status === 0 ? "" : `, status ${attempt.status}`}, ${formatMs(attempt.ms)}\n`,
  );
  const warnings = call.warnings.map(
    (warning) => `  ${dim("warning".padEnd(12))} ${printable(`${warning.action} ${warning.field}: ${warning.reason}`)}\n`,
  );
  return `${bold(printable(call.id))}\n${[...lines, ...attempts, ...warnings].join("")}`;
}

function costWords(call: CallRecord): string {
  if (call.costPico !== null) return `${formatUsd(BigInt(call.costPico))} (exactly ${exactUsd(BigInt(call.costPico))} USD)`;
  return call.input === null && call.output === null ? "unknown: there is no usage on record" : "unknown: the model has no known price";
}

function tokenWords(call: CallRecord): string {
  const part = (tokens: number | null, words: string): string => (tokens ? `${formatCount(tokens)} of it ${words}` : "");
  return joined(
    `${count(call.input)} in`,
    part(call.cacheRead, "from cache"),
    part(call.cacheWrite, "written to cache"),
    `${count(call.output)} out`,
    part(call.reasoning, "reasoning"),
    call.estimated && "counted by the gateway",
  );
}

/** Names as everywhere outside of the house; the cost is text, because a JSON number would round it. */
function asObject(call: CallRecord): Record<string, unknown> {
  const { costPico, startedAt, ...rest } = call;
  const renamed = Object.entries(rest).map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]);
  return {
    ...Object.fromEntries(renamed),
    started_at: new Date(startedAt).toISOString(),
    cost_usd: costPico === null ? null : exactUsd(BigInt(costPico)),
  };
}

function empty(options: CallsCommand, world: World, why: string): number {
  if (options.json === true) world.out.write("[]\n");
  else world.out.write(`${why}\nStart the gateway with \`headgate serve\` and make a call: the start-up message has a line for it.\n`);
  return exitCodes.ok;
}
