import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connect } from '../../src/client/index.ts';
import { ModelServer } from './model-server.ts';
import { SessionModel, type Command } from './session-model.ts';

// What a reader or the model has found once, and random runs would meet too seldom.
vi.mock('../../src/client/link.ts', async () => ({ Link: (await import('./model-link.ts')).ModelLink }));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const commandsOf = (text: string): Command[] =>
  text.split(', ').map((each) => {
    const [kind = '', a, b] = each.split(' ');
    return { kind, a: Number(a), b: Number(b) };
  });

it('an answer to a request that was given back says nothing of where a later one begins', async () => {
  const commands = commandsOf(
    'append 0 0, settle 0 0, subscribe 1 0, step 7 0, slow 0 0, append 1 0, append 0 1, unsubscribe 0 0, append 0 0, ' +
      'from 6 4, step 8 0, step 7 0',
  );
  expect(await new SessionModel().run(commands)).toEqual([]);
});

it('while a handler is in hand, one that lies before what is kept does not make the session connect without end', async () => {
  const server = (ModelServer.current = new ModelServer());
  const client = connect({ token: 'token' });
  client.onError(() => undefined);
  let finish: (() => void) | undefined;
  const slow = client.subscribe({ unit: 'u' });
  slow.on('*', () => new Promise<void>((resolve) => (finish = resolve)));
  const failing = client.subscribe({});
  let fails = true;
  failing.on('*', () => {
    if (fails) throw new Error('planned');
  });
  const settle = async () => {
    for (let n = 0; n < 30; n++) {
      for (const link of server.links) link.settle();
      await vi.advanceTimersByTimeAsync(1_000);
    }
  };
  await settle();
  server.append({});
  await settle();
  expect(failing.state.name).toBe('failed');
  fails = false;
  server.append({ unit: 'u' });
  await settle();
  server.expire();
  const { opened } = server;
  failing.retry();
  await settle();
  expect(server.opened - opened).toBeLessThanOrEqual(2);
  finish?.();
  await settle();
  expect(failing.state.name).toBe('active');
  expect(client.state.name).toBe('live');
  expect(server.opened - opened).toBeLessThanOrEqual(3);
  await client.close();
});
