import type { Client } from 'pg';
import { migrate } from '../../../src/db/migrate.ts';
import type { Bench, Measurement } from '../harness/row.ts';
import { connectTo } from '../support/connect-to.ts';
import { startCountedServer, type CountedServer } from '../support/counted-server.ts';
import { ms } from '../support/samples.ts';
import { startSubscribers, type Subscribers } from '../support/subscribers.ts';
import { startWriter, type Load } from '../support/writer.ts';
import { total } from '../support/wire.ts';
import { postgresCpu } from './postgres-cpu.ts';
import { smaller, type Sweep } from './sweep.ts';

export const instances: Sweep = {
  name: 'instances',
  title: 'Instances',
  method: `Instances with the postgres adapter, one client of the whole org on each; the first instance leads. A generator commits 500
    events a second, one a transaction. Latency is that of the last instance’s client, from when each was due until its
    callback. Statements and transactions are those of all instances, WAL is that of the cluster, and the CPU time of Postgres is that of
    all its processes, the writers’ sessions among them. All instances and Postgres share one core.`,
  axis: { label: 'instances', logarithmic: false },
  points: { smoke: [1, 2], whole: [1, 2, 3] },
  metrics: {
    p50: { label: 'p50', unit: 'ms' },
    p99: { label: 'p99', unit: 'ms' },
    statements: { label: 'statements per event', unit: '' },
    transactions: { label: 'transactions per event', unit: '' },
    wal: { label: 'WAL per event', unit: 'B' },
    cpu: { label: 'CPU of Postgres per event', unit: 'µs' },
  },
  charts: [
    {
      title: 'Commit → client of the last instance',
      unit: 'ms',
      lines: [
        { metric: 'p50', label: 'p50', kind: 'ours' },
        { metric: 'p99', label: 'p99', kind: 'ours', dashed: true },
      ],
    },
    {
      title: 'Transactions of all instances per event',
      unit: '',
      lines: [{ metric: 'transactions', label: 'commitcast', kind: 'ours' }],
    },
    {
      title: 'WAL per event',
      unit: 'B',
      lines: [{ metric: 'wal', label: 'commitcast', kind: 'ours' }],
    },
    {
      title: 'CPU of Postgres per event',
      unit: 'µs',
      lines: [{ metric: 'cpu', label: 'commitcast', kind: 'ours' }],
    },
  ],
  open,
};

interface Instance {
  server: CountedServer;
  client: Subscribers;
}

async function open(bench: Bench): Promise<(count: number) => Promise<Measurement>> {
  const databaseUrl = await bench.database('instances');
  await migrate({ connectionString: databaseUrl });
  const db = await connectTo(bench, databaseUrl);
  const cpu = await postgresCpu(db);
  const running: Instance[] = [];
  await startInstance(bench, running, databaseUrl);
  const writer = await startWriter(bench, { databaseUrl });

  const run = async (load: Load) => {
    for (const { client } of running) await client.reset();
    const { sent } = await writer.run(load);
    return { sent, received: await Promise.all(running.map(({ client }) => client.result(sent))) };
  };
  return async (count) => {
    while (running.length < count) await startInstance(bench, running, databaseUrl);
    while (running.length > count) await stopInstance(running);
    await run({ perSecond: 200, seconds: smaller(bench, 0.1, 0.5) });

    for (const { server } of running) await server.statements();
    const cpuBefore = await cpu?.();
    const walBefore = await walOf(db);
    const { sent, received } = await run({ perSecond: 500, seconds: smaller(bench, 0.2, 4) });
    const wal = (await walOf(db)) - walBefore;
    const cpuAfter = await cpu?.();
    const asked = await Promise.all(running.map(({ server }) => server.statements()));
    const statements = asked.flatMap(({ texts }) => Object.values(texts)).reduce((sum, n) => sum + n, 0);
    const transactions = asked.reduce((sum, each) => sum + each.transactions, 0);
    const last = received.at(-1)?.latencyUs;
    return {
      values: {
        p50: ms(last?.p50 ?? NaN),
        p99: ms(last?.p99 ?? NaN),
        statements: statements / sent,
        transactions: transactions / sent,
        wal: wal / sent,
        ...(cpuBefore !== undefined && cpuAfter !== undefined && { cpu: (cpuAfter - cpuBefore) / sent }),
      },
      ...total(received),
      ...(cpu === undefined && { note: 'CPU time of Postgres: it is not a process of this machine' }),
    };
  };
}

/** The first one leads: the others run no relay. */
async function startInstance(bench: Bench, running: Instance[], databaseUrl: string): Promise<void> {
  const relay = running.length === 0;
  const server = await startCountedServer(bench, { databaseUrl, adapter: 'postgres', relay });
  const client = await startSubscribers(bench, { url: server.url, clients: 1 });
  await client.connect();
  running.push({ server, client });
}

async function stopInstance(running: Instance[]): Promise<void> {
  const last = running.pop();
  await last?.client.stop();
  await last?.server.stop();
}

/** Bytes of WAL that the cluster has written so far. */
async function walOf(db: Client): Promise<number> {
  const { rows } = await db.query<{ bytes: string }>(`select pg_current_wal_lsn() - '0/0' as bytes`);
  return Number(rows[0]?.bytes);
}
