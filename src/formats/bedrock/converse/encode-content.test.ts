import { describe, expect, test } from "vitest";
import type { CacheMark, FilePart, MediaSource, Message, UserPart } from "../../../canonical/chat.ts";
import { isGatewayError } from "../../../canonical/errors.ts";
import type { JsonObject } from "../../../canonical/json.ts";
import { blocksOf, calls, encode, look, user } from "./samples.ts";
import type { Target } from "./samples.ts";

const base64 = (mediaType: string, data = "aGk="): MediaSource => ({ kind: "base64", mediaType, data });

function content(parts: UserPart[], target: Target = {}): JsonObject[] {
  const { body } = encode({ messages: [{ role: "user", content: parts }] }, target);
  return blocksOf(body, 0);
}

function refusal(parts: UserPart[], target: Target = {}): string {
  try {
    content(parts, target);
    return "no refusal";
  } catch (thrown) {
    return isGatewayError(thrown) && thrown.code === "unsupported_field" ? thrown.message : String(thrown);
  }
}

function file(source: MediaSource, filename?: string, more: Partial<FilePart> = {}): FilePart {
  return { type: "file", source, ...(filename !== undefined && { filename }), ...more };
}

describe("images", () => {
  test("as bytes, with the format that their type says", () => {
    for (const [type, format] of [
      ["image/png", "png"],
      ["image/jpeg", "jpeg"],
      ["image/jpg", "jpeg"],
      ["image/gif; x=y", "gif"],
      ["IMAGE/WEBP", "webp"],
    ] as const) {
      expect(content([{ type: "image", source: base64(type) }])).toEqual([{ image: { format, source: { bytes: "aGk=" } } }]);
    }
    expect(content([{ type: "image", source: { kind: "url", url: "data:image/png;base64,aGk=" } }])).toEqual([
      { image: { format: "png", source: { bytes: "aGk=" } } },
    ]);
  });

  test("from S3, nowhere else", () => {
    expect(content([{ type: "image", source: { kind: "url", url: "s3://bucket/a.webp" } }])).toEqual([
      { image: { format: "webp", source: { s3Location: { uri: "s3://bucket/a.webp" } } } },
    ]);
    expect(refusal([{ type: "image", source: { kind: "url", url: "https://example.org/a.png" } }])).toBe(
      "messages[0].content[0]: Bedrock fetches no images from the web: send the content itself, as base64",
    );
    expect(refusal([{ type: "image", source: { kind: "id", id: "f", format: "openai/responses" } }])).toContain(
      "another provider (openai/responses)",
    );
    expect(refusal([{ type: "image", source: { kind: "url", url: "data:image/png,hi" } }])).toContain("must be base64");
  });

  test("of other types, or to a model that sees nothing, are refused", () => {
    expect(refusal([{ type: "image", source: base64("image/svg+xml") }])).toContain("PNG, JPEG, GIF and WebP");
    expect(refusal([{ type: "image", source: base64("constructor") }])).toContain("not constructor");
    expect(refusal([{ type: "image", source: base64("image/png") }], { capabilities: { input: [] } })).toContain("takes no images");
    expect(refusal([{ type: "image", source: base64("image/png") }], { quirks: ["no-images"] })).toContain("takes no images");
  });

  test("a detail is dropped aloud, `auto` in silence", () => {
    const one = (detail: string) =>
      encode({ messages: [{ role: "user", content: [{ type: "image", source: base64("image/png"), detail }] }] }).told;
    expect(one("high")).toEqual(["dropped messages[0].content[0].detail"]);
    expect(one("auto")).toEqual([]);
  });
});

describe("documents", () => {
  test("by type, and by name where the type says nothing", () => {
    for (const [type, name, format] of [
      ["application/pdf", "a.pdf", "pdf"],
      ["text/csv", "a.csv", "csv"],
      ["text/markdown", "a.md", "md"],
      ["text/plain", "a.md", "md"],
      ["text/plain", "a.txt", "txt"],
      ["text/html; charset=utf-8", "a.html", "html"],
      ["application/json", "a.json", "txt"],
      ["text/x-python", "a.py", "txt"],
      ["application/msword", "a.doc", "doc"],
      ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "a.xlsx", "xlsx"],
      ["application/octet-stream", "a.docx", "docx"],
    ] as const) {
      const [text, block] = content([{ type: "text", text: "read" }, file(base64(type), name)]);
      expect(text).toEqual({ text: "read" });
      expect(block?.document).toMatchObject({ format, source: { bytes: "aGk=" } });
    }
    expect(refusal([file(base64("application/zip"), "a.zip")])).toContain("not application/zip");
    expect(refusal([file(base64("application/pdf"), "a.pdf")], { capabilities: { input: ["image"] } })).toContain("takes no PDF");
  });

  test("plain text is sent as the bytes that it is", () => {
    expect(content([{ type: "text", text: "read" }, file({ kind: "text", text: "grüße" }, "a.md")])[1]).toEqual({
      document: { format: "md", name: "a", source: { bytes: btoa("gr\u00c3\u00bc\u00c3\u009fe") } },
    });
  });

  test("names hold letters, digits and a few signs, and each is its own in the whole request", () => {
    const { body, told } = encode({
      messages: [
        {
          role: "user",
          content: [
            file(base64("application/pdf"), "Q1 report (final).pdf"),
            file(base64("application/pdf"), "a/../b_c.pdf"),
            file(base64("application/pdf")),
          ],
        },
        { role: "assistant", content: [{ type: "text", text: "ok" }] },
        {
          role: "user",
          content: [
            file(base64("application/pdf"), "q1 report (final).pdf"),
            file(base64("text/csv"), "名前.csv"),
            file(base64("application/pdf"), "x".repeat(300)),
          ],
        },
      ],
    });
    const names = (body.messages as JsonObject[]).flatMap(({ content }) =>
      (content as JsonObject[]).flatMap(({ document }) => (document ? [(document as JsonObject).name] : [])),
    );
    expect(names).toEqual(["Q1 report (final)", "a-b-c", "document", "q1 report (final) (2)", "document (2)", "x".repeat(180)]);
    expect(told).toEqual(["approximated messages[0].content[1].filename", "repaired messages"]);
  });

  test("stand beside a text, which is added where there is none", () => {
    const { body, told } = encode({
      messages: [
        {
          role: "user",
          content: [{ type: "image", source: base64("image/png") }, file(base64("application/pdf"), "a.pdf", { cache: {} })],
        },
      ],
    });
    expect(blocksOf(body, 0).map((block) => Object.keys(block)[0])).toEqual(["image", "text", "document", "cachePoint"]);
    expect(told).toEqual(["repaired messages"]);
  });

  test("with context and citations", () => {
    expect(
      content([{ type: "text", text: "read" }, file(base64("application/pdf"), "a.pdf", { context: "old", citations: true })])[1],
    ).toEqual({
      document: { format: "pdf", name: "a", source: { bytes: "aGk=" }, context: "old", citations: { enabled: true } },
    });
  });

  test("images, sound and film may come as files", () => {
    expect(content([file(base64("image/png"), "a.png")])).toEqual([{ image: { format: "png", source: { bytes: "aGk=" } } }]);
    expect(content([file(base64("video/mp4"), "a.mp4")])).toEqual([{ video: { format: "mp4", source: { bytes: "aGk=" } } }]);
    expect(content([file(base64("audio/x-wav"), "a.wav")])).toEqual([{ audio: { format: "wav", source: { bytes: "aGk=" } } }]);
    expect(content([file({ kind: "url", url: "s3://b/a.mp4", mediaType: "video/mp4" })])).toEqual([
      { video: { format: "mp4", source: { s3Location: { uri: "s3://b/a.mp4" } } } },
    ]);
    expect(refusal([file(base64("video/x-unknown"))])).toContain("video of the type");
    expect(refusal([{ type: "audio", source: base64("audio/midi") }])).toContain("audio of the type");
    expect(refusal([{ type: "audio", source: base64("audio/wav") }], { capabilities: { input: ["image"] } })).toContain("takes no audio");
  });
});

describe("within a tool's result", () => {
  const result = (inner: FilePart[]): Message => ({ role: "tool", content: [{ type: "tool-result", callId: "a", content: inner }] });

  test("images and documents, whose names share the request's", () => {
    const { body } = encode({
      messages: [
        { role: "user", content: [{ type: "text", text: "go" }, file(base64("application/pdf"), "a.pdf")] },
        calls("a"),
        result([file(base64("image/png")), file(base64("application/pdf"), "a.pdf")]),
      ],
    });
    expect(blocksOf(body, 2)[0]).toEqual({
      toolResult: {
        toolUseId: "a",
        content: [
          { image: { format: "png", source: { bytes: "aGk=" } } },
          { document: { format: "pdf", name: "a (2)", source: { bytes: "aGk=" } } },
        ],
      },
    });
  });

  test("no sound: the vendor's union has no place for it", () => {
    expect(() => encode({ messages: [user("go"), calls("a"), result([file(base64("audio/wav"))])] })).toThrow("takes no audio");
  });
});

describe("marks for the prompt cache", () => {
  const marked = (text: string, cache: CacheMark = {}): UserPart => ({ type: "text", text, cache });
  const point = { cachePoint: { type: "default" } };

  test("are blocks of their own behind what they mark", () => {
    const { body, told } = encode({
      tools: [{ ...look, cache: {} }],
      messages: [
        { role: "system", content: [{ type: "text", text: "s", cache: { ttl: "1h" } }] },
        { role: "user", content: [marked("a", { ttl: "5m" }), { type: "text", text: "b" }] },
      ],
    });
    expect((body.toolConfig as JsonObject).tools).toEqual([expect.objectContaining({ toolSpec: expect.anything() }), point]);
    expect(body.system).toEqual([{ text: "s" }, { cachePoint: { type: "default", ttl: "1h" } }]);
    expect(blocksOf(body, 0)).toEqual([{ text: "a" }, { cachePoint: { type: "default", ttl: "5m" } }, { text: "b" }]);
    expect(told).toEqual([]);
  });

  test("of a result stand behind it, never within", () => {
    const { body } = encode({
      messages: [
        user("go"),
        calls("a"),
        { role: "tool", content: [{ type: "tool-result", callId: "a", content: [{ type: "text", text: "x", cache: {} }], cache: {} }] },
      ],
    });
    expect(blocksOf(body, 2).slice(0, 2)).toEqual([{ toolResult: { toolUseId: "a", content: [{ text: "x" }] } }, point]);
  });

  test("never straight behind a document that is no PDF", () => {
    const csv = file(base64("text/csv"), "a.csv", { cache: {} });
    expect(content([marked("x", {}), csv]).map((block) => Object.keys(block)[0])).toEqual(["text", "cachePoint", "document"]);
    expect(
      content([{ type: "text", text: "x" }, csv, file(base64("text/csv"), "b.csv", { cache: {} })]).map((block) => Object.keys(block)[0]),
    ).toEqual(["text", "cachePoint", "document", "document"]);
    expect(
      content([{ type: "text", text: "x" }, file(base64("application/pdf"), "a.pdf", { cache: {} })]).map((block) => Object.keys(block)[0]),
    ).toEqual(["text", "document", "cachePoint"]);
  });

  test("of a text that is left out go to what stands before it", () => {
    expect(content([{ type: "text", text: "x" }, marked(" ")])).toEqual([{ text: "x" }, point]);
    expect(content([marked(" "), { type: "text", text: "x" }])).toEqual([{ text: "x" }]);
  });

  test("for the whole request stands at its end", () => {
    const { body } = encode({ messages: [user("a")], cache: { ttl: "1h" } });
    expect(blocksOf(body, 0)).toEqual([{ text: "a" }, { cachePoint: { type: "default", ttl: "1h" } }]);
  });

  test("other vendors' lifetimes become the nearest, aloud", () => {
    const { body, told } = encode({ messages: [{ role: "user", content: [marked("a", { ttl: "24h" })] }] });
    expect(blocksOf(body, 0)).toEqual([{ text: "a" }, { cachePoint: { type: "default", ttl: "1h" } }]);
    expect(told).toEqual(["approximated messages[0].content[0].cache_control.ttl"]);
  });

  test("four a request, the last ones", () => {
    const { body, told } = encode({
      messages: [
        { role: "system", content: [{ type: "text", text: "s", cache: {} }] },
        { role: "user", content: ["a", "b", "c", "d"].map((text) => marked(text)) },
      ],
    });
    expect(body.system).toEqual([{ text: "s" }]);
    expect(blocksOf(body, 0).filter(({ cachePoint }) => cachePoint)).toHaveLength(4);
    expect(told).toEqual(["dropped cache_control"]);
  });

  test("are left out for models that take none, or none among the tools", () => {
    const request = { tools: [{ ...look, cache: {} }], messages: [{ role: "user", content: [marked("a")] }] as Message[] };
    expect(JSON.stringify(encode(request, { quirks: ["no-cache-marks"] }).body)).not.toContain("cachePoint");
    const some = encode(request, { quirks: ["no-tool-cache-marks"] }).body;
    expect(JSON.stringify(some.toolConfig)).not.toContain("cachePoint");
    expect(JSON.stringify(some.messages)).toContain("cachePoint");
  });
});

describe("parts of one format only", () => {
  test("its own go in whole, others are refused by name", () => {
    const own: UserPart = { type: "vendor", format: "bedrock/converse", value: { guardContent: { text: { text: "x" } } } };
    expect(content([own])).toEqual([{ guardContent: { text: { text: "x" } } }]);
    expect(refusal([{ type: "vendor", format: "anthropic/messages", value: { type: "container_upload" } }])).toContain(
      "`container_upload` of anthropic/messages",
    );
  });

  test("an answer's own citations go back with its text, others are dropped aloud", () => {
    const raw = { title: "t", location: { web: { url: "https://example.org" } } };
    const cited = (format: string): Message[] => [
      user("a"),
      { role: "assistant", content: [{ type: "text", text: "x", citations: [{ raw, format }] }] },
      user("b"),
    ];
    const own = encode({ messages: cited("bedrock/converse") });
    expect(blocksOf(own.body, 1)).toEqual([{ citationsContent: { content: [{ text: "x" }], citations: [raw] } }]);
    const foreign = encode({ messages: cited("openai/responses") });
    expect(blocksOf(foreign.body, 1)).toEqual([{ text: "x" }]);
    expect(foreign.told).toEqual(["dropped messages[].citations"]);
  });

  test("media of an earlier answer is told by its transcript, or refused", () => {
    const spoken = (transcript?: string): Message[] => [
      user("a"),
      { role: "assistant", content: [{ type: "media", source: base64("audio/wav"), ...(transcript !== undefined && { transcript }) }] },
      user("b"),
    ];
    expect(blocksOf(encode({ messages: spoken("hello") }).body, 1)).toEqual([{ text: "hello" }]);
    expect(() => encode({ messages: spoken() })).toThrow("takes no media");
  });
});
