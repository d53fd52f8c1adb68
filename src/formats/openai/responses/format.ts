/** The names this format goes by, and the ids that the gateway gives. */

export const format = "openai/responses";

/** The one key under which the gateway adds what the format has no field for. */
export const own = "headgate";

/** What an item is, by the beginning of its id: clients and OpenAI refuse a `function_call` whose id does not begin with `fc`. */
export type ItemPrefix = "rs" | "msg" | "fc" | "ctc" | "ig" | "it";

/** Items and responses are known by the call that made them. Ids of items may have 64 characters (agentgateway/agentgateway#2937). */
export function itemId(prefix: ItemPrefix, callId: string, index: number): string {
  return `${prefix}_${callId.slice(0, 48)}_${index}`;
}

export function responseId(given: string | undefined, callId: string): string {
  return given?.startsWith("resp_") ? given : `resp_${callId.slice(0, 59)}`;
}

/** True for the id of an item that this gateway has made up: no vendor knows it. */
export function isMadeUp(id: unknown): boolean {
  return typeof id === "string" && /^(?:rs|msg|fc|ctc|ig|it)_hg_/.test(id);
}

/** Parts of content are named by their direction, items are not: an unknown kind is told apart by its name alone. */
export function isContentPart(type: unknown): boolean {
  return typeof type === "string" && (/^(?:input|output)_/.test(type) || partKinds.has(type));
}

const partKinds: ReadonlySet<string> = new Set([
  "text",
  "refusal",
  "summary_text",
  "reasoning_text",
  "computer_screenshot",
  "encrypted_content",
]);
