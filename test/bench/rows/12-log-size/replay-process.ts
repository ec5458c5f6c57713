/* A stock client that comes back, again and again, with the same cursor. */
import { io } from 'socket.io-client';
import type { CommitcastEvent } from '../../../../src/core/event.ts';
import { signToken } from '../../../support/tokens.ts';
import { once } from '../../../support/until.ts';
import { answer } from '../../support/answer.ts';
import { Tally } from '../../support/tally.ts';

export interface Replays {
  url: string;
  cursor: string;
  unit: string;
  /** Numbers in the data of the events that it has missed. */
  numbers: { after: number; every: number; count: number };
  times: number;
}

export interface Replayed {
  /** From each connect until `live`. */
  durationsMs: number[];
  missed: number;
  doubled: number;
  disordered: number;
}

answer({
  replay: async (replays: Replays): Promise<Replayed> => {
    const durationsMs: number[] = [];
    const sum = { missed: 0, doubled: 0, disordered: 0 };
    for (let time = 0; time < replays.times; time += 1) {
      const { durationMs, tally } = await replay(replays);
      durationsMs.push(durationMs);
      sum.missed += tally.missed;
      sum.doubled += tally.doubled;
      sum.disordered += tally.disordered;
    }
    return { durationsMs, ...sum };
  },
});

async function replay({
  url,
  cursor,
  unit,
  numbers,
}: Replays): Promise<{ durationMs: number; tally: Tally }> {
  const { after, every, count } = numbers;
  const tally = new Tally(count);
  const socket = io(url, {
    transports: ['websocket'],
    forceNew: true,
    autoConnect: false,
    reconnection: false,
    auth: { token: await signToken({ org_id: 'acme' }), cursor, subscriptions: [{ unit }] },
  });
  socket.on('events', (events: CommitcastEvent<{ n: number }>[]) => {
    for (const { data } of events) tally.take((data.n - after) / every);
  });
  const live = once(socket, 'live');
  const began = performance.now();
  socket.connect();
  await live;
  const durationMs = performance.now() - began;
  socket.disconnect();
  return { durationMs, tally };
}
