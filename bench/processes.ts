/** Starts, pins, measures and ends the processes of a run. Every one is ended by its pid, also after Ctrl-C: a benchmark that leaves a server behind spoils the next one. */

import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "..");
export const WORK = join(import.meta.dir, ".work");
/** This run's own files: two runs at once must not take each other's databases away. */
export const RUN = join(WORK, `run-${process.pid}`);
const LOGS = join(RUN, "logs");

// ── pinning ──────────────────────────────────────────────────────────────────────────────────────────────────

/** The subject has core 0 to itself; load and fake provider share core 1, or have one each where there is a third. Null: this system cannot pin. */
export type Seat = "subject" | "load" | "provider";

const taskset = Bun.which("taskset");
const cores = availableParallelism();
export const canPin = taskset !== null && cores >= 2;

export function coreOf(seat: Seat): number | null {
  if (!canPin) return null;
  if (seat === "subject") return 0;
  return seat === "provider" && cores >= 3 ? 2 : 1;
}

export function pinned(seat: Seat, command: readonly string[]): string[] {
  const core = coreOf(seat);
  return core === null ? [...command] : [taskset ?? "taskset", "-c", String(core), ...command];
}

// ── starting and ending ──────────────────────────────────────────────────────────────────────────────────────

export interface Running {
  name: string;
  pid: number;
  /** When the process was spawned, on the clock of `performance.now()`. */
  startedAt: number;
  logFile: string;
  stop: () => Promise<void>;
}

const alive = new Map<number, Running>();
let logNumber = 0;

export interface StartOptions {
  seat: Seat;
  env?: Record<string, string | undefined> | undefined;
  cwd?: string | undefined;
  /** Polled until it answers with a 2xx. */
  ready?: string | undefined;
  readyTimeoutMs?: number | undefined;
}

export async function start(name: string, command: readonly string[], options: StartOptions): Promise<Running> {
  mkdirSync(LOGS, { recursive: true });
  const logFile = join(LOGS, `${name}-${++logNumber}.log`);
  const log = Bun.file(logFile);
  const startedAt = performance.now();
  const child = Bun.spawn(pinned(options.seat, command), {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdin: "ignore",
    stdout: log,
    stderr: log,
  });
  const running: Running = {
    name,
    pid: child.pid,
    startedAt,
    logFile,
    async stop() {
      if (!alive.delete(child.pid)) return;
      const family = processTree(child.pid);
      child.kill("SIGTERM");
      const ended = await Promise.race([child.exited.then(() => true), Bun.sleep(5000).then(() => false)]);
      // A parent may leave before its children, and a child may ignore the first signal.
      for (const pid of family) if (!ended || pid !== child.pid) signal(pid, "SIGKILL");
      await child.exited;
    },
  };
  alive.set(child.pid, running);
  if (options.ready === undefined) return running;

  const deadline = performance.now() + (options.readyTimeoutMs ?? 30_000);
  for (;;) {
    if (child.exitCode !== null) {
      alive.delete(child.pid);
      throw new Error(`${name} ended with code ${child.exitCode} before it was ready: ${tail(logFile)}`);
    }
    if (await answers(options.ready)) return running;
    if (performance.now() > deadline) {
      await running.stop();
      throw new Error(`${name} was not ready in time: ${tail(logFile)}`);
    }
    await Bun.sleep(5);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await reply.arrayBuffer();
    return reply.ok;
  } catch {
    return false;
  }
}

function tail(file: string): string {
  try {
    return readFileSync(file, "utf8").trim().split("\n").slice(-8).join("\n");
  } catch {
    return "(no output)";
  }
}

function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // Already gone.
  }
}

export async function stopAll(): Promise<void> {
  await Promise.all([...alive.values()].map((running) => running.stop()));
}

/** The last resort when the event loop no longer turns: no waiting, no courtesy. */
function killAll(): void {
  for (const pid of alive.keys()) for (const member of processTree(pid)) signal(member, "SIGKILL");
}

export function endChildrenWithUs(): void {
  process.on("exit", killAll);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      console.error(`ended by ${name}`);
      killAll();
      rmSync(RUN, { recursive: true, force: true });
      process.exit(name === "SIGINT" ? 130 : 143);
    });
  }
}

/** Runs a command to its end and returns its output; used for load generators and installers. */
export async function run(
  command: readonly string[],
  options: { seat?: Seat; cwd?: string; env?: Record<string, string>; input?: string; timeoutMs: number },
): Promise<string> {
  const child = Bun.spawn(options.seat ? pinned(options.seat, command) : [...command], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdin: new TextEncoder().encode(options.input ?? ""),
    stdout: "pipe",
    stderr: "pipe",
  });
  const entry: Running = {
    name: command[0] ?? "",
    pid: child.pid,
    startedAt: performance.now(),
    logFile: "",
    stop: async () => child.kill("SIGKILL"),
  };
  alive.set(child.pid, entry);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, options.timeoutMs);
  const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  clearTimeout(timer);
  alive.delete(child.pid);
  if (timedOut) throw new Error(`${command.join(" ")} took longer than ${options.timeoutMs} ms`);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with code ${code}: ${(stderr || stdout).trim().slice(-800)}`);
  return stdout;
}

export function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

// ── measuring ────────────────────────────────────────────────────────────────────────────────────────────────

/** A process and all its descendants: a launcher, a master with its worker, count as one subject. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [root];
  }
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statFields(Number(name));
    if (fields === null) continue;
    const parent = Number(fields[1]);
    const siblings = children.get(parent);
    if (siblings) siblings.push(Number(name));
    else children.set(parent, [Number(name)]);
  }
  const family = [root];
  for (let index = 0; index < family.length; index++) family.push(...(children.get(family[index] ?? 0) ?? []));
  return family;
}

/** The fields of /proc/PID/stat after the command's name, which may itself hold spaces and brackets: 0 is the state, 1 the parent. */
function statFields(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

/** Clock ticks a second; the kernel's interface fixes it at 100 on every architecture Bun runs on. Totals are exact, the tick is only the rounding. */
const TICKS = 100;

/** What a process and its descendants have used since they started. */
export interface CpuReading {
  ticks: number;
  /** Nanoseconds by thread, where the kernel keeps them: a hundred thousand times finer than its ticks. */
  threads: Map<string, number>;
}

export function readCpu(root: number): CpuReading {
  const reading: CpuReading = { ticks: 0, threads: new Map() };
  for (const pid of processTree(root)) {
    const fields = statFields(pid);
    if (fields === null) continue;
    reading.ticks += Number(fields[11]) + Number(fields[12]);
    try {
      for (const thread of readdirSync(`/proc/${pid}/task`))
        reading.threads.set(thread, Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]));
    } catch {
      // A thread ended meanwhile, or the kernel keeps no such statistics; ticks remain.
    }
  }
  return reading;
}

/** CPU seconds between two readings. NaN where there is no /proc. */
export function cpuBetween(before: CpuReading, after: CpuReading): number {
  if (after.ticks === 0 && after.threads.size === 0) return Number.NaN;
  let nanoseconds = 0;
  let whole = before.threads.size > 0;
  for (const thread of before.threads.keys()) whole &&= after.threads.has(thread);
  for (const [thread, now] of after.threads) nanoseconds += now - (before.threads.get(thread) ?? 0);
  // A thread that ended took its count along; the process's ticks still hold it.
  return whole ? nanoseconds / 1e9 : (after.ticks - before.ticks) / TICKS;
}

export interface Memory {
  /** Resident megabytes of the whole family, shared pages counted in each. */
  residentMb: number;
  /** Resident megabytes of its largest member: the server itself, without its launcher. */
  largestMb: number;
  /** The largest member's own high-water mark. */
  peakMb: number;
}

export function memory(root: number): Memory {
  const result: Memory = { residentMb: 0, largestMb: 0, peakMb: 0 };
  for (const pid of processTree(root)) {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/status`, "utf8");
    } catch {
      continue;
    }
    const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1] ?? 0) / 1024;
    const resident = field("VmRSS");
    result.residentMb += resident;
    if (resident > result.largestMb) {
      result.largestMb = resident;
      result.peakMb = field("VmHWM");
    }
  }
  return result.residentMb === 0 ? { residentMb: Number.NaN, largestMb: Number.NaN, peakMb: Number.NaN } : result;
}

/** CPU seconds of everything this run has started, the ended ones included, and of this process itself. */
export function ownCpuSeconds(): number {
  const fields = statFields(process.pid);
  const ended = fields === null ? 0 : (Number(fields[13]) + Number(fields[14])) / TICKS;
  return readCpu(process.pid).ticks / TICKS + ended;
}

export interface CoreTimes {
  busy: number;
  /** Taken by the host for its other guests. */
  stolen: number;
  total: number;
}

/** Seconds since the system started of one core. Null where there is no /proc. */
export function coreTimes(core: number): CoreTimes | null {
  try {
    const line = readFileSync("/proc/stat", "utf8")
      .split("\n")
      .find((each) => each.startsWith(`cpu${core} `));
    if (line === undefined) return null;
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, stolen = 0] = line
      .split(/\s+/)
      .slice(1)
      .map((ticks) => Number(ticks) / TICKS);
    const busy = user + nice + system + irq + soft;
    return { busy, stolen, total: busy + idle + wait + stolen };
  } catch {
    return null;
  }
}
