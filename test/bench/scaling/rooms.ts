import { signToken } from '../../support/tokens.ts';
import type { Bench, Measurement } from '../harness/row.ts';
import { startSink } from '../support/sink.ts';
import { cpuUs } from '../support/cpu.ts';
import { ms } from '../support/samples.ts';
import { startServer } from '../support/server.ts';
import { startWriter, type Load } from '../support/writer.ts';
import { costOf, idleCost } from './cost.ts';
import { smaller, type Sweep } from './sweep.ts';

export const rooms: Sweep = {
  name: 'rooms',
  title: 'Rooms',
  method: `1,000 sockets are spread over so many rooms, one each; of 5,000 rooms each socket has five. A generator commits 1,000 events a
    second, one a transaction, to all rooms in turn. CPU time of the server’s process, without that of the same time idle,
    divided by events, and by deliveries. With one room every event goes to all 1,000 sockets, a million deliveries a second: there
    the server is at its limit, and sends what has gathered in one message.`,
  axis: { label: 'rooms', logarithmic: true },
  points: { smoke: [1, 50], whole: [1, 10, 100, 1_000, 5_000] },
  metrics: {
    event: { label: 'CPU of the server per event', unit: 'µs' },
    delivery: { label: 'CPU of the server per delivery', unit: 'µs' },
    together: { label: 'events in a message', unit: '' },
    late: { label: 'due → delivered, p99', unit: 'ms' },
  },
  charts: [
    {
      title: 'CPU of the server per event',
      unit: 'µs',
      lines: [{ metric: 'event', label: 'commitcast', kind: 'ours' }],
    },
    {
      title: 'CPU of the server per delivery',
      unit: 'µs',
      lines: [{ metric: 'delivery', label: 'commitcast', kind: 'ours' }],
    },
  ],
  open,
};

async function open(bench: Bench): Promise<(count: number) => Promise<Measurement>> {
  const databaseUrl = await bench.database('rooms');
  const server = await startServer(bench, { databaseUrl, adapter: 'memory' });
  const writer = await startWriter(bench, { databaseUrl });
  const sink = startSink(bench);
  const clients = smaller(bench, 20, 1_000);
  const token = await signToken();
  const metered = { cpuUs: () => cpuUs(server.process.pid ?? 0) };

  return async (count) => {
    const subscribed = Math.max(1, Math.ceil(count / clients));
    const auth = Array.from({ length: clients }, (_, client) => ({
      token,
      subscriptions: Array.from({ length: subscribed }, (_, n) => ({
        unit: `u${(client + n * clients) % count}`,
      })),
    }));
    await sink.disconnect();
    await sink.connect({ url: server.url, kind: 'commitcast', count: clients, auth });
    // Whole turns over all rooms: each of them gets as many.
    const each = (sent: number) => (sent / count) * subscribed;
    const send = async (load: Load) => (await writer.run({ ...load, units: count, dataBytes: 100 })).sent;
    const deliver = (load: Load, idle: number) =>
      costOf({ server: metered, sink, each, idle, send: () => send(load) });
    await deliver(warmUpOf(count), 0);
    const idle = await idleCost(metered, smaller(bench, 50, 400));

    const events = Math.max(count, smaller(bench, 100, 2_000));
    const perSecond = smaller(bench, 500, 1_000);
    const { us, sent, report } = await deliver({ perSecond, seconds: events / perSecond }, idle);
    const { missed, doubled, disordered, mostEvents } = report;
    if (mostEvents > each(sent))
      throw new Error(`A client got ${mostEvents} events, ${each(sent)} are its own`);
    return {
      values: {
        event: us / sent,
        delivery: us / (each(sent) * clients),
        together: report.events / report.messages,
        late: ms(report.latencyUs.p99),
      },
      missed,
      doubled,
      disordered,
    };
  };
}

/** All rooms at least once, quickly. */
function warmUpOf(count: number): Load {
  const eventsPerTransaction = 50;
  const transactions = Math.max(count, 500) / eventsPerTransaction;
  return { perSecond: 100, seconds: transactions / 100, eventsPerTransaction };
}
