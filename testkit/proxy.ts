/** A TCP link between two parties that can be made bad in chosen ways, by chance but repeatably: what a network does to a gateway. */

import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** What may be wrong with one direction of the link. */
export interface Toxics {
  /** Every byte comes this much later, give or take the jitter; the order is kept. */
  latency?: { ms: number; jitterMs?: number };
  bandwidth?: { bytesPerSecond: number };
  /** Both ends see a reset (RST) after so many bytes. */
  resetAfter?: { bytes: number };
  /** Nothing gets through any more after so many bytes; the connection is closed `closeMs` later, or never. */
  timeout?: { afterBytes?: number; closeMs?: number };
  /** Cuts what comes into pieces of about so many bytes. */
  slicer?: { bytes: number; varyBytes?: number; pauseMs?: number };
  /** The end of the stream comes this much later. */
  slowClose?: { ms: number };
}

export interface LinkOptions {
  target: { host?: string; port: number };
  /** From the target to the caller: a provider's answer. */
  down?: Toxics;
  /** From the caller to the target. */
  up?: Toxics;
  /** The same seed, the same faults. */
  seed?: number;
}

export interface Link {
  url: string;
  port: number;
  /** What holds for bytes from now on; may be changed while connections are open. */
  toxics: { down: Toxics; up: Toxics };
  readonly connections: number;
  /** Resets every open connection. */
  cut(): void;
  close(): Promise<void>;
}

export async function startLink(options: LinkOptions): Promise<Link> {
  const toxics = { down: options.down ?? {}, up: options.up ?? {} };
  const random = createRandom(options.seed ?? 1);
  const open = new Set<Socket>();
  let connections = 0;

  const server = createServer({ allowHalfOpen: true }, (caller) => {
    connections += 1;
    const target = connect({ host: options.target.host ?? "127.0.0.1", port: options.target.port, allowHalfOpen: true });
    for (const socket of [caller, target]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on("close", () => open.delete(socket));
    }
    caller.on("error", () => target.resetAndDestroy());
    target.on("error", () => caller.resetAndDestroy());
    void carry(caller, target, () => toxics.up, random);
    void carry(target, caller, () => toxics.down, random);
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve());
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    toxics,
    get connections() {
      return connections;
    },
    cut() {
      for (const socket of open) socket.resetAndDestroy();
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Carries bytes one way until the source ends or the link breaks. */
async function carry(from: Socket, to: Socket, toxics: () => Toxics, random: () => number): Promise<void> {
  let carried = 0;
  let before: Promise<unknown> = Promise.resolve();
  try {
    // Without the option a socket is destroyed when its readable half has ended, and the other half with it.
    for await (const bytes of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const { latency, timeout, resetAfter } = toxics();
      if (timeout && carried >= (timeout.afterBytes ?? 0)) return await stall(from, to, timeout.closeMs);
      const whole = resetAfter ? bytes.subarray(0, Math.max(0, resetAfter.bytes - carried)) : bytes;
      const spent = resetAfter !== undefined && carried + bytes.length >= resetAfter.bytes;
      carried += whole.length;
      // Latency delays each piece by itself, so that pieces travel at the same time; only the order holds them together.
      const due = latency ? wait(Math.max(0, latency.ms + (random() * 2 - 1) * (latency.jitterMs ?? 0))) : undefined;
      const turn = Promise.all([before, due]).then(() => deliver(whole, to, toxics(), random));
      before = turn.then(() => (spent ? reset(from, to) : undefined));
      before.catch(() => {});
      if (!latency) await before;
      if (spent) break;
    }
    await before;
    const { slowClose } = toxics();
    if (slowClose) await wait(slowClose.ms);
    to.end();
  } catch {
    to.destroy();
  }
}

async function deliver(bytes: Buffer, to: Socket, { bandwidth, slicer }: Toxics, random: () => number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const vary = Math.round((random() * 2 - 1) * (slicer?.varyBytes ?? 0));
    // A slow line hands over a tenth of a second's worth at a time.
    const most = Math.min(slicer ? slicer.bytes + vary : Infinity, bandwidth ? bandwidth.bytesPerSecond / 10 : Infinity);
    const piece = bytes.subarray(at, at + Math.max(1, Math.floor(most)));
    at += piece.length;
    if (bandwidth) await wait((piece.length / bandwidth.bytesPerSecond) * 1000);
    if (slicer?.pauseMs) await wait(slicer.pauseMs);
    if (to.destroyed) throw new Error("the other side is gone");
    if (!to.write(piece)) await new Promise<void>((resolve) => void to.once("drain", resolve).once("close", () => resolve()));
  }
}

/** Holds the connection while nothing gets through. */
async function stall(from: Socket, to: Socket, closeMs: number | undefined): Promise<void> {
  const gone = new Promise<void>((resolve) => void from.once("close", () => resolve()));
  await (closeMs === undefined ? gone : Promise.race([gone, wait(closeMs)]));
  from.destroy();
  to.destroy();
}

function reset(from: Socket, to: Socket): void {
  from.resetAndDestroy();
  to.resetAndDestroy();
}

/** Mulberry32: small, quick, the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
