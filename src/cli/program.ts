/** The command line as a tree: names, options, words that teach. What a command does is in its own file, loaded when it is called. */

import { Command, Option } from "commander";
import { version } from "./version.ts";
import type { World } from "./world.ts";

type Finish = (exitCode: number) => void;

const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

export function buildProgram(world: World, finish: Finish): Command {
  const program = new Command("headgate");
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.out.write(text),
      writeErr: (text) => world.err.write(text),
      getOutHelpWidth: () => world.out.width ?? 100,
      getErrHelpWidth: () => world.err.width ?? 100,
      getOutHasColors: () => world.out.colours.bold("x") !== "x",
      getErrHasColors: () => world.err.colours.bold("x") !== "x",
    })
    .configureHelp({ styleTitle: world.out.colours.bold, styleCommandText: world.out.colours.cyan, styleSubcommandText: world.out.colours.cyan, styleOptionText: world.out.colours.cyan })
    .showHelpAfterError("(add --help for what there is)")
    .version(version, "-v, --version", "print the version")
    .description("One door between your applications or agents and every model they call.");

  program
    .command("serve")
    .summary("run the gateway")
    .description("Runs the gateway until it is told to stop.\nReads headgate.yaml if there is one; without it, every provider whose key is in the environment is on, and so is the mock provider.")
    .option("-c, --config <file>", "the configuration (or HEADGATE_CONFIG; default: ./headgate.yaml)")
    .option("-l, --listen <address>", "where to listen, such as 127.0.0.1:4000 (or HEADGATE_LISTEN)")
    .addOption(new Option("--log-level <level>", "what to log").choices(levels))
    .action(async (options) => finish(await (await import("./serve.ts")).serveCommand(options, world)));

  program.command("version").summary("print the version").action(async () => finish((await import("./version.ts")).printVersion(world)));
  return program;
}
