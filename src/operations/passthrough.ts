/** `/passthrough/{provider}/…`: any method and path of a configured provider, with the gateway's key in and the provider's out. */

import { GatewayError, invalidField } from "../canonical/errors.ts";
import { asString, isObject, parseJson } from "../canonical/json.ts";
import type { JsonObject } from "../canonical/json.ts";
import type { Usage } from "../canonical/usage.ts";
import { readUpload } from "../doors/read-body.ts";
import type { Dialect } from "../formats/operation.ts";
import type { Base, Call, Outcome, RelayReply, SpokenFormat, Target } from "../stages/call.ts";
import { Exchange } from "../stages/exchange.ts";
import { frameReader } from "../upstream/framing/framing.ts";
import { beginFlow, sinceStart } from "./flow.ts";
import type { OperationDoor } from "./operation.ts";

interface Asked {
  method: string;
  /** Behind the base URL, with the query. */
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer> | undefined;
  /** That the body or the path names. */
  model: string | undefined;
}

export function passthrough(client: Dialect): OperationDoor {
  return {
    format: "passthrough",
    client,
    methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    async read(request, { house, limits, rest, search }) {
      const slash = rest.indexOf("/");
      const provider = slash < 0 ? rest : rest.slice(0, slash);
      const path = slash < 0 ? "" : rest.slice(slash);
      checkPath(path);
      // As in a key's list of models: who may use all of a provider's models may use all of the provider.
      const model = `${provider}/*`;
      if (!/^[\w.-]+$/.test(provider) || !house.route(model))
        throw new GatewayError("route_not_found", `There is no provider ${JSON.stringify(provider.slice(0, 80))}.`);
      const body = await readBytes(request, limits);
      const asked: Asked = {
        method: request.method,
        path: path + withoutKey(search),
        headers: requestHeaders(request.headers),
        body,
        model: modelIn(body),
      };
      return {
        model,
        stream: true,
        body: {},
        operation: { name: "passthrough", dispatch: (call) => pass(call, call.target as Target, asked) },
      };
    },
  };
}

/** Text stays text, so that a signer can read it. */
async function readBytes(request: Request, limits: Parameters<typeof readUpload>[1]): Promise<Asked["body"]> {
  if (request.method === "GET" || request.method === "HEAD") return undefined;
  const bytes = await readUpload(request, limits);
  if (bytes.byteLength === 0) return undefined;
  if (!/json|^text\//i.test(request.headers.get("content-type") ?? "")) return bytes;
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return bytes;
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Refuses what could climb out of the base URL, at us or at a server that decodes once more. */
function checkPath(path: string): void {
  let text = path;
  for (let round = 0; round < 3; round++) {
    if (/[\\#?\s\u0000-\u001f\u007f]|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/.test(text))
      throw invalidField("path", "must not hold empty or dot segments, nor backslashes, also not escaped.");
    let decoded: string;
    try {
      decoded = decodeURIComponent(text);
    } catch {
      throw invalidField("path", "is not well escaped.");
    }
    if (decoded === text) return;
    text = decoded;
  }
  throw invalidField("path", "is escaped too often.");
}

/** `?key=` is one of the places of the client's own key. */
function withoutKey(search: string): string {
  const kept = search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "" && decodedName(pair) !== "key");
  return kept.length > 0 ? `?${kept.join("&")}` : "";
}

function decodedName(pair: string): string {
  const name = (pair.split("=", 1)[0] ?? "").replaceAll("+", " ");
  try {
    return decodeURIComponent(name).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
}

/** What belongs to a connection, to the client's own credential, or to what is before the gateway. */
const unsent =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|host|content-length|accept-encoding|authorization|x-api-key|api-key|x-goog-api-key|x-goog-user-project|x-amz-.*|cookie|x-headgate-.*|forwarded|x-forwarded-.*|x-real-ip|via|cf-.*|true-client-ip|if-(?:none-match|match|modified-since|unmodified-since|range))$/;
const unpassed =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|content-encoding|set-cookie|set-cookie2|alt-svc|strict-transport-security|access-control-.*|x-headgate-.*|www-authenticate)$/;

function requestHeaders(headers: Headers): Record<string, string> {
  const named = new Set(
    (headers.get("connection") ?? "")
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
  const kept: Record<string, string> = {};
  headers.forEach((value, name) => {
    if (!unsent.test(name) && !named.has(name)) kept[name] = value;
  });
  return { ...kept, "accept-encoding": "identity" };
}

function passedHeaders(headers: Headers): Headers {
  const kept = new Headers();
  headers.forEach((value, name) => {
    if (!unpassed.test(name)) kept.append(name, value);
  });
  return kept;
}

function modelIn(body: Asked["body"]): string | undefined {
  const parsed = typeof body === "string" ? parseJson(body) : undefined;
  return isObject(parsed) ? asString(parsed["model"]) : undefined;
}

async function pass(call: Call, target: Target, asked: Asked): Promise<RelayReply> {
  const { base, name } = target.provider;
  if (!base) throw new GatewayError("not_supported", `The provider "${name}" has no address to pass requests on to.`);
  const exchange = new Exchange(call, target);
  try {
    const headers = { ...asked.headers, ...target.provider.headers };
    const response = await exchange.send(asked.method, urlAt(base, asked.path), headers, asked.body, base);
    const spoken = spokenAt(target, asked.path);
    const model = asked.model ?? spoken?.model;
    const priced = model === undefined ? target : (call.house.route(`${name}/${model}`)?.targets[0] ?? target);
    const outcome: Outcome = { error: failure(response.status, name) };
    const body = asked.method === "HEAD" ? undefined : await beginFlow(response, exchange, target);
    if (!body) exchange.done();
    return {
      kind: "relay",
      status: response.status,
      contentType: response.headers.get("content-type") ?? undefined,
      headers: passedHeaders(response.headers),
      // All that is left of them.
      passes: [""],
      format: spoken?.spoken.codec.name ?? "passthrough",
      verbatim: true,
      target: priced,
      firstByteMs: sinceStart(call),
      body,
      outcome,
      hear: spoken && response.ok ? hearReply(outcome, spoken.spoken, response.headers.get("content-type") ?? "") : undefined,
      settle: () => {},
    };
  } catch (thrown) {
    exchange.failed();
    throw thrown;
  }
}

/** A base URL and a path may both begin with the version. */
function urlAt({ baseUrl }: Base, path: string): string {
  const version = /\/v\d+(?:beta)?$/.exec(baseUrl)?.[0];
  return version !== undefined && (path === version || path.startsWith(`${version}/`))
    ? baseUrl + path.slice(version.length)
    : baseUrl + path;
}

/** The provider's own failure goes to the client as it is; on record it is one all the same. */
function failure(status: number, provider: string): GatewayError | undefined {
  if (status < 400) return undefined;
  return new GatewayError(status < 500 ? "provider_rejected" : "provider_error", `${provider} answered ${status}.`, {
    status,
    upstream: { status },
  });
}

// ── what it cost ─────────────────────────────────────────────────────────────────────────────────────────────

/** The format that the provider speaks at this path, and the model that the path names, if it does. */
function spokenAt(target: Target, path: string): { spoken: SpokenFormat; model: string | undefined } | undefined {
  const plain = path.split("?", 1)[0] as string;
  for (const spoken of target.speaks) {
    for (const stream of [false, true]) {
      const [before = "", after] = (spoken.path ?? spoken.codec.provider.path)("\u0001", stream).split("?", 1)[0]?.split("\u0001") ?? [];
      if (after === undefined) {
        if (plain === before || plain.endsWith(before)) return { spoken, model: undefined };
      } else if (plain.startsWith(before) && plain.endsWith(after) && plain.length > before.length + after.length) {
        return { spoken, model: plain.slice(before.length, plain.length - after.length) };
      }
    }
  }
  return undefined;
}

/** An answer that is longer is passed on unread. */
const MAX_HEARD_BYTES = 8 << 20;

function hearReply(outcome: Outcome, spoken: SpokenFormat, contentType: string): (chunk: Uint8Array | undefined) => void {
  const { codec, quirks } = spoken;
  const note = (body: JsonObject): void => {
    for (const event of codec.provider.decodeReply(body, quirks)) {
      if (event.type === "usage") outcome.usage = event.usage;
      else if (event.type === "start") outcome.servedModel = event.model;
      else if (event.type === "finish") outcome.finish = event.finish;
    }
  };
  if (contentType.startsWith("application/json")) return hearWhole(note);
  const frames = frameReader(codec.framing);
  const decoder = codec.provider.decodeEvents(quirks);
  let deaf = false;
  return (chunk) => {
    if (deaf) return;
    try {
      for (const frame of chunk ? frames.push(chunk) : frames.end()) {
        for (const event of decoder.push(frame)) {
          if (event.type === "usage") outcome.usage = event.usage satisfies Usage;
          else if (event.type === "start") outcome.servedModel ??= event.model;
          else if (event.type === "finish") outcome.finish ??= event.finish;
          else if (event.type === "error") outcome.error ??= event.error;
        }
      }
    } catch {
      deaf = true;
    }
  };
}

function hearWhole(note: (body: JsonObject) => void): (chunk: Uint8Array | undefined) => void {
  const decoder = new TextDecoder();
  let text: string | undefined = "";
  return (chunk) => {
    if (text === undefined) return;
    if (chunk) {
      text = text.length > MAX_HEARD_BYTES ? undefined : text + decoder.decode(chunk, { stream: true });
      return;
    }
    const body = parseJson(text);
    text = undefined;
    try {
      if (isObject(body)) note(body);
    } catch {
      // What cannot be read is still what the client asked for.
    }
  };
}
