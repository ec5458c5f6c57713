import { Client } from 'pg';
import { randomUUID } from 'node:crypto';
import { readFacts } from '../support/business.ts';
import type { SeenEvent } from '../support/history-checker.ts';
import { orgs } from '../support/trap-transactions.ts';
import { consumerSpecs } from './consumer-specs.ts';
import type { Case } from './judge.ts';
import type { ConsumerEvidence } from './judge-consumers.ts';
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

/** What the database says: the log, the business rows, who was revoked, and what consumers have written. */
export async function readCase(
  postgres: ChaosPostgres,
): Promise<Pick<Case, 'log' | 'facts' | 'revocations' | 'consumers'>> {
  const log = await postgres.query<
    SeenEvent & Record<'site' | 'unit' | 'stream', string | null> & { version: number | null }
  >(
    `select position::float8 as position, id, type, org_id as org, site_id as site, unit_id as unit,
       stream, version::float8 as version, data
     from commitcast.log where not control order by log.position`,
  );
  const revoked = await postgres.query<{ user: string; position: number }>(
    `select user_id as user, position::float8 as position from commitcast.revocation`,
  );
  return {
    log: log.map(({ site, unit, stream, version, ...event }) => ({
      ...event,
      site: site ?? undefined,
      unit: unit ?? undefined,
      stream: stream ?? undefined,
      version: version ?? undefined,
    })),
    facts: await readFacts({ query: async (text, values) => ({ rows: await postgres.query(text, values) }) }),
    revocations: new Map(revoked.map(({ user, position }) => [user, position])),
    consumers: {
      specs: consumerSpecs,
      readModels: await postgres.query<ConsumerEvidence['readModels'][number]>(
        'select consumer, lane, events, last::float8 as last, fold from chaos.read_model order by 1, 2',
      ),
      handled: await postgres.query<ConsumerEvidence['handled'][number]>(
        'select consumer, lane, position::float8 as position from chaos.handled order by n',
      ),
    },
  };
}
