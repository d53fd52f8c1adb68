/** `GET /v1/models`: what the caller may ask for, in the dialect of its headers. */

import { GatewayError } from "../canonical/errors.ts";
import type { KnownKey } from "../accounts/keys.ts";

/** What the list is made of: the names of routes and providers. */
export interface Listed {
  routes: ReadonlyMap<string, unknown>;
  /** `provider/model` names of the configured providers that are known beforehand. */
  offers(): readonly string[];
}

export function listModels(listed: Listed, request: Request, one: string | undefined, principal: KnownKey | undefined): Response {
  const names = [...listed.routes.keys(), ...listed.offers()].filter((name) => !principal || principal.allows(name));
  const print = request.headers.has("anthropic-version") ? anthropicModel : openaiModel;
  if (one !== undefined) {
    if (!names.includes(one)) throw new GatewayError("model_not_found", `There is no model ${JSON.stringify(one.slice(0, 120))}.`, { field: "model" });
    return Response.json(print(one));
  }
  const data = [...new Set(names)].map(print);
  if (print === openaiModel) return Response.json({ object: "list", data });
  return Response.json({ data, has_more: false, first_id: names[0] ?? null, last_id: names.at(-1) ?? null });
}

function openaiModel(name: string): object {
  return { id: name, object: "model", created: 0, owned_by: owner(name) };
}

function anthropicModel(name: string): object {
  return { type: "model", id: name, display_name: name, created_at: "1970-01-01T00:00:00Z" };
}

function owner(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? "headgate" : name.slice(0, slash);
}
