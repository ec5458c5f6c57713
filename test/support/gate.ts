import type { Client } from 'pg';
import { holdCommits } from '../../src/testing/hold-commits.ts';
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

/** Open at first. It ends with the database. */
export async function createGate(database: TestDatabase): Promise<Gate> {
  const commits = await holdCommits(database.url, { type: 'held%', failing: '%fails' });
  await commits.release();
  return {
    close: () => commits.hold(),
    open: () => commits.release(),
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
