/** Marks for the prompt cache: in the canonical language they sit on a part, here they are blocks behind it. */

import type { CacheMark } from "../../../canonical/chat.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import type { EncodeContext } from "../../codec.ts";
import type { Block } from "./format.ts";

/**
 * Puts a mark behind the last block. Straight behind a document that is no PDF the vendor cannot translate it for the model ("content.3.type: Field
 * required", strands-agents/harness-sdk#1966), so it moves in front of such documents.
 */
export function pushCachePoint(blocks: Block[], mark: CacheMark | undefined, at: string, context: EncodeContext): void {
  // A model that caches nothing, or by itself, answers the same without the mark: there is nothing to warn about.
  if (!mark || context.quirks.has("no-cache-marks")) return;
  let place = blocks.length;
  while (place > 0 && isPlainDocument(blocks[place - 1])) place -= 1;
  if (place === 0 || blocks[place - 1]?.cachePoint) return;
  const point: JsonObject = { type: "default" };
  const ttl = lifetime(mark.ttl, at, context);
  if (ttl !== undefined) point.ttl = ttl;
  blocks.splice(place, 0, { cachePoint: point });
}

function isPlainDocument(block: Block | undefined): boolean {
  return isObject(block?.document) && block.document.format !== "pdf";
}

/** Lifetimes are `5m` and `1h` here: another vendor's hours become one, its minutes five. */
function lifetime(ttl: string | undefined, at: string, context: EncodeContext): string | undefined {
  if (ttl === undefined || ttl === "5m" || ttl === "1h") return ttl;
  const nearest = ttl.endsWith("h") ? "1h" : "5m";
  context.warn({
    field: `${at}${at === "" ? "" : "."}cache_control.ttl`,
    action: "approximated",
    reason: `Bedrock caches for 5m or 1h: ${ttl} became ${nearest}`,
  });
  return nearest;
}

/** Four marks a request; the last ones cache the most. */
export function limitCachePoints(body: JsonObject, context: EncodeContext): void {
  const lists: Block[][] = [];
  const collect = (list: Json | undefined): void => {
    if (Array.isArray(list)) lists.push(list as Block[]);
  };
  if (isObject(body.toolConfig)) collect(body.toolConfig.tools);
  collect(body.system);
  for (const message of body.messages as JsonObject[]) collect(message.content);
  let surplus = lists.reduce((sum, list) => sum + list.filter((block) => block.cachePoint).length, 0) - 4;
  if (surplus <= 0) return;
  for (const list of lists) {
    for (let index = 0; index < list.length && surplus > 0;) {
      if (!list[index]?.cachePoint) index += 1;
      else {
        list.splice(index, 1);
        surplus -= 1;
      }
    }
  }
  context.warn({
    field: "cache_control",
    action: "dropped",
    reason: "Bedrock takes four cache marks a request: the first ones were left out",
  });
}
