/** The signers that a row can ask for by name, each built from a provider's settings and, for what these leave out, the vendor's usual environment. */

import { GatewayError } from "../../canonical/errors.ts";
import { Secret } from "../../canonical/secret.ts";
import { awsCredentials, fromContainer, fromEnvironment, fromInstance, fromKeys, fromProfile, fromWebIdentity } from "./aws-credentials.ts";
import type { AwsSource } from "./aws-credentials.ts";
import { entraToken, entraWorkloadToken, managedIdentityToken } from "./azure.ts";
import { failed } from "./exchange.ts";
import type { TokenFetch } from "./exchange.ts";
import { googleToken, readGoogleAccount } from "./google.ts";
import type { Hashing } from "./hashing.ts";
import { clientCredentials } from "./oauth.ts";
import type { Time } from "./renewable.ts";
import type { Signer } from "./signer.ts";
import { signV4 } from "./sigv4.ts";

/** What a provider's entry in the configuration may say about its credentials. */
export interface SignerSettings {
  region?: string | undefined;
  accessKeyId?: string | undefined;
  secretAccessKey?: Secret | undefined;
  sessionToken?: Secret | undefined;
  profile?: string | undefined;
  /** Google: the JSON of an account, or the path of the file that holds it. */
  credentials?: Secret | undefined;
  tenantId?: string | undefined;
  clientId?: string | undefined;
  clientSecret?: Secret | undefined;
  tokenUrl?: string | undefined;
  scope?: string | undefined;
  audience?: string | undefined;
}

export interface SignerMaterials extends Time {
  settings: SignerSettings;
  env: Readonly<Record<string, string | undefined>>;
  fetch: TokenFetch;
  hashing?: Hashing | undefined;
  /** Default: the runtime's own files, where it has them. */
  readFile?: ((path: string) => Promise<string | undefined>) | undefined;
}

/** Throws GatewayError `invalid_request` where the settings cannot be enough, whatever the environment holds later. */
export const signers = {
  "aws-bedrock": awsBedrock,
  google: googleAccount,
  entra,
  oauth,
} as const satisfies Record<string, (materials: SignerMaterials) => Signer>;

export type SignerName = keyof typeof signers;

// ── Amazon ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Where Bedrock is called, as far as it is said; a profile's own region is not looked for. */
export function awsRegion(settings: SignerSettings, env: SignerMaterials["env"]): string | undefined {
  return settings.region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined);
}

function awsBedrock(materials: SignerMaterials): Signer {
  const { settings, env, fetch } = materials;
  const region = awsRegion(settings, env);
  if (region === undefined) throw missing("region", "Bedrock needs a `region` (or AWS_REGION)");
  const credentials = awsCredentials(awsSources(settings), {
    ...timeOf(materials),
    env,
    fetch,
    region,
    readFile: materials.readFile ?? runtimeFile,
  });
  return signV4({ credentials, region, service: "bedrock", now: () => materials.now(), hashing: materials.hashing });
}

function awsSources({ accessKeyId, secretAccessKey, sessionToken, profile }: SignerSettings): AwsSource[] {
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return [fromKeys({ accessKeyId, secretAccessKey, sessionToken })];
  if (accessKeyId !== undefined) throw missing("secret_access_key", "an `access_key_id` needs its `secret_access_key`");
  if (secretAccessKey !== undefined) throw missing("access_key_id", "a `secret_access_key` needs its `access_key_id`");
  if (profile !== undefined) return [fromProfile(profile)];
  return [fromEnvironment, fromProfile(), fromWebIdentity, fromContainer, fromInstance];
}

// ── Google ───────────────────────────────────────────────────────────────────────────────────────────────────

const WELL_KNOWN = "~/.config/gcloud/application_default_credentials.json";

function googleAccount(materials: SignerMaterials): Signer {
  const { settings, env, fetch } = materials;
  const read = materials.readFile ?? runtimeFile;
  const find = async () => {
    const given = settings.credentials?.reveal().trim() ?? env.GOOGLE_APPLICATION_CREDENTIALS;
    if (given?.startsWith("{")) return readGoogleAccount(given);
    const text = await read(given || WELL_KNOWN);
    if (text === undefined && given) throw failed("The file with Google's credentials does not exist.");
    return text === undefined ? undefined : readGoogleAccount(text);
  };
  return googleToken(find, { ...timeOf(materials), fetch });
}

// ── Microsoft ────────────────────────────────────────────────────────────────────────────────────────────────

function entra(materials: SignerMaterials): Signer {
  const { settings, env, fetch } = materials;
  const world = { ...timeOf(materials), fetch };
  const tenantId = settings.tenantId ?? env.AZURE_TENANT_ID;
  const clientId = settings.clientId ?? env.AZURE_CLIENT_ID;
  const clientSecret = settings.clientSecret ?? (env.AZURE_CLIENT_SECRET ? new Secret(env.AZURE_CLIENT_SECRET) : undefined);
  const { scope } = settings;
  const authority = env.AZURE_AUTHORITY_HOST || undefined;
  if (tenantId && clientId && clientSecret) return entraToken({ tenantId, clientId, clientSecret, scope, authority }, world);
  if (settings.clientSecret)
    throw missing(tenantId ? "client_id" : "tenant_id", "an Entra application needs `tenant_id`, `client_id` and `client_secret`");
  const file = env.AZURE_FEDERATED_TOKEN_FILE;
  if (tenantId && clientId && file) {
    return entraWorkloadToken({ tenantId, clientId, assertion: () => (materials.readFile ?? runtimeFile)(file), scope, authority }, world);
  }
  return managedIdentityToken({ clientId: clientId || undefined, resource: scope?.replace(/\/\.default$/, "") }, world);
}

// ── anybody ──────────────────────────────────────────────────────────────────────────────────────────────────

function oauth(materials: SignerMaterials): Signer {
  const { tokenUrl, clientId, clientSecret, scope, audience } = materials.settings;
  if (!tokenUrl || !clientId || !clientSecret) throw missing("token_url", "OAuth needs `token_url`, `client_id` and `client_secret`");
  return clientCredentials({ tokenUrl, clientId, clientSecret, scope, audience }, { ...timeOf(materials), fetch: materials.fetch });
}

function missing(field: string, what: string): GatewayError {
  return new GatewayError("invalid_request", `${what}.`, { field });
}

function timeOf({ now, random }: Time): Time {
  return { now, random };
}

/** Undefined where there is no such file, and where there are no files. */
async function runtimeFile(path: string): Promise<string | undefined> {
  const files = await import("./node-sources.ts").catch(() => undefined);
  return files?.readFile(path);
}
