import { describe, expect, it } from 'vitest';
import { SettledWaits } from '../../src/relay/settled-waits.ts';
import { append } from '../../src/log/append.ts';
import { supportName } from '../support/administer.ts';
import { createDatabase } from '../support/database.ts';
import { createGate } from '../support/gate.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { atLeast, scrape } from './metrics-scrape.ts';

const wait = (part: string, cause: string) => `commitcast_settled_wait_seconds_${part}{cause="${cause}"}`;

it('shows that the relay was elected, sleeps, is notified, and how much settles at once', async () => {
  const database = await createDatabase();
  const { url } = await startServer(database);
  await until(async () => atLeast(await scrape(url), { commitcast_relay_sleeps_total: 1 }));
  await append(database.pool, [
    { org: 'acme', type: 'one', data: null },
    { org: 'acme', type: 'two', data: null },
  ]);
  const series = await until(async () => {
    const seen = await scrape(url);
    return seen['commitcast_relay_batch_positions_sum'] === 2 && seen;
  });
  expect(series).toMatchObject({
    'commitcast_relay_terms_total{by="election"}': 1,
    'commitcast_relay_terms_total{by="standstill"}': 0,
    commitcast_settled_waiting_seconds: 0,
    commitcast_dispatch_batch_events_sum: 2,
  });
  expect(atLeast(series, { commitcast_relay_notifications_total: 1, commitcast_relay_reads_total: 1 })).toBe(
    true,
  );
  // Saved for the first time a moment after the start, and seen at the next look.
  const age = await until(async () => {
    const { commitcast_leader_heartbeat_age_seconds: seconds } = await scrape(url);
    return seconds !== undefined && { seconds };
  });
  expect(age.seconds).toBeLessThan(30);
});

it('shows how long a commit holds the stream back, and whose it is', async () => {
  const database = await createDatabase();
  const gate = await createGate(database);
  const { url } = await startServer(database);
  await gate.close();
  const held = await gate.commitHeld();
  await append(database.pool, { org: 'acme', type: 'behind it', data: null });
  const waiting = `commitcast_settled_waiting_transactions{application="${supportName}"}`;
  await until(async () =>
    atLeast(await scrape(url), {
      [waiting]: 1,
      commitcast_settled_waiting_seconds: 0.02,
      commitcast_dispatch_lag_positions: 1,
    }),
  );
  await gate.open();
  await held.done;
  const series = await until(async () => {
    const seen = await scrape(url);
    return (
      seen[wait('count', 'transaction')] === 1 && seen['commitcast_dispatch_lag_positions'] === 0 && seen
    );
  });
  expect(series[wait('sum', 'transaction')]).toBeGreaterThan(0.02);
  expect(series['commitcast_settled_waiting_seconds']).toBe(0);
  expect(series).not.toHaveProperty([waiting]);
});

it('without a relay of its own, an instance has no series of one', async () => {
  const { url } = await startServer(await createDatabase(), { relay: false });
  const series = await scrape(url);
  expect(series['commitcast_relay_leading']).toBe(0);
  const ofRelay = Object.keys(series).filter((name) => /^commitcast_(?:relay|settled)_/.test(name));
  expect(ofRelay).toEqual(['commitcast_relay_leading']);
});

const reading = (head: number, waiting: boolean, names: string[] = []) => ({
  head,
  waiting,
  waitingFor: names.map((applicationName) => ({ transaction: '1/1', pid: 1, applicationName, ageMs: 1 })),
});

function watched() {
  let now = 0;
  const waits = new SettledWaits(() => now);
  const see = (at: number, ...seen: Parameters<typeof reading>) => {
    now = at;
    waits.see(reading(...seen));
  };
  return { waits, see };
}

describe('a wait for a missing position', () => {
  it('is of a commit when it is over before anybody had to be looked for', () => {
    const { waits, see } = watched();
    see(0, 4, false);
    see(10, 4, true);
    see(13, 4, true);
    expect(waits.seconds).toBe(0.003);
    see(15, 7, false);
    expect([waits.brief.count, waits.brief.sum, waits.held.count, waits.seconds]).toEqual([1, 0.005, 0, 0]);
  });

  it('is of a transaction when one was found that holds it', () => {
    const { waits, see } = watched();
    see(0, 4, true);
    see(20, 4, true, ['billing']);
    see(1_000, 4, true);
    see(2_000, 5, false);
    expect([waits.brief.count, waits.held.count, waits.held.sum]).toEqual([0, 1, 2]);
  });

  it('ends where the next one begins', () => {
    const { waits, see } = watched();
    see(0, 4, true, ['billing']);
    see(100, 6, true);
    see(150, 9, false);
    expect([waits.held.sum, waits.brief.sum]).toEqual([0.1, 0.05]);
  });

  it('is not counted when the relay stopped in the middle of it', () => {
    const { waits, see } = watched();
    see(0, 4, true);
    waits.forget();
    see(60_000, 4, false);
    expect([waits.brief.count, waits.held.count]).toEqual([0, 0]);
  });
});
