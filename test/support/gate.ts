import type { Client } from 'pg';
import type { TestDatabase } from './database.ts';
import { untilBlocked } from './transactions.ts';

/** Holds commits in their last instant: after they got a position, before anybody can see it. */
export interface Gate {
  /** From now on, commits with an event of a type that starts with `held` wait at the gate. */
  close(): Promise<void>;
  /** Lets them all pass. */
  open(): Promise<void>;
  /** Commits an event of this type, and returns when the commit waits at the gate. */
  commitHeld(type?: string): Promise<HeldCommit>;
}

export interface HeldCommit {
  readonly client: Client;
  /** Settles with the commit: the gate was opened, or the backend has ended. Rejects for a type that ends with `fails`. */
  readonly done: Promise<unknown>;
}

const key = 20_260_101;

/**
 * A deferred trigger on the log's first partition: it is queued by pass 2, so it fires after pass 2, and with it the
 * last thing that can be done before the commit itself.
 */
export async function createGate(database: TestDatabase): Promise<Gate> {
  await database.pool.query(`
    create function public.gate() returns trigger language plpgsql as $$
    begin
      if new.type like 'held%' then perform pg_advisory_xact_lock_shared(${key}); end if;
      if new.type like '%fails' then raise exception 'failed in its last instant'; end if;
      return null;
    end $$;
    create constraint trigger gate after insert on commitcast.log_1
    deferrable initially deferred for each row execute function public.gate()`);
  const keeper = await database.connect();
  return {
    async close() {
      await keeper.query('select pg_advisory_lock($1)', [key]);
    },
    async open() {
      await keeper.query('select pg_advisory_unlock_all()');
    },
    async commitHeld(type = 'held') {
      const client = await database.connect();
      const done = client.query(
        `insert into commitcast.outbox (org_id, type, data) values ('acme', '${type}', '{}')`,
      );
      // Looked at later; until then it is nobody's unhandled rejection.
      done.catch(() => undefined);
      await untilBlocked(database, client);
      return { client, done };
    },
  };
}
