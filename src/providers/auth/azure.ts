/** Azure's tokens: for an Entra application, a workload, or the machine's managed identity. (A resource's key is a header, and the row says which.) */

import type { Secret } from "../../canonical/secret.ts";
import { askJson, checkTokenUrl, failed } from "./exchange.ts";
import { bearerToken, clientCredentials, readToken } from "./oauth.ts";
import type { TokenWorld } from "./oauth.ts";
import type { Signer } from "./signer.ts";

/** Azure OpenAI and Foundry resources both take tokens of this audience. */
const RESOURCE = "https://cognitiveservices.azure.com";
const AUTHORITY = "https://login.microsoftonline.com";

export interface EntraApplication {
  tenantId: string;
  clientId: string;
  clientSecret: Secret;
  /** Default: `https://cognitiveservices.azure.com/.default`. */
  scope?: string | undefined;
  /** Of a sovereign cloud; default: `https://login.microsoftonline.com`. */
  authority?: string | undefined;
}

export function entraToken(application: EntraApplication, world: TokenWorld): Signer {
  return clientCredentials(
    {
      name: "Entra",
      tokenUrl: tokenUrl(application),
      clientId: application.clientId,
      clientSecret: application.clientSecret,
      scope: application.scope ?? `${RESOURCE}/.default`,
    },
    world,
  );
}

/** Kubernetes' way: the platform's own token, out of a file that it renews, stands for the secret. */
export interface EntraWorkload {
  tenantId: string;
  clientId: string;
  /** The token, read anew each time. */
  assertion(): Promise<string | undefined>;
  scope?: string | undefined;
  authority?: string | undefined;
}

export function entraWorkloadToken(workload: EntraWorkload, world: TokenWorld): Signer {
  const url = checkTokenUrl(tokenUrl(workload), "Entra's address");
  return bearerToken(async () => {
    const assertion = (await workload.assertion())?.trim();
    if (!assertion) throw failed("The file with the workload's token is missing or empty.");
    const form = {
      grant_type: "client_credentials",
      client_id: workload.clientId,
      scope: workload.scope ?? `${RESOURCE}/.default`,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
    };
    return readToken(await askJson({ fetch: world.fetch, name: "Entra", url, form }), "Entra", world);
  }, world);
}

/** `clientId`: of a user-assigned identity. `metadataUrl`: in place of the service's fixed address. */
export function managedIdentityToken(
  identity: { clientId?: string | undefined; resource?: string | undefined; metadataUrl?: string | undefined },
  world: TokenWorld,
): Signer {
  const name = "Azure's metadata service";
  const query = new URLSearchParams({ "api-version": "2018-02-01", resource: identity.resource ?? RESOURCE });
  if (identity.clientId) query.set("client_id", identity.clientId);
  const url = `${identity.metadataUrl ?? "http://169.254.169.254"}/metadata/identity/oauth2/token?${query}`;
  return bearerToken(
    async () => readToken(await askJson({ fetch: world.fetch, name, url, headers: { metadata: "true" }, timeoutMs: 5000 }), name, world),
    world,
  );
}

function tokenUrl({ tenantId, authority }: { tenantId: string; authority?: string | undefined }): string {
  if (!/^[\w.-]{1,100}$/.test(tenantId)) throw failed("Entra's tenant is neither an id nor a domain.");
  return `${(authority ?? AUTHORITY).replace(/\/+$/, "")}/${tenantId}/oauth2/v2.0/token`;
}
