/** No gateway: what the load generator and the fake provider do by themselves, to be taken off every other number. */

import { PROVIDER_KEY } from "../expected.ts";
import { clientCall, type Peer } from "../subject.ts";

export const direct: Peer = {
  name: "direct",
  about: "no gateway at all: load generator and fake provider alone",
  prepare: async () => null,
  version: async () => "",
  start: async (provider) => ({
    name: "direct",
    pid: null,
    startedAt: performance.now(),
    same: (format, model) => ({ target: clientCall(provider.url, format, PROVIDER_KEY), model }),
    stop: async () => {},
  }),
};
