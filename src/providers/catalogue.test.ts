import { describe, expect, test } from "vitest";
import { quirks } from "../canonical/quirks.ts";
import { catalogue } from "./catalogue.ts";
import { baseUrlOf, bearer, endpoints, header, none, type Provider } from "./provider.ts";

const rows: [string, Provider][] = Object.entries(catalogue);

describe("every row", () => {
  test.each(rows)("%s is well formed", (name, row) => {
    expect(name).toMatch(/^[a-z0-9][a-z0-9-]*$/);
    expect(row.label.trim()).toBe(row.label);
    for (const endpoint of endpoints(row)) {
      if (endpoint.baseUrl === undefined) continue;
      const filled = endpoint.baseUrl.replaceAll(/\$\{[A-Z_]+\}/g, "name");
      const url = new URL(filled);
      expect(url.protocol).toBe(row.local ? "http:" : "https:");
      expect(row.local ? url.hostname : "").toBe(row.local ? "127.0.0.1" : "");
      expect(filled.endsWith("/")).toBe(false);
      expect(filled).not.toMatch(/\/chat\/completions|\/messages/);
      expect(url.search + url.hash + url.username).toBe("");
      // Anthropic's SDK takes the bare host and adds /v1/messages itself.
      if (endpoint.format === "anthropic/messages") expect(filled.endsWith("/v1")).toBe(false);
    }
    for (const variable of row.env) expect(variable).toMatch(/^[A-Z][A-Z0-9_]*$/);
    expect(new Set(row.env).size).toBe(row.env.length);
    expect(row.speaks.length + (row.offers?.length ?? 0)).toBeGreaterThan(0);
    for (const quirk of row.quirks) expect(Object.keys(quirks)).toContain(quirk);
    expect(new Set(row.quirks).size).toBe(row.quirks.length);
    for (const alias of row.aliases ?? []) expect(alias).toMatch(/^[a-z0-9][a-z0-9.-]*$/);
    // A vendor on the net needs a key or signs its requests, a server on this machine does not.
    if (!row.local && row.baseUrl !== undefined && row.auth.kind !== "signed") expect(row.env.length).toBeGreaterThan(0);
  });

  test("there are more than a hundred", () => {
    expect(rows.length).toBeGreaterThan(200);
  });

  test("no alias is the name of a row, or of two rows", () => {
    const taken = new Set(rows.map(([name]) => name));
    for (const [, row] of rows) {
      for (const alias of row.aliases ?? []) {
        expect(taken).not.toContain(alias);
        taken.add(alias);
      }
    }
  });

  test("no two vendors live at one address, unless their paths name the model's maker", () => {
    const whole = rows.filter(
      ([, row]) => !row.local && row.baseUrl !== undefined && !row.speaks.some((one) => typeof one !== "string" && one.path),
    );
    const addresses = whole.map(([, row]) => row.baseUrl);
    expect(addresses.length).toBe(new Set(addresses).size);
  });
});

test("a wrong row does not compile", () => {
  const good = {
    label: "X",
    baseUrl: "https://x.example/v1",
    env: ["X_KEY"],
    auth: bearer(),
    speaks: ["openai/chat-completions"],
    quirks: [],
  } as const satisfies Provider;
  // @ts-expect-error a quirk that nobody has named
  void ({ ...good, quirks: ["no-vowels"] } as const satisfies Provider);
  // @ts-expect-error a format that this build does not know
  void ({ ...good, speaks: ["openai/telepathy"] } as const satisfies Provider);
  // @ts-expect-error an address without TLS
  void ({ ...good, baseUrl: "http://x.example/v1" } as const satisfies Provider);
  // @ts-expect-error environment variables are upper-case
  void ({ ...good, env: ["x_key"] } as const satisfies Provider);
  // @ts-expect-error header names are lower-case
  void header("X-API-Key");
  // @ts-expect-error the way to show the key is missing
  void ({ ...good, auth: undefined } as const satisfies Provider);
  expect(none()).toEqual({ kind: "none" });
});

describe("endpoints", () => {
  const row: Provider = {
    label: "Two doors",
    baseUrl: "https://api.example/v1",
    env: ["K"],
    auth: bearer(),
    speaks: [
      "openai/chat-completions",
      { format: "anthropic/messages", baseUrl: "https://api.example/anthropic", auth: header("x-api-key") },
    ],
    quirks: ["no-seed"],
  };

  test("have everything filled in, best first", () => {
    expect(endpoints(row)).toEqual([
      { format: "openai/chat-completions", baseUrl: "https://api.example/v1", auth: bearer(), quirks: ["no-seed"] },
      { format: "anthropic/messages", baseUrl: "https://api.example/anthropic", auth: header("x-api-key"), quirks: [] },
    ]);
  });

  test("at a configured address leave out what lives elsewhere, unless it is asked for", () => {
    const baseUrl = "https://proxy.example";
    expect(endpoints(row, { baseUrl }).map((one) => [one.format, one.baseUrl])).toEqual([["openai/chat-completions", baseUrl]]);
    expect(endpoints(row, { baseUrl, formats: ["anthropic/messages"] }).map((one) => [one.format, one.baseUrl])).toEqual([
      ["anthropic/messages", baseUrl],
    ]);
  });

  test("come in the order in which they were asked for", () => {
    expect(endpoints(row, { formats: ["anthropic/messages", "openai/chat-completions"] }).map((one) => one.format)).toEqual([
      "anthropic/messages",
      "openai/chat-completions",
    ]);
  });

  test("append a prefix once", () => {
    const url = (baseUrl?: string) => endpoints(catalogue.ollama, { baseUrl, formats: ["openai/chat-completions"] })[0]?.baseUrl;
    expect(url()).toBe("http://127.0.0.1:11434/v1");
    expect(url("http://gpu.example:11434")).toBe("http://gpu.example:11434/v1");
    expect(url("http://gpu.example:11434/v1")).toBe("http://gpu.example:11434/v1");
  });
});

describe("an address with names in it", () => {
  const url = catalogue["cloudflare-workers-ai"].baseUrl;

  test("is filled from the environment", () => {
    expect(baseUrlOf(url, { CLOUDFLARE_ACCOUNT_ID: "abc" })).toBe("https://api.cloudflare.com/client/v4/accounts/abc/ai/v1");
  });

  test("is no address while one is missing or empty", () => {
    expect(baseUrlOf(url, {})).toBeUndefined();
    expect(baseUrlOf(url, { CLOUDFLARE_ACCOUNT_ID: "" })).toBeUndefined();
    expect(baseUrlOf(undefined, {})).toBeUndefined();
  });
});
