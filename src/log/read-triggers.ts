import { rowsOf, type Executor } from '../db/executor.ts';

export interface Trigger {
  table: string;
  name: string;
  /** `A`: fires in every session. `O`: not where `session_replication_role` is `replica`. `R`: only there. `D`: never. */
  mode: 'A' | 'O' | 'R' | 'D';
}

/** The triggers on the tables of the schema `commitcast`, partitions included. */
export function readTriggers(db: Executor): Promise<Trigger[]> {
  return rowsOf<Trigger>(
    db,
    `select c.relname::text as "table", t.tgname::text as name, t.tgenabled::text as mode
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'commitcast' and not t.tgisinternal order by 1, 2`,
  );
}
