/** Node: for applications that carry the gateway in their own process, and a listener for `http.createServer`. */

import { hash } from "node:crypto";
import { getRequestListener } from "@hono/node-server";
import type { Gateway, Parts } from "../index.ts";

/** The parts that Node does better than web standards can. */
export const nodeParts = {
  sha256: (text) => hash("sha256", text, "hex"),
  defer: (run) => void setImmediate(run),
} satisfies Parts;

/**
 * A request listener.
 *
 * @example
 * http.createServer(nodeListener(createGateway(config, nodeParts))).listen(4000, "127.0.0.1");
 */
export function nodeListener(gateway: Gateway): ReturnType<typeof getRequestListener> {
  return getRequestListener((request) => gateway.fetch(request), { overrideGlobalObjects: false });
}
