/** Who may call without a key: nobody, or everybody on this machine. The server's rule, in one place for all commands that speak of it. */

import { isLoopback } from "../../config/address.ts";
import type { Config } from "../../config/config.ts";
import { assertSafeToListen } from "../../config/safety.ts";

type Guard = Pick<Config, "keys" | "listen" | "adminKey">;

/**
 * True when every call needs a key. `storedKeys` counts the disabled ones too: revoking the last key must not open the gateway.
 * An admin key is a wish to be guarded, and other machines are never let in without a key, even while there is none.
 */
export function isGuarded(config: Guard, storedKeys: number): boolean {
  return config.keys.length > 0 || config.adminKey !== undefined || storedKeys > 0 || !isLoopback(config.listen);
}

/** Throws a ConfigError. Client keys may come after the start (a container's first start has none), since without them nobody is let in. */
export function assertSafe(config: Guard & Pick<Config, "adminListen">): void {
  assertSafeToListen(config, { storedKeys: 1 });
}
