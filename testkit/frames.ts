/** Payload lists as the bytes of a provider's stream. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

type Payload = string | object;

/** `data: {...}` events and the closing `[DONE]`, as OpenAI frames them. */
export function openaiStream(payloads: readonly Payload[], options: { done?: boolean } = {}): string {
  const frames = payloads.map((payload) => `data: ${text(payload)}\n\n`);
  if (options.done !== false) frames.push("data: [DONE]\n\n");
  return frames.join("");
}

/** `event:` and `data:` lines, the event's name being the payload's `type`, as Anthropic frames them. */
export function anthropicStream(payloads: readonly Payload[]): string {
  return payloads.map((payload) => `event: ${typeOf(payload)}\ndata: ${text(payload)}\n\n`).join("");
}

/** Cuts bytes at the given offsets: anywhere, also within a letter or between CR and LF. */
export function cutAt(bytes: string | Uint8Array, ...offsets: number[]): Uint8Array[] {
  const whole = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  const edges = [0, ...offsets.toSorted((one, other) => one - other), whole.length];
  return edges.slice(1).map((end, index) => whole.subarray(edges[index], end));
}

/** Every byte on its own: the hardest slicing there is. */
export function byteByByte(bytes: string | Uint8Array): Uint8Array[] {
  const whole = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  return Array.from(whole, (_, at) => whole.subarray(at, at + 1));
}

/** Where recordings of real replies lie, when somebody has put them there: they are no part of the repository. */
const recordings = process.env["HEADGATE_RECORDINGS"] ?? fileURLToPath(new URL("../../shared/recordings", import.meta.url));

/** A recorded reply by its path within the folder; undefined when it is not there: skip such a test, and let its name say so. */
export function recording(path: string): string | undefined {
  const file = join(recordings, path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** The payloads of a recorded stream, one a line. */
export function recordedEvents(path: string): string[] | undefined {
  return recording(path)
    ?.split("\n")
    .filter((line) => line.trim() !== "");
}

function text(payload: Payload): string {
  return typeof payload === "string" ? payload : JSON.stringify(payload);
}

function typeOf(payload: Payload): string {
  const { type } = (typeof payload === "string" ? JSON.parse(payload) : payload) as { type?: unknown };
  return typeof type === "string" ? type : "";
}
