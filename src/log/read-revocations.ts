import { rowsOf, type Executor } from '../db/executor.ts';

/** That a user lost an org, a site or a unit; the latest of each. */
export interface RevokedRight {
  org: string;
  user: string;
  site: string | undefined;
  unit: string | undefined;
  /** Unix milliseconds of the commit. */
  at: number;
}

interface RevocationRow {
  org_id: string;
  user_id: string;
  site_id: string | null;
  unit_id: string | null;
  at: Date;
}

export async function readRevocations(db: Executor): Promise<RevokedRight[]> {
  const rows = await rowsOf<RevocationRow>(
    db,
    `select org_id, user_id, site_id, unit_id, max(at) as at from commitcast.revocation
     group by org_id, user_id, site_id, unit_id`,
  );
  return rows.map(({ org_id, user_id, site_id, unit_id, at }) => ({
    org: org_id,
    user: user_id,
    site: site_id ?? undefined,
    unit: unit_id ?? undefined,
    at: at.getTime(),
  }));
}
