/** Google's tokens: for a service account's signed claim, a user's own login, or the machine's account. (An API key is a header, and the row says which.) */

import { asString, isObject, parseJson } from "../../canonical/json.ts";
import type { JsonObject } from "../../canonical/json.ts";
import { Secret } from "../../canonical/secret.ts";
import { ask, askJson, checkTokenUrl, failed } from "./exchange.ts";
import type { TokenFetch } from "./exchange.ts";
import { readToken } from "./oauth.ts";
import type { TokenWorld } from "./oauth.ts";
import { Renewable, signerOf } from "./renewable.ts";
import type { Lease } from "./renewable.ts";
import type { SignedHeaders, Signer } from "./signer.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN_URL = "https://oauth2.googleapis.com/token";
const SERVER = "Google's token server";

// ── a service account, or a user ─────────────────────────────────────────────────────────────────────────────

/** The JSON file that Google hands out, read. */
export type GoogleAccount =
  | { kind: "service"; email: string; privateKey: Secret; keyId: string | undefined; tokenUrl: string; project: string | undefined }
  | { kind: "user"; clientId: string; clientSecret: Secret; refreshToken: Secret; project: string | undefined };

/** Throws GatewayError `provider_auth` when it is none of the kinds that are supported. */
export function readGoogleAccount(text: string): GoogleAccount {
  const file = parseJson(text);
  if (!isObject(file)) throw failed("Google's credentials are not a JSON object.");
  if (file.type === "service_account") return readServiceAccount(file);
  if (file.type === "authorized_user") return readUser(file);
  const type = asString(file.type);
  throw failed(
    `Google credentials of the type "${type !== undefined && /^[\w-]{1,60}$/.test(type) ? type : "unknown"}" are not supported: use a service account, a user's login, or the machine's account.`,
  );
}

function readServiceAccount(file: JsonObject): GoogleAccount {
  const email = asString(file.client_email);
  const key = asString(file.private_key);
  if (!email || !key) throw failed("Google's service account lacks `client_email` or `private_key`.");
  const tokenUrl = checkTokenUrl(asString(file.token_uri) ?? TOKEN_URL, "The `token_uri` of Google's service account");
  return {
    kind: "service",
    email,
    privateKey: new Secret(key),
    keyId: asString(file.private_key_id),
    tokenUrl,
    project: asString(file.project_id),
  };
}

function readUser(file: JsonObject): GoogleAccount {
  const clientId = asString(file.client_id);
  const clientSecret = asString(file.client_secret);
  const refreshToken = asString(file.refresh_token);
  if (!clientId || !clientSecret || !refreshToken)
    throw failed("Google's user credentials lack `client_id`, `client_secret` or `refresh_token`.");
  return {
    kind: "user",
    clientId,
    clientSecret: new Secret(clientSecret),
    refreshToken: new Secret(refreshToken),
    project: asString(file.quota_project_id),
  };
}

export interface GoogleWorld extends TokenWorld {
  /** In place of Google's own address, for tokens of users. */
  tokenUrl?: string | undefined;
  /** In place of the metadata server's fixed address. */
  metadataUrl?: string | undefined;
}

/** `find` is asked for every token, about once an hour, so that a key which was replaced is found; undefined: the machine's own account. */
export function googleToken(find: () => Promise<GoogleAccount | undefined>, world: GoogleWorld): Signer {
  const source = new Renewable(async (): Promise<Lease<SignedHeaders>> => {
    const account = await find();
    if (!account) return withHeaders(await machineLease(world));
    if (account.kind === "user") return withHeaders(await userLease(account, world), account.project);
    return withHeaders(await serviceLease(account, world));
  }, world);
  return signerOf(source, (headers) => ({ ...headers }));
}

/** A user's token says nothing of who pays, so the project is named beside it. */
function withHeaders({ value, expiresAt }: Lease<string>, project?: string): Lease<SignedHeaders> {
  return { value: { authorization: `Bearer ${value}`, ...(project !== undefined && { "x-goog-user-project": project }) }, expiresAt };
}

async function userLease(account: GoogleAccount & { kind: "user" }, world: GoogleWorld): Promise<Lease<string>> {
  const form = {
    grant_type: "refresh_token",
    client_id: account.clientId,
    client_secret: account.clientSecret.reveal(),
    refresh_token: account.refreshToken.reveal(),
  };
  return readToken(await askJson({ fetch: world.fetch, name: SERVER, url: world.tokenUrl ?? TOKEN_URL, form }), SERVER, world);
}

async function serviceLease(account: GoogleAccount & { kind: "service" }, world: GoogleWorld): Promise<Lease<string>> {
  const key = await importKey(account.privateKey);
  const form = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: await assertion(account, key, world.now()) };
  return readToken(await askJson({ fetch: world.fetch, name: SERVER, url: account.tokenUrl, form }), SERVER, world);
}

/** RFC 7523: a claim of an hour, which is the longest that Google takes, signed RS256. */
async function assertion(account: GoogleAccount & { kind: "service" }, key: CryptoKey, now: number): Promise<string> {
  const issued = Math.floor(now / 1000);
  const header = { alg: "RS256", typ: "JWT", ...(account.keyId !== undefined && { kid: account.keyId }) };
  const claims = { iss: account.email, scope: SCOPE, aud: account.tokenUrl, iat: issued, exp: issued + 3600 };
  const signed = `${base64Url(JSON.stringify(header))}.${base64Url(JSON.stringify(claims))}`;
  const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", key, new TextEncoder().encode(signed));
  return `${signed}.${base64UrlBytes(new Uint8Array(signature))}`;
}

/** PKCS #8, as Google hands it out: `-----BEGIN PRIVATE KEY-----`. */
async function importKey(key: Secret): Promise<CryptoKey> {
  const body = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s\\n]+)-----END PRIVATE KEY-----/.exec(key.reveal())?.[1];
  if (body === undefined) throw failed("The private key of Google's service account is not a PKCS #8 key in PEM.");
  try {
    // `\n` as two letters is what is left of a line break in many an environment variable.
    const bytes = Uint8Array.from(atob(body.replace(/\\n|\s/g, "")), (unit) => unit.charCodeAt(0));
    return await crypto.subtle.importKey("pkcs8", bytes, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["sign"]);
  } catch {
    throw failed("The private key of Google's service account cannot be read.");
  }
}

function base64Url(text: string): string {
  return base64UrlBytes(new TextEncoder().encode(text));
}

function base64UrlBytes(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

// ── the machine's account ────────────────────────────────────────────────────────────────────────────────────

const METADATA_URL = "http://169.254.169.254";
const METADATA = "Google's metadata server";
const NEARBY_MS = 2000;

async function machineLease(world: GoogleWorld): Promise<Lease<string>> {
  const text = await metadata("instance/service-accounts/default/token", world);
  const body = parseJson(text);
  if (!isObject(body)) throw failed(`${METADATA} answered with something that is not a token.`);
  return readToken(body, METADATA, world);
}

/** The project in which this machine runs; undefined when it is not one of Google's. */
export async function machineProject(world: { fetch: TokenFetch; metadataUrl?: string | undefined }): Promise<string | undefined> {
  try {
    const project = (await metadata("project/project-id", world)).trim();
    return /^[a-z0-9:.-]{1,100}$/.test(project) ? project : undefined;
  } catch {
    return undefined;
  }
}

async function metadata(path: string, world: { fetch: TokenFetch; metadataUrl?: string | undefined }): Promise<string> {
  const url = `${world.metadataUrl ?? METADATA_URL}/computeMetadata/v1/${path}`;
  const { text, headers } = await ask({
    fetch: world.fetch,
    name: METADATA,
    url,
    headers: { "metadata-flavor": "Google" },
    timeoutMs: NEARBY_MS,
  });
  // Other clouds have other services at this address.
  if (headers.get("metadata-flavor") !== "Google") throw failed("This machine is not one of Google's: there are no Google credentials.");
  return text;
}
