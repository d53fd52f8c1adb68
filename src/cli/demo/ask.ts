/** The demo's client: as small as one can be that understands two formats. */

import { asCount } from "../../canonical/usage.ts";
import { isObject } from "../../canonical/json.ts";
import { CommandFailure } from "../exit.ts";

export interface Question {
  path: "/v1/chat/completions" | "/v1/messages";
  body: { model: string; stream?: boolean; [field: string]: unknown };
}

export interface Answer {
  headers: Headers;
  text: string;
  /** As in `get_weather({"city":"Lisbon"})`. */
  tools: string[];
  input: number;
  output: number;
  /** Streamed pieces of text. */
  pieces: number;
  firstMs: number;
  ms: number;
}

async function post(url: string, question: Question): Promise<Response> {
  const response = await fetch(`${url}${question.path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(question.body),
  });
  if (!response.ok) throw new CommandFailure(`The gateway answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  return response;
}

export async function ask(url: string, question: Question): Promise<Answer> {
  const started = performance.now();
  const response = await post(url, question);
  const body: unknown = await response.json();
  const ms = performance.now() - started;
  const usage = at(body, "usage");
  return {
    headers: response.headers,
    text: textOf(body),
    tools: toolsOf(body),
    input: asCount(at(usage, "prompt_tokens")) ?? asCount(at(usage, "input_tokens")) ?? 0,
    output: asCount(at(usage, "completion_tokens")) ?? asCount(at(usage, "output_tokens")) ?? 0,
    pieces: 1,
    firstMs: ms,
    ms,
  };
}

/** OpenAI's format only. */
export async function askStreaming(url: string, question: Question, onText: (text: string) => void): Promise<Answer> {
  const started = performance.now();
  const response = await post(url, question);
  const answer: Answer = { headers: response.headers, text: "", tools: [], input: 0, output: 0, pieces: 0, firstMs: 0, ms: 0 };
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    const events = rest.split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const text = deltaOf(event);
      if (text === "") continue;
      if (answer.pieces === 0) answer.firstMs = performance.now() - started;
      answer.pieces += 1;
      answer.text += text;
      onText(text);
    }
  }
  answer.ms = performance.now() - started;
  return answer;
}

function deltaOf(event: string): string {
  const data = /^data: (\{.*\})$/m.exec(event)?.[1];
  if (data === undefined) return "";
  const text = at(at(first(at(JSON.parse(data), "choices")), "delta"), "content");
  return typeof text === "string" ? text : "";
}

function textOf(body: unknown): string {
  const whole =
    at(at(first(at(body, "choices")), "message"), "content") ??
    at(
      listOf(at(body, "content")).find((block) => at(block, "type") === "text"),
      "text",
    );
  return typeof whole === "string" ? whole : "";
}

function toolsOf(body: unknown): string[] {
  return listOf(at(body, "content")).flatMap((block) =>
    at(block, "type") === "tool_use" ? [`${String(at(block, "name"))}(${JSON.stringify(at(block, "input"))})`] : [],
  );
}

function at(value: unknown, field: string): unknown {
  return isObject(value) ? value[field] : undefined;
}

function first(value: unknown): unknown {
  return listOf(value)[0];
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
