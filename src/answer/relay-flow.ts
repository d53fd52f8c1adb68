/** The body of another operation's answer on its way to the client: bytes as they come, at the client's pace. */

import { toGatewayError } from "../canonical/errors.ts";
import type { RelayReply, StreamSource } from "../stages/call.ts";
import type { Outflow } from "./outflow.ts";

export class RelayFlow implements Outflow {
  readonly #reply: RelayReply;
  readonly #source: StreamSource;
  #over = false;
  #settled = false;

  constructor(reply: RelayReply, source: StreamSource) {
    this.#reply = reply;
    this.#source = source;
  }

  /** Rejects when the provider breaks off: these formats have no words for an error behind the first byte, and a broken body must not read as a complete one. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#over) return undefined;
    let chunk: Uint8Array | undefined;
    try {
      chunk = await this.#source.read();
    } catch (thrown) {
      if (this.#over) return undefined;
      this.#over = true;
      await this.#broken(thrown);
      throw thrown;
    }
    this.#reply.hear?.(chunk);
    if (chunk !== undefined) return chunk;
    this.#over = true;
    // The body's end is told when the call is on record.
    await this.#settle();
    return undefined;
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#reply.outcome.aborted = true;
    this.#reply.hear?.(undefined);
    void this.#settle();
    this.#source.close();
  }

  async #broken(thrown: unknown): Promise<void> {
    const error = toGatewayError(thrown);
    this.#source.close();
    this.#reply.hear?.(undefined);
    if (error.code === "client_closed") this.#reply.outcome.aborted = true;
    else this.#reply.outcome.error = error;
    await this.#settle();
  }

  async #settle(): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    try {
      await this.#reply.settle(this.#reply.outcome);
    } catch {
      // Keeping records reports its own failures; an answer is never lost to them.
    }
  }
}
