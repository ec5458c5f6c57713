import type { Bench, Measurement } from '../../harness/row.ts';
import { startChild, type Child } from '../../support/child.ts';
import { startRedis } from '../../support/redis.ts';
import { median, ms } from '../../support/samples.ts';
import { total } from '../../support/wire.ts';
import { startReplayClient, type Replayed } from './client.ts';
import { noisyUnits, sizesOf, textLength } from './sizes.ts';

const program = new URL('../../peers/recovery.mjs', import.meta.url).pathname;

/** Connection state recovery of Socket.IO: the sessions of three clients, one after the other, each in a room of its own. */
export async function measureRecovery(bench: Bench, store: 'memory' | 'redis'): Promise<Measurement> {
  const { small, large, noise, repetitions } = sizesOf(bench);
  const client = startReplayClient(bench);
  const options =
    store === 'memory' ? {} : { redisUrl: await startRedis(bench), maxLen: 10 * (small + 2 * large + noise) };
  let server = await start(bench, options);
  const all: Replayed[] = [];
  const values: Record<string, number> = {};
  const perEvent = Math.round(noise / large);
  const cases = {
    r1k: { count: small, perEvent: 0 },
    r10k: { count: large, perEvent: 0 },
    r10kNoise: { count: large, perEvent },
  };
  for (const [metric, { count, perEvent: noisy }] of Object.entries(cases)) {
    await client.prime(server.url, { unit: metric });
    await server.call('emit', { units: [metric], count: 1 });
    const session = await client.leave();
    await server.call('idle');
    bench.progress(`${metric}: emitting while it is away`);
    const load = { units: [metric], count, noise: noisy, others: noisyUnits, textLength };
    await server.call('emit', load);
    const replay = async () => {
      const auth = { unit: metric, ...session };
      const replayed = await client.replay({ url: server.url, auth, expected: count, until: 'count' });
      await server.call('idle');
      all.push(replayed);
      return ms(replayed.us);
    };
    const times: number[] = [];
    for (let n = 0; n < repetitions; n += 1) times.push(await replay());
    values[metric] = median(times);
    if (store === 'redis' && metric === 'r10k') {
      await server.stop();
      server = await start(bench, options);
      values['restart'] = await replay();
    }
  }
  return {
    values,
    ...total(all),
    ...(store === 'memory' && { note: 'nothing is left of its sessions after a restart' }),
  };
}

async function start(bench: Bench, options: object): Promise<Child & { url: string }> {
  const child = startChild(bench, { args: [program], core: bench.cores.server });
  const port = await child.call<number>('start', options);
  return { ...child, url: `http://127.0.0.1:${port}` };
}
