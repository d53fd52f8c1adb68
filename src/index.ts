/** Headgate as a library: a gateway inside your own process, on web standards only. */

import { checkConfig } from "./config/check.ts";
import { buildGateway } from "./gateway.ts";
import type { Gateway, Parts } from "./gateway.ts";
import { discoveredProviders, providerTypes } from "./house.ts";

export { GatewayError, isGatewayError } from "./canonical/errors.ts";
export type { ErrorCode, Fault } from "./canonical/errors.ts";
export type { Config } from "./config/config.ts";
export type { Outflow } from "./answer/outflow.ts";
export type { Gateway, Parts } from "./gateway.ts";
export { memoryStore } from "./stores/drivers/memory.ts";
export { openStore } from "./stores/open.ts";
export type { CallRecord, CallStore, KeyStore, Store } from "./stores/ports.ts";
export { ConfigError, formatProblems, isConfigError } from "./config/problems.ts";
export { buildGateway, checkConfig };

/**
 * Makes a gateway from a configuration object of the same shape as `headgate.yaml`, or, without one, from the keys in
 * `parts.env`. Throws a ConfigError that lists every problem.
 *
 * @example
 * const gateway = createGateway({ providers: { mock: {} } });
 * const response = await gateway.fetch(new Request("http://gateway/v1/chat/completions", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ model: "mock/echo", messages: [{ role: "user", content: "Hello" }] }),
 * }));
 */
export function createGateway(config?: object, parts: Parts = {}): Gateway {
  if (config === undefined) return buildGateway(undefined, parts);
  const env = parts.env ?? {};
  // As in a file: who names providers means these and no others.
  const discovered = "providers" in config ? [] : discoveredProviders(env).map((provider) => provider.name);
  return buildGateway(checkConfig(config, { env, providerTypes: providerTypes(env), discovered }).config, parts);
}
