/** nginx as a blind proxy: moves bytes, reads nothing. The practical ceiling for one core. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PROVIDER_KEY } from "../expected.ts";
import { freePort, RUN, run, start } from "../processes.ts";
import { clientCall, type Peer } from "../subject.ts";

const directory = join(RUN, "nginx");

function config(port: number, upstream: string): string {
  return `
daemon off;
worker_processes 1;
pid ${directory}/nginx-${port}.pid;
error_log ${directory}/error.log warn;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  client_max_body_size 256m;
  # A prompt of 100k tokens stays in memory, as it does in every other contender.
  client_body_buffer_size 4m;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  upstream provider {
    server ${upstream};
    keepalive 1024;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      # A chunk leaves when it comes.
      proxy_buffering off;
      proxy_read_timeout 300s;
    }
  }
}
`;
}

export const nginx: Peer = {
  name: "nginx",
  about: "nginx, one worker, as a blind proxy: no keys, no record, no parsing",
  async prepare() {
    return Bun.which("nginx", { PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin` }) === null ? "nginx is not installed" : null;
  },
  async version() {
    const shown = Bun.spawnSync([binary(), "-v"]);
    return shown.stderr.toString().trim().replace("nginx version: nginx/", "");
  },
  async start(provider, options) {
    mkdirSync(directory, { recursive: true });
    const port = freePort();
    const file = join(directory, `nginx-${port}.conf`);
    await Bun.write(file, config(port, new URL(provider.url).host));
    await run([binary(), "-t", "-q", "-c", file], { timeoutMs: 5000 });
    const running = await start("nginx", [binary(), "-c", file], {
      seat: "subject",
      ready: options?.ready === false ? undefined : `http://127.0.0.1:${port}/v1/models`,
    });
    return {
      name: "nginx",
      pid: running.pid,
      startedAt: running.startedAt,
      same: (format, model) => ({ target: clientCall(`http://127.0.0.1:${port}`, format, PROVIDER_KEY), model }),
      stop: running.stop,
    };
  },
};

function binary(): string {
  return Bun.which("nginx", { PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin` }) ?? "nginx";
}
