/** The types of the request's fields, with the path of the first wrong one. Fields, parts and tools that are new to us pass. */

import { invalidField } from "../../../canonical/errors.ts";
import { isObject } from "../../../canonical/json.ts";
import type { Json, JsonObject } from "../../../canonical/json.ts";
import { camel, given, list, toNumber } from "./proto.ts";

type Rule = (value: Json | undefined, at: string) => void;

/** Throws `invalid_request`; once it has returned, the decoders may trust the types. */
export function check(message: JsonObject): void {
  const body = camel(message);
  const contents = list(body.contents);
  if (contents.length === 0) throw invalidField("contents", "is required and must hold at least one content");
  contents.forEach((content, index) => checkContent(content, `contents[${index}]`));
  optional(body.systemInstruction, "systemInstruction", checkSystem);
  list(body.tools).forEach((tool, index) => checkTool(tool, `tools[${index}]`));
  optional(body.toolConfig, "toolConfig", checkToolConfig);
  optional(body.generationConfig, "generationConfig", checkGenerationConfig);
  list(body.safetySettings).forEach((setting, index) => object(setting, `safetySettings[${index}]`));
  optional(body.cachedContent, "cachedContent", text);
  optional(body.labels, "labels", (value, at) => {
    for (const [name, label] of Object.entries(object(value, at))) text(label, `${at}.${name}`);
  });
  optional(body.serviceTier, "serviceTier", text);
}

const roles = new Set(["user", "model", "function"]);

function checkContent(value: Json, at: string): void {
  const content = camel(object(value, at));
  if (given(content.role) && !roles.has(String(content.role))) throw invalidField(`${at}.role`, "must be `user`, `model` or `function`");
  list(content.parts).forEach((part, index) => checkPart(part, `${at}.parts[${index}]`));
}

function checkSystem(value: Json | undefined, at: string): void {
  const system = camel(object(value, at));
  list(system.parts).forEach((part, index) => text(object(part, `${at}.parts[${index}]`).text, `${at}.parts[${index}].text`));
}

function checkPart(value: Json, at: string): void {
  const part = camel(object(value, at));
  if (Object.keys(part).length === 0) throw invalidField(at, "must hold text, inlineData, fileData, functionCall or functionResponse");
  optional(part.text, `${at}.text`, text);
  optional(part.thought, `${at}.thought`, flag);
  optional(part.thoughtSignature, `${at}.thoughtSignature`, text);
  optional(part.inlineData, `${at}.inlineData`, checkBlob);
  optional(part.fileData, `${at}.fileData`, checkFile);
  optional(part.functionCall, `${at}.functionCall`, checkCall);
  optional(part.functionResponse, `${at}.functionResponse`, checkResponse);
}

function checkBlob(value: Json | undefined, at: string): void {
  const blob = camel(object(value, at));
  text(blob.mimeType, `${at}.mimeType`);
  text(blob.data, `${at}.data`);
}

function checkFile(value: Json | undefined, at: string): void {
  const file = camel(object(value, at));
  text(file.fileUri, `${at}.fileUri`);
  optional(file.mimeType, `${at}.mimeType`, text);
}

function checkCall(value: Json | undefined, at: string): void {
  const call = object(value, at);
  name(call.name, `${at}.name`);
  optional(call.id, `${at}.id`, text);
  optional(call.args, `${at}.args`, object);
}

function checkResponse(value: Json | undefined, at: string): void {
  const response = object(value, at);
  name(response.name, `${at}.name`);
  optional(response.id, `${at}.id`, text);
  optional(response.response, `${at}.response`, object);
  list(response.parts).forEach((part, index) => checkPart(part, `${at}.parts[${index}]`));
}

function checkTool(value: Json, at: string): void {
  const tool = camel(object(value, at));
  list(tool.functionDeclarations).forEach((entry, index) => {
    const where = `${at}.functionDeclarations[${index}]`;
    const declaration = camel(object(entry, where));
    name(declaration.name, `${where}.name`);
    optional(declaration.description, `${where}.description`, text);
    optional(declaration.parameters, `${where}.parameters`, object);
    optional(declaration.parametersJsonSchema, `${where}.parametersJsonSchema`, object);
  });
}

function checkToolConfig(value: Json | undefined, at: string): void {
  optional(camel(object(value, at)).functionCallingConfig, `${at}.functionCallingConfig`, (config, where) => {
    const calling = camel(object(config, where));
    optional(calling.mode, `${where}.mode`, text);
    list(calling.allowedFunctionNames).forEach((allowed, index) => text(allowed, `${where}.allowedFunctionNames[${index}]`));
  });
}

const configRules: Record<string, Rule> = {
  temperature: number,
  topP: number,
  topK: number,
  candidateCount: count,
  maxOutputTokens: count,
  presencePenalty: number,
  frequencyPenalty: number,
  seed: integer,
  responseLogprobs: flag,
  logprobs: count,
  responseMimeType: text,
  responseSchema: object,
  responseJsonSchema: object,
  thinkingConfig: checkThinking,
};

function checkGenerationConfig(value: Json | undefined, at: string): void {
  const config = camel(object(value, at));
  for (const [field, rule] of Object.entries(configRules)) optional(config[field], `${at}.${field}`, rule);
  for (const field of ["stopSequences", "responseModalities"]) {
    list(config[field]).forEach((entry, index) => text(entry, `${at}.${field}[${index}]`));
  }
}

function checkThinking(value: Json | undefined, at: string): void {
  const thinking = camel(object(value, at));
  optional(thinking.includeThoughts, `${at}.includeThoughts`, flag);
  optional(thinking.thinkingBudget, `${at}.thinkingBudget`, integer);
  optional(thinking.thinkingLevel, `${at}.thinkingLevel`, text);
}

// ── single values ────────────────────────────────────────────────────────────────────────────────────────────

function optional(value: Json | undefined, at: string, rule: Rule): void {
  if (given(value)) rule(value, at);
}

function object(value: Json | undefined, at: string): JsonObject {
  if (!isObject(value)) throw invalidField(at, "must be an object");
  return value;
}

function text(value: Json | undefined, at: string): void {
  if (typeof value !== "string") throw invalidField(at, given(value) ? "must be a string" : "is required and must be a string");
}

function name(value: Json | undefined, at: string): void {
  text(value, at);
  if (value === "") throw invalidField(at, "must not be empty");
}

function flag(value: Json | undefined, at: string): void {
  if (typeof value !== "boolean") throw invalidField(at, "must be true or false");
}

function number(value: Json | undefined, at: string): void {
  if (toNumber(value) === undefined) throw invalidField(at, "must be a number");
}

function integer(value: Json | undefined, at: string): void {
  if (!Number.isInteger(toNumber(value))) throw invalidField(at, "must be a whole number");
}

function count(value: Json | undefined, at: string): void {
  const counted = toNumber(value);
  if (counted === undefined || !Number.isInteger(counted) || counted < 0) throw invalidField(at, "must be a whole number, 0 or more");
}
