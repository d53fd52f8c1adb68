/** Node: for applications that carry the gateway in their own process, and a listener for `http.createServer`. */

import { createHmac, hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { getRequestListener } from "@hono/node-server";
import type { Gateway, Parts } from "../index.ts";

/** The parts that Node does better than web standards can. */
export const nodeParts = {
  sha256: (text) => hash("sha256", text, "hex"),
  hashing: {
    sha256: (text) => hash("sha256", text, "hex"),
    hmac: (key, text) => createHmac("sha256", key).update(text).digest(),
  },
  defer: (run) => void setImmediate(run),
} satisfies Parts;

/**
 * A request listener.
 *
 * @example
 * http.createServer(nodeListener(createGateway(config, nodeParts))).listen(4000, "127.0.0.1");
 */
export function nodeListener(gateway: Gateway): ReturnType<typeof getRequestListener> {
  return getRequestListener(
    (request, { incoming }) => gateway.fetch(hostsOf(incoming) === undefined ? request : withHosts(request, incoming)),
    {
      overrideGlobalObjects: false,
    },
  );
}

type Incoming = IncomingMessage | Http2ServerRequest;

/** Node keeps the first of several Host lines and drops the others: here they are seen again, joined, and so refused. */
function hostsOf(incoming: Incoming): string | undefined {
  const hosts = "headersDistinct" in incoming ? incoming.headersDistinct["host"] : undefined;
  return hosts && hosts.length > 1 ? hosts.join(", ") : undefined;
}

function withHosts(request: Request, incoming: Incoming): Request {
  return new Request(request.url, { method: request.method, headers: { host: hostsOf(incoming) ?? "" } });
}
