/** One HTTP exchange with a provider: never follows a redirect, never buffers without bound, says plainly what went wrong. */

import { GatewayError } from "../canonical/errors.ts";

/** `fetch` as the house needs it; the mock provider is one of these too. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body: string; signal: AbortSignal; redirect: "manual" },
) => Promise<Response>;

export interface Sending {
  fetch: Fetch;
  url: string;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
  /** The provider's name, for messages. */
  provider: string;
}

/** Sends; resolves when the response's headers are here. An abort throws the signal's reason when that is a GatewayError. */
export async function send(sending: Sending): Promise<Response> {
  const { signal } = sending;
  let response: Response;
  try {
    response = await sending.fetch(sending.url, {
      method: "POST",
      headers: sending.headers,
      body: sending.body,
      signal,
      // A followed redirect would carry x-api-key to a stranger (measured with undici: only Authorization is stripped).
      redirect: "manual",
    });
  } catch (cause) {
    throw brokenExchange(cause, signal, sending.provider);
  }
  if (response.status >= 300 && response.status < 400) {
    void response.body?.cancel().catch(() => {});
    throw new GatewayError("provider_redirect", `${sending.provider} answered ${response.status} (a redirect), which is not followed.`, {
      upstream: { status: response.status },
    });
  }
  return response;
}

/** A failure of the transport as a GatewayError. */
export function brokenExchange(cause: unknown, signal: AbortSignal, provider: string): unknown {
  if (signal.aborted) return signal.reason;
  const code = transportCode(cause);
  return new GatewayError("provider_unreachable", `The connection to ${provider} failed${code ? ` (${code})` : ""}.`, { cause });
}

/** The whole body as text; refuses more than `limit` characters' worth of bytes. */
export async function readText(response: Response, limit: number, signal: AbortSignal, provider: string): Promise<string> {
  const declared = Number(response.headers.get("content-length") ?? Number.NaN);
  if (declared > limit) {
    void response.body?.cancel().catch(() => {});
    throw tooLarge(provider, limit);
  }
  try {
    // A declared length bounds what can come: the runtime cuts there, so the quick way is safe.
    if (declared >= 0) return await response.text();
    return await readBounded(response, limit, provider);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    if (signal.aborted) throw signal.reason;
    throw new GatewayError("provider_stream_cut", `${provider} broke off in the middle of its answer.`, { cause });
  }
}

async function readBounded(response: Response, limit: number, provider: string): Promise<string> {
  if (!response.body) return "";
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let size = 0;
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > limit) {
      void reader.cancel().catch(() => {});
      throw tooLarge(provider, limit);
    }
    text += decoder.decode(value, { stream: true });
  }
}

function tooLarge(provider: string, limit: number): GatewayError {
  return new GatewayError("provider_bad_response", `${provider} sent an answer of more than ${limit} bytes.`);
}

/** `ECONNREFUSED` and the like, wherever the runtime hid it. */
function transportCode(cause: unknown): string | undefined {
  for (let at: unknown = cause, depth = 0; at && depth < 4; depth++) {
    const { code, cause: deeper } = at as { code?: unknown; cause?: unknown };
    if (typeof code === "string" && code !== "") return code;
    at = deeper;
  }
  return undefined;
}
