/** The rule that an open gateway stays on this machine. */

import { formatListen, isLoopback } from "./address.ts";
import type { Config } from "./config.ts";
import { ConfigError } from "./problems.ts";
import type { Problem } from "./problems.ts";

export interface SafetyOptions {
  /** Client keys that exist outside the file, in the store. */
  storedKeys?: number | undefined;
}

/** True when any caller may use every model: fine on loopback, and to be said at start. */
export function isOpen(config: Pick<Config, "keys">, options: SafetyOptions = {}): boolean {
  return config.keys.length === 0 && (options.storedKeys ?? 0) === 0;
}

/** Throws a ConfigError when the gateway would be open, or its admin API unguarded, to other machines. */
export function assertSafeToListen(
  config: Pick<Config, "keys" | "listen" | "adminListen" | "adminKey">,
  options: SafetyOptions = {},
): void {
  const problems: Problem[] = [];
  if (!isLoopback(config.listen)) {
    const where = formatListen(config.listen);
    if (isOpen(config, options))
      problems.push({
        path: "keys",
        message: `listening on ${where} without client keys would let anyone spend on your providers: add keys, or listen on 127.0.0.1`,
      });
    if (config.adminKey === undefined)
      problems.push({
        path: "admin_key",
        message: `required when listening on ${where}, which is not loopback: set it, or HEADGATE_ADMIN_KEY`,
      });
  } else if (config.adminListen !== "same" && !isLoopback(config.adminListen) && config.adminKey === undefined) {
    problems.push({
      path: "admin_key",
      message: `required when the admin API listens on ${formatListen(config.adminListen)}, which is not loopback: set it, or HEADGATE_ADMIN_KEY`,
    });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
