/** Why the server cannot listen, and what to do about it. */

import { formatListen } from "../../config/address.ts";
import type { ListenAddress } from "../../config/address.ts";
import { errorCode } from "../../config/load.ts";
import { isObject } from "../../canonical/json.ts";
import { CommandFailure } from "../exit.ts";

export async function listenFailure(thrown: unknown, address: ListenAddress): Promise<CommandFailure> {
  const where = formatListen(address);
  const other = { ...address, port: address.port >= 65_535 ? 4000 : address.port + 1 };
  const elsewhere = `listen elsewhere: \`headgate serve --listen ${formatListen(other)}\`, HEADGATE_LISTEN, or \`listen:\` in the configuration`;
  switch (errorCode(thrown)) {
    case "EADDRINUSE": {
      const who = (await isHeadgate(address)) ? "another Headgate listens there already" : "another program listens there already";
      return new CommandFailure(`Port ${address.port} is in use: ${who} (${where}).`, { hint: `Stop it, or ${elsewhere}.`, cause: thrown });
    }
    case "EACCES":
      return new CommandFailure(`This user may not listen on ${where}.`, {
        hint: `Ports below 1024 are for the system; ${elsewhere}.`,
        cause: thrown,
      });
    case "EADDRNOTAVAIL":
      return new CommandFailure(`${address.host} is not an address of this machine.`, {
        hint: "Use 127.0.0.1 for this machine only, or 0.0.0.0 for all of its addresses.",
        cause: thrown,
      });
    default:
      return new CommandFailure(`The server cannot listen on ${where}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
        cause: thrown,
      });
  }
}

const anyAddress: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Asks whoever is there, briefly. */
export async function isHeadgate(address: ListenAddress): Promise<boolean> {
  const host = anyAddress[address.host] ?? address.host;
  try {
    const answer = await fetch(`http://${formatListen({ host, port: address.port })}/`, {
      signal: AbortSignal.timeout(500),
      redirect: "manual",
    });
    const body: unknown = await answer.json();
    return isObject(body) && body["name"] === "headgate";
  } catch {
    return false;
  }
}
