/** Follows the configuration file while the server runs: a valid change is live at once, an invalid one is refused in words, and the old one stays. */

import { toGatewayError } from "../../canonical/errors.ts";
import { needsRestart } from "../../config/config.ts";
import type { Config } from "../../config/config.ts";
import { formatProblem, isConfigError } from "../../config/problems.ts";
import { watchConfig } from "../../config/watch.ts";
import type { Gateway } from "../../gateway.ts";
import { loadOptions, readConfiguration } from "../configuration.ts";
import type { ConfigurationOptions } from "../configuration.ts";
import type { World } from "../world.ts";
import { assertSafe } from "./guarded.ts";
import type { ServerLog } from "./log.ts";

export interface Reload {
  /** After this, nothing changes any more. */
  close(): Promise<void>;
}

export interface Running {
  config: Config;
  source: string;
  fingerprint: string | undefined;
  gateway: Pick<Gateway, "reload">;
  /** Told just before a configuration goes live. */
  adopting(config: Config): void;
  log: ServerLog;
  /** `--log-level` was given, and wins over the file. */
  fixedLogLevel: boolean;
}

export function followConfiguration(world: World, options: ConfigurationOptions, running: Running): Reload {
  const { gateway, log, source } = running;
  let current = running.config;
  let turn = Promise.resolve();

  const adopt = async (): Promise<void> => {
    try {
      const next = await readConfiguration(world, { ...options, config: source });
      // The address stays as it is until the next start, so what the file asks for now must be safe there.
      assertSafe({ ...next.config, listen: running.config.listen, adminListen: running.config.adminListen });
      running.adopting(next.config);
      gateway.reload(next.config);
      if (!running.fixedLogLevel) log.setLevel(next.config.log.level);
      for (const warning of next.warnings) log.warn({}, formatProblem(warning, source));
      const waiting = changesThatWait(running.config, next.config);
      current = next.config;
      log.info(
        { file: source, providers: current.providers.size, models: current.models.size, keys: current.keys.length },
        "the new configuration is live; calls under way keep the old one",
      );
      if (waiting.length > 0)
        log.warn({ settings: waiting.join(", ") }, "these settings have changed too, and need a restart to take effect");
    } catch (thrown) {
      refuse(thrown, log);
    }
  };

  const watcher = watchConfig(
    source,
    (change) => {
      // The watcher knows that the file has new content; what it means also depends on the environment, so it is read the same way as at the start.
      turn = turn.then(() => ("error" in change ? refuse(change.error, log) : adopt()));
    },
    { ...loadOptions(world, options), fingerprint: running.fingerprint },
  );
  return {
    async close() {
      await watcher.close();
      await turn;
    },
  };
}

/** Compared with the start: what has been waiting since an earlier change still waits. */
function changesThatWait(atStart: Config, now: Config): string[] {
  const changes = needsRestart(atStart, now);
  if (atStart.log.format !== now.log.format) changes.push("log.format");
  return changes;
}

function refuse(thrown: unknown, log: ServerLog): void {
  if (isConfigError(thrown)) {
    const lines = thrown.problems.map((problem) => formatProblem(problem, thrown.fileName));
    log.error(
      { problems: lines.length },
      `the changed configuration cannot be used, the old one stays:\n${lines.map((line) => `  ${line}`).join("\n")}`,
    );
    return;
  }
  const error = toGatewayError(thrown);
  log.error(
    error.code === "internal" ? { err: thrown } : {},
    `the changed configuration cannot be used, the old one stays: ${error.message}`,
  );
}
