import { expect, it, vi } from 'vitest';
import { SessionModel } from './session-model.ts';
import { ModelSubscription } from './model-subscription.ts';
import { Subscribers } from '../../src/client/subscribers.ts';
import { Subscriber } from '../../src/client/subscriber.ts';
vi.mock('../../src/client/link.ts', async () => ({ Link: (await import('./model-link.ts')).ModelLink }));
it('x', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  for (const name of ['deliver', 'begin', 'reset', 'reached', 'deny', 'retry', 'restart'] as const) {
    const was = (Subscriber.prototype as any)[name];
    (Subscriber.prototype as any)[name] = function (...a: any[]) {
      console.log('LOG', name, JSON.stringify(a).slice(0, 100), this.state.name, this.cursor);
      return was.apply(this, a);
    };
  }
  for (const name of ['handshake', 'changes', 'accepted', 'live', 'answered', 'beginLate'] as const) {
    const was = (Subscribers.prototype as any)[name];
    (Subscribers.prototype as any)[name] = function (...a: any[]) {
      const r = was.apply(this, a);
      console.log(
        'LOG **',
        name,
        JSON.stringify(a).slice(0, 150),
        name === 'handshake' || name === 'changes' ? JSON.stringify(r) : '',
      );
      return r;
    };
  }
  const m = new SessionModel();
  expect(await m.run(JSON.parse(process.env['CE']!))).toEqual([]);
});
