/** Refuses to listen where strangers could call without a key. */

import type { Config } from "../../config/config.ts";
import { assertSafeToListen } from "../../config/safety.ts";

/**
 * Throws a ConfigError. An admin key alone is enough: with it the gateway asks every caller for a key, and one that has no keys yet lets nobody in
 * (a container starts this way, and its first key is made afterwards). Keys in the database do not count, since they do not close the gateway.
 */
export function assertGuarded(config: Pick<Config, "keys" | "listen" | "adminListen" | "adminKey">): void {
  assertSafeToListen(config, { storedKeys: config.adminKey === undefined ? 0 : 1 });
}
