import { createNode, queryOnce, runProgram, startPostgresNode, type PostgresNode } from './postgres-node.ts';
import { openFront } from './front.ts';
import { until } from './until.ts';

/** A primary and a standby that receives its WAL, asynchronously: what was committed last may be lost at a failover. */
export interface StandbyPair {
  readonly primary: PostgresNode;
  readonly standby: PostgresNode;
  /** Resolves when the standby shows all that the primary had committed at the call. */
  replicated(): Promise<void>;
  /** From now on nothing that the primary writes reaches the standby. */
  partition(): void;
  /** Makes the standby a primary, on a timeline of its own. Whether the old one still runs is the test's business. */
  promote(): Promise<void>;
}

/** Use it inside `describeWithTool('pg_basebackup', …)`. Stopped and removed at the end of the test. */
export async function startStandbyPair(): Promise<StandbyPair> {
  const primary = await startPostgresNode();
  const way = await openFront(primary.url);
  const standby = await createNode((data) => {
    const source = ['--dbname', way.url, '--write-recovery-conf', '--checkpoint=fast', '--no-sync'];
    return runProgram('pg_basebackup', [...source, '--pgdata', data]);
  });
  await standby.start();
  return {
    primary,
    standby,
    async replicated() {
      const [row] = await queryOnce<{ lsn: string }>(primary.url, 'select pg_current_wal_lsn() as lsn');
      await until(
        async () => {
          const [answer] = await queryOnce<{ there: boolean }>(
            standby.url,
            'select pg_last_wal_replay_lsn() >= $1::pg_lsn as there',
            [row?.lsn],
          );
          return answer?.there;
        },
        { message: `the standby to have replayed ${row?.lsn}` },
      );
    },
    partition: () => {
      way.refuse();
    },
    async promote() {
      await queryOnce(standby.url, 'select pg_promote(true, 60)');
      await until(async () => {
        const [row] = await queryOnce<{ primary: boolean }>(
          standby.url,
          'select not pg_is_in_recovery() as primary',
        );
        return row?.primary;
      });
    },
  };
}
