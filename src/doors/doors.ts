/** Where requests come in: which door a path is, and which format is spoken behind it. */

import { GatewayError } from "../canonical/errors.ts";
import type { ClientCodec } from "../formats/codec.ts";

export type Way =
  | { kind: "chat"; codec: ClientCodec; model?: string | undefined; stream?: boolean | undefined }
  | { kind: "models" }
  | { kind: "model"; model: string }
  | { kind: "live" }
  | { kind: "ready" }
  | { kind: "metrics" }
  | { kind: "home" };

/** A request's target, computed once from the request line and used by routing, authentication and log alike. */
export interface RequestTarget {
  path: string;
  /** With its `?`, or empty. */
  search: string;
}

/** Cuts the URL by hand: `new URL` costs as much as the whole of authentication. */
export function requestTarget(url: string): RequestTarget {
  // A runtime that could not make sense of the Host header gives the bare path.
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return { path: "/", search: "" };
  const query = url.indexOf("?", start);
  return query < 0 ? { path: url.slice(start), search: "" } : { path: url.slice(start, query), search: url.slice(query) };
}

const readers = new Set(["GET", "HEAD"]);

/** Refuses what no door takes, before anything is decided by its path. `method` of a chat's door is checked behind it, in its own dialect. */
export function checkRequestLine(method: string, headers: Headers, way: Way | undefined): void {
  // Two Host lines come joined by a comma; a path or a user in it would move the request elsewhere in a careless URL parser (LiteLLM's
  // authentication was passed by in this way).
  const host = headers.get("host");
  if (host !== null && !/^[\w.~:[\]-]*$/.test(host)) throw new GatewayError("invalid_request", "The Host header is not one host name.", { field: "host" });
  if (method === "TRACE" || method === "CONNECT" || (way && way.kind !== "chat" && !readers.has(method))) {
    throw new GatewayError("method_not_allowed", `${method.slice(0, 20)} is not a method of this door.`);
  }
}

/** Every door also answers under these, so that an SDK's base URL can be pointed at a family. */
const FAMILIES = ["/openai", "/anthropic", "/gemini"];

/** Finds the way for a path, by exact lookup: a path with dots, escapes or double slashes matches nothing. */
export function doors(chatPaths: Readonly<Record<string, ClientCodec>>): (path: string) => Way | undefined {
  const ways = new Map<string, Way>([
    ["/v1/models", { kind: "models" }],
    ["/models", { kind: "models" }],
    ["/health/live", { kind: "live" }],
    ["/health/ready", { kind: "ready" }],
    ["/metrics", { kind: "metrics" }],
    ["/", { kind: "home" }],
  ]);
  for (const [path, codec] of Object.entries(chatPaths)) {
    const way: Way = { kind: "chat", codec };
    ways.set(path, way);
    // Some clients take a base URL without the version.
    ways.set(path.replace(/^\/v1/, ""), way);
  }
  return (path) => ways.get(path) ?? ways.get(withoutFamily(path)) ?? singleModel(withoutFamily(path));
}

function withoutFamily(path: string): string {
  const family = FAMILIES.find((prefix) => path.startsWith(`${prefix}/`));
  return family ? path.slice(family.length) : path;
}

/** `/v1/models/{model}`, where the model's name may hold slashes. */
function singleModel(path: string): Way | undefined {
  if (!path.startsWith("/v1/models/") || path.length > 300) return undefined;
  try {
    return { kind: "model", model: decodeURIComponent(path.slice("/v1/models/".length)) };
  } catch {
    return undefined;
  }
}
