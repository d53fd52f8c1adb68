/** One connection to a provider and the exchange it carries: connects, verifies, sends, hands bytes to the parser, ends. */

import { checkServerIdentity } from "node:tls";
import type { Socket, SocketHandler } from "bun";
import { Body } from "./body.ts";
import type { Tap } from "./body.ts";
import { ProtocolError, ResponseParser } from "./parser.ts";
import type { Head, Sink } from "./parser.ts";
import { ReceivedResponse } from "./response.ts";

/** A failure of the transport; `code` as Node names it. */
export class ConnectionError extends Error {
  readonly code: string;
  override name = "ConnectionError";

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/**
 * A request on a reused connection that is closed before a byte of answer is sent once more only if the closing came this soon: then
 * it crossed our request on its way. A server that worked for longer and died may have charged for it.
 */
const CROSSING_MS = 1000;
/** A server's own `keep-alive: timeout` is met this much earlier. */
const KEEP_ALIVE_MARGIN_MS = 1000;
/**
 * TCP asks after silence of so long whether the peer is there: a model thinks for minutes, load balancers forget after four. Bun fixes
 * the rest at ten questions a second apart, so a network that is away for 10 s then costs the call.
 */
const PROBE_MS = 60_000;

const unpacks = new Set(["", "gzip", "deflate"]);

/** One server and what is known of it. */
export interface Origin {
  hostname: string;
  port: number;
  tls: { serverName?: string; ca?: string | string[]; rejectUnauthorized: true; ALPNProtocols: Buffer } | undefined;
  /** Newest last. */
  idle: Connection[];
  connectMs: number;
  /** Takes a connection that may be used again. */
  keep(connection: Connection): void;
}

export interface Sending {
  origin: Origin;
  method: string;
  url: string;
  /** Head and body. A string has nothing beyond ASCII. */
  wire: string | Buffer;
  signal: AbortSignal;
}

/** One request and its answer. */
export class Exchange implements Sink, Tap {
  readonly sending: Sending;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (cause: unknown) => void;
  #connection: Connection | undefined;
  #body: Body | undefined;
  #over = false;
  #sentAt = 0;
  #again = false;

  constructor(sending: Sending, resolve: (response: Response) => void, reject: (cause: unknown) => void) {
    this.sending = sending;
    this.#resolve = resolve;
    this.#reject = reject;
    sending.signal.addEventListener("abort", this);
  }

  /** On a connection that is open or is being opened. */
  on(connection: Connection): void {
    this.#connection = connection;
    this.#sentAt = performance.now();
  }

  /** The abort. */
  handleEvent(): void {
    this.#connection?.destroy();
    this.fail(this.sending.signal.reason);
  }

  /** May it be sent once more, since this connection was an old one and said nothing? */
  mayGoAgain(): boolean {
    if (this.#again || this.#body || performance.now() - this.#sentAt > CROSSING_MS) return false;
    this.#again = true;
    return true;
  }

  // ── the parser's sink ──────────────────────────────────────────────────────────────────────────────────────

  head(head: Head): void {
    if (!unpacks.has(head.encoding)) throw new ProtocolError(`The answer is packed as ${head.encoding}, which nobody asked for.`);
    this.#body = new Body(this);
    this.#resolve(new ReceivedResponse(head, this.#body, this.sending.url) as unknown as Response);
  }

  body(bytes: Buffer, start: number, end: number): void {
    (this.#body as Body).push(bytes, start, end);
  }

  end(): void {
    this.#finish();
    (this.#body as Body).end();
  }

  fail(cause: unknown): void {
    if (this.#over) return;
    this.#finish();
    if (this.#body) this.#body.fail(cause);
    else this.#reject(cause);
  }

  #finish(): void {
    this.#over = true;
    this.#connection = undefined;
    this.sending.signal.removeEventListener("abort", this);
  }

  // ── the body's tap ─────────────────────────────────────────────────────────────────────────────────────────

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  cancel(): void {
    this.#connection?.destroy();
    this.#finish();
  }
}

export class Connection {
  readonly #origin: Origin;
  readonly #parser = new ResponseParser();
  #socket: Socket<Connection> | undefined;
  #exchange: Exchange | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What the kernel has not taken yet. */
  #unsent: Buffer | undefined;
  /** It has carried an exchange before. */
  #old = false;
  #heard = false;
  #dead = false;
  #paused = false;
  /** When it may no longer be used, of `performance.now()`. */
  expiresAt = 0;

  /** Opens one for this exchange, which hears of it if that fails. */
  constructor(origin: Origin, exchange: Exchange) {
    this.#origin = origin;
    this.#exchange = exchange;
    exchange.on(this);
    this.#timer = setTimeout(() => {
      this.lost(new ConnectionError("ETIMEDOUT", `No connection to ${origin.hostname} within ${origin.connectMs} ms.`));
    }, origin.connectMs);
    this.#timer.unref();
    const { hostname, port, tls } = origin;
    const connecting = tls ? Bun.connect({ hostname, port, tls, socket: secured, data: this }) : Bun.connect({ hostname, port, socket: plain, data: this });
    connecting.catch((cause: unknown) => {
      const { code, message } = cause as { code?: unknown; message?: unknown };
      this.lost(new ConnectionError(typeof code === "string" ? code : "ECONNREFUSED", String(message), cause));
    });
  }

  get hostname(): string {
    return this.#origin.hostname;
  }

  /** Sends on a connection that was idle. */
  reuse(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#old = true;
    this.#heard = false;
    exchange.on(this);
    (this.#socket as Socket<Connection>).ref();
    this.#send(exchange);
  }

  /** Closes it at once, whatever it does. Its exchange is told by whoever calls. */
  destroy(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#exchange = undefined;
    this.#unsent = undefined;
    clearTimeout(this.#timer);
    this.#socket?.terminate();
  }

  pause(): void {
    if (this.#dead || this.#paused) return;
    this.#paused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (this.#dead || !this.#paused) return;
    this.#paused = false;
    this.#socket?.resume();
  }

  // ── what the socket says ───────────────────────────────────────────────────────────────────────────────────

  /** Connected, and if need be verified. */
  opened(socket: Socket<Connection>): void {
    // Given up meanwhile: connecting cannot be called off.
    if (this.#dead) {
      socket.terminate();
      return;
    }
    this.#socket = socket;
    clearTimeout(this.#timer);
    socket.setKeepAlive(true, PROBE_MS);
    this.#send(this.#exchange as Exchange);
  }

  /** Connected, not yet verified: nothing is sent, but from now on it can be closed. */
  connected(socket: Socket<Connection>): void {
    if (this.#dead) {
      socket.terminate();
      return;
    }
    this.#socket = socket;
  }

  received(bytes: Buffer): void {
    if (this.#dead) return;
    const exchange = this.#exchange;
    // Nobody has asked: what an idle connection says would be taken for the next answer.
    if (!exchange) return this.#discard();
    this.#heard = true;
    const parser = this.#parser;
    try {
      parser.push(bytes);
    } catch (cause) {
      this.destroy();
      exchange.fail(cause);
      return;
    }
    if (parser.over) this.#release();
  }

  drained(): void {
    const rest = this.#unsent;
    if (!rest || this.#dead) return;
    const written = (this.#socket as Socket<Connection>).write(rest);
    if (written > 0) this.#unsent = written === rest.length ? undefined : rest.subarray(written);
  }

  /** The connection is no more. Without a cause it was closed in order. */
  lost(cause: Error | undefined): void {
    if (this.#dead) return;
    const exchange = this.#exchange;
    if (!exchange) return this.#discard();
    this.destroy();
    if (!this.#heard && this.#old && exchange.mayGoAgain()) {
      // On a new one: the others that are idle may be as stale.
      open(this.#origin, exchange);
      return;
    }
    if (!cause && this.#heard && this.#parser.close()) return;
    exchange.fail(cause instanceof ConnectionError ? cause : broken(cause));
  }

  // ── its own steps ──────────────────────────────────────────────────────────────────────────────────────────

  #send(exchange: Exchange): void {
    const { method, wire } = exchange.sending;
    this.#parser.start(method, exchange);
    const written = (this.#socket as Socket<Connection>).write(wire);
    if (written === wire.length) return;
    if (written < 0) return this.lost(undefined);
    this.#unsent = (typeof wire === "string" ? Buffer.from(wire, "latin1") : wire).subarray(written);
  }

  /** The exchange is over: back to the others, if it can be trusted. */
  #release(): void {
    this.#exchange = undefined;
    const { reusable, keepAliveMs } = this.#parser;
    // An answer before the end of the request leaves the rest of it on the line.
    if (!reusable || this.#unsent) return this.destroy();
    if (this.#paused) this.resume();
    this.expiresAt = performance.now() + keepAliveMs - KEEP_ALIVE_MARGIN_MS;
    (this.#socket as Socket<Connection>).unref();
    this.#origin.keep(this);
  }

  #discard(): void {
    const { idle } = this.#origin;
    const at = idle.lastIndexOf(this);
    if (at !== -1) idle.splice(at, 1);
    this.destroy();
  }
}

/** Opens a connection; what cannot even be tried fails the exchange. */
export function open(origin: Origin, exchange: Exchange): void {
  try {
    void new Connection(origin, exchange);
  } catch (cause) {
    exchange.fail(cause);
  }
}

function broken(cause: Error | undefined): ConnectionError {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return new ConnectionError(typeof code === "string" ? code : "ECONNRESET", "The connection was closed before the answer was complete.", cause);
}

const plain: SocketHandler<Connection> = {
  open: (socket) => socket.data.opened(socket),
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.lost(undefined),
  close: (socket, cause) => socket.data.lost(cause),
  error: (socket, cause) => socket.data.lost(cause),
  // Without it Bun reports the rejection, which the constructor handles, as unhandled.
  connectError: () => {},
};

const secured: SocketHandler<Connection> = {
  ...plain,
  open: (socket) => socket.data.connected(socket),
  // Asked three times, since a key once sent is gone: Bun's verdict, the socket's, and our own look at the name.
  handshake(socket, success, verdict) {
    const connection = socket.data;
    let refusal: Error | undefined = verdict ?? undefined;
    if (!refusal && (!success || !socket.authorized)) refusal = new ConnectionError("ERR_TLS_CERT_UNAUTHORIZED", "The server's certificate was not accepted.");
    refusal ??= wrongHost(socket);
    if (refusal) {
      const code = (refusal as { code?: unknown }).code;
      connection.lost(new ConnectionError(typeof code === "string" ? code : "ERR_TLS_CERT_UNAUTHORIZED", refusal.message, refusal));
      return;
    }
    connection.opened(socket);
  },
};

function wrongHost(socket: Socket<Connection>): Error | undefined {
  try {
    const protocol = socket.alpnProtocol;
    if (protocol && protocol !== "http/1.1") return new ConnectionError("EPROTO", `The server insists on ${protocol}.`);
    return checkServerIdentity(socket.data.hostname, socket.getPeerCertificate());
  } catch (cause) {
    return cause as Error;
  }
}
