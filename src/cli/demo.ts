/** `headgate demo`: a short tour of a gateway that starts here, listens on a free port, keeps nothing, and ends by itself. */

import { checkConfig } from "../config/parse.ts";
import { buildGateway } from "../gateway.ts";
import { bunParts, serve } from "../runtimes/bun.ts";
import { openStore } from "../stores/open.ts";
import { ask, askStreaming } from "./demo/ask.ts";
import type { Answer, Question } from "./demo/ask.ts";
import { CommandFailure, exitCodes } from "./exit.ts";
import { keyNames } from "./key-names.ts";
import { formatCount, formatMs, joined, printable } from "./text.ts";
import { usageTable } from "./usage.ts";
import type { World } from "./world.ts";

const configuration = {
  listen: "127.0.0.1:0",
  providers: { mock: {} },
  models: {
    // One try each: a tour should not wait for a second one.
    sturdy: { targets: ["mock/error-503", "mock/echo"], retry: { attempts: 1 } },
  },
};

interface Step {
  title: string;
  words: string;
  question: Question;
  /** What the answer shows. */
  tell(answer: Answer): string[];
}

const weather = {
  type: "object",
  properties: { city: { type: "string", enum: ["Lisbon"] }, unit: { type: "string", enum: ["celsius"] } },
  required: ["city", "unit"],
};

const steps: readonly Step[] = [
  {
    title: "A call in OpenAI's format",
    words: "The mock provider is built in; with OPENAI_API_KEY set, openai/… would be there too.",
    question: {
      path: "/v1/chat/completions",
      body: { model: "mock/echo", messages: [{ role: "user", content: "Hello from an OpenAI client." }] },
    },
    tell: (answer) => [says(answer), cost(answer)],
  },
  {
    title: "The same model, in Anthropic's format",
    words: "Any client format reaches any provider.",
    question: {
      path: "/v1/messages",
      body: { model: "mock/echo", max_tokens: 100, messages: [{ role: "user", content: "Hello from an Anthropic client." }] },
    },
    tell: (answer) => [says(answer), cost(answer)],
  },
  {
    title: "A streamed answer",
    words: "The words arrive as the model finds them.",
    question: {
      path: "/v1/chat/completions",
      body: { model: "mock/slow", stream: true, messages: [{ role: "user", content: "Take your time." }] },
    },
    tell: (answer) => [
      `${formatCount(answer.pieces)} pieces, the first after ${formatMs(answer.firstMs)}, the last after ${formatMs(answer.ms)}`,
    ],
  },
  {
    title: "A provider fails, the client does not notice",
    words: "The model `sturdy` is mock/error-503, then mock/echo: two lines of configuration.",
    question: { path: "/v1/chat/completions", body: { model: "sturdy", messages: [{ role: "user", content: "Are you still there?" }] } },
    tell: (answer) => [
      says(answer),
      `answered by ${answer.headers.get("x-headgate-provider") ?? "?"}/${answer.headers.get("x-headgate-model") ?? "?"} after ${answer.headers.get("x-headgate-attempts") ?? "?"} attempts`,
    ],
  },
  {
    title: "A tool call",
    words: "Asked in Anthropic's format; tools, images, reasoning and structured output cross formats as text does.",
    question: {
      path: "/v1/messages",
      body: {
        model: "mock/tools",
        max_tokens: 200,
        tools: [{ name: "get_weather", description: "The weather in a city", input_schema: weather }],
        messages: [{ role: "user", content: "How warm is it in Lisbon?" }],
      },
    },
    tell: (answer) => answer.tools.map((tool) => `calls ${tool}`),
  },
];

export async function demoCommand(world: World): Promise<number> {
  if (process.versions["bun"] === undefined)
    throw new CommandFailure("The demo runs a server, which runs on Bun, and this is Node.", { hint: "Start it with `headgate demo`." });
  const { config } = checkConfig(configuration);
  const store = await openStore("memory:");
  const gateway = buildGateway(config, { store, ...bunParts });
  const server = serve(gateway, { hostname: config.listen.host, port: config.listen.port });
  try {
    await tour(server.url, world);
    const names = await keyNames(store, config);
    const rows = await store.usage({ groupBy: ["model"] });
    const { bold, dim } = world.out.colours;
    world.out.write(`${bold("What it came to")} ${dim("(`headgate usage`)")}\n\n${usageTable(rows, ["model"], names, world)}\n`);
    world.out.write(
      `Next: ${bold("headgate serve")} runs it for your own clients, ${bold("headgate models")} shows what they can ask for.\n`,
    );
  } finally {
    await server.stop(1000);
    await gateway.close();
    await store.close();
  }
  return exitCodes.ok;
}

async function tour(url: string, world: World): Promise<void> {
  const { out } = world;
  const { bold, dim, cyan, green } = out.colours;
  out.write(`\n${bold("Headgate")}, a short tour. The gateway listens on ${cyan(url)}, and ends with it.\n\n`);
  for (const [index, step] of steps.entries()) {
    const { path, body } = step.question;
    out.write(
      `${bold(`${index + 1}. ${step.title}`)}\n   ${dim(step.words)}\n   ${dim("POST")} ${path} ${dim(`"model": ${JSON.stringify(body.model)}`)}\n`,
    );
    const answer = body.stream === true ? await streamed(url, step, world) : await ask(url, step.question);
    for (const line of step.tell(answer)) out.write(`   ${green("→")} ${printable(line)}\n`);
    out.write("\n");
  }
}

/** On a terminal the words are shown as they come, up to its edge; in a pipe, when all are there. */
async function streamed(url: string, step: Step, world: World): Promise<Answer> {
  const { out } = world;
  const room = (out.width ?? Number.POSITIVE_INFINITY) - 8;
  let shown = 0;
  out.write(`   ${out.colours.green("→")} `);
  const answer = await askStreaming(url, step.question, (text) => {
    if (!out.isTerminal || shown > room) return;
    const piece = oneLine(text).slice(0, Math.max(0, room - shown));
    shown += text.length;
    out.write(shown > room ? `${piece} …` : piece);
  });
  out.write(`${out.isTerminal ? "" : oneLine(answer.text)}\n`);
  return answer;
}

function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, " "));
}

function says(answer: Answer): string {
  return `"${answer.text}"`;
}

function cost(answer: Answer): string {
  const usd = answer.headers.get("x-headgate-cost-usd");
  const overhead = answer.headers.get("x-headgate-overhead-ms");
  return joined(
    `${formatCount(answer.input)} tokens in, ${formatCount(answer.output)} out`,
    usd !== null && `$${usd}`,
    overhead !== null && `${overhead} ms of the gateway's own`,
  );
}
