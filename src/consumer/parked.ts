import type { CommitcastEvent } from '../core/event.ts';
import { rowsOf, type Executor } from '../db/executor.ts';
import { eventColumns, toEvent, type EventRow } from '../log/event-row.ts';
import type { Claim } from './checkpoint.ts';

/** What an event that fails holds up: its org; or its stream, where all without a stream are one: `acme/`. */
export function laneOf({ org, stream }: CommitcastEvent, by: 'park-org' | 'park-stream'): string {
  return by === 'park-org' ? org : `${org}/${stream ?? ''}`;
}

/** The lane in which the event has to wait, if there is one: whichever policy it was that parked what is before it. */
export function laneBefore(event: CommitcastEvent, lanes: ReadonlySet<string>): string | undefined {
  if (lanes.size === 0) return undefined;
  return [laneOf(event, 'park-org'), laneOf(event, 'park-stream')].find((lane) => lanes.has(lane));
}

export interface ParkedEvent {
  position: number;
  lane: string;
  /** `undefined`: it waits behind one that failed. */
  error: string | undefined;
  attempts: number;
}

/** Parks events; with an error the first, without one those that come after it. Inside the handler's transaction. */
export async function park(
  tx: Executor,
  { name, partition }: Claim,
  events: readonly { event: CommitcastEvent; lane: string }[],
  failure?: { error: string; attempts: number },
): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `insert into commitcast.parked (name, partition, position, org_id, lane, error, attempts)
     select $1, $2, position, org, lane, $6, $7
     from unnest($3::bigint[], $4::text[], $5::text[]) parked (position, org, lane)`,
    [
      name,
      partition,
      events.map(({ event }) => event.position),
      events.map(({ event }) => event.org),
      events.map(({ lane }) => lane),
      failure?.error ?? null,
      failure?.attempts ?? 0,
    ],
  );
}

/**
 * The org is one lane from now on, with what is parked of its streams: else what waits behind the org could be handled
 * before what is parked of its own stream.
 */
export async function joinLanes(tx: Executor, { name, partition }: Claim, org: string): Promise<void> {
  await tx.query(
    `update commitcast.parked set lane = $3
     where name = $1 and partition = $2 and org_id = $3 and lane <> $3`,
    [name, partition, org],
  );
}

/** The lanes in which something is parked. */
export async function readLanes(db: Executor, { name, partition }: Claim): Promise<Set<string>> {
  const rows = await rowsOf<{ lane: string }>(
    db,
    'select distinct lane from commitcast.parked where name = $1 and partition = $2',
    [name, partition],
  );
  return new Set(rows.map(({ lane }) => lane));
}

/**
 * The lanes of which an operator wants something, by their first event; and those whose first event only waited behind
 * others that are gone: a worker has ended before it came to it.
 */
export async function readAskedLanes(db: Executor, { name, partition }: Claim): Promise<string[]> {
  const rows = await rowsOf<{ lane: string }>(
    db,
    `select lane from commitcast.parked where name = $1 and partition = $2
     group by lane having count(asked) > 0 or (array_agg(error order by position))[1] is null
     order by min(position)`,
    [name, partition],
  );
  return rows.map(({ lane }) => lane);
}

/** Forgets the events of a lane that an operator wants to be dropped, and returns them. */
export async function dropAsked(
  db: Executor,
  { name, partition }: Claim,
  lane: string,
): Promise<Pick<ParkedEvent, 'position' | 'error'>[]> {
  const rows = await rowsOf<{ position: string; error: string | null }>(
    db,
    `delete from commitcast.parked where name = $1 and partition = $2 and lane = $3 and asked = 'drop'
     returning position, error`,
    [name, partition, lane],
  );
  return rows.map(({ position, error }) => ({ position: Number(position), error: error ?? undefined }));
}

export interface LaneHead extends ParkedEvent {
  asked: 'retry' | 'drop' | undefined;
}

/** The oldest events of a lane. */
export async function readLane(
  db: Executor,
  { name, partition }: Claim,
  lane: string,
  limit: number,
): Promise<LaneHead[]> {
  const rows = await rowsOf<{
    position: string;
    error: string | null;
    attempts: number;
    asked: LaneHead['asked'] | null;
  }>(
    db,
    `select position, error, attempts, asked from commitcast.parked
     where name = $1 and partition = $2 and lane = $3 order by position limit $4`,
    [name, partition, lane, limit],
  );
  return rows.map(({ position, error, attempts, asked }) => ({
    position: Number(position),
    lane,
    error: error ?? undefined,
    attempts,
    asked: asked ?? undefined,
  }));
}

/** The events at these positions that are still kept, rising. */
export async function readEventsAt(db: Executor, positions: readonly number[]): Promise<CommitcastEvent[]> {
  const rows = await rowsOf<EventRow>(
    db,
    `select ${eventColumns} from commitcast.log where position = any($1::bigint[]) order by log.position`,
    [positions],
  );
  return rows.map(toEvent);
}

export async function unpark(tx: Executor, { name }: Claim, positions: readonly number[]): Promise<void> {
  await tx.query('delete from commitcast.parked where name = $1 and position = any($2::bigint[])', [
    name,
    positions,
  ]);
}

/** An attempt at a parked event begins: asked for once, tried once, also if it ends the process. */
export async function beginParkedAttempt(db: Executor, { name }: Claim, position: number): Promise<void> {
  await db.query(
    `update commitcast.parked set asked = null, attempts = attempts + 1,
       error = coalesce(error, 'the process ended while it handled this event')
     where name = $1 and position = $2`,
    [name, position],
  );
}

/** What came in the way was nothing of the event's: as if the attempt had not been. What was asked for since counts. */
export async function askAgain(db: Executor, { name }: Claim, position: number): Promise<void> {
  await db.query(
    `update commitcast.parked set asked = coalesce(asked, 'retry'), attempts = greatest(attempts - 1, 0)
     where name = $1 and position = $2`,
    [name, position],
  );
}

export async function saveParkedError(
  db: Executor,
  { name }: Claim,
  position: number,
  error: string,
): Promise<void> {
  await db.query('update commitcast.parked set error = $3 where name = $1 and position = $2', [
    name,
    position,
    error,
  ]);
}
