import type { Decider } from '../../src/stream/decider.ts';

export type AccountEvent =
  { type: 'deposited'; data: { amount: number } } | { type: 'withdrawn'; data: { amount: number } };

export type AccountCommand = { type: 'deposit' | 'withdraw'; amount: number } | { type: 'empty' };

export class InsufficientFunds extends Error {
  readonly code = 'INSUFFICIENT_FUNDS';
}

/** The state is the balance. */
export const account: Decider<number, AccountCommand, AccountEvent> = {
  initial: 0,
  evolve: (balance, { type, data }) => (type === 'deposited' ? balance + data.amount : balance - data.amount),
  decide(command, balance) {
    if (command.type === 'empty')
      return balance === 0 ? [] : [{ type: 'withdrawn', data: { amount: balance } }];
    const { amount } = command;
    if (command.type === 'deposit') return { type: 'deposited', data: { amount } };
    if (balance < amount) throw new InsufficientFunds(`only ${balance}`);
    return { type: 'withdrawn', data: { amount } };
  },
};
