import { deepStrictEqual, throws } from 'node:assert/strict';
import type { CommitcastError } from '../core/errors.ts';
import type { Decided, Decider } from '../stream/decider.ts';
import type { EventContent } from '../stream/fold.ts';

/** A stream in which some events have happened. */
export interface Given<State, Command, Event extends EventContent> {
  readonly state: State;
  when(command: Command): Outcome<State, Event>;
}

/** What a command has led to. */
export interface Outcome<State, Event extends EventContent> {
  /** The state after what was decided. Throws what `decide` threw. */
  readonly state: State;
  /** Exactly these events were decided, in this order; none: nothing was. */
  then(...expected: readonly Decided<Event>[]): void;
  /** The command was refused: with this `code`, by an error of this class, or with a message that matches. */
  thenFails(expected: string | RegExp | (new (...values: never[]) => Error)): void;
}

/**
 * Tests the rules of a decider without a database. `then` and `thenFails` throw an `AssertionError`, with the difference,
 * when it was otherwise.
 *
 * @example
 * given(account, { type: 'deposited', data: { amount: 50 } })
 *   .when({ type: 'withdraw', amount: 30 })
 *   .then({ type: 'withdrawn', data: { amount: 30 } });
 */
export function given<State, Command, Event extends EventContent>(
  decider: Decider<State, Command, Event>,
  ...events: readonly NoInfer<Event>[]
): Given<State, Command, Event> {
  const after = (begin: State, more: readonly Event[]) =>
    more.reduce((state, event) => decider.evolve(state, event), begin);
  const state = after(decider.initial, events);
  return {
    state,
    when(command) {
      const decide = attempt(() => decider.decide(command, state));
      const decided = (): readonly Decided<Event>[] => {
        const result = decide();
        return Array.isArray(result) ? (result as readonly Decided<Event>[]) : [result as Decided<Event>];
      };
      return {
        get state() {
          return after(state, decided());
        },
        // The word of the pattern. Awaited by mistake, it fails: what it is given then are no events.
        // oxlint-disable-next-line unicorn/no-thenable
        then(...expected) {
          deepStrictEqual(decided(), expected);
        },
        thenFails(expected) {
          if (typeof expected !== 'string') throws(decided, expected);
          else
            throws(decided, ({ code }: Partial<CommitcastError>) => {
              deepStrictEqual(code, expected);
              return true;
            });
        },
      };
    },
  };
}

/** Does it once; then gives the result, or throws the error, as often as it is asked. */
function attempt<Result>(work: () => Result): () => Result {
  try {
    const result = work();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
