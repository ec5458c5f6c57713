import { createHash } from 'node:crypto';
import { rowsOf, type Executor } from '../../src/db/executor.ts';
import type { SeenEvent } from '../support/history-checker.ts';

/**
 * What the run's consumers write. `read_model` is the state, by lane; `handled` has a line for every event, without any
 * constraint that could hide one that was handled twice, and says in which order they were. `ever` and `parking` are for
 * the summary only, and are never taken back.
 */
export async function createReadModels(db: Executor): Promise<void> {
  await db.query(`
    create schema chaos;
    create table chaos.read_model (
      consumer text, lane text, events int not null, last bigint not null, fold text not null, ever int not null,
      primary key (consumer, lane)
    );
    create table chaos.handled (
      n bigint generated always as identity, consumer text, lane text, position bigint, fold text
    );
    create index on chaos.handled (consumer, position);
    -- Poisoned events up to here can be handled.
    create table chaos.mended (position bigint not null);

    create table chaos.parking (consumer text, position bigint, failed boolean);
    create function chaos.note_parked() returns trigger language plpgsql as $$
    begin
      insert into chaos.parking values (new.name, new.position, new.error is not null);
      return null;
    end $$;
    create trigger note_parked after insert on commitcast.parked for each row execute function chaos.note_parked();

    create function chaos.take_back(of_consumer text) returns void language sql as $$
      update chaos.read_model set events = 0, last = 0, fold = '' where consumer = of_consumer;
      delete from chaos.handled where consumer = of_consumer;
    $$;

    -- As an operator would do whose handler is not idempotent: the checkpoint and what was written go back together.
    create function chaos.rewind(of_consumer text, back bigint) returns bigint language plpgsql as $$
    declare
      target bigint;
    begin
      -- In the order in which handlers lock them.
      perform from chaos.read_model where consumer = of_consumer order by lane for update;
      perform from commitcast.consumer_partition where name = of_consumer order by partition for update;
      select greatest(min(position) - back, 0) into target from commitcast.consumer_partition where name = of_consumer;
      perform commitcast.rewind_consumer(of_consumer, target);
      delete from chaos.handled where consumer = of_consumer and position > target;
      update chaos.read_model m set (events, last, fold) = (
        select count(*), coalesce(max(h.position), 0), coalesce((array_agg(h.fold order by h.position desc))[1], '')
        from chaos.handled h where h.consumer = of_consumer and h.lane = m.lane
      ) where m.consumer = of_consumer;
      return target;
    end $$`);
}

/** One step of the fold: it depends on every event before, and on their order. */
export function foldStep(
  fold: string,
  { position, id, org, type, stream, version, data }: SeenEvent,
): string {
  const text = JSON.stringify([fold, position, id, org, type, stream ?? null, version ?? null, data]);
  return createHash('md5').update(text).digest('hex');
}

interface Lane {
  lane: string;
  events: number;
  last: number;
  fold: string;
}

/** Folds events into the read model. What it stands on is read in the same transaction. */
export async function foldInto(
  db: Executor,
  consumer: string,
  events: readonly SeenEvent[],
  laneOf: (event: SeenEvent) => string,
): Promise<void> {
  const names = [...new Set(events.map(laneOf))].sort();
  const known = await rowsOf<{ lane: string; fold: string }>(
    db,
    `select lane, fold from chaos.read_model where consumer = $1 and lane = any($2::text[])
     order by lane for update`,
    [consumer, names],
  );
  const folds = new Map(known.map(({ lane, fold }) => [lane, fold]));
  const lanes = new Map<string, Lane>();
  const lines = events.map((event) => {
    const lane = laneOf(event);
    const { position } = event;
    const fold = foldStep(folds.get(lane) ?? '', event);
    folds.set(lane, fold);
    lanes.set(lane, { lane, events: (lanes.get(lane)?.events ?? 0) + 1, last: position, fold });
    return { lane, position, fold };
  });
  await db.query(
    `with kept as (
       insert into chaos.read_model as m (consumer, lane, events, last, fold, ever)
       select $1, lane, events, last, fold, events
       from jsonb_to_recordset($2::jsonb) e (lane text, events int, last bigint, fold text) order by lane
       on conflict (consumer, lane) do update
       set events = m.events + excluded.events, last = excluded.last, fold = excluded.fold, ever = m.ever + excluded.ever
     )
     insert into chaos.handled (consumer, lane, position, fold)
     select $1, e->>'lane', (e->>'position')::bigint, e->>'fold'
     from jsonb_array_elements($3::jsonb) with ordinality line (e, n) order by n`,
    [consumer, JSON.stringify([...lanes.values()]), JSON.stringify(lines)],
  );
}
