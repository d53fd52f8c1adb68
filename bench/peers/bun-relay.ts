/**
 * The least a gateway on Bun can do, as a yardstick: `bun bench/peers/bun-relay.ts PORT UPSTREAM body|loop`.
 * `body` hands the upstream's body to the runtime; `loop` reads and writes each piece itself, as anything that wants to look at a stream must.
 */

export type Variant = "body" | "loop";

const [port, upstream, variant] = process.argv.slice(2);

function loop(body: ReadableStream<Uint8Array>): ReadableStream {
  return new ReadableStream({
    type: "direct",
    async pull(controller: ReadableStreamDirectController) {
      for await (const piece of body) {
        void controller.write(piece);
        await controller.flush();
      }
      void controller.end();
    },
  } as unknown as UnderlyingDefaultSource);
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  idleTimeout: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const reply = await fetch(upstream + pathname, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      signal: request.signal,
    });
    const body = variant === "loop" && reply.body ? loop(reply.body) : reply.body;
    return new Response(body, {
      status: reply.status,
      headers: { "content-type": reply.headers.get("content-type") ?? "application/json" },
    });
  },
});
