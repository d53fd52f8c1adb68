/** `${NAME}` and `${NAME:-default}` from the environment; `$${` stands for `${`. */

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Expansion {
  text: string;
  /** Names without a value and without a default, each once. */
  missing: string[];
  /** A `${` that begins no variable. */
  malformed: boolean;
  /** At least one variable or default was put in. */
  used: boolean;
}

/** As in a shell, the default also stands in for an empty value. What is put in is not looked at again. */
export function expand(text: string, environment: Environment): Expansion {
  const missing = new Set<string>();
  let malformed = false;
  let used = false;
  const expanded = text.replace(
    /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g,
    (match: string, name: string | undefined, fallback: string | undefined) => {
      if (match === "$${") return "${";
      if (name === undefined) {
        malformed = true;
        return match;
      }
      used = true;
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
      if (fallback !== undefined) return value === undefined || value === "" ? fallback : value;
      if (value === undefined) missing.add(name);
      return value ?? match;
    },
  );
  return { text: expanded, missing: [...missing], malformed, used };
}
