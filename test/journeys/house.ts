/** A gateway behind a real socket on loopback, as its clients meet it: Bun's server under Bun, `node:http` under Node. */

import Anthropic from "@anthropic-ai/sdk";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import OpenAI from "openai";
import { createGateway, memoryStore } from "../../src/index.ts";
import type { CallRecord, Gateway, Parts, Store } from "../../src/index.ts";
import type { FakeProvider } from "../../testkit/fake-provider.ts";

export const underBun = "Bun" in globalThis;

export interface House {
  url: string;
  port: number;
  gateway: Gateway;
  store: Store;
  /** Records of finished calls, in the order in which they ended. */
  records: CallRecord[];
  openai(options?: { apiKey?: string; headers?: Record<string, string> }): OpenAI;
  anthropic(options?: { apiKey?: string; headers?: Record<string, string> }): Anthropic;
  /** A bare POST of a body: an object as JSON, text as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>;
  /** Resolves when so many calls have ended. */
  ended(calls: number): Promise<CallRecord>;
  close(): Promise<void>;
}

export interface HouseOptions {
  store?: Store;
  parts?: Partial<Parts>;
}

export async function openHouse(config: object, options: HouseOptions = {}): Promise<House> {
  const store = options.store ?? memoryStore();
  const records: CallRecord[] = [];
  const waiting: { calls: number; resolve(record: CallRecord): void }[] = [];
  const parts: Parts = {
    store,
    env: {},
    onCall(record) {
      records.push(record);
      for (const waiter of waiting) if (records.length >= waiter.calls) waiter.resolve(record);
    },
    ...options.parts,
  };
  const { gateway, port, stop } = underBun ? await underBuns(config, parts) : await underNodes(config, parts);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    gateway,
    store,
    records,
    openai: ({ apiKey = "client-key", headers } = {}) =>
      new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0, ...(headers && { defaultHeaders: headers }) }),
    anthropic: ({ apiKey = "client-key", headers } = {}) =>
      new Anthropic({ baseURL: url, apiKey, maxRetries: 0, ...(headers && { defaultHeaders: headers }) }),
    post: (path, body, headers, signal) =>
      fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...(signal && { signal }),
      }),
    ended: (calls) =>
      records.length >= calls
        ? Promise.resolve(records[calls - 1] as CallRecord)
        : new Promise((resolve) => waiting.push({ calls, resolve })),
    async close() {
      await stop();
      await gateway.close();
      await store.close();
    },
  };
}

interface Opened {
  gateway: Gateway;
  port: number;
  stop(): Promise<void>;
}

async function underBuns(config: object, parts: Parts): Promise<Opened> {
  const { bunParts, serve } = await import("../../src/runtimes/bun.ts");
  const gateway = createGateway(config, { ...bunParts, ...parts });
  const server = serve(gateway, { hostname: "127.0.0.1", port: 0 });
  return { gateway, port: Number(new URL(server.url).port), stop: () => server.stop(0) };
}

async function underNodes(config: object, parts: Parts): Promise<Opened> {
  const { nodeListener, nodeParts } = await import("../../src/runtimes/node.ts");
  const gateway = createGateway(config, { ...nodeParts, ...parts });
  const listener = nodeListener(gateway);
  const server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    gateway,
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Two providers at one fake: `oai` speaks OpenAI's format, `ant` Anthropic's. */
export function bothFormats(fake: FakeProvider): { providers: Record<string, object> } {
  return {
    providers: {
      oai: { type: "openai", base_url: `${fake.url}/v1`, api_key: "sk-provider-openai" },
      ant: { type: "anthropic", base_url: fake.url, api_key: "sk-provider-anthropic" },
    },
  };
}
