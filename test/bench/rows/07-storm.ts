import { secret, signToken } from '../../support/tokens.ts';
import type { Bench, Measurement, Row } from '../harness/row.ts';
import { startChild } from '../support/child.ts';
import { peerUnavailable } from '../support/peer.ts';
import { startSink } from '../support/sink.ts';
import { measureOurs } from './07-storm/ours.ts';
import { clientsOf, missed, roomOf, rooms, stormMs } from './07-storm/sizes.ts';

const floor = 'bare reconnects';
const restarted = 'commitcast, after a restart';

export const storm: Row = {
  number: 7,
  title: 'All clients come back at once',
  method:
    '1,000 clients (full: 5,000) in 20 rooms are cut off, miss 50 events each, and come back at once, at most 250 ' +
    'of them in their handshake; measured until the last is live with all it missed. Five others get 50 live events a ' +
    'second meanwhile. Queries are the statements that read the log and that an instance does not use while nobody comes.',
  metrics: {
    storm: { label: 'until the last is live', unit: 'ms' },
    live: { label: 'live events meanwhile, p99', unit: 'ms' },
    queries: { label: 'queries for it', unit: '' },
  },
  variants: [
    { name: 'commitcast', kind: 'ours', always: true, measure: (bench) => measureOurs(bench, false) },
    { name: restarted, kind: 'ours', always: true, measure: (bench) => measureOurs(bench, true) },
    { name: floor, kind: 'floor', always: true, measure: measureFloor },
    {
      name: 'Socket.IO recovery, memory',
      kind: 'peer',
      always: true,
      unavailable: () => peerUnavailable('socket.io'),
      measure: measureRecovery,
    },
  ],
  goals: [
    { text: '≤ 1.3 × bare reconnects', metric: 'storm', of: 'commitcast', against: [floor], atMost: 1.3 },
    {
      text: 'after a restart ≤ 1.3 × bare reconnects',
      metric: 'storm',
      of: restarted,
      against: [floor],
      atMost: 1.3,
    },
    { text: 'queries ≤ rooms', metric: 'queries', of: 'commitcast', atMost: rooms },
    { text: 'queries after a restart ≤ rooms', metric: 'queries', of: restarted, atMost: rooms },
  ],
};

/** The same comings and goings, and nothing missed. */
async function measureFloor(bench: Bench): Promise<Measurement> {
  const count = clientsOf(bench);
  const args = [new URL('../floors/bare-reconnects.ts', import.meta.url).pathname];
  const server = startChild(bench, { args, core: bench.cores.server });
  const port = await server.call<number>('start', { secret });
  const sink = startSink(bench);
  const auth = await Promise.all(
    Array.from({ length: count }, async (_, n) => ({
      token: await signToken({ sub: `user-${n}` }),
      unit: roomOf(n),
    })),
  );
  const connect = () => sink.connect({ url: `http://127.0.0.1:${port}`, count, kind: 'socket.io', auth });
  await connect();
  await sink.disconnect();
  await connect();
  return { values: { storm: stormMs(await sink.report()) }, missed: 0, doubled: 0, disordered: 0 };
}

/** The middleware is skipped for sessions that come back, as it is by default: no token is verified. */
async function measureRecovery(bench: Bench): Promise<Measurement> {
  const count = clientsOf(bench);
  const args = [new URL('../peers/recovery.mjs', import.meta.url).pathname];
  const server = startChild(bench, { args, core: bench.cores.server });
  const url = `http://127.0.0.1:${await server.call<number>('start', {})}`;
  const sink = startSink(bench);
  const auth = Array.from({ length: count }, (_, n) => ({ unit: roomOf(n) }));
  await sink.connect({ url, count, kind: 'socket.io', auth });
  // Recovery begins after an event that the client has got.
  const units = Array.from({ length: rooms }, (_, n) => `s${n}`);
  await server.call('emit', { units, count: 1 });
  await sink.until(1);
  const places = await sink.places();
  await sink.disconnect();
  await server.call('idle');
  await server.call('emit', { units, count: missed });
  const sessions = auth.map((each, n) => ({ ...each, pid: places[n]?.pid, offset: places[n]?.place }));
  await sink.connect({ url, count, kind: 'socket.io', auth: sessions });
  await sink.until(missed);
  const after = await sink.places();
  const lost = after.filter(({ pid }, n) => pid !== places[n]?.pid).length;
  if (lost > 0) throw new Error(`${lost} sessions were not recovered`);
  const { disordered, doubled, missed: gone, ...report } = await sink.report(missed);
  return { values: { storm: stormMs(report) }, missed: gone, doubled, disordered };
}
