import type { Row, Variant } from '../harness/row.ts';
import { peerUnavailable } from '../support/peer.ts';
import { redisUnavailable } from '../support/redis.ts';
import { measureOurs } from './10-instances/ours.ts';
import { measureStock, type StockAdapter } from './10-instances/stock.ts';

const one = 'one instance';
const two = 'two, postgres adapter';
const stockPostgres = 'stock postgres adapter';

export const instances: Row = {
  number: 10,
  title: 'To a client of another instance',
  method:
    'Two instances; the first leads, and the client is on the second. Latency at 200 events a second, from the time ' +
    'at which each was due to be committed. Transactions of the instances and WAL at 1,000 events a second, one each ' +
    'transaction. The highest rate is that of the last step, in transactions of 10 events, whose p99 is below 100 ms. A ' +
    'stock server is told of each event over a socket and emits it: for it nothing is committed.',
  metrics: {
    p50: { label: 'p50', unit: 'ms' },
    p99: { label: 'p99', unit: 'ms' },
    rate: { label: 'highest rate', unit: '/s' },
    commits: { label: 'transactions of the instances per event', unit: '' },
    extra: { label: 'of these, for the second instance', unit: '' },
    wal: { label: 'WAL per event', unit: 'B' },
  },
  variants: [
    {
      name: one,
      kind: 'floor',
      always: true,
      measure: (bench) => measureOurs(bench, { instances: 1, adapter: 'postgres' }),
    },
    {
      name: two,
      kind: 'ours',
      always: true,
      measure: (bench) => measureOurs(bench, { instances: 2, adapter: 'postgres' }),
    },
    {
      name: 'two, redis adapter',
      kind: 'ours',
      always: false,
      unavailable: redisUnavailable,
      measure: (bench) => measureOurs(bench, { instances: 2, adapter: 'redis' }),
    },
    { ...stock(stockPostgres, 'postgres', ['pg', '@socket.io/postgres-adapter']), always: true },
    stock('stock redis adapter', 'redis', ['@redis/client', '@socket.io/redis-adapter']),
    stock('stock redis-streams adapter', 'redis-streams', [
      '@redis/client',
      '@socket.io/redis-streams-adapter',
    ]),
  ],
  goals: [
    { text: 'p50 ≤ 1.2 × one instance', metric: 'p50', of: two, against: [one], atMost: 1.2 },
    {
      text: 'rate ≥ 3 × the stock postgres adapter',
      metric: 'rate',
      of: two,
      against: [stockPostgres],
      atLeast: 3,
    },
    { text: '< 0.1 transactions per event for the second', metric: 'extra', of: two, atMost: 0.1 },
  ],
};

function stock(name: string, adapter: StockAdapter, packages: readonly string[]): Variant {
  return {
    name,
    kind: 'peer',
    always: false,
    unavailable: async () =>
      (adapter === 'postgres' ? undefined : await redisUnavailable()) ??
      peerUnavailable('socket.io', ...packages),
    measure: (bench) => measureStock(bench, adapter),
  };
}
