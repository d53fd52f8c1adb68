/** Configuration from text: YAML, or JSON, which is YAML. */

import { checkTree } from "./check.ts";
import type { Checked, CheckOptions } from "./check.ts";
import type { Environment } from "./expand.ts";
import { Findings } from "./problems.ts";
import { readYaml } from "./yaml.ts";

export { checkConfig } from "./check.ts";
export type { Checked, CheckOptions, Override, ProviderType } from "./check.ts";
export { ConfigError, formatProblem, formatProblems, isConfigError } from "./problems.ts";
export type { Problem } from "./problems.ts";

export interface ParseOptions extends CheckOptions {
  env: Environment;
  /** As it is to stand in front of each problem. */
  fileName?: string | undefined;
}

/**
 * Reads, expands and checks a configuration. Throws a ConfigError that has all problems, each with its line and column.
 *
 *     const { config, warnings } = parseConfig("models: { fast: mock/echo }\nproviders: { mock: }", { env: {} });
 */
export function parseConfig(text: string, options: ParseOptions): Checked {
  const findings = new Findings();
  const source = readYaml(text, options.env, findings);
  return checkTree(source, findings, options, options.fileName);
}
