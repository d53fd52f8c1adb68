/** The command line as a tree: names, options, words that teach. What a command does is in its own file, loaded when it is called. */

import { Command, Option } from "commander";
import { version } from "./version.ts";
import type { World } from "./world.ts";

type Finish = (exitCode: number) => void;

const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
const configWords = "the configuration (or HEADGATE_CONFIG; default: ./headgate.yaml)";

export function buildProgram(world: World, finish: Finish): Command {
  const program = new Command("headgate");
  const { bold, cyan, dim } = world.out.colours;
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.out.write(text),
      writeErr: (text) => world.err.write(text),
      getOutHelpWidth: () => world.out.width ?? 100,
      getErrHelpWidth: () => world.err.width ?? 100,
      getOutHasColors: () => bold("x") !== "x",
      getErrHasColors: () => world.err.colours.bold("x") !== "x",
    })
    .configureHelp({ styleTitle: bold, styleSubcommandText: cyan, styleOptionText: cyan })
    .showHelpAfterError(dim("Add --help to see what there is."))
    .version(version, "-v, --version", "print the version")
    .addHelpText(
      "before",
      `${bold("Headgate")}, an LLM gateway: one door between your applications or agents and every model they call.\n\n${firstSteps(bold, dim)}\n`,
    )
    .addHelpText("after", "\nEvery command has more to say: headgate COMMAND --help");

  const examples = (command: Command, lines: readonly [line: string, words: string][]): Command =>
    command.addHelpText("after", `\n${bold("Examples:")}\n${aligned(lines, dim)}`);

  const serve = program
    .command("serve")
    .summary("run the gateway")
    .description(
      "Runs the gateway until it is told to stop; calls under way are finished first.\nReads headgate.yaml when there is one, and follows its changes. Without it, every provider whose key is in the environment is on, and so is the mock provider.",
    )
    .option("-c, --config <file>", configWords)
    .option("-l, --listen <address>", "where to listen (or HEADGATE_LISTEN; default: 127.0.0.1:4000)")
    .addOption(new Option("--log-level <level>", "what to log; wins over the configuration").choices(levels))
    .action(async (options) => finish(await (await import("./serve.ts")).serveCommand(options, world)));
  examples(serve, [
    ["headgate serve", "everything by default"],
    ["OPENAI_API_KEY=sk-… headgate serve", "with a provider"],
    ["headgate serve -c production.yaml", "with a configuration of its own name"],
    ["headgate serve -l :4000", "on all addresses of the machine; needs an admin_key"],
  ]);

  const demo = program
    .command("demo")
    .summary("see what it does, without an account")
    .description(
      "Starts a gateway with the mock provider on a free port, makes five calls, shows the answers and what they cost, and ends.\nNeeds no key, no file and no network, and leaves nothing behind.",
    )
    .action(async () => finish(await (await import("./demo.ts")).demoCommand(world)));
  examples(demo, [["headgate demo", ""]]);

  const doctor = program
    .command("doctor")
    .summary("find out what is wrong")
    .description(
      "Checks the configuration, the keys, each provider, the database, the port and the clock, and says what to do about what it finds.\nAsks each provider for its list of models, which costs nothing. Ends with 1 when something will not work.",
    )
    .option("-c, --config <file>", configWords)
    .option("--json", "print findings as JSON")
    .action(async (options) => finish(await (await import("./doctor.ts")).doctorCommand(options, world)));
  examples(doctor, [
    ["headgate doctor", ""],
    ["headgate doctor --json | jq .ok", "for a script"],
  ]);

  const models = program
    .command("models")
    .summary("what clients can ask for")
    .description(
      "Lists your own models and their targets, then what the configured providers offer, with context window and prices.\nThe mock models come last, each with what it does.",
    )
    .option("-c, --config <file>", configWords)
    .option("-p, --provider <name>", "one provider, in full; also one that is not configured")
    .option("-a, --all", "all models of all configured providers")
    .option("--json", "print all of it as JSON")
    .action(async (options) => finish(await (await import("./models.ts")).modelsCommand(options, world)));
  examples(models, [
    ["headgate models", ""],
    ["headgate models --provider anthropic", "what it offers, whether configured or not"],
  ]);

  const usage = program
    .command("usage")
    .summary("what was called and what it cost")
    .description(
      "Sums up the calls on record: how many, how many failed, tokens, cost and time.\nGroups: model, provider, key, day, hour, session, outcome; several with commas. Days and hours are UTC.",
    )
    .option("-c, --config <file>", configWords)
    .option("--by <groups>", "what to sum up by (default: model)")
    .option("--last <duration>", "only the latest, such as 24h or 7d")
    .option("--from <time>", "from this day or time on, such as 2026-11-01")
    .option("--to <time>", "up to this day (with all of it) or time")
    .option("--key <name>", "only calls with this key")
    .option("--provider <name>", "only calls to this provider")
    .option("--model <name>", "only calls to this model, with or without its provider")
    .addOption(new Option("--json", "print rows as JSON").conflicts("csv"))
    .option("--csv", "print rows as CSV")
    .action(async (options) => finish(await (await import("./usage.ts")).usageCommand(options, world)));
  examples(usage, [
    ["headgate usage --last 7d", "a week, by model"],
    ["headgate usage --by key,model --last 30d", "who spent how much on what"],
    ["headgate usage --by day --csv > usage.csv", "for a spreadsheet"],
  ]);

  const calls = program
    .command("calls")
    .summary("the latest calls, one line each")
    .description(
      "Lists the latest calls on record, newest first: what was asked for, who answered, what it took and what it cost.\nWith the id of a call (its x-headgate-request-id), all that is known about this one.",
    )
    .argument("[id]", "one call")
    .option("-c, --config <file>", configWords)
    .option("-n, --last <count>", "how many, at most 1000 (default: 20)")
    .option("--failed", "only those that failed")
    .option("--json", "print as JSON")
    .action(async (id: string | undefined, options) => finish(await (await import("./calls.ts")).callsCommand(id, options, world)));
  examples(calls, [
    ["headgate calls --failed", "what went wrong lately"],
    ["headgate calls hg_mwql77dg0002lv0sf", "one call: its attempts, warnings and tokens"],
  ]);

  addKeys(program, world, finish, examples);
  addConfig(program, world, finish, examples);

  const bench = program
    .command("bench")
    .summary("measure it beside others on this machine")
    .description(
      "Runs the benchmark of the repository: throughput, added latency, streaming and memory, beside a direct connection, nginx and other gateways.\nIts own options follow: --quick, --only, --peers, --list and more.",
    )
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_options, command: Command) => finish(await (await import("./bench.ts")).benchCommand(command.args)));
  examples(bench, [["headgate bench --quick", "a minute or two"]]);

  program
    .command("version")
    .summary("print the version")
    .description("Prints the version of Headgate and of what it runs on.\nHave it at hand when you report a bug.")
    .action(async () => finish((await import("./version.ts")).printVersion(world)));
  return program;
}

type Examples = (command: Command, lines: readonly [line: string, words: string][]) => Command;

function addKeys(program: Command, world: World, finish: Finish, examples: Examples): void {
  const keys = program
    .command("keys")
    .summary("make, list and disable client keys")
    .description(
      "Keys for clients, kept in the database as hashes; keys may also stand in the configuration.\nA running server follows within two seconds.",
    );
  const create = keys
    .command("new")
    .summary("make a key")
    .description(
      "Makes a key and prints it, this once; only its hash is kept.\nThe key alone goes to stdout, so that a script can take it from there.",
    )
    .argument("<name>", "whose key it is")
    .option("-c, --config <file>", configWords)
    .option("-m, --models <list>", "the models it may ask for: aliases, provider/model, provider/* (default: all)")
    .option("-e, --expires <when>", "30d, or a day such as 2027-01-31 (default: never)")
    .option("--json", "print the key and all about it as JSON")
    .action(async (name: string, options) => finish(await (await import("./keys.ts")).newKey(name, options, world)));
  examples(create, [
    ["headgate keys new ci", "a key for all models, for good"],
    ["headgate keys new trial --models fast,mock/* --expires 30d", "a key with limits"],
    ['KEY="$(headgate keys new ci)"', "in a script"],
  ]);
  const list = keys
    .command("list")
    .summary("list the keys")
    .description("Lists the keys of the database and of the configuration, never the keys themselves.\nDisabled and expired ones too.")
    .option("-c, --config <file>", configWords)
    .option("--json", "print as JSON")
    .action(async (options) => finish(await (await import("./keys.ts")).listKeys(options, world)));
  examples(list, [["headgate keys list", ""]]);
  const disable = keys
    .command("disable")
    .summary("disable a key")
    .description("Disables a key of the database for good; its calls stay on record.\nCalls under way with it are finished.")
    .argument("<key>", "its id or its name")
    .option("-c, --config <file>", configWords)
    .option("--json", "print as JSON")
    .action(async (key: string, options) => finish(await (await import("./keys.ts")).disableKey(key, options, world)));
  examples(disable, [["headgate keys disable ci", ""]]);
}

function addConfig(program: Command, world: World, finish: Finish, examples: Examples): void {
  const config = program
    .command("config")
    .summary("check, show and describe the configuration")
    .description("All about the configuration file, headgate.yaml.\nNothing here changes it, and no key is ever shown.");
  const check = config
    .command("check")
    .summary("check the configuration")
    .description(
      "Checks a configuration and prints each problem with its line, column and the name that was probably meant.\nEnds with 1 when it cannot be used.",
    )
    .argument("[file]", configWords)
    .option("-c, --config <file>", "the same as the argument")
    .action(async (file: string | undefined, options) => finish(await (await import("./config.ts")).checkCommand(file, options, world)));
  examples(check, [
    ["headgate config check", ""],
    ["headgate config check next.yaml && mv next.yaml headgate.yaml", "before it goes live"],
  ]);
  const schema = config
    .command("schema")
    .summary("print the JSON Schema")
    .description(
      "Prints the JSON Schema of the configuration file, for editors: completion, explanations and checks while typing.\nPoint your editor to it with a first line in the file: # yaml-language-server: $schema=./headgate.schema.json",
    )
    .action(async () => finish(await (await import("./config.ts")).schemaCommand(world)));
  examples(schema, [["headgate config schema > headgate.schema.json", ""]]);
  const show = config
    .command("show")
    .summary("show what the configuration comes to")
    .description(
      "Prints the configuration with every default filled in and every variable put in.\nKeys, passwords and headers are left out.",
    )
    .option("-c, --config <file>", configWords)
    .option("--json", "print as JSON")
    .action(async (options) => finish(await (await import("./config.ts")).showCommand(options, world)));
  examples(show, [["headgate config show", ""]]);
}

function firstSteps(bold: (text: string) => string, dim: (text: string) => string): string {
  const lines: [string, string][] = [
    ["headgate demo", "see it work: no account, no file, half a minute"],
    ["headgate serve", "run it, with the keys that are in your environment"],
    ["headgate doctor", "find out what is wrong, and what to do about it"],
  ];
  return `${bold("First:")}\n${aligned(lines, dim)}`;
}

function aligned(lines: readonly [line: string, words: string][], dim: (text: string) => string): string {
  const width = Math.max(...lines.map(([line]) => line.length));
  return lines.map(([line, words]) => (words === "" ? `  ${line}` : `  ${line.padEnd(width)}  ${dim(words)}`)).join("\n");
}
