import type { Bench } from '../harness/row.ts';
import { secret } from '../../support/tokens.ts';
import { startChild } from './child.ts';
import type { Statements } from './count-statements.ts';
import type { BenchServer, ServerOptions } from './server.ts';

export interface CountedServer extends BenchServer {
  /** What it has asked of the database since it was last asked this. */
  statements(): Promise<Statements>;
}

/** Starts an instance of Commitcast that counts its statements; else as `startServer`. */
export async function startCountedServer(bench: Bench, options: ServerOptions): Promise<CountedServer> {
  const { core = bench.cores.server, ...settings } = options;
  const args = [new URL('counted-server-process.ts', import.meta.url).pathname];
  const child = startChild(bench, { args, core });
  const port = await child.call<number>('start', { ...settings, secret });
  return {
    ...child,
    url: `http://127.0.0.1:${port}`,
    statements: () => child.call<Statements>('statements'),
  };
}
