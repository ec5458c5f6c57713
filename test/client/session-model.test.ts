import { assert, asyncProperty } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { commands, SessionModel } from './session-model.ts';

vi.mock('../../src/client/link.ts', async () => ({ Link: (await import('./model-link.ts')).ModelLink }));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  // Jitter is not what is tested here, and a run can be repeated.
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const numRuns = Number(process.env['MODEL_RUNS'] ?? 400);

describe('over lost links, slow and failing handlers, revocations and reloads', () => {
  it('each subscription handles each event after its beginning exactly once, in order', async () => {
    const property = asyncProperty(commands(false), async (all) => {
      const model = new SessionModel();
      expect(await model.run(all)).toEqual([]);
      expect(model.resets).toBe(0);
    });
    await assert(property, { numRuns, interruptAfterTimeLimit: 40_000 });
  });
});

describe('when history expires, and when the database is restored', () => {
  it('each subscription is told of a reset, or handles each event exactly once', async () => {
    const property = asyncProperty(commands(true), async (all) => {
      expect(await new SessionModel().run(all)).toEqual([]);
    });
    await assert(property, { numRuns, interruptAfterTimeLimit: 40_000 });
  });
});
