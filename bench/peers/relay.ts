/** The bare Bun relay (`bun-relay.ts`) in its two variants: what the runtime costs before a gateway does anything. */

import { join } from "node:path";
import { PROVIDER_KEY } from "../expected.ts";
import { freePort, start } from "../processes.ts";
import type { Variant } from "./bun-relay.ts";
import { clientCall, type Peer } from "../subject.ts";

function relay(name: string, variant: Variant, about: string): Peer {
  return {
    name,
    about,
    prepare: async () => null,
    version: async () => Bun.version,
    async start(provider, options) {
      const port = freePort();
      const url = `http://127.0.0.1:${port}`;
      const running = await start(name, [process.execPath, join(import.meta.dir, "bun-relay.ts"), String(port), provider.url, variant], {
        seat: "subject",
        // Bun's client opens at most 256 connections unless told so before the process starts.
        env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" },
        ready: options?.ready === false ? undefined : `${url}/v1/models`,
      });
      return {
        name,
        pid: running.pid,
        startedAt: running.startedAt,
        same: (format, model) => ({ target: clientCall(url, format, PROVIDER_KEY), model }),
        stop: running.stop,
      };
    },
  };
}

export const bunRelay = relay("relay", "body", "bare Bun relay, about 15 lines: Bun.serve, fetch, the upstream's body returned as it is");
export const bunLoopRelay = relay(
  "relay-loop",
  "loop",
  "the same relay, reading and writing each piece itself, as a gateway that looks at its streams must",
);
