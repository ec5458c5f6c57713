import type { Client } from 'pg';
import type { Subscription } from '../../src/core/subscription.ts';
import { append } from '../../src/log/append.ts';
import { revoke } from '../../src/log/revoke.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import type { TestDatabase } from '../support/database.ts';
import type { Random } from '../support/random.ts';
import { signToken } from '../support/tokens.ts';

export const orgs = ['acme', 'rival'];
const units = ['u1', 'u2'];

/** A user in one org, with one client that stays as long as it may. */
export interface Member {
  org: string;
  user: string;
  token: string;
  subscriptions: Subscription[];
  client: TestClient;
  /** Position after which it is live. */
  start: number;
}

const wanted: Subscription[][] = [
  [{ deep: true }],
  [{ unit: 'u1' }],
  [{ site: 's1', deep: true }, { unit: 'u2' }],
];

/** The same users in every org, spread over the instances. */
export function connectMembers(urls: readonly string[], users: number): Promise<Member[]> {
  return Promise.all(
    orgs.flatMap((org) =>
      Array.from({ length: users }, async (_, n): Promise<Member> => {
        const user = `user ${n}`;
        const token = await signToken({ sub: user, org_id: org });
        const subscriptions = wanted[n % wanted.length] ?? [];
        const client = await connectClient(urls[n % urls.length] ?? '', { token, subscriptions });
        const { cursor } = await client.live();
        return { org, user, token, subscriptions, client, start: Number(cursor.split('-')[1]) };
      }),
    ),
  );
}

/** One writer: transactions of some events, in which it sometimes takes a right away, in the middle. */
export async function write(
  database: TestDatabase,
  random: Random,
  transactions: number,
  losses: { org: string; user: string; unit?: string }[],
): Promise<void> {
  const client: Client = await database.connect();
  const say = (org: string) => {
    const scope = random.pick([{}, { site: 's1' }, { unit: random.pick(units) }, { site: 's1', unit: 'u1' }]);
    return { org, type: 'test', data: random.below(1_000), ...scope };
  };
  for (let n = 0; n < transactions; n++) {
    await client.query('begin');
    await append(client, orgs.map(say));
    const loss = random.chance(0.2) ? losses.pop() : undefined;
    if (loss) await revoke(client, loss);
    await append(client, orgs.map(say));
    await client.query(random.chance(0.9) || loss ? 'commit' : 'rollback');
  }
  await client.end();
}

/** What was taken from a member, and where in the order: of the whole org, and of the unit `u1`. */
export async function readLosses(database: TestDatabase, { org, user }: Member) {
  const { rows } = await database.pool.query<{ whole: string | null; unit: string | null }>(
    `select min(position) filter (where unit_id is null) as whole, min(position) filter (where unit_id = 'u1') as unit
     from commitcast.revocation where org_id = $1 and user_id = $2`,
    [org, user],
  );
  return { whole: Number(rows[0]?.whole ?? Infinity), unit: Number(rows[0]?.unit ?? Infinity) };
}

/** What the design's table says, written down again: not the code under test. */
const sees = (wants: Subscription, site: string | null, unit: string | null) => {
  if (wants.unit !== undefined) return wants.unit === unit;
  if (wants.site === undefined) return true;
  return wants.site === site;
};

// Losing the unit `u1`, one loses what may show it, too: `deep` of the org or of a site.
const isLost = (wants: Subscription) => wants.deep === true || wants.unit === 'u1';

/** Positions of all that a member is to get, by the log alone. */
export async function readExpected(database: TestDatabase, member: Member): Promise<number[]> {
  const { whole, unit: unitLost } = await readLosses(database, member);
  const { rows } = await database.pool.query<{ position: string; site: string | null; unit: string | null }>(
    `select position, site_id as site, unit_id as unit from commitcast.log
     where org_id = $1 and not control and position > $2 and position < $3 order by position`,
    [member.org, member.start, Math.min(whole, Number.MAX_SAFE_INTEGER)],
  );
  return rows
    .map(({ position, ...scope }) => ({ position: Number(position), ...scope }))
    .filter(({ position, site, unit }) => {
      if (site === null && unit === null) return true;
      const left = member.subscriptions.filter((wants) => position < unitLost || !isLost(wants));
      return left.some((wants) => sees(wants, site, unit));
    })
    .map(({ position }) => position);
}
