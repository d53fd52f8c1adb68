/** Which Headgate this is. */

import about from "../../package.json" with { type: "json" };
import type { World } from "./world.ts";

export const version: string = about.version;

export function printVersion(world: World): number {
  const runtime = process.versions["bun"] === undefined ? `Node ${process.versions.node}` : `Bun ${process.versions["bun"]}`;
  world.out.write(`headgate ${version} (${runtime}, ${process.platform} ${process.arch})\n`);
  return 0;
}
