import { Client } from 'pg';
import { randomUUID } from 'node:crypto';
import { readFacts } from '../support/business.ts';
import type { SeenEvent } from '../support/history-checker.ts';
import { orgs } from '../support/trap-transactions.ts';
import type { Case } from './judge.ts';
import { insertEvents } from './load.ts';
import type { ChaosPostgres } from './postgres.ts';
import { pulseOrg } from './pulses.ts';

const lastWriter = 4_000;

/** A last event of every org, which says that there is no more; resolves with its position by org. */
export async function endOfStream({ url, query }: ChaosPostgres): Promise<Map<string, number>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const about = { transaction: randomUUID(), writer: lastWriter, sequence: 1, type: 'last' };
  await insertEvents(
    client,
    [...orgs, pulseOrg].map((org, turn) => ({ ...about, org, turn, id: randomUUID() })),
  );
  await client.end();
  const rows = await query<{ org: string; position: number }>(
    `select org_id as org, position::float8 as position from commitcast.log where type = 'last'`,
  );
  return new Map(rows.map(({ org, position }) => [org, position]));
}

/** What the database says: the log, the business rows, and who was revoked. */
export async function readCase(
  postgres: ChaosPostgres,
): Promise<Pick<Case, 'log' | 'facts' | 'revocations'>> {
  const log = await postgres.query<SeenEvent & Record<'site' | 'unit', string | null>>(
    `select position::float8 as position, id, type, org_id as org, site_id as site, unit_id as unit, data
     from commitcast.log where not control order by log.position`,
  );
  const revoked = await postgres.query<{ user: string; position: number }>(
    `select user_id as user, position::float8 as position from commitcast.revocation`,
  );
  return {
    log: log.map(({ site, unit, ...event }) => ({
      ...event,
      site: site ?? undefined,
      unit: unit ?? undefined,
    })),
    facts: await readFacts({ query: async (text, values) => ({ rows: await postgres.query(text, values) }) }),
    revocations: new Map(revoked.map(({ user, position }) => [user, position])),
  };
}
