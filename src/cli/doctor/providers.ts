/** Does each provider answer, and does it take the key? Asks for the list of models, which costs nothing. */

import { isObject } from "../../canonical/json.ts";
import { Secret } from "../../canonical/secret.ts";
import type { Config, ProviderConfig } from "../../config/config.ts";
import type { Gateway } from "../../gateway.ts";
import { MOCK } from "../../house.ts";
import { findProvider } from "../../providers/index.ts";
import { formatMs, plural, shorten } from "../text.ts";
import type { Environment } from "../world.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

export interface ProviderFindings {
  findings: Finding[];
  /** The provider's clock minus ours, in milliseconds; undefined: it did not say. */
  skewMs?: number | undefined;
}

type Seat = Gateway["furnishing"]["seats"] extends ReadonlyMap<string, infer Value> ? Value : never;

/** Where a format's vendors list their models, from the base URL on, and what the request must carry besides the key. */
const lists: Readonly<Record<string, { path: string; headers: Record<string, string> }>> = {
  "openai/chat-completions": { path: "/models", headers: {} },
  "anthropic/messages": { path: "/v1/models?limit=1000", headers: { "anthropic-version": "2023-06-01" } },
  "gemini/generate-content": { path: "/v1beta/models?pageSize=1000", headers: {} },
  "cohere/chat": { path: "/v1/models?page_size=1000", headers: {} },
  "ollama/chat": { path: "/api/tags", headers: {} },
};

const patienceMs = 5000;

export async function examineProviders(config: Config, gateway: Gateway, env: Environment): Promise<ProviderFindings[]> {
  const asked = [...config.providers.values()].flatMap((provider) => {
    const seat = gateway.furnishing.seats.get(provider.name);
    if (seat === undefined || provider.type === MOCK) return [];
    return keysOf(provider, env).map((secret, index, all) =>
      askProvider(provider, seat, secret, all.length > 1 ? ` (key ${index + 1})` : "", config),
    );
  });
  return Promise.all(asked);
}

/** What is called without a key is asked without one. */
function keysOf(provider: ProviderConfig, env: Environment): (Secret | undefined)[] {
  if (provider.apiKeys !== undefined) return provider.apiKeys.length === 0 ? [undefined] : [...provider.apiKeys];
  const variable = findProvider(provider.type)?.env.find((name) => env[name]);
  return [variable === undefined ? undefined : new Secret(env[variable] ?? "")];
}

async function askProvider(
  provider: ProviderConfig,
  seat: Seat,
  secret: Secret | undefined,
  whichKey: string,
  config: Config,
): Promise<ProviderFindings> {
  const check = `${provider.name}${whichKey}`;
  // A cloud's own paths have no list beside them.
  const spoken = seat.speaks.find((one) => lists[one.codec.name] !== undefined && one.path === undefined);
  const list = spoken && lists[spoken.codec.name];
  if (!spoken || !list) return { findings: [warn(check, "its format has no list of models, so nothing was asked")] };
  const url = `${spoken.baseUrl}${list.path}`;
  const where = new URL(url).host;
  const started = performance.now();
  try {
    const unsigned = { ...seat.headers, ...list.headers };
    const headers = { ...unsigned, ...(await spoken.credential({ index: 0, secret }, { url, headers: unsigned, body: "" })) };
    // A redirect would carry the key to wherever it points.
    const response = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(patienceMs) });
    const text = await response.text();
    return {
      findings: judge(check, where, response.status, performance.now() - started, text, provider, config),
      skewMs: skew(response.headers.get("date")),
    };
  } catch (thrown) {
    return { findings: [unreachable(check, where, thrown, provider)] };
  }
}

function judge(
  check: string,
  where: string,
  status: number,
  ms: number,
  text: string,
  provider: ProviderConfig,
  config: Config,
): Finding[] {
  const place = `providers.${provider.name}`;
  if (status >= 200 && status < 300) {
    const models = modelNames(text);
    if (models === undefined) return [warn(check, `${where} answers, but not with a list of models`, `Check ${place}.base_url and type.`)];
    return [
      ok(check, `${where} takes the key and offers ${plural(models.names.size, "model")} (${formatMs(ms)})`),
      ...unknownTargets(provider, models, config),
    ];
  }
  if (status === 401 || status === 403)
    return [
      fail(
        check,
        `${where} refuses the key (${status}: ${reasonIn(text)})`,
        "Check that the key is whole, active and of this provider; make a new one in the vendor's console if need be.",
      ),
    ];
  if (status === 402) return [fail(check, `${where} wants to be paid (402)`, "Check the balance of the account.")];
  if (status === 429)
    return [warn(check, `${where} answers, but limits the rate of this key (429)`, "Wait, or add another key with api_keys.")];
  if (status >= 300 && status < 400)
    return [fail(check, `${where} answers with a redirect (${status}), which the gateway never follows`, `Correct ${place}.base_url.`)];
  if (status >= 500)
    return [warn(check, `${where} answers, but fails (${status})`, "Try again later, and give the model a second target to fall back to.")];
  return [
    warn(
      check,
      `${where} answers, but has no list of models at this address (${status}), so the key is not tested`,
      `Check ${place}.base_url; some vendors have no such list.`,
    ),
  ];
}

interface Offered {
  names: ReadonlySet<string>;
  /** False: there are more than were sent. */
  complete: boolean;
}

function modelNames(text: string): Offered | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  // Together answers with the bare list; Gemini, Cohere and Ollama call it `models`, and the model's id its `name`.
  const data = isObject(body) ? (body["data"] ?? body["models"]) : body;
  if (!Array.isArray(data)) return undefined;
  const names = data.flatMap((model: unknown) => {
    const id = isObject(model) ? (model["id"] ?? model["name"]) : undefined;
    return typeof id === "string" ? [id.replace(/^models\//, "")] : [];
  });
  const more = isObject(body) && (body["has_more"] === true || Boolean(body["nextPageToken"]) || Boolean(body["next_page_token"]));
  return { names: new Set(names), complete: !more };
}

/** Targets that the provider does not list: probably a slip, but lists are not always whole, and fine-tuned models have names of their own. */
function unknownTargets(provider: ProviderConfig, offered: Offered, config: Config): Finding[] {
  if (!offered.complete || offered.names.size === 0) return [];
  return [...config.models.values()].flatMap((alias) =>
    alias.targets.flatMap((target) => {
      if (target.kind !== "model" || target.provider !== provider.name || offered.names.has(target.model)) return [];
      return [
        warn(
          `model ${alias.name}`,
          `${provider.name} does not list ${JSON.stringify(target.model)}`,
          `See \`headgate models --provider ${provider.name}\`, and the vendor's own list.`,
        ),
      ];
    }),
  );
}

/** The vendor's own words, shortened, without anything that looks like a part of a key. */
function reasonIn(text: string): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return "no reason given";
  }
  const error = isObject(body) ? (body["error"] ?? body["message"] ?? body["detail"]) : undefined;
  const message = isObject(error) ? error["message"] : error;
  return typeof message === "string" ? shorten(message.replace(/\S*(?:\*{2,}|[A-Za-z0-9_-]{16,})\S*/g, "…"), 120) : "no reason given";
}

function unreachable(check: string, where: string, thrown: unknown, provider: ProviderConfig): Finding {
  const local = findProvider(provider.type)?.local === true;
  const advice = local
    ? "Start it, or correct base_url."
    : `Check providers.${provider.name}.base_url, the network, and whether a proxy or firewall is in between.`;
  if (thrown instanceof Error && thrown.name === "TimeoutError")
    return fail(check, `${where} did not answer within ${patienceMs / 1000} s`, advice);
  const code = transportCode(thrown);
  if (/REFUSED/i.test(code)) return fail(check, `nothing listens at ${where}`, advice);
  if (/NOTFOUND|EAI_AGAIN|DNS/i.test(code)) return fail(check, `the name ${where} does not resolve`, advice);
  if (/CERT|TLS|SSL|SELF_SIGNED/i.test(code))
    return fail(
      check,
      `${where} has a certificate that is not trusted (${code})`,
      "Point NODE_EXTRA_CA_CERTS to your authority's certificate.",
    );
  return fail(check, `${where} cannot be reached${code === "" ? "" : ` (${code})`}`, advice);
}

/** Runtimes hide it at different depths, and under different names. */
function transportCode(thrown: unknown): string {
  for (let at: unknown = thrown, depth = 0; typeof at === "object" && at !== null && depth < 4; depth += 1) {
    const { code, cause } = at as { code?: unknown; cause?: unknown };
    if (typeof code === "string" && code !== "") return code;
    at = cause;
  }
  return "";
}

function skew(date: string | null): number | undefined {
  const theirs = date === null ? Number.NaN : Date.parse(date);
  return Number.isNaN(theirs) ? undefined : theirs - Date.now();
}
