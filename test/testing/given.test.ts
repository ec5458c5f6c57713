import { AssertionError } from 'node:assert';
import { describe, expect, it } from 'vitest';
import { given } from '../../src/testing/given.ts';
import { account, InsufficientFunds } from '../stream/account.ts';

const deposited = (amount: number) => ({ type: 'deposited', data: { amount } }) as const;
const withdrawn = (amount: number) => ({ type: 'withdrawn', data: { amount } }) as const;

describe('given, when, then', () => {
  it('agrees with what is decided: one event, several, or none', () => {
    given(account, deposited(50)).when({ type: 'withdraw', amount: 30 }).then(withdrawn(30));
    given(account, deposited(50)).when({ type: 'empty' }).then(withdrawn(50));
    given(account).when({ type: 'empty' }).then();
  });

  it('shows the difference when something else is decided, less, or more', () => {
    const outcome = given(account, deposited(50)).when({ type: 'withdraw', amount: 30 });
    expect(() => {
      outcome.then(withdrawn(31));
    }).toThrow(/30[^]*31/);
    expect(() => {
      outcome.then();
    }).toThrow(AssertionError);
    expect(() => {
      outcome.then(withdrawn(30), withdrawn(30));
    }).toThrow(AssertionError);
  });

  it('has the state before and after', () => {
    const before = given(account, deposited(50), withdrawn(10));
    expect(before.state).toBe(40);
    expect(before.when({ type: 'withdraw', amount: 15 }).state).toBe(25);
  });

  it('agrees with a refusal by its code, class or message', () => {
    const refused = given(account).when({ type: 'withdraw', amount: 1 });
    refused.thenFails('INSUFFICIENT_FUNDS');
    refused.thenFails(InsufficientFunds);
    refused.thenFails(/only 0/);
  });

  it('fails when the refusal is another one, or there is none', () => {
    const refused = given(account).when({ type: 'withdraw', amount: 1 });
    for (const other of ['VERSION_CONFLICT', RangeError, /enough/])
      expect(() => {
        refused.thenFails(other);
      }, String(other)).toThrow();
    expect(() => {
      refused.then();
    }).toThrow(InsufficientFunds);
    expect(() => refused.state).toThrow(InsufficientFunds);
    expect(() => {
      given(account, deposited(1)).when({ type: 'withdraw', amount: 1 }).thenFails('INSUFFICIENT_FUNDS');
    }).toThrow(AssertionError);
  });
});
