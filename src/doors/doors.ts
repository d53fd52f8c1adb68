/** Where requests come in: which door a path is, and which format is spoken behind it. */

import { GatewayError } from "../canonical/errors.ts";
import type { ClientCodec } from "../formats/codec.ts";
import type { OperationDoor } from "../operations/operation.ts";

export type Way =
  | { kind: "chat"; codec: ClientCodec; model?: string | undefined; stream?: boolean | undefined }
  | { kind: "operation"; door: OperationDoor; rest: string }
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

/** Refuses what no door takes, before anything is decided by its path. The method of a chat's or an operation's door is checked behind it, in its own dialect. */
export function checkRequestLine(method: string, headers: Headers, way: Way | undefined): void {
  // Two Host lines come joined by a comma; a path or a user in it would move the request elsewhere in a careless URL parser (LiteLLM's
  // authentication was passed by in this way).
  const host = headers.get("host");
  if (host !== null && !/^[\w.~:[\]-]*$/.test(host))
    throw new GatewayError("invalid_request", "The Host header is not one host name.", { field: "host" });
  if (method === "TRACE" || method === "CONNECT" || (way && way.kind !== "chat" && way.kind !== "operation" && !readers.has(method))) {
    throw new GatewayError("method_not_allowed", `${method.slice(0, 20)} is not a method of this door.`);
  }
}

/** Every door also answers under these, so that an SDK's base URL can be pointed at a family. */
const FAMILIES = ["/openai", "/anthropic", "/gemini"];

/** Where the clients of a chat format knock. */
export interface ChatDoor {
  /** `{model}` in it stands for the model's name, which may hold slashes. */
  path: string;
  codec: ClientCodec;
  /** Where the path and not the body says whether the answer is streamed. */
  stream?: boolean;
  /** Another codec where the query holds this word, e.g. `alt=sse`. */
  asked?: { word: string; codec: ClientCodec };
}

/** Finds the way for a path: by exact look-up, then among the doors whose path names a model. A path with dots or double slashes matches nothing. */
export function doors(
  chatDoors: readonly ChatDoor[],
  operationDoors: Readonly<Record<string, OperationDoor>>,
): (target: RequestTarget) => Way | undefined {
  const ways = new Map<string, Way>([
    ["/v1/models", { kind: "models" }],
    ["/models", { kind: "models" }],
    ["/v1beta/models", { kind: "models" }],
    ["/health/live", { kind: "live" }],
    ["/health/ready", { kind: "ready" }],
    ["/metrics", { kind: "metrics" }],
    ["/", { kind: "home" }],
  ]);
  const named: NamedDoor[] = [];
  for (const [path, door] of Object.entries(operationDoors)) {
    const [before, after] = path.split(/\{model\}|\*/);
    if (before !== undefined && after !== undefined)
      named.push({ before, after, way: (rest) => ({ kind: "operation", door, rest }), raw: path.includes("*") });
    else for (const one of [path, path.replace(/^\/v\d/, "")]) ways.set(one, { kind: "operation", door, rest: "" });
  }
  for (const door of chatDoors) {
    const [before, after] = door.path.split("{model}");
    if (before !== undefined && after !== undefined) {
      named.push({
        before,
        after,
        way: (model, search) => ({
          kind: "chat",
          codec: door.asked && search.includes(door.asked.word) ? door.asked.codec : door.codec,
          model,
          stream: door.stream,
        }),
      });
      continue;
    }
    const way: Way = { kind: "chat", codec: door.codec };
    ways.set(door.path, way);
    // Some clients take a base URL without the version.
    ways.set(door.path.replace(/^\/v1/, ""), way);
  }
  return ({ path, search }) => {
    const found = ways.get(path);
    if (found) return found;
    const own = withoutFamily(path);
    return ways.get(own) ?? namedModel(named, own, search) ?? singleModel(own);
  };
}

interface NamedDoor {
  before: string;
  after: string;
  /** By what stands between the two, and by the query. */
  way(name: string, search: string): Way;
  /** It is handed on as it was written, however long. */
  raw?: boolean;
}

function namedModel(named: readonly NamedDoor[], path: string, search: string): Way | undefined {
  const found = named.find(
    ({ before, after }) => path.startsWith(before) && path.endsWith(after) && path.length > before.length + after.length,
  );
  if (!found) return undefined;
  const between = path.slice(found.before.length, path.length - found.after.length);
  if (found.raw) return found.way(between, search);
  const name = path.length > 400 ? undefined : decoded(between);
  return name === undefined ? undefined : found.way(name, search);
}

function withoutFamily(path: string): string {
  const family = FAMILIES.find((prefix) => path.startsWith(`${prefix}/`));
  return family ? path.slice(family.length) : path;
}

/** `/v1/models/{model}`, where the model's name may hold slashes. */
function singleModel(path: string): Way | undefined {
  const before = ["/v1/models/", "/v1beta/models/"].find((prefix) => path.startsWith(prefix));
  if (before === undefined || path.length > 300) return undefined;
  const model = decoded(path.slice(before.length));
  return model === undefined ? undefined : { kind: "model", model };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
