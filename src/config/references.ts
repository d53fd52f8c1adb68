/** Names: what a target or a key may name, that no alias leads back to itself, and the short names of formats. */

import { quoted } from "./problems.ts";
import type { Findings, Path } from "./problems.ts";
import { nearest } from "../canonical/nearest.ts";
import type { MapTree, Tree } from "./tree.ts";

/** What a target's text means. `provider/model` splits at the first slash, and wins over an alias of the same name. */
export type Reference = { kind: "model"; provider: string; model: string } | { kind: "alias"; alias: string };

export interface Names {
  hasProvider(name: string): boolean;
  hasAlias(name: string): boolean;
}

/**
 * A target may stand behind an alias of its own name (`openai/x: { targets: [openai/x, azure/x] }` gives a vendor's model a fallback),
 * which only works because the provider's model comes first.
 */
export function resolveReference(text: string, names: Names): Reference | undefined {
  const slash = text.indexOf("/");
  const provider = text.slice(0, Math.max(0, slash));
  const model = text.slice(slash + 1);
  if (slash > 0 && model !== "" && names.hasProvider(provider)) return { kind: "model", provider, model };
  return names.hasAlias(text) ? { kind: "alias", alias: text } : undefined;
}

interface WrittenTarget {
  path: Path;
  text: string;
  shown: string;
}

export function checkModels(root: MapTree, findings: Findings, discovered: readonly string[]): void {
  const providers = root.entries.get("providers");
  const models = root.entries.get("models");
  // Where a whole section is unreadable, what refers to it cannot be judged.
  if ((providers !== undefined && providers.kind !== "map") || (models !== undefined && models.kind !== "map")) return;
  const providerNames = new Set([...(providers?.entries.keys() ?? []), ...discovered]);
  const aliases = models?.entries ?? new Map<string, Tree>();
  const names: Names = { hasProvider: (name) => providerNames.has(name), hasAlias: (name) => aliases.has(name) };
  const graph = new Map<string, { alias: string; path: Path }[]>();

  for (const [alias, tree] of aliases) {
    if (findings.full) return;
    checkAliasName(alias, names, findings);
    const leads: { alias: string; path: Path }[] = [];
    for (const target of targetsOf(["models", alias], tree)) {
      const reference = resolveReference(target.text, names);
      if (target.text.includes("*")) findings.problem(target.path, "a target is one model, without *");
      else if (reference === undefined) reportUnknown(target, alias, providerNames, aliases.keys(), findings);
      else if (reference.kind === "alias") leads.push({ alias: reference.alias, path: target.path });
    }
    graph.set(alias, leads);
    checkTargets(alias, tree, findings);
  }
  reportCycles(graph, findings);
  checkKeyModels(root, names, providerNames, aliases, findings);
  checkPriceNames(root, names, providerNames, findings);
}

function targetsOf(path: Path, tree: Tree): WrittenTarget[] {
  if (tree.kind === "scalar") {
    const usable = typeof tree.value === "string" && tree.failed !== true && tree.value !== "";
    return usable ? [{ path, text: String(tree.value), shown: quoted(tree.written ?? String(tree.value)) }] : [];
  }
  const targets = tree.kind === "map" ? tree.entries.get("targets") : undefined;
  if (targets?.kind !== "list") return [];
  return targets.items.flatMap((item, index) => {
    const at = [...path, "targets", index];
    const model = item.kind === "map" ? item.entries.get("model") : undefined;
    if (item.kind === "scalar") return targetsOf(at, item);
    return model?.kind === "scalar" ? targetsOf([...at, "model"], model) : [];
  });
}

function reportUnknown(
  target: WrittenTarget,
  alias: string,
  providerNames: ReadonlySet<string>,
  aliases: Iterable<string>,
  findings: Findings,
): void {
  const { path, text, shown } = target;
  const others = [...aliases].filter((name) => name !== alias);
  const slash = text.indexOf("/");
  if (slash <= 0) {
    findings.problem(path, `${shown} is neither "provider/model" nor an alias under models`, { near: [text, others] });
    return;
  }
  const provider = text.slice(0, slash);
  if (providerNames.has(provider)) {
    findings.problem(path, `${shown} names no model: write "provider/model"`);
    return;
  }
  const near = nearest(provider, providerNames);
  const suggestion = near === undefined ? nearest(text, others) : `${near}${text.slice(slash)}`;
  // Only what was written is repeated: behind a variable stands the variable.
  const whose = shown === quoted(text) ? quoted(provider) : `as in ${shown}`;
  const none = providerNames.size === 0 ? "; none is configured" : "";
  findings.problem(
    path,
    `no provider is called ${whose}${none}`,
    shown === quoted(text) && suggestion !== undefined ? { suggestion } : { known: [...providerNames] },
  );
}

function checkAliasName(alias: string, names: Names, findings: Findings): void {
  const slash = alias.indexOf("/");
  if (slash > 0 && names.hasProvider(alias.slice(0, slash)))
    findings.warning(["models", alias], "stands in front of the provider's own model of this name", { at: "name" });
}

function checkTargets(alias: string, tree: Tree, findings: Findings): void {
  const targets = tree.kind === "map" ? tree.entries.get("targets") : undefined;
  if (tree.kind !== "map" || targets?.kind !== "list") return;
  const route = tree.entries.get("route");
  const weighs = route?.kind === "scalar" && route.value !== "fallback";
  for (const [index, item] of targets.items.entries()) {
    if (item.kind !== "map") continue;
    const path = ["models", alias, "targets", index];
    if (item.entries.has("weight") && !weighs)
      findings.warning([...path, "weight"], "means nothing with route: fallback, which goes by the order of the targets", { at: "name" });
    const set = item.entries.get("set");
    for (const name of set?.kind === "map" ? set.entries.keys() : []) {
      if (fixedFields.has(name))
        findings.problem([...path, "set", name], "this field is the gateway's or the client's alone and cannot be set", { at: "name" });
    }
  }
}

const fixedFields = new Set(["model", "stream", "headgate"]);

/** Walks without recursion: a chain of aliases may be as long as the file. */
function reportCycles(graph: ReadonlyMap<string, readonly { alias: string; path: Path }[]>, findings: Findings): void {
  const done = new Set<string>();
  for (const start of graph.keys()) {
    const trail: { alias: string; next: number }[] = [{ alias: start, next: 0 }];
    const onTrail = new Set([start]);
    while (trail.length > 0) {
      const here = trail.at(-1) as { alias: string; next: number };
      const lead = done.has(here.alias) ? undefined : graph.get(here.alias)?.[here.next];
      if (lead === undefined) {
        done.add(here.alias);
        onTrail.delete(here.alias);
        trail.pop();
        continue;
      }
      here.next += 1;
      if (onTrail.has(lead.alias)) {
        const names = trail.slice(trail.findIndex((step) => step.alias === lead.alias)).map((step) => step.alias);
        findings.problem(lead.path, `leads back to itself: ${describeCycle([...names, lead.alias])}`);
      } else if (!done.has(lead.alias)) {
        onTrail.add(lead.alias);
        trail.push({ alias: lead.alias, next: 0 });
      }
    }
  }
}

function describeCycle(names: readonly string[]): string {
  const shown = names.length > 8 ? [...names.slice(0, 4), "…", ...names.slice(-3)] : names;
  return shown.map((name) => quoted(name).slice(1, -1)).join(" → ");
}

function checkKeyModels(
  root: MapTree,
  names: Names,
  providerNames: ReadonlySet<string>,
  aliases: ReadonlyMap<string, Tree>,
  findings: Findings,
): void {
  const keys = root.entries.get("keys");
  if (keys?.kind !== "list") return;
  for (const [index, key] of keys.items.entries()) {
    const models = key.kind === "map" ? key.entries.get("models") : undefined;
    if (models?.kind !== "list") continue;
    for (const [place, item] of models.items.entries()) {
      if (findings.full) return;
      if (item.kind !== "scalar" || typeof item.value !== "string" || item.failed === true) continue;
      const text = item.value;
      const path = ["keys", index, "models", place];
      // A `*` in other places would be taken for a pattern by its writer and for a name by the gateway.
      if (text.includes("*") && !/^(?:[^*]+\/)?\*$/.test(text))
        findings.problem(path, 'a * stands for all models only alone or as in "provider/*"');
      else if (text !== "*" && resolveReference(text, names) === undefined)
        reportUnknown({ path, text, shown: quoted(item.written ?? text) }, "", providerNames, aliases.keys(), findings);
    }
  }
}

/** A price without its provider does no harm, and may be there for the day the provider comes back. */
function checkPriceNames(root: MapTree, names: Names, providerNames: ReadonlySet<string>, findings: Findings): void {
  const prices = root.entries.get("prices");
  for (const name of prices?.kind === "map" ? prices.entries.keys() : []) {
    const slash = name.indexOf("/");
    if (slash <= 0 || names.hasProvider(name.slice(0, slash))) continue;
    const near = nearest(name.slice(0, slash), providerNames);
    findings.warning(["prices", name], "no provider is called so", {
      at: "name",
      ...(near === undefined ? {} : { suggestion: `${near}${name.slice(slash)}` }),
    });
  }
}

/** The full name of a format that was given by it, by its last word (`responses`) or by the beginning of that (`chat`). */
export function fullFormat(name: string, formats: readonly string[]): string | undefined {
  return (
    formats.find((format) => format === name) ??
    formats.find((format) => shortFormat(format) === name || shortFormat(format).startsWith(`${name}-`))
  );
}

export function shortFormat(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
