import type { Bench } from '../harness/row.ts';
import { secret } from '../../support/tokens.ts';
import { startChild, type Child } from './child.ts';

export interface ServerOptions {
  databaseUrl: string;
  /** Default: postgres. */
  adapter?: 'postgres' | 'redis' | 'memory';
  redisUrl?: string;
  /** Default: on. */
  relay?: boolean;
  /** Default: the core of servers. */
  core?: number | undefined;
  /** Settings of the plugin, as JSON can say them. */
  plugin?: Record<string, unknown>;
}

/** An instance of Commitcast in a process of its own. */
export interface BenchServer extends Child {
  /** `http://127.0.0.1:…` */
  readonly url: string;
}

/** Starts Fastify with our plugin, as an application would; tokens are those of `test/support/tokens.ts`. Returns when it listens. */
export async function startServer(bench: Bench, options: ServerOptions): Promise<BenchServer> {
  const { core = bench.cores.server, ...settings } = options;
  const child = startChild(bench, {
    args: [new URL('server-process.ts', import.meta.url).pathname],
    core,
  });
  const port = await child.call<number>('start', { ...settings, secret });
  return { ...child, url: `http://127.0.0.1:${port}` };
}
