import { rowsOf, type Executor } from '../db/executor.ts';

export interface ServerFacts {
  /** Such as `18.0`. */
  version: string;
  major: number;
  /** It replays what a primary writes, and only reads. */
  standby: boolean;
  /** Settings that decide whether what was committed outlives a crash; those that are off. */
  unsafe: string[];
}

/** What kind of server answers. */
export async function readServer(db: Executor): Promise<ServerFacts> {
  const [row] = await rowsOf<{ version: string; number: number; standby: boolean; unsafe: string[] }>(
    db,
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       pg_is_in_recovery() as standby,
       array(select name from pg_settings where name in ('fsync', 'full_page_writes') and setting = 'off' order by name) as unsafe`,
  );
  if (!row) throw new Error('a select without a table returned nothing');
  const { version, number, standby, unsafe } = row;
  return { version: version.split(' ', 1)[0] ?? '', major: Math.floor(number / 10_000), standby, unsafe };
}
