import type { Client } from 'pg';
import { expect, it } from 'vitest';
import type { Cursor } from '../../src/core/cursor.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { catchUp } from '../../src/gateway/catch-up.ts';
import type { EventsFrame } from '../../src/gateway/events-frame.ts';
import { ReplayPages } from '../../src/gateway/replay-pages.ts';
import { TailPages } from '../../src/gateway/tail-pages.ts';
import { Tail } from '../../src/gateway/tail.ts';
import { append } from '../../src/log/append.ts';
import { readHead } from '../../src/log/head.ts';
import { dropPartitionsBelow, makePartitions } from '../../src/log/partitions.ts';
import { saveRelayState } from '../../src/log/relay-state.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

/** First position of the second partition. */
const second = 131_073;

const appendMany = (database: TestDatabase, type: string, count: number) =>
  append(
    database.pool,
    Array.from({ length: count }, (_, n) => ({ org: 'acme', type: `${type}-${n}`, data: null })),
  );

/** Events at the end of the first partition and at the start of the second, all settled. */
async function fillTwoPartitions(): Promise<{ database: TestDatabase; owner: Client; epoch: string }> {
  const database = await createDatabase();
  await database.pool.query(`select setval('commitcast.position', ${second - 1_201})`);
  await makePartitions(database.pool);
  await appendMany(database, 'first', 1_200);
  await appendMany(database, 'second', 10);
  const { epoch, last } = await readHead(database.pool);
  expect(last).toBe(second + 9);
  await saveRelayState(database.pool, { leader: 'test', published: last });
  return { database, owner: await database.connect(), epoch };
}

it('a cursor below the floor: one `reset expired`, then live from now, and nothing of a broken history', async () => {
  const { database, owner, epoch } = await fillTwoPartitions();
  expect(await dropPartitionsBelow(owner, second)).toHaveLength(1);
  const server = await startServer(database);
  const client = await connectClient(server.url, { cursor: `${epoch}-${second - 5}` });
  const live = await client.live();
  expect(client.resets).toEqual([{ reason: 'expired', cursor: live.cursor }]);
  expect(client.events).toEqual([]);
  await appendMany(database, 'new', 1);
  await until(() => client.events.length > 0);
  expect(client.events.map(({ type }) => type)).toEqual(['new-0']);
});

it('a cursor exactly before the floor is whole: no reset', async () => {
  const { database, owner, epoch } = await fillTwoPartitions();
  await dropPartitionsBelow(owner, second);
  const server = await startServer(database);
  const client = await connectClient(server.url, { cursor: `${epoch}-${second - 1}` });
  await client.live();
  expect(client.resets).toEqual([]);
  expect(client.positions).toEqual(Array.from({ length: 10 }, (_, n) => second + n));
});

it('P3: a partition that goes in mid-replay ends in `reset expired`, never in a hole', async () => {
  const { database, owner, epoch } = await fillTwoPartitions();
  const head = second + 9;
  const seen: number[] = [];
  const resets: { reason: string; position: number; after: number | undefined }[] = [];
  let joined: number | undefined;
  let drains = 0;
  const cursor: Cursor = { epoch, position: second - 1_201 };
  const follower = {
    progress: { cursor: cursor as Cursor | undefined },
    org: 'acme',
    signal: new AbortController().signal,
    seam: () => [{}],
    send: ({ values }: EventsFrame) => {
      seen.push(...(values[0] as CommitcastEvent[]).map(({ position }) => position));
    },
    reset: (reason: string, position: number) => {
      resets.push({ reason, position, after: seen.at(-1) });
    },
    hasRoom: () => true,
    // The client takes its time over the first page; meanwhile retention drops what it still has to read.
    drained: async () => {
      if (drains++ === 0) expect(await dropPartitionsBelow(owner, second)).toHaveLength(1);
    },
    join: (position: number) => {
      joined = position;
    },
  };
  const dispatcher = {
    epoch,
    position: head,
    present: head,
    tail: new Tail(head, 1_000),
    reached: () => Promise.reject(new Error('there is nothing to wait for')),
    doubt: () => undefined,
    nextEpoch: () => Promise.resolve(),
  };
  const db = database.pool;
  const pages = new ReplayPages({ db });
  await catchUp({ db, dispatcher, pages, tailPages: new TailPages() }, follower);

  expect(seen.length).toBe(500);
  expect(seen).toEqual(seen.map((_, n) => second - 1_200 + n));
  expect(resets).toEqual([{ reason: 'expired', position: head, after: seen.at(-1) }]);
  expect(joined).toBe(head);
});
