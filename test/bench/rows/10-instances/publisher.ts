import type { Bench } from '../../harness/row.ts';
import { startChild } from '../../support/child.ts';
import type { Load, Written } from '../../support/writer.ts';

export type PublishLoad = Pick<Load, 'perSecond' | 'seconds' | 'eventsPerTransaction'>;
export type Published = Pick<Written, 'sent' | 'seconds'>;

/** What makes events: transactions for ours, messages to an instance for a stock server. */
export interface Generator {
  run(load: PublishLoad): Promise<Published>;
}

export async function startPublisher(bench: Bench, url: string): Promise<Generator> {
  const args = [new URL('publisher-process.ts', import.meta.url).pathname];
  const child = startChild(bench, { args, core: bench.cores.load });
  await child.call('connect', url);
  return { run: (load) => child.call<Published>('run', load) };
}
