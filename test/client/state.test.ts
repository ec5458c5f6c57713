import { readFileSync } from 'node:fs';
import { array, assert, constantFrom, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  longestDelayMs,
  transition,
  type ConnectionEvent,
  type ConnectionState,
} from '../../src/client/state.ts';
import { events, isExhaustive, states, table } from './state-transition-table.ts';

const rows = Object.keys(states) as (keyof typeof states)[];
const columns = Object.keys(events) as (keyof typeof events)[];
const attemptOf = (state: ConnectionState) => ('attempt' in state ? state.attempt : 0);

/** As the table writes it. */
function written(before: ConnectionState, after: ConnectionState): string {
  if (after === before) return '-';
  if (after.name === 'connecting') return after.renew ? 'connecting, new token' : 'connecting';
  if (after.name !== 'offline') return after.name;
  return after.until === 'drained' ? 'offline, drained' : `offline +${after.attempt - attemptOf(before)}`;
}

const anyEvent = constantFrom<ConnectionEvent>(...Object.values(events));
const start: ConnectionState = { name: 'connecting', attempt: 0, renew: false };

const cell = (text: string) => (text === '-' ? '' : text);
const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
const tidy = (text: string) => text.replaceAll(/ +/g, ' ').trim();
describe('a connection', () => {
  for (const row of rows)
    it(`does what the table says when it is ${row}`, () => {
      const state = states[row];
      const found = Object.fromEntries(
        columns.map((each) => [each, written(state, transition(state, events[each]))]),
      );
      expect(found).toEqual(table[row]);
      expect(isExhaustive).toEqual([true, true]);
    });

  it('has the table that SPEC.md shows', () => {
    const expected = columns.map((column) => line([column, ...rows.map((row) => cell(table[row][column]))]));
    const spec = readFileSync(new URL('../../src/client/SPEC.md', import.meta.url), 'utf8');
    const found = spec
      .split('\n')
      .filter((text) => text.startsWith('|'))
      .map(tidy);
    for (const each of [line(['event', ...rows]), ...expected]) expect(found).toContain(tidy(each));
  });

  it('stays closed whatever happens', () => {
    assert(property(anyEvent, (event) => transition(states.closed, event) === states.closed));
  });

  it('counts failed attempts, and begins again at 0 only after it was live, or was asked to after a denial', () => {
    assert(
      property(array(anyEvent, { maxLength: 60 }), (all) => {
        let state: ConnectionState = start;
        for (const event of all) {
          const next = transition(state, event);
          if (
            next.name !== 'closed' &&
            next.name !== 'denied' &&
            next.name !== 'live' &&
            state.name !== 'denied'
          )
            expect(attemptOf(next)).toBeGreaterThanOrEqual(attemptOf(state));
          if (event.type === 'lost' && next !== state) expect(attemptOf(next)).toBe(attemptOf(state) + 1);
          state = next;
        }
      }),
    );
  });

  it('can become live again from every state but closed', () => {
    const way: ConnectionEvent[] = [events.drained, events.connect, events.accepted, events.live];
    assert(
      property(array(anyEvent, { maxLength: 60 }), (all) => {
        const reached = all.reduce<ConnectionState>(transition, start);
        if (reached.name !== 'closed') expect(way.reduce(transition, reached).name).toBe('live');
      }),
    );
  });

  it('makes at most two attempts without a delay, whatever a server answers', () => {
    const answer = constantFrom<ConnectionEvent>(
      ...columns
        .filter(
          (each) => !['connect', 'rewind', 'due', 'wake', 'drained', 'overflow', 'close'].includes(each),
        )
        .map((each) => events[each]),
    );
    assert(
      property(array(answer, { maxLength: 80 }), (answers) => {
        let state: ConnectionState = start;
        let attempts = 1;
        for (const each of answers) {
          const next = transition(state, each);
          if (next.name === 'connecting' && next !== state) attempts += 1;
          expect(attempts).toBeLessThanOrEqual(2);
          // The driver waits; then it is another turn.
          if (next.name === 'offline') attempts = 1;
          state = next.name === 'offline' ? transition(next, events.due) : next;
        }
      }),
    );
  });

  it('waits longer after each failure, up to the longest wait', () => {
    assert(
      property(nat({ max: 10_000 }), (attempt) => {
        const delayMs = longestDelayMs(attempt);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(20_000);
        expect(longestDelayMs(attempt + 1)).toBeGreaterThanOrEqual(delayMs);
      }),
    );
  });
});
