import type { Bench, Measurement, Row } from '../harness/row.ts';
import { startChild } from '../support/child.ts';
import { peerUnavailable } from '../support/peer.ts';
import { redisUnavailable } from '../support/redis.ts';
import { median, ms } from '../support/samples.ts';
import { total } from '../support/wire.ts';
import { startReplayClient, type Replayed } from './06-replay/client.ts';
import { measureOurs } from './06-replay/ours.ts';
import { measureRecovery } from './06-replay/recovery.ts';
import { sizesOf, textLength } from './06-replay/sizes.ts';

const memory = 'Socket.IO recovery, memory';
const streams = 'Socket.IO recovery, Redis streams';

export const replay: Row = {
  number: 6,
  title: 'Replay for a client that was away',
  method:
    'One client connects with the place that it knows; measured from opening its socket until it is live with all it ' +
    'missed: 1,000 and 10,000 events of about 250 bytes, in the memory of the server, right after its start, and ' +
    'from the log without and with 100,000 events of other rooms among them. Median of the replays of a round.',
  metrics: {
    r10k: { label: '10k missed', unit: 'ms' },
    r1k: { label: '1k missed', unit: 'ms' },
    restart: { label: '10k, first after a start', unit: 'ms' },
    r10kLog: { label: '10k from the log', unit: 'ms' },
    r10kNoise: { label: '10k among 100k of others', unit: 'ms' },
    noise: { label: 'log with noise / without', unit: '×' },
  },
  variants: [
    { name: 'commitcast', kind: 'ours', always: true, measure: measureOurs },
    { name: 'socket write', kind: 'floor', always: true, measure: measureFloor },
    {
      name: memory,
      kind: 'peer',
      always: false,
      unavailable: () => peerUnavailable('socket.io'),
      measure: (bench) => measureRecovery(bench, 'memory'),
    },
    {
      name: streams,
      kind: 'peer',
      always: true,
      unavailable: async () =>
        (await redisUnavailable()) ??
        peerUnavailable('socket.io', '@redis/client', '@socket.io/redis-streams-adapter'),
      measure: (bench) => measureRecovery(bench, 'redis'),
    },
  ],
  goals: [
    { text: 'noise of other rooms ≤ 1.1 ×', metric: 'noise', of: 'commitcast', atMost: 1.1 },
    {
      text: '10k ≤ 1/10 of Redis streams',
      metric: 'r10k',
      of: 'commitcast',
      against: [streams],
      atMost: 0.1,
    },
    {
      text: '10k after a start ≤ 1/10 of Redis streams',
      metric: 'restart',
      of: 'commitcast',
      against: [streams],
      atMost: 0.1,
    },
  ],
};

async function measureFloor(bench: Bench): Promise<Measurement> {
  const { small, large, repetitions } = sizesOf(bench);
  const client = startReplayClient(bench);
  const all: Replayed[] = [];
  const values: Record<string, number> = {};
  for (const [metric, events] of Object.entries({ r1k: small, r10k: large })) {
    const server = startChild(bench, {
      args: [new URL('../floors/replay-write.ts', import.meta.url).pathname],
      core: bench.cores.server,
    });
    const port = await server.call<number>('start', { events, textLength });
    const times: number[] = [];
    for (let n = 0; n < repetitions; n += 1) {
      const replayed = await client.replay({
        url: `http://127.0.0.1:${port}`,
        expected: events,
        until: 'live',
      });
      all.push(replayed);
      times.push(ms(replayed.us));
    }
    values[metric] = median(times);
    await server.stop();
  }
  return { values, ...total(all), note: `${(all.at(-1)?.bytes ?? NaN) / 1_000} kB for ${large} events` };
}
