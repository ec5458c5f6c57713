import { migrate } from '../../../../src/db/migrate.ts';
import { signToken } from '../../../support/tokens.ts';
import { sized, type Bench, type Measurement } from '../../harness/row.ts';
import { connectTo } from '../../support/connect-to.ts';
import type { Statements } from '../../support/count-statements.ts';
import { startCountedServer } from '../../support/counted-server.ts';
import { dispatched, statusOf } from '../../support/progress.ts';
import { ms } from '../../support/samples.ts';
import { startSink } from '../../support/sink.ts';
import { startSubscribers } from '../../support/subscribers.ts';
import { total } from '../../support/wire.ts';
import { startWriter } from '../../support/writer.ts';
import { clientsOf, missed, roomOf, rooms, stormMs } from './sizes.ts';

const perSecond = 50;
const stayed = 5;

/** All clients are live, then gone; 50 events in each room; all come back at once, while five others get live events. */
export async function measureOurs(bench: Bench, restarts: boolean): Promise<Measurement> {
  const clients = clientsOf(bench);
  const databaseUrl = await bench.database('storm');
  await migrate({ connectionString: databaseUrl });
  const db = await connectTo(bench, databaseUrl);
  const options = { databaseUrl, adapter: 'memory' } as const;
  let server = await startCountedServer(bench, options);
  const sink = startSink(bench);
  const auth = await Promise.all(
    Array.from({ length: clients }, async (_, n) => ({
      token: await signToken({ sub: `user-${n}` }),
      subscriptions: [{ unit: roomOf(n) }],
    })),
  );
  bench.progress('all connect for the first time');
  await sink.connect({ url: server.url, count: clients, kind: 'commitcast', auth });
  const places = await sink.places();
  await sink.disconnect();
  await db.query(
    `insert into commitcast.outbox (org_id, unit_id, type, data)
     select 'acme', 's' || k % $1::int, 'bench.ticked', jsonb_build_object('n', k / $1::int)
     from generate_series(0, $1::int * $2::int - 1) k`,
    [rooms, missed],
  );
  const { rows } = await db.query<{ head: string }>('select max(position) as head from commitcast.log');
  if (restarts) {
    await server.stop();
    server = await startCountedServer(bench, options);
  }
  await dispatched(server.url, Number(rows[0]?.head));

  const others = await startSubscribers(bench, {
    url: server.url,
    clients: stayed,
    subscriptions: [{ unit: 'u0' }],
  });
  await others.connect();
  const writer = await startWriter(bench, { databaseUrl, connections: 2 });
  await server.statements();
  // Longer than any interval at which an instance looks at the database by itself.
  const warmUp = await writer.run({ perSecond, seconds: sized(bench, { smoke: 1, short: 2.2, full: 5 }) });
  await others.result(warmUp.sent);
  await others.reset();
  const quiet = await server.statements();

  bench.progress('all come back');
  const over = new AbortController();
  const cursors = auth.map((each, n) => ({ ...each, cursor: places[n]?.place }));
  const storm = sink
    .connect({ url: server.url, count: clients, kind: 'commitcast', auth: cursors })
    .finally(() => {
      over.abort();
    });
  let written = 0;
  do written += (await writer.run({ perSecond, seconds: 0.2 })).sent;
  while (!over.signal.aborted);
  await storm;
  const during = await server.statements();
  const live = await others.result(written);
  const report = await sink.report(missed);
  const { memory, log } = (await statusOf(server.url)).instances[0]?.report.gateway?.replays ?? {};
  return {
    values: {
      storm: stormMs(report),
      live: ms(live.latencyUs.p99),
      queries: newReads(during, quiet),
    },
    // Beyond what each was to get is as bad as twice.
    ...total([report, live, { missed: 0, doubled: Math.max(0, report.mostEvents - missed), disordered: 0 }]),
    note: `pages read from memory: ${memory?.pages}, from the log: ${log?.pages}`,
  };
}

/** Statements that read the log and have no place in an instance's life while nobody comes. */
function newReads(during: Statements, quiet: Statements): number {
  return Object.entries(during.texts)
    .filter(([text]) => text.includes('commitcast.log') && !(text in quiet.texts))
    .reduce((sum, [, times]) => sum + times, 0);
}
