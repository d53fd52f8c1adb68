/** What the server says when it is up: what was found, where it listens, and one line to try it. */

import type { Config, ModelConfig, ProviderConfig } from "../../config/config.ts";
import { MOCK } from "../../house.ts";
import { targetName } from "../configuration.ts";
import { keySource } from "../key-sources.ts";
import type { Written } from "../key-sources.ts";
import { localTime } from "../period.ts";
import { formatCount, formatList, printable } from "../text.ts";
import type { Environment, Output } from "../world.ts";

export interface StartUp {
  version: string;
  config: Config;
  /** The file; undefined: there is none. */
  source: string | undefined;
  written: Written;
  /** The providers come from the environment and not from the file. */
  discovered: boolean;
  env: Environment;
  /** For people: `sqlite:./headgate.db`. */
  database: string;
  /** Client keys in the database that may be used. */
  storedKeys: number;
  /** Every call needs a key. */
  guarded: boolean;
  /** Milliseconds since 1970; undefined: there are no calls on record. */
  latestCallAt: number | undefined;
  /** As the server gives it. */
  url: string;
}

const mostLines = 12;

export function startUpMessage(found: StartUp, output: Output): string {
  const { bold, cyan, dim } = output.colours;
  const sections: [string, string[]][] = [
    ["Configuration", [found.source ?? "no file: going by the environment"]],
    ["Providers", providerLines(found, output)],
    ["Models", modelLines(found)],
    ["Keys", [keyLine(found)]],
    [
      "Database",
      [`${found.database} (${found.latestCallAt === undefined ? "no calls yet" : `latest call ${localTime(found.latestCallAt)}`})`],
    ],
  ];
  const lines = sections.flatMap(([title, rows]) => rows.map((row, at) => `  ${dim((at === 0 ? title : "").padEnd(15))} ${row}`));
  const url = reachableUrl(found.url);
  return `${[
    "",
    `  ${bold("Headgate")} ${found.version}`,
    "",
    ...lines,
    "",
    `  Listening on ${bold(cyan(url))}`,
    ...openLines(found, output),
    "",
    "  Try it:",
    `  ${tryLine(found, url)}`,
    "",
  ].join("\n")}\n`;
}

function providerLines(found: StartUp, output: Output): string[] {
  const providers = [...found.config.providers.values()];
  if (providers.length === 0) return ["none: every call will be refused"];
  const width = Math.max(...providers.map((provider) => provider.name.length));
  const lines = providers.map((provider) => {
    const { state, words } = keySource(provider, found.env, found.written, found.source);
    return `${printable(provider.name).padEnd(width)}  ${state === "missing" ? output.colours.yellow(words) : words}${printable(kindWords(provider))}`;
  });
  const onlyMock = found.discovered && providers.every((provider) => provider.type === MOCK);
  return onlyMock
    ? [...lines, "set OPENAI_API_KEY, ANTHROPIC_API_KEY or the like, and real providers appear here"]
    : bounded(lines, "headgate doctor");
}

/** What the name alone does not say. */
function kindWords({ name, type, baseUrl }: ProviderConfig): string {
  if (type === name && baseUrl === undefined) return "";
  return ` (${type}${baseUrl === undefined ? "" : ` at ${baseUrl}`})`;
}

function modelLines(found: StartUp): string[] {
  const aliases = [...found.config.models.values()];
  const first = [...found.config.providers.values()].find((provider) => provider.type !== MOCK)?.name ?? MOCK;
  const always = `any provider/model, such as ${example(found, first)}; \`headgate models\` lists them`;
  const width = Math.min(24, Math.max(0, ...aliases.map((alias) => alias.name.length)));
  const lines = aliases.map((alias) => `${printable(alias.name).padEnd(width)}  → ${targetNames(alias)}`);
  return [...bounded(lines, "headgate models"), always];
}

function targetNames(alias: ModelConfig): string {
  return formatList(alias.targets.map(targetName), 3);
}

function example(found: StartUp, provider: string): string {
  return found.config.providers.get(provider)?.type === MOCK || provider === MOCK ? `${provider}/echo` : `${provider}/…`;
}

function keyLine(found: StartUp): string {
  const parts = [
    ...(found.config.keys.length > 0 ? [`${formatCount(found.config.keys.length)} in ${found.source ?? "the configuration"}`] : []),
    ...(found.storedKeys > 0 ? [`${formatCount(found.storedKeys)} in the database`] : []),
  ];
  const admin = found.config.adminKey === undefined ? "" : ", and an admin key";
  return `${parts.length === 0 ? "no client keys" : `client keys: ${parts.join(", ")}`}${admin}`;
}

function openLines(found: StartUp, output: Output): string[] {
  const { yellow } = output.colours;
  if (!found.guarded)
    return [
      yellow(
        "  Open: everyone on this machine may call without a key. Once there is a key (`headgate keys new NAME`), the next start asks for it.",
      ),
    ];
  const none = found.config.keys.length === 0 && found.storedKeys === 0;
  return none ? [yellow("  Calls need a key, and there is none yet: `headgate keys new NAME` makes one, and it works within 2 s.")] : [];
}

/** One line that can be pasted into a shell. */
function tryLine(found: StartUp, url: string): string {
  const mock = [...found.config.providers.values()].find((provider) => provider.type === MOCK);
  const [alias] = found.config.models.keys();
  const model = mock ? `${mock.name}/echo` : (alias ?? `${found.config.providers.keys().next().value ?? "provider"}/MODEL`);
  const key = found.guarded ? ' -H "authorization: Bearer $HEADGATE_KEY"' : "";
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] });
  return `curl ${url}/v1/chat/completions${key} -H 'content-type: application/json' -d '${body.replaceAll("'", String.raw`'\''`)}'`;
}

/** An address that listens everywhere is reached at one. */
export function reachableUrl(url: string): string {
  return url.replace(/^(https?:\/\/)(?:0\.0\.0\.0|\[::\]|::)(?=:\d+$)/, "$1127.0.0.1");
}

function bounded(lines: string[], command: string): string[] {
  if (lines.length <= mostLines) return lines;
  return [...lines.slice(0, mostLines - 1), `and ${lines.length - mostLines + 1} more: see \`${command}\``];
}
