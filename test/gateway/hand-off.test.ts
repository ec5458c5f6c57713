import { expect, it } from 'vitest';
import type { Subscription } from '../../src/core/subscription.ts';
import { append } from '../../src/log/append.ts';
import { connectClient } from '../support/client.ts';
import { createDatabase } from '../support/database.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';

const database = await createDatabase();
const rounds = 250;
const clientCount = 20;

const wanted: Subscription[][] = [
  [],
  [{ deep: true }],
  [{ site: 's1' }],
  [{ site: 's1', deep: true }, { unit: 'u2' }],
  [{ unit: 'u1' }],
];

/** What the design's table says, written down again: not the code under test. */
function isSeen(subscriptions: readonly Subscription[], site: string | null, unit: string | null): boolean {
  if (site === null && unit === null) return true;
  return subscriptions.some((wants) => {
    if (wants.unit !== undefined) return wants.unit === unit;
    if (wants.site === undefined) return wants.deep === true;
    return wants.site === site && (unit === null || wants.deep === true);
  });
}

// A tail of 4 KiB: returning clients are served now from memory, now from the log, and cross over between the two.
it('P3: clients that drop at random moments under load and return with their cursor have exactly the log of their rooms', async () => {
  const server = await startServer(database, { tailBytes: 65_536 });
  const clients = await Promise.all(
    Array.from({ length: clientCount }, async (_, n) => {
      const subscriptions = wanted[n % wanted.length] ?? [];
      const client = await connectClient(server.url, { subscriptions });
      const { cursor } = await client.live();
      return { client, subscriptions, start: Number(cursor.split('-')[1]) };
    }),
  );

  let drops = 0;
  const drop = ({ client }: (typeof clients)[number]) => {
    drops++;
    // Half of them in the middle of what they are being sent.
    if (Math.random() < 0.5) client.socket.io.engine.close();
    else client.socket.disconnect().connect();
  };
  for (let n = 0; n < rounds; n++) {
    const scope = [{}, { site: 's1' }, { site: 's1', unit: 'u1' }, { unit: 'u2' }, { site: 's2' }][n % 5];
    await append(database.pool, [
      { org: 'acme', type: `event-${n}`, data: n, ...scope },
      { org: 'rival', type: 'rival', data: n, ...scope },
      { org: 'acme', type: `again-${n}`, data: 'x'.repeat(n % 50), ...scope },
    ]);
    for (const each of clients) {
      if (each.client.socket.connected && Math.random() < 0.06) drop(each);
    }
  }
  expect(drops).toBeGreaterThan(clientCount);
  await append(database.pool, { org: 'acme', type: 'end', data: null });

  const { rows } = await database.pool.query<{ position: string; site_id: string; unit_id: string }>(
    `select position, site_id, unit_id from commitcast.log where org_id = 'acme' order by position`,
  );
  for (const { client, subscriptions, start } of clients) {
    await until(() => client.events.at(-1)?.type === 'end', { message: 'the last event' });
    const expected = rows
      .filter(
        ({ position, site_id, unit_id }) =>
          Number(position) > start && isSeen(subscriptions, site_id, unit_id),
      )
      .map(({ position }) => Number(position));
    expect(client.positions).toEqual(expected);
    expect(client.resets).toEqual([]);
  }
});
