/** Is this machine fit to serve: a database that can be written, a free port, enough connections, a clock that is right? */

import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { toGatewayError } from "../../canonical/errors.ts";
import { formatListen } from "../../config/address.ts";
import type { ListenAddress } from "../../config/address.ts";
import type { Config } from "../../config/config.ts";
import { openStore } from "../../stores/open.ts";
import { errorCode } from "../../config/load.ts";
import { databaseName, databaseUrl, sqliteFile } from "../store.ts";
import { isHeadgate } from "../server/listen-failure.ts";
import { formatMs } from "../text.ts";
import type { Environment, World } from "../world.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

const leastFreeBytes = 200 << 20;

export async function examineDatabase(config: Config, world: World): Promise<Finding[]> {
  const url = databaseUrl(config, world.directory);
  const name = databaseName(config);
  const file = sqliteFile(url);
  if (file === undefined)
    return [
      warn(
        "database",
        `${name} forgets everything when the server stops`,
        "Configure one that lasts, such as `database: sqlite:./headgate.db`.",
      ),
    ];
  const exists = await stat(file).then(
    (found) => found.isFile(),
    () => undefined,
  );
  if (exists === false) return [fail("database", `${file} is not a file`, "Point `database` to a file.")];
  const directory = dirname(file);
  // SQLite writes its log beside the file, so the directory must be writable too.
  const locked = await firstLocked([directory, ...(exists ? [file] : [])]);
  if (locked !== undefined)
    return [fail("database", `${locked.path} ${locked.why}`, "Let this user write there, or point `database` elsewhere.")];
  const space = await freeSpace(directory);
  if (!exists) return [ok("database", `${name} is made at the first start`), ...space];
  try {
    const store = await openStore(url);
    const state = await store.check().finally(() => store.close());
    return [state === "ok" ? ok("database", `${name} can be read and written`) : fail("database", state), ...space];
  } catch (thrown) {
    const error = toGatewayError(thrown);
    return [fail("database", error.message, error.advice), ...space];
  }
}

async function firstLocked(paths: readonly string[]): Promise<{ path: string; why: string } | undefined> {
  for (const path of paths) {
    try {
      await access(path, constants.W_OK);
    } catch (thrown) {
      return { path, why: errorCode(thrown) === "ENOENT" ? "does not exist" : "cannot be written by this user" };
    }
  }
  return undefined;
}

async function freeSpace(directory: string): Promise<Finding[]> {
  try {
    const { bavail, bsize } = await statfs(directory);
    const free = bavail * bsize;
    return free < leastFreeBytes
      ? [
          warn(
            "disk",
            `only ${Math.round(free / 1024 ** 2)} MiB are free where the database is`,
            "Make room: calls are still answered on a full disk, but not recorded.",
          ),
        ]
      : [];
  } catch {
    return [];
  }
}

export async function examinePort(address: ListenAddress): Promise<Finding> {
  const where = formatListen(address);
  if (address.port === 0) return ok("port", `${where}: any free one`);
  const code = await tryListening(address);
  if (code === undefined) return ok("port", `${where} is free`);
  if (code === "EADDRINUSE" && (await isHeadgate(address))) return ok("port", `a Headgate is listening on ${where} already`);
  if (code === "EADDRINUSE")
    return fail(
      "port",
      `${where} is in use by another program`,
      "Stop that program, or listen elsewhere with --listen, HEADGATE_LISTEN or `listen:`.",
    );
  if (code === "EACCES") return fail("port", `this user may not listen on ${where}`, "Use a port from 1024 on.");
  return fail(
    "port",
    `${where} cannot be listened on (${code})`,
    "Use 127.0.0.1 for this machine only, or 0.0.0.0 for all of its addresses.",
  );
}

function tryListening({ host, port }: ListenAddress): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error) => resolve(errorCode(error) || "unknown"));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Bun's own default, over all providers together. */
const defaultConnections = 256;

export function examineRuntime(env: Environment): Finding[] {
  const bun = process.versions["bun"];
  if (bun === undefined)
    return [
      warn(
        "runtime",
        `Node ${process.versions.node}: the library runs on it, the server needs Bun`,
        "Use the `headgate` command, which brings Bun along.",
      ),
    ];
  const set = env["BUN_CONFIG_MAX_HTTP_REQUESTS"];
  const connections = set ? Number(set) : undefined;
  if (connections !== undefined && !(connections > defaultConnections)) {
    return [
      ok("runtime", `Bun ${bun}`),
      warn(
        "connections",
        `BUN_CONFIG_MAX_HTTP_REQUESTS=${set ?? ""} allows that many calls to providers at once`,
        "Unset it: `headgate serve` then allows 65,535.",
      ),
    ];
  }
  return [ok("runtime", `Bun ${bun}, ${connections ?? "65535 (set by `headgate serve`)"} connections to providers at once`)];
}

/** Expiry dates, tokens of the big clouds and the days of the usage table depend on it. */
const mostSkewMs = 60_000;
/** No build of this program is older. */
const earliest = Date.UTC(2026, 10, 1);

export function examineClock(now: number, skews: readonly (number | undefined)[]): Finding {
  if (now < earliest)
    return fail("clock", `this machine believes it is ${new Date(now).toISOString().slice(0, 10)}`, "Set the clock; switch on NTP.");
  const known = skews.filter((skew) => skew !== undefined).toSorted((left, right) => left - right);
  const median = known[Math.floor(known.length / 2)];
  if (median === undefined) return ok("clock", `${new Date(now).toISOString()}, no provider to compare it with`);
  if (Math.abs(median) <= mostSkewMs) return ok("clock", "agrees with the providers'");
  return warn(
    "clock",
    `is ${formatMs(Math.abs(median))} ${median > 0 ? "behind" : "ahead of"} the providers'`,
    "Switch on NTP (`timedatectl set-ntp true`).",
  );
}
