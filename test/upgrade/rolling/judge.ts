import type { Client as Database } from 'pg';
import { checkHistory, type ClientHistory, type Span } from '../../support/history-checker.ts';
import { judge, readFacts } from '../judge.ts';

export interface Seen {
  readonly spans: ReadonlyMap<string, Span>;
  readonly clients: readonly ClientHistory[];
}

export interface RollingVerdict {
  /** In words; none: nothing was missed, doubled, altered or put out of order, by nobody. */
  readonly problems: readonly string[];
  readonly looked: {
    readonly facts: number;
    readonly events: number;
    readonly drops: number;
    readonly consumed: number;
  };
}

/** Judges the log, what each client saw and what the consumer handled by what the business rows say. */
export async function judgeRolling(database: Database, { spans, clients }: Seen): Promise<RollingVerdict> {
  const past = { end: 0, events: 0, digest: '0' };
  const { problems: ofLog, looked } = await judge(database, { past, versions: true, spans });
  const seen = checkHistory({ facts: await readFacts(database), clients, spans });
  const problems = [...ofLog];
  for (const [defect, few] of Object.entries(seen.examples)) problems.push(`${defect}: ${few.join('; ')}`);
  const { rows } = await database.query<Record<'consumed' | 'missed' | 'doubled' | 'inverted', number>>(
    `select (select count(*)::int from upgrade.consumed) as consumed,
       (select count(*)::int from commitcast.log l where not control
         and not exists (select from upgrade.consumed c where c.id = l.id)) as missed,
       (select (count(*) - count(distinct id))::int from upgrade.consumed) as doubled,
       (select count(*)::int from (
         select position < lag(position) over (partition by org order by n) as back from upgrade.consumed
       ) ordered where back) as inverted`,
  );
  const { consumed = 0, ...defects } = rows[0] ?? {};
  for (const [defect, count] of Object.entries(defects))
    if (count > 0) problems.push(`the consumer: ${count} events ${defect}`);
  return {
    problems,
    looked: { facts: looked.facts, events: seen.looked.events, drops: seen.looked.drops, consumed },
  };
}
