/** Asking a token server or a metadata service: bounded in time and size, never redirected, and silent about what was shown to it. */

import { GatewayError } from "../../canonical/errors.ts";
import { asString, isObject, parseJson } from "../../canonical/json.ts";
import type { Json, JsonObject } from "../../canonical/json.ts";

export type TokenFetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal: AbortSignal; redirect: "manual" },
) => Promise<Response>;

export interface Asking {
  fetch: TokenFetch;
  /** Who is asked, for messages: `Google's token server`. */
  name: string;
  url: string;
  method?: "GET" | "POST" | "PUT";
  headers?: Record<string, string>;
  /** Sent as a form. */
  form?: Record<string, string>;
  timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1 << 20;

/** The answer's text, of a 2xx; anything else throws. */
export async function ask(asking: Asking): Promise<{ text: string; headers: Headers }> {
  const { fetch, name, url, form } = asking;
  const headers: Record<string, string> = { accept: "application/json", "user-agent": "headgate", ...asking.headers };
  if (form) headers["content-type"] = "application/x-www-form-urlencoded";
  const signal = AbortSignal.timeout(asking.timeoutMs ?? TIMEOUT_MS);
  try {
    const body = form && new URLSearchParams(form).toString();
    const response = await fetch(url, {
      method: asking.method ?? (form ? "POST" : "GET"),
      headers,
      ...(body !== undefined && { body }),
      signal,
      redirect: "manual",
    });
    const text = await readBounded(response, name);
    if (!response.ok) throw refused(name, response.status, text);
    return { text, headers: response.headers };
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw failed(
      signal.aborted ? `${name} did not answer within ${asking.timeoutMs ?? TIMEOUT_MS} ms.` : `${name} could not be reached.`,
      cause,
    );
  }
}

export async function askJson(asking: Asking): Promise<JsonObject> {
  const { text } = await ask(asking);
  const body = parseJson(text);
  if (!isObject(body)) throw failed(`${asking.name} answered with something that is not a JSON object.`);
  return body;
}

/** A failure to come by a credential: the operator's to mend, and another target may do meanwhile. */
export function failed(message: string, cause?: unknown): GatewayError {
  return new GatewayError("provider_auth", message, cause === undefined ? {} : { cause });
}

function refused(name: string, status: number, text: string): GatewayError {
  const word = errorWord(parseJson(text) ?? text);
  return new GatewayError("provider_auth", `${name} answered ${status}${word ? ` (${word})` : ""}.`, {
    upstream: { status, ...(word && { code: word }) },
  });
}

/** The error's code and nothing else: descriptions may repeat what was sent. */
function errorWord(body: Json): string | undefined {
  if (typeof body === "string") return /<Code>([\w.-]{1,80})<\/Code>/.exec(body)?.[1];
  if (!isObject(body)) return undefined;
  const { error } = body;
  const inner = isObject(error) ? error : body;
  const word = asString(error) ?? asString(inner.status) ?? asString(inner.code) ?? asString(inner.Code);
  const code = word !== undefined && /^[\w.-]{1,80}$/.test(word) ? word : undefined;
  const entra = /\bAADSTS\d{1,9}\b/.exec(asString(body.error_description) ?? "")?.[0];
  return [code, entra].filter((one) => one !== undefined).join(", ") || undefined;
}

async function readBounded(response: Response, name: string): Promise<string> {
  if (!response.body) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let size = 0;
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > MAX_BYTES) {
      void reader.cancel().catch(() => {});
      throw failed(`${name} answered with more than ${MAX_BYTES} bytes.`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Secrets travel to it, so it is encrypted, or on this very machine. */
export function checkTokenUrl(url: string, what: string): string {
  let parsed: URL | undefined;
  try {
    parsed = new URL(url);
  } catch {
    parsed = undefined;
  }
  const local = parsed !== undefined && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(parsed.hostname);
  if (parsed?.protocol === "https:" || (local && parsed?.protocol === "http:")) return url;
  throw failed(`${what} is not an https:// address.`);
}
