import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError, formatPath, formatProblem, isConfigError, isSecretPath, looksSecret, quoted } from "./problems.ts";

describe("a problem as a line", () => {
  test("has the file, the place, the path and the suggestion, each when it is known", () => {
    expect(formatProblem({ path: "a.b", line: 3, column: 5, message: "unknown key", suggestion: "c" }, "f.yaml")).toBe(
      'f.yaml:3:5 a.b: unknown key, did you mean "c"?',
    );
    expect(formatProblem({ path: "a.b", line: 3, column: 5, message: "wrong" })).toBe("3:5 a.b: wrong");
    expect(formatProblem({ path: "a.b", message: "wrong" }, "f.yaml")).toBe("f.yaml a.b: wrong");
    expect(formatProblem({ path: "", message: "wrong" })).toBe("wrong");
  });
});

describe("paths", () => {
  test("read as people write them", () => {
    expect(formatPath(["models", "smart", "targets", 0, "model"])).toBe("models.smart.targets[0].model");
    expect(formatPath(["models", "gpt-5.4", "targets"])).toBe('models["gpt-5.4"].targets');
    expect(formatPath(["a b"])).toBe('["a b"]');
    expect(formatPath([])).toBe("");
  });

  test("are fit for a terminal whatever they hold", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.nat(9))), (path) => {
        expect(formatPath(path)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(formatPath(path).length).toBeLessThan(90 * path.length + 1);
      }),
    );
  });
});

describe("secrets", () => {
  test("are known by their looks", () => {
    for (const text of [
      "sk-ant-REDACTED",
      "sk-proj-abcdefghijklmnop",
      "AIzaSyA1234567890abcdefg",
      "xai-0123456789abcdef",
      "Bearer abcdefghijklmnop",
      "x sk-0123456789abcdef",
      "0123456789abcdef0123456789abcdef",
      "eyJhbGciOiJIUzI1NiJ9",
    ]) {
      expect([text, looksSecret(text)]).toEqual([text, true]);
      expect(quoted(text)).toBe('"[redacted]"');
    }
  });

  test("are not seen in names", () => {
    for (const text of [
      "anthropic/claude-opus-4-5-20251001",
      "openai/gpt-5.4-mini",
      "meta-llama/Llama-3.3-70B-Instruct-Turbo",
      "task-based-routing-model",
      "accounts/fireworks/models/deepseek-v3",
      "127.0.0.1:4000",
      "OPENAI_API_KEY_2",
      "retry",
    ]) {
      expect([text, looksSecret(text)]).toEqual([text, false]);
    }
  });

  test("are known by their place", () => {
    for (const path of [
      ["admin_key"],
      ["providers", "x", "api_keys", 0],
      ["keys", 0, "key"],
      ["providers", "x", "headers", "x-team"],
      ["database"],
      ["providers", "x", "secret_access_key"],
      ["providers", "x", "session_token"],
      ["keys", 0],
      ["keys", "ci"],
      ["providers", "openai"],
    ])
      expect(isSecretPath(path)).toBe(true);
    for (const path of [
      ["keys", 0, "name"],
      ["keys", 0, "models", 1],
      ["models", "fast"],
      ["providers", "x", "models", "m", "max_output_tokens"],
      ["listen"],
    ])
      expect(isSecretPath(path)).toBe(false);
  });
});

test("the error is known across copies of the package", () => {
  expect(isConfigError(new ConfigError([{ path: "a", message: "wrong" }]))).toBe(true);
  expect(isConfigError(new Error("a: wrong"))).toBe(false);
  expect(isConfigError(undefined)).toBe(false);
  expect(
    new ConfigError(
      [
        { path: "a", message: "wrong" },
        { path: "b", message: "wrong" },
      ],
      "f",
    ).message,
  ).toBe("f a: wrong\nf b: wrong");
});
