import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { migrate } from '../../../src/db/migrate.ts';
import { administer, urlOfDatabase } from '../../support/administer.ts';
import { openFront } from '../../support/front.ts';
import { queryOnce, runProgram, startPostgresNode, type PostgresNode } from '../../support/postgres-node.ts';
import { startStandbyPair } from '../../support/standby.ts';
import { until } from '../../support/until.ts';

/** One way in which the database that everybody knows is replaced by one with another history. */
export interface Disaster {
  /** Where instances look for the database, before and after. */
  readonly url: string;
  /** Past the instances' way, to whoever has the history in force: the writers' way. */
  readonly writerUrl: string;
  /** What is committed at this moment will be in the new history; what comes later is lost. */
  keep(): Promise<void>;
  /** The old history has gone, the new one takes writes, and no instance can reach either. */
  strike(): Promise<void>;
  /** Instances reach the new one. */
  recover(): Promise<void>;
}

/** A standby that lags behind is promoted. */
export async function failover(): Promise<Disaster> {
  const pair = await startStandbyPair();
  const { primary, standby } = pair;
  await migrate({ connectionString: primary.url });
  const front = await openFront(primary.url);
  let writerUrl = primary.url;
  return {
    url: front.url,
    get writerUrl() {
      return writerUrl;
    },
    async keep() {
      await pair.replicated();
      pair.partition();
    },
    async strike() {
      front.refuse();
      await primary.kill();
      await pair.promote();
      writerUrl = standby.url;
    },
    recover: () => {
      front.switchTo(standby.url);
      return Promise.resolve();
    },
  };
}

/** A snapshot of the storage is rolled back. Its identity is the same, so the runbook opens the epoch. */
export async function rollback(): Promise<Disaster> {
  const node = await startPostgresNode();
  await migrate({ connectionString: node.url });
  const front = await openFront(node.url);
  const snapshot = join(dirname(node.data), 'snapshot');
  return {
    url: front.url,
    writerUrl: node.url,
    async keep() {
      await node.stop();
      await runProgram('/bin/cp', ['-a', node.data, snapshot]);
      await node.start();
    },
    async strike() {
      front.refuse();
      await node.kill();
      await rm(node.data, { recursive: true });
      await rename(snapshot, node.data);
      await node.start();
      await queryOnce(node.url, 'select commitcast.open_epoch(true)');
    },
    recover: () => {
      front.switchTo(node.url);
      return Promise.resolve();
    },
  };
}

/** A backup is restored beside the database, in the same cluster, and takes its name. */
export function restoreByDump(): Promise<Disaster> {
  return restore(dumpAndRestore);
}

/** Copies a database, as it is, into a new one of the same cluster. */
export async function dumpAndRestore(node: PostgresNode, from: string, to: string): Promise<void> {
  const file = join(dirname(node.data), `${from}.dump`);
  await runProgram('pg_dump', ['--format=custom', '--file', file, urlOfDatabase(node.url, from)]);
  await administer(node.url, `create database ${to}`);
  await runProgram('pg_restore', ['--exit-on-error', '--dbname', urlOfDatabase(node.url, to), file]);
}

/** The same, copied by `create database … template`: the copy has the oids of its original. */
export function restoreByTemplate(): Promise<Disaster> {
  return restore(async (node, from, to) => {
    await untilPublished(urlOfDatabase(node.url, from));
    await closeDatabase(node, from);
    await administer(node.url, `create database ${to} template ${from}`);
    await administer(node.url, `alter database ${from} with allow_connections true`);
  });
}

async function restore(
  copy: (node: PostgresNode, from: string, to: string) => Promise<void>,
): Promise<Disaster> {
  const node = await startPostgresNode();
  await administer(node.url, 'create database app');
  const url = urlOfDatabase(node.url, 'app');
  await migrate({ connectionString: url });
  let writerUrl = url;
  return {
    url,
    get writerUrl() {
      return writerUrl;
    },
    keep: () => copy(node, 'app', 'copy'),
    async strike() {
      await closeDatabase(node, 'app');
      await administer(node.url, 'alter database app rename to app_lost');
      writerUrl = urlOfDatabase(node.url, 'copy');
    },
    async recover() {
      await closeDatabase(node, 'copy');
      await administer(node.url, 'alter database copy rename to app');
      await administer(node.url, 'alter database app with allow_connections true');
      writerUrl = url;
    },
  };
}

/** Of a copy with the oids of its original, what was published is all that is sure to be of the original. */
async function untilPublished(url: string): Promise<void> {
  await until(
    async () => {
      const [row] = await queryOnce<{ all: boolean }>(
        url,
        'select published >= (select max(position) from commitcast.log) as all from commitcast.relay',
      );
      return row?.all;
    },
    { message: 'everything to be published' },
  );
}

/** Ends every connection and lets nobody in. */
async function closeDatabase({ url }: PostgresNode, name: string): Promise<void> {
  await administer(url, `alter database ${name} with allow_connections false`);
  await administer(
    url,
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '${name}'`,
  );
}
