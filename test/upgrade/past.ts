import type { Client } from 'pg';

/** What the log said before the upgrade, and shall say after it. */
export interface Past {
  /** The last position of it. */
  readonly end: number;
  readonly events: number;
  /** Of all rows, each with its position. */
  readonly digest: string;
}

/** Transactions of so many events at most: half of what one may append. */
const chunk = 5_000;

/**
 * Events of the time before: of every scope, a tenth of them of streams. Written through the outbox, as the schema of that
 * time has it.
 */
export async function writePast(
  client: Client,
  events: number,
  told: (done: number) => void = () => undefined,
): Promise<void> {
  for (let done = 0; done < events;) {
    const next = Math.min(done + chunk, events);
    await client.query(
      `insert into commitcast.outbox (org_id, site_id, unit_id, type, data, stream, meta)
       select case when n % 3 = 0 then 'rival' else 'acme' end,
         case when n % 2 = 0 then 's' || n % 5 end,
         case when n % 4 <> 0 then 'u' || n % 50 end,
         'past', jsonb_build_object('n', n, 'name', 'Jane ' || n),
         case when n % 10 = 0 then 'past-' || n % 1000 end,
         case when n % 7 = 0 then '{"by": "kim"}'::jsonb end
       from generate_series($1::int, $2::int) n`,
      [done + 1, next],
    );
    done = next;
    told(done);
  }
}

/**
 * The rows up to `end`. `versions`: also which version each has in its stream, which the schemas before streams left to
 * chance. Which log a row was written to, the first schemas did not say.
 */
export async function readPast(
  client: Client,
  { end, versions }: { end?: number; versions: boolean },
): Promise<Past> {
  const columns = `position, id, org_id, site_id, unit_id, type, data, stream, ${versions ? 'version,' : ''} meta, created_at,
    committed_at, timeline, control, room`;
  const { rows } = await client.query<{ end: string; events: string; digest: string }>(
    `select coalesce(max(position), 0) as end, count(*) as events,
       coalesce(sum(hashtextextended(row(${columns})::text, 0)::numeric), 0) as digest
     from commitcast.log where position <= $1`,
    [end ?? Number.MAX_SAFE_INTEGER],
  );
  const [row] = rows;
  return { end: Number(row?.end), events: Number(row?.events), digest: row?.digest ?? '' };
}
