/** The contenders, in the order in which tables show them. */

import type { Peer } from "../subject.ts";
import { direct } from "./direct.ts";
import { headgate } from "./headgate.ts";
import { litellm } from "./litellm.ts";
import { nginx } from "./nginx.ts";
import { portkey } from "./portkey.ts";
import { bunLoopRelay, bunRelay } from "./relay.ts";

export const peers: readonly Peer[] = [direct, nginx, bunRelay, bunLoopRelay, headgate, portkey, litellm];

/** LiteLLM only when asked for: its installation takes minutes, and at its speed so does each scenario. */
export const usualPeers: readonly string[] = peers.map((peer) => peer.name).filter((name) => name !== "litellm");
