import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { isGatewayError } from "../../canonical/errors.ts";
import { Secret } from "../../canonical/secret.ts";
import { entraToken, entraWorkloadToken, managedIdentityToken } from "./azure.ts";
import type { TokenFetch } from "./exchange.ts";
import { googleToken, machineProject, readGoogleAccount } from "./google.ts";
import { clientCredentials } from "./oauth.ts";
import type { Signer, UnsignedRequest } from "./signer.ts";

const request: UnsignedRequest = { method: "POST", url: "https://vendor.example/", headers: {}, body: "{}" };
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Asked {
  line: string;
  headers: Record<string, string | string[] | undefined>;
  form: Record<string, string>;
}

/** A token server on this machine: gives `token-1`, `token-2`, …, or what the test says. */
async function tokenServer(
  answer?: (count: number) => { status?: number; body: unknown; headers?: Record<string, string>; delayMs?: number },
) {
  const asked: Asked[] = [];
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
    incoming.on("end", () => {
      asked.push({
        line: `${incoming.method} ${incoming.url}`,
        headers: incoming.headers,
        form: Object.fromEntries(new URLSearchParams(body)),
      });
      const said = answer?.(asked.length) ?? { body: { access_token: `token-${asked.length}`, token_type: "Bearer", expires_in: 3600 } };
      const send = (): void =>
        void response
          .writeHead(said.status ?? 200, said.headers)
          .end(typeof said.body === "string" ? said.body : JSON.stringify(said.body));
      if (said.delayMs) setTimeout(send, said.delayMs);
      else send();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked };
}

function world(start = Date.UTC(2026, 10, 21)) {
  const time = { now: start };
  const fetching: TokenFetch = (url, init) => fetch(url, init);
  return { time, given: { fetch: fetching, now: () => time.now, random: () => 0 } };
}

async function refusal(signer: Signer): Promise<string> {
  try {
    await signer(request);
    return "no refusal";
  } catch (thrown) {
    if (!isGatewayError(thrown) || thrown.code !== "provider_auth") throw thrown;
    expect(JSON.stringify(thrown) + String(thrown.stack)).not.toContain("s3cret");
    return thrown.message;
  }
}

describe("OAuth client credentials", () => {
  const given = (tokenUrl: string) => ({ tokenUrl, clientId: "me", clientSecret: new Secret("s3cret"), scope: "a b", audience: "aud" });

  test("one token for all callers, then the next one when it is refused", async () => {
    const { url, asked } = await tokenServer();
    const { given: w, time } = world();
    const sign = clientCredentials(given(`${url}/token`), w);
    expect(await Promise.all([sign(request), sign(request), sign(request)])).toEqual(
      Array.from({ length: 3 }, () => ({ authorization: "Bearer token-1" })),
    );
    expect(sign(request)).toEqual({ authorization: "Bearer token-1" });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      line: "POST /token",
      form: { grant_type: "client_credentials", scope: "a b", audience: "aud", client_id: "me", client_secret: "s3cret" },
    });
    time.now += 60_000;
    sign.invalidate?.();
    expect(await sign(request)).toEqual({ authorization: "Bearer token-2" });
  });

  test("shown as the standard prefers, where the server wants that", async () => {
    const { url, asked } = await tokenServer();
    await clientCredentials({ ...given(url), clientId: "a:b", show: "basic" }, world().given)(request);
    expect(asked[0]?.headers.authorization).toBe(`Basic ${btoa("a%3Ab:s3cret")}`);
    expect(asked[0]?.form).toEqual({ grant_type: "client_credentials", scope: "a b", audience: "aud" });
  });

  test("what a server may answer: all of it without the secret", async () => {
    const answers: [unknown, number, string][] = [
      [
        { error: "invalid_client", error_description: "AADSTS7000215: Invalid client secret s3cret provided." },
        401,
        "The token server answered 401 (invalid_client, AADSTS7000215).",
      ],
      [{ error: "s3cret is wrong!" }, 400, "The token server answered 400."],
      ["<html>s3cret</html>", 502, "The token server answered 502."],
      ["no json", 200, "The token server answered with something that is not a JSON object."],
      [{ token: "x" }, 200, "The token server answered without an access token."],
      [{ access_token: "a\nb" }, 200, "The token server answered without an access token."],
      ["x".repeat(2_000_000), 200, "The token server answered with more than 1048576 bytes."],
    ];
    for (const [body, status, message] of answers) {
      const { url } = await tokenServer(() => ({ body, status }));
      expect(await refusal(clientCredentials(given(url), world().given))).toBe(message);
    }
  });

  test("a redirect is not followed: the secret would go to a stranger", async () => {
    const stranger = await tokenServer();
    const { url } = await tokenServer(() => ({ status: 307, body: "", headers: { location: `${stranger.url}/` } }));
    expect(await refusal(clientCredentials(given(url), world().given))).toBe("The token server answered 307.");
    expect(stranger.asked).toEqual([]);
  });

  test("nobody there, and an address that would send the secret in the clear", async () => {
    expect(await refusal(clientCredentials(given("http://127.0.0.1:1/"), world().given))).toBe("The token server could not be reached.");
    expect(() => clientCredentials(given("http://vendor.example/"), world().given)).toThrow("not an https:// address");
    expect(() => clientCredentials(given("nonsense"), world().given)).toThrow("not an https:// address");
  });

  test("a lifetime as text, or none", async () => {
    for (const [expires, life] of [
      ["3600", 3_600_000],
      [undefined, 300_000],
      [-5, 1000],
    ] as const) {
      const { url, asked } = await tokenServer((count) => ({ body: { access_token: `t${count}`, expires_in: expires } }));
      const { given: w, time } = world();
      const sign = clientCredentials(given(url), w);
      await sign(request);
      time.now += life - 1;
      await sign(request);
      expect(asked).toHaveLength(2);
    }
  });
});

describe("Google", () => {
  test("a service account signs a claim that the token server can check", async () => {
    const { url, asked } = await tokenServer();
    const { privateKey, publicKey } = await crypto.subtle.generateKey(
      { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: "SHA-256" },
      true,
      ["sign", "verify"],
    );
    const pem = pemOf(new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)));
    const file = {
      type: "service_account",
      client_email: "me@p.iam",
      private_key: pem,
      private_key_id: "kid",
      token_uri: `${url}/token`,
      project_id: "p",
    };
    const { given: w, time } = world();
    // As it stands in a file, and as an environment variable mangles it.
    for (const text of [JSON.stringify(file), JSON.stringify({ ...file, private_key: pem.replaceAll("\n", "\\n") })]) {
      const sign = googleToken(async () => readGoogleAccount(text), w);
      expect(await sign(request)).toEqual({ authorization: expect.stringMatching(/^Bearer token-\d$/) });
    }
    const { form, line } = asked[0] as Asked;
    expect(line).toBe("POST /token");
    expect(form.grant_type).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const [header = "", claims = "", signature = ""] = (form.assertion ?? "").split(".");
    expect(JSON.parse(atob(header))).toEqual({ alg: "RS256", typ: "JWT", kid: "kid" });
    expect(JSON.parse(atob(claims))).toEqual({
      iss: "me@p.iam",
      scope: "https://www.googleapis.com/auth/cloud-platform",
      aud: `${url}/token`,
      iat: time.now / 1000,
      exp: time.now / 1000 + 3600,
    });
    const bytes = Uint8Array.from(atob(signature.replaceAll("-", "+").replaceAll("_", "/")), (unit) => unit.charCodeAt(0));
    expect(await crypto.subtle.verify("RSASSA-PKCS1-v1_5", publicKey, bytes, new TextEncoder().encode(`${header}.${claims}`))).toBe(true);
  });

  test("a user's own login names the project that pays", async () => {
    const { url, asked } = await tokenServer();
    const account = readGoogleAccount(
      JSON.stringify({ type: "authorized_user", client_id: "c", client_secret: "s3cret", refresh_token: "r", quota_project_id: "p" }),
    );
    expect(await googleToken(async () => account, { ...world().given, tokenUrl: url })(request)).toEqual({
      authorization: "Bearer token-1",
      "x-goog-user-project": "p",
    });
    expect(asked[0]?.form).toEqual({ grant_type: "refresh_token", client_id: "c", client_secret: "s3cret", refresh_token: "r" });
  });

  test("the machine's account, and its project", async () => {
    const { url, asked } = await tokenServer((count) => ({
      headers: { "metadata-flavor": "Google" },
      body: count === 1 ? { access_token: "m", expires_in: 300 } : "my-project",
    }));
    const w = { ...world().given, metadataUrl: url };
    expect(await googleToken(async () => undefined, w)(request)).toEqual({ authorization: "Bearer m" });
    expect(asked[0]).toMatchObject({
      line: "GET /computeMetadata/v1/instance/service-accounts/default/token",
      headers: { "metadata-flavor": "Google" },
    });
    expect(await machineProject(w)).toBe("my-project");
  });

  test("another cloud's service at that address is not asked twice for what it is", async () => {
    const { url } = await tokenServer();
    const w = { ...world().given, metadataUrl: url };
    expect(await refusal(googleToken(async () => undefined, w))).toContain("not one of Google's");
    expect(await machineProject(w)).toBeUndefined();
  });

  test("files that cannot be used are said so, without what is in them", async () => {
    for (const [text, words] of [
      ["s3cret", "not a JSON object"],
      ['{"type":"external_account"}', '"external_account" are not supported'],
      ['{"type":"service_account","client_email":"x"}', "lacks `client_email` or `private_key`"],
      [
        '{"type":"service_account","client_email":"x","private_key":"s3cret","token_uri":"http://evil.example/"}',
        "not an https:// address",
      ],
      ['{"type":"authorized_user","client_id":"x"}', "lack `client_id`"],
    ]) {
      expect(() => readGoogleAccount(text as string)).toThrow(words);
    }
    const unreadable = (key: string) =>
      googleToken(
        async () => readGoogleAccount(JSON.stringify({ type: "service_account", client_email: "x", private_key: key })),
        world().given,
      );
    expect(await refusal(unreadable("s3cret"))).toContain("not a PKCS #8 key");
    expect(await refusal(unreadable("-----BEGIN PRIVATE KEY-----\ns3cretAA\n-----END PRIVATE KEY-----"))).toContain("cannot be read");
  });
});

describe("Azure", () => {
  test("an Entra application", async () => {
    const { url, asked } = await tokenServer();
    const sign = entraToken(
      { tenantId: "contoso.onmicrosoft.com", clientId: "app", clientSecret: new Secret("s3cret"), authority: `${url}/` },
      world().given,
    );
    expect(await sign(request)).toEqual({ authorization: "Bearer token-1" });
    expect(asked[0]).toMatchObject({
      line: "POST /contoso.onmicrosoft.com/oauth2/v2.0/token",
      form: {
        grant_type: "client_credentials",
        client_id: "app",
        client_secret: "s3cret",
        scope: "https://cognitiveservices.azure.com/.default",
      },
    });
    expect(() => entraToken({ tenantId: "../evil", clientId: "app", clientSecret: new Secret("x") }, world().given)).toThrow("tenant");
  });

  test("a workload's own token stands for the secret", async () => {
    const { url, asked } = await tokenServer();
    let assertion: string | undefined = "eyJ\n";
    const sign = entraWorkloadToken({ tenantId: "t", clientId: "app", authority: url, assertion: async () => assertion }, world().given);
    expect(await sign(request)).toEqual({ authorization: "Bearer token-1" });
    expect(asked[0]?.form).toMatchObject({
      client_assertion: "eyJ",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    });
    assertion = undefined;
    expect(
      await refusal(
        entraWorkloadToken({ tenantId: "t", clientId: "app", authority: url, assertion: async () => assertion }, world().given),
      ),
    ).toContain("missing or empty");
  });

  test("the machine's identity", async () => {
    const { url, asked } = await tokenServer(() => ({ body: { access_token: "m", expires_in: "86400" } }));
    expect(await managedIdentityToken({ clientId: "app", metadataUrl: url }, world().given)(request)).toEqual({
      authorization: "Bearer m",
    });
    expect(asked[0]).toMatchObject({
      line: "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=app",
      headers: { metadata: "true" },
    });
  });
});

function pemOf(bytes: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...bytes)).match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}
