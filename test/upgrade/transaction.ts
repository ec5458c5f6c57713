import type { Client } from 'pg';
import type { Random } from '../support/random.ts';

/** Rows that all writers change; beyond them, each writer has one of its own. */
export const sharedRows = 4;
export const orgs = ['acme', 'rival'] as const;

export const tables = `
  create schema upgrade;
  create table upgrade.hot (id int primary key, version bigint not null default 0);
  create table upgrade.fact (
    id uuid primary key, turn int, org text, site text, unit text, transaction uuid, writer int, sequence int, "row" text,
    version bigint, read boolean
  );`;

interface Said {
  readonly id: string;
  readonly turn: number;
  readonly org: string;
  readonly site: string | null;
  readonly unit: string | null;
  readonly stream: string | null;
}

export interface Turn {
  readonly random: Random;
  readonly writer: number;
  readonly sequence: number;
  /** Whether the schema has streams with versions already. */
  readonly streams: boolean;
}

/**
 * One transaction of a business: it changes a row, writes down what it has to say, and says it, some of it before it has
 * the row's lock. No two of them can wait for each other in a circle, and none can lose a conflict: whatever fails does
 * so because of the migration. Returns its id if it committed.
 */
export async function runTurn(
  client: Client,
  { random, writer, sequence, streams }: Turn,
): Promise<string | undefined> {
  const transaction = random.uuid();
  const own = random.chance(0.3);
  const row = own ? 1_000 + writer : 1 + random.below(sharedRows);
  const repeatable = own && random.chance(0.5);
  const org = orgs[row % orgs.length] ?? orgs[0];
  const early = random.chance(1 / 3);
  // A stream's row is locked from the insert on: after the row that goes with it. One that begins while the database has
  // no versions would meet those that the migration gives, and be refused as any REPEATABLE READ transaction is.
  const stream = !early && (streams || !repeatable) && random.chance(0.4) ? `row-${row}` : null;
  const events = Array.from({ length: 1 + random.below(3) }, (_, turn): Said => {
    const site = random.pick([null, 's1', 's2']);
    return { id: random.uuid(), turn, org, site, unit: random.pick([null, 'u1', 'u2']), stream };
  });

  await client.query(`begin isolation level ${repeatable ? 'repeatable read' : 'read committed'}`);
  if (random.chance(0.2)) await client.query('select max(position) from commitcast.log');
  const about = { row: `row ${row}`, writer, sequence };
  if (early) await say(client, events, { ...about, version: null });
  const { rows } = await client.query<{ version: string }>(
    'update upgrade.hot set version = version + 1 where id = $1 returning version',
    [row],
  );
  const version = Number(rows[0]?.version);
  const data = { ...about, version };
  if (!early && streams && random.chance(0.4)) await append(client, events, data);
  else if (!early) await say(client, events, data);
  const facts = events.map((event) => ({ ...event, ...data, transaction, read: false }));
  await client.query(
    'insert into upgrade.fact select * from jsonb_populate_recordset(null::upgrade.fact, $1)',
    [JSON.stringify(facts)],
  );
  const commits = !random.chance(0.1);
  await client.query(commits ? 'commit' : 'rollback');
  return commits ? transaction : undefined;
}

/** As any application does: by a statement that is prepared once, before the migration, and used after it. */
async function say(client: Client, events: readonly Said[], data: object): Promise<void> {
  for (const { id, org, site, unit, stream } of events) {
    await client.query({
      name: 'say',
      text: `insert into commitcast.outbox (id, org_id, site_id, unit_id, type, data, stream)
             values ($1, $2, $3, $4, 'changed', $5, $6) returning id`,
      values: [id, org, site, unit, JSON.stringify(data), stream],
    });
  }
}

async function append(client: Client, events: readonly Said[], data: object): Promise<void> {
  const whole = events.map(({ id, org, site, unit, stream }) => ({
    id,
    org,
    type: 'changed',
    data,
    ...(site === null ? {} : { site }),
    ...(unit === null ? {} : { unit }),
    ...(stream === null ? {} : { stream }),
  }));
  await client.query({
    name: 'append',
    text: 'select * from commitcast.append($1::jsonb)',
    values: [JSON.stringify(whole)],
  });
}
