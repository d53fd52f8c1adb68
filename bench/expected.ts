/** What the fake provider says and what a client must therefore receive: the one place where both sides agree, so that a lost byte cannot hide. */

/** The key the fake provider accepts; a gateway that forwards its client's key instead of the provider's shows up as an auth failure. */
export const PROVIDER_KEY = "bench-provider-key";

/** Every whole answer carries this, followed by the checksum of what the provider received. */
export const MARKER = "HG-OK";

/** Between these two marks in a prompt lies what the checksum is taken of. ASCII, so no JSON writer escapes them differently. */
export const OPEN = "<<<";
export const CLOSE = ">>>";

/** Quotes, line ends, two-, three- and four-byte characters: the places where a re-encoder breaks a text. */
const WORDS = [
  "plain",
  "déjà",
  "“quoted”",
  'a "b" c',
  "line\nend",
  "漢字",
  "👩‍🚀",
  "back\\slash",
  "tab\there",
  "</script>",
  "data: [DONE]",
  "{}",
];

export function chunkText(index: number): string {
  return `${index}:${WORDS[index % WORDS.length]} `;
}

/** What the model name orders: `paced-20ms-100`, `burst-200`. Null: not a stream model. */
export function streamPlan(model: string): { everyMs: number; chunks: number } | null {
  const paced = /paced-(\d+)ms-(\d+)$/.exec(model);
  if (paced) return { everyMs: Number(paced[1]), chunks: Number(paced[2]) };
  const burst = /burst-(\d+)$/.exec(model);
  return burst ? { everyMs: 0, chunks: Number(burst[1]) } : null;
}

/** The arguments of the tool call of one turn, nested and awkward on purpose. */
export function toolArguments(turn: number): Record<string, unknown> {
  return {
    turn,
    query: `step ${turn}: "x" \\ y`,
    filter: { tags: ["α", "β"], deep: { limit: turn * 10, exact: turn % 2 === 0 } },
    note: null,
  };
}

const SENTENCE = 'The quick brown fox reads the log of yesterday, finds \\"timeout\\" twice, and asks why.\\n';

/** A prompt of about this many tokens (four characters a token), as JSON text of a `messages` list: turns of 1,000 tokens, as a long conversation has them. */
export function promptMessages(tokens: number): string {
  const turn = Math.min(tokens, 1000);
  const filler = SENTENCE.repeat(Math.ceil((turn * 4) / SENTENCE.length)).slice(0, turn * 4);
  // The cut may fall inside an escape pair; end on a whole one.
  const text = filler.replace(/\\+$/, "");
  const messages: string[] = [];
  for (let left = tokens, index = 0; left > 0; left -= turn, index++) {
    const role = index % 2 === 0 ? "user" : "assistant";
    // The dash outside the marks makes the text non-Latin-1, as real prompts are, which costs engines their one-byte strings.
    messages.push(`{"role":"${role}","content":"— ${OPEN}${index} ${text}${CLOSE}"}`);
  }
  // A conversation ends with the user, whom the models answer.
  if (messages.length % 2 === 0) messages.push(`{"role":"user","content":"${OPEN}go on${CLOSE}"}`);
  return `[${messages.join(",")}]`;
}

const encoder = new TextEncoder();
const OPEN_BYTES = Buffer.from(OPEN);
const CLOSE_BYTES = Buffer.from(CLOSE);

/** CRC-32 over every marked stretch of a request body, in order. "none" when nothing is marked. */
export function checksum(body: string | Uint8Array): string {
  const bytes =
    typeof body === "string" ? Buffer.from(encoder.encode(body).buffer) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  let crc = 0;
  let found = false;
  for (let from = bytes.indexOf(OPEN_BYTES); from !== -1;) {
    const to = bytes.indexOf(CLOSE_BYTES, from);
    if (to === -1) break;
    crc = Bun.hash.crc32(bytes.subarray(from, to), crc);
    found = true;
    from = bytes.indexOf(OPEN_BYTES, to);
  }
  return found ? (crc >>> 0).toString(16).padStart(8, "0") : "none";
}
