import { expect, it } from 'vitest';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { fold } from '../../src/stream/fold.ts';
import { account, type AccountEvent } from './account.ts';

const append = (text: string, part: string) => text + part;

async function* late() {
  yield await Promise.resolve('a');
  yield await Promise.resolve('b');
}

it('a fold takes events one by one, in their order, from what can be iterated at once or in time', async () => {
  expect(await fold(['a', 'b'], append, '-')).toBe('-ab');
  expect(await fold(late(), append, '-')).toBe('-ab');
  expect(await fold([], append, '-')).toBe('-');
});

it('a fold of committed events takes an evolve of the types that the stream has', async () => {
  const events: AccountEvent[] = [
    { type: 'deposited', data: { amount: 5 } },
    { type: 'withdrawn', data: { amount: 2 } },
  ];
  const committed = events.map((event, n): CommitcastEvent => ({
    position: n,
    id: '',
    org: 'acme',
    time: '',
    ...event,
  }));
  const balance: number = await fold(committed, account.evolve, account.initial);
  expect(balance).toBe(3);
  const last: number = await fold(committed, (_, { position }) => position, 0);
  expect(last).toBe(1);
});

const refusing = () => {
  throw new Error('not so');
};

it('a fold ends with the error of what it reads, or of evolve', async () => {
  await expect(fold(late(), refusing, 0)).rejects.toThrow('not so');
});
