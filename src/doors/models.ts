/** `GET /v1/models`: what the caller may ask for, in the dialect of its path and headers, with what is known of each beyond the dialect's own fields. */

import type { Capabilities } from "../canonical/capabilities.ts";
import { GatewayError } from "../canonical/errors.ts";
import type { Usage } from "../canonical/usage.ts";
import type { KnownKey } from "../accounts/keys.ts";
import { requestTarget } from "./doors.ts";

/** A name that may be asked for, and who answers first. */
export interface Listing {
  name: string;
  /** The provider's name; absent for a route of the configuration. */
  owner: string | undefined;
  capabilities: Capabilities;
  cost(usage: Usage, atMs: number): number | undefined;
}

export interface Listed {
  listings(): readonly Listing[];
  /** A name that stands in no list, but is known. */
  listing(name: string): Listing | undefined;
}

export function listModels(listed: Listed, request: Request, one: string | undefined, principal: KnownKey | undefined): Response {
  const dialect = dialectOf(request);
  const now = Date.now();
  if (one !== undefined) {
    // Google's names begin with `models/` wherever they stand alone.
    const found = listed.listing(one) ?? listed.listing(one.replace(/^models\//, ""));
    if (!found || (principal && !principal.allows(found.name)))
      throw new GatewayError("model_not_found", `There is no model ${JSON.stringify(one.slice(0, 120))}.`, { field: "model" });
    return Response.json(dialect.print(found, now));
  }
  const listings = listed.listings().filter(({ name }) => !principal || principal.allows(name));
  return Response.json(
    dialect.list(
      listings.map((listing) => dialect.print(listing, now)),
      listings,
    ),
  );
}

interface Dialect {
  print(listing: Listing, now: number): object;
  list(data: object[], listings: readonly Listing[]): object;
}

function dialectOf(request: Request): Dialect {
  const { path } = requestTarget(request.url);
  if (path.startsWith("/v1beta/") || path.startsWith("/gemini/") || request.headers.has("x-goog-api-key")) return google;
  return request.headers.has("anthropic-version") || path.startsWith("/anthropic/") ? anthropicStyle : openaiStyle;
}

const openaiStyle: Dialect = {
  print: (listing, now) => ({
    id: listing.name,
    object: "model",
    created: 0,
    owned_by: listing.owner ?? "headgate",
    ...extension(listing, now),
  }),
  list: (data) => ({ object: "list", data }),
};

const anthropicStyle: Dialect = {
  print: (listing, now) => ({
    type: "model",
    id: listing.name,
    display_name: listing.name,
    created_at: "1970-01-01T00:00:00Z",
    ...extension(listing, now),
  }),
  list: (data, listings) => ({ data, has_more: false, first_id: listings[0]?.name ?? null, last_id: listings.at(-1)?.name ?? null }),
};

const google: Dialect = {
  print(listing, now) {
    const { contextWindow, maxOutputTokens } = listing.capabilities;
    return {
      name: `models/${listing.name}`,
      baseModelId: listing.name,
      version: "",
      displayName: listing.name,
      ...(contextWindow !== undefined && { inputTokenLimit: contextWindow }),
      ...(maxOutputTokens !== undefined && { outputTokenLimit: maxOutputTokens }),
      supportedGenerationMethods: ["generateContent", "countTokens"],
      ...extension(listing, now),
    };
  },
  list: (models) => ({ models }),
};

/** Beside two names that clients already look for, one object of our own, so that no dialect's field is taken. What is not known is not there. */
function extension({ capabilities, cost }: Listing, now: number): object {
  const { contextWindow, maxOutputTokens, ...abilities } = capabilities;
  const pricing = prices(cost, now);
  return {
    ...(contextWindow !== undefined && { context_window: contextWindow }),
    ...(maxOutputTokens !== undefined && { max_output_tokens: maxOutputTokens }),
    headgate: {
      ...(pricing && { usd_per_million_tokens: pricing }),
      ...(Object.keys(abilities).length > 0 && { capabilities: abilities }),
    },
  };
}

/** As many tokens as no vendor has a dearer tier for. */
const SAMPLE = 1000;

/** By asking what some tokens would cost now: tiers, hours and announced changes are the price book's own matter. */
function prices(cost: Listing["cost"], now: number): Record<string, number> | undefined {
  const call = cost({ input: 0, output: 0 }, now) ?? 0;
  const rate = (usage: Partial<Usage>): number | undefined => {
    const pico = cost({ input: 0, output: 0, ...usage }, now);
    return pico === undefined ? undefined : (pico - call) / SAMPLE / 1e6;
  };
  const input = rate({ input: SAMPLE });
  const output = rate({ output: SAMPLE });
  if (input === undefined && output === undefined) return undefined;
  const cacheRead = rate({ input: SAMPLE, cacheRead: SAMPLE });
  const cacheWrite = rate({ input: SAMPLE, cacheWrite: SAMPLE });
  return {
    ...(input !== undefined && { input }),
    ...(output !== undefined && { output }),
    ...(cacheRead !== undefined && cacheRead !== input && { cache_read: cacheRead }),
    ...(cacheWrite !== undefined && cacheWrite !== input && { cache_write: cacheWrite }),
  };
}
