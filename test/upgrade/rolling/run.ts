import { join } from 'node:path';
import { Client } from 'pg';
import { connect } from '../../../src/client/index.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { append } from '../../../src/log/append.ts';
import { supportName } from '../../support/administer.ts';
import type { Span } from '../../support/history-checker.ts';
import type { Random } from '../../support/random.ts';
import { secret } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';
import { createDatabaseAt, migrations } from '../old-database.ts';
import { orgs } from '../transaction.ts';
import { prepareBusiness, startWriters } from '../writers.ts';
import { openBalancer } from './balancer.ts';
import { appendWithKey } from './append-with-key.ts';
import { openOurs, openStock, type Client as Follower } from './clients.ts';
import { StartRefused, startInstance, type Instance } from './instance.ts';
import { judgeRolling, type RollingVerdict } from './judge.ts';
import type { OldVersion } from './old-version.ts';

export interface RollingOptions {
  readonly serverUrl: string;
  readonly old: OldVersion;
  /** For what instances log. */
  readonly folder: string;
  readonly random: Random;
  /** Transactions of each writer in each state of the cluster. */
  readonly transactions: number;
  readonly print: (line: string) => void;
  /** Gives up: the database goes, and everybody with it. */
  readonly signal: AbortSignal;
}

const instances = 2;

/**
 * A cluster of the old version, with writers, clients and a consumer that never pause, is upgraded as docs/upgrading.md
 * says: the schema first, then one instance after the other.
 */
export async function upgradeRolling(options: RollingOptions): Promise<RollingVerdict> {
  const { serverUrl, old, folder, random, transactions, print, signal } = options;
  const created = await createDatabaseAt(serverUrl, -1);
  const databaseUrl = created.url;
  const giveUp = () => void created.drop().catch(() => undefined);
  signal.addEventListener('abort', giveUp, { once: true });
  const balancer = await openBalancer();
  const database = new Client({ connectionString: databaseUrl, application_name: supportName });
  database.on('error', () => undefined);
  const running: Instance[] = [];
  const clients: Follower[] = [];

  const start = async (version: 'old' | 'new', n: number) => {
    const plugin =
      version === 'old'
        ? old.url('http/plugin.js')
        : new URL('../../../src/http/plugin.ts', import.meta.url).href;
    const name = `${version} ${n}`;
    const log = join(folder, `${version}-${n}.log`);
    const instance = await startInstance({ plugin, name, databaseUrl, secret, migrate: false, log });
    running.push(instance);
    balancer.add(instance.port);
    return instance;
  };
  const open = async (connectOurs: typeof connect, version: string) => {
    const { url } = balancer;
    for (const org of orgs)
      clients.push(
        await openStock({ url, org, subscription: { deep: true } }),
        await openStock({ url, org, subscription: { site: 's1', deep: true } }),
        await openOurs(connectOurs, version, { url, org, subscription: { deep: true } }),
        await openOurs(connectOurs, version, { url, org, subscription: { unit: 'u1' } }),
      );
  };

  try {
    await old.migrate({ connectionString: databaseUrl });
    await database.connect();
    await prepareBusiness(database);
    await database.query(
      'create table upgrade.consumed (n bigserial, id uuid, org text, position bigint, instance text)',
    );
    for (let n = 1; n <= instances; n++) await start('old', n);
    await open(old.connect, 'old');
    print(`${instances} old instances, ${clients.length} clients, 4 writers, 1 consumer`);

    const writers = startWriters({ url: databaseUrl, random, streams: true });
    await writers.goOn(transactions);
    const keyed = await appendWithKey(database, old.append);
    print(`${writers.spans.size} transactions with the old version alone`);

    const began = performance.now();
    await migrate({ connectionString: databaseUrl });
    print(`${migrations.at(-1)?.tag}: migrated in ${Math.round(performance.now() - began)} ms`);
    await writers.goOn(transactions);
    const refusal = await start('old', instances + 1).catch((error: unknown) => error);
    if (!(refusal instanceof StartRefused && refusal.code === 'SCHEMA_TOO_NEW'))
      throw new Error('an old instance started with the new schema, or was refused for another reason', {
        cause: refusal,
      });
    print('old instances go on with the new schema; none starts with it');
    for (const library of [old.append, append]) await keyed.repeat(library);
    print('the key of an old append is known to the old one and to the new one');

    const replaced = running.slice();
    for (const [n, instance] of replaced.entries()) {
      balancer.remove(instance.port);
      await instance.stop();
      await start('new', n + 1);
      await writers.goOn(transactions);
      print(
        `${instance.name} is replaced; ${writers.spans.size} transactions, the longest took ${Math.round(writers.longestMs)} ms`,
      );
    }
    await open(connect, 'new');
    await writers.goOn(transactions);
    await writers.stop();

    const { rows } = await database.query<{ last: string }>(
      'select max(position) as last from commitcast.log',
    );
    const last = Number(rows[0]?.last);
    await until(
      async () => {
        const { rows: done } = await database.query<{ last: string }>(
          'select max(position) as last from upgrade.consumed',
        );
        return Number(done[0]?.last) >= last;
      },
      { message: 'the consumer to have come to the end' },
    );
    // Whoever gets nothing of the last events is told so by a checkpoint.
    await until(() => clients.every((client) => client.position() >= last), {
      message: 'the clients to have come to the end',
    });
    print(`everybody has come to position ${last}`);
    const spans = new Map<string, Span>([...writers.spans, [keyed.transaction, keyed.span]]);
    return await judgeRolling(database, { spans, clients: clients.map(({ history }) => history) });
  } finally {
    signal.removeEventListener('abort', giveUp);
    for (const client of clients) await client.close();
    await Promise.allSettled(running.map((instance) => instance.stop()));
    balancer.close();
    await database.end().catch(() => undefined);
    await created.drop();
  }
}
