import type { Executor } from '../../src/db/executor.ts';
import type { NewEvent } from '../../src/core/event.ts';
import type { Random } from '../support/random.ts';

/** An account is a stream. Few, so that writers stand in line for them; the same names in two orgs. */
export const accounts = ['acme', 'rival'].flatMap((org) => ['a', 'b'].map((stream) => ({ org, stream })));

/** What a caller wants done once, however often it has to ask: amounts on accounts of one org. */
export interface Command {
  key: string;
  org: string;
  /** The database gives the ids, or the caller does. */
  events: (NewEvent & { stream: string; data: { command: string; turn: number; amount: number } })[];
}

export function chooseCommand(random: Random): Command {
  const key = random.uuid();
  const org = random.pick(accounts).org;
  const given = random.chance(0.5);
  const events = Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, turn) => ({
    org,
    stream: random.pick(accounts).stream,
    type: 'booked',
    ...(given ? { id: random.uuid() } : {}),
    data: { command: key, turn, amount: random.below(2_000) - 1_000 },
  }));
  return { key, org, events };
}

/**
 * The business that the events tell of. `trail` depends on the order of all amounts; `entry` has a row for every event,
 * with the version that its transaction expected of the stream, if any.
 */
export async function createAccounts(db: Executor): Promise<void> {
  await db.query(`
    create schema model;
    create table model.account (
      org text, stream text, sum bigint not null default 0, entries int not null default 0, trail text not null default '',
      primary key (org, stream)
    );
    create table model.entry (
      command uuid, turn int, event uuid, expected bigint,
      primary key (command, turn)
    );
    create table model.parent (id int primary key);
    insert into model.parent values (1);
    create table model.child (parent int references model.parent deferrable initially deferred)`);
  for (const { org, stream } of accounts)
    await db.query('insert into model.account (org, stream) values ($1, $2)', [org, stream]);
}

/** Books a command whose events were appended, unless it was booked before. */
export async function book(
  db: Executor,
  { key, events }: Command,
  ids: readonly string[],
  expected: ReadonlyMap<string, number>,
): Promise<void> {
  const told = new Set<string>();
  for (const [turn, { org, stream, data }] of events.entries()) {
    // What is expected is the version before the call, so it is of the first event of the stream.
    const expectation = told.has(stream) ? null : (expected.get(stream) ?? null);
    told.add(stream);
    await db.query(
      `with entry as (
         insert into model.entry values ($1, $2, $3, $4) on conflict do nothing returning turn
       )
       update model.account set sum = sum + $5::int, entries = entries + 1, trail = md5(trail || $5::int)
       where org = $6 and stream = $7 and exists (select from entry)`,
      [key, turn, ids[turn], expectation, data.amount, org, stream],
    );
  }
}
