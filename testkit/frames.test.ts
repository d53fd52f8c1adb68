import { describe, expect, test } from "vitest";
import { anthropicStream, byteByByte, cutAt, openaiStream, recordedEvents, recording } from "./frames.ts";

describe("frames", () => {
  test("OpenAI's and Anthropic's", () => {
    expect(openaiStream([{ a: 1 }, '{"b":2}'])).toBe('data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n');
    expect(openaiStream([{ a: 1 }], { done: false })).toBe('data: {"a":1}\n\n');
    expect(anthropicStream([{ type: "ping" }, '{"type":"message_stop"}'])).toBe(
      'event: ping\ndata: {"type":"ping"}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
    );
  });

  test("cuts lose nothing", () => {
    expect(cutAt("abcdef", 4, 2).map((piece) => new TextDecoder().decode(piece))).toEqual(["ab", "cd", "ef"]);
    expect(Buffer.concat(byteByByte("aé")).toString()).toBe("aé");
    expect(byteByByte("aé")).toHaveLength(3);
  });

  test.skipIf(recording("README.md") === undefined)("recordings (skipped where there are none) are read by path", () => {
    const events = recordedEvents("perplexity/perplexity-text.chunks.txt") ?? [];
    expect(events.every((line) => "choices" in (JSON.parse(line) as object))).toBe(true);
    expect(events.length).toBeGreaterThan(1);
    expect(recording("absent.json")).toBeUndefined();
  });
});
