import type { Bench, Measurement } from '../../harness/row.ts';
import { startChild } from '../../support/child.ts';
import { connectTo } from '../../support/connect-to.ts';
import type { Statements } from '../../support/count-statements.ts';
import { startRedis } from '../../support/redis.ts';
import { measureSubject } from './measure.ts';
import { startPublisher } from './publisher.ts';

export type StockAdapter = 'postgres' | 'redis' | 'redis-streams';

/** Two stock servers: one is told of each event and emits it, the client is on the other. Nothing is committed before. */
export async function measureStock(bench: Bench, adapter: StockAdapter): Promise<Measurement> {
  const databaseUrl = adapter === 'postgres' ? await bench.database('instances') : undefined;
  const redisUrl = adapter === 'postgres' ? undefined : await startRedis(bench);
  const start = async () => {
    const args = [new URL('../../peers/instances.mjs', import.meta.url).pathname];
    const child = startChild(bench, { args, core: bench.cores.server });
    const port = await child.call<number>('start', { adapter, databaseUrl, redisUrl });
    return { url: `http://127.0.0.1:${port}`, statements: () => child.call<Statements>('statements') };
  };
  const first = await start();
  const second = await start();
  const generator = await startPublisher(bench, first.url);
  return measureSubject(bench, {
    kind: 'socket.io',
    url: second.url,
    generator,
    counted: [first, second],
    ...(databaseUrl !== undefined && { db: await connectTo(bench, databaseUrl) }),
  });
}
