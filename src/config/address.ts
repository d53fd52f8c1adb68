/** Addresses to listen on, as people write them. */

export interface ListenAddress {
  /** A name or an IP address, IPv6 without brackets. */
  host: string;
  /** 0: any free one. */
  port: number;
}

export const defaultListen: ListenAddress = { host: "127.0.0.1", port: 4000 };

/**
 * `127.0.0.1:4000`, `localhost:4000`, `[::1]:4000`; `:4000` is every address of the machine, and a port alone is loopback only.
 * Undefined when the text is none of these.
 */
export function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})?:)?(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[2]);
  if (port > 65_535) return undefined;
  const written = match[1];
  if (written !== undefined) return hostIsPossible(written) ? { host: written.replace(/^\[|\]$/g, ""), port } : undefined;
  return { host: text.includes(":") ? "0.0.0.0" : "127.0.0.1", port };
}

function hostIsPossible(host: string): boolean {
  if (host.startsWith("[")) return URL.canParse(`http://${host}/`);
  // What looks like an IPv4 address must be a whole one: `127.1` and `0x7f.1` mean different things to different resolvers.
  if (/^[\d.]+$/.test(host)) return ipv4(host) !== undefined;
  return /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(host) && !/(?:^|\.)(?:0x[0-9a-f]*|\d+)$/i.test(host);
}

function ipv4(host: string): number[] | undefined {
  const parts = host.split(".");
  const numbers = parts.map(Number);
  const valid = parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part)) && numbers.every((number) => number <= 255);
  return valid ? numbers : undefined;
}

/** As `parseListen` reads it. */
export function formatListen(address: ListenAddress): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** True when only this machine can connect: 127.0.0.0/8, ::1 and `localhost`. Anything that is not surely loopback is not. */
export function isLoopback(listen: ListenAddress | string): boolean {
  const address = typeof listen === "string" ? parseListen(listen) : listen;
  if (address === undefined) return false;
  const host = address.host.toLowerCase();
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  if (host.includes(":")) return isLoopback6(host);
  return ipv4(host)?.[0] === 127;
}

function isLoopback6(host: string): boolean {
  if (!URL.canParse(`http://[${host}]/`)) return false;
  const short = new URL(`http://[${host}]/`).hostname;
  // URL writes ::ffff:127.0.0.1 as ::ffff:7f00:1.
  return short === "[::1]" || /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/.test(short);
}
