import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { isGatewayError } from "../../canonical/errors.ts";
import { Secret } from "../../canonical/secret.ts";
import { awsCredentials, fromContainer, fromEnvironment, fromInstance, fromKeys, fromProfile, fromWebIdentity } from "./aws-credentials.ts";
import type { AwsEnvironment, AwsSource } from "./aws-credentials.ts";

const everywhere = [fromEnvironment, fromProfile(), fromWebIdentity, fromContainer, fromInstance];
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Asked {
  line: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** A server on this machine that answers by method and path, and remembers what it was asked. */
async function serve(answers: Record<string, string | [number, string]>): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const line = `${request.method} ${request.url}`;
      asked.push({ line, headers: request.headers, body });
      const answer = answers[line] ?? [404, "no"];
      const [status, text] = typeof answer === "string" ? ([200, answer] as const) : answer;
      response.writeHead(status).end(text);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const now = Date.UTC(2026, 10, 21);
const expiry = new Date(now + 3_600_000).toISOString();
const nowhere = "http://127.0.0.1:1";

function environment(given: Partial<AwsEnvironment> & { files?: Record<string, string> }): AwsEnvironment {
  const { files = {}, ...rest } = given;
  return {
    env: {},
    fetch: (url, init) => fetch(url, init),
    readFile: async (path) => files[path],
    region: "eu-central-1",
    now: () => now,
    random: () => 0,
    instanceUrl: nowhere,
    containerUrl: nowhere,
    ...rest,
  };
}

async function lookup(sources: readonly AwsSource[], given: Parameters<typeof environment>[0]) {
  const { accessKeyId, secretAccessKey, sessionToken } = await awsCredentials(sources, environment(given)).get();
  return [accessKeyId, secretAccessKey.reveal(), sessionToken?.reveal()];
}

async function refusal(sources: readonly AwsSource[], given: Parameters<typeof environment>[0]): Promise<string> {
  try {
    await lookup(sources, given);
    return "no refusal";
  } catch (thrown) {
    if (!isGatewayError(thrown) || thrown.code !== "provider_auth") throw thrown;
    return thrown.message;
  }
}

describe("AWS credentials that are given", () => {
  test("in the configuration, or in the environment", async () => {
    expect(await lookup([fromKeys({ accessKeyId: "A", secretAccessKey: new Secret("S") })], {})).toEqual(["A", "S", undefined]);
    expect(await lookup(everywhere, { env: { AWS_ACCESS_KEY_ID: "A", AWS_SECRET_ACCESS_KEY: "S", AWS_SESSION_TOKEN: "T" } })).toEqual([
      "A",
      "S",
      "T",
    ]);
  });

  test("in a profile, by name, by the environment's name, or the default one", async () => {
    const files = {
      "~/.aws/credentials":
        "[default]\naws_access_key_id=A\naws_secret_access_key=S\n[work]\naws_access_key_id=B\naws_secret_access_key=T\naws_session_token=U\n",
    };
    expect(await lookup(everywhere, { files })).toEqual(["A", "S", undefined]);
    expect(await lookup([fromProfile("work")], { files })).toEqual(["B", "T", "U"]);
    expect(await lookup(everywhere, { files, env: { AWS_PROFILE: "work" } })).toEqual(["B", "T", "U"]);
    const elsewhere = { "/x": files["~/.aws/credentials"] };
    expect(await lookup([fromProfile()], { files: elsewhere, env: { AWS_SHARED_CREDENTIALS_FILE: "/x" } })).toEqual(["A", "S", undefined]);
  });

  test("a profile's file is read again after a while: other programs renew it", async () => {
    const files: Record<string, string> = { "~/.aws/credentials": "[default]\naws_access_key_id=A\naws_secret_access_key=S\n" };
    let time = now;
    const source = awsCredentials([fromProfile()], environment({ files, now: () => time }));
    expect((await source.get()).accessKeyId).toBe("A");
    files["~/.aws/credentials"] = "[default]\naws_access_key_id=B\naws_secret_access_key=S\n";
    time += 300_000;
    expect((await source.get()).accessKeyId).toBe("B");
  });

  test("a profile that is asked for and missing, or signs in elsewhere, is said so", async () => {
    expect(await refusal([fromProfile("gone")], {})).toContain('no AWS profile "gone"');
    const config = (line: string) => ({ files: { "~/.aws/config": `[profile p]\n${line}\n` } });
    expect(await refusal([fromProfile("p")], config("sso_session = corp"))).toContain("`sso_session`, which is not supported");
    expect(await refusal([fromProfile("p")], config("role_arn = r\nsource_profile = q"))).toContain("`source_profile`");
    expect(await refusal([fromProfile("p")], config("credential_process = /bin/x"))).toContain("`credential_process`");
    expect(await refusal([fromProfile("p")], config("region = x"))).toContain("holds no keys");
    expect(await refusal([fromProfile("p")], { readFile: undefined })).toContain("no files");
  });
});

describe("a role for a web identity", () => {
  const answer = (key: string) =>
    `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>S/+=</SecretAccessKey><SessionToken>T</SessionToken><Expiration>${expiry}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
  const env = { AWS_ROLE_ARN: "arn:aws:iam::1:role/r", AWS_WEB_IDENTITY_TOKEN_FILE: "/token" };

  test("is assumed with the token in the file", async () => {
    const { url, asked } = await serve({ "POST /": answer("A") });
    expect(await lookup(everywhere, { env, files: { "/token": "eyJ.x.y\n" }, stsUrl: url })).toEqual(["A", "S/+=", "T"]);
    expect(asked[0]?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(Object.fromEntries(new URLSearchParams(asked[0]?.body))).toEqual({
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: "arn:aws:iam::1:role/r",
      RoleSessionName: "headgate",
      WebIdentityToken: "eyJ.x.y",
    });
  });

  test("also of a profile", async () => {
    const { url } = await serve({ "POST /": answer("P") });
    const files = { "~/.aws/config": "[profile p]\nrole_arn = r\nweb_identity_token_file = /t\nrole_session_name = me\n", "/t": "x" };
    expect((await lookup([fromProfile("p")], { files, stsUrl: url }))[0]).toBe("P");
  });

  test("the service's own address is that of the region", async () => {
    const urls: string[] = [];
    const fetch = async (url: string) => (urls.push(url), new Response(answer("A")));
    await lookup([fromWebIdentity], { env, files: { "/token": "x" }, fetch });
    await lookup([fromWebIdentity], { env, files: { "/token": "x" }, fetch, region: "cn-north-1" });
    expect(urls).toEqual(["https://sts.eu-central-1.amazonaws.com/", "https://sts.cn-north-1.amazonaws.com.cn/"]);
  });

  test("a refusal names the service's code, and never the token", async () => {
    const { url } = await serve({
      "POST /": [
        400,
        "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token eyJ.x.y expired</Message></Error></ErrorResponse>",
      ],
    });
    expect(await refusal([fromWebIdentity], { env, files: { "/token": "eyJ.x.y" }, stsUrl: url })).toBe(
      "AWS STS answered 400 (ExpiredTokenException).",
    );
    expect(await refusal([fromWebIdentity], { env })).toContain("missing or empty");
  });
});

describe("the role of a container", () => {
  const credentials = JSON.stringify({ AccessKeyId: "A", SecretAccessKey: "S", Token: "T", Expiration: expiry });

  test("at the agent's address", async () => {
    const { url, asked } = await serve({ "GET /v2/credentials/x": credentials });
    expect(await lookup(everywhere, { env: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials/x" }, containerUrl: url })).toEqual([
      "A",
      "S",
      "T",
    ]);
    expect(asked).toHaveLength(1);
  });

  test("with the token that the platform gives", async () => {
    const { url, asked } = await serve({ "GET /v1/credentials": credentials });
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/t",
    };
    expect(await lookup([fromContainer], { env, containerUrl: url, files: { "/t": "secret\n" } })).toEqual(["A", "S", "T"]);
    expect(asked[0]?.headers.authorization).toBe("secret");
    expect(await refusal([fromContainer], { env, containerUrl: url, files: { "/t": "a\r\nb" } })).toContain("line break");
  });

  test("nowhere but at the fixed addresses", async () => {
    for (const full of [
      "http://example.org/x",
      "http://127.0.0.1:80/x",
      "http://169.254.169.254/x",
      "http://169.254.170.2:8080/x",
      "https://169.254.170.2.example.org/",
      "file:///etc/passwd",
    ]) {
      expect(await refusal([fromContainer], { env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: full }, containerUrl: undefined })).toContain(
        "are asked for credentials",
      );
    }
    expect(await refusal([fromContainer], { env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: "nonsense" } })).toContain("not an address");
  });
});

describe("the role of an instance", () => {
  const path = "/latest/meta-data/iam/security-credentials/";

  test("by the second version of the service, and renewed ahead of its end", async () => {
    const answers: Record<string, string> = {
      "PUT /latest/api/token": "tok",
      [`GET ${path}`]: "my-role\n",
      [`GET ${path}my-role`]: JSON.stringify({ Code: "Success", AccessKeyId: "A", SecretAccessKey: "S", Token: "T", Expiration: expiry }),
    };
    const { url, asked } = await serve(answers);
    let time = now;
    const source = awsCredentials(everywhere, environment({ instanceUrl: url, now: () => time }));
    expect((await source.get()).accessKeyId).toBe("A");
    expect(asked.map(({ line }) => line)).toEqual(["PUT /latest/api/token", `GET ${path}`, `GET ${path}my-role`]);
    expect(asked[0]?.headers["x-aws-ec2-metadata-token-ttl-seconds"]).toBe("21600");
    expect(asked[2]?.headers["x-aws-ec2-metadata-token"]).toBe("tok");
    answers[`GET ${path}my-role`] = JSON.stringify({
      AccessKeyId: "B",
      SecretAccessKey: "S",
      Expiration: new Date(now + 7_200_000).toISOString(),
    });
    time += 3_400_000;
    expect((await source.get()).accessKeyId).toBe("A");
    for (let turn = 0; turn < 100 && (await source.get()).accessKeyId === "A"; turn++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await source.get()).accessKeyId).toBe("B");
  });

  test("a path in the role's name goes nowhere", async () => {
    const { url } = await serve({ "PUT /latest/api/token": "tok", [`GET ${path}`]: "../../user-data" });
    expect(await refusal([fromInstance], { instanceUrl: url })).toContain("knows no role");
  });

  test("where there is no such service, what was looked for is named", async () => {
    expect(await refusal(everywhere, {})).toContain("neither keys in the environment, nor a profile");
    expect(await refusal(everywhere, { env: { AWS_EC2_METADATA_DISABLED: "true" } })).toContain("There are no AWS credentials");
  });
});
