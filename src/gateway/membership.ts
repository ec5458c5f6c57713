import { rowsOf, type Executor } from '../db/executor.ts';
import type { Membership } from './identity.ts';

interface MembershipRow {
  org_id: string;
  profile_id: string | null;
  role: string;
  email: string | null;
  sites: string[] | null;
  units: string[] | null;
}

const columns = 'org_id, profile_id, role, email, sites, units';

/** The user's primary membership, else the oldest one. */
export async function readPrimaryMembership(db: Executor, userId: string): Promise<Membership | null> {
  const [row] = await rowsOf<MembershipRow>(
    db,
    `select ${columns} from commitcast.membership where user_id = $1 order by is_primary desc, created_at, org_id limit 1`,
    [userId],
  );
  return row ? toMembership(row) : null;
}

export async function readMembership(db: Executor, userId: string, org: string): Promise<Membership | null> {
  const [row] = await rowsOf<MembershipRow>(
    db,
    `select ${columns} from commitcast.membership where user_id = $1 and org_id = $2`,
    [userId, org],
  );
  return row ? toMembership(row) : null;
}

function toMembership({ org_id, profile_id, role, email, sites, units }: MembershipRow): Membership {
  return { organizationId: org_id, profileId: profile_id, role, email, sites, units };
}
