/** OAuth client credentials: a name and a secret for a token that lives an hour. */

import { asNumber, asString } from "../../canonical/json.ts";
import type { JsonObject } from "../../canonical/json.ts";
import type { Secret } from "../../canonical/secret.ts";
import { askJson, checkTokenUrl, failed } from "./exchange.ts";
import type { TokenFetch } from "./exchange.ts";
import { Renewable, signerOf } from "./renewable.ts";
import type { Lease, Time } from "./renewable.ts";
import type { Signer } from "./signer.ts";

export interface TokenWorld extends Time {
  fetch: TokenFetch;
}

export interface ClientCredentials {
  tokenUrl: string;
  clientId: string;
  clientSecret: Secret;
  scope?: string | undefined;
  audience?: string | undefined;
  /** `form`: both in the body, which most take. `basic`: as the standard prefers. */
  show?: "form" | "basic" | undefined;
  /** Who is asked, for messages. */
  name?: string | undefined;
}

export function clientCredentials(given: ClientCredentials, world: TokenWorld): Signer {
  const name = given.name ?? "The token server";
  const url = checkTokenUrl(given.tokenUrl, "The token server's address");
  return bearerToken(async () => {
    const form: Record<string, string> = { grant_type: "client_credentials" };
    if (given.scope) form.scope = given.scope;
    if (given.audience) form.audience = given.audience;
    const headers: Record<string, string> = {};
    if (given.show === "basic") headers.authorization = `Basic ${basic(given.clientId, given.clientSecret.reveal())}`;
    else Object.assign(form, { client_id: given.clientId, client_secret: given.clientSecret.reveal() });
    return readToken(await askJson({ fetch: world.fetch, name, url, form, headers }), name, world);
  }, world);
}

/** `authorization: Bearer …` with whatever `renew` gets. */
export function bearerToken(renew: () => Promise<Lease<string>>, time: Time, more: Readonly<Record<string, string>> = {}): Signer {
  return signerOf(new Renewable(renew, time), (token) => ({ authorization: `Bearer ${token}`, ...more }));
}

/** Without a lifetime it is taken to live five minutes: renewing too often does no harm. */
const UNKNOWN_LIFE_SECONDS = 300;

export function readToken(body: JsonObject, name: string, { now }: Time): Lease<string> {
  const token = asString(body.access_token);
  // It goes into a header as it is.
  if (!token || !/^[\x21-\x7e]+$/.test(token)) throw failed(`${name} answered without an access token.`);
  const seconds = asNumber(body.expires_in) ?? asNumber(Number(asString(body.expires_in) ?? Number.NaN)) ?? UNKNOWN_LIFE_SECONDS;
  return { value: token, expiresAt: now() + Math.max(1, seconds) * 1000 };
}

/** RFC 6749, 2.3.1: both are form-encoded before they are joined. */
function basic(id: string, secret: string): string {
  const encode = (text: string): string => new URLSearchParams([["", text]]).toString().slice(1);
  return btoa(`${encode(id)}:${encode(secret)}`);
}
