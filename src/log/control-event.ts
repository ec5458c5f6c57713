import type { Tombstone } from '../core/erased.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { EventRow } from './event-row.ts';

/** What the instances do at a position of the log. Types that this version does not know are of a newer one. */
export interface ControlEvent {
  readonly type: string;
  readonly org: string;
  readonly user: string;
  readonly site: string | undefined;
  readonly unit: string | undefined;
  /** The stream whose data was erased; without it: all of the org. */
  readonly stream?: string;
  /** What stands for the data that was erased. */
  readonly tombstone?: Tombstone;
  /** Unix milliseconds of the commit. */
  readonly at: number;
}

/** A user lost an org, or a site or unit of it. */
export const revokedType = 'commitcast.revoked';
/** A user's rights in an org are others now. */
export const membershipChangedType = 'commitcast.membership-changed';
/** The data of what an org, or a stream of it, has said before is gone. */
export const erasedType = 'commitcast.erased';

export function toControlEvent(event: CommitcastEvent, { committed_at, created_at }: EventRow): ControlEvent {
  const { id, type, org, site, unit, data } = event;
  const { user, stream } = (data ?? {}) as { user?: unknown; stream?: unknown };
  return {
    type,
    org,
    user: typeof user === 'string' ? user : '',
    site,
    unit,
    ...(typeof stream === 'string' ? { stream } : {}),
    ...(type === erasedType ? { tombstone: { $erased: id } } : {}),
    at: new Date(committed_at ?? created_at).getTime(),
  };
}
