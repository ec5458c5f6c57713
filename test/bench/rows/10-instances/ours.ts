import { migrate } from '../../../../src/db/migrate.ts';
import { sized, type Bench, type Measurement } from '../../harness/row.ts';
import { connectTo } from '../../support/connect-to.ts';
import { startCountedServer, type CountedServer } from '../../support/counted-server.ts';
import { dispatched } from '../../support/progress.ts';
import { startRedis } from '../../support/redis.ts';
import type { ServerOptions } from '../../support/server.ts';
import { startWriter, type Writer } from '../../support/writer.ts';
import { measureSubject } from './measure.ts';

/** The first instance leads; the client is on the last one. */
export async function measureOurs(
  bench: Bench,
  { instances, adapter }: { instances: 1 | 2; adapter: 'postgres' | 'redis' },
): Promise<Measurement> {
  const databaseUrl = await bench.database('instances');
  await migrate({ connectionString: databaseUrl });
  const db = await connectTo(bench, databaseUrl);
  const options: ServerOptions = {
    databaseUrl,
    adapter,
    ...(adapter === 'redis' && { redisUrl: await startRedis(bench) }),
  };
  const leader = await startCountedServer(bench, options);
  const writer = await startWriter(bench, { databaseUrl });
  const measure = (counted: readonly CountedServer[]) =>
    measureSubject(bench, {
      kind: 'commitcast',
      url: counted.at(-1)?.url ?? '',
      generator: writer,
      counted,
      db,
    });
  if (instances === 1) return measure([leader]);
  const alone = await commitsAlone(bench, leader, writer, db);
  const second = await startCountedServer(bench, { ...options, relay: false });
  const { values, ...measured } = await measure([leader, second]);
  return { ...measured, values: { ...values, extra: (values['commits'] ?? NaN) - alone } };
}

/** Transactions per event of the leader while it is the only instance, at the same rate. */
async function commitsAlone(
  bench: Bench,
  leader: CountedServer,
  writer: Writer,
  db: Awaited<ReturnType<typeof connectTo>>,
): Promise<number> {
  const load = { perSecond: 1_000, seconds: sized(bench, { smoke: 0.3, short: 1.5, full: 10 }) };
  // The first transactions of the connections.
  await writer.run({ perSecond: 200, seconds: 0.2 });
  await leader.statements();
  const { sent } = await writer.run(load);
  const { rows } = await db.query<{ head: string }>('select max(position) as head from commitcast.log');
  await dispatched(leader.url, Number(rows[0]?.head));
  const { transactions } = await leader.statements();
  return transactions / sent;
}
