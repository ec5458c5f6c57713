import type { Client } from 'pg';
import { eventColumns, toEvent, type EventRow } from '../../src/log/event-row.ts';
import { checkHistory, type ClientHistory, type Fact, type Span } from '../support/history-checker.ts';
import { migrations } from './old-database.ts';
import { readPast, type Past } from './past.ts';
import { orgs } from './transaction.ts';

export interface Verdict {
  /** In words; none: nothing was lost, doubled, altered or put out of order. */
  readonly problems: readonly string[];
  /** What was looked at, so that an empty log is not taken for a good one. */
  readonly looked: { readonly past: number; readonly facts: number };
}

export interface Evidence {
  readonly past: Past;
  /** Whether the versions of the past's streams were to stay. */
  readonly versions: boolean;
  readonly spans: ReadonlyMap<string, Span>;
}

/** Judges a database that was upgraded under writers, by what the log said before, and by what the business rows say. */
export async function judge(client: Client, { past, versions, spans }: Evidence): Promise<Verdict> {
  const problems: string[] = [];
  const now = await readPast(client, { end: past.end, versions });
  if (now.events !== past.events)
    problems.push(`${past.events} events were logged before, ${now.events} are left`);
  else if (now.digest !== past.digest) problems.push('what was logged before is not what it was');

  const facts = await readFacts(client);
  const unheard = new Set(spans.keys());
  for (const { transaction } of facts) unheard.delete(transaction);
  if (unheard.size > 0) problems.push(`${unheard.size} transactions that committed have left nothing`);

  const { rows: logged } = await client.query<EventRow>(
    `select ${eventColumns} from commitcast.log where not control and log.position > $1 order by log.position`,
    [past.end],
  );
  const events = logged.map(toEvent);
  const clients = orgs.map((org): ClientHistory => ({
    name: `log of ${org}`,
    org,
    subscriptions: [{ deep: true }],
    steps: [
      { kind: 'connected', cursor: `x-${past.end}` },
      {
        kind: 'events',
        events: events.filter((event) => event.org === org),
        cursor: `x-${events.at(-1)?.position ?? past.end}`,
      },
    ],
  }));
  const { examples } = checkHistory({ facts, clients, spans });
  for (const [defect, few] of Object.entries(examples)) problems.push(`${defect}: ${few.join('; ')}`);
  if (events.length !== facts.length)
    problems.push(`${facts.length} events were committed, ${events.length} are logged`);

  problems.push(...(await findLooseVersions(client)), ...(await findWrongSchema(client)));
  return { problems, looked: { past: now.events, facts: facts.length } };
}

/** As Postgres has them: numbers of eight bytes as text, and null for what there is not. */
type FactRow = Omit<Fact, 'version' | 'site' | 'unit'> & Record<'version' | 'site' | 'unit', string | null>;

export async function readFacts(client: Client): Promise<Fact[]> {
  const { rows } = await client.query<FactRow>('select * from upgrade.fact');
  return rows.map(({ version, site, unit, ...fact }) => ({
    ...fact,
    version: Number(version),
    site: site ?? undefined,
    unit: unit ?? undefined,
  }));
}

/** Versions of a stream are dense from 1, in the order of its positions, and its row knows the last. */
async function findLooseVersions(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ org: string; stream: string }>(
    `select org_id as org, stream from (
       select l.org_id, l.stream, l.version, s.version as known,
         row_number() over (partition by l.org_id, l.stream order by l.position) as n
       from commitcast.log l left join commitcast.stream s using (org_id, stream) where l.stream is not null
     ) numbered
     group by org_id, stream
     having not coalesce(bool_and(version = n) and max(n) = max(known), false)`,
  );
  return rows.map(({ org, stream }) => `the versions of stream ${stream} of ${org} have holes`);
}

async function findWrongSchema(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ newest: string; count: string }>(
    'select max(created_at) as newest, count(*) as count from commitcast.migration',
  );
  const [row] = rows;
  return Number(row?.newest) === migrations.at(-1)?.when && Number(row?.count) === migrations.length
    ? []
    : ['the schema is not the newest'];
}
