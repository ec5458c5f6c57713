import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { append } from '../../src/log/append.ts';
import { startPrivateServer, type PrivateServer } from '../support/private-server.ts';
import { createRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

const rounds = 3;
const writers = 8;
const eventsPerRound = 200;

/** What subscribers would have seen: the content of every position that the relay rang for. */
class Witness {
  readonly seen = new Map<number, string>();
  #read = 0;

  /** Reads what is new up to `settled`, as a dispatcher does. */
  async read(client: Client, settled: number): Promise<void> {
    const { rows } = await client.query<{ position: string; content: string }>(
      `select position, id::text || type || data::text as content from commitcast.log
       where position > $1 and position <= $2`,
      [this.#read, settled],
    );
    this.#read = Math.max(this.#read, settled);
    for (const { position, content } of rows) this.seen.set(Number(position), content);
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Business changes, each with its event; some roll back. Ends when the server is gone. */
async function write(url: string): Promise<void> {
  const client = await connect(url);
  try {
    await client.query('set synchronous_commit = off');
    for (let n = 0; ; n += 1) {
      const id = randomUUID();
      await client.query('begin');
      await append(client, { id, org: 'acme', type: 'sold', data: { id, n } });
      await client.query('insert into sale values ($1)', [id]);
      await client.query(n % 5 === 4 ? 'rollback' : 'commit');
    }
  } catch {
    await client.end().catch(() => undefined);
  }
}

async function crashUnderLoad(server: PrivateServer, witness: Witness, rung: () => number): Promise<void> {
  const reader = await connect(server.url);
  const before = witness.seen.size;
  const load = Promise.all(Array.from({ length: writers }, () => write(server.url)));
  // The server dies at no particular moment: while the last of these reads is under way.
  await until(async () => {
    await witness.read(reader, rung());
    return witness.seen.size - before >= eventsPerRound;
  });
  const last = witness.read(reader, rung()).catch(() => undefined);
  await server.kill();
  await Promise.all([last, load, reader.end().catch(() => undefined)]);
}

describe('kill -9 of Postgres under writes with synchronous_commit = off', () => {
  it('takes back nothing that was seen, gives no position twice, and splits no change from its event', async () => {
    const server = await startPrivateServer({ wal_writer_delay: '10s' });
    await migrate({ connectionString: server.url });
    const setup = await connect(server.url);
    await setup.query('create table sale (id uuid primary key)');
    await setup.end();
    const witness = new Witness();
    const observed = createRelay(server);
    await observed.relay.start();
    try {
      for (let round = 0; round < rounds; round += 1) {
        await crashUnderLoad(server, witness, () => observed.rung);
        await server.start();
        const client = await connect(server.url);
        const { rows: kept } = await client.query<{ position: string; content: string }>(
          `select position, id::text || type || data::text as content from commitcast.log order by position`,
        );
        const log = new Map(kept.map(({ position, content }) => [Number(position), content]));
        const changed = [...witness.seen].filter(([position, content]) => log.get(position) !== content);
        expect(changed).toEqual([]);
        const { rows: split } = await client.query(
          `select sale.id as change, log.id as event from sale full join commitcast.log using (id)
           where sale.id is null or log.id is null`,
        );
        expect(split).toEqual([]);
        // The relay goes on by itself, over the positions that the crash has skipped.
        await append(client, { org: 'acme', type: 'after.crash', data: {} });
        await client.query(
          `insert into sale select id from commitcast.log where type = 'after.crash' on conflict do nothing`,
        );
        const { rows } = await client.query<{ last: string }>(
          'select max(position) as last from commitcast.log',
        );
        await until(() => observed.rung >= Number(rows[0]?.last), {
          timeoutMs: 10_000,
          message: 'the relay',
        });
        await client.end();
      }
    } finally {
      await observed.relay.stop();
    }
    expect(witness.seen.size).toBeGreaterThanOrEqual(rounds * eventsPerRound);
  }, 90_000);
});
