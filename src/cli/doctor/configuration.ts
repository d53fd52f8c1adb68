/** Is the configuration usable, safe and kept from strangers? */

import { stat } from "node:fs/promises";
import { toGatewayError } from "../../canonical/errors.ts";
import { formatListen } from "../../config/address.ts";
import { formatProblem, isConfigError } from "../../config/problems.ts";
import { buildGateway } from "../../gateway.ts";
import type { Gateway } from "../../gateway.ts";
import { readConfiguration, sourceName } from "../configuration.ts";
import type { Configuration, ConfigurationOptions } from "../configuration.ts";
import { keySource, literalSecrets, readWritten } from "../key-sources.ts";
import type { Written } from "../key-sources.ts";
import { assertSafe, isGuarded } from "../server/guarded.ts";
import { openExisting, withStore } from "../store.ts";
import { formatList, plural } from "../text.ts";
import type { World } from "../world.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

const check = "configuration";

/** The configuration is undefined when there is none to go on with; the gateway, when it cannot be built from it. */
export interface Examined {
  findings: Finding[];
  configuration?: Configuration | undefined;
  gateway?: Gateway | undefined;
}

export async function examineConfiguration(world: World, options: ConfigurationOptions): Promise<Examined> {
  let configuration: Configuration;
  try {
    configuration = await readConfiguration(world, options);
  } catch (thrown) {
    if (!isConfigError(thrown)) throw thrown;
    return { findings: problemFindings(thrown.problems.map((problem) => formatProblem(problem, thrown.fileName))) };
  }
  const { config, source, warnings } = configuration;
  const written = await readWritten(source);
  const findings = [
    ok(
      check,
      `${sourceName(configuration)}: ${plural(config.providers.size, "provider")}, ${plural(config.models.size, "model")}, ${plural(config.keys.length, "key")}`,
    ),
    ...warnings.map((warning) => warn(check, formatProblem(warning, source))),
    ...(await filePermissions(source, written)),
    whoMayCall(configuration, await storedKeys(configuration, world)),
    ...credentials(configuration, written, world),
  ];
  try {
    return { findings, configuration, gateway: buildGateway(config, { env: world.env }) };
  } catch (thrown) {
    return {
      findings: [...findings, fail(check, toGatewayError(thrown).message, "Correct the named part of the configuration.")],
      configuration,
    };
  }
}

function problemFindings(lines: string[]): Finding[] {
  return lines.map((line) => fail(check, line, "Correct this; `headgate config schema` has all that may stand there."));
}

async function filePermissions(source: string | undefined, written: Written): Promise<Finding[]> {
  const literal = literalSecrets(written);
  if (source === undefined || literal.length === 0 || process.platform === "win32") return [];
  const { mode } = await stat(source);
  if ((mode & 0o077) === 0) return [ok("file permissions", `${source} holds keys, and only its owner can read it`)];
  const others = (mode & 0o007) === 0 ? "its group" : "every user of this machine";
  return [
    warn(
      "file permissions",
      `${source} holds keys as they are (${formatList(literal, 3)}), and is open to ${others}`,
      `Run \`chmod 600 ${source}\`, or better put the keys into the environment and write \${NAME} in the file.`,
    ),
  ];
}

function whoMayCall({ config }: Configuration, storedKeys: number): Finding {
  try {
    assertSafe(config);
  } catch (thrown) {
    if (!isConfigError(thrown)) throw thrown;
    return fail("access", thrown.problems.map((problem) => problem.message).join("; "), "The server will not start like this.");
  }
  const where = formatListen(config.listen);
  return ok(
    "access",
    isGuarded(config, storedKeys) ? `every call needs a key (${where})` : `open to everyone on this machine, and to nobody else (${where})`,
  );
}

/** What is wrong with the database is another check's to say. */
async function storedKeys({ config }: Configuration, world: World): Promise<number> {
  try {
    const store = await openExisting(config, world);
    return store ? await withStore(store, async (store) => (await store.listKeys()).length) : 0;
  } catch {
    return 0;
  }
}

function credentials({ config, source, discovered }: Configuration, written: Written, world: World): Finding[] {
  return [...config.providers.values()].map((provider) => {
    const { state, words } = keySource(provider, world.env, written, source);
    const about = `${provider.name} key`;
    if (state !== "missing") return ok(about, words);
    const advice = discovered ? undefined : `Set it, or write api_key under providers.${provider.name}: \`none\` when none is needed.`;
    return fail(about, words, advice);
  });
}
