/** Tool ids and tool names outside Anthropic's alphabet, written within it so that they can be read back: no table to keep, the same answer every time. */

const legalId = /^[a-zA-Z0-9_-]+$/;
const legalName = /^[a-zA-Z0-9_-]{1,128}$/;
const idPrefix = "hgid-";
const namePrefix = "hgfn-";

/** The id as Anthropic takes it: legal ids as they are, any other escaped one to one, the empty one too. */
export function toWireId(id: string): string {
  return legalId.test(id) && !id.startsWith(idPrefix) ? id : escape(idPrefix, id);
}

/** The id that `toWireId` was given; ids that it did not make come back unchanged. */
export function fromWireId(id: string): string {
  return unescape(idPrefix, id, toWireId);
}

/** MCP servers name tools `server.tool` or `server/tool`; undefined when the name is too long even so. */
export function toWireName(name: string): string | undefined {
  const wire = legalName.test(name) && !name.startsWith(namePrefix) ? name : escape(namePrefix, name);
  return wire.length <= 128 ? wire : undefined;
}

export function fromWireName(name: string): string {
  return unescape(namePrefix, name, toWireName);
}

/** `fs.read` becomes `hgfn-fs-2e-read`: the model still sees words. A dash only ever encloses a code, so nothing is ambiguous. */
function escape(prefix: string, text: string): string {
  return prefix + text.replace(/[^a-zA-Z0-9_]/g, (unit) => `-${unit.charCodeAt(0).toString(16)}-`);
}

function unescape(prefix: string, wire: string, rewrite: (text: string) => string | undefined): string {
  if (!wire.startsWith(prefix)) return wire;
  const text = wire.slice(prefix.length).replace(/-([0-9a-f]{1,4})-/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return rewrite(text) === wire ? text : wire;
}
