/** An answer that goes to the client as it comes: its first bytes are waited for, so that a failure can still go elsewhere. */

import type { JsonObject } from "../canonical/json.ts";
import { isObject, parseJson } from "../canonical/json.ts";
import type { Usage } from "../canonical/usage.ts";
import type { Call, Outcome, StreamSource, Target } from "../stages/call.ts";
import { readChunk, streamSource } from "../stages/exchange.ts";
import type { Exchange } from "../stages/exchange.ts";
import { frameReader } from "../upstream/framing/framing.ts";

/** Undefined: the answer has no body. */
export async function beginFlow(response: Response, exchange: Exchange, target: Target): Promise<StreamSource | undefined> {
  const reader = response.body?.getReader();
  const first = reader && (await readChunk(reader, exchange, target));
  if (!reader || first === undefined) {
    exchange.complete();
    return undefined;
  }
  exchange.begun();
  return streamSource([first], reader, exchange, target);
}

/** Milliseconds from the call's start. */
export function sinceStart(call: Call): number {
  return call.house.clock.monotonic() - call.startedMono;
}

/** Reads server-sent events in passing, for the usage that the last of them tells. */
export function hearUsage(outcome: Outcome, readUsage: (event: JsonObject) => Usage | undefined): (chunk: Uint8Array | undefined) => void {
  let frames: ReturnType<typeof frameReader> | undefined = frameReader("sse");
  return (chunk) => {
    try {
      for (const { data } of (chunk ? frames?.push(chunk) : frames?.end()) ?? []) {
        // Most events are pieces of sound or of an image.
        if (!data.includes('"usage"')) continue;
        const event = parseJson(data);
        if (isObject(event)) outcome.usage = readUsage(event) ?? outcome.usage;
      }
    } catch {
      // An event that is too long to be read is still passed on.
      frames = undefined;
    }
  };
}
