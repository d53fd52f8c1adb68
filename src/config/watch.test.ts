import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { loadConfig } from "./load.ts";
import { watchConfig } from "./watch.ts";
import type { Change, ConfigWatcher, WatchOptions } from "./watch.ts";

const open: { watcher: ConfigWatcher; directory: string }[] = [];

afterEach(async () => {
  for (const { watcher, directory } of open.splice(0)) {
    await watcher.close();
    rmSync(directory, { recursive: true, force: true });
  }
});

interface Watched {
  directory: string;
  path: string;
  changes: Change[];
  watcher: ConfigWatcher;
  /** The level of the configuration after so many changes; "refused" for an invalid one. */
  level: (count: number) => Promise<string>;
}

/** A file that is watched; the log level tells one content from another. `pollMs`: long, so that it is the watch that sees the change. */
async function watched(options: WatchOptions = { pollMs: 60_000 }, prepare?: (directory: string) => string): Promise<Watched> {
  const directory = mkdtempSync(join(tmpdir(), "headgate-watch-"));
  const path = prepare?.(directory) ?? join(directory, "headgate.yaml");
  if (prepare === undefined) writeFileSync(path, "log: { level: info }\n");
  const changes: Change[] = [];
  const watcher = watchConfig(path, (change) => void changes.push(change), { env: {}, ...options });
  open.push({ watcher, directory });
  await watcher.ready;
  const level = async (count: number) => {
    for (let waited = 0; changes.length < count && waited < 5000; waited += 10) await sleep(10);
    const last = changes[count - 1];
    if (last === undefined) return "nothing";
    return "error" in last ? "refused" : last.config.log.level;
  };
  return { directory, path, changes, watcher, level };
}

describe("a change of the file", () => {
  test("is seen when it is written in place", async () => {
    const { path, level, changes } = await watched();
    writeFileSync(path, "log: { level: warn }\n");
    expect(await level(1)).toBe("warn");
    writeFileSync(path, "log: { level: error }\n");
    expect(await level(2)).toBe("error");
    expect(changes).toHaveLength(2);
  });

  test("is seen when a new file is renamed over it, again and again", async () => {
    const { directory, path, level } = await watched();
    for (const [index, name] of ["warn", "error", "debug", "trace"].entries()) {
      const temporary = join(directory, `.headgate.yaml.${index}.tmp`);
      writeFileSync(temporary, `log: { level: ${name} }\n`);
      renameSync(temporary, path);
      expect(await level(index + 1)).toBe(name);
    }
  });

  test("is seen when an editor moves the old file away first", async () => {
    const { directory, path, level, changes } = await watched();
    renameSync(path, join(directory, "headgate.yaml~"));
    await sleep(150);
    writeFileSync(path, "log: { level: warn }\n");
    expect(await level(1)).toBe("warn");
    expect(changes).toHaveLength(1);
  });

  test("is seen when Kubernetes swaps the link to the directory", async () => {
    const { directory, level } = await watched({ pollMs: 60_000 }, (directory) => {
      mkdirSync(join(directory, "..2026_01"));
      writeFileSync(join(directory, "..2026_01", "headgate.yaml"), "log: { level: info }\n");
      symlinkSync("..2026_01", join(directory, "..data"));
      symlinkSync(join("..data", "headgate.yaml"), join(directory, "headgate.yaml"));
      return join(directory, "headgate.yaml");
    });
    for (const [index, name] of ["warn", "error"].entries()) {
      mkdirSync(join(directory, `..2026_1${index}`));
      writeFileSync(join(directory, `..2026_1${index}`, "headgate.yaml"), `log: { level: ${name} }\n`);
      symlinkSync(`..2026_1${index}`, join(directory, "..data_tmp"));
      renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
      expect(await level(index + 1)).toBe(name);
    }
  });

  test("is seen behind a link", async () => {
    const { directory, level } = await watched({ pollMs: 60_000 }, (directory) => {
      mkdirSync(join(directory, "real"));
      mkdirSync(join(directory, "etc"));
      writeFileSync(join(directory, "real", "shared.yaml"), "log: { level: info }\n");
      symlinkSync(join("..", "real", "shared.yaml"), join(directory, "etc", "headgate.yaml"));
      return join(directory, "etc", "headgate.yaml");
    });
    writeFileSync(join(directory, "real", "shared.yaml"), "log: { level: warn }\n");
    expect(await level(1)).toBe("warn");
  });

  test("is seen by the regular look where no watch sees it", async () => {
    const { directory, level } = await watched({ pollMs: 50 }, (directory) => {
      for (const [name, level] of [
        ["one", "info"],
        ["two", "warn"],
      ]) {
        mkdirSync(join(directory, name as string));
        writeFileSync(join(directory, name as string, "headgate.yaml"), `log: { level: ${level} }\n`);
      }
      symlinkSync("one", join(directory, "current"));
      return join(directory, "current", "headgate.yaml");
    });
    symlinkSync("two", join(directory, "next"));
    renameSync(join(directory, "next"), join(directory, "current"));
    expect(await level(1)).toBe("warn");
  });

  test("between loading and watching is not lost", async () => {
    const directory = mkdtempSync(join(tmpdir(), "headgate-watch-"));
    const path = join(directory, "headgate.yaml");
    writeFileSync(path, "log: { level: info }\n");
    const { fingerprint } = await loadConfig({ path, env: {} });
    writeFileSync(path, "log: { level: warn }\n");
    const { level } = await watched({ fingerprint, pollMs: 60_000 }, () => path);
    expect(await level(1)).toBe("warn");
    rmSync(directory, { recursive: true });
  });
});

describe("what is reported", () => {
  test("an invalid file, with its lines, and the valid one after it", async () => {
    const { path, level, changes } = await watched();
    writeFileSync(path, "\nlog: { level: loud }\n");
    expect(await level(1)).toBe("refused");
    const [change] = changes;
    expect(change !== undefined && "error" in change ? change.error.message : "").toContain(`${path}:2:15 log.level: expected`);
    writeFileSync(path, "log: { level: info }\n");
    expect(await level(2)).toBe("info");
  });

  test("a file that is gone, once, and its return", async () => {
    const { path, level, changes } = await watched();
    unlinkSync(path);
    expect(await level(1)).toBe("refused");
    const [change] = changes;
    expect(change !== undefined && "error" in change ? change.error.message : "").toBe(`${path} there is no such file`);
    await sleep(300);
    expect(changes).toHaveLength(1);
    writeFileSync(path, "log: { level: warn }\n");
    expect(await level(2)).toBe("warn");
  });

  test("nothing when the content is the same, or another file changes", async () => {
    const { directory, path, changes } = await watched();
    writeFileSync(path, "log: { level: info }\n");
    writeFileSync(join(directory, "headgate.db-wal"), "x");
    writeFileSync(join(directory, ".headgate.yaml.swp"), "x");
    await sleep(400);
    expect(changes).toEqual([]);
  });

  test("one change for many writes in a row", async () => {
    const { path, level, changes } = await watched();
    writeFileSync(path, "log:\n");
    for (let index = 0; index < 10; index += 1) {
      appendFileSync(path, `  # line ${index}\n`);
      await sleep(5);
    }
    appendFileSync(path, "  level: warn\n");
    expect(await level(1)).toBe("warn");
    await sleep(200);
    expect(changes).toHaveLength(1);
  });

  test("nothing after it was closed, however soon", async () => {
    const { path, changes, watcher } = await watched();
    writeFileSync(path, "log: { level: warn }\n");
    await watcher.close();
    writeFileSync(path, "log: { level: error }\n");
    await sleep(300);
    expect(changes).toEqual([]);
    await watchConfig(path, (change) => void changes.push(change), { env: {} }).close();
    expect(changes).toEqual([]);
  });
});

test("a reload every 20 ms for a while ends with the last content", async () => {
  const { path, changes } = await watched();
  const levels = ["debug", "warn", "loud"];
  for (let index = 0; index < 60; index += 1) {
    writeFileSync(`${path}.tmp`, `log: { level: ${levels[index % 3]} }\n# ${index}\n`);
    renameSync(`${path}.tmp`, path);
    await sleep(20);
  }
  writeFileSync(path, "log: { level: fatal }\n");
  const last = () => {
    const change = changes.at(-1);
    return change !== undefined && "config" in change ? change.config.log.level : "";
  };
  for (let waited = 0; last() !== "fatal" && waited < 5000; waited += 10) await sleep(10);
  expect(last()).toBe("fatal");
});
