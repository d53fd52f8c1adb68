import { describe, expect, test } from "vitest";
import { editForm, formFields, readForm } from "./multipart.ts";

const type = "multipart/form-data; boundary=XX";
const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array([...text].map((char) => char.charCodeAt(0)));
const text = (form: Uint8Array): string => String.fromCharCode(...form);
const field = (name: string, value: string): string => `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (name: string, value: string): string =>
  `--XX\r\nContent-Disposition: form-data; name="${name}"; filename="a\\"b.bin"\r\nContent-Type: audio/wav\r\n\r\n${value}\r\n`;

describe("a form", () => {
  const noise = "\r\n\r\n--X\r\n\u0000\u00ff--XX is not at the start of a line \r\n-";
  const whole = `${field("model", "oai/whisper")}${file("file", noise)}${field("empty", "")}${field("note", "héllo")}--XX--\r\n`;

  test("is read, and edited in one field; every other byte stays", () => {
    const form = readForm(bytes(whole), type);
    expect(form.parts.map((part) => [part.name, part.filename])).toEqual([
      ["model", undefined],
      ["file", 'a\\"b.bin'],
      ["empty", undefined],
      ["note", undefined],
    ]);
    expect(formFields(form, ["model"])).toMatchObject({ model: "oai/whisper", empty: "" });
    expect(text(editForm(form, "model", "whisper-1-long"))).toBe(whole.replace("oai/whisper", "whisper-1-long"));
    expect(editForm(form, "absent", "x")).toBe(form.bytes);
  });

  test("may quote its boundary, and leave its names unquoted", () => {
    const form = readForm(
      bytes("--a b\r\ncontent-disposition: form-data; name=model\r\n\r\nm\r\n--a b--"),
      'multipart/form-data; charset=utf-8; boundary="a b"',
    );
    expect(formFields(form, ["model"])).toMatchObject({ model: "m" });
  });

  test.each([
    ["no boundary in the type", whole, "multipart/form-data"],
    ["another boundary", whole, "multipart/form-data; boundary=YY"],
    ["no end", field("model", "m"), type],
    ["cut off in a part", `${field("a", "b")}--XX\r\nContent-Disp`, type],
    ["a part without a name", "--XX\r\nContent-Disposition: form-data\r\n\r\nm\r\n--XX--", type],
    ["two names", '--XX\r\nContent-Disposition: form-data; name="a"; name="model"\r\n\r\nm\r\n--XX--', type],
    ["a name in another encoding", "--XX\r\nContent-Disposition: form-data; name*=utf-8''model\r\n\r\nm\r\n--XX--", type],
    [
      "two dispositions",
      '--XX\r\nContent-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--XX--',
      type,
    ],
    ["nothing", "", type],
  ])("is refused with %s", (_, body, contentType) => {
    expect(() => readForm(bytes(body), contentType)).toThrow(expect.objectContaining({ status: 400 }) as Error);
  });

  test("may not say twice, or as a file, what the gateway decides by", () => {
    expect(() => formFields(readForm(bytes(`${field("model", "a")}${field("model", "b")}--XX--`), type), ["model"])).toThrow("comes twice");
    expect(() => formFields(readForm(bytes(`${file("model", "a")}--XX--`), type), ["model"])).toThrow("not a file");
  });
});
