import { hotRows, parents } from './business.ts';
import type { Random } from './random.ts';

export const orgs = ['acme', 'rival', 'third'] as const;
export const sites = ['s1', 's2'] as const;
export const units = ['u1', 'u2', 'u3'] as const;

export type Statement = string | { copy: string; content: string };

/** A transaction with traps, decided before it runs: nothing in it depends on an answer. */
export interface TrapTransaction {
  id: string;
  statements: Statement[];
  /** The whole in one message of the simple protocol: all its statements have the same statement time. */
  oneMessage: boolean;
  commits: boolean;
  /** Which traps it has, to count those that were really run. */
  traps: Set<string>;
}

interface Said {
  id: string;
  turn: number;
  org: string;
  site: string | undefined;
  unit: string | undefined;
}

export interface PlanOptions {
  random: Random;
  writer: number;
  sequence: number;
}

export function planTransaction({ random, writer, sequence }: PlanOptions): TrapTransaction {
  const id = random.uuid();
  const traps = new Set<string>();
  const trap = (name: string, share: number) => {
    const set = random.chance(share);
    if (set) traps.add(name);
    return set;
  };
  const oneMessage = trap('one message', 0.15);
  const replica = trap('session_replication_role=replica', 0.06);
  const statements: Statement[] = [begin(random, traps)];
  if (trap('synchronous_commit=off', 0.2)) statements.push('set local synchronous_commit = off');
  if (replica) statements.push('set local session_replication_role = replica');
  const fault = random.chance(0.06);
  if (fault && trap('failure in the commit, queued before the events', 0.5))
    statements.push(`insert into model.fault values (${1 + random.below(2)})`);

  let turn = 0;
  const say = (org: string): Said => ({ id: random.uuid(), turn: turn++, org, ...randomScope(random) });
  const rows = distinct(random, hotRows, 1 + random.below(3));
  // In one order most of the time: deadlocks are a trap too, but a dear one.
  if (!trap('rows locked in any order', 0.1)) rows.sort((a, b) => a - b);
  const changes = rows.map((row) => ({ kind: 'hot' as 'hot' | 'parent' | 'deleted' | 'child', row }));
  const parent = 1 + random.below(parents);
  if (!replica && trap('deferred foreign key', 0.15)) changes.push({ kind: 'child', row: parent });
  else if (trap('parent locked', 0.1)) changes.push({ kind: 'parent', row: parent });
  else if (!replica && trap('parent deleted and inserted again', 0.03))
    changes.push({ kind: 'deleted', row: parent });

  for (const { kind, row } of changes) {
    const org = orgs[row % orgs.length] ?? 'acme';
    const events = Array.from({ length: trap('many events', 0.25) ? 2 + random.below(4) : 1 }, () =>
      say(org),
    );
    const name = kind === 'hot' ? `hot ${row}` : `parent ${row}`;
    const about = { transaction: id, writer, sequence, row: name };
    const savepoint = random.chance(0.15);
    if (savepoint) statements.push('savepoint before_change');
    const early = trap('event before the lock', 1 / 3);
    if (!early) traps.add('event after the lock');
    if (early) statements.push(insertEvents(random, about, events, oneMessage, traps));
    if (random.chance(0.2)) statements.push(...immediate(random, traps));
    statements.push(...change(kind, row, about, events));
    if (!early) statements.push(insertEventsOfFacts(about, events));
    if (savepoint) {
      if (random.chance(0.1)) statements.push(...immediate(random, traps));
      statements.push(
        trap('savepoint rolled back', 0.5) ? 'rollback to before_change' : 'release before_change',
      );
    }
  }
  if (random.chance(0.1)) statements.push(...immediate(random, traps));
  if (random.chance(0.1)) statements.push(`insert into model.unrelated values ('${id}')`);
  if (fault && trap('failure in the commit, queued after the events', 0.5))
    statements.push(`insert into model.fault values (${1 + random.below(2)})`);
  const commits = !trap('rollback', 0.08);
  statements.push(commits ? 'commit' : 'rollback');
  return { id, statements, oneMessage, commits, traps };
}

function begin(random: Random, traps: Set<string>): string {
  const level = random.pick([...Array<string>(8).fill('read committed'), 'repeatable read', 'serializable']);
  traps.add(level);
  return `begin isolation level ${level}`;
}

function immediate(random: Random, traps: Set<string>): string[] {
  traps.add('SET CONSTRAINTS ALL IMMEDIATE');
  const now = 'set constraints all immediate';
  const form = random.below(4);
  if (form === 0) return [now];
  traps.add(form === 3 ? 'SET CONSTRAINTS ALL DEFERRED again' : 'SET CONSTRAINTS ALL IMMEDIATE twice');
  if (form === 1) return [now, now];
  return form === 2 ? [now, 'select 1', now] : [now, 'set constraints all deferred'];
}

interface About {
  transaction: string;
  writer: number;
  sequence: number;
  row: string;
}

/** The business change, and in the same transaction the rows that say which events tell of it. */
function change(
  kind: 'hot' | 'parent' | 'deleted' | 'child',
  row: number,
  about: About,
  events: Said[],
): string[] {
  const facts = (version: string, from: string, read = false) =>
    `insert into model.fact (id, turn, org, site, unit, transaction, writer, sequence, row, version, read)
     select e.id, e.turn, e.org, e.site, e.unit, '${about.transaction}', ${about.writer}, ${about.sequence}, '${about.row}', ${version}, ${read}
     from ${from}(values ${events.map(({ id, turn, ...scope }) => `('${id}'::uuid, ${turn}, ${texts(scope)})`).join(', ')}) e (id, turn, org, site, unit)`;
  const raised = (table: string) =>
    `with raised as (update model.${table} set version = version + 1 where id = ${row} returning version)
     ${facts('raised.version', 'raised, ')}`;
  // Another transaction may have deleted the parent meanwhile: without it nothing was changed, and nothing is to say.
  const orFail = `select 1 / count(*) from model.fact where id = '${events[0]?.id}'`;
  switch (kind) {
    case 'hot':
      return [raised('hot')];
    case 'parent':
      return [`select from model.parent where id = ${row} for update`, raised('parent'), orFail];
    case 'deleted':
      return [
        `with gone as (delete from model.parent where id = ${row} returning id, version),
           back as (insert into model.parent select id, version + 1 from gone returning version)
         ${facts('back.version', 'back, ')}`,
        orFail,
      ];
    case 'child':
      return [
        facts('null::bigint', '', true),
        `insert into model.child (fact, parent) values ${events.map(({ id }) => `('${id}', ${row})`).join(', ')}`,
      ];
  }
}

/** Before the lock: the version is not known yet. */
function insertEvents(
  random: Random,
  about: About,
  events: Said[],
  oneMessage: boolean,
  traps: Set<string>,
): Statement {
  const columns = 'commitcast.outbox (id, org_id, site_id, unit_id, type, data)';
  const data = JSON.stringify({
    row: about.row,
    version: null,
    writer: about.writer,
    sequence: about.sequence,
  });
  if (!oneMessage && random.chance(0.15)) {
    traps.add('COPY');
    const lines = events.map(({ id, org, site = '\\N', unit = '\\N' }) => [
      id,
      org,
      site,
      unit,
      'changed',
      data,
    ]);
    return {
      copy: `copy ${columns} from stdin`,
      content: lines.map((line) => `${line.join('\t')}\n`).join(''),
    };
  }
  const values = events.map(({ id, ...scope }) => `('${id}', ${texts(scope)}, 'changed', '${data}')`);
  return `insert into ${columns} values ${values.join(', ')}`;
}

function insertEventsOfFacts({ transaction }: About, events: Said[]): string {
  return `insert into commitcast.outbox (id, org_id, site_id, unit_id, type, data)
    select id, org, site, unit, 'changed', jsonb_build_object('row', row, 'version', version, 'writer', writer, 'sequence', sequence)
    from model.fact where transaction = '${transaction}' and id in (${events.map(({ id }) => `'${id}'`).join(', ')})
    order by turn`;
}

function randomScope(random: Random): Pick<Said, 'site' | 'unit'> {
  const site = random.pick([undefined, ...sites]);
  const unit = random.pick([undefined, undefined, ...units]);
  return { site, unit };
}

function texts({ org, site, unit }: Pick<Said, 'org' | 'site' | 'unit'>): string {
  return [org, site, unit]
    .map((value) => (value === undefined ? 'null::text' : `'${value}'::text`))
    .join(', ');
}

function distinct(random: Random, limit: number, count: number): number[] {
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(1 + random.below(limit));
  return [...chosen];
}
