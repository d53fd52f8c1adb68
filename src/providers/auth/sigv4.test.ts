import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../../canonical/secret.ts";
import type { Hashing } from "./hashing.ts";
import type { SignedHeaders, UnsignedRequest } from "./signer.ts";
import { signV4 } from "./sigv4.ts";
import type { AwsCredentials } from "./sigv4.ts";

// The vendor's own signer, where it is installed.
const signerPackage: string = "@smithy/signature-v4";
const hashPackage: string = "@aws-crypto/sha256-js";
interface Theirs {
  sign(request: object, options: { signingDate: Date }): Promise<{ headers: Record<string, string> }>;
}
const theirSigner = (await import(signerPackage).catch(() => undefined)) as { SignatureV4: new (options: object) => Theirs } | undefined;
const theirHash = (await import(hashPackage).catch(() => undefined)) as { Sha256: unknown } | undefined;

function constant(credentials: AwsCredentials) {
  return { get: () => credentials, invalidate: () => {} };
}

const nodeHashing: Hashing = {
  sha256: (text) => createHash("sha256").update(text).digest("hex"),
  hmac: (key, text) => createHmac("sha256", key).update(text).digest(),
};

/** Of one byte to four, and signs that mean something somewhere. */
const letter = fc.constantFrom("a", "Z", "0", "é", "日", "🙂", "\u2028", "\uFEFF", "\0", "\n", " ", "%", "/", "-", '"', "\\");

const request: UnsignedRequest = {
  method: "POST",
  url: "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-x-v1%3A0/converse",
  headers: { "content-type": "application/json", accept: "application/json", "user-agent": "headgate" },
  body: '{"messages":[]}',
};
const keys: AwsCredentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: new Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") };
const moment = Date.UTC(2026, 10, 21, 12, 30, 15, 250);

function sign(
  given: Partial<UnsignedRequest> = {},
  credentials: AwsCredentials = keys,
  options: { region?: string; now?: () => number; hashing?: Hashing } = {},
): SignedHeaders | Promise<SignedHeaders> {
  const signer = signV4({
    credentials: constant(credentials),
    region: options.region ?? "us-east-1",
    service: "bedrock",
    now: options.now ?? (() => moment),
    hashing: options.hashing,
  });
  return signer({ ...request, ...given });
}

describe("AWS Signature V4", () => {
  test("what is sent, and what of it is signed", async () => {
    const signer = signV4({ credentials: constant(keys), region: "us-east-1", service: "bedrock", now: () => moment });
    expect(await signer(request)).toEqual({
      "x-amz-content-sha256": createHash("sha256").update(request.body).digest("hex"),
      "x-amz-date": "20261121T123015Z",
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20261121\/us-east-1\/bedrock\/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature=[0-9a-f]{64}$/,
      ),
    });
  });

  test("the same with the runtime's hashing, and then at once", async () => {
    const atOnce = sign({}, keys, { hashing: nodeHashing });
    expect(atOnce).not.toBeInstanceOf(Promise);
    expect(await sign()).toEqual(atOnce);
  });

  test("a session's token is sent and signed", async () => {
    const signed = await sign({}, { ...keys, sessionToken: new Secret("token/=+") });
    expect(signed["x-amz-security-token"]).toBe("token/=+");
    expect(signed.authorization).toContain("SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token,");
  });

  test("every part of the request changes the signature, what proxies change does not", async () => {
    const base = await sign();
    for (const other of [
      { body: "{}" },
      { url: request.url.replace("%3A0", "%3A1") },
      { url: `${request.url}?a=1` },
      { method: "GET" },
      { headers: { "content-type": "text/plain" } },
    ]) {
      expect((await sign(other)).authorization).not.toBe(base.authorization);
    }
    expect((await sign({ headers: { "content-type": "application/json", accept: "*/*" } })).authorization).toBe(base.authorization);
    expect((await sign({}, keys, { region: "eu-central-1" })).authorization).not.toBe(base.authorization);
  });

  test("the key is derived once a day, and anew for other credentials", async () => {
    let derived = 0;
    const counting: Hashing = { ...nodeHashing, hmac: (key, text) => ((derived += 1), nodeHashing.hmac(key, text)) };
    let now = moment;
    let credentials = keys;
    const signer = signV4({
      credentials: { get: () => credentials, invalidate: () => {} },
      region: "us-east-1",
      service: "bedrock",
      now: () => now,
      hashing: counting,
    });
    const counts = [];
    for (const change of [
      () => {},
      () => {},
      () => (now += 86_400_000),
      () => (credentials = { ...keys, secretAccessKey: new Secret("other") }),
    ]) {
      change();
      derived = 0;
      await signer(request);
      counts.push(derived);
    }
    expect(counts).toEqual([5, 1, 5, 5]);
  });

  test("many at once share one derivation", async () => {
    const signer = signV4({ credentials: constant(keys), region: "us-east-1", service: "bedrock", now: () => moment });
    const signed = await Promise.all(Array.from({ length: 20 }, async () => signer(request)));
    expect(new Set(signed.map((headers) => headers.authorization)).size).toBe(1);
  });

  test("a refusal reaches the credentials' source", () => {
    let asked = 0;
    const signer = signV4({
      credentials: { get: () => keys, invalidate: () => (asked += 1) },
      region: "us-east-1",
      service: "bedrock",
      now: () => moment,
    });
    signer.invalidate?.();
    expect(asked).toBe(1);
  });

  test("a signature of a small body costs less than 60 µs where the runtime hashes at once", () => {
    const signer = signV4({
      credentials: constant(keys),
      region: "us-east-1",
      service: "bedrock",
      now: () => moment,
      hashing: nodeHashing,
    });
    let best = Number.POSITIVE_INFINITY;
    for (let batch = 0; batch < 10; batch++) {
      const begun = performance.now();
      for (let round = 0; round < 500; round++) void signer(request);
      best = Math.min(best, ((performance.now() - begun) * 1000) / 500);
    }
    // Five times what it takes on an idle core (14 µs on Bun, 40 µs on Node): the machine may be busy.
    expect(best).toBeLessThan(300);
  });
});

describe.skipIf(!theirSigner || !theirHash)(
  `against the vendor's own signer${theirSigner && theirHash ? "" : `: SKIPPED, ${signerPackage} and ${hashPackage} are not installed`}`,
  () => {
    test("byte for byte, for any request", async () => {
      const name = fc.string({ unit: letter, minLength: 1, maxLength: 12 });
      const text = fc.string({ unit: letter, maxLength: 60 });
      const arbitrary = fc.record({
        model: fc.oneof(
          fc.string({ unit: letter, minLength: 1, maxLength: 60 }),
          fc.constantFrom("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x-v1:0", "a!b'c(d)e*f", "a b+c~d"),
        ),
        body: fc.string({ unit: letter, maxLength: 300 }),
        token: fc.option(fc.base64String({ minLength: 8, maxLength: 60 })),
        secret: fc.string({ minLength: 8, maxLength: 50 }),
        at: fc.date({ min: new Date("2020-01-01"), max: new Date("2040-01-01"), noInvalidDate: true }),
        region: fc.constantFrom("us-east-1", "eu-central-1", "us-gov-west-1"),
        query: fc.dictionary(name, text, { maxKeys: 4 }),
        header: fc.string({ unit: fc.constantFrom("a", " ", "\t", "B"), maxLength: 12 }),
        slash: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(arbitrary, async ({ model, body, token, secret, at, region, query, header, slash }) => {
          const path = `/model/${escape(model)}/converse${slash ? "/" : ""}`;
          const search = Object.entries(query).map(([key, value]) => `${escape(key)}=${escape(value)}`);
          const url = new URL(`https://bedrock-runtime.${region}.amazonaws.com${path}${search.length > 0 ? `?${search.join("&")}` : ""}`);
          const headers = { "content-type": "application/json", "x-amz-thing": header };
          const { SignatureV4 } = theirSigner as NonNullable<typeof theirSigner>;
          const theirs = new SignatureV4({
            service: "bedrock",
            region,
            sha256: theirHash?.Sha256,
            credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: secret, ...(token && { sessionToken: token }) },
          });
          const expected = await theirs.sign(
            {
              method: "POST",
              protocol: "https:",
              hostname: url.hostname,
              path: url.pathname,
              query,
              headers: { ...headers, host: url.host },
              body,
            },
            { signingDate: at },
          );
          const credentials: AwsCredentials = {
            accessKeyId: "AKIDEXAMPLE",
            secretAccessKey: new Secret(secret),
            ...(token && { sessionToken: new Secret(token) }),
          };
          const ours = await sign({ url: url.href, headers: { ...headers, "user-agent": "x", accept: "y" }, body }, credentials, {
            region,
            now: () => at.getTime(),
            hashing: nodeHashing,
          });
          for (const [key, value] of Object.entries(ours)) expect([key, value]).toEqual([key, expected.headers[key]]);
        }),
        { numRuns: 400 },
      );
    });
  },
);

function escape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
