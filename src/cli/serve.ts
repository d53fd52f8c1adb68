/** `headgate serve`: from a configuration to a running server, and from a signal to a clean end. */

import { parseListen } from "../config/address.ts";
import type { Config, LogLevel } from "../config/config.ts";
import { formatProblem } from "../config/problems.ts";
import { buildGateway } from "../gateway.ts";
import type { Gateway } from "../gateway.ts";
import { bunParts, serve } from "../runtimes/bun.ts";
import type { Server } from "../runtimes/bun.ts";
import { openStore } from "../stores/open.ts";
import type { Store, StoredKey } from "../stores/ports.ts";
import { readConfiguration, sourceName } from "./configuration.ts";
import type { Configuration } from "./configuration.ts";
import { CommandFailure, exitCodes, usageFailure } from "./exit.ts";
import { readWritten } from "./key-sources.ts";
import { assertSafe, isGuarded } from "./server/guarded.ts";
import { holdLifeline } from "./server/lifeline.ts";
import { serverLog } from "./server/log.ts";
import type { ServerLog } from "./server/log.ts";
import { listenFailure } from "./server/listen-failure.ts";
import { needsRelaunch, relaunch } from "./server/relaunch.ts";
import { followConfiguration } from "./server/reload.ts";
import { listenForEnding } from "./server/shutdown.ts";
import type { Ending } from "./server/shutdown.ts";
import { reachableUrl, startUpMessage } from "./server/start-up-message.ts";
import { databaseName, databaseUrl } from "./store.ts";
import { version } from "./version.ts";
import type { World } from "./world.ts";

export interface ServeCommand {
  config?: string | undefined;
  listen?: string | undefined;
  logLevel?: LogLevel | undefined;
}

/** What calls under way get after the first signal. As long as the vendors' SDKs wait for an answer. */
const DRAIN_MS = 600_000;
/** For what is left to write when everything else is over. */
const LAST_WRITES_MS = 10_000;

export async function serveCommand(options: ServeCommand, world: World): Promise<number> {
  if (process.versions["bun"] === undefined)
    throw new CommandFailure("The server runs on Bun, and this is Node.", {
      hint: "Start it with `headgate serve`, which finds the Bun that was installed with it.",
    });
  if (needsRelaunch()) return relaunch();
  if (options.listen !== undefined && parseListen(options.listen) === undefined) {
    throw usageFailure(
      `--listen ${options.listen} is not an address.`,
      "Write host:port, such as 127.0.0.1:4000; :4000 is every address of the machine, and 4000 alone is this machine only.",
    );
  }
  const configuration = await readConfiguration(world, options);
  const { config, source } = configuration;
  assertSafe(config);
  const log = serverLog(options.logLevel === undefined ? config.log : { ...config.log, level: options.logLevel }, world.err);
  for (const warning of configuration.warnings) log.warn({}, formatProblem(warning, source));
  surviveStrays(log);
  const store = await openStore(databaseUrl(config, world.directory));
  let end: ((exitCode: number) => void) | undefined;
  try {
    const storedKeys = await store.listKeys();
    let guarded = isGuarded(config, storedKeys.length);
    const gateway = buildGateway(config, {
      store,
      log,
      env: world.env,
      onCall: (record) => log.call(record),
      ...bunParts,
      // Asked again at each reload.
      get guarded() {
        return guarded;
      },
    });
    const ending = listenForEnding();
    const server = await open(gateway, config);
    end = holdLifeline(world.env, () => process.exit(exitCodes.failed));
    await announce({ configuration, storedKeys, guarded, latestCallAt: await latestCall(store), url: server.url }, log, world);
    const adopting = (next: Config): void => {
      guarded = isGuarded({ ...next, listen: config.listen }, storedKeys.length);
    };
    const following =
      source === undefined
        ? undefined
        : followConfiguration(world, options, {
            config,
            source,
            fingerprint: configuration.fingerprint,
            gateway,
            adopting,
            log,
            fixedLogLevel: options.logLevel !== undefined,
          });
    await ending.asked.then((signal) =>
      log.info({ signal }, "stopping: no new calls; those under way are finished. A second signal cuts them"),
    );
    await Promise.all([drain(server, ending, log), following?.close()]);
    await within(LAST_WRITES_MS, gateway.close());
    log.info({}, "stopped");
    ending.release();
  } finally {
    await store.close();
    log.flush();
  }
  end?.(exitCodes.ok);
  return exitCodes.ok;
}

async function open(gateway: Gateway, config: Config): Promise<Server> {
  try {
    return serve(gateway, { hostname: config.listen.host, port: config.listen.port });
  } catch (thrown) {
    throw await listenFailure(thrown, config.listen);
  }
}

interface Announcement {
  configuration: Configuration;
  storedKeys: readonly StoredKey[];
  guarded: boolean;
  latestCallAt: number | undefined;
  url: string;
}

async function announce(
  { configuration, storedKeys, guarded, latestCallAt, url }: Announcement,
  log: ServerLog,
  world: World,
): Promise<void> {
  const { config, source, discovered } = configuration;
  const now = world.now();
  const usable = storedKeys.filter((key) => key.disabledAt === null && (key.expiresAt === null || key.expiresAt > now));
  const written = await readWritten(source);
  world.out.write(
    startUpMessage(
      {
        version,
        config,
        source,
        written,
        discovered,
        env: world.env,
        database: databaseName(config),
        storedKeys: usable.length,
        guarded,
        latestCallAt,
        url,
      },
      world.out,
    ),
  );
  log.info(
    {
      url: reachableUrl(url),
      version,
      configuration: sourceName(configuration),
      providers: config.providers.size,
      models: config.models.size,
      guarded,
    },
    "listening",
  );
}

/** Not how many there are: counting millions would hold up the start. */
async function latestCall(store: Store): Promise<number | undefined> {
  const [latest] = await store.recent({ limit: 1 });
  return latest?.startedAt;
}

/** Calls under way end in their own time, or at the second signal. */
async function drain(server: Server, ending: Ending, log: ServerLog): Promise<void> {
  const stopped = server.stop(DRAIN_MS);
  const cut = ending.insisted.then(async (signal) => {
    log.warn({ signal }, "cutting the calls that are still under way");
    await server.stop(0);
  });
  await Promise.race([stopped, cut]);
}

/** A failure that nobody waited for must not take the calls under way down with it. */
function surviveStrays(log: ServerLog): void {
  process.on("uncaughtException", (error) => log.error({ err: error }, "an error that nobody caught; this is a bug, please report it"));
  process.on("unhandledRejection", (reason) =>
    log.error({ err: reason }, "a rejection that nobody handled; this is a bug, please report it"),
  );
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([work, new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
