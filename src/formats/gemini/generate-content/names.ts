/** Tool names outside Gemini's alphabet, written within it so that they can be read back: no table to keep, the same answer every time. */

const legal = /^[A-Za-z_][\w.:-]{0,127}$/;
const prefix = "hgfn_";

/** The name as Gemini takes it; undefined when it is too long even so. */
export function toWireName(name: string): string | undefined {
  if (legal.test(name) && !name.startsWith(prefix)) return name;
  const wire = prefix + name.replace(/[^A-Za-z0-9_]/g, (unit) => `-${unit.charCodeAt(0).toString(16)}-`);
  return wire.length <= 128 ? wire : undefined;
}

/** The name that `toWireName` was given; names that it did not make come back unchanged. */
export function fromWireName(wire: string): string {
  if (!wire.startsWith(prefix)) return wire;
  const name = wire.slice(prefix.length).replace(/-([0-9a-f]{1,4})-/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return toWireName(name) === wire ? name : wire;
}
