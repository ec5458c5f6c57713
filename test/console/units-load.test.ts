import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadUnits, type LoadUnitsOptions } from '../../src/console/units/load-units.ts';
import { cursorOf, readSaved, save, type Saved, type Storage } from '../../src/console/units/saved-units.ts';
import { stateOfModel, type Model } from '../../src/console/units/units-state.ts';

const model = (position: number, head: number, wanted: number, epoch = 'aaaaaaaa'): Model => ({
  units: [],
  cursor: `${epoch}-${position}`,
  position,
  head,
  reached: position >= wanted,
});
const kept = (cursor: string): Saved => ({ cursor, state: stateOfModel(model(1, 1, 1)) });

/** Answers with these models, one after the other, and with the last one for ever. */
function load(answers: (Model | undefined)[], options: Partial<LoadUnitsOptions> = {}) {
  const asked: (string | undefined)[] = [];
  const { signal = new AbortController().signal } = options;
  const loaded = loadUnits({
    ask: async (after) => {
      asked.push(after);
      return answers[Math.min(asked.length, answers.length) - 1];
    },
    after: 'aaaaaaaa-100',
    saved: undefined,
    ...options,
    signal,
  });
  loaded.catch(() => {});
  // Its pauses.
  if (!signal.aborted) void vi.runAllTimersAsync();
  return { asked, loaded };
}

describe('loading the units', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('takes the read model as soon as it is where the session is, so that nothing is repeated', async () => {
    const { asked, loaded } = load([undefined, model(98, 100, 100), model(101, 101, 100)], {
      saved: kept('aaaaaaaa-99'),
    });
    expect((await loaded).cursor).toBe('aaaaaaaa-101');
    expect(asked).toEqual(['aaaaaaaa-100', 'aaaaaaaa-100', 'aaaaaaaa-100']);
  });

  it('goes on from what the tab has kept while the read model is rebuilt', async () => {
    const { asked, loaded } = load([model(10, 2_000, 100)], { saved: kept('aaaaaaaa-100') });
    expect((await loaded).cursor).toBe('aaaaaaaa-100');
    expect(asked.length).toBe(1);
  });

  it('never goes on from a state of another history, nor from one that is long ago', async () => {
    const rebuilding = model(10, 20_000, 100);
    const done = model(20_001, 20_001, 100);
    for (const cursor of ['bbbbbbbb-19990', 'aaaaaaaa-5000']) {
      const { loaded } = load([rebuilding, done], { saved: kept(cursor) });
      expect((await loaded).cursor).toBe(done.cursor);
    }
  });

  it('in a new tab takes the read model where it is when it stands still nearby, and waits when it is far', async () => {
    const still = load([model(80, 100, 100)]);
    expect((await still.loaded).cursor).toBe('aaaaaaaa-80');
    const far = load([...Array.from({ length: 8 }, () => model(80, 9_000, 100)), model(100, 9_000, 100)]);
    expect((await far.loaded).cursor).toBe('aaaaaaaa-100');
  });

  it('ends when nobody wants it any more, and passes on a refusal', async () => {
    const stopped = new AbortController();
    const { loaded } = load([undefined], { signal: stopped.signal });
    stopped.abort();
    await expect(loaded).rejects.toThrow('Nobody wants');
    const refusal = new Error('ORG_FORBIDDEN');
    await expect(load([], { ask: () => Promise.reject(refusal) }).loaded).rejects.toThrow('ORG_FORBIDDEN');
  });
});

/** As `sessionStorage`. */
function openStorage(): Storage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
  };
}

describe('what the tab keeps', () => {
  it('is what it was, for each org by itself; rubbish counts as nothing', () => {
    const store = openStorage();
    save(store, 'one', kept('aaaaaaaa-7'));
    expect(readSaved(store, 'one')).toEqual(kept('aaaaaaaa-7'));
    expect(readSaved(store, 'two')).toBeUndefined();
    for (const text of ['', '{}', 'null', '{"cursor":"a-1","state":{}}']) {
      store.setItem('commitcast:units:two', text);
      expect(readSaved(store, 'two')).toBeUndefined();
    }
  });

  it('has the session’s cursor only while it is live: in a replay the state may be behind it', () => {
    const state = stateOfModel(model(50, 50, 50));
    expect(cursorOf(state, 'aaaaaaaa-60', true)).toBe('aaaaaaaa-60');
    expect(cursorOf(state, 'aaaaaaaa-60', false)).toBe('aaaaaaaa-50');
    expect(cursorOf(state, 'aaaaaaaa-40', true)).toBe('aaaaaaaa-50');
    expect(cursorOf(state, 'bbbbbbbb-60', true)).toBe('aaaaaaaa-50');
    expect(cursorOf(state, undefined, true)).toBe('aaaaaaaa-50');
  });
});
