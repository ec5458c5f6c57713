import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { clusterOf, processesOf, readPidFile } from '../../src/embedded/cluster.ts';
import { startEmbeddedPostgres, type EmbeddedPostgresOptions } from '../../src/embedded/embedded-postgres.ts';
import { identify } from '../../src/embedded/process-table.ts';
import { until } from '../support/until.ts';
import { startOwner } from './script-process.ts';
import { query } from './query.ts';
import { temporaryDirectory } from './temporary-directory.ts';

async function start(directory: string, options: Partial<EmbeddedPostgresOptions> = {}) {
  const postgres = await startEmbeddedPostgres({ directory, ...options });
  onTestFinished(() => postgres.stop());
  return postgres;
}

/** A server whose owner was killed, with a table `kept`. */
async function orphan() {
  const directory = await temporaryDirectory();
  const owner = startOwner(directory);
  const { url } = await owner.report();
  await query(url, 'create table kept as select 42 as answer');
  await owner.kill();
  const cluster = await clusterOf(join(directory, 'postgres'));
  const pid = (await readPidFile(cluster))?.pid ?? 0;
  return { directory, url, cluster, pid };
}

test('a kill -9 of the owner is survived: the server runs on, is adopted, and then stopped by its new owner', async () => {
  const { directory, url, cluster, pid } = await orphan();
  const postgres = await start(directory);
  expect(postgres).toMatchObject({ adopted: true, url });
  expect(await readPidFile(cluster)).toMatchObject({ pid });
  expect(await query(postgres.url, 'table kept')).toEqual([{ answer: 42 }]);
  await postgres.stop();
  expect(await processesOf(cluster)).toEqual([]);
});

test('an orphan that runs with other settings is stopped, and its data served with those asked for', async () => {
  const { directory, pid } = await orphan();
  const postgres = await start(directory, { settings: { work_mem: '7MB' } });
  expect(postgres.adopted).toBe(false);
  expect(identify(pid)).toBeUndefined();
  expect(await query(postgres.url, 'table kept')).toEqual([{ answer: 42 }]);
});

test('an orphan that does not answer is stopped and replaced', async () => {
  const { directory, cluster, pid } = await orphan();
  process.kill(pid, 'SIGSTOP');
  const postgres = await start(directory);
  expect(postgres.adopted).toBe(false);
  expect(await processesOf(cluster)).not.toContain(pid);
  expect(await query(postgres.url, 'table kept')).toEqual([{ answer: 42 }]);
});

test('children that outlived a killed postmaster do not keep the next start from its work', async () => {
  const { directory, url, pid } = await orphan();
  // It never looks up from its work, so it does not notice the death of its parent.
  const busy = query(url, 'do $$ begin loop end loop; end $$').catch(() => 'ended');
  await until(() =>
    query(url, `select from pg_stat_activity where query like 'do %'`).then((rows) => rows.length),
  );
  process.kill(pid, 'SIGKILL');
  const postgres = await start(directory);
  expect(await query(postgres.url, 'table kept')).toEqual([{ answer: 42 }]);
  expect(await busy).toBe('ended');
});

test('a postmaster.pid whose pid is a stranger by now harms neither the start nor the stranger', async () => {
  const directory = await temporaryDirectory();
  const first = await start(directory);
  const pidFile = join(directory, 'postgres', 'postmaster.pid');
  const text = await readFile(pidFile, 'utf8');
  await first.kill();
  // Postgres minds only processes of its own user, so the stranger is one of those.
  const { url, pid } = await orphan();
  const [, ...lines] = text.split('\n');
  await writeFile(pidFile, [pid, ...lines].join('\n'));
  expect((await start(directory)).adopted).toBe(false);
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a first start that is killed in the middle of initdb is done again by the next', async () => {
  const directory = await temporaryDirectory();
  const owner = startOwner(directory);
  const scratch = await until(async () =>
    (await readdir(directory)).find((name) => name.startsWith('postgres.init-')),
  );
  await until(async () => (await readdir(join(directory, scratch, 'data'))).includes('PG_VERSION'));
  await owner.kill();
  const postgres = await start(directory);
  expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('Ctrl-C in the terminal of the owner does not reach the server', async () => {
  const owner = startOwner(await temporaryDirectory());
  const { url } = await owner.report();
  // The owner leads a process group, as it does in a terminal, and ignores the signal.
  process.kill(-(owner.process.pid ?? 0), 'SIGINT');
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await owner.end();
  await expect(query(url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
