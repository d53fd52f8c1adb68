/** Bun: the server's runtime. Knows sockets, signals and Bun's own streams; the core knows none of them. */

import { createHmac, hash } from "node:crypto";
import type { Gateway, Outflow, Parts } from "../index.ts";

/** The parts that Bun does better than web standards can. */
export const bunParts = {
  sha256: (text) => hash("sha256", text, "hex"),
  hashing: {
    sha256: (text) => hash("sha256", text, "hex"),
    hmac: (key, text) => createHmac("sha256", key).update(text).digest(),
  },
  defer: (run) => void setImmediate(run),
  toStream: directStream,
} satisfies Parts;

/** Bun's own kind of stream source: no queue, no copy. */
interface DirectSource {
  type: "direct";
  pull(controller: DirectController): Promise<void>;
  cancel(): void;
}
interface DirectController {
  /** A promise when the client is slower than we are. */
  write(piece: Uint8Array | string): number | Promise<number>;
  flush(): number | Promise<number>;
  /** With a reason: the connection is broken off. */
  close(reason?: unknown): void;
}

/** 57 µs of CPU a chunk where a pull stream of web standards takes 80 (parse and rewrite included). */
function directStream(flow: Outflow): ReadableStream<Uint8Array> {
  const source: DirectSource = {
    type: "direct",
    async pull(controller) {
      try {
        for (;;) {
          const piece = await flow.next();
          if (piece === undefined) break;
          const written = controller.write(piece);
          if (typeof written !== "number") await written;
          const flushed = controller.flush();
          if (typeof flushed !== "number") await flushed;
        }
        // Before it is closed: afterwards the request is nobody's.
        endings.get(stream)?.();
        controller.close();
      } catch (cause) {
        // The client has gone, and `cancel` has told the flow; or the flow itself broke off: the connection is reset, not closed in order.
        flow.cancel();
        controller.close(cause);
      }
    },
    cancel: () => flow.cancel(),
  };
  const stream = new ReadableStream<Uint8Array>(source as unknown as UnderlyingSource<Uint8Array>);
  streams.add(stream);
  return stream;
}

export interface ServeOptions {
  hostname: string;
  port: number;
}

export interface Server {
  /** With the port that was really taken. */
  url: string;
  /** Stops taking calls; resolves when those under way are answered. After `graceMs` they are cut. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Seconds without a byte before Bun closes a connection. Longer than a load balancer's 60 s, so that it closes first.
 */
const IDLE_SECONDS = 75;

/** Answers that are still being written when their headers have gone. */
const streams = new WeakSet<ReadableStream>();
/** What a stream does when its last byte is out. */
const endings = new WeakMap<ReadableStream, () => void>();

/**
 * Bun's idle timeout must not cut a model that thinks for minutes, but to lift it for every request costs 3 µs each: so it is
 * lifted from streams, and from requests that have waited long.
 */
class LongWaits {
  #young = new Set<Request>();
  #old = new Set<Request>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(lift: (request: Request) => void) {
    this.#timer = setInterval(() => {
      for (const request of this.#old) lift(request);
      this.#old = this.#young;
      this.#young = new Set();
    }, 20_000);
    this.#timer.unref();
  }

  add(request: Request): void {
    this.#young.add(request);
  }

  delete(request: Request): void {
    if (!this.#young.delete(request)) this.#old.delete(request);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

export function serve(gateway: Gateway, options: ServeOptions): Server {
  const waits = new LongWaits((request) => server.timeout(request, 0));
  const server = Bun.serve({
    hostname: options.hostname,
    port: options.port,
    // The gateway has a limit of its own, which a reload can change and which answers in the client's format; Bun says a bare 413.
    // What nobody reads Bun does not take in: 600 MB sent to a door that refused them stayed in the client's socket.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    idleTimeout: IDLE_SECONDS,
    // Else Bun prints every stream that is broken off. It then shares ports unless told not to, and a second gateway would take half of the calls.
    development: false,
    reusePort: false,
    async fetch(request, self) {
      waits.add(request);
      const response = await gateway.fetch(request);
      waits.delete(request);
      if (response.body && streams.has(response.body)) {
        self.timeout(request, 0);
        endings.set(response.body, () => self.timeout(request, IDLE_SECONDS));
      }
      return response;
    },
    error: () =>
      new Response(
        '{"error":{"message":"Headgate failed while handling this request.","type":"server_error","param":null,"code":"internal"}}',
        { status: 500, headers: { "content-type": "application/json" } },
      ),
  });
  return {
    url: `http://${options.hostname.includes(":") ? `[${options.hostname}]` : options.hostname}:${server.port}`,
    async stop(graceMs) {
      waits.stop();
      let timer: ReturnType<typeof setTimeout> | undefined;
      const cut = new Promise<void>((resolve) => {
        timer = setTimeout(() => resolve(server.stop(true)), graceMs);
      });
      await Promise.race([server.stop(), cut]);
      clearTimeout(timer);
    },
  };
}
