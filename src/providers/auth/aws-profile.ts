/** The two files in `~/.aws`: sections of `key = value`. */

export type AwsProfile = Readonly<Record<string, string | undefined>>;

/** By name. What stands in the credentials file wins over the configuration's, as in the vendor's SDKs. */
export function readProfiles(credentials: string, config: string): Map<string, AwsProfile> {
  const profiles = new Map<string, Record<string, string>>();
  const add = (name: string, values: Record<string, string>): void => {
    profiles.set(name, { ...profiles.get(name), ...values });
  };
  for (const [section, values] of sections(config)) {
    // `[default]`, and any other as `[profile name]`; `[sso-session x]` and `[services x]` are no profiles.
    const name = section === "default" ? section : /^profile\s+(.+)$/.exec(section)?.[1]?.trim();
    if (name !== undefined) add(unquote(name), values);
  }
  for (const [section, values] of sections(credentials)) add(unquote(section), values);
  return profiles;
}

function sections(text: string): [string, Record<string, string>][] {
  const found: [string, Record<string, string>][] = [];
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    const header = /^\s*\[([^\]]+)\]/.exec(line);
    if (header) {
      found.push([header[1]?.trim() ?? "", {}]);
      continue;
    }
    // Indented lines belong to a setting of several values (`s3 =`), of which we need none.
    const pair = /^([^\s=][^=]*?)\s*=\s*(.*)$/.exec(line);
    const values = found.at(-1)?.[1];
    if (!pair || !values) continue;
    const [, key = "", value = ""] = pair;
    values[key.toLowerCase()] = value.replace(/\s+[#;].*$/, "").trim();
  }
  return found;
}

function unquote(name: string): string {
  return name.replace(/^(["'])(.*)\1$/, "$2");
}
