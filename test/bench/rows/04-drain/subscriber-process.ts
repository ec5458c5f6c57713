/* One stock Socket.IO client that comes with a cursor of before all, and wants everything. */
import { io } from 'socket.io-client';
import type { CommitcastEvent } from '../../../../src/core/event.ts';
import { signToken } from '../../../support/tokens.ts';
import { once } from '../../../support/until.ts';
import { answer } from '../../support/answer.ts';
import type { Backlog } from '../04-drain.ts';
import { drained, Tally, type Drained } from '../../support/tally.ts';

answer({
  drain: async ({ events, url = '', cursor }: Backlog): Promise<Drained> => {
    const tally = new Tally(events);
    let lastAt = NaN;
    const socket = io(url, {
      transports: ['websocket'],
      autoConnect: false,
      auth: { token: await signToken({ org_id: 'acme' }), cursor, subscriptions: [{ deep: true }] },
    });
    socket.on('events', (page: CommitcastEvent<{ n: number }>[]) => {
      for (const { data } of page) tally.take(data.n);
      lastAt = performance.now();
    });
    const live = once(socket, 'live', { timeoutMs: 300_000 });
    const began = performance.now();
    socket.connect();
    // It is said after the last event of the backlog.
    await live;
    socket.disconnect();
    return drained(tally, (lastAt - began) / 1_000);
  },
});
