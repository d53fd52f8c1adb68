import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isGatewayError } from "../../canonical/errors.ts";
import { Secret } from "../../canonical/secret.ts";
import { awsRegion, signers } from "./signers.ts";
import type { SignerMaterials, SignerName } from "./signers.ts";
import type { UnsignedRequest } from "./signer.ts";

const request: UnsignedRequest = {
  method: "POST",
  url: "https://bedrock-runtime.eu-central-1.amazonaws.com/model/m/converse",
  headers: {},
  body: "{}",
};

interface Asked {
  url: string;
  body: string;
}

function make(name: SignerName, given: Partial<SignerMaterials> & { files?: Record<string, string> }) {
  const asked: Asked[] = [];
  const { files, ...rest } = given;
  const signer = signers[name]({
    settings: {},
    env: {},
    now: () => Date.UTC(2026, 10, 21),
    random: () => 0,
    fetch: async (url, init) => {
      asked.push({ url, body: init.body ?? "" });
      return Response.json({ access_token: "tok", expires_in: 3600 }, { headers: { "metadata-flavor": "Google" } });
    },
    readFile: async (path) => files?.[path],
    ...rest,
  });
  return { signer, asked };
}

function fieldOf(run: () => unknown): string | undefined {
  try {
    run();
    return "no refusal";
  } catch (thrown) {
    return isGatewayError(thrown) && thrown.code === "invalid_request" ? thrown.field : String(thrown);
  }
}

describe("Bedrock's signer", () => {
  test("out of the configuration, and out of the environment", async () => {
    const settings = { region: "eu-central-1", accessKeyId: "AK", secretAccessKey: new Secret("S"), sessionToken: new Secret("T") };
    const signed = await make("aws-bedrock", { settings }).signer(request);
    expect(signed.authorization).toContain("Credential=AK/20261121/eu-central-1/bedrock/aws4_request");
    expect(signed["x-amz-security-token"]).toBe("T");
    const env = { AWS_DEFAULT_REGION: "us-west-2", AWS_ACCESS_KEY_ID: "EK", AWS_SECRET_ACCESS_KEY: "S" };
    expect((await make("aws-bedrock", { env }).signer(request)).authorization).toContain("Credential=EK/20261121/us-west-2/");
  });

  test("a named profile goes before the environment's keys", async () => {
    const files = { "~/.aws/credentials": "[p]\naws_access_key_id=PK\naws_secret_access_key=S\n" };
    const env = { AWS_REGION: "us-west-2", AWS_ACCESS_KEY_ID: "EK", AWS_SECRET_ACCESS_KEY: "S" };
    expect((await make("aws-bedrock", { settings: { profile: "p" }, env, files }).signer(request)).authorization).toContain(
      "Credential=PK/",
    );
  });

  test("half of what is needed is refused by name", () => {
    expect(fieldOf(() => make("aws-bedrock", {}))).toBe("region");
    expect(fieldOf(() => make("aws-bedrock", { settings: { region: "r", accessKeyId: "AK" } }))).toBe("secret_access_key");
    expect(fieldOf(() => make("aws-bedrock", { settings: { region: "r", secretAccessKey: new Secret("S") } }))).toBe("access_key_id");
    expect(awsRegion({}, { AWS_REGION: "", AWS_DEFAULT_REGION: "x" })).toBe("x");
  });
});

describe("Google's signer", () => {
  const user = JSON.stringify({ type: "authorized_user", client_id: "c", client_secret: "s", refresh_token: "r" });

  test("the account may stand in the configuration, in a file, in gcloud's own file, or be the machine's", async () => {
    const places: Parameters<typeof make>[1][] = [
      { settings: { credentials: new Secret(user) } },
      { settings: { credentials: new Secret("/key.json") }, files: { "/key.json": user } },
      { env: { GOOGLE_APPLICATION_CREDENTIALS: "/key.json" }, files: { "/key.json": user } },
      { files: { "~/.config/gcloud/application_default_credentials.json": user } },
      {},
    ];
    const urls: (string | undefined)[] = [];
    for (const place of places) {
      const { signer, asked } = make("google", place);
      expect(await signer(request)).toEqual({ authorization: "Bearer tok" });
      urls.push(asked[0]?.url);
    }
    const server = "https://oauth2.googleapis.com/token";
    expect(urls).toEqual([
      server,
      server,
      server,
      server,
      "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token",
    ]);
  });

  test("a file that is named must be there", async () => {
    await expect(Promise.resolve(make("google", { settings: { credentials: new Secret("/gone") } }).signer(request))).rejects.toThrow(
      "does not exist",
    );
  });
});

describe("Entra's signer", () => {
  test("an application, a workload, or the machine", async () => {
    const env = { AZURE_TENANT_ID: "t", AZURE_CLIENT_ID: "c" };
    const places: [Parameters<typeof make>[1], string, string][] = [
      [
        { settings: { tenantId: "t", clientId: "c", clientSecret: new Secret("s"), scope: "https://ai.azure.com/.default" } },
        "https://login.microsoftonline.com/t/oauth2/v2.0/token",
        "ai.azure.com",
      ],
      [
        { env: { ...env, AZURE_CLIENT_SECRET: "s", AZURE_AUTHORITY_HOST: "https://login.microsoftonline.us/" } },
        "https://login.microsoftonline.us/t/oauth2/v2.0/token",
        "client_secret=s",
      ],
      [
        { env: { ...env, AZURE_FEDERATED_TOKEN_FILE: "/t" }, files: { "/t": "eyJ" } },
        "https://login.microsoftonline.com/t/oauth2/v2.0/token",
        "client_assertion=eyJ",
      ],
      [
        { env: { AZURE_CLIENT_ID: "c" } },
        "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=c",
        "",
      ],
    ];
    for (const [place, url, body] of places) {
      const { signer, asked } = make("entra", place);
      expect(await signer(request)).toEqual({ authorization: "Bearer tok" });
      expect(asked[0]?.url).toBe(url);
      expect(asked[0]?.body).toContain(body);
    }
  });

  test("a secret alone is refused by name", () => {
    expect(fieldOf(() => make("entra", { settings: { clientSecret: new Secret("s") } }))).toBe("tenant_id");
  });
});

describe("anybody's OAuth signer", () => {
  test("needs all three", async () => {
    const settings = { tokenUrl: "https://auth.example/token", clientId: "c", clientSecret: new Secret("s") };
    expect(await make("oauth", { settings }).signer(request)).toEqual({ authorization: "Bearer tok" });
    expect(fieldOf(() => make("oauth", { settings: { ...settings, clientId: undefined } }))).toBe("token_url");
  });
});

describe("the runtime's own files", () => {
  test("are read where nothing else is given", async () => {
    const folder = mkdtempSync(join(tmpdir(), "headgate-"));
    try {
      writeFileSync(join(folder, "credentials"), "[default]\naws_access_key_id=FK\naws_secret_access_key=S\n");
      const env = {
        AWS_REGION: "us-west-2",
        AWS_SHARED_CREDENTIALS_FILE: join(folder, "credentials"),
        AWS_CONFIG_FILE: join(folder, "gone"),
      };
      expect((await make("aws-bedrock", { env, readFile: undefined }).signer(request)).authorization).toContain("Credential=FK/");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
