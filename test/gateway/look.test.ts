import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import type { Executor } from '../../src/db/executor.ts';
import { Dispatcher } from '../../src/gateway/dispatcher.ts';
import { append } from '../../src/log/append.ts';
import { openEpoch } from '../../src/log/epoch.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const event = { org: 'acme', unit: 'u1', type: 'told', data: null };
let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase();
  await openEpoch(database.pool);
});

async function start(query: Executor['query'], deliver: () => void = () => undefined): Promise<Dispatcher> {
  const dispatcher = new Dispatcher({
    db: { query },
    deliver,
    flush: () => undefined,
    onControl: () => undefined,
    enter: () => Promise.resolve(),
    tailBytes: 100_000,
    logger: silentLogger,
  });
  await dispatcher.start();
  onTestFinished(() => dispatcher.stop());
  return dispatcher;
}

it('P5: a look that fails is made again at once, and not when somebody says something the next time', async () => {
  let failing = false;
  const failed: string[] = [];
  const after: string[] = [];
  const dispatcher = await start((text, values) => {
    if (failed.length > 0) after.push(text);
    if (!failing) return database.pool.query(text, values);
    failing = false;
    failed.push(text);
    return Promise.reject(new Error('away'));
  });
  await until(async () => (await dispatcher.look())?.position === 0);
  await append(database.pool, event);
  failing = true;
  expect(await dispatcher.look()).toBeUndefined();
  await until(() => dispatcher.position === 1);
  expect(failed).toHaveLength(1);
  // After a silence it would have asked which history this is.
  expect(after.filter((text) => text.includes('published'))).toEqual([]);
});

it('P5: says how far all is settled before it is delivered here: others wait for it', async () => {
  let delivered = false;
  let answeredBefore: boolean | undefined;
  const answers: (number | undefined)[] = [];
  const dispatcher = await start(
    (text, values) => database.pool.query(text, values),
    () => {
      delivered = true;
    },
  );
  await append(database.pool, event);
  await dispatcher.look().then((seen) => {
    answeredBefore = !delivered;
    answers.push(seen?.position);
  });
  await until(() => delivered);
  expect([answers, answeredBefore]).toEqual([[1], true]);
});
