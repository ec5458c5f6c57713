import type { Client, Pool } from 'pg';
import type { Executor } from './executor.ts';
import { sqlStateOf } from './sql-state.ts';

/** Statements of ours that are run again and again are some dozens. What comes beyond that runs unnamed. */
const maxNames = 100;

/** Of this process: a name is that of one text on all connections, whoever else prepares there. */
let named = 0;

/**
 * Runs statements that have values under a name each, so that a connection parses each only once. Only for connections of
 * our own, without a pooler: what is prepared stays on a session.
 *
 * Each run is planned for its values. A plan for all of them would cost less, but it locks every partition at each run, so
 * that whoever holds an old one would hold up all reading; and for an org that is rare it may walk what all others wrote.
 *
 * Postgres refuses a prepared statement whose columns have changed, and one that is gone; neither has run then. So it runs
 * once more, without a name, and has another one from the next time on. Within a transaction, which is over by then, the
 * error is as it was. The bound on names makes an end of that, too.
 */
export function prepared(db: Client | Pool): Executor {
  planForValues(db);
  const names = new Map<string, string>();
  let left = maxNames;
  const query = (text: string, values?: unknown[]) => db.query<object>(text, values);
  return {
    async query(text, values = []) {
      if (values.length === 0) return query(text);
      let name = names.get(text);
      if (name === undefined) {
        if (left === 0) return query(text, values);
        left -= 1;
        name = `commitcast_${++named}`;
        names.set(text, name);
      }
      try {
        return await db.query<object>({ name, text, values });
      } catch (error) {
        if (!isOutdated(error)) throw error;
        // Another run may have found it out before.
        if (names.get(text) === name) names.delete(text);
        return query(text, values).catch((failed: unknown) => {
          throw sqlStateOf(failed) === inFailedTransaction ? error : failed;
        });
      }
    },
  };
}

const inFailedTransaction = '25P02';

/** Told by where it was raised, where the SQLSTATE has other meanings, for the message is in the server's language. */
function isOutdated(error: unknown): boolean {
  const state = sqlStateOf(error);
  const { routine } = error as { routine?: string };
  return (state === '0A000' && routine === 'RevalidateCachedQuery') || state === '26000' || state === '42P05';
}

/**
 * A pool says it at the start of each session, so it is told before it has opened any; on a client it is sent before
 * anything else, and not waited for: should it fail, the plans are those that Postgres chooses by itself.
 */
function planForValues(db: Client | Pool): void {
  if ('totalCount' in db)
    db.options.options = `${db.options.options ?? ''} -c plan_cache_mode=force_custom_plan`;
  else db.query('set plan_cache_mode = force_custom_plan').catch(() => undefined);
}
