/** Where AWS credentials come from, in the order in which the vendor's own SDKs look. */

import { asString, isObject } from "../../canonical/json.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { Secret } from "../../canonical/secret.ts";
import { readProfiles } from "./aws-profile.ts";
import { ask, askJson, failed } from "./exchange.ts";
import type { TokenFetch } from "./exchange.ts";
import { Renewable } from "./renewable.ts";
import type { Lease, Time } from "./renewable.ts";
import type { AwsCredentials } from "./sigv4.ts";

export interface AwsEnvironment extends Time {
  env: Readonly<Record<string, string | undefined>>;
  fetch: TokenFetch;
  /** The text of a file, `~/` being the home directory; undefined when there is none. Absent: this runtime has no files. */
  readFile?: ((path: string) => Promise<string | undefined>) | undefined;
  region: string;
  /** In place of the services' fixed addresses. */
  containerUrl?: string | undefined;
  instanceUrl?: string | undefined;
  stsUrl?: string | undefined;
}

/** Undefined: this source is not set up. A source that is set up and fails throws. */
export type AwsSource = (environment: AwsEnvironment) => Promise<Lease<AwsCredentials> | undefined>;

/** A renewable out of the first source that is set up. */
export function awsCredentials(sources: readonly AwsSource[], environment: AwsEnvironment): Renewable<AwsCredentials> {
  return new Renewable(async () => {
    for (const source of sources) {
      const lease = await source(environment);
      if (lease) return lease;
    }
    throw failed(
      "There are no AWS credentials: neither keys in the environment, nor a profile, a web identity, a container's or an instance's role.",
    );
  }, environment);
}

// ── given ────────────────────────────────────────────────────────────────────────────────────────────────────

export function fromKeys(credentials: AwsCredentials): AwsSource {
  return async () => ({ value: credentials });
}

export const fromEnvironment: AwsSource = async ({ env }) => {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env;
  if (!accessKeyId || !secret) return undefined;
  return { value: { accessKeyId, secretAccessKey: new Secret(secret), ...(token && { sessionToken: new Secret(token) }) } };
};

/** Other programs renew these files while we run. */
const FILE_LIFE_MS = 300_000;

/** `name` undefined: the environment's profile, else `default`, which need not exist. */
export function fromProfile(name?: string): AwsSource {
  return async (environment) => {
    const { env, readFile, now } = environment;
    const wanted = name ?? env.AWS_PROFILE ?? "default";
    const required = name !== undefined || env.AWS_PROFILE !== undefined;
    if (!readFile) {
      if (required) throw failed(`The AWS profile "${wanted}" cannot be read: this runtime has no files.`);
      return undefined;
    }
    const [credentials, config] = await Promise.all([
      readFile(env.AWS_SHARED_CREDENTIALS_FILE ?? "~/.aws/credentials"),
      readFile(env.AWS_CONFIG_FILE ?? "~/.aws/config"),
    ]);
    const profile = readProfiles(credentials ?? "", config ?? "").get(wanted);
    if (!profile) {
      if (required) throw failed(`There is no AWS profile "${wanted}" in ~/.aws/credentials or ~/.aws/config.`);
      return undefined;
    }
    const { aws_access_key_id: accessKeyId, aws_secret_access_key: secret, aws_session_token: token } = profile;
    if (accessKeyId && secret) {
      const value: AwsCredentials = { accessKeyId, secretAccessKey: new Secret(secret), ...(token && { sessionToken: new Secret(token) }) };
      return { value, expiresAt: now() + FILE_LIFE_MS };
    }
    if (profile.role_arn && profile.web_identity_token_file) {
      return assumeRole(profile.role_arn, profile.web_identity_token_file, profile.role_session_name, environment);
    }
    const elsewhere = ["sso_session", "sso_start_url", "source_profile", "credential_source", "credential_process"].find(
      (key) => profile[key] !== undefined,
    );
    if (elsewhere === undefined && !required) return undefined;
    const cause = elsewhere === undefined ? "holds no keys" : `takes its credentials from \`${elsewhere}\`, which is not supported`;
    throw failed(
      `The AWS profile "${wanted}" ${cause}: use keys (for instance from \`aws configure export-credentials\`), a role, or a Bedrock API key.`,
    );
  };
}

// ── a role for a web identity ────────────────────────────────────────────────────────────────────────────────

export const fromWebIdentity: AwsSource = async (environment) => {
  const { AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_SESSION_NAME: session } = environment.env;
  return role && file ? assumeRole(role, file, session, environment) : undefined;
};

async function assumeRole(
  role: string,
  file: string,
  session: string | undefined,
  environment: AwsEnvironment,
): Promise<Lease<AwsCredentials>> {
  // Read each time: the platform renews the token in it.
  const token = (await environment.readFile?.(file))?.trim();
  if (!token) throw failed("The file with the web identity's token is missing or empty.");
  const { region, stsUrl } = environment;
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const { text } = await ask({
    fetch: environment.fetch,
    name: "AWS STS",
    url: stsUrl ?? `https://sts.${region}.${domain}/`,
    form: {
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: role,
      RoleSessionName: session ?? "headgate",
      WebIdentityToken: token,
    },
  });
  const field = (name: string): string | undefined => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1]?.trim();
  return readLease(
    {
      AccessKeyId: field("AccessKeyId"),
      SecretAccessKey: field("SecretAccessKey"),
      Token: field("SessionToken"),
      Expiration: field("Expiration"),
    },
    "AWS STS",
  );
}

// ── the machine's role ───────────────────────────────────────────────────────────────────────────────────────

/** Metadata services are next door: what takes longer is not there. */
const NEARBY_MS = 2000;

/** The agents of ECS and EKS, at their fixed link-local addresses: no other host is ever asked, whatever the environment says. */
const containerHosts = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

export const fromContainer: AwsSource = async (environment) => {
  const { env, readFile } = environment;
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = env;
  if (!relative && !full) return undefined;
  const url = relative
    ? (environment.containerUrl ?? `http://${containerHosts[0]}`) + relative
    : containerAddress(full as string, environment.containerUrl);
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = file ? (await readFile?.(file))?.trim() : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  if (token !== undefined && /[\r\n]/.test(token)) throw failed("The container's authorization token holds a line break.");
  const headers = token ? { authorization: token } : {};
  const name = "The container's credential service";
  return readLease(await askJson({ fetch: environment.fetch, name, url, headers, timeoutMs: NEARBY_MS }), name);
};

function containerAddress(full: string, instead: string | undefined): string {
  const url = URL.parse(full);
  if (!url) throw failed("AWS_CONTAINER_CREDENTIALS_FULL_URI is not an address.");
  if (instead !== undefined) return instead + url.pathname + url.search;
  if (url.protocol !== "http:" || url.port !== "" || !containerHosts.includes(url.hostname)) {
    throw failed(`AWS_CONTAINER_CREDENTIALS_FULL_URI names ${url.host}: only ${containerHosts.join(", ")} are asked for credentials.`);
  }
  return full;
}

/** EC2, by its second version, which asks for a token first: the first one answers to forged requests of others. */
export const fromInstance: AwsSource = async (environment) => {
  if (environment.env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === "true") return undefined;
  const name = "EC2's metadata service";
  const base = environment.instanceUrl ?? "http://169.254.169.254";
  const asking = { fetch: environment.fetch, name, timeoutMs: NEARBY_MS };
  let token: string;
  try {
    const { text } = await ask({
      ...asking,
      url: `${base}/latest/api/token`,
      method: "PUT",
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": "21600" },
    });
    token = text.trim();
  } catch {
    // Nobody lives there: this is no instance.
    return undefined;
  }
  const headers = { "x-aws-ec2-metadata-token": token };
  const path = "/latest/meta-data/iam/security-credentials/";
  const { text } = await ask({ ...asking, url: base + path, headers });
  const role = text.trim().split("\n", 1)[0] ?? "";
  if (!/^[\w+=,.@-]{1,128}$/.test(role)) throw failed(`${name} knows no role of this instance.`);
  return readLease(await askJson({ ...asking, url: `${base}${path}${role}`, headers }), name);
};

function readLease(body: JsonObject, name: string): Lease<AwsCredentials> {
  const accessKeyId = asString(body.AccessKeyId);
  const secret = asString(body.SecretAccessKey);
  const token = asString(body.Token);
  const expiresAt = Date.parse(asString(body.Expiration) ?? "");
  if (!isObject(body) || !accessKeyId || !secret)
    throw failed(
      `${name} answered without credentials${typeof body.Code === "string" && /^\w{1,60}$/.test(body.Code) ? ` (${body.Code})` : ""}.`,
    );
  const value: AwsCredentials = { accessKeyId, secretAccessKey: new Secret(secret), ...(token && { sessionToken: new Secret(token) }) };
  return Number.isNaN(expiresAt) ? { value } : { value, expiresAt };
}
