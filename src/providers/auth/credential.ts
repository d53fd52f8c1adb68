/** How a request to a provider proves who sends it: a key as it is, or a signature where the row says so and there is no key. */

import type { Secret } from "../../canonical/secret.ts";
import type { Auth } from "../provider.ts";
import type { SignedHeaders, Signer, UnsignedRequest } from "./signer.ts";
import { awsRegion, signers } from "./signers.ts";
import type { SignerMaterials, SignerSettings } from "./signers.ts";

export type Credential = (secret: Secret | undefined, request: UnsignedRequest) => SignedHeaders | Promise<SignedHeaders>;

/** Where a cloud's addresses are filled in from. */
export interface CloudPlace extends SignerSettings {
  project?: string | undefined;
  location?: string | undefined;
  resource?: string | undefined;
}

/** The environment with a provider's own settings over it, under the names that the rows' addresses use. */
export function cloudEnvironment(place: CloudPlace, env: SignerMaterials["env"]): SignerMaterials["env"] {
  const location = place.location ?? (env["GOOGLE_CLOUD_LOCATION"] || env["GOOGLE_CLOUD_REGION"] || undefined);
  const filled: Record<string, string | undefined> = {
    AWS_REGION: awsRegion(place, env),
    GOOGLE_CLOUD_PROJECT: place.project ?? env["GOOGLE_CLOUD_PROJECT"],
    GOOGLE_CLOUD_LOCATION: location,
    VERTEX_HOST: location && vertexHost(location),
    AZURE_RESOURCE_NAME: place.resource ?? env["AZURE_RESOURCE_NAME"],
  };
  return { ...env, ...filled };
}

/** `global`, the two multi-regions and single regions each have hosts of another form. */
function vertexHost(location: string): string {
  if (location === "global") return "aiplatform.googleapis.com";
  return location === "eu" || location === "us" ? `aiplatform.${location}.rep.googleapis.com` : `${location}-aiplatform.googleapis.com`;
}

/** A signer is made once, when the first request without a key needs it; what its settings lack is told then. */
export function credentialOf(auth: Auth, materials: SignerMaterials): Credential {
  if (auth.kind !== "signed") return (secret) => shown(auth, secret);
  let signer: Signer | undefined;
  return (secret, request) => {
    if (secret) return shown(auth.key, secret);
    signer ??= signers[auth.by](materials);
    return signer(request);
  };
}

function shown(auth: Exclude<Auth, { kind: "signed" }>, secret: Secret | undefined): SignedHeaders {
  if (!secret || auth.kind === "none") return {};
  return auth.kind === "bearer" ? { authorization: `Bearer ${secret.reveal()}` } : { [auth.name]: secret.reveal() };
}
