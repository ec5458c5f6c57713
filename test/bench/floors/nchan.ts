import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { freePort } from '../../../src/embedded/free-port.ts';
import { until } from '../../support/until.ts';
import type { Bench } from '../harness/row.ts';
import { cpuUs } from '../support/cpu.ts';
import type { Subject } from '../support/subject.ts';
import { pulse } from './pulse.ts';

const nginx = '/usr/sbin/nginx';
const nchanModule = '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** Why there is no Nchan here, if there is none. */
export function nchanMissing(): Promise<string | undefined> {
  const isThere = existsSync(nginx) && existsSync(nchanModule);
  return Promise.resolve(isThere ? undefined : 'apt-get install nginx libnginx-mod-nchan');
}

/** nginx with one worker and the module Nchan, as its documentation sets it up; each event is a POST. */
export async function nchanSubject(bench: Bench): Promise<Subject> {
  const folder = await bench.folder();
  const port = await freePort();
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, port));
  const { server } = bench.cores;
  const command = [nginx, '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')];
  const [file = '', ...args] = server === undefined ? command : ['taskset', '-c', String(server), ...command];
  const master = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(master, 'exit');
  bench.releasers.add(async () => {
    master.kill('SIGTERM');
    await ended;
  });
  const worker = await until(() => childOf(master.pid ?? 0), { message: 'a worker of nginx' });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  bench.releasers.add(() => {
    agent.destroy();
  });
  const post = (body: string) =>
    new Promise<void>((resolve, reject) => {
      const posting = request(
        { port, host: '127.0.0.1', path: '/pub/bench', method: 'POST', agent },
        (response) => {
          response.resume().on('end', resolve);
        },
      );
      posting.on('error', reject).end(body);
    });
  return {
    url: `http://127.0.0.1:${port}/sub/bench`,
    kind: 'ws',
    cpuUs: () => cpuUs(worker),
    memory: async () =>
      Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${worker}/status`, 'utf8'))?.[1]) * 1_024,
    heap: () => Promise.resolve(NaN),
    send: async (given) => {
      const posted: Promise<void>[] = [];
      const sent = await pulse(given, (events) => {
        for (const event of events) posted.push(post(JSON.stringify(event)));
      });
      await Promise.all(posted);
      return sent;
    },
  };
}

const configuration = (folder: string, port: number) => `
load_module ${nchanModule};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
events { worker_connections 15000; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  nchan_shared_memory_size 256M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location ~ ^/pub/(.+)$ { nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 1000; }
    location ~ ^/sub/(.+)$ { nchan_subscriber websocket; nchan_channel_id $1; nchan_subscriber_first_message newest; }
  }
}
`;

async function childOf(parent: number): Promise<number | undefined> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    if (stat.slice(stat.lastIndexOf(')')).split(' ')[2] === String(parent)) return Number(entry);
  }
  return undefined;
}
